"""Rows on their way to keep rules: what is computed, and which break what, kept up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.bound import BoundRule, Dependency, RowRule
from tablewright.rules.enforcement.linear import Solved, range_of
from tablewright.rules.enforcement.plan import Plan
from tablewright.rules.expressions.evaluate import masks, values
from tablewright.rules.trees import formula_tree
from tablewright.schema import Kind, Schema


def compute(frame: pl.DataFrame, rules: Sequence[BoundRule], schema: Schema) -> pl.DataFrame:
    """Return rows in which every computed column is what its rule says, rule by rule.

    A value that is missing stays missing, and a value that cannot be computed, because
    something it needs is missing or a combination was never seen, stays as it was drawn.
    """
    for rule in rules:
        frame = frame.with_columns(_computed(rule, frame, schema))
    return frame


def _computed(rule: BoundRule, frame: pl.DataFrame, schema: Schema) -> pl.Series:
    if isinstance(rule, Dependency):
        drawn = frame[rule.rule.to]
        result = rule.determined(frame).cast(drawn.dtype)
    else:
        drawn = frame[rule.rule.column]
        result = _written(values(formula_tree(rule.rule, schema), schema, frame), drawn, schema)
        ends = range_of(schema[drawn.name]) if isinstance(rule, Solved) else None
        if ends is not None:
            result = result.set(~result.is_between(*ends), None)
    return result.zip_with(drawn.is_not_null() & result.is_not_null(), drawn).alias(drawn.name)


def _written(made: pl.Series, drawn: pl.Series, schema: Schema) -> pl.Series:
    """Round computed numbers as the column is written."""
    column = schema[drawn.name]
    if not drawn.dtype.is_numeric():
        return made.cast(drawn.dtype, strict=False)
    if column.kind is Kind.INTEGER or drawn.dtype.is_integer():
        return made.round(mode="half_away_from_zero").cast(drawn.dtype, strict=False)
    if column.decimals is not None:
        made = made.round(column.decimals, mode="half_away_from_zero")
    return made.cast(drawn.dtype, strict=False)


Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


class Block:
    """Some rows of a table under rules.

    Rules of single rows are asked again only of rows that were changed.

    Parameters
    ----------
    plan : Plan
        The rules.
    frame : polars DataFrame
        The rows as they were drawn.
    fixed : polars DataFrame or None
        Cells that the user gave, null where open.
    """

    def __init__(self, plan: Plan, frame: pl.DataFrame, fixed: pl.DataFrame | None) -> None:
        self.plan, self.frame, self.fixed = plan, frame, fixed
        self._changed: Bools = np.ones(frame.height, dtype=bool)
        self._masks = {rule.name: np.zeros(frame.height, dtype=bool) for rule in plan.per_row}
        self._maps = {r.name: r for r in plan.per_row if isinstance(r, Dependency)}
        self._learn(frame)

    def _learn(self, part: pl.DataFrame) -> None:
        """Add combinations that no map knows yet, as they stand in some rows."""
        self._maps = {name: rule.extended(part) for name, rule in self._maps.items()}

    @property
    def dependencies(self) -> dict[str, Dependency]:
        """The dependencies with maps that know every combination in these rows."""
        return self._maps

    def put(self, rows: Ints, part: pl.DataFrame) -> None:
        """Put rows in place of those that stood there, and compute their computed columns."""
        result = self._computed(part.select(self.frame.columns), rows)
        self._learn(result)
        self._put(rows, result)

    def compute(self) -> Ints:
        """Fill in the computed columns of all rows; return the rows that changed."""
        every = np.arange(self.frame.height)
        result = self._computed(self.frame, every)
        pairs = ((self.frame[name], result[name]) for name in self.plan.computed)
        changed = [before.ne_missing(after).to_numpy() for before, after in pairs]
        rows = np.flatnonzero(any_of(changed, self.frame.height))
        self._learn(result[rows])
        self._put(rows, result[rows])
        return rows

    def _put(self, rows: Ints, part: pl.DataFrame) -> None:
        if len(rows):
            source = np.arange(self.frame.height)
            source[rows] = self.frame.height + np.arange(len(rows))
            self.frame = pl.concat([self.frame, part])[source]
            self._changed[rows] = True

    def _computed(self, part: pl.DataFrame, rows: Ints) -> pl.DataFrame:
        rules: list[BoundRule] = [self._maps.get(r.name, r) for r in self.plan.computations]
        result = compute(part, rules, self.plan.schema)
        if self.fixed is not None:
            given = self.fixed[rows].select(
                c for c in self.plan.computed if c in self.fixed.columns
            )
            result = result.with_columns(
                column.cast(result.schema[column.name]).fill_null(result[column.name])
                for column in given
            )
        return result

    def broken(self, rule: BoundRule) -> Bools:
        """Return the rows that break a rule."""
        if rule.name not in self._masks:
            return rule.broken(self.frame)
        self._refresh()
        return self._masks[rule.name]

    def _refresh(self) -> None:
        rows = np.flatnonzero(self._changed)
        if len(rows) == 0:
            return
        part = self.frame if len(rows) == self.frame.height else self.frame[rows]
        trees = [rule for rule in self.plan.per_row if isinstance(rule, RowRule)]
        nulls = [not rule.rule.strict for rule in trees]
        kept = masks([rule.tree for rule in trees], nulls, self.plan.schema, part)
        for rule, mask in zip(trees, kept, strict=True):
            self._masks[rule.name][rows] = ~mask
        for name, dependency in self._maps.items():
            self._masks[name][rows] = dependency.broken(part)
        self._changed[:] = False

    def broken_any(self, rules: Sequence[BoundRule]) -> Bools:
        """Return the rows that break any of some rules."""
        return any_of([self.broken(rule) for rule in rules], self.frame.height)

    def remembered(self) -> Plan:
        """Return the plan with maps that know what is new in these rows."""
        rules: list[Any] = [self._maps.get(rule.name, rule) for rule in self.plan.rules]
        return replace(self.plan, rules=tuple(rules))


def any_of(masks: Sequence[Bools], n_rows: int) -> Bools:
    """Return which rows any mask marks; none where there are no masks."""
    result = np.zeros(n_rows, dtype=bool)
    for mask in masks:
        result |= mask
    return result
