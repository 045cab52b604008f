"""Sets of numbers and values, bounds on sums, and what a linear program makes of them."""

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import ConditionError
from tablewright.rules.expressions import conflict, parse
from tablewright.rules.expressions.conflicts import (
    ONE,
    Bound,
    feasible,
    impossible,
    linear_bounds,
    weighted,
)
from tablewright.rules.expressions.domains import (
    Domain,
    Interval,
    domain,
    everything,
    intersection,
    position,
    pushed,
    union,
)
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import Name
from tablewright.rules.expressions.unparse import unparse
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "a": "integer",
        "b": "integer",
        "x": {"kind": "continuous", "minimum": 0.0, "maximum": 10.0},
        "rate": {"kind": "ordinal", "categories": [5, 10, 20], "sentinels": [-1]},
        "size": {"kind": "ordinal", "categories": ["S", "M", "L", "XL"]},
        "flag": "boolean",
        "s": "text",
        "d": {"kind": "date", "minimum": "2020-01-01", "maximum": "2020-12-31"},
        "t": "datetime",
    }
)

# sets of numbers ---------------------------------------------------------------------

ends = st.integers(-4, 4).map(float) | st.sampled_from([-math.inf, math.inf])
intervals = st.builds(Interval, ends, ends, st.booleans(), st.booleans())
numbers = st.integers(-10, 10).map(lambda n: n / 2)
domains = st.builds(
    lambda parts, null: Domain.of_numbers(*parts, null=null),
    st.lists(intervals, max_size=4),
    st.booleans(),
)
listed = st.builds(
    lambda values, inverted, null: Domain.of_values(values, inverted=inverted, null=null),
    st.sets(st.sampled_from("abc")),
    st.booleans(),
    st.booleans(),
)


@given(intervals, intervals, numbers)
def test_an_intersection_of_intervals_holds_what_both_hold(
    one: Interval, other: Interval, number: float
) -> None:
    assert (number in one.intersect(other)) is (number in one and number in other)
    assert not one.is_empty or number not in one


@given(intervals, st.integers(-6, 6))
def test_whole_keeps_the_whole_numbers_and_closes_the_ends(one: Interval, number: int) -> None:
    assert (number in one.whole()) is (number in one)
    whole = one.whole()
    assert (whole.open_low, whole.open_high) == (False, False)
    assert math.isinf(whole.low) or whole.low == int(whole.low)


@given(domains, domains, numbers)
def test_domains_of_numbers_are_sets(one: Domain, other: Domain, number: float) -> None:
    both, either = one.intersect(other), one.union(other)
    assert (number in both) is (number in one and number in other)
    assert (number in either) is (number in one or number in other)
    assert (None in both, None in either) == (one.null and other.null, one.null or other.null)
    assert both.intervals is not None
    gaps = zip(both.intervals, both.intervals[1:], strict=False)
    assert all(first.high <= second.low for first, second in gaps)


@given(listed, listed, st.sampled_from("abcd"))
def test_domains_of_values_are_sets(one: Domain, other: Domain, value: str) -> None:
    assert (value in one.intersect(other)) is (value in one and value in other)
    assert (value in one.union(other)) is (value in one or value in other)
    assert (one.is_everything, one.is_empty) == (
        one.null and one.inverted and not one.values,
        not one.null and not one.inverted and not one.values,
    )


@pytest.mark.parametrize(
    ("interval", "null", "everything"),
    [(Interval(), True, True), (Interval(), False, False), (Interval(0), True, False)],
)
def test_everything_is_the_whole_line_and_a_missing_value(
    interval: Interval, null: bool, everything: bool
) -> None:
    assert Domain.of_numbers(interval, null=null).is_everything is everything


@given(st.lists(domains, min_size=1, max_size=7))
def test_many_domains_are_joined_as_one_after_another(parts: list[Domain]) -> None:
    both, either = parts[0], parts[0]
    for part in parts[1:]:
        both, either = both.intersect(part), either.union(part)
    assert (intersection(parts), union(parts)) == (both, either)


