"""A picture of the parts of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tablewright.markup import Markup, element

if TYPE_CHECKING:
    from tablewright.systems.date.partition import Parts

_WIDTH, _BAR, _LINE, _NAMES, _FACTS = 640, 14, 22, 110, 210


def picture(parts: Parts) -> Markup:
    """Draw a bar for each part, as long as it has rows; the dark piece is what its model misses."""
    largest = max((part.n_rows for part in parts), default=0) or 1
    room = _WIDTH - _NAMES - _FACTS
    lines = []
    for k, part in enumerate(parts):
        top, length = k * _LINE, room * part.n_rows / largest
        missed = length * min(part.error or 0.0, 1.0)
        facts = f"{part.n_rows:,} rows" + (
            "" if part.error is None else f", error {part.error:.3f}"
        )
        lines.append([
            element("text", part.name, x=0, y=top + _BAR, font_size=12, fill="currentColor"),
            element("rect", element("title", " or ".join(part.rules) or "all other rows"),
                    x=_NAMES, y=top + 2, width=f"{length:.1f}", height=_BAR, fill="#7aa6d8"),
            element("rect", x=_NAMES, y=top + 2, width=f"{missed:.1f}", height=_BAR,
                    fill="#1f4e79"),
            element("text", facts, x=f"{_NAMES + length + 6:.1f}", y=top + _BAR, font_size=12,
                    fill="currentColor"),
        ])  # fmt: skip
    height = _LINE * max(len(parts), 1)
    return element(
        "svg", *lines, viewBox=f"0 0 {_WIDTH} {height}", width=_WIDTH, height=height, role="img",
        aria_label=f"{len(parts)} parts by their rows",
    )  # fmt: skip
