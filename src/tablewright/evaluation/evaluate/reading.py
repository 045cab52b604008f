"""Read rows to judge: cells that are not of their kind are a finding and no error."""

from __future__ import annotations

from typing import Any

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Column, Schema, suggest
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.table import load_raw


def read_leniently(
    data: Any, schema: Schema, what: str = "synthetic", optional: str | None = None
) -> pl.DataFrame:
    """Read rows whose cells may be anything.

    Parameters
    ----------
    data : frame or path
    schema : Schema
        Columns that are read; identifiers and constants need not be there. Other columns are
        returned as they are, last.
    what : str, default="synthetic"
        Name of the table in messages.
    optional : str or None, default=None
        A column that need not be there, such as that of the groups.

    Returns
    -------
    polars DataFrame
        Columns typed as the schema says; a column with a cell that is not of its kind stays
        as it was read, and such cells count as missing and are reported.

    Raises
    ------
    InputError
        If a column is missing.
    """
    raw, _ = load_raw(data)
    for column in schema.each():
        needed = column.kind.is_modelled and column.name != optional
        if needed and column.name not in raw.columns:
            near = suggest(column.name, raw.columns)
            raise InputError(f"the {what} table has no column {column.name!r}{near}")
    there = [column for column in schema.each() if column.name in raw.columns]
    extra = [series for series in raw if series.name not in schema]
    return pl.DataFrame([*(_typed(raw[column.name], column) for column in there), *extra])


def _typed(series: pl.Series, column: Column) -> pl.Series:
    try:
        return typed_series(series, column)
    except InputError:
        return series
