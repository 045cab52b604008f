"""Write what an evaluation found, in the form that the file's name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.evaluation.evaluate import Report


def check_report_output(report: Path, *others: Path) -> None:
    """Check before any work that a report can be written.

    Raises
    ------
    InputError
        If the ending or the folder is no good, or the name is taken by one of `others`.
    """
    from tablewright.tables.io.writing import check_output

    if report.suffix.lower() not in (".json", ".html"):
        raise InputError(f"{report}: the name of a report ends in .json or .html")
    check_output(report)
    if any(report.resolve() == other.resolve() for other in others):
        raise InputError(f"{report} is named twice; give the report another name")


def write_report(found: Report, report: Path) -> None:
    """Write a report as JSON or as an HTML page."""
    if report.suffix.lower() == ".json":
        found.to_json(report)
    else:
        found.to_html(report)
