"""Columns that rules compute: which, by what, and under which premise.

A formula names its column. Any other rule that says a number equals something, alone, within a
tolerance or under a premise, is solved for the column of it that is drawn last.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from tablewright.rules.bound import BoundRule, Dependency, RowRule
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.checking import Type, column_type, type_of
from tablewright.rules.expressions.conflicts import ONE, Weights, weighted
from tablewright.rules.expressions.domains import pushed
from tablewright.rules.expressions.evaluate import as_mask, truth, values
from tablewright.rules.language import Formula
from tablewright.rules.trees import conjunction, formula_tree, weighted_sum
from tablewright.schema import Column, Kind, Schema

_NUMBERS = (Kind.CONTINUOUS, Kind.INTEGER)


@dataclass(frozen=True)
class Computation:
    """How a rule computes a column.

    Attributes
    ----------
    rule : BoundRule
        The rule.
    column : str
        What is computed.
    tree : Node or None
        What it is computed by; None for a dependency, which looks it up.
    premise : Node or None
        Where it is computed; None for every row.
    within : tuple of float or None
        Range that a computed number has to lie in; where it does not, it is not computed.
    """

    rule: BoundRule
    column: str
    tree: sql.Node | None
    premise: sql.Node | None = None
    within: tuple[float, float] | None = None

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The other columns that it reads."""
        if isinstance(self.rule, Dependency):
            return tuple(self.rule.rule.from_)
        parts = [part for part in (self.tree, self.premise) if part is not None]
        names = dict.fromkeys(name for part in parts for name in sql.columns_of(part))
        return tuple(name for name in names if name != self.column)

    @property
    def is_whole(self) -> bool:
        """Whether a row keeps the rule once the column is computed: it says nothing more."""
        return not isinstance(self.rule, RowRule) or not isinstance(
            pushed(self.rule.tree, False), sql.And
        )

    def value(self, frame: pl.DataFrame, maps: Mapping[str, Dependency]) -> pl.Series:
        """Return the column as it is computed for some rows.

        A value that is missing stays missing, and a value that cannot be computed, because
        something it needs is missing or a combination was never seen, stays as it was drawn.
        """
        drawn, schema = frame[self.column], self.rule.schema
        if isinstance(self.rule, Dependency):
            result = maps.get(self.rule.name, self.rule).determined(frame).cast(drawn.dtype)
        else:
            assert self.tree is not None
            result = _written(values(self.tree, schema, frame), drawn, schema[self.column])
        usable = drawn.is_not_null() & result.is_not_null()
        if self.within is not None:
            usable &= result.is_between(*self.within).fill_null(False)
        if self.premise is not None:
            usable &= pl.Series(as_mask(truth([self.premise], schema, frame)[0], null=False))
        return result.zip_with(usable, drawn).alias(self.column)


def _written(made: pl.Series, drawn: pl.Series, column: Column) -> pl.Series:
    """Round computed numbers as the column is written."""
    if drawn.dtype.is_numeric():
        whole = column.kind is Kind.INTEGER or drawn.dtype.is_integer()
        digits = 0 if whole else column.decimals
        made = made if digits is None else made.round(digits, mode="half_away_from_zero")
    return made.cast(drawn.dtype, strict=False)


def computations(
    rules: Sequence[BoundRule], schema: Schema, order: Sequence[str]
) -> tuple[Computation, ...]:
    """Return what some rules compute, each after what it needs.

    One rule computes a column, or several under premises of their own. A dependency, or an
    equation, that would close a circle is checked only.
    """
    chosen: dict[str, list[Computation]] = {}
    for rule in rules:
        if isinstance(rule.rule, Formula):
            _add(Computation(rule, rule.rule.column, formula_tree(rule.rule, schema)), chosen)
    _solve(rules, schema, order, chosen)
    for rule in rules:
        if isinstance(rule, Dependency):
            _add(Computation(rule, rule.rule.to, None), chosen)
    ordered: dict[str, list[Computation]] = {}
    while len(ordered) < len(chosen):
        ordered |= {
            column: computed
            for column, computed in chosen.items()
            if all(name in ordered or name not in chosen for c in computed for name in c.inputs)
        }
    return tuple(c for computed in ordered.values() for c in computed)


def _add(one: Computation, chosen: dict[str, list[Computation]]) -> bool:
    """Add a computation where that is possible; whether it was."""
    others = chosen.get(one.column, [])
    if others and (one.premise is None or any(other.premise is None for other in others)):
        return False
    if one.column in needed(one.inputs, chosen):
        return False
    chosen.setdefault(one.column, []).append(one)
    return True


def needed(columns: Iterable[str], computed: Mapping[str, Sequence[Computation]]) -> set[str]:
    """Return columns with all that they are computed from."""
    result, pending = set[str](), list(columns)
    while pending:
        name = pending.pop()
        if name not in result:
            result.add(name)
            pending += [c for one in computed.get(name, ()) for c in one.inputs]
    return result


@dataclass(frozen=True)
class _Equation:
    """``sum of weights * terms = 0`` within a tolerance, where a premise holds."""

    rule: RowRule
    weights: Weights
    tolerance: float
    premise: sql.Node | None


