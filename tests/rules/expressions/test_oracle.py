"""Our three-valued logic beside DuckDB's, on random well-typed expressions and rows."""

import datetime as dt
import math
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings

from tablewright.rules.expressions.evaluate import truth, values
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import Arithmetic, Call, Literal, Node, walk
from tablewright.rules.expressions.unparse import unparse
from tests.rules.expressions.strategies import SCHEMA, conditions, frames

duckdb = pytest.importorskip("duckdb")

COLUMNS = (
    'i DOUBLE, f DOUBLE, "two words" DOUBLE, s VARCHAR, c VARCHAR, b BOOLEAN, d DATE, t TIMESTAMP'
)


@pytest.fixture(scope="module")
def engine() -> Any:
    connection = duckdb.connect()
    connection.execute("SET error_on_division_by_zero = false")
    connection.execute("SET ieee_floating_point_ops = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE rows ({COLUMNS})")
    return connection


def asked_of_duckdb(engine: Any, tree: Node, frame: pl.DataFrame) -> list[bool | None]:
    engine.execute("DELETE FROM rows")
    engine.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?)", frame.rows())
    result = engine.execute(f"SELECT {in_doubles(unparse(tree))} FROM rows ORDER BY rowid")
    return [row[0] for row in result.fetchall()]


def in_doubles(text: str) -> str:
    """Make DuckDB's constants 64-bit floats, as ours are; its decimals would be exact."""
    tokens = duckdb.tokenize(text)
    ends = [start for start, _ in tokens[1:]] + [len(text)]
    result = ""
    for (start, kind), end in zip(tokens, ends, strict=True):
        piece = text[start:end]
        number = kind == duckdb.token_type.numeric_const
        result += f"{piece.rstrip()}::DOUBLE " if number and "round" not in text else piece
    return result


def near_a_rounding_edge(tree: Node) -> bool:
    """Whether a quotient or a modulo of one may differ in its last bit between engines."""
    inexact = [p for p in walk(tree) if isinstance(p, Arithmetic) and p.operator in "/%"]
    return any(
        isinstance(p, Call) and p.function in ("round", "ceil", "floor") for p in walk(tree)
    ) and bool(inexact)


@given(tree=conditions(), frame=frames())
@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_same_answers_as_duckdb(engine: Any, tree: Node, frame: pl.DataFrame) -> None:
    assume(not near_a_rounding_edge(tree))
    ours = truth([tree], SCHEMA, frame)[0].to_list()
    assert ours == asked_of_duckdb(engine, tree, frame)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("round(2.5)", 3.0),
        ("round(-2.5)", -3.0),
        ("round(0.125, 2)", 0.13),
        ("-7 % 3", -1.0),
        ("7 % -3", 1.0),
        ("5.5 % 2", 1.5),
        ("least(1, NULL)", 1.0),
    ],
)
def test_stated_meanings(engine: Any, text: str, value: float) -> None:
    result = values(parse_tree(text), SCHEMA, pl.DataFrame({"i": [1]}))[0]
    assert math.isclose(result, value)
    assert math.isclose(engine.execute(f"SELECT {in_doubles(text)}").fetchone()[0], value)


def test_dates_subtract_in_days(engine: Any) -> None:
    frame = pl.DataFrame({"d": [dt.date(2020, 3, 1)]})
    tree = Arithmetic("-", Literal(dt.date(2020, 3, 1)), Literal(dt.date(2020, 2, 1)))
    assert values(tree, SCHEMA, frame)[0] == 29
    assert engine.execute(f"SELECT {unparse(tree)}").fetchone()[0] == 29
