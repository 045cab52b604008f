"""Take in rows with what is known of their columns: told by the user, or learned before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.errors import ArgumentError, InputError
from tablewright.schema import Dialect, Schema, outer_name, suggest
from tablewright.tables.inference.casting import typed, typed_series
from tablewright.tables.inference.infer import describe
from tablewright.tables.io.files import read_table
from tablewright.tables.io.sampling import Sample, Source, draw_rows, large_source
from tablewright.tables.io.sdv_metadata import read_schema_file
from tablewright.tables.table import Table, load_raw, load_table, named, without_columns


def load_as_said(
    data: Any,
    said: Any,
    target: str | None,
    drop: Sequence[str] | None = None,
    dialect: Dialect | None = None,
) -> Table:
    """Take in a table with what the user said of its columns.

    Parameters
    ----------
    data : frame, path or Table
        A `Table` is taken as it is.
    said : Schema, mapping, path or None
        See `Synthesizer`.
    target : str or None
        Wins over the target that `said` may name.
    drop : sequence of str or None, default=None
        Columns that are left out, of what `said` names too.
    dialect : Dialect or None, default=None
        How the file was written that a frame was read from.

    Raises
    ------
    InputError
        If the data or the schema cannot be used, the target is no name, or a column to leave out
        does not exist or is the target.
    """
    if isinstance(data, Table):
        return data
    target = _name_of_target(target, data)
    left_out = _names_to_drop(drop, target)
    if said is None or isinstance(said, Mapping):
        kinds = {n: kind for n, kind in (said or {}).items() if n not in left_out}
        return load_table(data, kinds or None, target, dialect, left_out)
    if isinstance(said, Schema):
        schema = said if target is None else said.with_target(target)
        kept = [column for column in schema.each() if outer_name(column.name) not in left_out]
        schema = schema.model_copy(update={"columns": kept})
        raw, restore = load_raw(data)
        raw = with_all(without_columns(raw, left_out), schema, "the table")
        return Table(typed(raw, schema), schema, restore, raw)
    declared = read_schema_file(said)
    target = declared.target if target is None else target
    _names_to_drop(drop, target)
    kinds = {n: kind for n, kind in declared.columns.items() if n not in left_out}
    return load_table(data, kinds, target, declared.dialect or dialect, left_out)


def load_to_learn(
    data: Any, said: Any, target: str | None, drop: Sequence[str] | None = None
) -> Table:
    """Take in a table to learn from: of what is larger than memory, a sample and its categories.

    Parameters
    ----------
    data : frame, path, address of a database, Query or Table
    said, target, drop
        See `load_as_said`.
    """
    if isinstance(data, Table):
        return data
    dialect = read_schema_file(said).dialect if isinstance(said, str | Path) else None
    source = large_source(data, dialect)
    if source is None:
        return load_as_said(data, said, target, drop)
    rows, n_rows = draw_rows(source)
    with named(data):
        table = load_as_said(rows, said, target, drop, getattr(source, "dialect", None))
        if rows.height == n_rows:
            return table
        return _with_all_categories(table, source, n_rows)


def _with_all_categories(table: Table, source: Source, n_rows: int) -> Table:
    """Let a schema know the categories that no sampled row has; count what is left out."""
    counts, unseen, columns = {}, {}, []
    for column in table.schema.each():
        if column.kind.is_discrete:
            values, n_each = source.counts(column.name)
            seen = set(table.raw[column.name].unique())
            missed = ~pl.Series([value in seen for value in values], dtype=pl.Boolean)
            if missed.any():
                unseen[column.name] = int(missed.sum()), int(n_each.filter(missed).sum())
            column = describe(values, column)
            counts[column.name] = typed_series(values, column), n_each
        columns.append(column)
    schema = table.schema.model_copy(update={"columns": columns})
    sample = Sample(n_rows, table.frame.height, counts, unseen)
    frame = typed(table.raw, schema)
    return replace(table, frame=frame, schema=schema, sample=sample)


def _name_of_target(target: Any, data: Any) -> str | None:
    """Return the target as a name; pandas has numbers as names too."""
    if target is None or isinstance(target, str):
        return target
    names = getattr(data, "columns", None)
    if names is not None and not isinstance(target, bool) and target in list(names):
        return str(target)
    what = repr(target) if isinstance(target, int | float) else type(target).__name__
    number = f"; rows wanted are n_samples={target}" if type(target) is int else ""
    raise ArgumentError(f"target is the name of a column, not {what}{number}")


def _names_to_drop(drop: Any, target: str | None) -> list[str]:
    names = [drop] if isinstance(drop, str) else [str(name) for name in drop or ()]
    if target in names:
        raise InputError(f"{target!r} is the target: it cannot be left out (drop)")
    return names


def read_as_said(path: Path, schema_file: Path | None) -> pl.DataFrame:
    """Read the rows of a file in the dialect that a schema file declares."""
    dialect = None if schema_file is None else read_schema_file(schema_file).dialect
    return read_table(path, dialect)[0]


def with_all(raw: pl.DataFrame, schema: Schema, what: str) -> pl.DataFrame:
    """Check that a frame has the columns of a schema and no other; put them in its order."""
    names = schema.names
    for name in raw.columns:
        if name not in names:
            raise InputError(f"{what} has a column {name!r} that the schema does not name")
    if absent := [name for name in names if name not in raw.columns]:
        raise InputError(f"{what} has no column {absent[0]!r}{suggest(absent[0], raw.columns)}")
    return raw[names]


def load_seeds(data: Any, schema: Schema) -> pl.DataFrame:
    """Take in partly filled rows; columns that they lack are empty.

    Raises
    ------
    InputError
        If they have a column that `schema` does not name, or there are none.
    """
    raw, _ = load_raw(data)
    unknown = [name for name in raw.columns if name not in schema]
    if unknown:
        raise InputError(
            f"seed_data: the table has no column {unknown[0]!r}{suggest(unknown[0], schema.names)}"
        )
    if raw.height == 0:
        raise InputError("seed_data has no rows; leave it out to draw whole rows")
    absent = pl.Series(dtype=pl.Null).extend_constant(None, raw.height)
    columns = [raw[n] if n in raw.columns else absent.alias(n) for n in schema.names]
    return typed(pl.DataFrame(columns), schema)
