"""Conditions written by hand, so that generators are tested by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tablewright.generators.base import Bools, Condition
from tablewright.generators.parts.marginals import Domain
from tablewright.tables.encoding.codec import Floats


@dataclass(frozen=True)
class Rule:
    """One part: a test of the rows, the columns it reads, and domains where it has them."""

    text: str
    columns: tuple[int, ...]
    test: Callable[[Floats], Bools]
    domains: Mapping[int, Domain] = field(default_factory=dict)

    @property
    def parts(self) -> Sequence[Condition]:
        return (self,)

    @property
    def alternatives(self) -> Sequence[Condition]:
        return (self,)

    def allowed(self, column: int) -> Domain:
        return self.domains.get(column)

    def holds(self, values: Floats) -> Bools:
        return self.test(values)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Both:
    """Two parts that both have to hold; they speak of different columns."""

    first: Rule
    second: Rule

    @property
    def parts(self) -> Sequence[Condition]:
        return (self.first, self.second)

    @property
    def alternatives(self) -> Sequence[Condition]:
        return (self,)

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(sorted({*self.first.columns, *self.second.columns}))

    def allowed(self, column: int) -> Domain:
        mine = self.first.allowed(column)
        return self.second.allowed(column) if mine is None else mine

    def holds(self, values: Floats) -> Bools:
        return self.first.holds(values) & self.second.holds(values)

    def __str__(self) -> str:
        return f"{self.first} AND {self.second}"


def between(column: int, low: float, high: float, name: str = "x") -> Rule:
    return Rule(
        f"{name} BETWEEN {low:g} AND {high:g}",
        (column,),
        lambda rows: (rows[:, column] >= low) & (rows[:, column] <= high),
        {column: ((low, high),)},
    )
