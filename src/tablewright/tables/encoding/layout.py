"""Between typed rows and what generators learn of them: codes, constants, identifiers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Kind, Schema
from tablewright.tables.encoding.codec import Codec, Field, Floats, Matrix
from tablewright.tables.encoding.identifiers import Identifiers
from tablewright.tables.inference.casting import typed, untyped

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """What a table is put together from.

    Attributes
    ----------
    schema : Schema
    codec : Codec
        Translates the columns that generators learn.
    constants : DataFrame of one row
        Values of the columns that have one.
    identifiers : mapping of str to Identifiers
        What makes the columns that tell rows apart.

    Examples
    --------
    >>> schema = Schema.build({"n": "integer", "unit": "constant"})
    >>> layout = Layout.learn(pl.DataFrame({"n": [1, 2], "unit": ["kg", "kg"]}), schema)
    >>> layout.assemble(np.array([[7.0]]), np.random.default_rng(0)).row(0)
    (7, 'kg')
    """

    schema: Schema
    codec: Codec
    constants: pl.DataFrame
    identifiers: Mapping[str, Identifiers]

    @classmethod
    def learn(cls, frame: pl.DataFrame, schema: Schema) -> Self:
        """Read a layout off typed rows.

        Raises
        ------
        InputError
            If no column is left for a generator to learn.
        """
        codec = Codec(schema).fit(frame)
        if not codec.columns:
            raise InputError(
                "every column is constant or an identifier, so there is nothing to learn; add a "
                "column, or say another kind in the schema"
            )
        identifiers = {
            column.name: Identifiers(frame[column.name], column.format)
            for column in schema.each()
            if column.kind is Kind.IDENTIFIER
        }
        return cls(schema, codec, _constants(frame, schema), identifiers)

    def encode(self, frame: pl.DataFrame) -> Matrix:
        """Turn typed rows into what generators learn."""
        return self.codec.encode(frame)

    def assemble(
        self,
        values: Floats,
        rng: np.random.Generator,
        *,
        start: int = 0,
        fixed: pl.DataFrame | None = None,
    ) -> pl.DataFrame:
        """Put rows together; the inverse of `encode`.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_modelled)
            What a generator drew.
        rng : numpy Generator
            For identifiers; in the same state for every part of a table.
        start : int, default=0
            Rows of the table that were put together before.
        fixed : DataFrame or None, default=None
            Cells to keep, as typed rows; null where open.
        """
        result = self.complete(self.codec.decode(values), rng, start=start)
        if fixed is not None:
            result = result.with_columns(
                fixed[name].cast(result[name].dtype).fill_null(result[name])
                for name in result.columns
            )
        return result

    def complete(
        self, rows: pl.DataFrame, rng: np.random.Generator, *, start: int = 0
    ) -> pl.DataFrame:
        """Add the columns that nobody draws, constants and identifiers, to typed rows.

        Parameters
        ----------
        rows : DataFrame
            With all other columns.
        rng, start
            See `assemble`.
        """
        for name, maker in self.identifiers.items():
            rows = rows.with_columns(maker.make(rows.height, rng, start).alias(name))
        for name in self.constants.columns:
            rows = rows.with_columns(self.constants[name].new_from_index(0, rows.height))
        return rows[self.schema.names]

    def state(self) -> tuple[dict[str, Any], dict[str, Arrays], dict[str, pl.DataFrame]]:
        """Give plain facts, arrays and frames from which `restore` makes it again."""
        facts = {
            "schema": self.schema.model_dump(mode="json"),
            "fields": [asdict(field) for field in self.codec.fields],
            "identifiers": {name: maker.state()[0] for name, maker in self.identifiers.items()},
        }
        taken: dict[str, Arrays] = {
            f"taken/{name}": maker.state()[1] for name, maker in self.identifiers.items()
        }
        return facts, taken, {**self.codec.frames(), "constants": self.constants}

    @classmethod
    def restore(
        cls,
        facts: Mapping[str, Any],
        arrays: Mapping[str, Arrays],
        frames: Mapping[str, pl.DataFrame],
    ) -> Self:
        """Make it again from what `state` gave."""
        schema = Schema.model_validate(facts["schema"])
        fields = [Field(**field) for field in facts["fields"]]
        identifiers = {
            name: Identifiers.restore(declared, arrays[f"taken/{name}"])
            for name, declared in facts["identifiers"].items()
        }
        codec = Codec.restore(schema, fields, frames)
        _check_parts(codec, frames["constants"], identifiers)
        return cls(schema, codec, frames["constants"], identifiers)


def _check_parts(
    codec: Codec, constants: pl.DataFrame, identifiers: Mapping[str, Identifiers]
) -> None:
    """Check that what a model file says fits together.

    Raises
    ------
    ValueError
        If it does not.
    """
    kinds = {column.name: column.kind for column in codec.schema.each()}
    names = [field.name for field in codec.fields]
    dtypes = dict(codec.frames()["dtypes"].schema)
    if names != [column.name for column in codec.columns] or set(names) - set(dtypes):
        raise ValueError("fields and columns differ")
    for field, column in zip(codec.fields, codec.columns, strict=True):
        coded = column.kind.is_discrete or column.kind is Kind.TEXT
        levels = codec.levels(field.name) if coded else []
        if field.levels != len(levels) or None in levels or len(set(levels)) < len(levels):
            raise ValueError(f"levels of {field.name!r} differ")
        if field.target is not (column.name == codec.schema.target):
            raise ValueError(f"{field.name!r} and the target differ")
        if not math.isfinite(field.step) or field.step < 0:
            raise ValueError(f"the step of {field.name!r} is out of range")
    if set(constants.columns) != {n for n, kind in kinds.items() if kind is Kind.CONSTANT}:
        raise ValueError("constants differ")
    if set(identifiers) != {n for n, kind in kinds.items() if kind is Kind.IDENTIFIER}:
        raise ValueError("identifiers differ")
    if constants.width and constants.height != 1:
        raise ValueError("constants are one row")
    if typed(untyped(constants, codec.schema), codec.schema).schema != constants.schema:
        raise ValueError("constants are of other types")


def _constants(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Take one row with the values of the constant columns."""
    columns = [frame[c.name] for c in schema.each() if c.kind is Kind.CONSTANT]
    firsts = [c.drop_nulls().head(1) if c.drop_nulls().len() else c.head(1) for c in columns]
    return pl.DataFrame(firsts)
