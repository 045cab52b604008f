"""Take in candidates from anywhere: a cell that cannot be read becomes a reason, no error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Column, Kind, Schema, suggest
from tablewright.selection.check import Mask
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.inference.cells import without_missing
from tablewright.tables.table import load_raw

_SHOWN = 40

_ISO = {Kind.DATE: "%Y-%m-%d", Kind.DATETIME: "%Y-%m-%d %H:%M:%S"}
"""How text is read where the real rows hold dates or times and no text that shows their format."""


@dataclass(frozen=True)
class Candidates:
    """Rows to judge.

    Attributes
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Typed as the schema says; null where a cell cannot be read.
    unreadable : list of str, length n_rows
        What stands in the first such cell of a row; "" where all can be read.
    """

    frame: pl.DataFrame
    unreadable: list[str]

    def __len__(self) -> int:
        return self.frame.height


def read_candidates(data: Any, schema: Schema, like: pl.DataFrame | None = None) -> Candidates:
    """Read rows whose cells may be anything.

    Parameters
    ----------
    data : frame or path
        Columns that the schema does not name are left out; identifiers and constants need not
        be there.
    schema : Schema
    like : DataFrame or None, default=None
        Typed real rows, whose data types the candidates get.

    Raises
    ------
    InputError
        If the data are no table, or a column is missing.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "sex": "categorical"})
    >>> read = read_candidates(pl.DataFrame({"age": [" 39", "old"], "sex": ["f ", "m"]}), schema)
    >>> read.frame.rows(), read.unreadable
    ([(39, 'f'), (None, 'm')], ['', "age: 'old' is not integer"])
    """
    raw, _ = load_raw(data)
    columns, unreadable = [], [""] * raw.height
    for column in schema.each():
        if column.name in raw.columns:
            dtype = None if like is None else like.schema[column.name]
            series, bad = _read(raw[column.name], column, dtype)
        elif column.kind.is_modelled:
            near = suggest(column.name, raw.columns)
            raise InputError(f"the candidates have no column {column.name!r}{near}")
        else:
            series = _absent(column, raw.height)
            bad = np.zeros(raw.height, dtype=bool)
        columns.append(series)
        for row in np.flatnonzero(bad):
            text = str(raw[column.name][int(row)])[:_SHOWN]
            unreadable[row] = unreadable[row] or (
                f"{column.name}: {text!r} is not {column.kind.value}"
            )
    return Candidates(pl.DataFrame(columns), unreadable)


def _absent(column: Column, height: int) -> pl.Series:
    known = column.categories if column.kind is Kind.CONSTANT else None
    return pl.Series(column.name, [known[0] if known else None] * height)


def _read(series: pl.Series, column: Column, dtype: pl.DataType | None) -> tuple[pl.Series, Mask]:
    """Return the typed cells, and which of them cannot be read."""
    if series.dtype == pl.String and column.kind is not Kind.TEXT:
        series = series.str.strip_chars()
        series = series.set((series == "").fill_null(False), None)
        if column.format is None and column.kind in _ISO:
            column = column.model_copy(update={"format": _ISO[column.kind]})
    try:
        read = typed_series(series, column)
    except InputError:
        read = _cell_by_cell(series, column)
    if dtype is not None and read.dtype != dtype:
        read = read.cast(dtype, strict=False)
    return read, (_present(series, column) & read.is_null()).to_numpy()


def _present(series: pl.Series, column: Column) -> pl.Series:
    if series.dtype == pl.String:
        series = without_missing(series, also=column.sentinels, vague=column.kind.is_numeric)
    present = series.is_not_null()
    return present & series.is_not_nan() if series.dtype.is_float() else present


def _cell_by_cell(series: pl.Series, column: Column) -> pl.Series:
    """Read each different cell on its own."""
    different = series.unique().drop_nulls()
    readable = [cell for cell in different if _readable(series.name, cell, series.dtype, column)]
    kept = series.is_in(pl.Series(readable, dtype=series.dtype).implode()).fill_null(False)
    return typed_series(series.set(~kept, None), column)


def _readable(name: str, cell: object, dtype: pl.DataType, column: Column) -> bool:
    try:
        typed_series(pl.Series(name, [cell], dtype=dtype), column)
    except InputError:
        return False
    return True
