"""One page that needs no network: style, script, tables and pictures in a single file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from tablewright.evaluation.html.summary import Answer, Page, Section, Table
from tablewright.evaluation.html.svg import gains, heat_map, margin, parts, scatter
from tablewright.markup import Markup, element, join, number
from tablewright.systems.mallm_gan.process import Process

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_WIDE = frozenset({"meaning", "text"})


def render(page: Page) -> str:
    """Write a page as HTML.

    Returns
    -------
    str
        A whole document. Whatever the data hold is escaped; nothing is loaded from elsewhere.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", page.title),
        Markup(f"<style>{_asset('page.css')}</style>"),
    )
    body = element(
        "body",
        element("a", "Skip to the numbers", href="#utility", class_="skip"),
        element("main", _top(page), [_section(page, part) for part in page.sections], _card(page)),
        element("div", id="tip", role="status", hidden=True),
        Markup(f"<script>{_asset('page.js')}</script>"),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return files("tablewright.evaluation.html").joinpath(name).read_text(encoding="utf-8")


def _top(page: Page) -> Markup:
    answers = element("div", [_answer(answer) for answer in page.answers], class_="answers")
    report = page.report
    alarms = _aside("These numbers cannot be believed", report.get("alarms", ()), "alarms", "alert")
    notices = _aside("Mind this", report["notices"], "notices", None)
    return element("header", element("h1", page.title), alarms, answers, notices)


def _answer(answer: Answer) -> Markup:
    return element(
        "section",
        element("h2", answer.question),
        element("p", answer.word, class_="word"),
        element("ul", [element("li", sentence) for sentence in answer.because]),
        class_=f"answer {answer.tone}",
    )


def _aside(heading: str, points: Sequence[str], class_: str, role: str | None) -> Markup | None:
    if not points:
        return None
    items = element("ul", [element("li", point) for point in points])
    return element("aside", element("h2", heading), items, class_=class_, role=role)


def _section(page: Page, section: Section) -> Markup:
    return element(
        "section",
        element("h2", section.title),
        _plots(page, section.key),
        [_table(table) for table in section.tables],
        element("ul", [element("li", note) for note in section.notes]) if section.notes else None,
        id=section.key,
    )


def _plots(page: Page, key: str) -> Markup | None:
    if key == "utility":
        measure = page.report["verdict"].get("measure") or ""
        drawn = gains(page.report["arms"], measure)
        words = f"Gain in {measure} over real rows alone, with 95 % intervals. Right is better."
        return None if drawn is None else _figure(drawn, words)
    return join(_fidelity(page.report.get("pictures", {}))) if key == "fidelity" else None


def _fidelity(plots: Mapping[str, Any]) -> list[Markup | None]:
    if not plots:
        return []
    margins = [
        _figure(margin(data), f"{data['column']} ({data['kind']})") for data in plots["margins"]
    ]
    heat, rows = heat_map(plots["pairs"]), scatter(plots["map"])
    key = element("p", "Line: real rows. Bars: generated rows. Hover for shares.", class_="key")
    reported = (
        "Associations: real rows below the diagonal, twice the difference (generated minus real) "
        "above it. Orange is positive, blue negative, white none."
    )
    seen = "Rows in two principal components of the real rows: rings are real, dots generated."
    return [
        element("h3", "Columns"),
        key,
        element("div", margins, class_="margins"),
        None if heat is None else _figure(heat, reported),
        None if rows is None else _figure(rows, seen),
        *_process(plots),
        *_parts(plots),
    ]


def _process(plots: Mapping[str, Any]) -> list[Markup]:
    """Draw the process that the rows come of, where a system has one."""
    if "process" not in plots:
        return []
    data = plots["process"]
    process = Process.from_data(data, list(data["graph"]))
    notes = [f"not supported by the data: {a} -> {b}" for a, b in process.unsupported]
    words = "; ".join(["Causes stand above their effects", *notes])
    return [
        element("h3", "Process that the rows come of"),
        _figure(Markup(process.graph.to_svg()), f"{words}."),
        element("p", process.task),
    ]


def _parts(plots: Mapping[str, Any]) -> list[Markup]:
    """Draw the parts that rows are written for, where a system has them."""
    if "parts" not in plots:
        return []
    words = "A row is in the first part of which it meets a rule. Hover for whole rules."
    return [
        element("h3", "Parts that rows are written for"),
        _figure(parts(plots["parts"]), words),
    ]


def _figure(drawn: Markup, words: str) -> Markup:
    return element("figure", drawn, element("figcaption", words))


def _table(table: Table) -> Markup:
    heads = [
        element("th", element("button", name, type="button"), scope="col") for name in table.head
    ]
    rows = [element("tr", _cells(table, row)) for row in table.rows]
    body = element(
        "table",
        element("caption", table.caption),
        element("thead", element("tr", heads)),
        element("tbody", rows),
        class_="sortable",
    )
    return element(
        "div", body, class_="scroll", tabindex="0", role="region", aria_label=table.caption
    )


def _cells(table: Table, row: Sequence[str | float | None]) -> list[Markup]:
    cells = []
    for i, (name, value) in enumerate(zip(table.head, row, strict=True)):
        if not isinstance(value, str):
            cells.append(element("td", number(value), class_="number", data_value=value))
        elif i:
            cells.append(element("td", value, class_="wide" if name in _WIDE else None))
        else:
            cells.append(element("th", value, scope="row"))
    return cells


def _card(page: Page) -> Markup:
    rows = [element("div", element("dt", name), element("dd", value)) for name, value in page.card]
    return element("section", element("h2", "Data card"), element("dl", rows), id="card")
