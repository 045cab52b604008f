"""Reports as one self-contained page: data first (`summarize`), markup second (`render`)."""

from tablewright.evaluation.html.contest import render_contest
from tablewright.evaluation.html.page import render
from tablewright.evaluation.html.summary import Page, summarize

__all__ = ["Page", "render", "render_contest", "summarize"]
