"""Conditions of the expression language, asked of matrix rows."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from tablewright.errors import ConditionError
from tablewright.generators.parts.disjunction import share_out
from tablewright.generators.parts.row_conditions import RowCondition, all_hold
from tablewright.rules.expressions import parse
from tablewright.schema import Schema
from tablewright.tables.encoding.layout import Layout

FRAME = pl.DataFrame(
    {
        "age": [20, 30, None, 50],
        "city": ["Rome", "Oslo", None, "Rome"],
        "day": [date(2020, 1, d) for d in (1, 2, 3, 4)],
        "pay": [1.25, None, 3.5, 2.0],
        "unit": ["kg"] * 4,
        "key": ["a1", "a2", "a3", "a4"],
    }
)
SCHEMA = Schema.build(
    {
        "age": "integer",
        "city": {"kind": "categorical", "categories": ["Oslo", "Rome"]},
        "day": "date",
        "pay": {"kind": "continuous", "decimals": 2},
        "unit": "constant",
        "key": "identifier",
    }
)
LAYOUT = Layout.learn(FRAME, SCHEMA)
ROWS = LAYOUT.encode(FRAME).values
RNG = np.random.default_rng(0)


def condition(text: str) -> RowCondition:
    return RowCondition(parse(text, SCHEMA), LAYOUT.codec, LAYOUT.constants)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("age > 25", [False, True, False, True]),
        ("city = 'Rome' AND day < DATE '2020-01-04'", [True, False, False, False]),
        ("age IS NULL OR pay IS NULL", [False, True, True, False]),
        ("pay * 10 < age", [True, False, False, True]),
        ("unit = 'kg' AND age = 20", [True, False, False, False]),
        ("unit = 'kg'", [True, True, True, True]),
        ("1 = 1", [True, True, True, True]),
    ],
)
def test_rows_are_judged_as_the_user_sees_them(text: str, held: list[bool]) -> None:
    assert condition(text).holds(ROWS).tolist() == held


def test_conditions_that_all_have_to_hold_are_asked_in_one_pass() -> None:
    asked = [condition("age > 25"), condition("city = 'Rome'"), condition("unit = 'kg'")]
    each = np.logical_and.reduce([one.holds(ROWS) for one in asked])
    assert all_hold(asked, ROWS).tolist() == each.tolist() == [False, False, False, True]


def test_conditions_of_other_kinds_are_asked_one_by_one() -> None:
    apart = share_out([condition("age > 25"), condition("age > 15")], ROWS, 4, RNG)[0]
    assert not any(isinstance(part, RowCondition) for part in apart[1].parts[-1:])
    both = [*apart[1].parts, condition("pay < 3")]
    each = np.logical_and.reduce([one.holds(ROWS) for one in both])
    assert all_hold(both, ROWS).tolist() == each.tolist()


def test_numbers_are_judged_as_they_are_written() -> None:
    rows = ROWS[:1].copy()
    rows[0, 3] = 1.2449
    assert condition("pay = 1.24").holds(rows).tolist() == [True]


def test_columns_and_parts() -> None:
    whole = condition("city = 'Rome' AND unit = 'kg' AND age < pay")
    assert whole.columns == (0, 1, 3)
    assert [part.columns for part in whole.parts] == [(1,), (), (0, 3)]
    assert str(whole.parts[0]) == "city = 'Rome'"
    single = condition("age > 3 OR pay > 2")
    assert single.parts == (single,)


def test_domains_of_numbers_are_closed_intervals() -> None:
    result = condition("pay > 2 AND pay <= 3").allowed(3)
    assert result == ((math.nextafter(2.0, math.inf), 3.0),)
    assert condition("day >= DATE '1970-01-11'").allowed(2) == ((10.0, math.inf),)
    assert condition("age > pay").allowed(0) is None
    assert condition("city = 'Rome'").allowed(0) is None


def test_a_missing_number_is_marked_where_it_is_allowed() -> None:
    result = condition("age IS NULL OR age > 40").allowed(0)
    assert isinstance(result, tuple)
    assert result[0] == (41.0, math.inf)
    assert np.isnan(result[1]).all()
    only = condition("age IS NULL").allowed(0)
    assert isinstance(only, tuple)
    assert np.isnan(only).all()


def test_domains_of_codes_are_masks_with_missing_last() -> None:
    for text, mask in (
        ("city = 'Rome'", [False, True, False]),
        ("city IS NULL", [False, False, True]),
        ("city <> 'Rome'", [True, False, False]),
        ("city IS NOT NULL", [True, True, False]),
    ):
        result = condition(text).allowed(1)
        assert isinstance(result, np.ndarray)
        assert result.tolist() == mask


@pytest.mark.parametrize("text", ["key = 'a1'", "age > 3 AND key LIKE 'a%'"])
def test_identifiers_are_not_asked_about(text: str) -> None:
    with pytest.raises(ConditionError, match="column 'key' holds identifiers"):
        condition(text)


@pytest.mark.parametrize("text", ["unit = 'lb'", "age > 3 AND unit IS NULL"])
def test_a_constant_that_breaks_the_condition_is_named(text: str) -> None:
    with pytest.raises(ConditionError, match="'unit' is always 'kg'"):
        condition(text)
