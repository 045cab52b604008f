"""Single columns: shares of real and generated rows, and of missing cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tablewright.evaluation.html.svg import (
    WIDTH,
    box,
    drawing,
    line,
    path,
    percent,
    round_ticks,
    scale,
    short,
    words,
)
from tablewright.markup import Markup

_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 294.0, 10.0, 96.0
_LABELS = 104.0
_ROW = 22.0


def margin(data: Mapping[str, Any]) -> Markup:
    """Draw one column: a histogram of numbers, or a pair of bars for each value."""
    title = f"{data['column']}: shares of real and of generated rows"
    if not data["real"]:
        return drawing(title, WIDTH, 40, words(WIDTH / 2, 24, "no values", "middle"))
    top = max([*data["real"], *data["synthetic"], 1e-9])
    return _histogram(data, title, top) if data["numeric"] else _bars(data, title, top)


def _tip(data: Mapping[str, Any], i: int) -> str:
    shares = percent(data["real"][i]), percent(data["synthetic"][i])
    return f"{data['names'][i]}: real {shares[0]}, generated {shares[1]}"


def _histogram(data: Mapping[str, Any], title: str, top: float) -> Markup:
    """Draw generated rows as bars and real rows as a stepped line."""
    across = scale(0, len(data["real"]), _LEFT, _RIGHT)
    up = scale(0, top, _BOTTOM, _TOP)
    width = across(1) - across(0)
    bars = [
        box(across(i), up(share), max(width - 1, 1), _BOTTOM - up(share), class_="made")
        for i, share in enumerate(data["synthetic"])
    ]
    corners = [(across(i + k), up(share)) for i, share in enumerate(data["real"]) for k in (0, 1)]
    steps = path([(across(0), _BOTTOM), *corners, (_RIGHT, _BOTTOM)], "real")
    zones = [
        box(across(i), _TOP, width, _BOTTOM - _TOP, class_="zone", data_tip=_tip(data, i))
        for i in range(len(data["real"]))
    ]
    heights = round_ticks(0, top, 3)
    grid = [line(_LEFT, up(at), _RIGHT, up(at), "grid") for at in heights]
    shares = [words(_LEFT - 5, up(at) + 4, f"{100 * at:g} %", "end") for at in heights]
    return drawing(title, WIDTH, 114, grid, bars, steps, shares, _axis(data["ticks"]), zones)


def _axis(ticks: Sequence[tuple[float, str]]) -> list[Markup]:
    """Write the marks below a histogram, those at its ends inside of it."""
    place = scale(0, 1, _LEFT, _RIGHT)
    texts = []
    for at, text in ticks:
        anchor = "start" if at < 0.02 else "end" if at > 0.98 else "middle"
        texts += [line(place(at), _BOTTOM, place(at), _BOTTOM + 4, "axis")]
        texts += [words(place(at), _BOTTOM + 16, text, anchor)]
    return [line(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "axis"), *texts]


def _bars(data: Mapping[str, Any], title: str, top: float) -> Markup:
    """Draw two bars for each value, real rows above generated ones."""
    pairs = [
        (name, [("real", real), ("made", made)])
        for name, real, made in zip(data["names"], data["real"], data["synthetic"], strict=True)
    ]
    tips = [_tip(data, i) for i in range(len(pairs))]
    return _pairs(title, pairs, tips, top)


def missing(margins: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Draw the share of missing cells of each column that has any; None where none has."""
    holes = [(data["column"], data["missing"]) for data in margins if any(data["missing"])]
    if not holes:
        return None
    pairs = [(name, [("real", shares[0]), ("made", shares[1])]) for name, shares in holes]
    tips = [f"{name}: missing in {percent(a)} of real rows, {percent(b)} of generated ones"
            for name, (a, b) in holes]  # fmt: skip
    top = max(share for _, shares in holes for share in shares)
    return _pairs("Missing cells by column, real and generated rows", pairs, tips, top)


def _pairs(
    title: str,
    pairs: Sequence[tuple[str, Sequence[tuple[str, float]]]],
    tips: Sequence[str],
    top: float,
) -> Markup:
    across = scale(0, top, _LABELS, _RIGHT)
    bottom = _ROW * len(pairs) + 4
    rows = []
    for i, ((name, bars), tip) in enumerate(zip(pairs, tips, strict=True)):
        y = _ROW * i + 4
        rows.append(words(_LABELS - 6, y + 13, short(name, 16), "end"))
        rows += [
            box(_LABELS, y + 2 + 8 * k, max(across(share) - _LABELS, 0.6), 7, class_=f"bar {kind}")
            for k, (kind, share) in enumerate(bars)
        ]
        rows.append(box(0, y, WIDTH, _ROW, class_="zone", data_tip=tip))
    marks = round_ticks(0, top, 3)
    grid = [line(across(at), 2, across(at), bottom, "grid") for at in marks]
    shares = [
        words(across(at), bottom + 14, f"{100 * at:g} %", "end" if across(at) > 280 else "middle")
        for at in marks
    ]
    return drawing(title, WIDTH, bottom + 18, grid, rows, shares)
