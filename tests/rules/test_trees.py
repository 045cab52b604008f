"""What each kind of rule says as an expression, and what is learned and measured of a table."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import RuleError
from tablewright.rules import as_rules, bind
from tablewright.rules.bound import Dependency, ShareRule, learn_map
from tablewright.rules.enforcement.audit import moved
from tablewright.rules.enforcement.shares import swaps
from tablewright.rules.expressions.tree import Name
from tablewright.rules.expressions.unparse import unparse
from tablewright.rules.trees import formula_tolerance, rule_tree, weighted_sum
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "a": "integer",
        "b": "integer",
        "c": {"kind": "continuous", "decimals": 2},
        "free": "continuous",
        "day": "date",
        "job": {"kind": "categorical", "categories": ["cook", "clerk"]},
        "mood": {"kind": "categorical", "categories": ["good", "bad", "so"]},
    }
)


def one(rule: Any) -> Any:
    return next(iter(as_rules([rule])))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("a >= 18", "a >= 18"),
        ({"kind": "implies", "if": "a = 1", "then": "b = 2"}, "NOT a = 1 OR b = 2"),
        (
            {"kind": "iff", "a": "a = 1", "b": "b = 2"},
            "(NOT a = 1 OR b = 2) AND (NOT b = 2 OR a = 1)",
        ),
        ({"kind": "forbid", "all": ["a = 1"]}, "NOT a = 1"),
        ({"kind": "forbid", "all": ["a = 1", "b = 2"]}, "NOT (a = 1 AND b = 2)"),
        ({"kind": "range", "column": "a", "min": 1}, "a >= 1"),
        ({"kind": "range", "column": "a", "max": 2.5}, "a <= 2.5"),
        (
            {
                "kind": "range",
                "column": "day",
                "min": "2020-01-01",
                "max": dt.date(2021, 1, 1).isoformat(),
            },
            "day >= DATE '2020-01-01' AND day <= DATE '2021-01-01'",
        ),
        ({"kind": "order", "columns": ["a", "b", "c"]}, "a <= b AND b <= c"),
        ({"kind": "order", "columns": ["a", "b"], "strictly": True}, "a < b"),
        ({"kind": "linear", "terms": {"a": 1, "b": -2}, "op": "<", "value": 3}, "a - 2 * b < 3"),
        (
            {"kind": "linear", "terms": {"a": 1}, "op": "<=", "value": 3, "tolerance": 0.5},
            "a <= 3.5",
        ),
        (
            {"kind": "linear", "terms": {"a": 1}, "op": ">=", "value": 3, "tolerance": 0.5},
            "a >= 2.5",
        ),
        (
            {"kind": "linear", "terms": {"a": 1, "b": 1}, "op": "=", "value": 3, "tolerance": 1},
            "abs(a + b - 3) <= 1",
        ),
        (
            {"kind": "align", "on": "job", "attribute": "mood", "pairs": {"cook": ["good", "so"]}},
            "NOT job = 'cook' OR mood IN ('good', 'so')",
        ),
        ({"kind": "formula", "column": "job", "expr": "coalesce(mood, 'cook')"}, None),
        (
            {"kind": "formula", "column": "a", "expr": "b * 2", "tolerance": 3},
            "abs(a - b * 2) <= 3",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_rule_as_an_expression(rule: Any, text: str | None) -> None:
    tree = rule_tree(one(rule), SCHEMA)
    assert tree is not None
    written = unparse(tree).replace(".000000001", "").replace(".0", "")
    assert written == (text or "job = coalesce(mood, 'cook')")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "range", "column": "x", "min": 1}, "rule 'r1': unknown column 'x'"),
        ({"kind": "range", "column": "a", "min": "soon"}, "'soon' is not a number, as column 'a'"),
        ({"kind": "order", "columns": ["a", "job"]}, "number cannot be compared with text"),
        ({"kind": "linear", "terms": {"job": 1}, "op": "=", "value": 1}, "takes numbers|takes a n"),
        ({"kind": "formula", "column": "a", "expr": "job"}, "'a' is a number, but this is text"),
        ({"kind": "fd", "from": ["job"], "to": "z"}, "unknown column 'z'"),
        ({"kind": "fd", "from": ["job"], "to": "a", "map": {"baker": 1}}, "'baker' is not a value"),
        (
            {"kind": "fd", "from": ["job"], "to": "a", "map": [["cook", 1], ["cook", 2]]},
            "map has two rows for one combination of",
        ),
        ({"kind": "conditional", "column": "job", "dist": {"baker": 1}}, "'baker' is not a value"),
        ({"kind": "quota", "where": "zz = 1"}, "unknown column 'zz'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_rule_that_does_not_fit_is_named(rule: Any, message: str) -> None:
    with pytest.raises(RuleError, match=message) as caught:
        bind(as_rules([rule]), SCHEMA)
    assert str(caught.value).count("rule 'r1'") == 1


def test_the_tolerance_of_a_formula_is_half_a_unit_of_the_last_digit() -> None:
    def of(column: str, **extra: Any) -> float:
        return formula_tolerance(
            one({"kind": "formula", "column": column, "expr": "b", **extra}), SCHEMA[column]
        )

    assert of("a") == pytest.approx(0.5)
    assert of("c") == pytest.approx(0.005)
    assert of("free") == pytest.approx(1e-9)
    assert of("c", tolerance=0.1) == pytest.approx(0.1)
    assert of("a") > 0.5  # a value that lies half way is right


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ({"a": 1.0, "b": -1.0}, "a - b"),
        ({"a": -1.0, "b": 1.0}, "0 - a + b"),
        ({"a": -2.0}, "0 - 2.0 * a"),
        ({"a": 0.5, "b": 2.0}, "0.5 * a + 2.0 * b"),
    ],
)
def test_weighted_sums(terms: dict[str, float], text: str) -> None:
    assert unparse(weighted_sum({Name(column): w for column, w in terms.items()})) == text


# what is learned ---------------------------------------------------------------------


def test_a_map_takes_the_most_frequent_value_and_the_first_of_equals() -> None:
    frame = pl.DataFrame(
        {
            "job": ["cook", "cook", "cook", "clerk", "clerk", None, "cook"],
            "mood": ["so", "bad", "so", "so", "good", "bad", None],
        }
    )
    learned = learn_map(frame, ["job"], "mood").sort("job")
    assert learned.rows() == [("clerk", "good"), ("cook", "so")]


def test_a_dependency_learns_new_combinations_and_keeps_the_known() -> None:
    (bound,) = bind(
        as_rules([{"kind": "fd", "from": ["job"], "to": "a", "map": {"cook": 1}}]), SCHEMA
    )
    assert isinstance(bound, Dependency)
    frame = pl.DataFrame(
        {"job": ["cook", "cook", "clerk", "clerk", "clerk", None], "a": [1, 7, 5, 6, 6, 9]}
    )
    assert bound.broken(frame).tolist() == [False, True, True, False, False, False]
    wider = bound.extended(frame)
    assert wider.known is not None
    assert wider.known.sort("job").rows() == [("clerk", 6), ("cook", 1)]
    assert wider.extended(pl.DataFrame({"job": ["clerk"], "a": [0]})) is wider
    assert wider.determined(frame).to_list() == [1, 1, 6, 6, 6, None]


def test_a_strict_dependency_counts_a_missing_value_as_broken() -> None:
    rule = {"kind": "fd", "from": ["job"], "to": "a", "map": {"cook": 1}, "strict": True}
    (bound,) = bind(as_rules([rule]), SCHEMA)
    frame = pl.DataFrame({"job": ["cook", "cook"], "a": [1, None]})
    assert bound.broken(frame).tolist() == [False, True]


# shares ------------------------------------------------------------------------------

MOODS = pl.DataFrame(
    {"job": ["cook"] * 4 + ["clerk"] * 6, "mood": ["good", "bad", "so", None] + ["bad"] * 6}
)


@pytest.mark.parametrize(
    ("rule", "distance"),
    [
        ({"kind": "quota", "where": "job = 'cook'", "share": [0.4, 0.4]}, 0.0),
        ({"kind": "quota", "where": "job = 'cook'", "share": [0.5, 0.6]}, 0.1),
        ({"kind": "quota", "where": "job = 'cook'", "share": [0.1, 0.3]}, 0.1),
        ({"kind": "quota", "where": "mood = 'so'", "min_rows": 3}, 0.2),
        # of the three cooks with a mood each has another one
        (
            {"kind": "conditional", "given": "job = 'cook'", "column": "mood",
             "dist": {"good": 0.5, "bad": 0.5}},
            0.5 * (1 / 6 + 1 / 6 + 1 / 3),
        ),
        ({"kind": "conditional", "given": "job = 'clerk'", "column": "mood",
          "dist": {"bad": 1}}, 0),
        ({"kind": "conditional", "given": "mood = 'so' AND job = 'clerk'", "column": "mood",
          "dist": {"bad": 1}}, 0),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_the_distance_from_a_share(rule: Any, distance: float) -> None:
    (bound,) = bind(as_rules([rule]), SCHEMA)
    assert isinstance(bound, ShareRule)
    assert bound.distance(MOODS) == pytest.approx(distance)


@pytest.mark.parametrize(
    ("rule", "counts"),
    [
        ({"kind": "quota", "where": "job = 'cook'", "share": [0.6, 1.0]}, [2]),
        ({"kind": "quota", "where": "job = 'cook'", "share": [0.0, 0.1]}, [3]),
        ({"kind": "quota", "where": "job = 'cook'", "share": [0.0, 0.5]}, []),
        ({"kind": "conditional", "column": "mood", "dist": {"bad": 4 / 9, "so": 5 / 9}}, [4]),
    ],
    ids=lambda value: str(value)[:60],
)
def test_no_more_rows_are_swapped_than_are_lacking(rule: Any, counts: list[int]) -> None:
    (bound,) = bind(as_rules([rule]), SCHEMA)
    assert isinstance(bound, ShareRule)
    made = list(swaps(bound, MOODS, MOODS.height, np.random.default_rng(0)))
    assert [len(swap.rows) for swap in made] == counts


# audit -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "n_rows", "distance"),
    [
        ([1, 2], [1, 2], 10, 0.0),
        ([1, 1], [2, 2], 10, 0.2),  # two of ten rows lie elsewhere
        ([1, 3], [3, 1], 10, 0.0),
        ([1, 2, 3, 4], [4, 4, 4, 4], 4, 0.75),
        (["x"], [None], 4, 0.25),
        (["x", "y"], ["y", "x"], 4, 0.0),
        ([True], [False], 2, 0.5),
        ([], [], 5, 0.0),
    ],
)
def test_how_far_a_column_moved(
    before: list[Any], after: list[Any], n_rows: int, distance: float
) -> None:
    dtype = pl.Int64 if not before else None
    assert moved(pl.Series(before, dtype=dtype), pl.Series(after, dtype=dtype), n_rows) == distance
