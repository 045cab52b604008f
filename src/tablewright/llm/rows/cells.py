"""Read one cell of a reply as its column means it, or say why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from tablewright.display import quoted
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.numbers import readings
from tablewright.schema import Column, Kind
from tablewright.tables.inference.cells import MISSING_TEXTS, VAGUE_TEXTS

MARGIN = 0.1
"""How far beyond its range a number may lie, as a share of the range."""

_LONGEST_MOMENT = 64
_PLACEHOLDERS = frozenset({"...", "…", "string", "integer", "float", "number", "value", "text"})
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class CellError(ValueError):
    """A cell is not a value of its column; the text says why."""


def read_cell(raw: object, column: Column, margin: float | None = MARGIN) -> Cell:
    """Read a cell.

    Parameters
    ----------
    raw : object
        Text, or what JSON holds.
    column : Column
        What it is to be.
    margin : float or None, default=0.1
        How far beyond the column's range a number may lie, as a share of the range; None
        does not look.

    Returns
    -------
    bool, int, float, str or None
        Dates and times as ISO 8601 text; None where the value is missing.

    Raises
    ------
    CellError
        If it is not a value of the column.

    Examples
    --------
    >>> read_cell("1,250 kg", Column(name="weight", kind=Kind.CONTINUOUS))
    1250.0
    >>> read_cell("PARIS ", Column(name="city", kind=Kind.CATEGORICAL, categories=["Paris"]))
    'Paris'
    """
    if isinstance(raw, list | dict):
        raise CellError("holds a list")
    text = "" if raw is None else _unquoted(str(raw))
    if column.categories is not None and (known := _category(raw, text, column)) is not None:
        return known
    if _is_missing(text, column):
        if column.nullable:
            return None
        raise CellError("is empty")
    if column.kind in (Kind.CONTINUOUS, Kind.INTEGER, Kind.TIMEDELTA):
        return _number(raw, text, column, margin)
    if column.kind in (Kind.DATE, Kind.DATETIME):
        return _moment(text, column, margin)
    return _words(text, column)


def _unquoted(text: str) -> str:
    text = text.strip()
    for quote in ('"', "'", "`"):
        if len(text) >= 2 and text[0] == text[-1] == quote:
            return text[1:-1].strip()
    return text


def _is_missing(text: str, column: Column) -> bool:
    folded = text.lower()
    vague = column.kind.is_numeric and folded in VAGUE_TEXTS
    return folded in MISSING_TEXTS or vague or (column.kind.is_discrete and folded == "none")


def _category(raw: object, text: str, column: Column) -> Cell:
    """Find the category that is meant; None where there is none or more than one."""
    categories = column.categories or []
    if not isinstance(raw, bool) and text in categories:
        return text
    for same in (_spelled, _folded, _squeezed):
        meant = same(text)
        alike = [value for value in categories if same(value) == meant]
        if len(alike) == 1:
            return alike[0]
    if all(isinstance(value, bool) for value in categories):
        return _TRUTHS.get(text.lower())
    return _numeric_category(text, categories)


def _numeric_category(text: str, categories: Sequence[Any]) -> Cell:
    numbers = [value for value in categories if isinstance(value, int | float)]
    meant = readings(text)[:1] if numbers else []
    return next((value for value in numbers if [float(value)] == meant), None)


def _spelled(value: object) -> str:
    return str(value).strip()


def _folded(value: object) -> str:
    return str(value).strip().casefold()


def _squeezed(value: object) -> str:
    return re.sub(r"[\s_\-.]+", "", str(value)).casefold()


def _words(text: str, column: Column) -> str:
    if column.categories is not None:
        raise CellError(f"{quoted(text, 40)} is not among its values")
    if text.lower() in _PLACEHOLDERS or re.fullmatch(r"<[^<>]{1,40}>", text):
        raise CellError(f"{quoted(text, 40)} stands for a value")
    return text


def _number(raw: object, text: str, column: Column, margin: float | None) -> int | float:
    if isinstance(raw, bool):
        raise CellError(f"{raw} is no number")
    meant = [float(raw)] if isinstance(raw, int) else readings(text)
    if not meant:
        raise CellError(f"{quoted(text, 40)} is no number")
    inside = [value for value in meant if _in_range(value, column, margin)]
    if not inside:
        raise CellError(
            f"{meant[0]:g} lies outside of {_end(column.minimum)} to {_end(column.maximum)}"
        )
    return _rounded(inside[0], column)


def _end(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "any"


def _in_range(value: float, column: Column, margin: float | None) -> bool:
    if margin is None or value in column.sentinels:
        return True
    low, high = column.minimum, column.maximum
    known = [float(end) for end in (low, high) if isinstance(end, int | float)]
    slack = margin * (known[1] - known[0]) if len(known) == 2 else 0.0
    return not (
        (isinstance(low, int | float) and value < low - slack)
        or (isinstance(high, int | float) and value > high + slack)
    )


def _rounded(value: float, column: Column) -> int | float:
    if column.kind is Kind.INTEGER:
        if value != int(value):
            raise CellError(f"{value:g} is no whole number")
        return int(value)
    return value if column.decimals is None else round(value, column.decimals)


def _moment(text: str, column: Column, margin: float | None) -> str:
    parsed = _parse_moment(text, column) if len(text) <= _LONGEST_MOMENT else None
    if parsed is None:
        raise CellError(f"{quoted(text, 40)} is no {column.kind.value}")
    written = parsed.date().isoformat() if column.kind is Kind.DATE else parsed.isoformat()
    early = isinstance(column.minimum, str) and written < column.minimum[: len(written)]
    late = isinstance(column.maximum, str) and written > column.maximum
    if margin is not None and (early or late):
        raise CellError(f"{written} lies outside of {column.minimum} to {column.maximum}")
    return written


def _parse_moment(text: str, column: Column) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text)
    for form in (column.format, "%d.%m.%Y", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%d %b %Y"):
        with suppress(ValueError, re.error):
            if form is not None:
                return datetime.strptime(text, form)
    with suppress(ValueError):
        return datetime.combine(date.fromisoformat(text[:10]), datetime.min.time())
    return None
