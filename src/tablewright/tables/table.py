"""A table as everything inside sees it: typed cells, what they mean, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.tables.inference.casting import typed, untyped
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.io.files import format_of, read_frame
from tablewright.tables.io.frames import Restore, to_polars

__all__ = ["Table", "for_file", "load_raw", "load_table"]


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
    """

    frame: pl.DataFrame
    schema: Schema
    restore_frame: Restore

    def restore(self, frame: pl.DataFrame, same_rows: bool = False) -> Any:
        """Turn typed rows into what the user gave: kind of frame, data types, spelling."""
        return self.restore_frame(untyped(frame, self.schema), same_rows)


def for_file(rows: pl.DataFrame, schema: Schema, path: str | Path) -> pl.DataFrame:
    """Give rows of a text file the types that a binary file can hold.

    Parameters
    ----------
    rows : DataFrame
        Rows as `Table.restore` gives them.
    schema : Schema
    path : str or Path
        Where they will be written.

    Returns
    -------
    DataFrame
        Typed, where all that was learned came as text and `path` is Parquet or Arrow; else
        as they are.

    Examples
    --------
    >>> schema = Schema.build({"age": {"kind": "integer", "dtype": "String"}})
    >>> for_file(pl.DataFrame({"age": ["39"]}), schema, "out.parquet")["age"].to_list()
    [39]
    """
    if format_of(path) in ("csv", "tsv") or any(c.dtype != "String" for c in schema.each()):
        return rows
    return typed(rows, schema)


def load_raw(data: Any) -> tuple[pl.DataFrame, Restore]:
    """Take in a file or a frame as it stands."""
    if isinstance(data, str | Path):
        return read_frame(data), Restore()
    return to_polars(data)


def load_table(
    data: Any,
    overrides: Mapping[str, Any] | None = None,
    target: str | None = None,
    schema: Schema | None = None,
) -> Table:
    """Take in a file or a frame, find out what it means, and type its cells.

    Parameters
    ----------
    data : path or frame
        See `tablewright.tables.io.files.read_frame` and `tablewright.tables.io.frames.to_polars`.
    overrides : mapping or None, default=None
        What a person knows better; see `infer_schema`.
    target : str or None, default=None
        The column that a model is to predict.
    schema : Schema or None, default=None
        What the columns mean, where that is known: of the training rows, for other rows of
        the same table. Nothing is inferred then.

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
    raw, restore = load_raw(data)
    with _named(data):
        if schema is None:
            schema = infer_schema(raw, overrides, target)
        return Table(typed(raw, schema), schema, restore)


@contextmanager
def _named(data: Any) -> Iterator[None]:
    """Name the file in what is said about its table."""
    try:
        yield
    except InputError as error:
        if isinstance(data, str | Path):
            raise type(error)(f"{data}: {error}") from error
        raise
