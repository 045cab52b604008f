"""Rules that are an expression in other words, as trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from itertools import pairwise
from typing import Any

from tablewright.errors import ExpressionError, InputError, RuleError
from tablewright.rules import language
from tablewright.rules.expressions import parse
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.checking import Type, check, column_type, constant, type_of
from tablewright.rules.expressions.conflicts import ONE
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.unparse import unparse
from tablewright.schema import Column, Kind, Schema

_ROUNDING = 1e-9
"""Relative slack of equalities between computed numbers: what 64-bit sums lose."""


def rule_tree(rule: Any, schema: Schema) -> sql.Node | None:
    """Return what every row has to keep, or None for a kind that an expression cannot say.

    Raises
    ------
    RuleError
        Names the rule, and what in it does not fit the schema.

    Examples
    --------
    >>> schema = Schema.build({"a": "integer", "b": "integer"})
    >>> unparse(rule_tree(language.Order(name="o", columns=["a", "b"]), schema))
    'a <= b'
    """
    try:
        tree = _tree(rule, schema)
        if tree is not None:
            check(tree, schema, unparse(tree))
        return tree
    except InputError as error:
        raise RuleError(f"rule {rule.name!r}: {error}") from error


@singledispatch
def _tree(rule: Any, schema: Schema) -> sql.Node | None:
    return None


@_tree.register
def _(rule: language.Check, schema: Schema) -> sql.Node:
    return stated(rule.expression, schema)


@_tree.register
def _(rule: language.Implies, schema: Schema) -> sql.Node:
    return _implies(stated(rule.if_, schema), stated(rule.then, schema))


@_tree.register
def _(rule: language.Equivalence, schema: Schema) -> sql.Node:
    a, b = stated(rule.a, schema), stated(rule.b, schema)
    return sql.And((_implies(a, b), _implies(b, a)))


@_tree.register
def _(rule: language.Forbid, schema: Schema) -> sql.Node:
    parts = tuple(stated(text, schema) for text in rule.all)
    return sql.Not(parts[0] if len(parts) == 1 else sql.And(parts))


@_tree.register
def _(rule: language.Range, schema: Schema) -> sql.Node:
    column = schema[rule.column]
    bounds: list[sql.Node] = []
    if rule.min is not None:
        bounds.append(sql.Comparison(">=", sql.Name(rule.column), constant(rule.min, column)))
    if rule.max is not None:
        bounds.append(sql.Comparison("<=", sql.Name(rule.column), constant(rule.max, column)))
    return conjunction(bounds)


@_tree.register
def _(rule: language.Order, schema: Schema) -> sql.Node:
    names = [sql.Name(schema[column].name) for column in rule.columns]
    operator: Any = "<" if rule.strictly else "<="
    return conjunction([sql.Comparison(operator, left, right) for left, right in pairwise(names)])


@_tree.register
def _(rule: language.Linear, schema: Schema) -> sql.Node:
    total = weighted_sum({sql.Name(column): w for column, w in rule.terms.items()})
    if rule.op == "=":
        slack = max(rule.tolerance, _ROUNDING * max(1.0, abs(rule.value)))
        difference = sql.Arithmetic("-", total, sql.Literal(rule.value))
        return sql.Comparison("<=", sql.Call("abs", (difference,)), sql.Literal(slack))
    sign = 1 if rule.op in ("<", "<=") else -1
    return sql.Comparison(rule.op, total, sql.Literal(rule.value + sign * rule.tolerance))


@_tree.register
def _(rule: language.Align, schema: Schema) -> sql.Node:
    on, attribute = schema[rule.on], schema[rule.attribute]
    return conjunction(
        [
            _implies(
                sql.Comparison("=", sql.Name(rule.on), constant(value, on)),
                sql.In(
                    sql.Name(rule.attribute), tuple(constant(item, attribute) for item in allowed)
                ),
            )
            for value, allowed in rule.pairs.items()
        ]
    )


@_tree.register
def _(rule: language.Formula, schema: Schema) -> sql.Node:
    column, computed = schema[rule.column], formula_tree(rule, schema)
    if column_type(column) is not Type.NUMBER:
        return sql.Comparison("=", sql.Name(rule.column), computed)
    difference = sql.Arithmetic("-", sql.Name(rule.column), computed)
    return sql.Comparison(
        "<=", sql.Call("abs", (difference,)), sql.Literal(formula_tolerance(rule, column))
    )


def stated(text: str, schema: Schema) -> sql.Node:
    """Return what a text of a rule says; computed numbers are equal if they are but for rounding.

    In 64-bit numbers 0.1 + 0.2 is not 0.3, so that a sum written with two digits would be broken
    by a fifth of the rows that keep it.
    """
    return _rounded(parse(text, schema).tree, schema)


def _rounded(node: sql.Node, schema: Schema) -> sql.Node:
    if isinstance(node, sql.Comparison) and node.operator in ("=", "<>"):
        names = sql.columns_of(node)
        computed = any(isinstance(part, sql.Arithmetic) for part in (node.left, node.right))
        if computed and any(schema[name].kind is Kind.CONTINUOUS for name in names):
            size = max(1.0, *(_size(schema[name]) for name in names))
            difference = sql.Call("abs", (sql.Arithmetic("-", node.left, node.right),))
            operator: Any = "<=" if node.operator == "=" else ">"
            return sql.Comparison(operator, difference, sql.Literal(_ROUNDING * size))
    return sql.rebuilt(node, [_rounded(child, schema) for child in sql.children(node)])


def _size(column: Column) -> float:
    """Return the largest number of a column, 0 where it is not known."""
    ends = (column.minimum, column.maximum)
    return max(abs(end) if isinstance(end, int | float) else 0.0 for end in ends)


def formula_tree(rule: language.Formula, schema: Schema) -> sql.Node:
    """Return what a computed column is computed by; checked.

    Raises
    ------
    ExpressionError
        If the text is not an expression, or has another type than the column.
    """
    tree, column = parse_tree(rule.expression), schema[rule.column]
    result, requested = type_of(tree, schema, rule.expression), column_type(column)
    if result is not requested:
        raise ExpressionError(
            f"{rule.column!r} is {requested}, but this is {result}", rule.expression, 0
        )
    return tree


def formula_tolerance(rule: language.Formula, column: Column) -> float:
    """Return how far a computed column may be off: half a unit of the last digit written."""
    if rule.tolerance is not None:
        return float(f"{rule.tolerance + _ROUNDING:.12g}")
    decimals = 0 if column.kind is Kind.INTEGER else column.decimals
    return _ROUNDING if decimals is None else 0.5 * 10.0**-decimals + _ROUNDING


def weighted_sum(weights: Mapping[sql.Node, float]) -> sql.Node:
    """Return ``a * x + b * y + ...`` as a tree; a constant is the weight of `ONE`."""
    result: sql.Node | None = None
    for term, weight in weights.items():
        size = abs(weight)
        part = term if size == 1 else sql.Arithmetic("*", sql.Literal(size), term)
        part = sql.Literal(size) if term == ONE else part
        if result is None:
            result = part if weight >= 0 else sql.Arithmetic("-", sql.Literal(0), part)
        else:
            result = sql.Arithmetic("+" if weight >= 0 else "-", result, part)
    return sql.Literal(0) if result is None else result


def _implies(premise: sql.Node, conclusion: sql.Node) -> sql.Node:
    return sql.Or((sql.Not(premise), conclusion))


def conjunction(parts: Sequence[sql.Node]) -> sql.Node:
    """Return that all parts hold."""
    return parts[0] if len(parts) == 1 else sql.And(tuple(parts))


def premise_of(rule: Any, schema: Schema) -> sql.Node | None:
    """Return when a rule speaks of a row: its `if`, else where its columns are not missing."""
    if isinstance(rule, language.Implies):
        return stated(rule.if_, schema)
    if isinstance(rule, language.Equivalence):
        return sql.Or((stated(rule.a, schema), stated(rule.b, schema)))
    return None


def not_missing(columns: Sequence[str]) -> sql.Node:
    """Return an expression that is true where no column is missing."""
    return conjunction([sql.Not(sql.IsNull(sql.Name(column))) for column in columns])
