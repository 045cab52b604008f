"""Which parts of an expression are linear in numbers, and whether such parts can hold together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from tablewright.rules.expressions.checking import Type, column_type
from tablewright.rules.expressions.domains import Domain, position
from tablewright.rules.expressions.tree import (
    Arithmetic,
    Call,
    Comparison,
    Literal,
    Name,
    Negative,
    Node,
    columns_of,
)
from tablewright.schema import Schema

__all__ = ["Bound", "feasible", "linear_bounds"]

_SLACK = 1e-9
"""Least room that strict bounds need to count as met."""


@dataclass(frozen=True)
class Bound:
    """``sum of weights * columns <= limit``, or ``<`` where it is strict."""

    weights: Mapping[str, float]
    limit: float
    strict: bool = False

    def negated(self) -> Bound:
        """Return the bound from the other side: ``>= limit`` as ``<=``."""
        return Bound({name: -w for name, w in self.weights.items()}, -self.limit, self.strict)


def linear_bounds(node: Node, schema: Schema) -> list[Bound]:
    """Return the bounds that a true comparison sets; none where it is not linear.

    Examples
    --------
    >>> from tablewright.rules.expressions.parsing import parse_tree
    >>> schema = Schema.build({"a": "integer", "b": "integer"})
    >>> linear_bounds(parse_tree("2 * a < b + 3"), schema)
    [Bound(weights={'a': 2.0, 'b': -1.0}, limit=3.0, strict=True)]
    """
    if not isinstance(node, Comparison) or node.operator == "<>":
        return []
    types = {column_type(schema[name]) for name in columns_of(node)}
    if not (types <= {Type.NUMBER} or types <= {Type.DATE} or types <= {Type.TIMESTAMP}):
        return []
    inside = _absolute(node)
    if inside is not None:
        operand, limit = inside
        form = _form(operand)
        return [] if form is None else _both_sides(form, limit, node.operator == "<")
    form = _form(Arithmetic("-", node.left, node.right))
    if form is None:
        return []
    weights, offset = form
    below = Bound(weights, -offset, node.operator in ("<", ">"))
    match node.operator:
        case "<" | "<=":
            return [below]
        case ">" | ">=":
            return [below.negated()]
        case _:
            return [below, below.negated()]


def _absolute(node: Comparison) -> tuple[Node, float] | None:
    """Return x and c of ``abs(x) <= c``."""
    left, right = node.left, node.right
    is_abs = isinstance(left, Call) and left.function == "abs" and node.operator in ("<", "<=")
    if is_abs and isinstance(right, Literal) and isinstance(right.value, int | float):
        assert isinstance(left, Call)
        return left.arguments[0], float(right.value)
    return None


def _both_sides(form: tuple[dict[str, float], float], limit: float, strict: bool) -> list[Bound]:
    weights, offset = form
    above = Bound({name: -w for name, w in weights.items()}, limit + offset, strict)
    return [Bound(weights, limit - offset, strict), above]


def _form(node: Node) -> tuple[dict[str, float], float] | None:
    """Return weights and constant of a linear expression, or None."""
    match node:
        case Literal(value):
            known = value is not None and not isinstance(value, str | bool)
            return ({}, position(value)) if known else None
        case Name(column):
            return {column: 1.0}, 0.0
        case Negative(operand):
            return _scaled(_form(operand), -1.0)
        case Arithmetic("+" | "-", left, right):
            sign = 1.0 if node.operator == "+" else -1.0
            return _added(_form(left), _scaled(_form(right), sign))
        case Arithmetic("*" | "/", left, right):
            return _multiplied(node.operator, _form(left), _form(right))
        case _:
            return None


_Form = tuple[dict[str, float], float] | None


def _scaled(form: _Form, factor: float) -> _Form:
    if form is None:
        return None
    return {name: factor * w for name, w in form[0].items()}, factor * form[1]


def _added(a: _Form, b: _Form) -> _Form:
    if a is None or b is None:
        return None
    names = dict.fromkeys((*a[0], *b[0]))
    weights = {name: a[0].get(name, 0.0) + b[0].get(name, 0.0) for name in names}
    return {name: w for name, w in weights.items() if w}, a[1] + b[1]


def _multiplied(operator: str, a: _Form, b: _Form) -> _Form:
    if a is None or b is None:
        return None
    if operator == "*" and not a[0]:
        return _scaled(b, a[1])
    if b[0] or (operator == "/" and b[1] == 0):
        return None
    return _scaled(a, b[1] if operator == "*" else 1.0 / b[1])


def feasible(bounds: Sequence[Bound], domains: Mapping[str, Domain]) -> bool:
    """Return whether numbers within the domains' outer limits can meet all bounds.

    A linear program that seeks the most room for the strict bounds. Gaps inside a domain and
    the restriction to whole numbers are not looked at, so True is "not excluded".
    """
    names = sorted({name for bound in bounds for name in bound.weights})
    if any(not bound.weights and not _trivially(bound) for bound in bounds):
        return False
    if not names:
        return True
    used = [bound for bound in bounds if bound.weights]
    wide = [bound for bound in used if len(bound.weights) > 1]
    if not all(_within_reach(bound, domains) for bound in wide):
        return False
    if len({frozenset(bound.weights) for bound in wide}) <= 1 == len(wide):
        return True
    rows = [[*(b.weights.get(name, 0.0) for name in names), float(b.strict)] for b in used]
    found = linprog(
        [*(0.0 for _ in names), -1.0],
        A_ub=np.array(rows),
        b_ub=np.array([bound.limit for bound in used]),
        bounds=[*(_hull(domains.get(name)) for name in names), (0.0, 1.0)],
    )
    if found.status == 2:
        return False
    strict = any(bound.strict for bound in used)
    return not strict or found.status != 0 or float(found.x[-1]) > _SLACK


def _within_reach(bound: Bound, domains: Mapping[str, Domain]) -> bool:
    """Whether the least that the weighted sum can be is below the limit."""
    least = 0.0
    for name, weight in bound.weights.items():
        low, high = _hull(domains.get(name))
        end = low if weight > 0 else high
        if end is None:
            return True
        least += weight * end
    return least < bound.limit or (least == bound.limit and not bound.strict)


def _trivially(bound: Bound) -> bool:
    return bound.limit > 0 or (bound.limit == 0 and not bound.strict)


def _hull(domain: Domain | None) -> tuple[float | None, float | None]:
    if domain is None or not domain.intervals:
        return None, None
    low, high = domain.intervals[0].low, domain.intervals[-1].high
    return (None if np.isinf(low) else low), (None if np.isinf(high) else high)
