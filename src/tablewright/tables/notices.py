"""What happens to single columns that a person should know before rows are used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tablewright.schema import Column, Kind, Schema, outer_name

UNSURE = 0.7
"""Confidence below which a kind is a question to the person."""

RARE = 5
"""Rows below which a value may tell of whom it is."""

MOSTLY = 0.9
"""Share of different values from which a category is likelier a key."""


@dataclass(frozen=True)
class Notice:
    """One sentence about a column.

    Attributes
    ----------
    topic : str
        ``"free text"``, ``"copied values"``, ``"identifier"`` or ``"unsure kind"``.
    column : str
    sentence : str
    """

    topic: str
    column: str
    sentence: str

    @property
    def copies(self) -> bool:
        """Whether real values that few rows share stand in the rows that are written."""
        return self.topic in ("free text", "copied values")


def notices(frame: pl.DataFrame, schema: Schema) -> list[Notice]:
    """Say which real values are copied, what is made anew, and which kinds are unsure.

    Examples
    --------
    >>> frame = pl.DataFrame({"code": [f"A{i}" for i in range(40)]})
    >>> schema = Schema.build({"code": "text"})
    >>> [notice.topic for notice in notices(frame, schema)]
    ['free text']
    """
    return [
        Notice(topic, outer_name(column.name), sentence)
        for column in schema.each()
        for topic, sentence in _of_column(frame[column.name], column, schema.target)
    ]


def _of_column(series: pl.Series, column: Column, target: str | None) -> Iterator[tuple[str, str]]:
    name = outer_name(column.name)
    if column.kind is Kind.IDENTIFIER:
        yield (
            "identifier",
            f"{name!r} is an identifier ({column.reason}): new rows get fresh ones",
        )
    if column.kind is Kind.TEXT:
        yield (
            "free text",
            f"{name!r} is free text: its values are drawn from the real ones as they stand; leave "
            "it out (drop) where that must not be",
        )
    if column.kind is Kind.CATEGORICAL and column.name != target:
        yield from _rare_values(series.drop_nulls(), column)
    if column.confidence < UNSURE:
        other = _alternative(series, column)
        yield (
            "unsure kind",
            f"{name!r} was taken as {column.kind.value} ({column.reason}), which is unsure; if it "
            f"is not, say so in schema.yaml: 'columns: {{{name}: {other}}}'",
        )


def _rare_values(present: pl.Series, column: Column) -> Iterator[tuple[str, str]]:
    counts = present.cast(pl.String).unique_counts()
    n_rare = int((counts < RARE).sum())
    if len(counts) <= 10 or n_rare <= len(counts) / 2:
        return
    name = outer_name(column.name)
    key = len(counts) >= MOSTLY * len(present)
    remedy = (
        f"if they are keys, declare them ('columns: {{{name}: identifier}}') and fresh ones are "
        "made, or leave the column out (drop)"
        if key
        else "leave it out (drop) where that must not be"
    )
    yield (
        "copied values",
        f"{n_rare} of the {len(counts)} values of {name!r} occur in fewer than {RARE} rows, and "
        f"rows are written with these real values; {remedy}",
    )


def _alternative(series: pl.Series, column: Column) -> str:
    """Return the kind that is likeliest, if it is not the one that was taken."""
    present = series.drop_nulls()
    unique = present.n_unique() >= MOSTLY * len(present)
    match column.kind:
        case Kind.CATEGORICAL if series.dtype.is_numeric():
            return "integer"
        case Kind.CATEGORICAL:
            return "identifier" if unique else "text"
        case Kind.ORDINAL:
            return "integer" if series.dtype.is_integer() else "continuous"
        case Kind.IDENTIFIER if series.dtype.is_numeric():
            return "integer"
        case Kind.TEXT if unique:
            return "identifier"
        case Kind.DATE | Kind.DATETIME | Kind.TIMEDELTA:
            return f"{{kind: {column.kind.value}, format: ...}}"
        case _:
            return "categorical"