def test_intervals_that_touch_are_one_unless_both_leave_the_point_out() -> None:
    low, high = Interval(0, 3), Interval(3, 5, open_low=True)
    assert Domain.of_numbers(high, low).intervals == (Interval(0, 5),)
    open_end = Interval(0, 3, open_high=True)
    assert Domain.of_numbers(open_end, high).intervals == (open_end, high)
    assert Domain.of_numbers(Interval(0, 9), Interval(2, 3)).intervals == (Interval(0, 9),)
    assert Domain.of_numbers(Interval(3, 3, open_low=True), Interval(5, 4)).intervals == ()


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (dt.date(1970, 1, 11), 10.0),
        (dt.date(1969, 12, 31), -1.0),
        (dt.datetime(1970, 1, 1, 0, 0, 1), 1e6),
        (dt.datetime(1969, 12, 31, 23), -3600e6),
        (2.5, 2.5),
    ],
)
def test_position_is_in_days_or_microseconds(value: Any, place: float) -> None:
    assert position(value) == place


@pytest.mark.parametrize(
    ("text", "column", "allowed"),
    [
        ("a IN (1, 2, NULL)", "a", [1, 2]),
        ("a NOT IN (1, 3)", "a", [0, 2, 4, 5]),
        ("a IS NULL", "a", [None]),
        ("a IS NOT NULL", "a", [0, 1, 2, 3, 4, 5]),
        ("NOT (a < 2 OR a = 4)", "a", [2, 3, 5]),
        ("3 <= a", "a", [3, 4, 5]),
        ("3 <> a", "a", [0, 1, 2, 4, 5]),
        ("a > 2 AND (a < 4 OR a IS NULL)", "a", [3]),
        ("a = 1 OR a IS NULL", "a", [1, None]),
        ("a = 1 OR b = 2", "a", [0, 1, 2, 3, 4, 5, None]),
        ("rate > 5", "rate", [10, 20]),
        ("rate < 0", "rate", [-1]),
        ("rate * 2 = 20", "rate", [10]),
        ("size >= 'M' AND size <> 'XL'", "size", ["M", "L"]),
        ("size BETWEEN 'M' AND 'L'", "size", ["M", "L"]),
        ("size NOT IN ('S', 'XL')", "size", ["M", "L"]),
        ("NOT flag", "flag", [False]),
        ("flag OR flag IS NULL", "flag", [True, None]),
        ("s <> 'b'", "s", ["a", "c"]),
        ("s IN ('a', 'c')", "s", ["a", "c"]),
        ("s LIKE 'a%'", "s", ["a", "b", "c", None]),  # not read: nothing is excluded
    ],
)
def test_a_domain_holds_the_values_that_can_meet_the_condition(
    text: str, column: str, allowed: list[Any]
) -> None:
    values: dict[str, list[Any]] = {
        "a": [0, 1, 2, 3, 4, 5, None],
        "rate": [5, 10, 20, -1, None],
        "size": ["S", "M", "L", "XL", None],
        "flag": [False, True, None],
        "s": ["a", "b", "c", None],
    }
    every = values[column]
    result = domain(parse(text, SCHEMA).tree, column, SCHEMA) or everything(SCHEMA[column])
    assert [value for value in every if value in result] == sorted(allowed, key=every.index)


