"""Domains exclude only what cannot meet the expression; trees survive being written."""

import math

import polars as pl
import pytest
from hypothesis import given, settings

from tablewright.rules.expressions.checking import Type, check, column_type
from tablewright.rules.expressions.conflicts import conflict
from tablewright.rules.expressions.domains import Domain, Interval, domain
from tablewright.rules.expressions.evaluate import as_mask, truth
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import Node, columns_of
from tablewright.rules.expressions.unparse import unparse
from tablewright.schema import Schema
from tests.rules.expressions.strategies import SCHEMA, conditions, frames


@given(tree=conditions())
@settings(deadline=None, max_examples=200)
def test_written_and_read_again(tree: Node) -> None:
    check(tree, SCHEMA)
    assert parse_tree(unparse(tree)) == tree


@pytest.mark.parametrize("null", [False, True])
@given(tree=conditions(), frame=frames())
@settings(deadline=None, max_examples=100)
def test_domains_never_exclude_a_value_that_complies(
    null: bool, tree: Node, frame: pl.DataFrame
) -> None:
    kept = frame.filter(pl.Series(as_mask(truth([tree], SCHEMA, frame)[0], null=null)))
    for name in columns_of(tree):
        result = domain(tree, name, SCHEMA, null=null)
        if result is not None:
            assert all(value in result for value in kept[name])


@pytest.mark.parametrize("null", [False, True])
@given(tree=conditions(), frame=frames())
@settings(deadline=None, max_examples=100)
def test_no_conflict_is_reported_where_a_row_complies(
    null: bool, tree: Node, frame: pl.DataFrame
) -> None:
    if as_mask(truth([tree], SCHEMA, frame)[0], null=null).any():
        assert conflict([tree], SCHEMA, null=null) is None


@pytest.mark.parametrize(
    ("text", "intervals"),
    [
        ("i > 3", (Interval(4, math.inf),)),
        ("i > 3.5 AND i <= 9", (Interval(4, 9),)),
        ("f > 3 AND f <= 9", (Interval(3, 9, open_low=True),)),
        ("3 > f OR f >= 9", (Interval(high=3, open_high=True), Interval(9))),
        ("f <> 2", (Interval(high=2, open_high=True), Interval(2, open_low=True))),
        ("NOT (i BETWEEN 2 AND 4)", (Interval(high=1), Interval(5))),
        ("i IN (1, 2, 7)", (Interval(1, 1), Interval(2, 2), Interval(7, 7))),
        ("d >= DATE '1970-01-11' AND d < DATE '1970-01-21'", (Interval(10, 19),)),
        ("t < DATE '1970-01-02'", (Interval(high=86_400e6, open_high=True),)),
        ("i > 3 AND s = 'x'", (Interval(4, math.inf),)),
        ("i > 3 AND i % 2 = 0", (Interval(4, math.inf),)),
    ],
)
def test_intervals(text: str, intervals: tuple[Interval, ...]) -> None:
    tree = parse_tree(text)
    result = domain(tree, columns_of(tree)[0], SCHEMA)
    assert result is not None
    assert result.intervals == intervals
    assert not result.null


def test_a_rule_that_is_null_allows_missing_values() -> None:
    tree = parse_tree("i > 3")
    strict, lenient = domain(tree, "i", SCHEMA), domain(tree, "i", SCHEMA, null=True)
    assert strict is not None
    assert lenient is not None
    assert (strict.null, lenient.null) == (False, True)


def test_categories_are_listed() -> None:
    result = domain(parse_tree("c LIKE '%t%' OR length(c) < 1 OR c = 'b'"), "c", SCHEMA)
    assert result is not None
    assert result == Domain.of_values({"it's", "b"})


def test_few_conflicting_parts_are_named() -> None:
    parts = [parse_tree(text) for text in ("f > 1", "i > 5", "b", "i < 3 OR NOT b")]
    assert conflict(parts, SCHEMA) == [1, 2, 3]


def test_types_of_columns() -> None:
    schema = Schema.build({"y": {"kind": "categorical", "categories": [0, 1]}})
    assert column_type(schema["y"]) is Type.NUMBER
    result = domain(parse_tree("y > 0"), "y", schema)
    assert result is not None
    assert result == Domain.of_values({1})


@pytest.mark.parametrize(
    ("texts", "core"),
    [
        (["i < f", "b", 'f < "two words"', '"two words" < i'], [0, 2, 3]),
        (["i + f > 10", "i < 3", "f <= 7"], [0, 1, 2]),
        (["i + f >= 10", "i <= 3", "f <= 7"], None),
        (["abs(i - 2 * f) <= 1", "i > 10", "f < 4"], [0, 1, 2]),
        (["i < f OR i > 100", "f < 3", "i BETWEEN 4 AND 90"], [0, 1, 2]),
        (["c = 'a' OR i > 5", "c <> 'a' OR i > 7", "i < 6"], [0, 1, 2]),
        (["d < t", "t < d"], None),
        (["TIMESTAMP '2020-01-01 00:00:00' = DATE '2020-01-01'"], None),
        (["d + 1 = t", "d < TIMESTAMP '2020-01-05 12:00:00'", "i < f"], None),
        (["t - TIMESTAMP '2020-01-01 00:00:00' = 3", "i < f"], None),
        (["t < TIMESTAMP '2020-01-01 00:00:00'", "t > TIMESTAMP '2020-01-01 00:00:00'"], [0, 1]),
        (["i * f > 3", "i = 0"], None),
    ],
)
def test_smallest_conflicting_sets(texts: list[str], core: list[int] | None) -> None:
    assert conflict([parse_tree(text) for text in texts], SCHEMA) == core
