"""What is wrong with rules is said before any row is made."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import RuleError
from tablewright.rules import as_rules, validate_rules
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "age": "integer",
        "x": "continuous",
        "y": "continuous",
        "z": "continuous",
        "job": {"kind": "categorical", "categories": ["clerk", "smith"]},
    }
)


def real(n: int = 1000) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 1, n)
    return pl.DataFrame(
        {
            "age": rng.integers(20, 60, n),
            "x": x,
            "y": x + rng.uniform(0, 1, n),
            "z": 2 * x,
            "job": rng.choice(["clerk", "smith"], n),
        }
    )


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        (["age > 90 AND age < 20"], ("r1",)),
        (["age > 90", "x > 0", "age < 20"], ("r1", "r3")),
        (["x < y", "y < z", "age > 3", "z < x"], ("r1", "r2", "r4")),
        ([{"kind": "implies", "if": "job = 'clerk'", "then": "age > 50"}, "age < 30",
          "job = 'clerk'"], ("r1", "r2", "r3")),
        ([{"kind": "linear", "terms": {"x": 1, "y": 1}, "op": ">=", "value": 10},
          {"kind": "range", "column": "x", "max": 4}, {"kind": "range", "column": "y", "max": 4}],
         ("r1", "r2", "r3")),
        ([{"kind": "align", "on": "job", "attribute": "age", "pairs": {"clerk": [1]}},
          {"kind": "align", "on": "job", "attribute": "age", "pairs": {"clerk": [2], "smith": [1]}},
          "job <> 'smith'"], ("r1", "r2", "r3")),
    ],
)  # fmt: skip
def test_rules_that_cannot_hold_are_named(rules: list[Any], names: tuple[str, ...]) -> None:
    result = validate_rules(as_rules(rules), SCHEMA)
    assert result.errors[0].rules == names
    with pytest.raises(RuleError, match="cannot hold"):
        result.require()


def test_rules_that_can_hold_pass() -> None:
    rules = as_rules(["x < y", {"kind": "order", "columns": ["x", "y"]}, "age > 3 OR x > 2"])
    assert validate_rules(rules, SCHEMA, real()).require().errors == []


def test_support_and_violation_rate_come_from_the_real_rows() -> None:
    frame = real().with_columns(
        age=pl.when(pl.int_range(pl.len()) < 100).then(None).otherwise("age")
    )
    rule = validate_rules(as_rules(["age >= 20"]), SCHEMA, frame).rules.rules[0]
    assert (rule.support, rule.violation_rate, rule.severity.value) == (900, 0.0, "hard")


def with_minors(n: int) -> pl.DataFrame:
    return real().with_columns(age=pl.when(pl.int_range(pl.len()) < n).then(3).otherwise("age"))


@pytest.mark.parametrize("n", [1, 5, 6, 1000])
def test_a_rule_of_a_person_stays_hard_and_real_rows_that_break_it_are_a_warning(n: int) -> None:
    result = validate_rules(as_rules(["age >= 20"]), SCHEMA, with_minors(n))
    rule, finding = result.rules.rules[0], result.findings[0]
    assert (rule.severity.value, rule.probability, rule.violation_rate) == ("hard", None, n / 1000)
    assert finding.level.value == "warning"
    assert f"kept by every row that is written, although {n / 1000:.2%}" in finding.message


@pytest.mark.parametrize("source", ["mined", "llm"])
@pytest.mark.parametrize(("n", "hard"), [(0, True), (5, True), (6, False), (300, False)])
def test_a_mined_rule_becomes_soft_beyond_half_a_percent(source: str, n: int, hard: bool) -> None:
    rules = as_rules([{"expression": "age >= 20", "source": source}])
    result = validate_rules(rules, SCHEMA, with_minors(n))
    rule = result.rules.rules[0]
    assert rule.hard is hard
    assert rule.probability == (None if hard else pytest.approx(1 - n / 1000))
    levels = [finding.level.value for finding in result.findings]
    assert levels == ([] if n == 0 else ["note"] if hard else ["warning"])


@pytest.mark.parametrize("source", ["human", "mined", "llm"])
def test_an_intervention_stays_hard_whoever_wrote_it(source: str) -> None:
    rules = as_rules([{"expression": "age >= 30", "intervention": True, "source": source}])
    result = validate_rules(rules, SCHEMA, real())
    assert result.rules.rules[0].hard
    assert "is an intervention" in result.findings[0].message


def test_a_soft_rule_without_strength_takes_that_of_the_real_rows() -> None:
    rules = as_rules([{"expression": "age >= 20", "severity": "soft"},
                      {"expression": "age >= 4", "severity": "soft", "weight": 2.0}])  # fmt: skip
    first, second = validate_rules(rules, SCHEMA, with_minors(250)).rules
    assert (first.probability, first.weight) == (0.75, None)
    assert (second.probability, second.weight) == (None, 2.0)


def test_quotas_say_that_they_change_the_table() -> None:
    rules = as_rules([{"kind": "quota", "where": "job = 'clerk'", "share": [0.9, 1.0]}])
    assert "changes the table" in validate_rules(rules, SCHEMA, real()).findings[0].message


def test_redundant_rules_are_named() -> None:
    result = validate_rules(as_rules(["age >= 20", "x <= y", "age > 3", "y >= x"]), SCHEMA)
    assert {finding.rules for finding in result.findings} == {("r3", "r1"), ("r4", "r2")}


def test_columns_that_compute_each_other_are_an_error() -> None:
    rules = as_rules(
        [
            {"kind": "formula", "column": "x", "expr": "y + 1"},
            {"kind": "formula", "column": "y", "expr": "z + 1"},
            {"kind": "formula", "column": "z", "expr": "x - 2"},
        ]
    )
    message = validate_rules(rules, SCHEMA).errors[0].message
    assert "compute columns from each other" in message


def test_two_formulas_of_one_column_are_an_error() -> None:
    rules = as_rules([{"kind": "formula", "column": "x", "expr": e} for e in ("y", "z")])
    assert "all compute column 'x'" in validate_rules(rules, SCHEMA).errors[0].message


def test_dependencies_both_ways_are_fine() -> None:
    rules = as_rules(
        [{"kind": "fd", "from": ["job"], "to": "x"}, {"kind": "fd", "from": ["x"], "to": "job"}]
    )
    assert validate_rules(rules, SCHEMA).errors == []


def test_no_real_row_keeps_all_of_them() -> None:
    rules = as_rules(
        [
            {"expression": "x * y > 0.5", "intervention": True},
            {"expression": "x * y < 0.4", "intervention": True},
        ]
    )
    messages = [finding.message for finding in validate_rules(rules, SCHEMA, real()).findings]
    assert "no real row keeps r1, r2 together" in messages
