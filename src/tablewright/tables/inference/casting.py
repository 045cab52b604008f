"""From the columns as they came to the columns as the schema means them, and back.

`typed` makes numbers of ``"39"``, dates of ``"31.12.2020"``, whole numbers of the floats that
pandas makes of them, and missing values of ``"?"``. `untyped` undoes it, so that what is
written has the data types and the spelling of what was read.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from tablewright.errors import SchemaError
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.inference.cells import (
    MISSING_TEXTS,
    numbers_to_text,
    parse_booleans,
    parse_numbers,
    present_in,
)
from tablewright.tables.inference.times import (
    DIGIT_DATE,
    dates_to_text,
    durations_to_text,
    durations_to_times,
    parse_dates,
    parse_durations,
    times_from_iso,
    times_to_iso,
)
from tablewright.tables.io.dtypes import dtype_from_text

_MEANT: dict[Kind, Any] = {
    Kind.CONTINUOUS: pl.Float64,
    Kind.INTEGER: pl.Int64,
    Kind.DATE: pl.Date,
    Kind.TIMEDELTA: pl.Duration("us"),
}


def typed(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Give columns the data types of their kinds.

    Columns that the schema does not know are left out; columns that the frame lacks are not
    asked for.

    Parameters
    ----------
    frame : DataFrame
        As read, or typed already.
    schema : Schema

    Raises
    ------
    SchemaError
        If a cell is not of the kind; names column and row.

    Examples
    --------
    >>> schema = Schema.build({"age": {"kind": "integer", "dtype": "String"}})
    >>> typed(pl.DataFrame({"age": ["39", "?"]}), schema)["age"].to_list()
    [39, None]
    """
    pairs = ((frame.get_column(column.name, default=None), column) for column in schema.each())
    return pl.DataFrame(
        [typed_series(series, column) for series, column in pairs if series is not None]
    )


def typed_series(series: pl.Series, column: Column) -> pl.Series:
    """Give one column the data type of its kind."""
    if series.dtype == pl.String:
        return _read_text(series, column)
    if isinstance(series.dtype, pl.Decimal) and column.kind.is_modelled:
        series = series.cast(pl.Float64)
    if series.dtype.is_float():
        series = series.fill_nan(None)
        series = series.cast(pl.Float64) if series.dtype == pl.Float16 else series
    if column.kind.is_discrete and series.dtype.is_temporal():
        return times_to_iso(series)
    if column.kind is Kind.DATE and series.dtype.is_numeric():
        digits = series.cast(pl.Int64).cast(pl.String)
        form = column.format or DIGIT_DATE
        return _read_number(digits, column.model_copy(update={"format": form}))
    try:
        if column.kind is Kind.TIMEDELTA and series.dtype == pl.Time:
            return (series.cast(pl.Int64) // 1000).cast(pl.Duration("us"))
        return _to_meant(series, column)
    except pl.exceptions.PolarsError as error:
        raise SchemaError(
            f"column {column.name!r} holds {series.dtype} values, which are not "
            f"{column.kind.value}; say another kind in the schema"
        ) from error


def _to_meant(series: pl.Series, column: Column) -> pl.Series:
    if column.kind is Kind.INTEGER and series.dtype.is_float():
        broken = (series != series.round(0)).fill_null(False)
        if broken.any():
            row = int(broken.arg_max() or 0)
            raise SchemaError(
                f"column {column.name!r}, row {row}: {series[row]} is not a whole number; correct "
                "the cell, or say 'kind: continuous' in the schema"
            )
    return series.cast(_MEANT.get(column.kind, series.dtype))


def _read_text(series: pl.Series, column: Column) -> pl.Series:
    if column.kind.is_numeric or _is_numeric(column.categories):
        present = present_in(series, column, vague=True)
        if column.kind.is_numeric:
            return _read_number(present, column)
        return parse_numbers(present, column.name, column.format)
    present = present_in(series, column)
    if column.categories and all(isinstance(value, bool) for value in column.categories):
        return parse_booleans(present)
    return present


def _is_numeric(categories: list[Any] | None) -> bool:
    return bool(categories) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in categories or ()
    )


