"""Meet a condition with an OR in it one branch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Condition, Floats


@dataclass(frozen=True)
class FirstOf:
    """Rows that meet one branch and none of those before it, so that branches do not overlap.

    Parameters
    ----------
    branch : Condition
    before : sequence of Condition
        Branches that must not hold.
    """

    branch: Condition
    before: Sequence[Condition]

    @property
    def columns(self) -> tuple[int, ...]:
        """Positions of the columns that the answer depends on."""
        return tuple(sorted({*self.branch.columns, *(j for c in self.before for j in c.columns)}))

    @property
    def parts(self) -> Sequence[Condition]:
        """The branch's own parts, and that none before it holds."""
        groups: dict[tuple[int, ...], list[Condition]] = {}
        for condition in self.before:
            groups.setdefault(tuple(condition.columns), []).append(condition)
        return (*self.branch.parts, *map(_NoneOf, groups.values()))

    @property
    def alternatives(self) -> Sequence[Condition]:
        """It is one branch already."""
        return (self,)

    def allowed(self, column: int) -> Bools | tuple[tuple[float, float], ...] | None:
        """Values of one column that can still meet the branch."""
        return self.branch.allowed(column)

    def holds(self, values: Floats) -> Bools:
        """Answer for rows of shape (n_rows, n_columns)."""
        held = self.branch.holds(values)
        if self.before and held.any():
            held[held] = ~_any_holds(self.before, values[held])
        return held

    def __str__(self) -> str:
        return str(self.branch)


@dataclass(frozen=True)
class _NoneOf:
    """Rows that meet none of some conditions on the same columns."""

    conditions: Sequence[Condition]

    @property
    def columns(self) -> tuple[int, ...]:
        return self.conditions[0].columns

    @property
    def parts(self) -> Sequence[Condition]:
        return (self,)

    @property
    def alternatives(self) -> Sequence[Condition]:
        return (self,)

    def allowed(self, column: int) -> None:
        return None

    def holds(self, values: Floats) -> Bools:
        return ~_any_holds(self.conditions, values)

    def __str__(self) -> str:
        return " AND ".join(f"NOT ({condition})" for condition in self.conditions[:3])


def _any_holds(conditions: Sequence[Condition], values: Floats) -> Bools:
    from tablewright.generators.parts.row_conditions import RowCondition  # brings the rules' parser

    together = [c for c in conditions if isinstance(c, RowCondition)]
    if together and len(together) == len(conditions):
        return RowCondition.any_holds(together, values)
    some = np.zeros(len(values), dtype=np.bool_)
    for condition in conditions:
        some |= condition.holds(values)
    return some


def share_out(
    branches: Sequence[Condition], real: Floats, n_rows: int, rng: np.random.Generator
) -> tuple[list[FirstOf], NDArray[np.intp]]:
    """Give rows to branches as often as real rows meet them.

    Returns
    -------
    list of FirstOf
        The branches without overlap.
    ndarray of int, shape (n_rows,)
        Which of them each row is to meet; empty where no real row meets any.
    """
    apart = [FirstOf(branch, branches[:k]) for k, branch in enumerate(branches)]
    held = np.array([branch.holds(real) for branch in branches])
    first = held & (np.cumsum(held, axis=0) == 1)
    counts = first.sum(axis=1).astype(np.float64)
    if not counts.any():
        return apart, np.zeros(0, dtype=np.intp)
    return apart, rng.choice(len(apart), n_rows, p=counts / counts.sum())