@pytest.mark.parametrize(
    ("text", "flat"),
    [
        ("NOT (a = 1 AND b > 2)", "a <> 1 OR b <= 2"),
        ("NOT (a <> 1 OR NOT b < 2)", "a = 1 AND b < 2"),
        ("NOT (a BETWEEN 1 AND 2)", "a < 1 OR a > 2"),
        ("NOT NOT a >= 1", "a >= 1"),
        ("NOT a >= 1", "a < 1"),
        ("NOT TRUE OR a <= 1", "FALSE OR a <= 1"),
        ("NOT (a IN (1, 2))", "a NOT IN (1, 2)"),
        ("NOT (s LIKE 'x%' OR a IS NULL)", "s NOT LIKE 'x%' AND a IS NOT NULL"),
    ],
)
def test_negations_are_pushed_to_the_leaves(text: str, flat: str) -> None:
    assert unparse(pushed(parse_tree(text), False)) == flat
    assert pushed(parse_tree(text), True) == pushed(parse_tree(f"NOT ({text})"), False)


# sums --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2 * a - b / 4 + 3", {"a": 2, "b": -0.25, 1: 3}),
        ("-(a - 2 * (b - 1))", {"a": -1, "b": 2, 1: -2}),
        ("a * 2 * 3 - a", {"a": 5}),
        ("(a + 1) / 2", {"a": 0.5, 1: 0.5}),
        ("a - a + 7", {1: 7}),
        ("0 * a + b", {"b": 1}),
        ("a * b + 2 * (a * b)", {"a * b": 3}),
        ("a / 0 + b", {"a / 0": 1, "b": 1}),
        ("2 / a", {"2 / a": 1}),
        ("abs(a) - 3", {"abs(a)": 1, 1: -3}),
    ],
)
def test_an_expression_is_a_sum_of_terms(text: str, terms: dict[Any, float]) -> None:
    result = weighted(parse_tree(text))
    assert {1 if term == ONE else unparse(term): w for term, w in result.items()} == terms


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("a < b", [({"a": 1, "b": -1}, 0, True)]),
        ("a >= 2 * b + 3", [({"a": -1, "b": 2}, -3, False)]),
        ("a > 5", [({"a": -1}, -5, True)]),
        ("a = b", [({"a": 1, "b": -1}, 0, False), ({"a": -1, "b": 1}, 0, False)]),
        ("abs(a - 1) <= 2", [({"a": 1}, 3, False), ({"a": -1}, 1, False)]),
        ("abs(a - b) < 2", [({"a": 1, "b": -1}, 2, True), ({"a": -1, "b": 1}, 2, True)]),
        ("d < DATE '1970-01-11'", [({"d": 1}, 10, True)]),
        ("t <= TIMESTAMP '1970-01-01 00:00:01'", [({"t": 1}, 1e6, False)]),
        ("abs(a) >= 2", []),
        ("a <> b", []),
        ("a * b < 2", []),
        ("a < x OR a > 3", []),
        ("d < t", []),
        ("s = 'a'", []),
    ],
)
def test_a_linear_comparison_sets_bounds(text: str, bounds: list[Any]) -> None:
    result = linear_bounds(parse_tree(text), SCHEMA)
    assert [(dict(b.weights), b.limit, b.strict) for b in result] == bounds


BETWEEN = {"a": Domain.of_numbers(Interval(0, 5)), "b": Domain.of_numbers(Interval(0, 5))}


@pytest.mark.parametrize(
    ("bounds", "possible"),
    [
        ([({"a": -1, "b": -1}, -10, False)], True),  # a + b >= 10, at the corner
        ([({"a": -1, "b": -1}, -10, True)], False),
        ([({"a": -1, "b": -1}, -10.1, False)], False),
        ([({"a": 1, "b": -1}, 0, True), ({"a": -1, "b": 1}, 0, True)], False),
        ([({"a": 1, "b": -1}, 0, False), ({"a": -1, "b": 1}, 0, False)], True),
        ([({"a": 1, "b": -1}, 0, False), ({"a": -1, "b": 1}, 0, True)], False),
        ([({"a": 1, "c": -1}, 0, False), ({"c": 1, "b": 1}, -1, False)], False),  # c is open
        ([({"gap": -1, "a": -1}, -14, False)], True),  # gap + a >= 14: 9 and 5
        ([({"gap": -1, "a": -1}, -14, True)], False),
        ([({"gap": 1, "a": 1}, 1, False)], True),  # gap + a <= 1: 1 and 0
        ([({"gap": 1, "a": 1}, 1, True)], False),
        ([({}, -1, False)], False),
        ([({}, 0, True)], False),
        ([({}, 0, False), ({}, 1, True)], True),
        ([], True),
    ],
)
def test_bounds_are_feasible_where_numbers_within_the_domains_meet_them(
    bounds: list[Any], possible: bool
) -> None:
    given_bounds = [Bound(weights, limit, strict) for weights, limit, strict in bounds]
    gap = Domain.of_numbers(Interval(1, 2)).union(Domain.of_numbers(Interval(8, 9)))
    domains_ = BETWEEN | {"c": Domain.of_numbers(Interval(0)), "gap": gap}
    assert feasible(given_bounds, domains_) is possible


