"""Trees on frames: a polars expression with SQL's three-valued logic.

Meanings that engines do not share, fixed here: arithmetic is done in 64-bit floating
point; division and modulo by zero, and any result that is not a finite number, are NULL;
the sign of a modulo is that of the dividend; halves are rounded away from zero;
NaN is missing; ``x IN (..., NULL)`` is true or NULL, never false; LEAST and GREATEST pass
over NULL. Date minus date is in days, time minus time and spans of time are in seconds.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.checking import Type, column_type, type_of, value_type
from tablewright.schema import Column, Schema, suggest

_COMPARE: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_ACCEPTS: dict[Type, Callable[[pl.DataType], bool]] = {
    Type.NUMBER: lambda dtype: dtype.is_numeric() or dtype == pl.Duration,
    Type.TEXT: lambda dtype: dtype in (pl.String, pl.Categorical, pl.Enum),
    Type.BOOLEAN: lambda dtype: dtype == pl.Boolean,
    Type.DATE: lambda dtype: dtype in (pl.Date, pl.Datetime, pl.String),
    Type.TIMESTAMP: lambda dtype: dtype in (pl.Date, pl.Datetime, pl.String),
}


def compile_tree(tree: sql.Node, schema: Schema, dtypes: pl.Schema) -> pl.Expr:
    """Return a polars expression for a checked tree on a frame of these dtypes.

    Raises
    ------
    InputError
        If the frame lacks a column, or holds another type there than the schema says.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": [1, None, 3]})
    >>> schema = Schema.build({"a": "integer"})
    >>> tree = sql.Comparison(">", sql.Name("a"), sql.Literal(2))
    >>> compiled = compile_tree(tree, schema, frame.schema)
    >>> frame.select(compiled.alias("out"))["out"].to_list()
    [False, None, True]
    """
    return _Compiler(schema, dtypes).build(tree)


def values(tree: sql.Node, schema: Schema, frame: pl.DataFrame) -> pl.Series:
    """Return the value of a checked tree for each row."""
    compiled = compile_tree(tree, schema, frame.schema)
    return lengthened(frame.select(compiled).to_series(), frame.height)


def truth(trees: Sequence[sql.Node], schema: Schema, frame: pl.DataFrame) -> list[pl.Series]:
    """Return true, false or null per row for each of several checked trees, in one pass."""
    compiler = _Compiler(schema, frame.schema)
    compiled = [compiler.build(tree).alias(str(i)) for i, tree in enumerate(trees)]
    return [lengthened(series, frame.height) for series in frame.select(compiled).iter_columns()]


def lengthened(series: pl.Series, height: int) -> pl.Series:
    """Repeat the one value that an expression without columns has."""
    return series if len(series) == height else series.new_from_index(0, height)


def as_mask(series: pl.Series, *, null: bool) -> NDArray[np.bool_]:
    """Return a Boolean array in which NULL counts as `null`."""
    return series.cast(pl.Boolean).fill_null(null).to_numpy()


class _Compiler:
    """Compiles nodes; a value of each type has one dtype, whole numbers of columns aside."""

    def __init__(self, schema: Schema, dtypes: pl.Schema) -> None:
        self.schema, self.dtypes = schema, dtypes

    def build(self, node: sql.Node) -> pl.Expr:
        match node:
            case sql.Literal(value):
                return pl.lit(value, self.width(node) if _is_number(value) else None)
            case sql.Name(column):
                return self.column(column)
            case sql.Negative(operand):
                return -self.number(operand)
            case sql.Arithmetic():
                return self.arithmetic(node)
            case sql.Comparison(sign, left, right):
                return self.compare(sign, left, right)
            case sql.Between():
                return self.between(node)
            case sql.In():
                return self.member(node)
            case sql.Like(operand, pattern, escape):
                return _like(self.build(operand), pattern, escape)
            case sql.IsNull(operand):
                return self.build(operand).is_null()
            case sql.Not(operand):
                return ~self.build(operand)
            case sql.And(parts):
                return _balanced(operator.and_, [self.build(part) for part in parts])
            case sql.Or(parts):
                return _balanced(operator.or_, [self.build(part) for part in parts])
            case sql.Case():
                return self.case(node)
            case sql.Call():
                return self.call(node)

    def type_of(self, node: sql.Node) -> Type:
        return type_of(node, self.schema)

    def column(self, name: str) -> pl.Expr:
        column = self.schema[name]
        if name not in self.dtypes:
            raise InputError(f"the table has no column {name!r}{suggest(name, self.dtypes)}")
        dtype, expected = self.dtypes[name], column_type(column)
        if dtype == pl.Null:
            return pl.lit(None, _DTYPES[expected])
        if not _ACCEPTS[expected](dtype):
            raise InputError(
                f"column {name!r} holds {dtype} where {expected} is expected; "
                "convert it, or change its kind in the schema"
            )
        return _normalised(pl.col(name), dtype, expected, column)

    def number(self, node: sql.Node) -> pl.Expr:
        return self.build(node).cast(pl.Float64)

    def typed(self, node: sql.Node, kind: Type) -> pl.Expr:
        """Return a node as a value of a type, NULL and dates among times included."""
        return self.build(node) if kind is Type.NULL else self.build(node).cast(_DTYPES[kind])

    def arithmetic(self, node: sql.Arithmetic) -> pl.Expr:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if left is Type.NUMBER:
            return _calculate(node.operator, self.number(node.left), self.number(node.right))
        a, b = self.build(node.left), self.build(node.right)
        if right is Type.NUMBER:
            days = _calculate(node.operator, a.to_physical().cast(pl.Float64), b.cast(pl.Float64))
            return days.round().cast(pl.Int32, strict=False).cast(pl.Date)
        if left is Type.DATE:
            return (a.to_physical().cast(pl.Float64) - b.to_physical()).cast(pl.Float64)
        return (a - b).dt.total_microseconds() / 1e6

    def compare(self, sign: str, left: sql.Node, right: sql.Node) -> pl.Expr:
        scale = self.scale(sign, left, right)
        if scale is not None:
            return _COMPARE[sign](*(self.rank(part, scale) for part in (left, right)))
        dtype = self.common(left, right)
        return _COMPARE[sign](self.build(left).cast(dtype), self.build(right).cast(dtype))

    def between(self, node: sql.Between) -> pl.Expr:
        parts = (node.operand, node.low, node.high)
        scale = self.scale("<=", *parts)
        if scale is not None:
            operand, low, high = (self.rank(part, scale) for part in parts)
        else:
            dtype = self.common(*parts)
            operand, low, high = (self.build(part).cast(dtype) for part in parts)
        return operand.is_between(low, high)

    def common(self, *nodes: sql.Node) -> Any:
        """Return the dtype in which values of these nodes are compared."""
        kinds = {self.type_of(node) for node in nodes} - {Type.NULL}
        if kinds == {Type.NUMBER}:
            widths = [self.width(node) for node in nodes]
            return max(widths, key=_WIDTHS.index)
        return _DTYPES[kinds.pop()] if len(kinds) == 1 else _DTYPES[Type.TIMESTAMP]

    def width(self, node: sql.Node) -> Any:
        """Return the dtype of a number; whole ones as they stand, for floats end at 2^53."""
        if isinstance(node, sql.Literal):
            whole = isinstance(node.value, int) and abs(node.value) < 2**100
            small = whole and -(2**63) <= cast(int, node.value) < 2**63
            return pl.Int64 if small else pl.Int128 if whole else pl.Float64
        if isinstance(node, sql.Name) and node.column in self.dtypes:
            return _width(self.dtypes[node.column])
        return pl.Float64

    def scale(self, sign: str, *parts: sql.Node) -> list[Any] | None:
        """Return the categories whose order decides, for text of an ordinal column."""
        if sign in ("=", "<>") or self.type_of(parts[0]) is not Type.TEXT:
            return None
        names = [part.column for part in parts if isinstance(part, sql.Name)]
        return self.schema[names[0]].categories if names else None

    def rank(self, node: sql.Node, scale: list[Any]) -> pl.Expr:
        if isinstance(node, sql.Literal):
            return pl.lit(scale.index(node.value) if node.value in scale else None, pl.Int32)
        return self.build(node).replace_strict(
            scale, list(range(len(scale))), default=None, return_dtype=pl.Int32
        )

    def member(self, node: sql.In) -> pl.Expr:
        listed = [value.value for value in node.values if value.value is not None]
        if not listed:
            return pl.lit(None, pl.Boolean)
        dtype = self.common(node.operand, *node.values)
        values = pl.Series([_as_time(v) if dtype == _DTYPES[Type.TIMESTAMP] else v for v in listed],
                           dtype=dtype, strict=False)  # fmt: skip
        result = self.build(node.operand).cast(dtype).is_in(values.implode())
        if not sql.columns_of(node.operand):
            result = result.first()  # is_in of a constant is no constant to polars
        return result if len(listed) == len(node.values) else pl.when(result).then(True)

    def case(self, node: sql.Case) -> pl.Expr:
        kind = self.type_of(node)
        chosen: Any = pl
        for when, then in node.branches:
            chosen = chosen.when(self.build(when)).then(self.typed(then, kind))
        result: pl.Expr = chosen.otherwise(self.typed(node.default, kind))
        return result

    def call(self, node: sql.Call) -> pl.Expr:
        if node.function == "round":
            return _round(self.number(node.arguments[0]), _digits(node))
        if node.function in _FROM_OTHERS:
            return _CALLS[node.function](self.build(node.arguments[0]))
        kind = self.type_of(node)
        return _CALLS[node.function](*(self.typed(part, kind) for part in node.arguments))


_WIDTHS = (pl.Int64, pl.Int128, pl.Float64)
"""Dtypes of numbers; a comparison is made in the last one of those that stand in it."""

_DTYPES: dict[Type, Any] = {
    Type.NUMBER: pl.Float64,
    Type.TEXT: pl.String,
    Type.BOOLEAN: pl.Boolean,
    Type.DATE: pl.Date,
    Type.TIMESTAMP: pl.Datetime("us"),
}


def _normalised(found: pl.Expr, dtype: pl.DataType, wanted: Type, column: Column) -> pl.Expr:
    if dtype.is_float():
        return found.cast(pl.Float64).fill_nan(None)
    if dtype == pl.Duration:
        return found.dt.total_microseconds() / 1e6
    if dtype.is_numeric():
        return found.cast(_width(dtype))
    if wanted is Type.TEXT and dtype != pl.String:
        return found.cast(pl.String)
    if wanted in (Type.DATE, Type.TIMESTAMP):
        return _moment(found, dtype, _DTYPES[wanted], column.format)
    return found


def _is_number(value: Any) -> bool:
    return value_type(value) is Type.NUMBER


def _width(dtype: pl.DataType) -> Any:
    if not dtype.is_integer():
        return pl.Float64
    return pl.Int128 if dtype in (pl.UInt64, pl.Int128) else pl.Int64


def _moment(found: pl.Expr, dtype: pl.DataType, wanted: Any, format: str | None) -> pl.Expr:
    if dtype == pl.String:
        found = found.str.strptime(wanted, format, strict=False)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        found = found.dt.replace_time_zone(None)
    return found.cast(wanted)


def _as_time(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _balanced(join: Callable[[pl.Expr, pl.Expr], pl.Expr], parts: Sequence[pl.Expr]) -> pl.Expr:
    """Join parts pair by pair: a chain of 400 would be nested 400 deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return join(_balanced(join, parts[:half]), _balanced(join, parts[half:]))


