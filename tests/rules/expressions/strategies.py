"""Random well-typed expressions on a small table, and rows of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
from hypothesis import strategies as st

from tablewright.rules.expressions.tree import (
    And,
    Arithmetic,
    Between,
    Call,
    Case,
    Comparison,
    In,
    IsNull,
    Like,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    Or,
)
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "i": "integer",
        "f": "continuous",
        "two words": "integer",
        "s": "text",
        "c": {"kind": "categorical", "categories": ["a", "b", "it's"]},
        "b": "boolean",
        "d": "date",
        "t": "datetime",
    }
)
DTYPES: dict[str, Any] = {
    "i": pl.Int64,
    "f": pl.Float64,
    "two words": pl.Int64,
    "s": pl.String,
    "c": pl.String,
    "b": pl.Boolean,
    "d": pl.Date,
    "t": pl.Datetime("us"),
}

WHOLE = st.integers(-9, 9)
QUARTERS = st.integers(-40, 40).map(lambda n: n / 4)
DAYS = st.dates(dt.date(2019, 12, 28), dt.date(2020, 3, 2))
TIMES = st.datetimes(dt.datetime(2019, 12, 28), dt.datetime(2020, 3, 2)).map(
    lambda time: time.replace(microsecond=0)
)
TEXTS = st.text(alphabet="aAbé%_!.", max_size=3)
CATEGORIES = st.sampled_from(["a", "b", "it's"])
VALUES = {
    "i": WHOLE,
    "f": QUARTERS,
    "two words": WHOLE,
    "s": TEXTS,
    "c": CATEGORIES,
    "b": st.booleans(),
    "d": DAYS,
    "t": TIMES,
}


def frames(max_size: int = 12) -> st.SearchStrategy[pl.DataFrame]:
    cells = {name: st.none() | values for name, values in VALUES.items()}
    rows = st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=max_size)
    return rows.map(lambda found: pl.DataFrame(found, schema=DTYPES))


def _names(*columns: str) -> st.SearchStrategy[Node]:
    return st.sampled_from([Name(column) for column in columns])


def _literals(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Node]:
    return values.map(Literal)


def _call(function: str, *arguments: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.tuples(*arguments).map(lambda given: Call(function, given))


def numbers() -> st.SearchStrategy[Node]:
    leaves = _names("i", "f", "two words") | _literals(WHOLE | QUARTERS)

    def extend(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        operators = st.sampled_from(["+", "-", "*", "/", "%"])
        return st.one_of(
            st.builds(Arithmetic, operators, inner, inner),
            inner.filter(lambda node: not isinstance(node, Literal)).map(Negative),
            *(_call(name, inner) for name in ("abs", "ceil", "floor", "round")),
            *(_call(name, inner, inner) for name in ("least", "greatest", "coalesce", "nullif")),
        )

    others = st.one_of(
        _call("length", texts()),
        *(_call(name, _names("d", "t")) for name in ("year", "month", "day")),
        st.builds(Arithmetic, st.just("-"), _names("d"), _names("d") | _literals(DAYS)),
    )
    return st.recursive(leaves, extend, max_leaves=4) | others


def texts() -> st.SearchStrategy[Node]:
    plain = _names("s")
    return plain | _call("upper", plain) | _call("lower", plain) | _call("coalesce", plain, plain)


def _compared(
    operands: st.SearchStrategy[Node], operators: tuple[str, ...]
) -> st.SearchStrategy[Node]:
    return st.builds(Comparison, st.sampled_from(operators), operands, operands)


def _members(operand: st.SearchStrategy[Node], values: st.SearchStrategy[Any]) -> Any:
    listed = st.lists((st.none() | values).map(Literal), min_size=1, max_size=3).map(tuple)
    return st.builds(In, operand, listed)


ORDER = ("=", "<>", "<", "<=", ">", ">=")
EQUAL = ("=", "<>")
ANY = st.sampled_from([Name(column) for column in VALUES])


def leaves() -> st.SearchStrategy[Node]:
    return st.one_of(
        _compared(numbers(), ORDER),
        _compared(_names("d") | _literals(DAYS), ORDER),
        _compared(_names("d", "t") | _literals(TIMES | DAYS), ORDER),
        _compared(_names("c") | _literals(CATEGORIES), EQUAL),
        _compared(texts(), EQUAL),
        st.builds(Between, numbers(), numbers(), numbers()),
        _members(_names("i", "two words"), WHOLE),
        _members(_names("f"), QUARTERS),
        _members(_names("c"), CATEGORIES),
        _members(_names("d"), DAYS),
        st.builds(Like, texts(), st.text(alphabet="aAb%_.", max_size=4)),
        st.builds(IsNull, ANY),
        _names("b"),
    )


def conditions() -> st.SearchStrategy[Node]:
    def extend(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        chosen = st.lists(st.tuples(inner, inner), min_size=1, max_size=2).map(tuple)
        return st.one_of(
            several.map(_conjunction),
            several.map(_disjunction),
            inner.map(Not),
            st.builds(Case, chosen, inner | st.just(Literal(None))),
        )

    return st.recursive(leaves(), extend, max_leaves=5)


def _conjunction(parts: tuple[Node, ...]) -> Node:
    return And(
        tuple(p for part in parts for p in (part.parts if isinstance(part, And) else [part]))
    )


def _disjunction(parts: tuple[Node, ...]) -> Node:
    return Or(tuple(p for part in parts for p in (part.parts if isinstance(part, Or) else [part])))