@pytest.mark.parametrize(
    ("texts", "core"),
    [
        (["a + rate > 40", "a <= 20"], [0, 1]),  # rate is at most 20
        (["a + rate >= 40", "a <= 20"], None),
        (["a - rate > 3", "a < 2"], [0, 1]),  # and at least -1, a code of its own
        (["a - rate > 3", "a < 3"], [0, 1]),
        (["a - rate >= 3", "a <= 2"], None),
        (["rate = 10", "a + rate = 5", "a > 0"], [0, 1, 2]),
    ],
)
def test_listed_numbers_bound_the_sums_they_stand_in(
    texts: list[str], core: list[int] | None
) -> None:
    assert conflict([parse(text, SCHEMA).tree for text in texts], SCHEMA) == core


def test_null_counts_as_held_where_that_is_asked_for() -> None:
    trees = [parse_tree("a > 3"), parse_tree("a < 2")]
    assert impossible(trees, SCHEMA)
    assert not impossible(trees, SCHEMA, null=True)  # a may be missing
    assert impossible([*trees, parse_tree("a IS NOT NULL")], SCHEMA, null=True)
    assert not impossible([parse_tree("NULL")], SCHEMA, null=True)
    assert impossible([parse_tree("FALSE")], SCHEMA, null=True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x > 10", "x lies between 0 and 10"),
        ("x BETWEEN -5 AND -0.5", "x lies between 0 and 10"),
        ("d < DATE '2020-01-01'", "d lies between 2020-01-01 and 2020-12-31"),
        ("x >= 10", None),
        ("x > 10 OR x IS NULL", None),
        ("a > 1000000", None),
        ("x > 9.99 AND d > DATE '2020-12-30'", None),
    ],
)
def test_require_learned_names_a_range_that_is_left(text: str, says: str | None) -> None:
    condition = parse(text, SCHEMA)
    if says is None:
        condition.require_learned()
        return
    with pytest.raises(ConditionError) as caught:
        condition.require_learned()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a - (b - 1) < 2",
        "a - b - 1 < 2",
        "(a + b) * 2 = 4",
        "a + b * 2 = 4",
        "a / (b / 2) = 1",
        "-(a + 1) > 0",
        "-a * 2 < 3",
        "(a = 1 OR b = 2) AND x > 3",
        "a = 1 OR b = 2 AND x > 3",
        "NOT (a = 1 AND b = 2)",
        "NOT a = 1 AND b = 2",
        "(a = 1) IS NULL",
        "CASE WHEN a > 1 THEN b ELSE -1 END > a + 1",
        "a BETWEEN b - 1 AND b + 1",
        "s LIKE 'it''s!%' ESCAPE '!'",
        '"order" = \'x\' AND "two words" <> 1',
    ],
)
def test_text_is_written_with_the_brackets_it_needs(text: str) -> None:
    tree = parse_tree(text)
    assert unparse(tree) == text
    assert parse_tree(unparse(tree)) == tree
    assert Name("order") != Name("Order")
