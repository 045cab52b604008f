"""Which values of one column can still meet an expression, whatever the other columns are.

Numbers, dates (days since 1970-01-01) and times (microseconds since 1970-01-01, no zone) are
sets of intervals; the values of a column with listed categories are a subset of them; other
text is a listed set or all but a listed set. A domain is never too small: what it excludes
cannot meet the expression.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

import polars as pl

from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.checking import Type, column_type
from tablewright.rules.expressions.evaluate import as_mask, truth
from tablewright.schema import Column, Kind, Schema

_EPOCH = datetime(1970, 1, 1)
_SIGNS: tuple[sql.ComparisonOperator, ...] = ("=", "<>", "<", ">=", ">", "<=")
_OPPOSITES: tuple[sql.ComparisonOperator, ...] = ("<>", "=", ">=", "<", "<=", ">")
_NEGATED: dict[str, sql.ComparisonOperator] = dict(zip(_SIGNS, _OPPOSITES, strict=True))
_MIRRORED = dict(zip(_SIGNS, ("=", "<>", ">", "<=", "<", ">="), strict=True))


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`; an open end is not in it.

    Examples
    --------
    >>> 3.0 in Interval(3.0, math.inf), 3.0 in Interval(3.0, math.inf, open_low=True)
    (True, False)
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number is in it."""
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))

    def __contains__(self, value: float) -> bool:
        above = value > self.low or (value == self.low and not self.open_low)
        return above and (value < self.high or (value == self.high and not self.open_high))

    def intersect(self, other: Interval) -> Interval:
        """Return the numbers that are in both."""
        low, open_low = max((self.low, self.open_low), (other.low, other.open_low))
        high, closed = min((self.high, not self.open_high), (other.high, not other.open_high))
        return Interval(low, high, open_low, not closed)

    def whole(self) -> Interval:
        """Return the interval of the whole numbers in it, with closed ends."""
        low = self.low if math.isinf(self.low) else math.ceil(self.low)
        high = self.high if math.isinf(self.high) else math.floor(self.high)
        low += self.open_low and low == self.low and not math.isinf(low)
        high -= self.open_high and high == self.high and not math.isinf(high)
        return Interval(float(low), float(high))


