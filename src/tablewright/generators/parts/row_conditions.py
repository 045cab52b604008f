"""Conditions of the expression language, asked of matrix rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import polars as pl

from tablewright.errors import ConditionError
from tablewright.generators.base import Bools, Condition, Floats
from tablewright.rules.expressions import Domain, Expression, Interval
from tablewright.rules.expressions.tree import And, Node, Or
from tablewright.schema import Kind
from tablewright.tables.encoding.codec import Codec

Intervals = tuple[tuple[float, float], ...]


class RowCondition:
    """An expression bound to a codec; see `tablewright.generators.base.Condition`.

    Parameters
    ----------
    expression : Expression
        A question about rows as the user sees them.
    codec : Codec
        Turns matrix rows into such rows.
    constants : DataFrame of one row
        The columns that no generator makes since they have one value only.

    Raises
    ------
    ConditionError
        If it asks about an identifier, which is made anew for each row, or constants break a
        part of it.
    """

    def __init__(self, expression: Expression, codec: Codec, constants: pl.DataFrame) -> None:
        self.expression, self.codec, self.constants = expression, codec, constants
        self._names = [n for n in expression.columns if n in codec.positions]
        for name in expression.columns:
            if codec.schema[name].kind is Kind.IDENTIFIER:
                raise ConditionError(
                    f"column {name!r} holds identifiers, which are made anew for every row; "
                    "ask about other columns, or say in the schema that it is of another kind"
                )
        for part in expression.conjuncts():
            if part.columns and all(name in constants.columns for name in part.columns):
                self._check_constants(part)

    def _check_constants(self, part: Expression) -> None:
        if not part.holds(self.constants)[0]:
            reported = " and ".join(
                f"{n!r} is always {self.constants[n][0]!r}" for n in part.columns
            )
            raise ConditionError(f"no row can meet {part.text}: {reported}")

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Positions of the columns that the answer depends on."""
        return tuple(sorted(self.codec.positions[name] for name in self._names))

    @cached_property
    def parts(self) -> Sequence[RowCondition]:
        """The parts that all have to hold."""
        conjuncts = self.expression.conjuncts()
        if len(conjuncts) == 1:
            return (self,)
        return tuple(RowCondition(part, self.codec, self.constants) for part in conjuncts)

    @cached_property
    def alternatives(self) -> Sequence[RowCondition]:
        """Branches of the first part that is an OR over several columns, with all other parts."""
        for index, part in enumerate(conjuncts := self.expression.conjuncts()):
            if isinstance(part.tree, Or) and len(part.columns) > 1:
                rest = [other.tree for k, other in enumerate(conjuncts) if k != index]
                return [self._with(branch, rest) for branch in part.tree.parts]
        return (self,)

    def _with(self, branch: Node, rest: list[Node]) -> RowCondition:
        tree = And((*rest, branch)) if rest else branch
        expression = Expression(tree, self.expression.schema)
        return RowCondition(expression, self.codec, self.constants)

    def allowed(self, column: int) -> Bools | Intervals | None:
        """Values of one column that can still meet the condition; None for all."""
        name, field = self.codec.columns[column].name, self.codec.fields[column]
        domain = self.expression.domain(name)
        if domain is None or domain.is_everything:
            return None
        if field.discrete:
            return np.array([level in domain for level in [*self.codec.levels(name), None]])
        return _closed(domain)

    def holds(self, values: Floats) -> Bools:
        """Answer for rows of shape (n_rows, n_columns)."""
        return self.any_holds([self], values)

    @staticmethod
    def any_holds(conditions: Sequence[RowCondition], values: Floats) -> Bools:
        """Answer whether a row meets any of some conditions on one codec, in one pass."""
        return RowCondition._answer(conditions, values, pl.any_horizontal)

    @staticmethod
    def _answer(
        conditions: Sequence[RowCondition],
        values: Floats,
        together: Callable[[Sequence[pl.Expr]], pl.Expr],
    ) -> Bools:
        codec, constants = conditions[0].codec, conditions[0].constants
        names = list(dict.fromkeys(n for c in conditions for n in c.expression.columns))
        drawn = [n for n in names if n in codec.positions] or [codec.columns[0].name]
        frame = codec.decode(values, drawn)
        frame = frame.with_columns(
            pl.lit(constants[n][0]).alias(n) for n in names if n in constants.columns
        )
        answers = [c.expression.compiled(frame.schema).fill_null(False) for c in conditions]
        result: Bools = frame.select(answer=together(answers))["answer"].to_numpy()
        return np.array(np.broadcast_to(result, len(values)))

    def __str__(self) -> str:
        return self.expression.text


def all_hold(conditions: Sequence[Condition], values: Floats) -> Bools:
    """Answer whether a row meets all of some conditions on one codec, in one pass where it can."""
    plain = [condition for condition in conditions if isinstance(condition, RowCondition)]
    holds = [other.holds(values) for other in conditions if not isinstance(other, RowCondition)]
    if plain:
        holds.append(RowCondition._answer(plain, values, pl.all_horizontal))
    return np.asarray(np.logical_and.reduce(holds))


def _closed(domain: Domain) -> Intervals | None:
    if domain.intervals is None:
        return None
    missing = ((math.nan, math.nan),) if domain.null else ()
    return tuple(_ends(interval) for interval in domain.intervals) + missing


def _ends(interval: Interval) -> tuple[float, float]:
    low = math.nextafter(interval.low, math.inf) if interval.open_low else interval.low
    high = math.nextafter(interval.high, -math.inf) if interval.open_high else interval.high
    return low, high
