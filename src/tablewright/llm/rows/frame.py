"""Rows that were read, as a frame with the data types of their kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from tablewright.llm.prompts.sharing import Cell
from tablewright.schema import Column, Kind, Schema

_DTYPES: dict[Kind, Any] = {
    Kind.CONTINUOUS: pl.Float64,
    Kind.INTEGER: pl.Int64,
    Kind.DATE: pl.Date,
    Kind.DATETIME: pl.Datetime("us"),
    Kind.TIMEDELTA: pl.Duration("us"),
}


def rows_to_frame(rows: Sequence[Mapping[str, Cell]], schema: Schema) -> pl.DataFrame:
    """Make a frame of rows; `casting.untyped` gives it the user's types.

    Examples
    --------
    >>> schema = Schema.build({"day": "date", "city": "text"})
    >>> rows_to_frame([{"day": "2026-01-31", "city": "Ulm"}], schema).row(0)
    (datetime.date(2026, 1, 31), 'Ulm')
    """
    return pl.DataFrame([_series(column, rows) for column in schema.each()])


def _series(column: Column, rows: Sequence[Mapping[str, Cell]]) -> pl.Series:
    values = [_value(row.get(column.name), column.kind) for row in rows]
    dtype = _DTYPES.get(column.kind) or _dtype_of(column, values)
    return pl.Series(column.name, values, dtype=dtype)


def _value(cell: Cell, kind: Kind) -> object:
    if cell is None:
        return None
    if kind is Kind.DATE:
        return date.fromisoformat(str(cell)[:10])
    if kind is Kind.DATETIME:
        return datetime.fromisoformat(str(cell)).replace(tzinfo=None)
    return timedelta(seconds=float(cell)) if kind is Kind.TIMEDELTA else cell


def _dtype_of(column: Column, values: Sequence[object]) -> Any:
    """Find the type of discrete values and words: that of the categories, else text."""
    known = column.categories or values
    present = [value for value in known if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pl.Boolean
    if present and all(isinstance(value, int) for value in present):
        return pl.Int64
    numeric = present and all(isinstance(value, int | float) for value in present)
    return pl.Float64 if numeric else pl.String
