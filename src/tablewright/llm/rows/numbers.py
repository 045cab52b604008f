"""Numbers as models write them: with separators, units, currencies, in any locale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

_SIGNS = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "’": "'"})
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_DRESSED = re.compile(
    r"(?:[^\W\d_]{1,6}[:.]?\s+)?[^\w\s+\-.,()]{0,3}\s*(?P<sign>[+-]?)\s*"
    r"(?P<digits>\d[\d.,' _]*\d|\d|[.,]\d+)(?P<power>[eE][+-]?\d{1,3})?\s*(?P<after>[^\d]{0,16})"
)
_LONGEST = 64
"""Characters of a number at most, its unit included; the pattern is not linear."""

_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "%": 0.01}


def readings(text: str) -> list[float]:
    """Return what a text can mean as a number, likeliest first; empty where it is none.

    Examples
    --------
    >>> readings("1,234"), readings("1.234,5 kg"), readings("$45K"), readings("30 to 40")
    ([1234.0, 1.234], [1234.5], [45000.0, 45.0], [])
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return []
    text = text.translate(_SIGNS).strip("\"'`")
    if _PLAIN.fullmatch(text):
        return _finite([float(text)])
    match = _DRESSED.fullmatch(text)
    if match is None:
        return []
    result = [value * scale for scale in _scales(match["after"]) for value in _values(match)]
    return _finite(list(dict.fromkeys(result)))


def _values(match: re.Match[str]) -> Iterator[float]:
    sign = -1.0 if match["sign"] == "-" else 1.0
    power = match["power"] or ""
    for digits in _spellings(match["digits"]):
        yield sign * float(digits + power)


def _spellings(digits: str) -> list[str]:
    """Spell digits with separators as Python would, in every way that keeps to groups of three."""
    squeezed = re.sub(r"(?<=\d)[' _](?=\d{3}(?:\D|$))", "", digits)
    if re.search(r"[' _]", squeezed):
        return []
    commas, points = squeezed.count(","), squeezed.count(".")
    if commas and points:
        last = max(squeezed.rfind(","), squeezed.rfind("."))
        return _grouped(squeezed, thousands="." if squeezed[last] == "," else ",")
    if commas == 1:
        thousands = _grouped(squeezed, thousands=",")
        decimal = [squeezed.replace(",", ".")]
        return thousands + decimal if thousands != decimal else decimal
    if commas > 1:
        return _grouped(squeezed, thousands=",")
    return _grouped(squeezed, thousands=".") if points > 1 else [squeezed]


def _grouped(digits: str, thousands: str) -> list[str]:
    decimal = "," if thousands == "." else "."
    whole, _, rest = digits.partition(decimal)
    mark = re.escape(thousands)
    if not re.fullmatch(rf"\d{{1,3}}(?:{mark}\d{{3}})+", whole) or not rest.isdigit() | (not rest):
        return []
    return [whole.replace(thousands, "") + ("." + rest if rest else "")]


def _scales(after: str) -> list[float]:
    """Read a unit: most do not change the number, ``k`` or ``%`` may."""
    unit = after.strip(" .)").lower()
    if re.search(r"[,;:(\[{]", after.strip()):
        return []
    return [1.0] if unit not in _SCALES else [_SCALES[unit], 1.0] if unit != "%" else [1.0, 0.01]


def _finite(values: list[float]) -> list[float]:
    return [value for value in values if math.isfinite(value)]
