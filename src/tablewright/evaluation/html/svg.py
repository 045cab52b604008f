"""Plots drawn as SVG from plain data; each has a title that a screen reader says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tablewright.markup import MINUS, Markup, element, number


def _svg(
    title: str, width: float, height: float, *children: object, **attributes: object
) -> Markup:
    return element(
        "svg",
        element("title", title),
        *children,
        role="img",
        aria_label=title,
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
        **attributes,
    )


def _text(x: float, y: float, words: object, anchor: str = "start", **attributes: object) -> Markup:
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, **attributes)


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return _shape("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2}, class_=class_)


def _rect(x: float, y: float, w: float, h: float, **attributes: object) -> Markup:
    return _shape("rect", {"x": x, "y": y, "width": w, "height": h}, **attributes)


def _shape(name: str, numbers: Mapping[str, float], **attributes: object) -> Markup:
    return element(name, **{key: f"{value:.1f}" for key, value in numbers.items()}, **attributes)


def gains(arms: Sequence[Mapping[str, Any]], measure: str) -> Markup | None:
    """Draw the gain of each arm over real rows alone as a dot with its interval."""
    shown = {arm["arm"]: gain for arm in arms if (gain := arm["gains"].get(measure))}
    if not shown:
        return None
    ends: list[float] = [0.0, *(bound for gain in shown.values() for bound in gain)]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def across(value: float) -> float:
        return 190 + 380 * (value - low) / span

    height = 26 * len(shown) + 34
    rows = [_gain(name, gain, 26 * i + 16, across) for i, (name, gain) in enumerate(shown.items())]
    zero = _line(across(0), 4, across(0), height - 26, "zero")
    axis = [
        _text(across(at), height - 8, f"{at:+.3f}".replace("-", MINUS), "middle")
        for at in sorted({low, 0.0, high})
        if at == 0 or abs(across(at) - across(0)) > 60
    ]
    title = f"Gain in {measure} over real rows alone, with 95 % intervals; right is better"
    return _svg(title, 640, height, zero, rows, axis, class_="gains")


def _gain(name: str, gain: Sequence[float], y: float, across: Callable[[float], float]) -> Markup:
    value, low, high = gain
    tip = f"{name}: {number(value)} ({number(low)} to {number(high)})"
    dot = _shape("circle", {"cx": across(value), "cy": y}, r="4")
    bar = _line(across(low), y, across(high), y, "interval")
    kind = "mine" if name == "augmented" else None
    return element("g", _text(180, y + 4, name, "end"), bar, dot, data_tip=tip, class_=kind)


def margin(data: Mapping[str, Any]) -> Markup:
    """Draw the shares of one column: generated rows as bars, real rows as a stepped line."""
    real, result = data["real"], data["synthetic"]
    if not real:
        return _svg(f"{data['column']}: no values", 240, 100, _text(120, 50, "no values", "middle"))
    top, width = max([*real, *result, 1e-9]), 230 / len(real)
    left = [5 + i * width for i in range(len(real))]
    heights = [72 * share / top for share in result]
    bars = [
        _rect(x, 84 - height, max(width - 1, 1), height, class_="made")
        for x, height in zip(left, heights, strict=True)
    ]
    steps = [
        f"{'M' if not i else 'L'}{left[i]:.1f} {84 - 72 * share / top:.1f}h{width - 1:.1f}"
        for i, share in enumerate(real)
    ]
    outline = element("path", d="".join(steps), class_="real")
    zones = [
        _rect(x, 8, width, 78, class_="zone", data_tip=_bar_tip(data, i))
        for i, x in enumerate(left)
    ]
    title = f"{data['column']}: shares of real (line) and generated (bars) rows"
    return _svg(title, 240, 100, bars, outline, zones, _ends(data), class_="margin")


def _bar_tip(data: Mapping[str, Any], i: int) -> str:
    if "labels" in data:
        where = data["labels"][i]
    else:
        where = f"{data['edges'][i]:.4g} to {data['edges'][i + 1]:.4g}"
    return f"{where}: real {data['real'][i]:.1%}, generated {data['synthetic'][i]:.1%}"


def _ends(data: Mapping[str, Any]) -> list[Markup]:
    if "labels" in data:
        words = data["labels"][0], data["labels"][-1]
    else:
        words = f"{data['edges'][0]:.4g}", f"{data['edges'][-1]:.4g}"
    return [_text(5, 97, _short(words[0], 18)), _text(235, 97, _short(words[1], 18), "end")]


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def heat_map(pairs: Mapping[str, Any]) -> Markup | None:
    """Draw associations: real below the diagonal, generated minus real above it."""
    names = pairs.get("columns", [])
    n = len(names)
    if n < 2:
        return None
    side = max(8.0, min(26.0, 620 / n))
    left, top = 150.0, 8.0
    cells = [
        _cell(pairs, i, j, left + j * side, top + i * side, side)
        for i in range(n)
        for j in range(n)
        if i != j
    ]
    labels = [
        _text(left - 5, top + (i + 0.7) * side, _short(name, 22), "end", class_="tick")
        for i, name in enumerate(names)
    ]
    title = "Associations of pairs: real rows below the diagonal, the difference above it"
    return _svg(title, left + n * side + 8, top + n * side + 8, labels, cells, class_="heat")


def _cell(pairs: Mapping[str, Any], i: int, j: int, x: float, y: float, side: float) -> Markup:
    real, result = pairs["real"][i][j], pairs["synthetic"][i][j]
    value = real if i > j else 2 * (result - real)
    tip = f"{pairs['columns'][i]} × {pairs['columns'][j]}: real {real:.2f}, generated {result:.2f}"
    return _rect(x, y, side - 1, side - 1, fill=_colour(value), data_tip=tip)


def _colour(value: float) -> str:
    """Blue below zero, white at zero, orange above: told apart by colour-blind eyes too."""
    part = min(abs(value), 1.0)
    end = (178, 84, 0) if value > 0 else (0, 84, 166)
    mixed = [round(250 + (channel - 250) * part) for channel in end]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def parts(listed: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the parts of a table: a bar for the rows of each, with its error and its rules."""
    longest = max([1, *(part["rows"] for part in listed)])
    drawn = [_part(part, 40 * i + 6, 330 * part["rows"] / longest) for i, part in enumerate(listed)]
    title = "Parts of the table: rows of each, error of its model, and its rules"
    return _svg(title, 640, 40 * len(listed) + 8, drawn, class_="parts")


