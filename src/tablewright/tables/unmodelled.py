"""The columns that no generator learns: identifiers are made fresh, constants are repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.schema import Column, Kind, Schema
from tablewright.tables.dtypes import dtype_from_text
from tablewright.tables.identifiers import Identifiers

__all__ = ["Unmodelled"]


class Unmodelled:
    """Adds identifiers and constants to rows that a generator made.

    Parameters
    ----------
    frame : DataFrame
        Typed real rows.
    schema : Schema

    Examples
    --------
    >>> schema = Schema.build({"id": "identifier", "age": "integer"})
    >>> real = pl.DataFrame({"id": ["C-01", "C-02", "C-03"], "age": [30, 40, 50]})
    >>> made = Unmodelled(real, schema).add(pl.DataFrame({"age": [35]}), np.random.default_rng(0))
    >>> made.row(0)
    ('C-04', 35)
    """

    def __init__(self, frame: pl.DataFrame, schema: Schema) -> None:
        self.schema = schema
        self._makers = {
            column.name: Identifiers(frame[column.name], column.format)
            for column in schema.each()
            if column.kind is Kind.IDENTIFIER
        }

    def add(self, rows: pl.DataFrame, rng: np.random.Generator, offset: int = 0) -> pl.DataFrame:
        """Add the columns that are not modelled, and put all in the order of the schema.

        Parameters
        ----------
        rows : DataFrame of shape (n_rows, n_modelled)
            A column that is there already stays.
        rng : numpy Generator
            One number is drawn per identifier column; chunks of one table need generators in
            the same state.
        offset : int, default=0
            Number of rows made before.
        """
        made = {name: maker.make(rows.height, rng, offset) for name, maker in self._makers.items()}
        columns = []
        for column in self.schema.each():
            if column.name in rows.columns:
                columns.append(rows[column.name])
            elif column.name in made:
                columns.append(made[column.name].alias(column.name))
            else:
                columns.append(_repeat(column, rows.height))
        return pl.DataFrame(columns)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Give plain facts and arrays from which `restore` makes it again."""
        facts: dict[str, Any] = {}
        arrays: dict[str, NDArray[Any]] = {}
        for name, maker in self._makers.items():
            facts[name], own = maker.state()
            arrays |= {f"{name}/{key}": array for key, array in own.items()}
        return facts, arrays

    @classmethod
    def restore(
        cls, schema: Schema, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Self:
        """Make it again from what `state` gave."""
        made = cls.__new__(cls)
        made.schema = schema
        made._makers = {}
        for name, fact in facts.items():
            own = {
                k.removeprefix(f"{name}/"): a for k, a in arrays.items() if k.startswith(f"{name}/")
            }
            dtype = schema[name].dtype
            made._makers[name] = Identifiers.restore(
                fact, own, dtype_from_text(dtype) if dtype else None
            )
        return made


def _repeat(column: Column, n_rows: int) -> pl.Series:
    value = column.categories[0] if column.categories else None
    series = pl.Series(column.name, [value]).new_from_index(0, n_rows)
    if column.dtype is None or column.dtype == "String" or value is None:
        return series
    dtype = dtype_from_text(column.dtype, column.categories)
    if isinstance(dtype, pl.Duration):
        return (series * 1e6).cast(pl.Int64).cast(pl.Duration("us")).cast(dtype)
    return series.str.strptime(dtype) if dtype.is_temporal() else series.cast(dtype)
