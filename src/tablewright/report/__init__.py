"""Reports as one self-contained page: data first (`summarize`), markup second (`render`)."""

from tablewright.report.page import render
from tablewright.report.summary import Page, summarize

__all__ = ["Page", "render", "summarize"]
