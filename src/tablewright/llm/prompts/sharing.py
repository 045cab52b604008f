"""What of the user's table leaves the machine: the one place where cells enter a prompt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, get_args

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import DECLARED, Column, Kind, Schema, suggest

Share = Literal["schema", "summary", "rows"]
SHARES: tuple[Share, ...] = get_args(Share)
"""From least to most: names and kinds; frequent values and quantiles; whole rows."""

Cell = bool | int | float | str | None
_LISTED = 20
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Shared:
    """Text about a table for a prompt, and the number of cells or values in it, by column."""

    text: str
    cells: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sharing:
    """The user's choice.

    Parameters
    ----------
    share : {"schema", "summary", "rows"}, default="schema"
        ``"schema"``: names, kinds, and what a person wrote into the schema. ``"summary"``:
        also the values that occur at least `min_count` times, and quantiles. ``"rows"``: also
        rows as examples.
    redact : tuple of str, default=()
        Columns whose values never leave, whatever `share` says.
    min_count : int, default=3
        How often a value has to occur to be named in a summary.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [31, 47], "name": ["Ann", "Bob"]})
    >>> Sharing("rows", redact=("name",)).cells(frame)
    [{'age': 31}, {'age': 47}]
    """

    share: Share = "schema"
    redact: tuple[str, ...] = ()
    min_count: int = 3

    def check(self, schema: Schema, frame: pl.DataFrame | None = None) -> None:
        """Refuse a redaction that names no column, neither of the schema nor of the whole table.

        Raises
        ------
        InputError
            If a redacted column does not exist, or all of them are redacted.
        """
        known = [*schema.names, *(frame.columns if frame is not None else ())]
        for name in self.redact:
            if name not in known:
                raise InputError(f"--redact: no column {name!r}{suggest(name, known)}")

    def allows(self, level: Share) -> bool:
        """Whether as much as `level` may leave."""
        return SHARES.index(self.share) >= SHARES.index(level)

    def need(self, level: Share, who: str) -> None:
        """Refuse a method that cannot work with less.

        Raises
        ------
        InputError
            If less than `level` may leave.
        """
        if not self.allows(level):
            raise InputError(
                f"{who} shows {level} of the table to the model, and only the {self.share} may "
                f"leave this machine: say --share {level}, or take another method"
            )

    def cells(self, frame: pl.DataFrame) -> list[dict[str, Cell]]:
        """Return the rows of a frame without redacted columns."""
        names = [name for name in frame.columns if name not in self.redact]
        return [{name: plain(row[name]) for name in names} for row in frame.iter_rows(named=True)]

    def describe(
        self, schema: Schema, frame: pl.DataFrame | None = None, *, briefly: bool = False
    ) -> Shared:
        """Describe the columns, one line each, as far as the choice allows.

        Parameters
        ----------
        frame : polars.DataFrame or None
            The table; without it only what the schema says is used.
        briefly : bool, default=False
            Leave out what the values of the table are.
        """
        self.check(schema, frame)
        lines, cells = [], {}
        for column in schema.each():
            facts, n_values = self._facts(column, None if briefly else frame)
            lines.append(json.dumps(facts, ensure_ascii=False))
            if n_values:
                cells[column.name] = n_values
        return Shared("\n".join(lines), cells)

    def named(self, schema: Schema) -> Schema:
        """Return a schema without the categories and ranges that may not leave.

        What a person wrote into the schema may; what was read off the table only where rows may,
        and nothing of a redacted column.

        Examples
        --------
        >>> schema = Schema.build({"city": {"kind": "categorical", "categories": ["Ulm"]}})
        >>> Sharing("schema").named(schema)["city"].categories is None
        True
        """
        nothing: dict[str, Any] = {
            "categories": None,
            "minimum": None,
            "maximum": None,
            "sentinels": [],
        }
        columns = [
            column if self._may_name(column) else column.model_copy(update=nothing)
            for column in schema.each()
        ]
        return schema.model_copy(update={"columns": columns})

    def admits(self, column: Column, values: Iterable[Cell], table: pl.DataFrame | None) -> bool:
        """Whether all of some values of a column may be named.

        In a summary those may that occur at least `min_count` times in the table.
        """
        if self._may_name(column):
            return True
        if column.name in self.redact or not self.allows("summary") or table is None:
            return False
        counts = Counter(plain(cell) for cell in table[column.name].to_list())
        return all(counts[value] >= self.min_count for value in values)

    def _may_name(self, column: Column) -> bool:
        declared = column.reason == DECLARED or self.allows("rows")
        return declared and column.name not in self.redact

    def _facts(self, column: Column, frame: pl.DataFrame | None) -> tuple[dict[str, object], int]:
        facts: dict[str, object] = {"column": column.name, "kind": column.kind.value}
        if column.description:
            facts["meaning"] = column.description
        if column.decimals is not None and column.kind is Kind.CONTINUOUS:
            facts["decimals"] = column.decimals
        if column.nullable:
            facts["may be empty"] = True
        if column.name in self.redact:
            return {**facts, "values": "withheld"}, 0
        if column.reason == DECLARED:
            facts.update(_declared(column))
        if not self.allows("summary") or frame is None or column.name not in frame.columns:
            return facts, 0
        values, n_values = self._summary(column, frame[column.name].drop_nulls())
        return {**facts, **values}, n_values

    def _summary(self, column: Column, values: pl.Series) -> tuple[dict[str, object], int]:
        if column.kind in (Kind.CONTINUOUS, Kind.INTEGER) and values.dtype.is_numeric():
            # quantiles of one or two values are these values
            return _quantiles(column, values) if len(values) >= self.min_count else ({}, 0)
        if column.kind.is_discrete:
            counts = Counter(plain(value) for value in values.to_list())
            common = [(v, n) for v, n in counts.most_common(_LISTED) if n >= self.min_count]
            shares = {str(value): round(n / len(values), 3) for value, n in common}
            return {"shares of values": shares}, len(shares)
        return {}, 0


def count_cells(rows: Iterable[Mapping[str, Cell]]) -> dict[str, int]:
    """Count cells by column.

    Examples
    --------
    >>> count_cells([{"age": 31}, {"age": 47, "city": "Ulm"}])
    {'age': 2, 'city': 1}
    """
    return dict(Counter(name for row in rows for name in row))


def plain(value: object) -> Cell:
    """Return a cell as JSON can hold it; dates and times as ISO 8601 text, spans in seconds."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, timedelta):
        return value.total_seconds()
    iso = getattr(value, "isoformat", None)
    return str(iso() if iso else value)


def _declared(column: Column) -> dict[str, object]:
    facts = {"values": column.categories, "from": column.minimum, "to": column.maximum}
    return {name: value for name, value in facts.items() if value is not None}


def _quantiles(column: Column, values: pl.Series) -> tuple[dict[str, object], int]:
    points = [values.quantile(level, "linear") or 0.0 for level in _QUANTILES]
    digits = 0 if column.kind is Kind.INTEGER else 4 if column.decimals is None else column.decimals
    rounded: Sequence[float] = [round(float(point), digits) for point in points]
    return {"quantiles 5/25/50/75/95 %": rounded}, len(rounded)
