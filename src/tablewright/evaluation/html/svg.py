"""What all plots are put together from: shapes, words, scales; SVG that a screen reader names.

Plots are 300 units wide and are never drawn smaller than that, so that their words, of 11.5
units, stay readable on a phone. Marks with ``data-tip`` say their value on a pointer's visit, and
one after the other on arrow keys (``page.js``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tablewright.display import shown
from tablewright.markup import MINUS, Markup, element

WIDTH = 300.0
SERIES = {"real": "real", "augmented": "both", "synthetic": "made"}
"""Class, and so the colour, of what was learned from."""

Scale = Callable[[float], float]


def drawing(
    title: str, width: float, height: float, *children: object, class_: str | None = None
) -> Markup:
    """Return one plot, named for screen readers and reached by the keyboard."""
    return element(
        "svg",
        element("title", title),
        *children,
        role="img",
        aria_label=title,
        tabindex=0,
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        class_=class_,
    )


def words(x: float, y: float, text: object, anchor: str = "start", **attributes: object) -> Markup:
    """Return words at a place."""
    return element(
        "text",
        text,
        x=_tenths(x),
        y=_tenths(y),
        text_anchor=None if anchor == "start" else anchor,
        **attributes,
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a straight line."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", **{key: _tenths(end) for key, end in ends.items()}, class_=class_)


def box(x: float, y: float, width: float, height: float, **attributes: object) -> Markup:
    """Return a rectangle."""
    sides = {"x": x, "y": y, "width": width, "height": height}
    return element("rect", **{key: _tenths(side) for key, side in sides.items()}, **attributes)


def path(points: Sequence[Sequence[float]], class_: str) -> Markup:
    """Return a line through points."""
    steps = "L".join(f"{_tenths(x)} {_tenths(y)}" for x, y in points)
    return element("path", d=f"M{steps}", class_=class_)


def _tenths(value: float) -> str:
    """Write a place to a tenth, as short as can be: pages of many columns stay small."""
    return f"{value:.1f}".removesuffix(".0")


def scale(low: float, high: float, first: float, last: float) -> Scale:
    """Return the function that takes values between two ends to places between two others."""
    span = (high - low) or 1.0
    return lambda value: first + (last - first) * (value - low) / span


def round_ticks(low: float, high: float, n_ticks: int = 4) -> list[float]:
    """Return round numbers between two ends, about so many.

    Examples
    --------
    >>> round_ticks(0, 0.37, 3), round_ticks(-0.06, 0.13)
    ([0.0, 0.2], [-0.05, 0.0, 0.05, 0.1])
    """
    rough = (high - low) / n_ticks or 1.0
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(s for s in (1, 2, 5, 10) if s * power >= rough * (1 - 1e-9))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    return [round(float(i * step), 10) + 0.0 for i in np.arange(first, last + 1)]


def percent(share: float) -> str:
    """Write a share for people.

    Examples
    --------
    >>> percent(0.5), percent(0.042), percent(0.0004), percent(0)
    ('50 %', '4.2 %', '< 0.1 %', '0 %')
    """
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{share:.0%}"[:-1] + " %" if share >= 0.1 or not share else f"{share:.1%}"[:-1] + " %"


def signed(value: float) -> str:
    """Write a difference for people."""
    return f"{value:+.3f}".replace("-", MINUS)


def short(text: str, length: int) -> str:
    """Cut a text to a number of characters."""
    return shown(text, length)


def legend(class_: str, low: str, high: str, middle: str | None = None) -> Markup:
    """Return the scale of colours of a plot: a bar from one end to the other, and what ends say."""
    n = 9
    levels = np.linspace(-1 if middle else 0, 1, n)
    swatches = [
        box(60 + 140 / n * i, 2, 140 / n, 10, **shade(float(level), class_))
        for i, level in enumerate(levels)
    ]
    frame = box(60, 2, 140, 10, class_="frame")
    texts = [words(54, 11, low, "end"), words(206, 11, high)]
    texts += [words(130, 24, middle, "middle")] if middle else []
    label = f"Scale of colours from {low} to {high}"
    return element(
        "svg",
        [swatches, frame, texts],
        role="img",
        aria_label=label,
        viewBox=f"0 0 300 {28 if middle else 16}",
        width=300,
        height=28 if middle else 16,
        class_="legend",
    )


def shade(value: float, class_: str) -> dict[str, object]:
    """Return the colour of a value from -1 to 1: a hue above zero, another below."""
    strength = min(abs(value), 1.0)
    return {"class_": class_ if value >= 0 else "below", "fill_opacity": f"{strength:.2g}"}
