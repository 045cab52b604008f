"""Sums that have to hold are computed, not searched for."""

import itertools
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.rules import as_rules, bind, check_rules
from tablewright.rules.enforcement import Enforcer, Plan
from tablewright.rules.enforcement.block import Block
from tablewright.rules.enforcement.computing import substituted
from tablewright.rules.expressions.conflicts import ONE
from tablewright.rules.expressions.tree import Name
from tablewright.rules.expressions.unparse import unparse
from tablewright.schema import Schema
from tests.rules.samplers import ShuffledRows, Stubborn

SCHEMA = Schema.build(
    {
        "net": {"kind": "continuous", "decimals": 2, "minimum": 1.0, "maximum": 200.0},
        "vat": {"kind": "continuous", "decimals": 2, "minimum": 0.0, "maximum": 60.0},
        "gross": {"kind": "continuous", "decimals": 2, "minimum": 1.0, "maximum": 260.0},
        "a": {"kind": "integer", "minimum": 0, "maximum": 60},
        "b": {"kind": "integer", "minimum": 0, "maximum": 60},
        "c": {"kind": "integer", "minimum": 0, "maximum": 60},
        "y": {"kind": "categorical", "categories": ["u", "v"]},
    },
    target="y",
)
SUM = {"kind": "linear", "terms": {"net": 1, "vat": 1, "gross": -1}, "op": "=", "tolerance": 1e-7}
RATE = {"kind": "linear", "terms": {"net": -1.19, "gross": 1}, "op": "=", "tolerance": 0.011}
WHOLE = {"kind": "linear", "terms": {"a": 1, "b": 1, "c": 1}, "op": "=", "value": 100}


