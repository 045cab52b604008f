"""Every operator on every kind of operand, beside DuckDB; and on every dtype of a frame."""

import datetime as dt
from itertools import product
from typing import Any

import polars as pl
import pytest

from tablewright.rules.expressions.checking import check
from tablewright.rules.expressions.evaluate import truth
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import Node
from tests.rules.expressions.strategies import DTYPES, SCHEMA
from tests.rules.expressions.test_oracle import in_doubles

duckdb = pytest.importorskip("duckdb")

FRAME = pl.DataFrame(
    {
        "i": [3, -2, 0, None, 12],
        "f": [3.0, 2.5, None, -0.5, 12.25],
        "two words": [1, None, 3, 2020, 7],
        "s": ["abc", "", None, "A%c", "b"],
        "c": ["a", "b", "it's", None, "a"],
        "b": [True, False, None, True, False],
        "d": [
            dt.date(2020, 12, 1),
            dt.date(2020, 1, 31),
            None,
            dt.date(2019, 12, 31),
            dt.date(2020, 3, 1),
        ],
        "t": [dt.datetime(2020, 12, 1), None, *[dt.datetime(2020, 1, 31, 12, 30)] * 3],
    },
    schema=DTYPES,
)
OPERANDS = {
    "number": [
        "i", "f", '"two words"', "3", "2.5", "-i", "i + f", "i % 2", "i / 2", "abs(i)", "round(f)",
        "round(f, 1)", "floor(f)", "ceil(i)", "length(s)", "year(d)", "month(t)", "day(d)",
        "d - DATE '2020-01-01'", "t - TIMESTAMP '2020-01-31 00:00:00'", "coalesce(i, 3)",
        "coalesce(NULL, f)", "nullif(i, 3)", "least(i, f)", "greatest(i, NULL, 2)",
        "CASE WHEN b THEN i ELSE f END", "CASE WHEN b THEN 3 END",
    ],
    "text": ["s", "c", "'a'", "upper(s)", "lower(c)", "coalesce(s, c)", "nullif(s, 'b')",
             "CASE WHEN b THEN s ELSE 'a' END"],
    "boolean": ["b", "i > 2", "NOT b", "s IS NULL", "TRUE", "coalesce(b, FALSE)", "i IN (3)"],
    "date": ["d", "d + 1", "DATE '2020-01-31'", "coalesce(d, DATE '2020-01-31')",
             "greatest(d, DATE '2020-02-01')", "nullif(d, DATE '2020-03-01')"],
    "time": ["t", "TIMESTAMP '2020-01-31 12:30:00'", "least(t, TIMESTAMP '2020-02-01 00:00:00')",
             "coalesce(t, TIMESTAMP '2020-01-31 00:00:00')"],
}  # fmt: skip
LISTS = {
    "number": ["3", "12, 1", "0, 3, NULL", "2.5", "3, 2.5", "NULL"],
    "text": ["'a'", "'b', ''", "'ABC', NULL"],
    "boolean": ["TRUE", "FALSE, NULL"],
    "date": ["DATE '2020-01-31'", "DATE '2020-03-01', NULL", "TIMESTAMP '2020-01-31 00:00:00'"],
    "time": ["TIMESTAMP '2020-01-31 12:30:00'", "DATE '2020-12-01'",
             "DATE '2020-12-01', TIMESTAMP '2020-01-31 12:30:00', NULL"],
}  # fmt: skip


def compared() -> list[str]:
    """Every comparison of two operands that may be compared."""
    result = []
    for kind, other in [*((k, k) for k in OPERANDS), ("date", "time"), ("time", "date")]:
        signs = ["=", "<>"] if kind in ("text", "boolean") else ["=", "<>", "<", "<=", ">", ">="]
        pairs = product(OPERANDS[kind], signs, OPERANDS[other])
        result += [f"({left}) {sign} ({right})" for left, sign, right in pairs]
    return result


def listed() -> list[str]:
    return [
        f"({operand}) {negation}IN ({values})"
        for kind, operands in OPERANDS.items()
        for operand, negation, values in product(operands, ("", "NOT "), LISTS[kind])
        if not (kind == "text" and operand in ("c",))  # c allows its categories only
    ]


def between() -> list[str]:
    kinds = ("number", "date", "time")
    return [
        f"({operand}) BETWEEN ({low}) AND ({high})"
        for kind in kinds
        for operand, low, high in product(OPERANDS[kind], OPERANDS[kind][:4], OPERANDS[kind][2:5])
    ]


