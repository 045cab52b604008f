"""Trees back to SQL text."""

from __future__ import annotations

import re
from datetime import date, datetime

from tablewright.rules.expressions import tree as sql
from tablewright.schema import outer_name

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = """
all and any as asc between both by case cast check column constraint create cross current_date
current_time current_timestamp default desc distinct do else end escape exists false fetch for
from full glob group having if ilike in inner intersect interval into is isnull join like limit
map natural not notnull null of offset on or order outer over partition pivot primary references
rlike select set similar some struct table then to true union unique unnest unpivot using values
when where window with array datetime timestamp abs round floor ceil least greatest coalesce
nullif lower upper mod extract substring trim overlaps div except next prior end current_user
current_schema session_user localtime localtimestamp regexp match_against current_datetime
current_catalog
"""
_RESERVED = frozenset(_WORDS.split())
# Not among them: date, year, left and others that our parser takes for columns everywhere.
_OR, _AND, _NOT, _COMPARE, _ADD, _MULTIPLY, _UNARY, _ATOM = range(8)


def quote(column: str) -> str:
    """Return a column's name as it has to stand in an expression.

    Examples
    --------
    >>> quote("age"), quote("education-num")
    ('age', '"education-num"')
    """
    if _PLAIN.fullmatch(column) and column.lower() not in _RESERVED:
        return column
    return '"' + outer_name(column).replace('"', '""') + '"'


def shortened(text: str, limit: int = 60) -> str:
    """Return text that fits into a message: of a long one the beginning, and how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text):,} characters)"


def value_text(value: sql.Value) -> str:
    """Return a constant as SQL text.

    Examples
    --------
    >>> value_text("it's"), value_text(None), value_text(True), value_text(date(2020, 1, 31))
    ("'it''s'", 'NULL', 'TRUE', "DATE '2020-01-31'")
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case datetime():
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case _:
            return repr(value)


def unparse(node: sql.Node) -> str:
    """Return SQL text that parses to the same tree, with no more brackets than it needs.

    Examples
    --------
    >>> above = sql.Comparison(">", sql.Name("a"), sql.Literal(1))
    >>> unparse(sql.And((above, sql.IsNull(sql.Name("b c")))))
    'a > 1 AND "b c" IS NULL'
    """
    return _write(node)[0]


def _write(node: sql.Node) -> tuple[str, int]:
    match node:
        case sql.Literal(value):
            negative = type(value) in (int, float) and str(value).startswith("-")
            return value_text(value), _UNARY if negative else _ATOM
        case sql.Name(column):
            return quote(column), _ATOM
        case sql.Negative(operand):
            return f"-{_inside(operand, _ATOM)}", _UNARY
        case sql.Arithmetic():
            return _arithmetic(node)
        case sql.Comparison(operator, left, right):
            return f"{_inside(left, _ADD)} {operator} {_inside(right, _ADD)}", _COMPARE
        case sql.And(parts):
            return " AND ".join(_inside(part, _NOT) for part in parts), _AND
        case sql.Or(parts):
            return " OR ".join(_inside(part, _AND) for part in parts), _OR
        case sql.Not(operand):
            return _negation(operand)
        case sql.Call(function, arguments):
            return f"{function}({', '.join(unparse(part) for part in arguments)})", _ATOM
        case sql.Case():
            return _case(node), _ATOM
        case _:
            return _predicate(node, ""), _COMPARE


def _inside(node: sql.Node, at_least: int) -> str:
    text, level = _write(node)
    return text if level >= at_least else f"({text})"


def _arithmetic(node: sql.Arithmetic) -> tuple[str, int]:
    level = _ADD if node.operator in "+-" else _MULTIPLY
    left, right = _inside(node.left, level), _inside(node.right, level + 1)
    return f"{left} {node.operator} {right}", level


def _negation(operand: sql.Node) -> tuple[str, int]:
    if isinstance(operand, sql.Between | sql.In | sql.Like | sql.IsNull):
        return _predicate(operand, "NOT "), _COMPARE
    return f"NOT {_inside(operand, _COMPARE)}", _NOT


def _predicate(node: sql.Between | sql.In | sql.Like | sql.IsNull, negation: str) -> str:
    subject = _inside(node.operand, _ADD)
    match node:
        case sql.Between(_, low, high):
            return f"{subject} {negation}BETWEEN {_inside(low, _ADD)} AND {_inside(high, _ADD)}"
        case sql.In(_, values):
            listed = ", ".join(value_text(value.value) for value in values)
            return f"{subject} {negation}IN ({listed})"
        case sql.Like(_, pattern, escape):
            ending = "" if escape is None else f" ESCAPE {value_text(escape)}"
            return f"{subject} {negation}LIKE {value_text(pattern)}{ending}"
        case sql.IsNull():
            return f"{subject} IS {negation}NULL"


def _case(node: sql.Case) -> str:
    branches = " ".join(
        f"WHEN {unparse(when)} THEN {unparse(then)}" for when, then in node.branches
    )
    ending = "" if node.default == sql.Literal(None) else f" ELSE {unparse(node.default)}"
    return f"CASE {branches}{ending} END"
