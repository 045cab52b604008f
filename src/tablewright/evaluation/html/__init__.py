"""Reports as one self-contained page: data first (`summarize`), markup second (`render`)."""

from tablewright.evaluation.html.page import render
from tablewright.evaluation.html.summary import Page, summarize

__all__ = ["Page", "render", "summarize"]
