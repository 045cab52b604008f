"""What speaks for a candidate: counts, probabilities and what each finder takes for a candidate."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import beta, binom

from tablewright.rules.language import Check, Linear
from tablewright.rules.mining.dependencies import find_dependencies
from tablewright.rules.mining.equations import _up, find_equations
from tablewright.rules.mining.evidence import Candidate, Rows, discoveries, judged
from tablewright.rules.mining.numbers import find_orders, find_ranges, numbers_of, outward
from tablewright.rules.mining.one_hot import find_one_hot
from tablewright.rules.mining.values import find_bounds, find_exclusions
from tablewright.schema import Schema

RNG = np.random.default_rng


def rows_of(columns: dict[str, Any], kinds: Any, held: int | None = None) -> Rows:
    """Rows whose first part is trained on and whose others are held out; shuffled by columns."""
    frame = pl.DataFrame(columns)
    specs = kinds if isinstance(kinds, dict) else dict.fromkeys(columns, kinds)
    cut = frame.height - (frame.height // 3 if held is None else held)
    shuffled = {name: frame[name].sample(5000, with_replacement=True, seed=i)
                for i, name in enumerate(frame.columns)}  # fmt: skip
    return Rows(frame[:cut], frame[cut:], pl.DataFrame(shuffled), Schema.build(specs))


def texts(found: list[Candidate]) -> list[str]:
    return [one.rule.described() for one in found]


# counting ----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "held"), [(20, 10), (499, 249), (500, 166), (3000, 1000)])
def test_split_holds_out_half_of_few_rows_and_a_third_of_many(n: int, held: int) -> None:
    frame = pl.DataFrame({"a": range(n), "b": range(n)})
    rows = Rows.split(frame, Schema.build({"a": "integer", "b": "integer"}), RNG(0))
    assert (rows.train.height, rows.held.height) == (n - held, held)
    assert sorted([*rows.train["a"], *rows.held["a"]]) == list(range(n))  # each row once
    assert rows.train["a"].to_list() != sorted(rows.train["a"])  # no part of the file
    assert rows.train["a"].equals(rows.train["b"].alias("a"))  # rows stay whole
    assert rows.shuffled.height == 20_000
    assert abs(float(np.corrcoef(rows.shuffled["a"], rows.shuffled["b"])[0, 1])) < 0.05


@pytest.mark.parametrize(("broken", "rows", "chance"), [(0, 100, 0.05), (3, 50, 0.4), (9, 9, 1.0)])
def test_p_value_is_the_probability_of_as_few_violations(
    broken: int, rows: int, chance: float
) -> None:
    exact = sum(binom.pmf(k, rows, chance) for k in range(broken + 1))
    assert Candidate("r", broken, rows, chance).p_value == pytest.approx(exact)


def test_a_rule_that_speaks_of_no_row_has_no_evidence() -> None:
    nothing = Candidate("r", 0, 0, 0.5)
    assert (nothing.p_value, nothing.rate) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("broken", "rows", "chance", "leverage", "strong"),
    [
        (3, 100, 0.5, 0.2, True),  # 3 % may break it
        (4, 100, 0.5, 0.2, False),
        (1, 10, 0.6, 0.2, True),  # one row always may, of few
        (2, 10, 1.0, 0.2, False),
        (2, 100, 0.1, 0.2, True),  # a fifth of what chance breaks
        (2, 100, 0.09, 0.2, False),
        (2, 100, 0.2, 0.1, True),
        (2, 100, 0.19, 0.1, False),
    ],
)
def test_a_strong_rule_is_broken_rarely_and_far_less_often_than_by_chance(
    broken: int, rows: int, chance: float, leverage: float, strong: bool
) -> None:
    assert Candidate("r", broken, rows, chance, leverage).is_strong(0.97) is strong


def test_judged_counts_held_out_rows_and_takes_the_lower_end_of_chance() -> None:
    schema = Schema.build({"a": "integer"})
    held = pl.DataFrame({"a": [1, 2, 3, 9, None]})
    shuffled = pl.DataFrame({"a": [1] * 6 + [9] * 4})
    rows = Rows(held, held, shuffled, schema)
    (found, never) = judged([Check(expression="a < 5"), Check(expression="a < 50")], rows)
    assert (found.broken, found.rows) == (1, 4)
    assert found.base_rate == pytest.approx(beta.ppf(0.05, 4, 7))
    assert (never.broken, never.base_rate) == (0, 0.0)


@pytest.mark.parametrize(
    ("p_values", "rate", "kept"),
    [
        ([0.01, 0.04, 0.2], 0.05, 1),  # 0.04 > 2/3 * 0.05
        ([0.01, 0.033, 0.2], 0.05, 2),
        ([0.016, 0.033, 0.0499], 0.05, 3),
        ([0.06, 0.06, 0.06], 0.05, 0),
        ([0.049, 0.0499, 0.04], 0.05, 3),  # the last below its line counts with all before it
        ([], 0.05, 0),
    ],
)
def test_discoveries_are_those_of_benjamini_and_hochberg(
    p_values: list[float], rate: float, kept: int
) -> None:
    # one row, broken by none: the p-value is 1 - chance
    asked = [Candidate(i, 0, 1, 1.0 - p) for i, p in enumerate(p_values)]
    found = discoveries(asked, rate)
    assert len(found) == kept
    assert {one.rule for one in found} == set(np.argsort(p_values)[:kept].tolist())


# numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "whole", "ends"),
    [
        ([0.0, 97.4], False, (0.0, 98.0)),
        ([-3.21, 4.0], False, (-3.3, 4.0)),
        ([0.0, 0.5], False, (0.0, 0.5)),
        ([3, 897], True, (0.0, 900.0)),
        ([1, 9], True, (1.0, 9.0)),
        ([5, 5], True, (5.0, 5.0)),
        ([0.1234, 0.5678], False, (0.123, 0.568)),
        ([float("nan"), 2.0, 3.0], False, (2.0, 3.0)),
    ],
)
def test_outward_widens_to_round_numbers(
    values: list[float], whole: bool, ends: tuple[float, float]
) -> None:
    assert outward(np.array(values, dtype=float), whole=whole) == pytest.approx(ends)


def test_numbers_are_those_that_vary_and_few_valued_ones_where_asked() -> None:
    frame = pl.DataFrame(
        {"x": [1.5, None, 2.0], "n": [1, 2, 3], "same": [4, 4, 4], "none": [None, None, None],
         "rate": [5, 10, 5], "text": ["1", "2", "3"]},
        schema_overrides={"none": pl.Float64},
    )  # fmt: skip
    listed = {"kind": "ordinal", "categories": [5, 10]}
    kinds: dict[str, Any] = {"x": "continuous", "n": "integer", "same": "integer",
                             "none": "continuous", "rate": listed, "text": "categorical",
                             "absent": "integer"}  # fmt: skip
    schema = Schema.build(kinds)
    assert list(numbers_of(frame, schema)) == ["x", "n"]
    assert list(numbers_of(frame, schema, discrete=True)) == ["x", "n", "rate"]
    assert np.isnan(numbers_of(frame, schema)["x"]).tolist() == [False, True, False]


def test_ranges_hold_all_rows_and_say_how_often_held_out_rows_leave_those_of_the_others() -> None:
    rows = rows_of({"n": [*range(10, 30), 95, 12]}, "integer", held=2)
    (found,) = find_ranges(rows)
    assert (found.rule.min, found.rule.max) == (10, 95)
    assert (found.broken, found.rows) == (1, 2)
    assert type(found.rule.max) is int


def ordered(n: int, out_of_order: int, kind: str = "integer") -> Rows:
    first = RNG(1).integers(0, 400, n)
    second = first + 99 + RNG(2).geometric(0.1, n)
    second[:out_of_order] = first[:out_of_order] - 1
    return rows_of({"a": first, "b": second}, kind)


@pytest.mark.parametrize(("wrong", "found"), [(0, True), (6, True), (7, False)])
def test_an_order_may_be_broken_by_three_rows_of_a_hundred(wrong: int, found: bool) -> None:
    rows = ordered(300, wrong)  # 200 of them are trained on, the wrong ones among them
    assert ("a <= b" in texts(find_orders(rows, 0.97))) is found
    assert "b <= a" not in texts(find_orders(rows, 0.97))


def test_a_least_distance_is_for_whole_numbers_and_a_cliff() -> None:
    assert "b - a >= 100" in texts(find_orders(ordered(900, 0), 0.97))
    assert texts(find_orders(ordered(900, 0, "continuous"), 0.97)) == ["a <= b"]
    spread = RNG(0).normal(0, 300, (2, 900)).round()
    assert texts(find_orders(rows_of({"a": spread[0], "b": spread[1]}, "integer"), 0.97)) == []


def test_dates_and_times_are_ordered_among_their_own() -> None:
    days = pl.Series(np.datetime64("2020-01-01") + RNG(0).integers(0, 300, 60))
    columns = {"start": days, "end": days + pl.duration(days=3), "at": days.cast(pl.Datetime("us"))}
    frame = pl.DataFrame({"start": days}).with_columns(
        end=pl.col("start") + pl.duration(days=3), at=pl.col("start").cast(pl.Datetime("us"))
    )
    assert set(columns) == set(frame.columns)
    kinds = {"start": "date", "end": "date", "at": "datetime"}
    rows = Rows(frame[:40], frame[40:], frame, Schema.build(kinds))
    assert texts(find_orders(rows, 0.97)) == ["start <= end"]


# dependencies ------------------------------------------------------------------------


def dependent(wrong: int = 0, n: int = 300) -> dict[str, Any]:
    key = RNG(0).integers(0, 6, n)
    value = key % 3
    value[:wrong] = (value[:wrong] + 1) % 3
    return {"key": key.tolist(), "value": value.tolist(), "other": RNG(1).integers(0, 4, n)}


def test_a_dependency_is_found_the_way_it_goes() -> None:
    (found,) = find_dependencies(rows_of(dependent(), "integer"), 0.97)
    assert found.rule.described() == "key determine value"
    assert (found.broken, found.rows, found.leverage) == (0, 100, 0.1)
    assert found.base_rate == pytest.approx(2 / 3, abs=0.1)  # three values, about as frequent


@pytest.mark.parametrize(("wrong", "found"), [(6, True), (7, False)])
def test_a_dependency_may_be_broken_by_three_training_rows_of_a_hundred(
    wrong: int, found: bool
) -> None:
    rows = rows_of(dependent(wrong), "integer")  # the wrong ones are among 200 trained on
    assert bool(find_dependencies(rows, 0.97)) is found


def test_two_columns_determine_a_third_where_none_does_alone() -> None:
    a, b = RNG(0).integers(0, 5, 600), RNG(1).integers(0, 4, 600)
    rows = rows_of({"a": a, "b": b, "c": (a + b) % 5}, "integer")
    assert "a, b determine c" in texts(find_dependencies(rows, 0.97))
    pairs = [one for one in find_dependencies(rows, 0.97) if len(one.rule.from_) == 2]
    assert {one.leverage for one in pairs} == {0.05}


def test_missing_values_and_unseen_keys_say_nothing_of_a_dependency() -> None:
    columns = dependent()
    columns["value"][200:210] = [None] * 10  # held out
    columns["key"][210:215] = [None] * 5
    columns["key"][215:217] = [77, 77]
    found = find_dependencies(rows_of(columns, "integer"), 0.97)[0]
    assert (found.broken, found.rows) == (0, 83)


def test_columns_that_hardly_repeat_take_no_part_in_dependencies() -> None:
    columns = {"id": list(range(300)), "half": [i // 2 for i in range(300)], "two": [0, 1] * 150}
    found = find_dependencies(rows_of(columns, "integer"), 0.97)
    assert not any("id" in text for text in texts(found))


# values ------------------------------------------------------------------------------


def classes(**columns: Any) -> Rows:
    kinds = {
        name: {"kind": "categorical", "categories": sorted({v for v in cells if v is not None})}
        for name, cells in columns.items()
    }
    return rows_of(columns, kinds)


def test_an_equivalence_of_two_valued_columns_is_said_once() -> None:
    flag = RNG(0).choice(["n", "y"], 300).tolist()
    found = find_exclusions(classes(a=flag, b=[v.upper() for v in flag]), 0.97)
    assert texts(found) == ["a = 'n' if and only if b = 'N'"]


def test_values_alike_share_an_implication() -> None:
    size = RNG(0).choice(list("stuv"), 900).tolist()
    kind = [str(RNG(i).choice(["p", "q"] if v in "st" else ["p", "q", "r", "o"]))
            for i, v in enumerate(size)]  # fmt: skip
    assert texts(find_exclusions(classes(size=size, kind=kind), 0.97)) == [
        "if size IN ('s', 't') then kind IN ('p', 'q')"
    ]


def test_missing_is_a_class_of_its_own() -> None:
    job = RNG(0).choice(["a", "b", "none"], 600).tolist()
    wage = [None if v == "none" else str(RNG(i).choice(["lo", "hi"])) for i, v in enumerate(job)]
    assert texts(find_exclusions(classes(job=job, wage=wage), 0.97)) == [
        "job = 'none' if and only if wage IS NULL"
    ]


@pytest.mark.parametrize(("clash", "found"), [(0, True), (1, True), (6, False)])
def test_values_that_meet_a_twentieth_as_often_as_by_chance_exclude_each_other(
    clash: int, found: bool
) -> None:
    rng = RNG(3)
    a, b = rng.choice(["p", "q"], 600), rng.choice(["x", "y", "z"], 600)
    b = np.where((a == "p") & (b == "x"), "y", b)
    a[:clash], b[:clash] = "p", "x"  # of about 67 that independence lets meet in 400 rows
    result = texts(find_exclusions(classes(a=a.tolist(), b=b.tolist()), 0.97))
    assert bool(result) is found


def bounded(share_outside: float, n: int = 600) -> Rows:
    """A third of the rows, `tier = 'a'`, stays below 100; of the others a share lies above."""
    rng = RNG(5)
    tier = rng.choice(["a", "b", "c"], n)
    spend = rng.uniform(0, 100, n)
    above = (tier != "a") & (rng.random(n) < share_outside)
    spend[above] += 100
    kinds: dict[str, Any] = {
        "tier": {"kind": "categorical", "categories": ["a", "b", "c"]},
        "spend": "continuous",
    }
    return rows_of({"tier": tier.tolist(), "spend": spend}, kinds)


@pytest.mark.parametrize(("share", "found"), [(0.5, True), (0.1, True), (0.02, False)])
def test_a_bound_is_tried_where_enough_other_rows_lie_outside(share: float, found: bool) -> None:
    result = texts(find_bounds(bounded(share), 0.97))
    assert ("if tier = 'a' then spend <= 100" in result) is found
    assert not any(">=" in text for text in result)


def test_bounds_of_whole_numbers_are_whole_and_both_ends_may_be_told() -> None:
    rng = RNG(2)
    tier = np.repeat(["a", "b"], 300)
    level = np.where(tier == "a", rng.integers(40, 61, 600), rng.integers(0, 101, 600))
    order = rng.permutation(600)
    kinds: dict[str, Any] = {
        "tier": {"kind": "categorical", "categories": ["a", "b"]},
        "level": "integer",
    }
    rows = rows_of({"tier": tier[order].tolist(), "level": level[order]}, kinds)
    assert texts(find_bounds(rows, 0.97)) == ["if tier = 'a' then level >= 40 AND level <= 60"]


# one of several ----------------------------------------------------------------------


def chosen_among(k: int, wrong: int = 0, n: int = 300) -> dict[str, Any]:
    one = RNG(0).integers(0, k, n)
    columns = {f"c{j}": (one == j).astype(int) for j in range(k)}
    columns["c0"][:wrong] = 1 - columns["c0"][:wrong]
    return columns


def test_columns_of_which_one_is_1_are_found_among_others() -> None:
    columns = chosen_among(4) | {
        "flag": RNG(1).integers(0, 2, 300),
        "n": RNG(2).integers(0, 9, 300),
    }
    (found,) = find_one_hot(rows_of(columns, "integer"), 0.97)
    assert isinstance(found.rule, Linear)
    assert found.rule.terms == dict.fromkeys(["c0", "c1", "c2", "c3"], 1.0)
    assert (found.rule.op, found.rule.value, found.broken) == ("=", 1.0, 0)


@pytest.mark.parametrize(("k", "wrong", "groups"), [(2, 0, 0), (3, 0, 1), (3, 2, 1), (3, 30, 0)])
def test_a_choice_has_three_columns_and_few_rows_that_break_it(
    k: int, wrong: int, groups: int
) -> None:
    assert len(find_one_hot(rows_of(chosen_among(k, wrong), "integer"), 0.97)) == groups


# equations ---------------------------------------------------------------------------


def equation(n: int = 300, **columns: Any) -> list[str]:
    return texts(find_equations(rows_of(columns, "continuous"), 0.97))


X = RNG(10).gamma(2.0, 30.0, 300).round(2)
Y = RNG(11).normal(50, 8, 300).round(1)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((3 * X).round(2), "-3 * x + z = 0 (within 1.3e-07)"),
        ((X / 4 + 7).round(4), "-0.25 * x + z = 7 (within 1.2e-08)"),
        ((X * Y).round(3), "z = x * y (within 1e-09)"),
        ((X / Y).round(3), "z = x / y (within 0.00051)"),
        ((Y / X).round(2), "z = y / x"),
        ((2.5 * X * Y).round(2), "z = 2.5 * x * y"),
        ((X * Y / 1000).round(3), "z = 0.001 * x * y"),
        ((1000 * X / Y).round(1), "z = 1000 * x / y"),
    ],
    ids=str,
)
def test_the_roundest_equation_is_found(values: Any, text: str) -> None:
    found = equation(x=X, y=Y, z=values)
    assert any(one.startswith(text.partition(" (within")[0]) for one in found), found


@pytest.mark.parametrize(("noise", "found"), [(6, True), (7, False)])
def test_an_equation_may_be_broken_by_three_training_rows_of_a_hundred(
    noise: int, found: bool
) -> None:
    z = (X * Y).round(3)
    z[:noise] += 1000.0
    assert bool(equation(x=X, y=Y, z=z)) is found


def test_a_column_of_few_values_is_no_result() -> None:
    few = np.repeat([1.0, 2.0, 3.0], 100)
    order = RNG(0).permutation(300)
    assert equation(x=few[order], y=(2 * few[order])) == []


def test_an_average_put_into_gaps_is_left_out_of_the_equation() -> None:
    z = (X * 2).round(2)
    z[::10] = 123.45678
    (found,) = equation(x=X, z=z)
    assert found.startswith("if z <> 123.45678 then abs(")


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.0, 0.0), (0.0123, 0.013), (0.5, 0.5), (1.0, 1.0), (234.0, 240.0)]
)
def test_a_tolerance_is_rounded_up_to_two_digits(value: float, rounded: float) -> None:
    assert _up(value) == rounded
