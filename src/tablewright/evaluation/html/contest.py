"""A comparison of methods as one page: the contest, and the winner's report below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tablewright.evaluation.html import curves
from tablewright.evaluation.html.page import (
    card,
    document,
    figure,
    heading,
    report_sections,
    table_of,
    todo,
)
from tablewright.evaluation.html.summary import Table, summarize
from tablewright.markup import Markup, element, number
from tablewright.metrics.scores import label

HEAD = ("method", "value", "gain", "95 % interval", "better than nothing in", "CPU seconds", "US $")


def render_contest(comparison: Mapping[str, Any], report: Mapping[str, Any] | None) -> str:
    """Write a comparison as HTML.

    Parameters
    ----------
    comparison : mapping
        ``Comparison.to_dict()``.
    report : mapping or None
        ``Report.to_dict()`` of the winner on rows that were set aside.
    """
    winner, facts = comparison["winner"], comparison.get("facts", {})
    table = facts.get("table")
    title = f"Which rows help {table}" if table else "Which rows help"
    said = [f"target {facts['target']}"] if facts.get("target") is not None else []
    said += [each for each in [facts.get("date")] if each]
    top = element(
        "header",
        heading(title, said),
        _winner(comparison, report),
        todo(_advice(comparison)),
    )
    pieces: list[object] = [top, element("div", _contest(comparison), id="numbers")]
    if report is not None:
        page = summarize(report)
        head = element("h2", f"{winner}, judged on rows that took no part in the contest")
        pieces.append(element("section", head, report_sections(page)))
        pieces.append(card(page.card))
    return document(", ".join([title, *said]), *pieces)


def _winner(comparison: Mapping[str, Any], report: Mapping[str, Any] | None) -> Markup:
    won = comparison["winner"] != "nothing"
    because = [rest] if (rest := comparison["sentence"].partition("; ")[2]) else []
    if report is not None:
        because.append(f"on rows set aside: {report['verdict']['sentence']}")
    because += [comparison["overtaking"]] if comparison["overtaking"] else []
    return element(
        "section",
        element("h2", "Which method wins?"),
        element("p", comparison["winner"] if won else "none: add nothing", class_="word"),
        element("ul", [element("li", each) for each in [*because, *comparison["notices"]]]),
        class_=f"answer {'good' if won else 'open'}",
    )


def _advice(comparison: Mapping[str, Any]) -> list[str]:
    if comparison["winner"] == "nothing":
        return ["Train on the real rows alone: no method shows a gain over that."]
    return ["Make rows with the winner, and go on testing on real rows that had no part in it."]


def _contest(comparison: Mapping[str, Any]) -> list[Markup | None]:
    measure = label(comparison["measure"])
    rows = [
        (
            _method(entry),
            [entry["gain"], *entry["interval"]],
            "mine" if entry["method"] == comparison["winner"] else None,
        )
        for entry in comparison["entries"]
        if entry["gain"] is not None and entry["interval"]
    ]
    words = f"Gain in {measure} over adding nothing, with 95 % intervals; right is better"
    drawn = curves.gains(rows, ("rows of", "gain"), words)
    grown = curves.sizes(_by_size(comparison["curves"]), measure)
    lines = [_line(entry) for entry in comparison["entries"]]
    head = [HEAD[0], measure, *HEAD[2:]]
    command = comparison["command"]
    return [
        element(
            "section",
            element("h2", "Contest ", element("small", "All on the same splits of the real rows")),
            None if drawn is None else figure(drawn, class_="whole"),
            None if grown is None else figure(grown, f"Gain in {measure} by training rows"),
            table_of(Table("All methods and controls", head, lines)),
            [element("h3", "The winner's rows"), element("pre", command)] if command else None,
        )
    ]


def _method(entry: Mapping[str, Any]) -> str:
    return f"{entry['method']} (control)" if entry["is_control"] else str(entry["method"])


def _line(entry: Mapping[str, Any]) -> Sequence[str | float | None]:
    interval = " to ".join(number(end) for end in entry["interval"] or ())
    if entry["value"] is None:
        return [_method(entry), None, None, entry["error"], None, None, None]
    cost = [None, None] if entry["is_control"] else [entry["seconds"], entry["money"]]
    improved = f"{entry['improved']:.0%} of splits" if interval else ""
    return [_method(entry), entry["value"], entry["gain"], interval, improved, *cost]


def _by_size(boards: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[int, dict[str, float]]:
    return {
        int(n): {e["method"]: e["gain"] for e in entries if e["gain"] is not None}
        for n, entries in boards.items()
    }