def _part(part: Mapping[str, Any], y: float, width: float) -> Markup:
    rules = " or ".join(part["rules"]) or "all other rows"
    label = f"{number(part['rows'])} rows"
    if part["error"] is not None:
        label += f", error {number(part['error'])}"
    return element(
        "g",
        _text(120, y + 11, _short(part["name"], 18), "end"),
        _rect(130, y, max(width, 1), 14, class_="made"),
        _text(137 + max(width, 1), y + 11, label),
        _text(130, y + 26, _short(rules, 90), class_="tick"),
        data_tip=rules,
    )


def scatter(points: Mapping[str, Any]) -> Markup | None:
    """Draw real rows as rings and generated rows as dots in two principal components."""
    if not points:
        return None
    both = [*points["real"], *points["synthetic"]]
    (left, right), (low, high) = [(min(v), max(v)) for v in zip(*both, strict=True)]
    wide, tall = (right - left) or 1.0, (high - low) or 1.0

    def dots(kind: str, radius: str) -> list[Markup]:
        return [
            _shape(
                "circle",
                {"cx": 10 + 500 * (x - left) / wide, "cy": 330 - 310 * (y - low) / tall},
                r=radius,
                class_=kind,
            )
            for x, y in points[kind]
        ]

    share = points["explained"]
    title = f"Rows in two principal components of the real rows ({share:.0%} of their variance)"
    return _svg(title, 520, 340, dots("real", "3.2"), dots("synthetic", "2"), class_="map")
