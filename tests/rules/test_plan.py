"""What has to be done for rules: order of computing, what is opened, what redraws have to meet."""

from __future__ import annotations

from typing import Any

import pytest

from tablewright.rules import as_rules, bind
from tablewright.rules.enforcement import Plan
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {name: {"kind": "integer", "minimum": 0, "maximum": 9} for name in "abcdef"}, target="a"
)
TWICE = {"kind": "formula", "column": "c", "expr": "b * 2"}
SUM = {"kind": "formula", "column": "d", "expr": "c + a"}


def plan(*rules: Any, order: str = "abcdef") -> Plan:
    return Plan.of(bind(as_rules(list(rules)), SCHEMA), SCHEMA, tuple(order))


def test_computed_columns_come_after_what_they_need() -> None:
    for rules in ((TWICE, SUM), (SUM, TWICE)):
        assert [one.column for one in plan(*rules).computations] == ["c", "d"]


def test_a_column_is_opened_with_all_that_is_computed_from_it() -> None:
    both = plan(SUM, TWICE)
    assert both.opened(["b"]) == ("b", "c", "d")
    assert both.opened(["a"]) == ("a", "d")
    assert both.opened(["f", "e"]) == ("e", "f")
    assert plan(SUM, TWICE, order="fedcba").opened(["b"]) == ("d", "c", "b")


def test_the_drawn_columns_behind_a_rule_are_those_that_computed_ones_need() -> None:
    ruled = plan(SUM, TWICE, {"name": "top", "expression": "d < 9 OR e = 1"})
    top = next(rule for rule in ruled.rules if rule.name == "top")
    assert ruled.free_columns(top) == ("a", "b", "e")


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ("e", "e < 5"),
        ("b", "b * 2 < 9"),  # c is replaced by what computes it
        ("be", "e < 5 AND b * 2 < 9"),
        ("f", None),
    ],
)
def test_redraws_meet_the_rules_that_touch_them(columns: str, text: str | None) -> None:
    needed = plan(TWICE, "e < 5", "c < 9").requirement(columns)
    if text is None:
        assert needed is None
        return
    assert needed is not None
    nulls = [f" OR {name} IS NULL" for name in "abcdef"]
    written = needed.text
    for null in nulls:
        written = written.replace(null, "")
    assert written.replace("(", "").replace(")", "") == text


def test_soft_rules_are_no_part_of_a_requirement_unless_they_are_added() -> None:
    soft = {"expression": "e < 5", "severity": "soft", "probability": 0.9}
    ruled = plan(soft)
    assert ruled.requirement("e") is None
    added = ruled.requirement("e", ruled.soft)
    assert added is not None
    assert "e < 5" in added.text


def test_a_circle_of_dependencies_computes_one_way_only() -> None:
    there, back = ({"kind": "fd", "from": [a], "to": b} for a, b in ("ef", "fe"))
    assert [one.column for one in plan(there, back).computations] == ["f"]
