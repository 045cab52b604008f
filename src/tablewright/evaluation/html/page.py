"""One page that needs no network: style, script, tables and plots in a single file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from tablewright.evaluation.html import curves, grids
from tablewright.evaluation.html.margins import margin, missing
from tablewright.evaluation.html.summary import Answer, Page, Section, Table, named
from tablewright.markup import Markup, element, join, number
from tablewright.metrics.scores import label
from tablewright.systems.mallm_gan.process import Process

_WIDE = frozenset({"meaning", "text"})
_RIGHT = frozenset({"95 % interval"})
_ARMS = ("real", "augmented", "synthetic")
MAX_SAID = 3
"""Sentences below an answer; all of them stand in their section."""


def render(page: Page) -> str:
    """Write a page as HTML.

    Returns
    -------
    str
        A whole document. Whatever the data hold is escaped; nothing is loaded from elsewhere.
    """
    contents = [
        element("li", element("a", section.title, href=f"#{section.key}"))
        for section in page.sections
    ]
    contents.append(element("li", element("a", "Data card", href="#card")))
    return document(
        ", ".join([page.title, *page.facts[:1], *page.facts[-1:]]),
        _top(page),
        element("nav", element("ul", contents), aria_label="Sections"),
        element("div", report_sections(page), id="numbers"),
        card(page.card),
    )


def report_sections(page: Page) -> list[Markup]:
    """Return the sections of a report, each with its plots and tables."""
    return [_section(page, part) for part in page.sections]


def document(title: str, *children: object) -> str:
    """Return a whole page; only its own style and script run, by their digests."""
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "img-src data:"
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name_="color-scheme", content="light dark"),
        element("title", title),
        Markup(f"<style>{style}</style>"),
    )
    body = element(
        "body",
        element("a", "Skip to the numbers", href="#numbers", class_="skip"),
        element("main", *children),
        element("div", id="tip", role="status", hidden=True),
        Markup(f"<script>{script}</script>"),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _asset(name: str) -> str:
    return files("tablewright.evaluation.html").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


# the first screen -----------------------------------------------------------------------


def _top(page: Page) -> Markup:
    report = page.report
    answers = element("div", [_answer(answer) for answer in page.answers], class_="answers")
    return element(
        "header",
        heading(page.title, page.facts),
        _aside("These numbers cannot be believed", report.get("alarms", ()), "alarms", "alert"),
        answers,
        todo(page.advice),
        _aside("Mind this", report["notices"], "notices", None),
    )


def heading(title: str, facts: Sequence[str]) -> Markup:
    """Return the title, and below it what it is about."""
    listed = element("ul", [element("li", fact) for fact in facts], class_="facts")
    return join([element("h1", title), listed])


def todo(advice: Sequence[str]) -> Markup | None:
    """Return what to do."""
    if not advice:
        return None
    steps = element("ol", [element("li", step) for step in advice])
    return element("section", element("h2", "What to do"), steps, class_="todo")


def _answer(answer: Answer) -> Markup:
    left = len(answer.because) - MAX_SAID
    more = element("li", f"and {left} more below") if left > 0 else None
    return element(
        "section",
        element("h2", answer.question),
        element("p", answer.word, class_="word"),
        element("ul", [element("li", sentence) for sentence in answer.because[:MAX_SAID]], more),
        class_=f"answer {answer.tone}",
    )


def _aside(title: str, points: Sequence[str], class_: str, role: str | None) -> Markup | None:
    if not points:
        return None
    items = element("ul", [element("li", point) for point in points])
    return element("section", element("h2", title), items, class_=class_, role=role)


# sections -------------------------------------------------------------------------------


def _section(page: Page, section: Section) -> Markup:
    plots = _plots(page, section.key)
    tables = [table_of(table) for table in section.tables]
    if plots:
        tables = [element("details", element("summary", "All numbers"), tables)]
    return element(
        "section",
        element("h2", section.title, " ", element("small", section.question)),
        _listed(section.findings, "findings"),
        plots,
        tables,
        _listed(section.notes, "note"),
        id=section.key,
    )


def _listed(sentences: Sequence[str], class_: str) -> Markup | None:
    items = [element("li", sentence) for sentence in sentences]
    return element("ul", items, class_=class_) if items else None


def _plots(page: Page, key: str) -> list[Markup]:
    plots = page.report.get("pictures", {})
    if key == "utility":
        return [*_gains(page.report), *_predictions(plots.get("predictions", {}))]
    if key == "fidelity" and plots:
        return [*_columns(plots), *_pairs(plots), *_process(plots), *_parts(plots)]
    return []


def _gains(report: Mapping[str, Any]) -> list[Markup]:
    measure = report["verdict"].get("measure") or ""
    arms = sorted(report["arms"], key=lambda arm: arm["arm"] != "augmented")
    rows = [
        (named(arm["arm"]), gain, "mine" if arm["arm"] == "augmented" else None)
        for arm in arms
        if (gain := arm["gains"].get(measure))
    ]
    caption = f"Gain in {label(measure)} over real rows alone, with 95 % intervals; right is better"
    drawn = curves.gains(rows, ("a model that learned from", "gain"), caption)
    return [] if drawn is None else [figure(drawn, class_="whole")]


def _predictions(data: Mapping[str, Any]) -> list[Markup]:
    if not data:
        return []
    learner = {"linear": "a linear model"}.get(data["learner"], data["learner"])
    judge = f"{learner}, on {data['rows']:,} real rows set aside"
    drawn = []
    if data.get("curves"):
        lines = data["curves"]
        drawn += [
            element("h3", f"How the rarest class, {lines['class']}, is found"),
            _key({arm: f"{named(arm)}, AUC {each['auc']:.2f}"
                  for arm, each in lines["lines"].items()}),
            _grid([(curves.roc(lines), "ROC curve. Dotted: chance."),
                   (curves.precision(lines), "Precision and recall. Dotted: chance.")]),
            element("p", f"By {judge}.", class_="note"),
        ]  # fmt: skip
    if data.get("confusion"):
        counts = data["confusion"]
        matrices = [(grids.confusion(counts, arm), f"Learned from {named(arm)}") for arm in _ARMS]
        words = f"By {judge}. A row of cells is a real class; blue is right, red is wrong."
        drawn += [element("h3", "What each class is taken for"), _grid(matrices)]
        drawn.append(element("p", words, class_="note"))
    if data.get("fit"):
        fits = [(grids.fit(data["fit"], arm), f"Learned from {named(arm)}") for arm in _ARMS]
        drawn += [element("h3", "Predicted against true values"), _grid(fits)]
        drawn.append(
            element("p", f"By {judge}. Good predictions lie on the diagonal.", class_="note")
        )
    return drawn


def _columns(plots: Mapping[str, Any]) -> list[Markup]:
    margins = [(margin(data), f"{data['column']}, {_unit(data)}") for data in plots["margins"]]
    key = _key({"real": "real rows", "synthetic": "generated rows"})
    drawn = [element("h3", "Columns, by share of rows"), key, _grid(margins)]
    holes = missing(plots["margins"])
    if holes is None:
        return [*drawn, element("p", "No column has a missing cell.", class_="note")]
    return [*drawn, element("h3", "Missing cells"), key, _grid([(holes, "Share of cells")])]


def _unit(data: Mapping[str, Any]) -> str:
    return "length of text" if data["kind"] == "text" else str(data["kind"])


def _pairs(plots: Mapping[str, Any]) -> list[Markup]:
    drawn: list[Markup] = []
    if matrices := grids.associations(plots["pairs"]):
        scrolled = [(scroll(matrix, "Associations"), words) for matrix, words in matrices]
        drawn += [element("h3", "Which columns go together"), _grid(scrolled, "plots wide")]
        scale = (
            "0: two columns do not go together; 1 or −1: one follows from the other. "
            "To the right, blank is good: the tie is the same in generated rows."
        )
        drawn.append(element("p", scale, class_="note"))
    if densities := plots.get("densities"):
        hidden = "Cells with fewer than three real rows are left blank, so that they name nobody."
        drawn += [
            element("h3", "Pairs of columns that differ most"),
            _grid([(grids.pair(data), _title(data)) for data in densities]),
            element("p", hidden, class_="note"),
        ]
    if (whole := grids.plain_density(plots["map"])) is not None:
        share = f"{plots['map']['explained']:.0%}"
        words = f"Two principal components of the real rows, {share} of their variance"
        drawn += [element("h3", "All columns at once"), _grid([(whole, words)])]
    return drawn


def _title(data: Mapping[str, Any]) -> str:
    return f"{data['x']['column']} and {data['y']['column']}"


def _process(plots: Mapping[str, Any]) -> list[Markup]:
    """Draw the process that the rows come of, where a system has one."""
    if "process" not in plots:
        return []
    data = plots["process"]
    process = Process.from_data(data, list(data["graph"]))
    notes = [f"not supported by the data: {a} -> {b}" for a, b in process.unsupported]
    words = "; ".join(["Causes stand above their effects", *notes])
    graph = scroll(Markup(process.graph.to_svg()), "Causal graph")
    return [
        element("h3", "Process that the rows come of"),
        figure(graph, f"{words}.", "whole"),
        element("p", process.task),
    ]


def _parts(plots: Mapping[str, Any]) -> list[Markup]:
    """Draw the parts that rows are written for, where a system has them."""
    if "parts" not in plots:
        return []
    words = "A row is in the first part of which it meets a rule."
    return [
        element("h3", "Parts that rows are written for"),
        _grid([(grids.parts(plots["parts"]), words)]),
    ]


# pieces ---------------------------------------------------------------------------------


def figure(drawn: Markup, words: str | None = None, class_: str | None = None) -> Markup:
    """Return a plot with its caption."""
    caption = None if words is None else element("figcaption", words)
    return element("figure", drawn, caption, class_=class_)


def _grid(drawn: Sequence[tuple[Markup, str]], class_: str = "plots") -> Markup:
    return element("div", [figure(*each) for each in drawn], class_=class_)


def _key(names: Mapping[str, str]) -> Markup:
    """Return what colours stand for."""
    return element(
        "ul",
        [
            element("li", element("span", class_=f"swatch {arm}", aria_hidden="true"), name)
            for arm, name in names.items()
        ],
        class_="key",
    )


def scroll(content: Markup, label: str) -> Markup:
    """Return what may be wider than the page; the script says so where it is."""
    return element("div", content, class_="scroll", tabindex=0, role="group", aria_label=label)


def table_of(table: Table) -> Markup:
    """Return a table that can be sorted."""
    heads = [
        element("th", element("button", name, type="button"), scope="col", class_=_kind(column))
        for name, column in zip(table.head, zip(*table.rows, strict=True), strict=True)
    ]
    rows = [element("tr", _cells(table, row)) for row in table.rows]
    body = element(
        "table",
        element("thead", element("tr", heads)),
        element("tbody", rows),
        class_="sortable",
        aria_label=table.caption,
    )
    # not a caption of the table, which would scroll out of sight with it
    return join([element("p", table.caption, class_="caption"), scroll(body, table.caption)])


def _cells(table: Table, row: Sequence[str | float | None]) -> list[Markup]:
    cells = []
    for i, (name, value) in enumerate(zip(table.head, row, strict=True)):
        if not isinstance(value, str):
            cells.append(element("td", number(value), class_="number", data_value=value))
        elif i:
            kind = "wide" if name in _WIDE else "number" if name in _RIGHT else None
            cells.append(element("td", value, class_=kind))
        else:
            cells.append(element("th", _breakable(value), scope="row"))
    return cells


def _kind(column: Sequence[str | float | None]) -> str | None:
    return None if all(isinstance(value, str) for value in column) else "number"


def _breakable(name: str) -> list[object]:
    """Let a long name break after an underscore."""
    first, *rest = name.split("_")
    return [first, *([["_", element("wbr"), part] for part in rest])]


def card(rows: Sequence[tuple[str, str]]) -> Markup:
    """Return the data card."""
    listed = [element("div", element("dt", name), element("dd", value)) for name, value in rows]
    return element("section", element("h2", "Data card"), element("dl", listed), id="card")
