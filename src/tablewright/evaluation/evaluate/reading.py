"""Take in rows to judge: cells that are not of their kind are a finding and no error."""

from __future__ import annotations

from typing import Any

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Column, Schema, suggest
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.table import load_raw

__all__ = ["read_leniently"]


def read_leniently(
    data: Any, schema: Schema, what: str = "synthetic", optional: str | None = None
) -> pl.DataFrame:
    """Read rows whose cells may be anything.

    Parameters
    ----------
    data : frame or path
    schema : Schema
        Columns that are wanted; others are left out.
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
    columns = [c for c in schema.each() if c.name in raw.columns or c.name != optional]
    for column in columns:
        if column.name not in raw.columns:
            near = suggest(column.name, raw.columns)
            raise InputError(f"the {what} table has no column {column.name!r}{near}")
    return pl.DataFrame([_typed(raw[column.name], column) for column in columns])


def _typed(series: pl.Series, column: Column) -> pl.Series:
    try:
        return typed_series(series, column)
    except InputError:
        return series