def _merged(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Sort intervals and join those that touch or overlap."""
    result: list[Interval] = []
    for item in sorted((i for i in intervals if not i.is_empty), key=lambda i: (i.low, i.open_low)):
        last = result[-1] if result else None
        touches = last is not None and (
            item.low < last.high
            or (item.low == last.high and not (item.open_low and last.open_high))
        )
        if last is None or not touches:
            result.append(item)
            continue
        high, closed = max((last.high, not last.open_high), (item.high, not item.open_high))
        result[-1] = Interval(last.low, high, last.open_low, not closed)
    return tuple(result)


def _common(one: Sequence[Interval], other: Sequence[Interval]) -> tuple[Interval, ...]:
    """Intersect two ascending lists of disjoint intervals, in time linear in both."""
    result, i, j = list[Interval](), 0, 0
    while i < len(one) and j < len(other):
        result.append(one[i].intersect(other[j]))
        if (one[i].high, not one[i].open_high) <= (other[j].high, not other[j].open_high):
            i += 1
        else:
            j += 1
    return _merged(result)


@dataclass(frozen=True)
class Domain:
    """Values that one column may have.

    Attributes
    ----------
    null : bool
        Whether the value may be missing.
    intervals : tuple of Interval or None
        For numbers, dates and times: disjoint, ascending. None for other columns.
    values : frozenset or None
        For other columns: the values that are allowed, or that are not. None for numbers.
    inverted : bool
        Whether `values` lists what is *not* allowed.

    Examples
    --------
    >>> adult = Domain.of_numbers(Interval(18.0))
    >>> minor = Domain.of_numbers(Interval(high=18.0, open_high=True))
    >>> adult.intersect(minor).is_empty, adult.union(minor).is_everything
    (True, False)
    """

    null: bool
    intervals: tuple[Interval, ...] | None = None
    values: frozenset[sql.Value] | None = None
    inverted: bool = False

    @classmethod
    def of_numbers(cls, *intervals: Interval, null: bool = False) -> Domain:
        """Return a domain of intervals."""
        return cls(null, intervals=_merged(intervals))

    @classmethod
    def of_values(
        cls, values: Iterable[sql.Value], *, inverted: bool = False, null: bool = False
    ) -> Domain:
        """Return a domain of listed values, or of all but them."""
        return cls(null, values=frozenset(values), inverted=inverted)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is allowed, not even a missing value."""
        nothing = self.values == frozenset() and not self.inverted
        return not self.null and (nothing or self.intervals == ())

    @property
    def is_everything(self) -> bool:
        """Whether everything is allowed, a missing value too."""
        return self.null and (
            self.intervals == (Interval(),) or (self.inverted and not self.values)
        )

    def __contains__(self, value: sql.Value) -> bool:
        if value is None:
            return self.null
        if self.intervals is not None:
            number = position(value)
            return any(number in interval for interval in self.intervals)
        return (value in (self.values or frozenset())) is not self.inverted

    def intersect(self, other: Domain) -> Domain:
        """Return the values that are in both."""
        null = self.null and other.null
        if self.intervals is not None and other.intervals is not None:
            return Domain(null, intervals=_common(self.intervals, other.intervals))
        mine, theirs = self.values or frozenset(), other.values or frozenset()
        if self.inverted and other.inverted:
            return Domain(null, values=mine | theirs, inverted=True)
        if self.inverted or other.inverted:
            return Domain(null, values=theirs - mine if self.inverted else mine - theirs)
        return Domain(null, values=mine & theirs)

    def union(self, other: Domain) -> Domain:
        """Return the values that are in one or the other."""
        null = self.null or other.null
        if self.intervals is not None and other.intervals is not None:
            return Domain(null, intervals=_merged((*self.intervals, *other.intervals)))
        mine, theirs = self.values or frozenset(), other.values or frozenset()
        if self.inverted and other.inverted:
            return Domain(null, values=mine & theirs, inverted=True)
        if self.inverted or other.inverted:
            return Domain(
                null, values=mine - theirs if self.inverted else theirs - mine, inverted=True
            )
        return Domain(null, values=mine | theirs)

    def with_null(self, null: bool) -> Domain:
        """Return a copy in which a missing value is allowed or not."""
        return Domain(null, self.intervals, self.values, self.inverted)


def intersection(domains: Sequence[Domain]) -> Domain:
    """Return the values that are in all domains; halved, so that hundreds cost little."""
    return _halved(domains, Domain.intersect)


def union(domains: Sequence[Domain]) -> Domain:
    """Return the values that are in any domain."""
    return _halved(domains, Domain.union)


def _halved(domains: Sequence[Domain], join: Callable[[Domain, Domain], Domain]) -> Domain:
    if len(domains) == 1:
        return domains[0]
    half = len(domains) // 2
    return join(_halved(domains[:half], join), _halved(domains[half:], join))


def position(value: sql.Value) -> float:
    """Return where a number, date or time lies on its line.

    Examples
    --------
    >>> position(date(1970, 1, 11)), position(2)
    (10.0, 2.0)
    """
    match value:
        case datetime():
            return float((value - _EPOCH) // (_EPOCH.resolution))
        case date():
            return float((value - _EPOCH.date()).days)
        case _:
            return float(cast(float, value))


def everything(column: Column) -> Domain:
    """Return the domain that excludes nothing of a column."""
    if _is_listed(column):
        return Domain.of_values(_listed(column), null=True)
    if column_type(column) is Type.BOOLEAN:
        return Domain.of_values((False, True), null=True)
    if column_type(column) is Type.TEXT:
        return Domain.of_values((), inverted=True, null=True)
    return Domain.of_numbers(Interval(), null=True)


def _is_listed(column: Column) -> bool:
    return column.kind.is_discrete and column.categories is not None


def _listed(column: Column) -> list[sql.Value]:
    """Return the values of a discrete column; codes that stand for something are values too."""
    kind = column_type(column)
    result: list[sql.Value] = [*(column.categories or []), *column.sentinels]
    return result if kind is not Type.TEXT else [str(value) for value in result]


def domain(tree: sql.Node, column: str, schema: Schema, *, null: bool = False) -> Domain | None:
    """Return the values of one column with which an expression can hold, or None for all.

    Parameters
    ----------
    tree : Node
        A checked expression.
    column : str
        The column asked about.
    schema : Schema
        What the expression was checked against.
    null : bool, default=False
        Whether an expression that is NULL counts as held.

    Examples
    --------
    >>> from tablewright.rules.expressions.parsing import parse_tree
    >>> schema = Schema.build({"age": "integer"})
    >>> domain(parse_tree("age > 17"), "age", schema).intervals
    (Interval(low=18.0, high=inf, open_low=False, open_high=False),)
    """
    result = DomainReader(schema, null).read(pushed(tree, False), schema[column])
    return None if result is None or result == everything(schema[column]) else result


def pushed(node: sql.Node, negate: bool) -> sql.Node:
    """Push NOT down to the leaves; three-valued logic allows it."""
    match node:
        case sql.Not(operand):
            return pushed(operand, not negate)
        case sql.And(parts) | sql.Or(parts):
            result = tuple(pushed(part, negate) for part in parts)
            return sql.And(result) if isinstance(node, sql.And) is not negate else sql.Or(result)
        case sql.Between(operand, low, high):
            both = sql.Comparison(">=", operand, low), sql.Comparison("<=", operand, high)
            return pushed(sql.And(both), negate)
        case sql.Comparison(operator, left, right) if negate:
            return sql.Comparison(_NEGATED[operator], left, right, position=node.position)
        case sql.Literal(bool(value)):
            return sql.Literal(value is not negate)
        case _:
            return sql.Not(node) if negate else node


class DomainReader:
    """Reads domains off a tree whose negations stand at its leaves (`pushed`)."""

    def __init__(self, schema: Schema, null: bool) -> None:
        self.schema, self.null = schema, null

    def read(self, node: sql.Node, column: Column) -> Domain | None:
        """Return the values of a column with which the node can hold, or None for all."""
        if isinstance(node, sql.And | sql.Or):
            return self._joined(node, column)
        names = sql.columns_of(node)
        if not names and isinstance(node, sql.Literal):
            holds = node.value is True
            return None if holds else _nothing(column)
        if names != (column.name,):
            return None
        if _is_listed(column) or column_type(column) is Type.BOOLEAN:
            return self._table(node, column)
        return self._leaf(node, column)

    def _joined(self, node: sql.And | sql.Or, column: Column) -> Domain | None:
        result = [self.read(part, column) for part in node.parts]
        known = [part for part in result if part is not None]
        if not known or (isinstance(node, sql.Or) and len(known) < len(result)):
            return None
        return intersection(known) if isinstance(node, sql.And) else union(known)

    def _table(self, node: sql.Node, column: Column) -> Domain:
        """Ask the expression about every value there is."""
        kind = column_type(column)
        candidates = (
            [False, True] if kind is Type.BOOLEAN and not column.categories else _listed(column)
        )
        frame = pl.DataFrame({column.name: [*candidates, None]}, strict=False)
        held = as_mask(truth([node], self.schema, frame)[0], null=self.null)
        kept = [value for value, keep in zip(candidates, held, strict=False) if keep]
        return Domain.of_values(kept, null=bool(held[-1]))

    def _leaf(self, node: sql.Node, column: Column) -> Domain | None:
        inner, negated = (node.operand, True) if isinstance(node, sql.Not) else (node, False)
        match inner:
            case sql.IsNull(sql.Name()):
                line = everything(column)
                return line.with_null(False) if negated else _nothing(column).with_null(True)
            case sql.In(sql.Name(), values):
                return self._member([value.value for value in values], negated, column)
            case sql.Comparison(operator, sql.Name(), sql.Literal(value)) if not negated:
                return self._compared(operator, value, column)
            case sql.Comparison(operator, sql.Literal(value), sql.Name()) if not negated:
                return self._compared(_MIRRORED[operator], value, column)
            case _:
                return None

    def _member(self, values: list[sql.Value], negated: bool, column: Column) -> Domain:
        listed = [value for value in values if value is not None]
        if len(listed) < len(values):
            # With NULL in the list the answer is true or NULL, and NOT IN never true.
            if self.null and not negated:
                return everything(column)
            if negated and not self.null:
                return _nothing(column)
        if column_type(column) is Type.TEXT:
            return Domain.of_values(listed, inverted=negated, null=self.null)
        sign, start = ("<>", everything(column)) if negated else ("=", _nothing(column))
        parts = [start, *(self._compared(sign, value, column) for value in listed)]
        return (intersection(parts) if negated else union(parts)).with_null(self.null)

    def _compared(self, operator: str, value: sql.Value, column: Column) -> Domain:
        if column_type(column) is Type.TEXT:
            return Domain.of_values((value,), inverted=operator == "<>", null=self.null)
        at = _on_line(value, column)
        below, above = Interval(high=at, open_high=True), Interval(low=at, open_low=True)
        pieces = {
            "=": (Interval(at, at),),
            "<>": (below, above),
            "<": (below,),
            ">": (above,),
            "<=": (Interval(high=at),),
            ">=": (Interval(low=at),),
        }[operator]
        if column.kind in (Kind.INTEGER, Kind.DATE) and column.kind.is_numeric:
            pieces = tuple(piece.whole() for piece in pieces)
        return Domain.of_numbers(*pieces, null=self.null)


def _on_line(value: sql.Value, column: Column) -> float:
    """Place a constant on the line of a column: days for dates, microseconds for times."""
    if column_type(column) is Type.DATE and isinstance(value, datetime):
        return position(value) / 86_400e6
    if column_type(column) is Type.TIMESTAMP and not isinstance(value, datetime):
        return position(value) * 86_400e6
    return position(value)


def _nothing(column: Column) -> Domain:
    if everything(column).intervals is not None:
        return Domain.of_numbers()
    return Domain.of_values(())
