"""A table as everything inside sees it: typed cells, what they mean, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Column, Dialect, Schema, inner_name, suggest
from tablewright.tables.inference.casting import typed, untyped
from tablewright.tables.inference.cells import without_missing
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.io.databases import Query
from tablewright.tables.io.files import format_of
from tablewright.tables.io.frames import Restore, to_polars
from tablewright.tables.io.sampling import Sample, read_whole

MIN_STRUCTURAL = 10
"""Rows without a single value from which on that is no accident: 1 in 1,000 at even odds."""


@dataclass(frozen=True)
class Table:
    """Typed rows with their schema.

    Attributes
    ----------
    frame : DataFrame
        Columns have the data types of their kinds; missing values are null.
    schema : Schema
    restore_frame : Restore
        Gives frames of the user's kind.
    raw : DataFrame
        The rows as they came, with the columns of the schema.
    sample : Sample or None
        Of what larger table the rows are a sample.
    """

    frame: pl.DataFrame
    schema: Schema
    restore_frame: Restore
    raw: pl.DataFrame
    sample: Sample | None = None

    def restore(self, frame: pl.DataFrame, same_rows: bool = False) -> Any:
        """Turn typed rows into what the user gave: kind of frame, data types, spelling."""
        return self.restore_frame(untyped(frame, self.schema), same_rows)


def for_file(rows: pl.DataFrame, schema: Schema, path: str | Path | None) -> pl.DataFrame:
    """Give rows of a text file the types that a binary file can hold.

    Parameters
    ----------
    rows : DataFrame
        Rows as `Table.restore` gives them.
    schema : Schema
    path : str, Path or None
        Where they will be written; None is a database.

    Returns
    -------
    DataFrame
        Typed, where all that was learned came as text and `path` holds types; else as they are.

    Examples
    --------
    >>> schema = Schema.build({"age": {"kind": "integer", "dtype": "String"}})
    >>> for_file(pl.DataFrame({"age": ["39"]}), schema, "out.parquet")["age"].to_list()
    [39]
    """
    is_text = path is not None and format_of(path) in ("csv", "tsv")
    if is_text or any(c.dtype != "String" for c in schema.each()):
        return rows
    return typed(rows.rename(inner_name), schema)


def load_raw(data: Any) -> tuple[pl.DataFrame, Restore]:
    """Read a file, a folder of parts, a database or a frame as it stands, whole."""
    if isinstance(data, str | Path | Query):
        return read_whole(data)[0], Restore()
    return to_polars(data)


def load_table(
    data: Any,
    overrides: Mapping[str, Any] | None = None,
    target: str | None = None,
    dialect: Dialect | None = None,
    drop: Sequence[str] = (),
) -> Table:
    """Read a file or a frame, find out what it means, and type its cells.

    Parameters
    ----------
    data : path or frame
        See `tablewright.tables.io.files.read_frame` and `tablewright.tables.io.frames.to_polars`.
    overrides : mapping or None, default=None
        What a person knows better; see `infer_schema`.
    target : str or None, default=None
        The column that a model is to predict.
    dialect : Dialect or None, default=None
        What a person set of how a text file is written.
    drop : sequence of str, default=()
        Columns that are left out.

    Raises
    ------
    InputError
        If the data cannot be read or make no table.

    Examples
    --------
    >>> raw = pl.DataFrame({"age": ["39", "?", "50"], "job": ["a", "b", "a"]})
    >>> table = load_table(raw)
    >>> table.frame["age"].to_list()
    [39, None, 50]
    >>> table.restore(table.frame).equals(raw)
    True
    """
    if isinstance(data, str | Path | Query):
        (raw, dialect), restore = read_whole(data, dialect), Restore()
    else:
        raw, restore = to_polars(data)
        overrides = {**restore.kinds(), **(overrides or {})}
    with named(data):
        raw = without_columns(raw, drop)
        schema = infer_schema(raw, overrides, target, dialect)
        return Table(typed(raw, schema), schema, restore, raw)


def without_columns(raw: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Leave columns out, by the names that a person knows.

    Raises
    ------
    InputError
        If there is no such column, or none is left.
    """
    inner = [inner_name(name) for name in names]
    for name in inner:
        if name not in raw.columns:
            raise InputError(f"drop: there is no column {name!r}{suggest(name, raw.columns)}")
    kept = [series for series in raw if series.name not in inner]
    if not kept:
        raise InputError("drop leaves no column; keep one or more")
    return pl.DataFrame(kept)


