"""Text columns beside a texture: rows are made with the attribute, texts by its value."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.endpoint.base import LLM
from tablewright.schema import Column, Kind, Schema
from tablewright.systems.htdbu.texts import TextColumn


@dataclass(frozen=True)
class Texts:
    """Fitted text columns, and the table without them.

    Attributes
    ----------
    columns : tuple of TextColumn
    frame : DataFrame
        Real rows with each text's attribute in place of the text.
    schema : Schema
        Of these rows.
    lent : tuple of str
        Text columns that have no model of their own.
    """

    columns: tuple[TextColumn, ...]
    frame: pl.DataFrame
    schema: Schema
    lent: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        asked: str | TextColumn | Sequence[str | TextColumn] | None,
        frame: pl.DataFrame,
        schema: Schema,
        rng: np.random.Generator,
        llm: LLM | None = None,
    ) -> Texts:
        """Learn the attributes of texts.

        Parameters
        ----------
        asked : TextColumn, str, sequence of these or None
            Not yet fitted; texts are read as `TextColumn.parse` does.
        frame : DataFrame
            Real rows, typed.
        schema : Schema
        rng : numpy Generator
        llm : LLM or None
            For columns that need a model and name none.

        Raises
        ------
        InputError
            If a column is missing, or is the target.
        """
        fitted, borrowed = [], []
        for one in [asked] if isinstance(asked, TextColumn | str) else asked or ():
            column = TextColumn.parse(one) if isinstance(one, str) else copy(one)
            if column.llm is None:
                column.llm = llm
                borrowed.append(column.column)
            if schema.target == column.column:
                raise InputError(f"the target {column.column!r} cannot be a text column too")
            column.fit(frame, schema, rng)
            known = column.attribute_of(frame).alias(column.attribute)
            if column.attribute not in schema:
                new = _attribute(column, bool(known.null_count()))
                schema = schema.model_copy(update={"columns": [*schema.columns, new]})
            frame = frame.with_columns(known)
            fitted.append(column)
        frame, schema = _without([c.column for c in fitted], frame, schema)
        return cls(tuple(fitted), frame, schema, tuple(borrowed))

    @property
    def attributes(self) -> list[str]:
        """Names of the attributes."""
        return [column.attribute for column in self.columns]

    def write(
        self, rows: pl.DataFrame, rng: np.random.Generator, llm: LLM | None = None
    ) -> pl.DataFrame:
        """Add a text to each row, by the row's value of the attribute."""
        for column in self.columns:
            if column.column in self.lent:
                column.llm = llm
            rows = rows.with_columns(column.write(rows, rng))
        return rows

    def told(self, rows: pl.DataFrame) -> list[dict[str, Any]]:
        """Say what the texts of some rows are, column by column."""
        return [column.told(rows) for column in self.columns]


def _attribute(column: TextColumn, nullable: bool) -> Column:
    return Column(
        name=column.attribute, kind=Kind.CATEGORICAL, categories=column.values_, nullable=nullable
    )


def _without(
    names: Sequence[str], frame: pl.DataFrame, schema: Schema
) -> tuple[pl.DataFrame, Schema]:
    kept = [column for column in schema.columns if column.name not in names]
    return frame.drop(names), schema.model_copy(update={"columns": kept})
