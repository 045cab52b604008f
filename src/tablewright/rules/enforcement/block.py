"""Rows on their way to keep rules: what is computed, and which break what, kept up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.bound import BoundRule, Dependency, RowRule
from tablewright.rules.enforcement.computing import Computation
from tablewright.rules.enforcement.plan import Plan
from tablewright.rules.expressions.evaluate import as_mask, truth

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

    Attributes
    ----------
    frame : polars DataFrame
        The rows as they stand.
    changes : ndarray of int
        How often each row was put in anew.
    """

    def __init__(self, plan: Plan, frame: pl.DataFrame, fixed: pl.DataFrame | None) -> None:
        self.plan, self.frame, self.fixed = plan, frame, fixed
        self.changes: Ints = np.zeros(frame.height, dtype=np.intp)
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
        drawn = self._with_given(part.select(self.frame.columns), rows)
        result = self._computed(drawn, rows, self.plan.computations)
        self._learn(result)
        self._put(rows, result)

    def given(self, rows: Ints, columns: Sequence[str]) -> Bools:
        """Return which cells of these the user gave."""
        result = np.zeros((len(rows), len(columns)), dtype=bool)
        for j, name in enumerate(columns):
            if self.fixed is not None and name in self.fixed.columns:
                result[:, j] = self.fixed[name][rows].is_not_null().to_numpy()
        return result

    def _with_given(self, part: pl.DataFrame, rows: Ints) -> pl.DataFrame:
        """Put back the cells that the user gave."""
        cells = [] if self.fixed is None else [c for c in self.fixed if c.name in part.columns]
        return part.with_columns(
            cell[rows].cast(part[cell.name].dtype).fill_null(part[cell.name]) for cell in cells
        )

    def compute(self, computations: Sequence[Computation], rows: Ints) -> Ints:
        """Fill in computed columns of some rows; return the rows that changed."""
        before = self.frame[rows]
        after = self._computed(before, rows, computations)
        names = dict.fromkeys(one.column for one in computations)
        changed = [before[name].ne_missing(after[name]).to_numpy() for name in names]
        index = np.flatnonzero(any_of(changed, len(rows)))
        self._learn(after[index])
        self._put(rows[index], after[index])
        return rows[index]

    def _put(self, rows: Ints, part: pl.DataFrame) -> None:
        if len(rows):
            source = np.arange(self.frame.height)
            source[rows] = self.frame.height + np.arange(len(rows))
            self.frame = pl.concat([self.frame, part])[source]
            self._changed[rows] = True
            self.changes[rows] += 1

    def _computed(
        self, part: pl.DataFrame, rows: Ints, computations: Sequence[Computation]
    ) -> pl.DataFrame:
        """Compute column by column; cells that the user gave stay, and count for the next."""
        for one in computations:
            value = one.value(part, self._maps)
            if self.fixed is not None and one.column in self.fixed.columns:
                given = self.fixed[one.column][rows].cast(value.dtype)
                value = given.zip_with(given.is_not_null(), value)
            part = part.with_columns(value.alias(one.column))
        return part

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
        answers = truth([rule.tree for rule in trees], self.plan.schema, part)
        for rule, answer in zip(trees, answers, strict=True):
            self._masks[rule.name][rows] = ~as_mask(answer, null=not rule.rule.strict)
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
