"""Sums that have to hold are solved for one of their columns, which is then computed."""

from __future__ import annotations

from collections.abc import Mapping

from tablewright.rules.bound import BoundRule, RowRule
from tablewright.rules.expressions.tree import Arithmetic, Literal, Node
from tablewright.rules.expressions.unparse import unparse
from tablewright.rules.language import Formula
from tablewright.rules.trees import weighted_sum
from tablewright.schema import Column, Kind, Schema

Weights = Mapping[str, float]
"""Weights of columns in a sum that is zero; the constant stands under the empty name."""


class Solved(RowRule):
    """A sum as the formula of one of its columns, within the range of that column."""


def substituted(weights: Weights, solved: Mapping[str, Weights]) -> dict[str, float]:
    """Return a sum with the columns that other sums give replaced by what gives them."""
    total = dict(weights)
    while names := [name for name in total if name in solved]:
        weight = total.pop(names[0])
        for name, inner in solved[names[0]].items():
            total[name] = total.get(name, 0.0) + weight * inner
    size = max(map(abs, total.values()), default=0.0)
    return {name: w for name, w in total.items() if abs(w) > 1e-9 * size}


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


def is_solvable(weights: Weights, column: str, tolerance: float, schema: Schema) -> bool:
    """Whether a column, rounded as it is written, meets a sum of written values."""
    if schema[column].kind not in (Kind.CONTINUOUS, Kind.INTEGER):
        return False
    unit, own = step_of(schema[column]), weights[column]
    if 0.5 * unit * abs(own) <= tolerance:
        return True
    steps = [(w, 1.0 if name == "" else step_of(schema[name]))
             for name, w in weights.items() if name != column]  # fmt: skip
    ratios = [w / own * step / unit for w, step in steps]
    return all(step > 0 for _, step in steps) and all(
        abs(ratio - round(ratio)) < 1e-9 for ratio in ratios
    )


def solved_for(column: str, weights: Weights, rule: BoundRule, schema: Schema) -> Solved:
    """Return the rule that computes a column from the others of a sum."""
    assert isinstance(rule, RowRule)
    others = {name: -w / weights[column] for name, w in weights.items() if name not in ("", column)}
    constant = -weights.get("", 0.0) / weights[column]
    tree: Node = weighted_sum(others) if others else Literal(constant)
    if others and constant:
        tree = Arithmetic("+", Literal(constant), tree)
    formula = Formula(name=rule.name, column=column, expression=unparse(tree))
    return Solved(formula, schema, rule.tree)
