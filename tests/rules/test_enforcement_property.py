"""Whatever hard rules are asked for: every row keeps them, or an error names one."""

from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tablewright.errors import RuleError
from tablewright.rules import as_rules, bind, check_rules, validate_rules
from tablewright.rules.enforcement import Audit, Enforcer, Plan
from tablewright.schema import Schema
from tests.rules.samplers import ShuffledRows

COLUMNS = ["a", "b", "c", "d"]
SCHEMA = Schema.build(
    {
        **{name: {"kind": "integer", "minimum": 0, "maximum": 9} for name in COLUMNS},
        "s": {"kind": "categorical", "categories": ["x", "y", "z"]},
        "t": {"kind": "categorical", "categories": ["p", "q"]},
    },
    target="t",
)
RNG = np.random.default_rng(1)
REAL = pl.DataFrame(
    {
        **{name: RNG.integers(0, 10, 300) for name in COLUMNS},
        "s": RNG.choice(["x", "y", "z"], 300),
        "t": RNG.choice(["p", "q"], 300),
    }
)

numbers = st.sampled_from(COLUMNS)
bounds = st.integers(1, 8)
conditions = st.one_of(
    st.builds("{} {} {}".format, numbers, st.sampled_from(["<=", ">=", "<>"]), bounds),
    st.builds("s = '{}'".format, st.sampled_from("xyz")),
    st.builds("t <> '{}'".format, st.sampled_from("pq")),
)
pairs = st.lists(numbers, min_size=2, max_size=2, unique=True)
rules = st.one_of(
    conditions,
    st.builds(lambda a, b: {"kind": "implies", "if": a, "then": b}, conditions, conditions),
    st.builds(lambda a, b: {"kind": "iff", "a": a, "b": b}, conditions, conditions),
    st.builds(lambda a, b: {"kind": "forbid", "all": [a, b]}, conditions, conditions),
    st.builds(lambda c, low: {"kind": "range", "column": c, "min": low}, numbers, st.just(2)),
    st.builds(lambda c, strictly: {"kind": "order", "columns": c, "strictly": strictly},
              pairs, st.booleans()),
    st.builds(lambda c, v: {"kind": "linear", "terms": dict.fromkeys(c, 1), "op": "=", "value": v},
              pairs, st.integers(5, 12)),
    st.builds(lambda c, v: {"kind": "linear", "terms": dict.fromkeys(c, 1), "op": "<=", "value": v},
              pairs, st.integers(5, 15)),
    st.builds(lambda c: {"kind": "formula", "column": c[0], "expression": f"9 - {c[1]}"}, pairs),
    st.just({"kind": "fd", "from": ["s"], "to": "t"}),
    st.builds(lambda c: {"kind": "fd", "from": [c], "to": "s"}, numbers),
)  # fmt: skip


def enforced(asked: list[Any], n: int) -> tuple[pl.DataFrame, Audit]:
    bound = bind(as_rules(asked), SCHEMA, REAL)
    sampler, rng = ShuffledRows(REAL, tries=10), np.random.default_rng(0)
    return Enforcer(Plan.of(bound, SCHEMA), SCHEMA.target, n).finish(
        sampler.draw(n, rng), sampler, rng
    )


@given(asked=st.lists(rules, min_size=1, max_size=3, unique_by=str))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_finish_returns_rows_that_keep_every_hard_rule_or_names_one(asked: list[Any]) -> None:
    assume(not validate_rules(as_rules(asked), SCHEMA).errors)
    try:
        frame, audit = enforced(asked, 40)
    except RuleError as error:
        assert str(error).startswith("rule 'r")  # noqa: PT017
        return
    assert (frame.height, frame.schema) == (40, REAL.schema)
    report = check_rules(frame, as_rules(asked), SCHEMA, real=REAL)
    assert [result.text for result in report.broken if result.kind != "fd"] == []
    assert [rule.broken for rule in audit.rules] == [0] * len(asked)
    for rule in audit.rules:
        done = rule.computed + rule.repaired + rule.projected + rule.redrawn
        assert rule.drawn_right + done == 40


@given(probability=st.floats(0.0, 1.0), n=st.integers(50, 200))
@settings(deadline=None, max_examples=15)
def test_a_soft_rule_holds_at_least_as_often_as_its_probability(probability: float, n: int) -> None:
    rule = {"expression": "a >= 8", "severity": "soft", "probability": probability}
    frame, audit = enforced([rule], n)
    kept = int((frame["a"] >= 8).sum())
    assert kept >= round(probability * n) - 1
    assert audit["r1"].broken == n - kept
    drawn = audit["r1"].drawn_right
    assert kept == max(drawn, n - round((1 - probability) * n))
