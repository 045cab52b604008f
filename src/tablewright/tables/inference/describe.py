"""What a column of a known kind holds: its range, its categories, its decimals."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from tablewright.schema import Column, Kind
from tablewright.tables.inference.casting import typed_series

__all__ = ["count_decimals", "describe"]

MAX_DECIMALS = 10


def describe(series: pl.Series, column: Column, values: pl.Series | None = None) -> Column:
    """Fill in what the values of a column show.

    Parameters
    ----------
    series : Series
        As it came.
    column : Column
        Name, kind, data type and format.
    values : Series or None, default=None
        The values read as what they mean, where that is known already.
    """
    read = typed_series(series, column) if values is None else values
    if read.dtype.is_float():
        read = read.fill_nan(None)
    present = read.drop_nulls()
    facts: dict[str, Any] = {"nullable": bool(read.null_count())}
    if column.kind.is_discrete or column.kind is Kind.CONSTANT:
        facts["categories"] = _categories(read, present)
    elif column.kind.is_numeric and len(present):
        facts |= _range(present, column)
    return column.model_copy(update=facts)


def _categories(series: pl.Series, present: pl.Series) -> list[Any]:
    if isinstance(series.dtype, pl.Enum):
        return series.dtype.categories.to_list()
    if isinstance(series.dtype, pl.Duration):
        present = present.dt.total_microseconds() / 1e6
    elif series.dtype.is_temporal():
        present = present.cast(pl.String)
    if present.dtype == pl.Categorical:
        present = present.cast(pl.String)
    if isinstance(present.dtype, pl.Decimal):
        present = present.cast(pl.Float64)
    return present.unique().sort().to_list()


def _range(present: pl.Series, column: Column) -> dict[str, Any]:
    if column.kind is Kind.DATE:
        ends = present.cast(pl.Date)
        return {"minimum": str(ends.min()), "maximum": str(ends.max())}
    if column.kind is Kind.DATETIME:
        low, high = present.min(), present.max()
        return {"minimum": _iso(low), "maximum": _iso(high)}
    if column.kind is Kind.TIMEDELTA:
        return _span(typed_series(present, column))
    return _number_range(present.cast(pl.Float64).to_numpy(), column)


def _iso(moment: Any) -> str:
    return str(moment.isoformat())


def _span(spans: pl.Series) -> dict[str, Any]:
    seconds = spans.cast(pl.Duration("us")).cast(pl.Int64) / 1e6
    return {"minimum": seconds.min(), "maximum": seconds.max()}


def _number_range(floats: np.ndarray, column: Column) -> dict[str, Any]:
    codes = [code for code in column.sentinels if isinstance(code, int | float)]
    kept = floats[~np.isin(floats, codes)] if codes else floats
    kept = kept if len(kept) else floats
    ends = {"minimum": float(kept.min()), "maximum": float(kept.max())}
    if column.kind is Kind.INTEGER:
        return {**ends, "decimals": 0}
    return {**ends, "decimals": count_decimals(floats)}


def count_decimals(floats: np.ndarray) -> int | None:
    """Find how many digits after the point the values are written with.

    Returns
    -------
    int or None
        From 0 to 10; None where a value needs more.

    Examples
    --------
    >>> count_decimals(np.array([1.5, 2.25, 3.0]))
    2
    """
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(MAX_DECIMALS + 1):
            if np.array_equal(np.round(floats, decimals), floats):
                return decimals
    return None
