"""The miner finds what was planted, says nothing of columns that are independent."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.rules import Rules, check_rules
from tablewright.rules.mining import mine_rules
from tablewright.rules.mining.evidence import Candidate, discoveries
from tablewright.schema import Schema

Made = tuple[dict[str, Any], dict[str, Any]]
N = 1000


def independent(rng: np.random.Generator, n: int = N) -> dict[str, Any]:
    return {
        "colour": rng.choice(["red", "green", "blue", "grey"], n),
        "size": rng.choice(["s", "m", "l"], n, p=[0.2, 0.5, 0.3]),
        "flag": rng.choice(["yes", "no"], n),
        "count": rng.poisson(4, n),
        "weight": rng.normal(70, 10, n).round(1),
        "score": rng.gamma(2.0, 50.0, n).round(2),
    }


KINDS: dict[str, Any] = {
    "colour": "categorical",
    "size": "categorical",
    "flag": "categorical",
    "count": "integer",
    "weight": "continuous",
    "score": "continuous",
}


def schema_of(columns: dict[str, Any], kinds: dict[str, Any]) -> Schema:
    specs: dict[str, Any] = {}
    for name, cells in columns.items():
        specs[name] = {"kind": kinds[name]}
        if kinds[name] in ("categorical", "ordinal"):
            listed = {cell for cell in np.array(cells, dtype=object).tolist() if cell is not None}
            specs[name]["categories"] = sorted(listed)
    return Schema.build(specs)


def mined(columns: dict[str, Any], kinds: dict[str, Any], seed: int = 0) -> Rules:
    result = ("dependencies", "equations", "orders", "exclusions", "bounds")
    rng = np.random.default_rng(seed)
    return mine_rules(pl.DataFrame(columns), schema_of(columns, kinds), rng, kinds=result)


def plant_dependency(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    group = {"red": "warm", "green": "cold", "blue": "cold", "grey": "none"}
    columns["group"] = [group[str(c)] for c in columns["colour"]]
    return columns, {"group": "categorical"}


def plant_pair_dependency(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["code"] = [
        "abcd"[(len(str(c)) + len(str(f))) % 4]
        for c, f in zip(columns["colour"], columns["flag"], strict=True)
    ]
    return columns, {"code": "categorical"}


def plant_sentinel(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    never = rng.random(N) < 0.3
    columns["days"] = np.where(never, -1, rng.integers(1, 400, N))
    columns["previous"] = np.where(never, 0, rng.integers(1, 9, N))
    return columns, {"days": "integer", "previous": "integer"}


def plant_order(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["low"] = rng.normal(50, 10, N).round(1)
    columns["high"] = (columns["low"] + rng.exponential(9, N)).round(1)
    return columns, {"low": "continuous", "high": "continuous"}


def plant_distance(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["born"] = rng.integers(1940, 2000, N)
    columns["hired"] = columns["born"] + 16 + rng.geometric(0.1, N)
    return columns, {"born": "integer", "hired": "integer"}


def plant_sum(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["part"] = rng.gamma(2, 30, N).round(1)
    columns["total"] = (columns["part"] + 2 * columns["score"] - columns["count"]).round(2)
    return columns, {"part": "continuous", "total": "continuous"}


def plant_ratio(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["index"] = (100 * columns["score"] / columns["weight"]).round(1)
    return columns, {"index": "continuous"}


def plant_product(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["height"] = rng.normal(1.7, 0.1, N).round(2)
    columns["area"] = (columns["weight"] * columns["height"]).round(2)
    return columns, {"height": "continuous", "area": "continuous"}


def plant_exclusion(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    clash = (columns["colour"] == "red") & (columns["size"] == "l")
    columns["size"] = np.where(clash, "m", columns["size"])
    return columns, {}


def plant_bound(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["weight"] = np.where(
        columns["flag"] == "yes", np.minimum(columns["weight"], 70.0), columns["weight"]
    )
    return columns, {}


def plant_parts_of_a_whole(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    a, b = rng.integers(0, 60, N), rng.integers(0, 40, N)
    columns |= {"one": a, "two": b, "three": 100 - a - b}
    return columns, {"one": "integer", "two": "integer", "three": "integer"}


def plant_tax(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["net"] = rng.gamma(2, 60, N).round(2)
    columns["vat"] = (0.19 * columns["net"]).round(2)
    columns["gross"] = (columns["net"] + columns["vat"]).round(2)
    return columns, dict.fromkeys(("net", "vat", "gross"), "continuous")


def plant_dose(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["per_kg"] = rng.choice([5.0, 7.5, 10.0], N)
    columns["dose"] = (columns["weight"] * columns["per_kg"]).round(1)
    return columns, {"per_kg": "ordinal", "dose": "continuous"}


def plant_counted(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["quantity"] = rng.integers(1, 6, N)
    columns["total"] = (columns["quantity"] * columns["score"]).round(2)
    return columns, {"quantity": "ordinal", "total": "continuous"}


def plant_two_few_valued(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["quantity"], columns["unit"] = rng.integers(1, 6, N), rng.choice([9.99, 19.5, 5.25], N)
    columns["total"] = (columns["quantity"] * columns["unit"]).round(2)
    return columns, {"quantity": "ordinal", "unit": "ordinal", "total": "continuous"}


def plant_fee(rng: np.random.Generator) -> Made:
    columns = independent(rng)
    columns["fee"] = rng.choice([0, 5, 10], N)
    columns["total"] = (columns["score"] + columns["fee"]).round(2)
    return columns, {"fee": "ordinal", "total": "continuous"}


def plant_limits(rng: np.random.Generator) -> Made:
    columns = independent(rng, 3 * N)
    columns["tier"] = rng.choice(["bronze", "silver", "gold"], 3 * N, p=[0.7, 0.22, 0.08])
    limit = {"bronze": 500, "silver": 2000, "gold": 10000}
    columns["spend"] = np.array([rng.uniform(0, limit[str(t)]) for t in columns["tier"]]).round(2)
    return columns, {"tier": "categorical", "spend": "continuous"}


PLANTED: list[tuple[Callable[[np.random.Generator], Made], set[str]]] = [
    (plant_dependency, {"colour determine group"}),
    (plant_pair_dependency, {"colour, flag determine code"}),
    (plant_sentinel, {"days = -1 if and only if previous = 0"}),
    (plant_order, {"low <= high"}),
    (plant_distance, {"hired - born >= 17"}),
    (plant_sum, {"count - 2 * score - part + total = 0 (within 2.4e-07)"}),
    (plant_ratio, {"index = 100 * score / weight (within 0.051)"}),
    (plant_parts_of_a_whole, {"one + two + three = 100 (within 2e-08)"}),
    (plant_tax, {"-net - vat + gross = 0 (within 1.2e-07)"}),
    (plant_product, {"area = weight * height (within 0.0051)"}),
    (plant_exclusion, {"if size = 'l' then colour <> 'red'", "if colour = 'red' then size <> 'l'"}),
    (plant_bound, {"if flag = 'yes' then weight <= 70"}),
    (plant_dose, {"dose = weight * per_kg (within 0.051)"}),
    (plant_counted, {"total = score * quantity (within 1.1e-09)"}),
    (plant_two_few_valued, {"total = quantity * unit (within 1e-09)"}),
    (plant_fee, {"-score - fee + total = 0 (within 1.1e-07)"}),
    (plant_limits, {"if tier = 'bronze' then spend <= 500"}),
    (plant_limits, {"if tier = 'silver' then spend <= 2000"}),
]


@pytest.mark.parametrize(("plant", "wanted"), PLANTED)
def test_planted_rules_are_found(plant: Callable[..., Made], wanted: set[str]) -> None:
    columns, kinds = plant(np.random.default_rng(7))
    result = [rule.described() for rule in mined(columns, KINDS | kinds)]
    assert wanted & set(result), result


@pytest.mark.parametrize("n", [60, 300, 2000])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_said_of_independent_columns(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = independent(rng, n) | {
        "per_kg": rng.choice([5, 7.5, 10], n),
        "quantity": rng.integers(1, 6, n),
        "tier": rng.choice(["bronze", "silver", "gold"], n, p=[0.7, 0.22, 0.08]),
    }
    kinds = KINDS | {"per_kg": "ordinal", "quantity": "ordinal", "tier": "categorical"}
    result = mined(columns, kinds, seed)
    assert [rule.described() for rule in result] == []


def test_noise_makes_a_rule_soft_with_its_probability() -> None:
    rng = np.random.default_rng(5)
    columns, kinds = plant_dependency(rng)
    noisy = rng.random(N) < 0.02
    columns["group"] = np.where(noisy, rng.permutation(columns["group"]), columns["group"])
    rule = next(rule for rule in mined(columns, KINDS | kinds) if rule.kind == "fd")
    assert not rule.hard
    assert rule.probability == pytest.approx(0.987, abs=0.01)
    assert rule.held_out == pytest.approx(0.013, abs=0.015)


def test_rules_carry_their_evidence_and_check_out() -> None:
    columns, kinds = plant_order(np.random.default_rng(1))
    schema = Schema.build({name: (KINDS | kinds)[name] for name in columns})
    frame = pl.DataFrame(columns)
    rules = mine_rules(frame, schema, np.random.default_rng(0))
    order = next(rule for rule in rules if rule.kind == "order")
    assert (order.source.value, order.hard, order.support, order.violation_rate) == (
        "mined",
        True,
        N,
        0.0,
    )
    assert check_rules(frame, rules, schema).ok
    assert {rule.kind for rule in rules} == {"order", "range"}


def test_means_put_into_gaps_do_not_hide_an_equation() -> None:
    rng = np.random.default_rng(2)
    columns, kinds = plant_ratio(rng)
    gap = rng.random(N) < 0.1
    columns["index"] = np.where(gap, float(np.mean(columns["index"])), columns["index"])
    texts = [rule.described() for rule in mined(columns, KINDS | kinds)]
    assert any("abs(index - 100 * score / weight)" in text for text in texts)


def test_missing_together() -> None:
    rng = np.random.default_rng(3)
    columns = independent(rng)
    gap = rng.random(N) < 0.2
    columns["job"] = [None if g else str(v) for g, v in zip(gap, columns["colour"], strict=True)]
    columns["wage"] = [None if g else float(v) for g, v in zip(gap, columns["score"], strict=True)]
    columns.pop("colour"), columns.pop("score")
    result = [
        r.described() for r in mined(columns, KINDS | {"job": "categorical", "wage": "continuous"})
    ]
    assert result == ["job IS NULL if and only if wage IS NULL"]


def test_same_seed_same_rules() -> None:
    columns, kinds = plant_exclusion(np.random.default_rng(4))
    assert mined(columns, KINDS | kinds, 1) == mined(columns, KINDS | kinds, 1)


def test_bad_options() -> None:
    schema, rng = Schema.build({"a": "integer"}), np.random.default_rng(0)
    with pytest.raises(InputError, match="at least 20 rows; the table has 3"):
        mine_rules(pl.DataFrame({"a": [1, 2, 3]}), schema, rng)
    with pytest.raises(InputError, match=r"not \['odours'\]"):
        mine_rules(pl.DataFrame({"a": range(30)}), schema, rng, kinds=["odours"])


def test_false_discoveries_are_controlled() -> None:
    rng = np.random.default_rng(0)
    probability = [Candidate(i, int(rng.binomial(100, 0.5)), 100, 0.5) for i in range(400)]
    real = [Candidate(-1, 0, 100, 0.5)] * 40
    result = discoveries([*probability, *real], 0.05)
    assert sum(item.rule == -1 for item in result) == 40
    assert sum(item.rule != -1 for item in result) <= 6


def test_a_tax_is_told_by_two_equations_and_parts_of_a_whole_by_their_sum_alone() -> None:
    for plant, n in ((plant_tax, 2), (plant_parts_of_a_whole, 1)):
        columns, kinds = plant(np.random.default_rng(7))
        result = mined(columns, KINDS | kinds)
        assert [rule.kind for rule in result if rule.kind in ("linear", "fd", "formula")] == [
            "linear"
        ] * n, [rule.described() for rule in result]


def test_a_number_that_is_merely_not_one_of_many_is_no_rule() -> None:
    """That cars of four cylinders never have exactly 350 says nothing beside their range."""
    rng = np.random.default_rng(2)
    cylinders = rng.choice(["4", "6", "8"], N, p=[0.5, 0.2, 0.3])
    size = np.select(
        [cylinders == "4", cylinders == "6"],
        [rng.integers(70, 150, N), rng.integers(140, 440, N)],
        np.where(rng.random(N) < 0.4, 350, rng.integers(290, 460, N)),
    )
    result = mined({"cylinders": cylinders, "size": size},
                  {"cylinders": "categorical", "size": "integer"})  # fmt: skip
    texts = [rule.described() for rule in result]
    assert any(text.startswith("if size = 350 then cylinders") for text in texts), texts
    assert not any("size <> 350" in text.partition("then")[2] for text in texts)


@pytest.mark.parametrize(
    ("n", "noise", "hard"), [(1000, 0, True), (150, 0, False), (1000, 9, False)]
)
def test_a_mined_rule_is_hard_where_200_rows_keep_it_and_none_breaks_it(
    n: int, noise: int, hard: bool
) -> None:
    rng = np.random.default_rng(6)
    low = rng.normal(50, 10, n).round(1)
    high = (low + rng.exponential(9, n) + 0.1).round(1)
    high[:noise] = low[:noise] - 1.0
    result = mined({"low": low, "high": high}, {"low": "continuous", "high": "continuous"})
    rule = next(rule for rule in result if rule.kind == "order")
    assert (rule.hard, rule.support, rule.source.value) == (hard, n, "mined")
    assert rule.violation_rate == pytest.approx(noise / n)
    assert rule.probability == (None if hard else pytest.approx(1 - noise / n))


def test_mined_ranges_of_whole_numbers_are_whole() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"n": rng.integers(3, 900, 400), "x": rng.uniform(0, 1, 400).round(3)})
    schema = Schema.build({"n": "integer", "x": "continuous"})
    mined_rules: list[Any] = list(mine_rules(frame, schema, rng, kinds=["ranges"]))
    result = {rule.column: rule for rule in mined_rules}
    assert (type(result["n"].min), type(result["n"].max)) == (int, int)
    assert frame["n"].is_between(result["n"].min, result["n"].max).all()
    assert result["x"].described() == "0.0 <= x <= 1.0"


@pytest.mark.parametrize("plant", [plant_dose, plant_counted, plant_two_few_valued, plant_fee])
def test_an_equation_stands_alone_without_what_follows_from_it(plant: Callable[..., Made]) -> None:
    """Such as 'if per_kg = 5 then dose <= 480', 'net <= total', 'total determines quantity'."""
    columns, kinds = plant(np.random.default_rng(7))
    result = mined(columns, KINDS | kinds)
    assert len(result) == 1, [rule.described() for rule in result]


def test_a_rule_beside_an_equation_that_does_not_follow_from_it_stays() -> None:
    rng = np.random.default_rng(3)
    columns = independent(rng)
    columns["fee"] = np.where(columns["score"] >= 100, 0, rng.choice([0, 5, 10], N))
    columns["total"] = (columns["score"] + columns["fee"]).round(2)
    result = mined(columns, KINDS | {"fee": "ordinal", "total": "continuous"})
    texts = [rule.described() for rule in result]
    assert any(text.startswith("-score - fee + total = 0") for text in texts), texts
    assert any(text.startswith("if fee = 5 then score <=") for text in texts), texts


def measured_apart(rng: np.random.Generator) -> Made:
    """A ratio of two measurements, each with a flag; one flag differs in two rows."""
    columns = independent(rng, 2 * N)
    first, second = rng.random(2 * N) < 0.1, rng.random(2 * N) < 0.2
    second |= first
    flag = second.copy()
    flag[[3, 1400]] = ~flag[[3, 1400]]
    a, b = rng.normal(108, 25, 2 * N).round(0), rng.normal(1, 0.15, 2 * N).round(2)
    for name, values, missing in (
        ("a", a, first),
        ("b", b, second),
        ("c", (a / b).round(0), second),
    ):
        columns[name] = [None if m else float(v) for m, v in zip(missing, values, strict=True)]
    columns["has_b"] = np.where(second, "f", "t")
    columns["has_c"] = np.where(flag, "f", "t")
    kinds = dict.fromkeys("abc", "continuous") | dict.fromkeys(("has_b", "has_c"), "categorical")
    return columns, kinds


@pytest.mark.parametrize("seed", range(4))
def test_the_exact_rule_wins_over_loose_ones_near_it(seed: int) -> None:
    columns, kinds = measured_apart(np.random.default_rng(seed))
    result = mined(columns, KINDS | kinds, seed)
    exact = [rule for rule in result if rule.violation_rate == 0.0]
    loose = [rule for rule in result if rule.violation_rate]
    assert any(rule.described().startswith("c = a / b") for rule in exact)
    linked = [rule for rule in exact if rule.kind == "iff"]
    assert not any("has_c" in rule.described() for rule in linked)
    assert len(linked) == 2  # the third follows
    assert len([rule for rule in loose if rule.kind == "iff"]) == 1  # has_c, by any of the others


def test_an_exact_ratio_wins_over_an_equality_that_mostly_holds() -> None:
    rng = np.random.default_rng(0)
    rate = np.where(rng.random(N) < 0.98, 1.0, rng.choice([0.5, 2.0, 4.0], N))
    score = rng.gamma(2.0, 50.0, N).round(2)
    columns = {"score": score, "rate": rate, "cost": (score * rate).round(2)}
    kinds = {"score": "continuous", "rate": "ordinal", "cost": "continuous"}
    texts = [r.described() for r in mined(columns, kinds) if r.kind in ("linear", "formula")]
    assert texts == ["cost = score * rate (within 0.0051)"]  # half a cent, for a rate of 0.5


def test_what_follows_from_other_mined_rules_is_left_out() -> None:
    rng = np.random.default_rng(4)
    first = rng.integers(0, 50, N)
    second = first + 3 + rng.geometric(0.2, N)
    third = second + rng.geometric(0.1, N)
    result = mined({"a": first, "b": second, "c": third}, dict.fromkeys("abc", "integer"))
    # a <= b follows from b - a >= 4, a <= c from both
    assert sorted(rule.described() for rule in result) == ["b - a >= 4", "c - b >= 1"]


def test_a_cap_that_many_rows_reach_is_no_value_to_be_excluded() -> None:
    rng = np.random.default_rng(1)
    tier = rng.choice(["bronze", "silver"], N, p=[0.7, 0.3])
    spend = np.minimum(rng.lognormal(5.0, 1.2, N), np.where(tier == "bronze", 500, 2000)).round(2)
    result = mined({"tier": tier, "spend": spend}, {"tier": "categorical", "spend": "continuous"})
    assert not any("<>" in rule.described().partition("then")[2] for rule in result)


def test_a_column_that_hardly_varies_gets_no_weight_by_chance() -> None:
    rng = np.random.default_rng(3)
    score = rng.gamma(2.0, 50.0, N)
    flag = np.where(rng.random(N) < 0.98, 1.0, 7.0)
    columns = {"score": score, "flag": flag, "cost": np.where(flag == 1.0, score, 3.0 * score)}
    kinds = {"score": "continuous", "flag": "ordinal", "cost": "continuous"}
    texts = [r.described() for r in mined(columns, kinds) if r.kind == "linear"]
    # score + c * flag - cost = c in 98 % of rows, whatever c is
    assert not any("flag" in text for text in texts)
