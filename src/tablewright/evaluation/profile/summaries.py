"""What one column holds, in numbers."""

from __future__ import annotations

from typing import Any

import polars as pl

from tablewright.evaluation.profile.models import ColumnProfile
from tablewright.schema import Column, Kind

MAX_TOP = 5


def summarise_column(series: pl.Series, column: Column) -> ColumnProfile:
    """Count and summarise the values of a typed column."""
    present = series.drop_nulls()
    facts: dict[str, Any] = {}
    if column.kind.is_numeric and len(present):
        facts["numbers"] = _numbers(present, column)
    elif column.kind.is_discrete or column.kind is Kind.CONSTANT:
        facts["top"] = _top(present)
    return ColumnProfile(
        name=column.name,
        kind=column.kind.value,
        confidence=column.confidence,
        why=column.reason,
        dtype=column.dtype,
        format=column.format,
        n_missing=series.null_count(),
        n_distinct=present.n_unique(),
        sentinels={str(code): _count(series, code) for code in column.sentinels},
        **facts,
    )


def _count(series: pl.Series, code: Any) -> int:
    """Count a code; one that stands for "missing" is counted with the missing values."""
    if isinstance(code, str):
        same = series.cast(pl.String) == code
        return int(same.sum()) or series.null_count()
    return int((series.cast(pl.Float64, strict=False) == code).sum())


def to_numbers(series: pl.Series) -> pl.Series:
    """Give numbers as they are, dates as days, moments and spans as microseconds."""
    if series.dtype == pl.Date:
        return series.cast(pl.Int32).cast(pl.Float64)
    if isinstance(series.dtype, pl.Datetime):
        return series.dt.epoch("us").cast(pl.Float64)
    if isinstance(series.dtype, pl.Duration):
        return series.dt.total_microseconds().cast(pl.Float64)
    return series.cast(pl.Float64)


def _numbers(present: pl.Series, column: Column) -> dict[str, Any]:
    if column.kind in (Kind.DATE, Kind.DATETIME):
        return {"minimum": str(present.min()), "maximum": str(present.max())}
    numbers = to_numbers(present)
    if column.kind is Kind.TIMEDELTA:
        numbers = numbers / 1e6
    return {
        "minimum": numbers.min(),
        "lower quartile": numbers.quantile(0.25),
        "median": numbers.median(),
        "upper quartile": numbers.quantile(0.75),
        "maximum": numbers.max(),
        "mean": numbers.mean(),
        "standard deviation": numbers.std(),
    }


def _top(present: pl.Series) -> list[tuple[Any, int]]:
    plain = present.cast(pl.String) if present.dtype in (pl.Categorical, pl.Enum) else present
    counts = plain.alias("value").value_counts(sort=True).head(MAX_TOP)
    return [(_plain(value), count) for value, count in counts.iter_rows()]


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else str(value)