def _solve(
    rules: Sequence[BoundRule],
    schema: Schema,
    order: Sequence[str],
    chosen: dict[str, list[Computation]],
) -> None:
    """Solve each equation for the column drawn last, the target if no other will do.

    Exact ones come first, and what is solved is put into the next.
    """
    found = [e for rule in rules if isinstance(rule, RowRule) for e in _equations(rule)]
    solved: dict[sql.Node, Weights] = {}
    for one in sorted(found, key=lambda e: (e.premise is not None, e.tolerance)):
        weights = substituted(one.weights, solved) if one.premise is None else one.weights
        drawn = [name for name in order if name != schema.target]
        for column in (*reversed(drawn), *filter(None, [schema.target])):
            if not is_solvable(weights, column, one.tolerance, schema):
                continue
            others = {t: -w / weights[sql.Name(column)] for t, w in weights.items()
                      if t != sql.Name(column)}  # fmt: skip
            within = range_of(schema[column])
            tree = weighted_sum(others)
            if _add(Computation(one.rule, column, tree, one.premise, within), chosen):
                if one.premise is None:
                    solved[sql.Name(column)] = others
                break


def _equations(rule: RowRule) -> Iterator[_Equation]:
    """Yield the equations that a rule consists of, or demands under a premise."""
    if isinstance(rule.rule, Formula):
        return
    pending: list[tuple[sql.Node, list[sql.Node]]] = [(pushed(rule.tree, False), [])]
    while pending:
        node, given = pending.pop()
        if isinstance(node, sql.And):
            pending += [(part, given) for part in node.parts]
        elif isinstance(node, sql.Or):
            *others, last = node.parts
            pending.append((last, [*given, *(pushed(part, True) for part in others)]))
        else:
            weights, tolerance = _equated(node, rule.schema)
            if len(weights.keys() - {ONE}) > 1:
                yield _Equation(rule, weights, tolerance, conjunction(given) if given else None)


def _equated(node: sql.Node, schema: Schema) -> tuple[Weights, float]:
    """Return the sum that a comparison says is zero, and within which tolerance; else none."""
    match node:
        case sql.Comparison("=", left, right):
            difference, size = sql.Arithmetic("-", left, right), 0.0
            kinds = {type_of(side, schema) for side in (left, right)}
            if len(kinds) == 1 and kinds <= {Type.DATE, Type.TIMESTAMP}:
                return {left: 1.0, right: -1.0}, 0.0
        case sql.Comparison(
            "<=" | "<",
            sql.Call("abs", (sql.Arithmetic() as inner,)),
            sql.Literal(int() | float() as limit),
        ):
            difference, size = inner, limit
        case sql.Comparison(
            ">=" | ">",
            sql.Literal(int() | float() as limit),
            sql.Call("abs", (sql.Arithmetic() as inner,)),
        ):
            difference, size = inner, limit
        case _:
            return {}, 0.0
    names = sql.columns_of(difference)
    is_number = all(column_type(schema[name]) is Type.NUMBER for name in names)
    return (weighted(difference), float(size)) if is_number else ({}, 0.0)


def substituted(weights: Weights, solved: Mapping[sql.Node, Weights]) -> Weights:
    """Return a sum with the columns that other sums give replaced by what gives them."""
    total = dict(weights)
    while terms := [term for term in total if term in solved]:
        weight = total.pop(terms[0])
        for term, inner in solved[terms[0]].items():
            total[term] = total.get(term, 0.0) + weight * inner
    size = max(map(abs, total.values()), default=0.0)
    return {term: w for term, w in total.items() if abs(w) > 1e-9 * size}


def is_solvable(weights: Weights, column: str, tolerance: float, schema: Schema) -> bool:
    """Whether a column, rounded as it is written, meets a sum of written values."""
    term = sql.Name(column)
    others = {other: w for other, w in weights.items() if other != term}
    if term not in weights or any(column in sql.columns_of(other) for other in others):
        return False
    if schema[column].kind not in _NUMBERS:
        return schema[column].kind in (Kind.DATE, Kind.DATETIME)
    unit, own = step_of(schema[column]), weights[term]
    if 0.5 * unit * abs(own) <= tolerance:
        return True
    ratios = [w / own * _grid(other, schema) / unit for other, w in others.items()]
    return all(ratio != 0 and abs(ratio - round(ratio)) < 1e-9 for ratio in ratios)


def step_of(column: Column) -> float:
    """Return the unit that values of a column are written in, 0 where there is none."""
    if column.kind is Kind.CONTINUOUS:
        return 0.0 if column.decimals is None else 10.0**-column.decimals
    return 1.0


def range_of(column: Column) -> tuple[float, float] | None:
    """Return the range of a column of numbers, where it is known."""
    ends = column.minimum, column.maximum
    if isinstance(ends[0], int | float) and isinstance(ends[1], int | float):
        return float(ends[0]), float(ends[1])
    return None


def _unit(column: Column) -> float:
    """Return the unit of a column of numbers, those with listed values too; 0 for others."""
    if column.kind in _NUMBERS:
        return step_of(column)
    listed = column.categories or [math.nan]
    if any(isinstance(value, str | bool) for value in listed):
        return 0.0
    steps = (1.0, 0.1, 0.01, 0.001)
    return next((s for s in steps if all(_is_multiple(float(v), s) for v in listed)), 0.0)


def _is_multiple(value: float, step: float) -> bool:
    return math.isfinite(value) and math.isclose(value / step, round(value / step), abs_tol=1e-9)


def _grid(node: sql.Node, schema: Schema) -> float:
    """Return a number that all values of an expression are multiples of, 0 where none is known."""
    match node:
        case sql.Name(column):
            return _unit(schema[column])
        case sql.Literal(int(value) | float(value)):
            return abs(value)
        case sql.Negative(inner) | sql.Call("abs", (inner,)):
            return _grid(inner, schema)
        case sql.Arithmetic("*", left, right):
            return _grid(left, schema) * _grid(right, schema)
        case sql.Call("floor" | "ceil" | "round" | "length" | "year" | "month" | "day", (_,)):
            return 1.0
        case _:
            return 0.0
