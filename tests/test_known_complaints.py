"""What users of other tools complained of, about conditions and constraints, as tests.

Each test names the public thread that it was rebuilt from, in our own words and on made tables.
"""

import datetime as dt
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import ConditionError, RuleError
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.rules import as_rules, check_rules
from tablewright.synthesizer.row_rules import RuleWarning
from tablewright.synthesizer.synthesizer import Synthesizer

N = 600


def bookings() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    arrival = [dt.date(2020, 12, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 60, N)]
    nights = rng.integers(1, 15, N)
    rooms = rng.choice(["basic", "deluxe", "suite"], N, p=[0.7, 0.27, 0.03])
    rate = (80 + 60 * (rooms == "deluxe") + 200 * (rooms == "suite") + rng.gamma(2, 10, N)).round(2)
    fee = [None if rng.random() < 0.6 else float(f) for f in rng.gamma(2, 5, N).round(2)]
    return pl.DataFrame(
        {
            "guest": [f"G-{i:05d}" for i in range(N)],
            "arrival": arrival,
            "departure": [
                a + dt.timedelta(days=int(n)) for a, n in zip(arrival, nights, strict=True)
            ],
            "room": rooms,
            "meal": rng.choice(["none", "half", "full"], N),
            "rate": rate,
            "tax": (rate * 0.1).round(2),
            "fee": fee,
            "rating": rng.integers(0, 11, N),
            "spam": rng.choice(["no", "yes"], N, p=[0.96, 0.04]),
        }
    )


BOOKINGS = bookings()


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return Synthesizer("trees", target="spam", random_state=0).fit(BOOKINGS)


def under(synthesizer: Synthesizer, n: int, rules: list[Any], **options: Any) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuleWarning)
        frame: pl.DataFrame = synthesizer.sample(n, rules=rules, **options)
    return frame


# conditions -----------------------------------------------------------------------------


def test_a_number_can_be_asked_for_exactly(fitted: Synthesizer) -> None:
    """SDV 1419: a value of a continuous column as condition gave no rows at all."""
    value = float(BOOKINGS["rate"][17])
    with pytest.warns(FewRowsWarning, match="one real row has what was asked for"):
        rows = fitted.sample(50, where=f"rate = {value!r}")
    assert (rows["rate"] == value).all()


def test_every_method_meets_conditions() -> None:
    """SDV 1424: one of the methods could not sample under a condition."""
    for method in ("trees", "copula", "independent"):
        synthesizer = Synthesizer(method, random_state=0).fit(BOOKINGS.drop("guest"))
        rows = synthesizer.sample(40, where="room = 'suite' AND meal = 'full'")
        assert rows.select("room", "meal").unique().rows() == [("suite", "full")]


def test_ranges_can_be_asked_for(fitted: Synthesizer) -> None:
    """SDV 1843: only exact values could be asked for, no ranges."""
    rows = fitted.sample(200, where="rate BETWEEN 100 AND 140 AND rating >= 8")
    assert rows.height == 200
    assert rows["rate"].is_between(100, 140).all()
    assert (rows["rating"] >= 8).all()


def test_two_categories_at_once(fitted: Synthesizer) -> None:
    """SDV 910: of 200 rows under two categorical conditions 186 came, after minutes."""
    rows = fitted.sample(200, where="room = 'deluxe' AND meal = 'half'")
    assert rows.height == 200
    assert rows.select("room", "meal").unique().rows() == [("deluxe", "half")]


def test_conditions_and_own_rules_go_together(fitted: Synthesizer) -> None:
    """SDV 696: with a constraint of one's own, sampling under a condition failed."""
    rows = under(fitted, 60, ["rate > 10 * tax - 1 AND rate < 10 * tax + 1"],
                 where="room = 'suite'")  # fmt: skip
    assert (rows["room"] == "suite").all()
    assert ((rows["rate"] - 10 * rows["tax"]).abs() < 1).all()


@pytest.mark.parametrize("value", [0, 1, 10])
def test_ends_of_a_range_can_be_asked_for(fitted: Synthesizer, value: int) -> None:
    """SDV 1737: a whole number came back one off inside a range rule and was thrown away."""
    rules = [{"kind": "range", "column": "rating", "min": 0, "max": 10}]
    rows = under(fitted, 30, rules, where=f"rating = {value}")
    assert rows["rating"].to_list() == [value] * 30


def test_a_condition_on_a_column_that_a_rule_is_about(fitted: Synthesizer) -> None:
    """SDV 2519: a column that a constraint handled could not be asked for."""
    rows = under(fitted, 20, [{"kind": "order", "columns": ["arrival", "departure"]}],
                 where="departure = DATE '2020-12-29'")  # fmt: skip
    assert rows["departure"].to_list() == [dt.date(2020, 12, 29)] * 20
    assert (rows["arrival"] <= rows["departure"]).all()


def test_rows_per_class_with_identifiers(fitted: Synthesizer) -> None:
    """SDV 1729: asking for rows per class used up the identifiers."""
    rows = fitted.sample(1400, balance="equal")
    assert rows["spam"].value_counts().sort("spam")["count"].to_list() == [700, 700]
    assert rows["guest"].n_unique() == 1400


def test_only_the_rare_class(fitted: Synthesizer) -> None:
    """CTGAN 172: rows of the rare class alone could not be made."""
    assert (fitted.sample(300, where="spam = 'yes'")["spam"] == "yes").all()