def real(n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    net = rng.uniform(5, 190, n).round(2)
    vat = (0.19 * net).round(2)
    a = rng.integers(20, 60, n)
    b = rng.integers(0, 20, n) + 20
    return pl.DataFrame(
        {"net": net, "vat": vat, "gross": (net + vat).round(2), "a": a, "b": b, "c": 100 - a - b,
         "y": rng.choice(["u", "v"], n)}
    ).filter(pl.col("c").is_between(0, 60))  # fmt: skip


def plan(*rules: Any, order: tuple[str, ...] = ()) -> Plan:
    return Plan.of(bind(as_rules(list(rules)), SCHEMA), SCHEMA, order)


@pytest.mark.parametrize(
    ("rules", "order", "formulas"),
    [
        ([SUM], (), {"gross": "net + vat"}),
        ([SUM], ("gross", "net", "vat"), {"vat": "gross - net"}),
        ([WHOLE], ("c", "b", "a"), {"a": "100 + (0 - b - c)"}),
        ([SUM, RATE], (), {"gross": "net + vat", "vat": "0.19 * net"}),
        ([RATE, SUM], (), {"gross": "net + vat", "vat": "0.19 * net"}),
        ([{**SUM, "severity": "soft", "probability": 0.9}], (), {}),
        ([{**SUM, "op": "<="}], (), {}),
        ([{**WHOLE, "terms": {"a": 2, "b": 1}}], ("b", "a"), {"b": "100 - 2 * a"}),
        ([{**WHOLE, "terms": {"a": 2, "b": 2.5}}], ("b", "a"), {}),
    ],
    ids=str,
)
def test_plan_solves_sums_for_the_column_drawn_last(
    rules: list[Any], order: tuple[str, ...], formulas: dict[str, str]
) -> None:
    result = plan(*rules, order=order).computed
    texts = {name: unparse(one.tree) for name, (one,) in result.items() if one.tree}
    assert set(texts) == set(formulas)
    frame = real()
    for name, text in formulas.items():
        one, other = (
            frame.select(pl.sql_expr(expression).round(2).alias("x"))
            for expression in (texts[name], text)
        )
        assert one.equals(other)


def test_the_target_is_never_solved_for() -> None:
    schema = Schema.build({"p": "integer", "q": "integer"}, target="q")
    rule = {"kind": "linear", "terms": {"p": 1, "q": 1}, "op": "=", "value": 9}
    assert list(Plan.of(bind(as_rules([rule]), schema), schema).computed) == ["p"]


@pytest.mark.parametrize("rules", [[SUM], [WHOLE], [SUM, RATE], [SUM, RATE, WHOLE]], ids=len)
def test_every_row_keeps_sums_and_ranges_without_a_search(rules: list[Any]) -> None:
    sampler, rng = ShuffledRows(real()), np.random.default_rng(0)
    enforcer = Enforcer(plan(*rules), "y", 300)
    frame, audit = enforcer.finish(sampler.draw(300, rng), sampler, rng)
    assert check_rules(frame, as_rules(rules), SCHEMA).ok
    assert audit["r1"].computed > 150
    assert audit["r1"].projected == 0
    assert frame["c"].is_between(0, 60).all()
    assert frame["net"].round(2).equals(frame["net"])


def test_substituted_puts_solved_columns_in() -> None:
    net, vat, gross = Name("net"), Name("vat"), Name("gross")
    solved: dict[Any, Any] = {gross: {net: 1.0, vat: 1.0, ONE: 2.0}}
    assert substituted({gross: 1.0, net: -1.19, ONE: 0.0}, solved) == {
        net: pytest.approx(-0.19),
        vat: 1.0,
        ONE: 2.0,
    }


# equations in other words ------------------------------------------------------------

FREE = Schema.build(
    {
        "score": {"kind": "continuous", "decimals": 2},
        "weight": {"kind": "continuous", "decimals": 1},
        "per_kg": {"kind": "integer"},
        "tier": {"kind": "categorical", "categories": ["a", "b", "c"]},
        "begin": "date",
        "days": {"kind": "integer"},
        "end": "date",
        "index": {"kind": "continuous", "decimals": 1, "nullable": True},
        "y": {"kind": "continuous", "decimals": 1},
    },
    target="y",
)


def unrelated(n: int = 200) -> pl.DataFrame:
    """Rows in which no column has to do with another."""
    rng = np.random.default_rng(5)
    index = rng.uniform(0, 90, n).round(1)
    index[rng.random(n) < 0.2] = 35.3
    days = np.datetime64("2020-01-01") + rng.integers(0, 300, (2, n))
    return pl.DataFrame(
        {"score": rng.gamma(2, 50, n).round(2), "weight": rng.normal(70, 9, n).round(1),
         "per_kg": rng.choice([5, 10], n), "tier": rng.choice(["a", "b", "c"], n),
         "begin": days[0], "days": rng.integers(0, 40, n), "end": days[1],
         "index": [None if i % 10 == 0 else x for i, x in enumerate(index.tolist())],
         "y": rng.normal(0, 9, n).round(1)}
    )  # fmt: skip


INDEX = 'abs("index" - 100 * score / weight) <= 0.051'
EQUATIONS: list[Any] = [
    INDEX,
    '0.051 >= abs(100 * score / weight - "index")',
    'abs(weight * "index" - 100 * score) <= 4',
    {"kind": "implies", "if": '"index" <> 35.3', "then": INDEX},
    {"kind": "implies", "if": "tier IN ('a', 'b')", "then": 'abs("index" - 2 * per_kg) < 0.2'},
    {"kind": "forbid", "all": ["tier = 'a'", "abs(score - per_kg * weight) > 0.0051"]},
    "tier <> 'a' OR abs(score - weight * per_kg) <= 0.0051",
    "CASE WHEN TRUE THEN TRUE END AND days = 3 * per_kg",
    {"kind": "implies", "if": "score > 50", "then": "days = per_kg + 2 AND end = begin + days"},
    "end = begin + days",
    "abs(y - score / 2) <= 0.06",
]


@pytest.mark.parametrize("rule", EQUATIONS, ids=str)
def test_an_equation_is_computed_however_it_is_written(rule: Any) -> None:
    rules, frame = as_rules([rule]), unrelated()
    sampler = Stubborn(frame)  # a redraw changes nothing
    enforcer = Enforcer(Plan.of(bind(rules, FREE), FREE), "y", frame.height)
    result, audit = enforcer.finish(frame, sampler, np.random.default_rng(0))
    assert check_rules(result, rules, FREE).ok
    assert audit["r1"].computed == frame.height - audit["r1"].drawn_right > 20


NOT_COMPUTED: list[Any] = [
    "abs(score - weight) >= 5",
    "abs(score - score * per_kg) <= 0.1",  # score stands on both sides
    "days = weight * per_kg",  # a whole number would not meet it
    "abs(days) <= 3",
    "days = 3",
    "score <> weight",
    {"kind": "linear", "terms": {"days": 1, "per_kg": -1.5}, "op": "=", "tolerance": 0.4},
]


@pytest.mark.parametrize("rule", NOT_COMPUTED, ids=str)
def test_what_no_column_can_be_solved_for_is_not_computed(rule: Any) -> None:
    assert Plan.of(bind(as_rules([rule]), FREE), FREE).computations == ()


def test_formulas_for_parts_of_the_rows_all_count_and_leave_the_others() -> None:
    rules = as_rules(
        [
            {"kind": "implies", "if": "tier = 'a'", "then": "days = 2 * per_kg"},
            {"kind": "implies", "if": "tier = 'b'", "then": "days = 3 * per_kg"},
            "days <= 40",
        ]
    )
    frame = unrelated()
    planned = Plan.of(bind(rules, FREE), FREE)
    result, _ = Enforcer(planned, "y", 200).finish(frame, Stubborn(frame), np.random.default_rng(0))
    factor = {"a": 2, "b": 3}
    expected = [
        factor[tier] * per_kg if tier in factor else days
        for tier, per_kg, days in frame.select("tier", "per_kg", "days").rows()
    ]
    assert result["days"].to_list() == expected
    # days can be drawn where no formula holds, and stands for what is computed elsewhere
    assert "days" in planned.free_columns(planned.rules[2])
    needed = planned.requirement(["per_kg"])
    assert needed is not None
    assert "CASE WHEN tier = 'b'" in needed.text


def test_one_rule_for_all_rows_beats_those_for_some() -> None:
    some = {"kind": "implies", "if": "tier = 'a'", "then": "days = 2 * per_kg"}
    every = {"kind": "formula", "column": "days", "expression": "per_kg + 1"}
    (one,) = Plan.of(bind(as_rules([some, every]), FREE), FREE).computations
    assert (one.rule.name, one.premise) == ("r2", None)


SOFT: list[Any] = [
    {"expression": INDEX},
    {"kind": "formula", "column": "index", "expression": "100 * score / weight"},
    {"kind": "fd", "from": ["tier"], "to": "days", "map": {"a": 1, "b": 2, "c": 3}},
]


@pytest.mark.parametrize("rule", SOFT, ids=str)
def test_a_soft_rule_that_computes_holds_as_often_as_its_probability(rule: Any) -> None:
    rules = as_rules([{**rule, "severity": "soft", "probability": 0.95}])
    frame = unrelated()
    enforcer = Enforcer(Plan.of(bind(rules, FREE), FREE), "y", 200)
    result, audit = enforcer.finish(frame, Stubborn(frame), np.random.default_rng(0))
    assert check_rules(result, rules, FREE)["r1"].violations == 10
    assert audit["r1"].computed == 190 - audit["r1"].drawn_right


def test_a_soft_rule_leaves_what_a_hard_one_computes() -> None:
    rules = as_rules(
        [
            {"kind": "formula", "column": "days", "expression": "per_kg + 1"},
            {"expression": "days = per_kg + 2", "severity": "soft", "probability": 0.9},
        ]
    )
    frame = unrelated()
    enforcer = Enforcer(Plan.of(bind(rules, FREE), FREE), "y", 200)
    result, _ = enforcer.finish(frame, Stubborn(frame), np.random.default_rng(0))
    assert (result["days"] == result["per_kg"] + 1).all()


def test_a_given_cell_counts_in_what_is_computed_from_it() -> None:
    rules = as_rules(
        [
            {"kind": "formula", "column": "days", "expression": "2 * per_kg"},
            {"kind": "formula", "column": "score", "expression": "days + 0.5"},
        ]
    )
    frame = unrelated(4).with_columns(per_kg=pl.Series([1, 2, 3, 4]))
    given = pl.DataFrame({"days": [None, 7, None, 9]})
    block = Block(Plan.of(bind(rules, FREE), FREE), frame, given)
    changed = block.compute(block.plan.computations, np.array([0, 1, 2]))
    assert changed.tolist() == [0, 1, 2]
    assert block.frame["days"].to_list() == [2, 7, 6, frame["days"][3]]
    assert block.frame["score"].to_list() == [2.5, 7.5, 6.5, frame["score"][3]]


def test_a_sum_of_a_hundred_columns_is_computed() -> None:
    names = [f"part{i}" for i in range(100)]
    columns: dict[str, Any] = dict.fromkeys(names, "integer") | {"total": "integer"}
    schema = Schema.build(columns)
    terms = dict.fromkeys(names, 1) | {"total": -1}
    rules = as_rules([{"kind": "linear", "terms": terms, "op": "="}])
    frame = pl.DataFrame({name: [1, 2] for name in names} | {"total": [0, 200]})
    enforcer = Enforcer(Plan.of(bind(rules, schema), schema), None, 2)
    result, _ = enforcer.finish(frame, Stubborn(frame), np.random.default_rng(0))
    assert result["total"].to_list() == [100, 200]


def test_formulas_that_double_each_other_are_not_written_out() -> None:
    names = [f"x{i}" for i in range(40)]
    schema = Schema.build(dict.fromkeys(names, "continuous"))
    doubled = [
        {"kind": "formula", "column": b, "expression": f"{a} + {a}"}
        for a, b in itertools.pairwise(names)
    ]
    planned = Plan.of(bind(as_rules([*doubled, "x39 < 7", "x3 < 9"]), schema), schema)
    needed = planned.requirement(names)  # 2^39 terms, written out
    assert needed is not None
    assert "x0 + x0 + (x0 + x0) + (x0 + x0 + (x0 + x0)) < 9" in needed.text
    assert len(needed.text) < 200_000