@contextmanager
def named(data: Any) -> Iterator[None]:
    """Name the file in what is said about its table."""
    try:
        yield
    except InputError as error:
        if isinstance(data, str | Path | Query):
            raise type(error)(f"{data}: {error}") from error
        raise


def empty_cells(raw: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Return which cells are empty as they came, or hold a text that a person called missing."""
    return pl.DataFrame([_empty(raw[column.name], column) for column in schema.each()])


def cells_to_fill(
    raw: pl.DataFrame,
    frame: pl.DataFrame,
    schema: Schema,
    columns: Sequence[str] | None = None,
    leave_structural: bool = False,
) -> pl.DataFrame:
    """Return which cells of a table are to be filled; see `Synthesizer.impute`."""
    columns = None if columns is None else [inner_name(name) for name in columns]
    for name in columns or ():
        if name not in schema:
            raise InputError(f"the table has no column {name!r}{suggest(name, schema.names)}")
    empty = empty_cells(raw, schema)
    structural = structural_cells(frame, schema) if leave_structural else {}
    kept = [s & False if columns is not None and s.name not in columns else s for s in empty]
    return pl.DataFrame([s & ~structural[s.name][1] if s.name in structural else s for s in kept])


def fill_cells(raw: pl.DataFrame, whole: pl.DataFrame, mask: pl.DataFrame) -> pl.DataFrame:
    """Put new cells where the mask says so; all others stay as they are spelled."""
    columns = []
    for name in raw.columns:
        new = whole[name].cast(raw[name].dtype, strict=False)
        columns.append(raw[name].zip_with(~mask[name], new))
    return pl.DataFrame(columns)


def _empty(series: pl.Series, column: Column) -> pl.Series:
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if series.dtype == pl.String:
        return without_missing(
            series, column.sentinels if column.missing == "declared" else (), missing="listed"
        ).is_null()
    return series.is_null()


def structural_cells(frame: pl.DataFrame, schema: Schema) -> dict[str, tuple[str, pl.Series]]:
    """Find cells that are empty because of what another column says.

    Parameters
    ----------
    frame : DataFrame
        Typed rows.
    schema : Schema

    Returns
    -------
    dict
        By column the condition in words, and which cells it holds in: no row that meets it
        has a value, and among the other rows at least half have.
    """
    result: dict[str, tuple[str, pl.Series]] = {}
    for column in schema.each():
        empty = frame[column.name].is_null()
        if 0 < empty.sum() < frame.height:
            best = _explain(frame, schema, column.name, empty)
            if best is not None:
                result[column.name] = best
    return result


def _explain(
    frame: pl.DataFrame, schema: Schema, name: str, empty: pl.Series
) -> tuple[str, pl.Series] | None:
    for other in schema.each():
        series = frame[other.name]
        if other.name == name or not other.kind.is_discrete or not 2 <= series.n_unique() <= 20:
            continue
        for value in series.drop_nulls().unique().sort():
            inside = (series == value).fill_null(False)
            n = int(inside.sum())
            outside = empty.filter(~inside)
            often = outside.mean() or 0.0
            # polars types a mean as any value; of truths it is a number
            if n >= MIN_STRUCTURAL and empty.filter(inside).all() and often <= 0.5:  # type: ignore[operator]
                return f"{other.name} = {value!r}", inside
    return None