def others() -> list[str]:
    every = [operand for operands in OPERANDS.values() for operand in operands]
    texts, truths = OPERANDS["text"], OPERANDS["boolean"]
    return [
        *(f"({operand}) IS {negation}NULL" for operand in every for negation in ("", "NOT ")),
        *(f"({text}) LIKE '{p}'" for text in texts for p in ("a%", "%b%", "_", "", "A\\%c", "%")),
        *(f"({a}) {word} ({b})" for a, b in product(truths, truths) for word in ("AND", "OR")),
    ]


@pytest.fixture(scope="module")
def engine() -> Any:
    connection = duckdb.connect()
    for option in ("error_on_division_by_zero", "ieee_floating_point_ops"):
        connection.execute(f"SET {option} = false")
    columns = 'i DOUBLE, f DOUBLE, "two words" DOUBLE, s VARCHAR, c VARCHAR, b BOOLEAN, d DATE'
    connection.execute(f"CREATE TABLE rows ({columns}, t TIMESTAMP)")
    connection.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", FRAME.rows())
    return connection


def for_duckdb(text: str) -> str:
    """Write times minus times in seconds, as the language has them."""
    seconds = "(epoch(t) - epoch(TIMESTAMP '2020-01-31 00:00:00'))"
    result = in_doubles(text.replace("t - TIMESTAMP '2020-01-31 00:00:00'", seconds))
    return result.replace("d + 1::DOUBLE", "d + 1")


@pytest.mark.parametrize("family", [compared, listed, between, others])
def test_every_operator_on_every_kind_of_operand_answers_as_duckdb(
    engine: Any, family: Any
) -> None:
    texts = family()
    ours = [series.to_list() for series in truth(trees(texts), SCHEMA, FRAME)]
    asked = ", ".join(f"({for_duckdb(text)})" for text in texts)
    rows = engine.execute(f"SELECT {asked} FROM rows ORDER BY rowid").fetchall()
    theirs = [list(answers) for answers in zip(*rows, strict=True)]
    wrong = [t for t, a, b in zip(texts, ours, theirs, strict=True) if a != b]
    assert wrong == []


def trees(texts: list[str]) -> list[Node]:
    result = [parse_tree(text) for text in texts]
    for tree, text in zip(result, texts, strict=True):
        check(tree, SCHEMA, text)
    return result


DTYPE_CASES: list[tuple[str, Any]] = [
    *(("i", dtype) for dtype in (pl.Int8, pl.Int16, pl.Int32, pl.Int128, pl.Float32, pl.Float64)),
    ("i", pl.Decimal(10, 2)),
    *(("two words", dtype) for dtype in (pl.UInt16, pl.UInt32, pl.UInt64, pl.Float64)),
    ("f", pl.Float32),
    ("f", pl.Decimal(10, 2)),
    ("s", pl.Categorical),
    ("c", pl.Categorical),
    ("c", pl.Enum(["it's", "b", "a"])),
    *(("t", pl.Datetime(unit)) for unit in ("ms", "ns")),
    ("t", pl.Datetime("us", "Europe/Oslo")),
    ("t", pl.String),
    ("d", pl.Datetime("ms")),
    ("d", pl.String),
]


@pytest.mark.parametrize(("column", "dtype"), DTYPE_CASES, ids=str)
def test_answers_do_not_depend_on_the_dtype_of_a_column(column: str, dtype: Any) -> None:
    texts = [text for text in listed()[::2] + compared()[::31] if column in text]
    series = FRAME[column]
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        other = series.dt.replace_time_zone(dtype.time_zone)
    else:
        other = series.cast(dtype)
    result = truth(trees(texts), SCHEMA, FRAME.with_columns(other))
    assert [s.to_list() for s in result] == [
        s.to_list() for s in truth(trees(texts), SCHEMA, FRAME)
    ]


@pytest.mark.parametrize("column", list(DTYPES))
def test_a_column_without_values_is_missing_everywhere(column: str) -> None:
    empty = FRAME.with_columns(pl.lit(None).alias(column))
    name = f'"{column}"'
    answers = truth(trees([f"{name} IS NULL", f"{name} = {name}"]), SCHEMA, empty)
    assert [s.to_list() for s in answers] == [[True] * 5, [None] * 5]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Int128])
def test_whole_numbers_beyond_2_to_the_53_are_told_apart(dtype: Any) -> None:
    frame = pl.DataFrame({"i": pl.Series([2**60 + 1, 2**60 + 2], dtype=dtype)})
    for text in (f"i = {2**60 + 1}", f"i IN ({2**60 + 1})", f"i < {2**60 + 2}"):
        assert truth(trees([text]), SCHEMA, frame)[0].to_list() == [True, False]