def _read_number(series: pl.Series, column: Column) -> pl.Series:
    if column.kind in (Kind.CONTINUOUS, Kind.INTEGER):
        return _to_meant(parse_numbers(series, column.name, column.format), column)
    if column.format is None:
        raise SchemaError(
            f"column {column.name!r} is text, and no format says how to read it as "
            f"{column.kind.value}; add for instance 'format: \"%d.%m.%Y\"' to the schema"
        )
    parse = parse_durations if column.kind is Kind.TIMEDELTA else parse_dates
    try:
        parsed = parse(series, column.format)
    except pl.exceptions.PolarsError as error:
        raise SchemaError(
            f"column {column.name!r}: {column.format!r} is no format of a {column.kind.value}; "
            "write for instance '%d.%m.%Y', '%Y-%m-%d %H:%M:%S' or 'HH:MM'"
        ) from error
    bad = parsed.is_null() & series.is_not_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise SchemaError(
            f"column {column.name!r}, row {row}: {series[row]!r} is not written as "
            f"{column.format!r}; correct the cell or the format in the schema"
        )
    return parsed


def untyped(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Give columns back the data types and the spelling that the schema was read from.

    Examples
    --------
    >>> schema = Schema.build(
    ...     {"day": {"kind": "date", "dtype": "String", "format": "%d.%m.%Y", "sentinels": ["?"]}}
    ... )
    >>> from datetime import date
    >>> untyped(pl.DataFrame({"day": [date(2020, 12, 31), None]}), schema)["day"].to_list()
    ['31.12.2020', '?']
    """
    return pl.DataFrame(
        [
            untyped_series(frame[name], schema[name]) if name in schema else frame[name]
            for name in frame.columns
        ]
    )


def untyped_series(series: pl.Series, column: Column) -> pl.Series:
    """Give one column back the data type and the spelling that it was read from."""
    if column.dtype is None:
        return series
    if column.dtype == "String":
        return _write_text(series, column)
    if column.dtype == "Time" and isinstance(series.dtype, pl.Duration):
        return durations_to_times(series)
    dtype = dtype_from_text(column.dtype, column.categories)
    if dtype.is_temporal() and series.dtype == pl.String:
        return times_from_iso(series, dtype)
    if dtype.is_numeric() and series.dtype == pl.Date:
        return series.dt.strftime(column.format or DIGIT_DATE).cast(pl.Int64).cast(dtype)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone and series.dtype == pl.Date:
        series = series.cast(pl.Datetime("us")).dt.replace_time_zone(dtype.time_zone)
    return series.cast(dtype)


def _write_text(series: pl.Series, column: Column) -> pl.Series:
    written = _spell(series, column)
    marker = next((s for s in column.sentinels if _is_missing(s, column)), None)
    return written.fill_null(str(marker)) if marker else written


def _is_missing(sentinel: object, column: Column) -> bool:
    if not isinstance(sentinel, str) or column.missing == "empty":
        return False
    if sentinel in (column.categories or ()):
        return False
    if column.missing == "declared":
        return True
    return sentinel.strip().lower() in MISSING_TEXTS or not (
        column.kind in (Kind.TEXT, Kind.IDENTIFIER, Kind.CONSTANT, Kind.CATEGORICAL, Kind.ORDINAL)
        and not _is_numeric(column.categories)
    )


def _spell(series: pl.Series, column: Column) -> pl.Series:
    if isinstance(series.dtype, pl.Duration):
        return durations_to_text(series, column.format or "HH:MM:SS")
    if series.dtype.is_temporal():
        return dates_to_text(series, column.format or "iso")
    if series.dtype == pl.Boolean:
        true, false = (column.format or "true/false").split("/")
        words = {True: true, False: false}
        return series.replace_strict(words, return_dtype=pl.String)
    return numbers_to_text(series, column.format)
