"""Cells of two directions: associations, densities of pairs, confusion of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tablewright.evaluation.html.svg import (
    WIDTH,
    box,
    drawing,
    legend,
    percent,
    shade,
    short,
    words,
)
from tablewright.markup import Markup, element, number

_PANEL = 108.0
"""Side of one of the two panels of a density."""


def associations(pairs: Mapping[str, Any]) -> list[tuple[Markup, str]]:
    """Draw how strongly columns go together in real rows, and how generated rows differ.

    Returns
    -------
    list of (markup, caption)
        Nothing for a single column.
    """
    names, n = pairs.get("columns", []), len(pairs.get("columns", []))
    if n < 2:
        return []
    change = [
        [2 * (other - real) for real, other in zip(first, second, strict=True)]
        for first, second in zip(pairs["real"], pairs["synthetic"], strict=True)
    ]
    tips = [
        [f"{a} and {b}: real {number(pairs['real'][i][j], 2)}, generated "
         f"{number(pairs['synthetic'][i][j], 2)}" for j, b in enumerate(names)]
        for i, a in enumerate(names)
    ]  # fmt: skip
    first = _matrix("Association of pairs in real rows", names, pairs["real"], tips)
    second = _matrix("Association of pairs, generated minus real", names, change, tips)
    return [
        (element("div", first, legend("above", "−1", "1", "0")),
         "In real rows"),
        (element("div", second, legend("above", "−0.5", "+0.5", "0")),
         "Generated rows minus real rows"),
    ]  # fmt: skip


def _matrix(
    title: str,
    names: Sequence[str],
    values: Sequence[Sequence[float]],
    tips: Sequence[Sequence[str]],
) -> Markup:
    """Draw the lower half of a matrix; names of columns climb its diagonal."""
    n = len(names)
    side = max(13.0, min(26.0, 200 / n))
    left, top = 112.0, 40.0
    cells = [
        box(left + j * side, top + i * side, side - 1, side - 1, data_tip=tips[i][j],
            **shade(values[i][j], "above"))
        for i in range(n) for j in range(i)
    ]  # fmt: skip
    grounds = [box(left, top + i * side, i * side, side - 1, class_="ground") for i in range(1, n)]
    labels = []
    for i, name in enumerate(names):
        y = top + (i + 0.5) * side + 4
        labels.append(words(left - 5, y, short(name, 14), "end"))
        x = left + (i + 0.5) * side
        labels.append(words(x, y, short(name, 12), transform=f"rotate(-30 {x:.0f} {y:.0f})"))
    width = max(WIDTH, left + n * side + 80)
    return drawing(title, width, top + n * side + 4, grounds, cells, labels)


def pair(data: Mapping[str, Any]) -> Markup:
    """Draw where rows lie in two columns: real ones to the left, generated ones to the right."""
    x, y = data["x"], data["y"]
    title = f"{x['column']} and {y['column']}: where real and generated rows lie"
    left, top, gap = 70.0, 22.0, 12.0
    most = max([*map(max, data["real"]), *map(max, data["synthetic"]), 1e-9])
    panels: list[object] = []
    for k, (kind, name) in enumerate((("real", "real"), ("synthetic", "generated"))):
        at = left + k * (_PANEL + gap)
        panels.append(words(at + _PANEL / 2, 14, name, "middle", class_="strong"))
        panels.append(_density(data[kind], data, at, top, most, name))
        panels += _below(x, at, top + _PANEL)
    beside = [
        words(left - 5, top + _PANEL * (1 - at) + 4, short(text, 8), "end")
        for at, text in _few(y["ticks"], y["numeric"])
    ]
    foot = top + _PANEL
    across = words(left + _PANEL + gap / 2, foot + 34, short(x["column"], 34), "middle")
    middle = top + _PANEL / 2
    turn = f"rotate(-90 12 {middle:g})"
    up = words(12, middle, short(y["column"], 17), "middle", transform=turn)
    drawn = drawing(title, WIDTH, foot + 40, panels, beside, across, up)
    return element("div", drawn, legend("above", "0 %", f"{percent(most)} of rows"))


def _density(
    shares: Sequence[Sequence[float]],
    data: Mapping[str, Any],
    left: float,
    top: float,
    most: float,
    name: str,
) -> list[Markup]:
    """Draw one panel; the first row of cells stands at its foot."""
    tall, wide = _PANEL / max(len(shares), 1), _PANEL / max(len(shares[0]), 1)
    names = data["x"]["names"], data["y"]["names"]
    cells = [
        box(left + j * wide, top + _PANEL - (i + 1) * tall, wide - 0.5, tall - 0.5,
            data_tip=_cell(names[0][j], names[1][i], share, name),
            **shade((share / most) ** 0.6, "above"))
        for i, row in enumerate(shares) for j, share in enumerate(row) if share
    ]  # fmt: skip
    return [box(left, top, _PANEL, _PANEL, class_="ground"), *cells]


def _cell(x: str, y: str, share: float, name: str) -> str | None:
    """Say what a cell holds; nothing where columns have no units."""
    return f"{x}; {y}: {percent(share)} of {name} rows" if x else None


def _few(ticks: Sequence[tuple[float, str]], numeric: bool) -> list[tuple[float, str]]:
    """Return all values of a category, and of numbers the first, a middle and the last mark."""
    if not numeric or len(ticks) < 4:
        return list(ticks)
    return [ticks[0], *(ticks[len(ticks) // 2 : len(ticks) // 2 + len(ticks) % 2]), ticks[-1]]


def _below(axis: Mapping[str, Any], left: float, foot: float) -> list[Markup]:
    """Write marks below a panel: those of numbers at both ends, up to three values, or two."""
    ticks = axis["ticks"]
    if not axis["numeric"] and len(ticks) <= 3:
        length = 18 // max(len(ticks), 1)
        return [
            words(left + at * _PANEL, foot + 16, short(text, length), "middle")
            for at, text in ticks
        ]
    if not axis["numeric"]:
        ticks = [(0.0, ticks[0][1]), (1.0, ticks[-1][1])]
    return [
        words(left + at * _PANEL, foot + 16, short(text, 9), anchor)
        for at, text in dict.fromkeys([tuple(ticks[0]), tuple(ticks[-1])] if ticks else [])
        for anchor in ["start" if at < 0.2 else "end" if at > 0.9 else "middle"]
    ]


def plain_density(data: Mapping[str, Any]) -> Markup | None:
    """Draw where rows lie in a plane without units."""
    if not data:
        return None
    n = len(data["real"])
    names = [""] * n
    blank = {"column": "", "names": names, "ticks": [], "numeric": True}
    axes = {
        "x": {**blank, "column": "first component"},
        "y": {**blank, "column": "second component"},
    }
    return pair({**data, **axes})


def fit(data: Mapping[str, Any], kind: str) -> Markup:
    """Draw true against predicted numbers of one arm as a density."""
    shares = data["shares"][kind]
    left, top, side = 66.0, 8.0, 200.0
    n = max(len(shares), 1)
    most = max([*map(max, shares), 1e-9])
    cell = side / n
    cells = [
        box(left + j * cell, top + side - (i + 1) * cell, cell - 0.5, cell - 0.5,
            data_tip=f"true {data['names'][j]}, predicted {data['names'][i]}: {percent(share)}",
            **shade((share / most) ** 0.6, "above"))
        for i, row in enumerate(shares) for j, share in enumerate(row) if share
    ]  # fmt: skip
    ticks = _few(data["ticks"], True)
    texts = [words(left - 5, top + side * (1 - at) + 4, text, "end") for at, text in ticks]
    texts += [words(left + side * at, top + side + 16, text, "middle") for at, text in ticks]
    texts.append(words(left + side / 2, top + side + 34, "true", "middle"))
    turn = f"rotate(-90 12 {top + side / 2:g})"
    texts.append(words(12, top + side / 2, "predicted", "middle", transform=turn))
    ground = box(left, top, side, side, class_="ground")
    title = f"{data['column']}: true and predicted values"
    return drawing(title, WIDTH, top + side + 40, ground, cells, texts)


def confusion(data: Mapping[str, Any], kind: str) -> Markup:
    """Draw how many rows of each class were taken for which class by one arm."""
    classes, counts = data["classes"], data["counts"][kind]
    n = len(classes)
    left, top = 96.0, 40.0
    side = min(64.0, (WIDTH - left - 8) / n)
    cells = []
    for i, row in enumerate(counts):
        total = max(sum(row), 1)
        for j, count in enumerate(row):
            x, y = left + j * side, top + i * side
            tip = f"{classes[i]} taken for {classes[j]}: {number(count)} of {number(total)} rows"
            colour = shade(count / total, "above" if i == j else "wrong")
            cells.append(box(x, y, side - 1, side - 1, data_tip=tip, **colour))
            if side >= 26:
                strong = "inverse" if count / total > 0.6 else None
                place = x + side / 2, y + side / 2 + 4
                cells.append(words(*place, number(count), "middle", class_=strong))
    labels = [
        words(left - 6, top + (i + 0.5) * side + 4, short(name, 14), "end")
        for i, name in enumerate(classes)
    ]
    labels += [
        words(left + (j + 0.5) * side, top - 6, short(name, max(3, int(side / 7))), "middle")
        for j, name in enumerate(classes)
    ]
    labels += [words(left, 14, "taken for"), words(left - 6, 14, "real class", "end")]
    ground = box(left, top, n * side, n * side, class_="ground")
    title = "Classes of holdout rows, and what they were taken for"
    return drawing(title, WIDTH, top + n * side + 4, ground, cells, labels)


def parts(listed: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the parts of a table: a bar for the rows of each, with its error and its rules."""
    longest = max([1, *(part["rows"] for part in listed)])
    drawn = [_part(part, 52 * i + 14, longest) for i, part in enumerate(listed)]
    title = "Parts of the table: rows of each, error of its model, and its rules"
    return drawing(title, WIDTH, 52 * len(listed) + 4, drawn)


def _part(part: Mapping[str, Any], y: float, longest: int) -> list[Markup]:
    rules = " or ".join(part["rules"]) or "all other rows"
    label = f"{number(part['rows'])} rows"
    if part["error"] is not None:
        label += f", error {number(part['error'])}"
    return [
        words(0, y, short(part["name"], 18), class_="strong"),
        words(WIDTH, y, label, "end"),
        box(0, y + 5, max(WIDTH * part["rows"] / longest, 1), 9, class_="bar made"),
        words(0, y + 28, short(rules, 46)),
        box(0, y - 12, WIDTH, 46, class_="zone", data_tip=f"{part['name']}: {rules}"),
    ]
