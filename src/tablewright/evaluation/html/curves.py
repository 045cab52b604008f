"""Lines: what models reach at every threshold, and gains with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tablewright.evaluation.html.svg import (
    SERIES,
    WIDTH,
    Scale,
    drawing,
    line,
    path,
    round_ticks,
    scale,
    signed,
    words,
)
from tablewright.markup import MINUS, Markup, element, number

_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 290.0, 8.0, 214.0

Gain = tuple[str, Sequence[float], str | None]
"""What was done, its gain with both ends of the interval, and its class."""


def roc(curves: Mapping[str, Any]) -> Markup:
    """Draw the share found of a class against false alarms."""
    chance = [(0.0, 0.0), (1.0, 1.0)]
    title = f"ROC curve of {curves['class']!r} against all other classes"
    return _unit(title, curves, "roc", ("false alarms", "share found"), chance)


def precision(curves: Mapping[str, Any]) -> Markup:
    """Draw the share of alarms that are right against the share found."""
    chance = [(0.0, curves["share"]), (1.0, curves["share"])]
    title = f"Precision and recall of {curves['class']!r}"
    return _unit(title, curves, "precision", ("share found", "share of alarms right"), chance)


def _unit(
    title: str,
    curves: Mapping[str, Any],
    key: str,
    axes: tuple[str, str],
    chance: Sequence[tuple[float, float]],
) -> Markup:
    across, up = scale(0, 1, _LEFT, _RIGHT), scale(0, 1, _BOTTOM, _TOP)
    drawn = [
        path([(across(x), up(y)) for x, y in curves["lines"][arm][key]], f"curve {SERIES[arm]}")
        for arm in ("synthetic", "real", "augmented")
        if arm in curves["lines"]
    ]
    guess = path([(across(x), up(y)) for x, y in chance], "chance")
    middle = (_TOP + _BOTTOM) / 2
    names = [
        words((_LEFT + _RIGHT) / 2, _BOTTOM + 34, axes[0], "middle"),
        words(12, middle, axes[1], "middle", transform=f"rotate(-90 12 {middle:g})"),
    ]
    return drawing(title, WIDTH, 254, _grid(across, up), guess, drawn, names)


def _grid(across: Scale, up: Scale) -> list[Markup]:
    marks = [0.0, 0.25, 0.5, 0.75, 1.0]
    lines = [line(_LEFT, up(at), _RIGHT, up(at), "grid") for at in marks]
    lines += [line(across(at), _TOP, across(at), _BOTTOM, "grid") for at in marks]
    texts = [words(_LEFT - 5, up(at) + 4, f"{at:g}", "end") for at in marks[::2]]
    texts += [words(across(at), _BOTTOM + 16, f"{at:g}", "middle") for at in marks[::2]]
    return [*lines, *texts]


def gains(rows: Sequence[Gain], head: Sequence[str], caption: str) -> Markup | None:
    """Return a table whose rows show a gain as a dot with its interval; None without rows.

    Parameters
    ----------
    rows : sequence of (name, (value, low, high), class)
    head : sequence of str
        Names of the first and the last column.
    caption : str
    """
    if not rows:
        return None
    ends = [0.0, *(end for _, gain, _ in rows for end in gain)]
    reach = (max(ends) - min(ends)) or 1.0
    low, high = min(ends) - 0.04 * reach, max(ends) + 0.04 * reach
    across = scale(low, high, 0, 100)
    heads = [head[0], "", head[1]]
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            element("td", _track(gain, across), class_="track"),
            element("td", _said(gain), class_="number"),
            class_=kind,
        )
        for name, gain, kind in rows
    ]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", [element("th", name, scope="col") for name in heads[:1]],
                element("td", _marks(low, high, across), class_="track"),
                element("th", heads[2], scope="col", class_="number"))),
        element("tbody", body),
        class_="gains",
    )  # fmt: skip


def _said(gain: Sequence[float]) -> Markup:
    value, low, high = gain
    interval = element("span", f"{signed(low)} to {signed(high)}", class_="interval")
    return element("span", element("b", signed(value)), " ", interval)


def _strip(*children: object) -> Markup:
    """Return a strip as wide as its cell; places on it are per cent, so that words keep size."""
    return element("svg", *children, width="100%", height=22, aria_hidden="true")


def _track(gain: Sequence[float], across: Scale) -> Markup:
    value, low, high = (f"{across(end):.2f}%" for end in gain)
    zero = f"{across(0):.2f}%"
    return _strip(
        element("line", x1=zero, x2=zero, y1=0, y2=22, class_="zero"),
        element("line", x1=low, x2=high, y1=11, y2=11, class_="interval"),
        element("circle", cx=value, cy=11, r=4.5),
    )


def _mark(value: float) -> str:
    return f"{value:+g}".replace("-", MINUS) if value else "0"


def _marks(low: float, high: float, across: Scale) -> Markup:
    marks = [at for at in round_ticks(low, high, 5) if 6 < across(at) < 92]
    return _strip(
        [
            element("text", _mark(at), x=f"{across(at):.2f}%", y=15,
                    text_anchor="middle")
            for at in marks
        ]
    )  # fmt: skip


def sizes(curves: Mapping[int, Mapping[str, float]], measure: str) -> Markup | None:
    """Draw the gain of each method against the number of training rows; None of one number."""
    if len(curves) < 2:
        return None
    names = list(dict.fromkeys(name for gains in curves.values() for name in gains))
    every = [gain for gains in curves.values() for gain in gains.values()]
    low, high = min([0.0, *every]), max([0.0, *every])
    across = scale(min(curves), max(curves), _LEFT + 10, _RIGHT - 80)
    up = scale(low, high if high > low else low + 1, _BOTTOM - 10, _TOP + 10)
    drawn = []
    for i, name in enumerate(names):
        points = [(n, gains[name]) for n, gains in sorted(curves.items()) if name in gains]
        places = [(across(n), up(gain)) for n, gain in points]
        drawn.append(path(places, f"curve line{i % 6}"))
        drawn.append(words(places[-1][0] + 6, places[-1][1] + 4, name))
    marks = [words(across(n), _BOTTOM + 16, number(n), "middle") for n in curves]
    marks += [words(_LEFT - 4, up(at) + 4, _mark(at), "end") for at in round_ticks(low, high, 4)]
    zero = line(_LEFT, up(0), _RIGHT - 70, up(0), "zero")
    label = words((_LEFT + _RIGHT) / 2 - 40, _BOTTOM + 34, "training rows", "middle")
    return drawing(f"Gain in {measure} by training rows", WIDTH, 254, zero, drawn, marks, label)