# Whatever an expression reads stands in what is made of it once: polars writes shared parts out,
# so that a sum of 16 columns, each checked by `when(x.is_finite()).then(x)`, would take a minute.


def _finite(number: pl.Expr) -> pl.Expr:
    return number.replace([math.inf, -math.inf, math.nan], None)


def _calculate(operator: str, a: pl.Expr, b: pl.Expr) -> pl.Expr:
    match operator:
        case "+":
            return _finite(a + b)
        case "-":
            return _finite(a - b)
        case "*":
            return _finite(a * b)
        case "/":
            return _finite(a / b)
        case _:
            return _finite(pl.map_batches([a, b], _modulo, return_dtype=pl.Float64))


def _modulo(parts: Sequence[pl.Series]) -> pl.Series:
    dividend, divisor = (part.to_numpy() for part in parts)
    with np.errstate(invalid="ignore"):
        return pl.Series(np.fmod(dividend, divisor))


def _digits(node: sql.Call) -> int:
    given = node.arguments[1] if len(node.arguments) == 2 else None
    return given.value if isinstance(given, sql.Literal) and isinstance(given.value, int) else 0


def _round(number: pl.Expr, digits: int) -> pl.Expr:
    return number.round(digits, mode="half_away_from_zero")


def _nullif(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return pl.reduce(_without_equal, [a, b])


def _without_equal(values: pl.Series, others: pl.Series) -> pl.Series:
    values = lengthened(values, max(len(values), len(others)))
    return values.set((values == others).fill_null(False), None)


_FROM_OTHERS = frozenset({"length", "year", "month", "day"})
"""Numbers computed from values of another type."""

_CALLS: dict[str, Callable[..., pl.Expr]] = {
    "abs": lambda a: a.abs(),
    "ceil": lambda a: a.ceil(),
    "coalesce": lambda *parts: pl.coalesce(parts),
    "day": lambda a: a.dt.day().cast(pl.Float64),
    "floor": lambda a: a.floor(),
    "greatest": lambda *parts: pl.max_horizontal(parts),
    "least": lambda *parts: pl.min_horizontal(parts),
    "length": lambda a: a.str.len_chars().cast(pl.Float64),
    "lower": lambda a: a.str.to_lowercase(),
    "month": lambda a: a.dt.month().cast(pl.Float64),
    "nullif": _nullif,
    "upper": lambda a: a.str.to_uppercase(),
    "year": lambda a: a.dt.year().cast(pl.Float64),
}


def _like(text: pl.Expr, pattern: str, escape: str | None) -> pl.Expr:
    plain = pattern.strip("%")
    if escape is None and "%" not in plain and "_" not in plain:
        starts, ends = not pattern.startswith("%"), not pattern.endswith("%")
        if pattern and starts and ends:
            return text == plain
        if plain and starts != ends:
            return text.str.starts_with(plain) if starts else text.str.ends_with(plain)
    return text.str.contains(f"(?s)^{like_regex(pattern, escape)}$")


def like_regex(pattern: str, escape: str | None = None) -> str:
    r"""Return the body of a regular expression that matches what a LIKE pattern matches.

    Examples
    --------
    >>> like_regex("A_b%")
    'A.b.*'
    """
    result, escaped = [], False
    for character in pattern:
        if not escaped and character == escape:
            escaped = True
            continue
        wild = "" if escaped else {"%": ".*", "_": "."}.get(character, "")
        result.append(wild or re.escape(character))
        escaped = False
    return "".join(result)
