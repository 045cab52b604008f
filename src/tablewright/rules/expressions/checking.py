"""Types of columns and expressions, and the check that a tree fits a schema."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NoReturn

from tablewright.errors import ExpressionError
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.unparse import quote, shortened, value_text
from tablewright.schema import Column, Kind, Schema, outer_name, suggest


class Type(StrEnum):
    """What the value of an expression is."""

    BOOLEAN = "true or false"
    NUMBER = "a number"
    TEXT = "text"
    DATE = "a date"
    TIMESTAMP = "a time"
    NULL = "NULL"


_OF_KIND = {
    Kind.CONTINUOUS: Type.NUMBER,
    Kind.INTEGER: Type.NUMBER,
    Kind.TIMEDELTA: Type.NUMBER,
    Kind.BOOLEAN: Type.BOOLEAN,
    Kind.DATE: Type.DATE,
    Kind.DATETIME: Type.TIMESTAMP,
}
_OF_DTYPE = {
    "Int": Type.NUMBER,
    "UInt": Type.NUMBER,
    "Float": Type.NUMBER,
    "Decimal": Type.NUMBER,
    "Duration": Type.NUMBER,
    "Boolean": Type.BOOLEAN,
    "Datetime": Type.TIMESTAMP,
    "Date": Type.DATE,
}
_NUMERIC_CALLS = frozenset({"abs", "ceil", "floor", "round"})
_MOMENTS = frozenset({Type.DATE, Type.TIMESTAMP})
_ORDERED = frozenset({Type.NUMBER, Type.DATE, Type.TIMESTAMP})


def value_type(value: sql.Value) -> Type:
    """Return the type of a constant.

    Examples
    --------
    >>> value_type(3).name, value_type("3").name, value_type(True).name
    ('NUMBER', 'TEXT', 'BOOLEAN')
    """
    match value:
        case None:
            return Type.NULL
        case bool():
            return Type.BOOLEAN
        case int() | float():
            return Type.NUMBER
        case str():
            return Type.TEXT
        case datetime():
            return Type.TIMESTAMP
        case _:
            return Type.DATE


def column_type(column: Column) -> Type:
    """Return the type that a column's values have in expressions.

    Listed categories decide, then the kind, then the dtype; text is what remains.

    Examples
    --------
    >>> column_type(Column(name="y", kind=Kind.CATEGORICAL, categories=[0, 1])).name
    'NUMBER'
    """
    if column.categories:
        result = {value_type(value) for value in column.categories}
        return result.pop() if len(result) == 1 else Type.TEXT
    if column.kind is Kind.BOOLEAN and (column.dtype or "Boolean") != "Boolean":
        return _by_dtype(column.dtype)
    return _OF_KIND.get(column.kind) or _by_dtype(column.dtype)


def _by_dtype(dtype: str | None) -> Type:
    named = (result for start, result in _OF_DTYPE.items() if (dtype or "").startswith(start))
    return next(named, Type.TEXT)


def check(tree: sql.Node, schema: Schema, text: str = "") -> None:
    """Check names, types and categories; the whole has to be true or false.

    Raises
    ------
    ExpressionError
        Names the place, what stands there and what is allowed instead.

    Examples
    --------
    >>> check(sql.Name("age"), Schema.build({"age": "integer"}), "age")
    Traceback (most recent call last):
    tablewright.errors.ExpressionError: a condition is true or false, but this is a number...
    """
    result = _Checker(schema, text).type_of(tree)
    if result is not Type.BOOLEAN:
        raise ExpressionError(
            f"a condition is true or false, but this is {result}; compare it, as in x = 1",
            text,
            tree.position,
        )


def type_of(tree: sql.Node, schema: Schema, text: str = "") -> Type:
    """Return the type of an expression of any type, checked like `check`."""
    return _Checker(schema, text).type_of(tree)


class _Checker:
    def __init__(self, schema: Schema, text: str) -> None:
        self.schema, self.text = schema, text

    def refuse(self, message: str, node: sql.Node) -> NoReturn:
        raise ExpressionError(message, self.text, node.position)

    def type_of(self, node: sql.Node) -> Type:
        match node:
            case sql.Literal(value):
                return value_type(value)
            case sql.Name():
                return self.column(node)
            case sql.Negative(operand):
                self.expect(operand, Type.NUMBER, "a sign")
                return Type.NUMBER
            case sql.Arithmetic():
                return self.arithmetic(node)
            case sql.Comparison() | sql.Between():
                return self.comparison(node)
            case sql.In(operand, values):
                self.comparable(operand, *(value for value in values if value.value is not None))
                return Type.BOOLEAN
            case sql.Like(operand):
                self.expect(operand, Type.TEXT, "LIKE")
                return Type.BOOLEAN
            case sql.IsNull(operand):
                self.type_of(operand)
                return Type.BOOLEAN
            case sql.Not(operand):
                self.expect(operand, Type.BOOLEAN, "NOT")
                return Type.BOOLEAN
            case sql.And(parts) | sql.Or(parts):
                for part in parts:
                    self.expect(part, Type.BOOLEAN, "AND and OR")
                return Type.BOOLEAN
            case sql.Case(branches, default):
                for when, _ in branches:
                    self.expect(when, Type.BOOLEAN, "WHEN")
                return self.common([then for _, then in branches] + [default])
            case sql.Call():
                return self.call(node)

    def column(self, node: sql.Name) -> Type:
        if node.column in self.schema:
            return column_type(self.schema[node.column])
        values = {value for column in self.schema.each() for value in column.categories or []}
        if node.column in values:
            self.refuse(
                f"unknown column {shortened(node.column)!r}; text stands in single quotes: "
                f"{shortened(value_text(node.column))}",
                node,
            )
        self.refuse(_unknown(node.column, self.schema.names, self.text), node)

    def expect(self, node: sql.Node, expected: Type, where: str) -> None:
        result = self.type_of(node)
        if result is not expected:
            hint = "; use IS NULL" if result is Type.NULL else ""
            self.refuse(f"{where} takes {expected}, and this is {result}{hint}", node)

    def arithmetic(self, node: sql.Arithmetic) -> Type:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if left is right is Type.NUMBER:
            return Type.NUMBER
        if node.operator == "-" and left is right and left in _MOMENTS:
            return Type.NUMBER
        if node.operator in "+-" and left is Type.DATE and right is Type.NUMBER:
            return Type.DATE
        wrong = node.left if left not in (Type.NUMBER, *_MOMENTS) else node.right
        self.refuse(
            f"{node.operator} takes numbers (or date - date, date + days), "
            f"and here are {left} and {right}",
            wrong,
        )

    def comparison(self, node: sql.Comparison | sql.Between) -> Type:
        if isinstance(node, sql.Between):
            operands: tuple[sql.Node, ...] = (node.operand, node.low, node.high)
        else:
            operands = (node.left, node.right)
        equality = isinstance(node, sql.Comparison) and node.operator in ("=", "<>")
        result = self.comparable(*operands, listed=equality)
        if equality:
            return Type.BOOLEAN
        if result not in _ORDERED and not self.ordinal(operands):
            self.refuse(
                f"{result} has no order here; use = or IN, or make the column ordinal in the "
                "schema",
                operands[0],
            )
        return Type.BOOLEAN

    def comparable(self, *operands: sql.Node, listed: bool = True) -> Type:
        """Check that operands have one type and that constants can be values of the column.

        A number that is not `listed` may still stand above or below those that are.
        """
        types = [self.type_of(operand) for operand in operands]
        for operand, result in zip(operands, types, strict=True):
            if result is Type.NULL:
                self.refuse("a comparison with NULL is never true; use IS NULL", operands[0])
            if result is not types[0] and not {result, types[0]} <= _MOMENTS:
                self.refuse(self.mismatch(operands[0], types[0], operand, result), operand)
        named = [part for part in operands if isinstance(part, sql.Name)]
        for constant in (part for part in operands if isinstance(part, sql.Literal)):
            for name in named:
                if listed or types[0] is not Type.NUMBER:
                    self.category(name, constant)
        return types[0]

    def mismatch(self, first: sql.Node, expected: Type, second: sql.Node, actual: Type) -> str:
        hint = ""
        constant = next((part for part in (second, first) if isinstance(part, sql.Literal)), None)
        if isinstance(constant, sql.Literal) and isinstance(constant.value, str):
            target = expected if constant is second else actual
            if target in _MOMENTS:
                word = "DATE" if target is Type.DATE else "TIMESTAMP"
                hint = f"; write {word} {shortened(value_text(constant.value))}"
            elif target is Type.NUMBER:
                hint = "; write numbers without quotes"
        elif isinstance(first, sql.Comparison):
            hint = "; write 1 < x AND x < 3 for a chain"
        elif Type.TEXT in (expected, actual):
            hint = "; text stands in single quotes"
        return f"{expected} cannot be compared with {actual}{hint}"

    def category(self, name: sql.Name, constant: sql.Literal) -> None:
        column = self.schema[name.column]
        if not column.kind.is_discrete or column.categories is None:
            return
        known = [*column.categories, *column.sentinels]
        if not any(
            constant == sql.Literal(value) or _same(constant.value, value) for value in known
        ):
            shown = shortened(value_text(constant.value))
            near = _nearest(constant.value, column.categories)
            self.refuse(f"{shown} is not a value of {quote(name.column)}{near}", constant)

    def ordinal(self, operands: Iterable[sql.Node]) -> bool:
        """Whether the operands are compared by the order of an ordinal column's categories."""
        columns = [self.schema[part.column] for part in operands if isinstance(part, sql.Name)]
        simple = all(isinstance(part, sql.Name | sql.Literal) for part in operands)
        ordered = all(column.kind is Kind.ORDINAL and column.categories for column in columns)
        one_scale = len({tuple(map(str, column.categories or [])) for column in columns}) == 1
        return simple and ordered and one_scale

    def common(self, nodes: list[sql.Node]) -> Type:
        result = {self.type_of(node): node for node in nodes}
        result.pop(Type.NULL, None)
        if not result:
            return Type.NULL
        if len(result) > 1:
            (first, _), (second, node) = list(result.items())[:2]
            self.refuse(f"the results are of different types: {first} and {second}", node)
        return next(iter(result))

    def call(self, node: sql.Call) -> Type:
        name, arguments = node.function, node.arguments
        if name in _NUMERIC_CALLS:
            for part in arguments:
                self.expect(part, Type.NUMBER, name)
            if len(arguments) == 2:
                self.digits(arguments[1])
            return Type.NUMBER
        if name in ("length", "lower", "upper"):
            self.expect(arguments[0], Type.TEXT, name)
            return Type.NUMBER if name == "length" else Type.TEXT
        if name in ("year", "month", "day"):
            result = self.type_of(arguments[0])
            if result not in _MOMENTS:
                self.refuse(f"{name} takes a date or a time, and this is {result}", arguments[0])
            return Type.NUMBER
        result = self.common(list(arguments))
        if name in ("greatest", "least") and result not in _ORDERED:
            self.refuse(f"{name} takes numbers, dates or times, and this is {result}", arguments[0])
        return result

    def digits(self, node: sql.Node) -> None:
        if not (
            isinstance(node, sql.Literal) and type(node.value) is int and 0 <= node.value <= 15
        ):
            self.refuse("round takes a whole number of digits from 0 to 15", node)