def test_columns_anywhere_in_the_table_can_be_given(fitted: Synthesizer) -> None:
    """REaLTabFormer 79, 48: conditions on columns other than the first of the table."""
    given = pl.DataFrame({"rating": [3, 9], "tax": [12.5, 20.0]})
    rows = fitted.sample(seed_data=given)
    assert rows.select("rating", "tax").equals(given)


# constraints ----------------------------------------------------------------------------


def test_rules_do_not_reject_everything(fitted: Synthesizer) -> None:
    """SDV 595: constraints under which no sampled row was left."""
    rows = under(fitted, 100, [{"kind": "formula", "column": "tax", "expression": "rate * 0.1"}])
    assert rows.height == 100
    assert ((rows["tax"] - rows["rate"] * 0.1).abs() < 0.0051).all()


def test_real_rows_that_break_a_rule_do_not_stop_the_work(fitted: Synthesizer) -> None:
    """SDV 1051: a few real rows broke a constraint, and fitting failed without naming them."""
    with pytest.warns(RuleWarning, match=r"rule 'r1' is kept .* of the real rows break it"):
        rows = fitted.sample(100, rules=["rate >= 100"])
    assert (rows.height, (rows["rate"] >= 100).all()) == (100, True)


def test_as_many_rows_as_asked_for(fitted: Synthesizer) -> None:
    """SDV 1591: of 10,000 rows asked for, 32 came back."""
    rules = [
        {"expression": "room = 'suite' OR rate < 90", "intervention": True},
        {"expression": "room <> 'suite' OR rating >= 9", "intervention": True},
        {"kind": "order", "columns": ["arrival", "departure"], "strictly": True},
    ]
    rows = under(fitted, 10_000, rules)
    assert rows.height == 10_000
    assert check_rules(rows, as_rules(rules), fitted.schema_).ok


def test_too_few_different_values_are_an_error(fitted: Synthesizer) -> None:
    """SDV 1283: a uniqueness constraint gave fewer rows and said nothing."""
    rule = {"name": "one per room", "kind": "unique", "columns": ["room"], "intervention": True}
    with pytest.raises(RuleError, match="'one per room' cannot be kept for 4 rows"):
        under(fitted, 4, [rule])


def test_more_unique_rows_than_were_learned_from(fitted: Synthesizer) -> None:
    """SDV 612: with a uniqueness constraint no more rows than real ones could be made."""
    rows = under(fitted, 3 * N, [{"kind": "unique", "columns": ["guest"]}])
    assert rows["guest"].n_unique() == rows.height == 3 * N


def test_rules_may_share_columns(fitted: Synthesizer) -> None:
    """SDV 1815: constraints on the same columns fell back to rejecting rows."""
    rules: list[Any] = [
        {"kind": "order", "columns": ["arrival", "departure"]},
        "departure - arrival <= 14",
        {"kind": "range", "column": "departure", "max": "2021-02-20"},
        {"expression": "meal <> 'full' OR departure - arrival >= 2", "intervention": True},
    ]
    rows = under(fitted, 400, rules)
    assert check_rules(rows, as_rules(rules), fitted.schema_).ok


def test_rules_hold_after_rounding(fitted: Synthesizer) -> None:
    """SDV 2550: what held before rounding was broken by it."""
    rules: list[Any] = [
        {"kind": "order", "columns": ["tax", "rate"], "strictly": True},
        {"expression": "tax * 10 < rate", "intervention": True},
        {"kind": "order", "columns": ["arrival", "departure"], "strictly": True},
    ]
    rows = under(fitted, 1000, rules)
    assert check_rules(rows, as_rules(rules), fitted.schema_).ok
    assert all(round(value, 2) == value for value in rows["tax"])


def test_times_combinations_steps_and_bounds(fitted: Synthesizer) -> None:
    """mostlyai 532: ends before starts, combinations that do not match, odd steps, bad ranges."""
    rules: list[Any] = [
        {"kind": "order", "columns": ["arrival", "departure"]},
        {"kind": "forbid", "all": ["room = 'basic'", "meal = 'full'"], "intervention": True},
        {"expression": "rating % 2 = 0", "intervention": True},
        "rate > 0",
    ]
    rows = under(fitted, 300, rules)
    assert check_rules(rows, as_rules(rules), fitted.schema_).ok


def test_columns_that_are_mostly_missing(fitted: Synthesizer) -> None:
    """tabgan 86: rows with missing values were filtered away until none were left."""
    rows = under(fitted, 500, ["fee > 0", "fee < rate"])
    assert rows.height == 500
    assert 0.4 < rows["fee"].null_count() / 500 < 0.8


def test_amounts_stay_positive(fitted: Synthesizer) -> None:
    """tabgan 14: columns of positive whole numbers came back with negative ones."""
    for method in ("trees", "copula", "independent"):
        rows = Synthesizer(method, random_state=0).fit(BOOKINGS.drop("guest")).sample(500)
        assert int(rows["rating"].min()) >= 0
        assert float(rows["rate"].min()) > 0


def test_what_cannot_be_is_said_at_once(fitted: Synthesizer) -> None:
    """All of the above: a request that cannot be met ends in one sentence, not in a long wait."""
    with pytest.raises(ConditionError, match="'rating > 8 AND rating < 3'"):
        fitted.sample(10, where="rating > 8 AND room = 'suite' AND rating < 3")
