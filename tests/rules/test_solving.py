"""Sums that have to hold are computed, not searched for."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.rules import as_rules, bind, check_rules
from tablewright.rules.enforcement import Enforcer, Plan
from tablewright.rules.enforcement.linear import substituted
from tablewright.schema import Schema
from tests.rules.samplers import ShuffledRows

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
    texts = {name: rule.rule.expression for name, rule in result.items()}
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
    solved = {"gross": {"net": 1.0, "vat": 1.0, "": 2.0}}
    assert substituted({"gross": 1.0, "net": -1.19, "": 0.0}, solved) == {
        "net": pytest.approx(-0.19),
        "vat": 1.0,
        "": 2.0,
    }