def _same(left: sql.Value, right: object) -> bool:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    return numbers and left == right and isinstance(left, bool) == isinstance(right, bool)


def _nearest(value: sql.Value, known: Sequence[Any]) -> str:
    """Suggest the known value that shares most letters, whatever its signs are."""
    if not isinstance(value, str):
        shown = ", ".join(value_text(item) for item in known[:12])
        return f"; there are {shown}{', ...' if len(known) > 12 else ''}"
    names = [str(item) for item in known]
    letters = {"".join(c for c in name if c.isalnum()).lower(): name for name in names}
    plain = "".join(c for c in value if c.isalnum()).lower()
    near = difflib.get_close_matches(plain, letters, n=1) if plain else []
    return f"; did you mean {letters[near[0]]!r}?" if near else suggest(value, names)


def _unknown(name: str, known: list[str], text: str) -> str:
    """Say that a column does not exist, and the likeliest reason."""
    odd = [c for c in name if ord(c) > 127]
    name = outer_name(name)
    quoted, shown = unquoted(known, text), shortened(name)
    if odd and not any(c in column for c in odd for column in known):
        signs = ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, '')}".strip() for c in odd[:3])
        return f"unknown column {shown!r} (it contains {signs}){suggest(name, known)}"
    if name.lower() in ("none", "nan", "na"):
        return f"unknown column {shown!r}; a missing value is asked for with IS NULL"
    if quoted:
        return f"unknown column {shown!r}; {QUOTED}: {quote(quoted[0])}"
    return f"unknown column {shown!r}{suggest(name, known)}"


