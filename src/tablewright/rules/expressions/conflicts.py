"""Whether expressions can hold together, and a smallest set of those that cannot.

Domains are propagated part by part, linear parts go to a linear program, and the alternatives
of an OR are tried one after another. What is found impossible is impossible; what is not may
still be, where parts are not linear or the search ends at `MAX_STEPS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linprog

from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.checking import Type, column_type, value_type
from tablewright.rules.expressions.domains import (
    Domain,
    DomainReader,
    everything,
    intersection,
    position,
    pushed,
)
from tablewright.schema import Schema

MAX_STEPS = 20_000
"""Parts that are looked at, and bounds given to linear programs, before the search gives up."""

_SLACK = 1e-9
"""Least room that strict bounds need to count as met."""


def conflict(trees: Sequence[sql.Node], schema: Schema, *, null: bool = False) -> list[int] | None:
    """Return the positions of a smallest set of expressions that exclude each other, or None.

    None of the set can be left out (QuickXplain, Junker 2004); another, smaller set may exist.
    With `null`, an expression that is NULL counts as held.

    Examples
    --------
    >>> from tablewright.rules.expressions.parsing import parse_tree
    >>> schema = Schema.build({"a": "integer", "b": "integer", "c": "integer"})
    >>> texts = ["a < b", "c > 3", "b < c", "c < a"]
    >>> conflict([parse_tree(text) for text in texts], schema)
    [0, 2, 3]
    """
    parts = [pushed(tree, False) for tree in trees]

    def excluded(chosen: Iterable[int]) -> bool:
        return not _Search(schema, null).possible([parts[i] for i in chosen])

    def smallest(kept: list[int], open_parts: list[int], changed: bool) -> list[int]:
        if changed and excluded(kept):
            return []
        if len(open_parts) == 1:
            return open_parts
        half = len(open_parts) // 2
        first, second = open_parts[:half], open_parts[half:]
        needed = smallest([*kept, *first], second, True)
        return smallest([*kept, *needed], first, bool(needed)) + needed

    if not excluded(range(len(parts))):
        return None
    return sorted(smallest([], list(reversed(range(len(parts)))), False))


def impossible(trees: Sequence[sql.Node], schema: Schema, *, null: bool = False) -> bool:
    """Return whether it is proven that the expressions cannot all hold for one row."""
    return not _Search(schema, null).possible([pushed(tree, False) for tree in trees])


@dataclass
class _State:
    """What is known after some parts: domains and linear bounds."""

    domains: dict[str, Domain] = field(default_factory=dict)
    bounds: list[Bound] = field(default_factory=list)


class _Search:
    """One search; `steps` counts its work."""

    def __init__(self, schema: Schema, null: bool) -> None:
        self.schema, self.null, self.steps = schema, null, 0
        self.reader = DomainReader(schema, null)
        self._read: dict[tuple[int, str], Domain | None] = {}

    def possible(self, parts: Sequence[sql.Node]) -> bool:
        """Return False where it is proven that the parts exclude each other."""
        state, choices = _State(), list[sql.Or]()
        return self.add(parts, state, choices) and self.decide(_by_length(choices), state)

    def add(self, parts: Iterable[sql.Node], state: _State, choices: list[sql.Or]) -> bool:
        """Add parts to what is known; False if that is proven to be impossible."""
        result: dict[str, list[Domain]] = {}
        for part in _flattened(parts):
            self.steps += 1
            if isinstance(part, sql.Literal) and not (
                part.value is True or (part.value is None and self.null)
            ):
                return False
            for name in sql.columns_of(part):
                domain = self.read(part, name)
                if domain is not None:
                    result.setdefault(name, []).append(domain)
            if isinstance(part, sql.Or):
                choices.append(part)
            elif not self.null:
                state.bounds.extend(linear_bounds(part, self.schema))
        for name, domains in result.items():
            known = state.domains.get(name, everything(self.schema[name]))
            state.domains[name] = intersection([known, *domains])
        return not any(state.domains[name].is_empty for name in result) and self.linear(state)

    def read(self, part: sql.Node, name: str) -> Domain | None:
        key = id(part), name
        if key not in self._read:
            self._read[key] = self.reader.read(part, self.schema[name])
        return self._read[key]

    def linear(self, state: _State) -> bool:
        """Ask the linear program, where bounds on several columns may clash."""
        if all(len(bound.weights) == 1 for bound in state.bounds):
            return True
        self.steps += len(state.bounds)
        names = {name for bound in state.bounds for name in bound.weights}
        domains = {name: everything(self.schema[name]) for name in names} | state.domains
        return self.steps > MAX_STEPS or feasible(state.bounds, domains)

    def decide(self, choices: list[sql.Or], state: _State) -> bool:
        """Try the alternatives of each choice, the shortest first; back where all fail."""
        trail: list[tuple[int, list[sql.Or], _State, int]] = [(0, choices, state, 0)]
        while trail:
            at, choices, state, branch = trail.pop()
            while at < len(choices) and branch == 0 and self.decided(choices[at], state):
                at += 1
            if at == len(choices) or self.steps > MAX_STEPS:
                return True
            if branch == len(choices[at].parts):
                continue
            trail.append((at, choices, state, branch + 1))
            tried = _State(dict(state.domains), list(state.bounds))
            more: list[sql.Or] = []
            if self.add([choices[at].parts[branch]], tried, more):
                rest = _by_length([*choices[at + 1 :], *more]) if more else choices
                trail.append((0 if more else at + 1, rest, tried, 0))
        return False

    def decided(self, choice: sql.Or, state: _State) -> bool:
        """Whether an alternative holds anyway: its domain is all that is left of one column."""
        self.steps += len(choice.parts)
        return any(self.holds_anyway(part, state) for part in choice.parts)

    def holds_anyway(self, part: sql.Node, state: _State) -> bool:
        names = sql.columns_of(part)
        if len(names) != 1 or names[0] not in state.domains or isinstance(part, sql.And | sql.Or):
            return False
        result, known = self.read(part, names[0]), state.domains[names[0]]
        return result is not None and known.intersect(result) == known


def _by_length(choices: list[sql.Or]) -> list[sql.Or]:
    return sorted(choices, key=lambda choice: len(choice.parts))


def _flattened(parts: Iterable[sql.Node]) -> Iterable[sql.Node]:
    pending = list(parts)[::-1]
    while pending:
        part = pending.pop()
        if isinstance(part, sql.And):
            pending.extend(part.parts[::-1])
        else:
            yield part


@dataclass(frozen=True)
class Bound:
    """``sum of weights * columns <= limit``, or ``<`` where it is strict."""

    weights: Mapping[str, float]
    limit: float
    strict: bool = False


def linear_bounds(node: sql.Node, schema: Schema) -> list[Bound]:
    """Return the bounds that a true comparison sets; none where it is not linear.

    Examples
    --------
    >>> from tablewright.rules.expressions.parsing import parse_tree
    >>> schema = Schema.build({"a": "integer", "b": "integer"})
    >>> linear_bounds(parse_tree("2 * a < b + 3"), schema)
    [Bound(weights={'a': 2.0, 'b': -1.0}, limit=3.0, strict=True)]
    """
    if not isinstance(node, sql.Comparison) or node.operator == "<>":
        return []
    types = {column_type(schema[name]) for name in sql.columns_of(node)}
    constants = {value_type(p.value) for p in sql.walk(node) if isinstance(p, sql.Literal)}
    # Days and dates add up on one line; times lie in microseconds and their spans in seconds.
    if len(types) > 1 or not (
        types | constants <= {Type.NUMBER, Type.DATE} or types | constants <= {Type.TIMESTAMP}
    ):
        return []
    match node:
        case sql.Comparison(
            "<" | "<=", sql.Call("abs", (inner,)), sql.Literal(int(size) | float(size))
        ):
            bounds = [_bound(inner, size), _bound(sql.Negative(inner), size)]
        case sql.Comparison("<" | "<=", left, right):
            bounds = [_bound(sql.Arithmetic("-", left, right))]
        case sql.Comparison(">" | ">=", left, right):
            bounds = [_bound(sql.Arithmetic("-", right, left))]
        case _:
            both = (
                sql.Arithmetic("-", node.left, node.right),
                sql.Arithmetic("-", node.right, node.left),
            )
            bounds = [_bound(difference) for difference in both]
    strict = node.operator in ("<", ">")
    return [replace(bound, strict=strict) for bound in bounds if bound is not None]


def _bound(node: sql.Node, limit: float = 0.0) -> Bound | None:
    """Return the bound that an expression is at most a number, where it is linear in columns."""
    weights = weighted(node)
    constant = weights.pop(ONE, 0.0)
    names = {term.column: w for term, w in weights.items() if isinstance(term, sql.Name)}
    return Bound(names, limit - constant) if len(names) == len(weights) else None


Weights = dict[sql.Node, float]
"""Weights of terms in a sum; the constant is the weight of `ONE`."""

ONE = sql.Literal(1)


def weighted(node: sql.Node) -> Weights:
    """Return the terms that an expression is a sum of; what is not linear is a term itself.

    Examples
    --------
    >>> from tablewright.rules.expressions.parsing import parse_tree
    >>> weighted(parse_tree("2 * (a - 3) + a"))
    {Name(column='a'): 3.0, Literal(value=1): -6.0}
    """
    match node:
        case sql.Literal(bool() | str() | None):
            return {node: 1.0}
        case sql.Literal(value):
            return {ONE: position(value)}
        case sql.Negative(operand):
            return _scaled(weighted(operand), -1.0)
        case sql.Arithmetic("+" | "-" as operator, left, right):
            return _added(
                weighted(left), _scaled(weighted(right), -1.0 if operator == "-" else 1.0)
            )
        case sql.Arithmetic("*" | "/" as operator, left, right):
            product = _multiplied(operator, weighted(left), weighted(right))
            return {node: 1.0} if product is None else product
        case _:
            return {node: 1.0}


def _scaled(weights: Weights, factor: float) -> Weights:
    return {term: factor * w for term, w in weights.items() if factor}


def _added(a: Weights, b: Weights) -> Weights:
    total = {term: a.get(term, 0.0) + b.get(term, 0.0) for term in (*a, *b)}
    return {term: w for term, w in total.items() if w}


def _multiplied(operator: str, a: Weights, b: Weights) -> Weights | None:
    """Return a product or ratio where one side of it is a constant."""
    if operator == "*" and not a.keys() - {ONE}:
        return _scaled(b, a.get(ONE, 0.0))
    factor = b.get(ONE, 0.0)
    if b.keys() - {ONE} or (operator == "/" and factor == 0):
        return None
    return _scaled(a, factor if operator == "*" else 1.0 / factor)


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
    result = linprog(
        [*(0.0 for _ in names), -1.0],
        A_ub=np.array(rows),
        b_ub=np.array([bound.limit for bound in used]),
        bounds=[*(_hull(domains.get(name)) for name in names), (0.0, 1.0)],
    )
    if result.status == 2:
        return False
    strict = any(bound.strict for bound in used)
    return not strict or result.status != 0 or float(result.x[-1]) > _SLACK


def _within_reach(bound: Bound, domains: Mapping[str, Domain]) -> bool:
    """Whether the least that the weighted sum can be is below the limit."""
    minimum = 0.0
    for name, weight in bound.weights.items():
        low, high = _hull(domains.get(name))
        end = low if weight > 0 else high
        if end is None:
            return True
        minimum += weight * end
    return minimum < bound.limit or (minimum == bound.limit and not bound.strict)


def _trivially(bound: Bound) -> bool:
    return bound.limit > 0 or (bound.limit == 0 and not bound.strict)


def _hull(domain: Domain | None) -> tuple[float | None, float | None]:
    """Return the least and the greatest number of a domain, None for an open end."""
    if domain is None:
        return None, None
    if domain.values and not domain.inverted:
        numbers = [float(v) for v in domain.values if isinstance(v, int | float)]
        known = len(numbers) == len(domain.values)
        return (min(numbers), max(numbers)) if known else (None, None)
    if not domain.intervals:
        return None, None
    low, high = domain.intervals[0].low, domain.intervals[-1].high
    return (None if np.isinf(low) else low), (None if np.isinf(high) else high)
