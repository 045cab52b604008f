"""Rules bound to a schema: what each says of the rows of a frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError, RuleError
from tablewright.rules import language
from tablewright.rules.expressions import parse
from tablewright.rules.expressions.checking import constant
from tablewright.rules.expressions.evaluate import as_mask, truth
from tablewright.rules.expressions.tree import Node, columns_of
from tablewright.rules.language import Rule, Rules
from tablewright.rules.trees import rule_tree
from tablewright.schema import Schema

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class BoundRule(ABC):
    """A rule that fits a schema."""

    rule: Any
    schema: Schema

    @property
    def name(self) -> str:
        """The rule's name."""
        return str(self.rule.name)

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads."""

    @abstractmethod
    def broken(self, frame: pl.DataFrame) -> Bools:
        """Return the rows that break it."""


@dataclass(frozen=True)
class RowRule(BoundRule):
    """A rule that is an expression: each row keeps or breaks it alone."""

    tree: Node

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads, in the order of its text."""
        return columns_of(self.tree)

    def broken(self, frame: pl.DataFrame) -> Bools:
        """Return the rows that break it."""
        return ~as_mask(truth([self.tree], self.schema, frame)[0], null=not self.rule.strict)


@dataclass(frozen=True)
class Dependency(BoundRule):
    """A functional dependency; `known` maps what determines to what is determined."""

    known: pl.DataFrame | None = field(default=None, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The determining columns, then the determined one."""
        return (*self.rule.from_, self.rule.to)

    def broken(self, frame: pl.DataFrame) -> Bools:
        """Return the rows whose determined value is another than the one that belongs there."""
        belongs = self.determined(frame)
        differs = pl.DataFrame({"is": _plain(frame[self.rule.to]), "be": _plain(belongs)}).select(
            pl.col("is") != pl.col("be")
        )
        return differs.to_series().fill_null(self.rule.strict).to_numpy()

    def determined(self, frame: pl.DataFrame) -> pl.Series:
        """Return for each row the value that the others determine; null where unknown.

        Combinations that the map does not know take the value most frequent in this frame.
        """
        result, unknown = self._looked_up(frame)
        if unknown.any():
            result, _ = self.extended(frame)._looked_up(frame)
        return result

    def extended(self, frame: pl.DataFrame) -> Dependency:
        """Return the dependency with a map that knows the combinations of a frame too."""
        keys = list(self.rule.from_)
        if self.known is None:
            return replace(self, known=learn_map(frame, keys, self.rule.to))
        _, unknown = self._looked_up(frame)
        if not unknown.any():
            return self
        new = learn_map(frame.filter(unknown), keys, self.rule.to)
        known = self.known.cast({name: frame.schema[name] for name in self.columns})
        return replace(self, known=pl.concat([known, new]))

    def _looked_up(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Return what the map says of each row, and which combinations it does not know."""
        keys = list(self.rule.from_)
        asked = frame.select(keys)
        if self.known is None:
            nothing = frame.clear().get_column(self.rule.to).extend_constant(None, frame.height)
            return nothing, asked.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        known = self.known.cast({name: frame.schema[name] for name in self.columns})
        result = asked.join(known, on=keys, how="left", maintain_order="left")
        unknown = result.select(
            pl.col(self.rule.to).is_null() & pl.all_horizontal(pl.col(keys).is_not_null())
        )
        return result.get_column(self.rule.to), unknown.to_series()


@dataclass(frozen=True)
class Unique(BoundRule):
    """A key."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the key."""
        return tuple(self.rule.columns)

    def broken(self, frame: pl.DataFrame) -> Bools:
        """Return the rows whose key stands in an earlier row."""
        keys = frame.select(self.columns)
        joined = keys.to_series() if keys.width == 1 else keys.to_struct("key")
        complete = keys.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
        return (~joined.is_first_distinct() & complete).to_numpy()


@dataclass(frozen=True)
class ShareRule(BoundRule):
    """A rule about shares of the table: a quota, or a conditional distribution."""

    where: Node

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads."""
        own = (self.rule.column,) if isinstance(self.rule, language.Conditional) else ()
        return tuple(dict.fromkeys((*columns_of(self.where), *own)))

    def context(self, frame: pl.DataFrame) -> Bools:
        """Return the rows that it speaks of."""
        return as_mask(truth([self.where], self.schema, frame)[0], null=False)

    @cached_property
    def shares(self) -> list[tuple[Any, float]]:
        """Values of a conditional distribution with the share wanted of each."""
        column = self.schema[self.rule.column]
        return [(constant(text, column).value, share) for text, share in self.rule.dist.items()]

    def distance(self, frame: pl.DataFrame) -> float:
        """Return how far the table is from what is wanted: 0 where it is met.

        For a conditional distribution the total variation distance; for a quota the share
        of all rows that is missing or too much.
        """
        inside = self.context(frame)
        if isinstance(self.rule, language.Quota):
            return _off_band(int(inside.sum()), frame.height, self.rule)
        column = _plain(frame[self.rule.column]).filter(pl.Series(inside)).drop_nulls()
        if len(column) == 0:
            return 0.0
        result = [float((column == value).sum()) / len(column) for value, _ in self.shares]
        requested = [share for _, share in self.shares]
        apart = sum(abs(a - b) for a, b in zip(result, requested, strict=True))
        return 0.5 * (apart + abs(1.0 - sum(result)))

    def broken(self, frame: pl.DataFrame) -> Bools:
        """Return all rows of the context, or all rows, where the table does not keep it."""
        allowed = self.rule.tolerance if isinstance(self.rule, language.Conditional) else 0.0
        return np.full(frame.height, self.distance(frame) > allowed)


def _off_band(count: int, rows: int, rule: language.Quota) -> float:
    share = count / rows if rows else 0.0
    low = max(rule.share[0], rule.min_rows / rows if rows else 0.0)
    return max(low - share, share - rule.share[1], 0.0)


def _plain(series: pl.Series) -> pl.Series:
    return series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series


def learn_map(frame: pl.DataFrame, keys: list[str], to: str) -> pl.DataFrame:
    """Return the most frequent value of a column per combination of others; ties by value."""
    names = [*keys, to]
    columns = [str(i) for i in range(len(names))]
    plain = frame.select(
        pl.col(name).alias(column) for name, column in zip(names, columns, strict=True)
    )
    counted = plain.drop_nulls().group_by(columns).len("rows")
    ranked = counted.sort(
        [*columns[:-1], "rows", columns[-1]], descending=[*[False] * len(keys), True, False]
    )
    best = ranked.unique(columns[:-1], keep="first", maintain_order=True).drop("rows")
    return best.rename(dict(zip(columns, names, strict=True)))


def bind(rules: Rules, schema: Schema, frame: pl.DataFrame | None = None) -> list[BoundRule]:
    """Bind rules to a schema; what is to be learned is learned from the real rows.

    Parameters
    ----------
    rules : Rules
        What to bind.
    schema : Schema
        The columns there are.
    frame : polars DataFrame, optional
        Real rows, for dependencies with ``map: learn``.

    Raises
    ------
    RuleError
        Names the rule and the column or value in it that does not exist.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer"})
    >>> [rule.columns for rule in bind(Rules(rules=["age >= 18"]), schema)]
    [('age',)]
    """
    return [_bind(rule, schema, frame) for rule in rules]


def _bind(rule: Rule, schema: Schema, frame: pl.DataFrame | None) -> BoundRule:
    try:
        for column in _named_columns(rule):
            schema[column]
        tree = rule_tree(rule, schema)
        if tree is not None:
            return RowRule(rule, schema, tree)
        return _bind_other(rule, schema, frame)
    except InputError as error:
        if str(error).startswith(f"rule {rule.name!r}"):
            raise
        raise RuleError(f"rule {rule.name!r}: {error}") from error


def _named_columns(rule: Rule) -> Iterable[str]:
    match rule:
        case language.Range() | language.Formula() | language.Conditional():
            return [rule.column]
        case language.Order() | language.Unique():
            return rule.columns
        case language.Linear():
            return rule.terms
        case language.Dependency():
            return [*rule.from_, rule.to]
        case language.Align():
            return [rule.on, rule.attribute]
        case _:
            return []


def _bind_other(rule: Rule, schema: Schema, frame: pl.DataFrame | None) -> BoundRule:
    match rule:
        case language.Unique():
            return Unique(rule, schema)
        case language.Dependency():
            return Dependency(rule, schema, _map_of(rule, schema, frame))
        case language.Quota():
            return ShareRule(rule, schema, parse(rule.where, schema).tree)
        case language.Conditional():
            for text in rule.dist:
                constant(text, schema[rule.column])
            return ShareRule(rule, schema, parse(rule.given, schema).tree)
    raise AssertionError(rule)


def _map_of(
    rule: language.Dependency, schema: Schema, frame: pl.DataFrame | None
) -> pl.DataFrame | None:
    keys = list(rule.from_)
    if rule.map == "learn":
        return None if frame is None else learn_map(frame, keys, rule.to)
    columns = [*keys, rule.to]
    cells = [
        [None if cell is None else constant(cell, schema[column]).value for cell in listed]
        for column, listed in zip(columns, zip(*rule.map, strict=True), strict=True)
    ]
    result = pl.DataFrame(dict(zip(columns, cells, strict=True)), strict=False)
    if result.select(keys).is_duplicated().any():
        raise RuleError(f"map has two rows for one combination of {keys}")
    return result