QUOTED = "names with blanks, hyphens or a reserved word are quoted"


def unquoted(known: Iterable[str], text: str) -> list[str]:
    """Return the columns that stand in a text without the quotes that they need.

    Examples
    --------
    >>> unquoted(["age", "year", "education-num"], "education-num > 9 AND year > 3")
    ['education-num']
    """
    return [
        column
        for column in known
        if quote(column) != column
        and re.search(rf"(?<![\w\"']){re.escape(column)}(?![\w\"'])", text)
        and not _understood_bare(column)
    ]


def _understood_bare(column: str) -> bool:
    try:
        return parse_tree(f"{column} = 1") == sql.Comparison("=", sql.Name(column), sql.Literal(1))
    except ExpressionError:
        return False


def constant(value: Any, column: Column) -> sql.Literal:
    """Return a value of a rules file, or of a mapping, as a constant of a column's type.

    Examples
    --------
    >>> constant("2020-01-31", Column(name="d", kind=Kind.DATE)).value
    datetime.date(2020, 1, 31)
    """
    kind = column_type(column)
    try:
        literal = sql.Literal(_converted(value, kind))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        shown = shortened(str(value))
        message = f"{shown!r} is not {kind}, as column {column.name!r} is"
        raise ExpressionError(message) from error
    if column.categories is not None and column.kind.is_discrete:
        check(
            sql.Comparison("=", sql.Name(column.name), literal),
            Schema(columns=[column]),
            repr(value),
        )
    return literal


def _converted(value: Any, kind: Type) -> sql.Value:
    match kind:
        case Type.TEXT:
            return str(value)
        case Type.BOOLEAN:
            return {"true": True, "false": False}[str(value).lower()]
        case Type.DATE:
            return date.fromisoformat(str(value).removesuffix(" 00:00:00"))
        case Type.TIMESTAMP:
            return datetime.fromisoformat(str(value))
        case _:
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**100:
                return value
            number = float(value)
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
