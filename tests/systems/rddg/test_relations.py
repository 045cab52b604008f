"""Relations: which hold, what they tie, what is computed, and what a model is asked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import BudgetError, ModelError
from tablewright.llm import Scripted, Sharing
from tablewright.llm.endpoint.metering import Metered, UsageByRole
from tablewright.rules import Severity, as_rules
from tablewright.rules.language import Implies
from tablewright.schema import Schema
from tablewright.systems.common.partition import ClassPartition
from tablewright.systems.rddg.relations import (
    Relation,
    RelationPrompts,
    Relations,
    _widened,
    mined,
    verify,
)

SCHEMA = Schema.build(
    {
        "a": "integer",
        "b": "integer",
        "word": {"kind": "categorical", "categories": ["p", "q"]},
    },
    target="word",
)
FRAME = pl.DataFrame(
    {"a": range(100), "b": range(1, 101), "word": ["p", "q"] * 50},
    schema_overrides={"a": pl.Int64, "b": pl.Int64},
)


def test_a_bound_reaches_as_far_as_the_real_rows_of_its_value_do() -> None:
    rng = np.random.default_rng(1)
    spend = rng.gamma(2.0, 200.0, 1000).round(2)
    frame = pl.DataFrame({"spend": spend, "tier": np.where(spend < 100, "basic", "gold")})
    schema = Schema.build(
        {"spend": "continuous", "tier": {"kind": "categorical", "categories": ["basic", "gold"]}}
    )
    for seed in range(3):
        found = mined(frame, schema, np.random.default_rng(seed)).found
        (bound,) = (one for one in found if "'basic'" in getattr(one.rule, "if_", ""))
        assert bound.holds, bound.rule.described()
        limit = float(bound.rule.then.split("<= ")[1])
        assert spend[spend < 100].max() <= limit <= 101, "rounded outwards, to two digits"


def test_a_bound_that_one_far_row_would_make_idle_stays_as_it_was() -> None:
    frame = pl.DataFrame({"x": [*range(100), 1000], "w": ["p"] * 50 + ["q"] * 50 + ["p"]})
    rule = Implies.model_validate({"if": "w = 'p'", "then": "x <= 49"})
    assert _widened(rule, frame) == rule
    nearer = frame.with_columns(pl.col("x").replace(1000, 60))
    assert _widened(rule, nearer).then == "x <= 60"
    other = Implies.model_validate({"if": "w = 'p'", "then": "x <= 49 OR x = 70"})
    assert _widened(other, nearer) == other


def verified(*rules: Any) -> Relations:
    return Relations(verify(as_rules(list(rules)), FRAME, SCHEMA))


@pytest.mark.parametrize(
    ("support", "share", "holds"),
    [(20, 1.0, True), (19, 1.0, False), (1000, 0.995, True), (1000, 0.994, False)],
)
def test_a_relation_holds_from_twenty_rows_and_nearly_all_of_them(
    support: int, share: float, holds: bool
) -> None:
    (rule,) = as_rules(["a < b"])
    assert Relation(rule, support, share).holds == holds


def test_a_distribution_is_no_relation_of_rows() -> None:
    (rule,) = as_rules([{"kind": "conditional", "column": "word", "dist": {"p": 0.5, "q": 0.5}}])
    assert not Relation(rule, 100, 1.0).holds


def test_only_relations_that_hold_are_rules_and_hard_ones() -> None:
    soft = {"kind": "check", "expression": "a < b", "severity": "soft", "weight": 0.3}
    found = verified(soft, "a > 50", {"kind": "implies", "if": "a > 90", "then": "b > 90"})
    assert [(one.support, one.share) for one in found.found] == [(100, 1.0), (100, 0.49), (9, 1.0)]
    (rule,) = found.rules
    assert (rule.described(), rule.severity, rule.weight) == ("a < b", Severity.HARD, None)


@pytest.mark.parametrize(("broken_by", "holds"), [([], True), ([0], True), ([0, 1], False)])
def test_what_a_rare_class_breaks_is_no_relation(broken_by: list[int], holds: bool) -> None:
    """Two of 1,000 rows break it, and they are two of the ten rare ones."""
    frame = pl.DataFrame({"a": range(1000), "ill": ["yes"] * 10 + ["no"] * 990})
    frame = frame.with_columns(b=pl.col("a") + 1 - 5 * pl.col("a").is_in(broken_by))
    schema = Schema.build({"a": "integer", "ill": "categorical", "b": "integer"})
    (found,) = verify(as_rules(["a < b"]), frame, schema, ClassPartition("ill", ("no", "yes")))
    assert found.share >= 0.998
    assert found.holds == holds
    assert Relations.from_dict(Relations([found]).to_dict()).found[0].holds == holds


def test_a_relation_that_is_proposed_twice_counts_once() -> None:
    assert len(verified("a < b", "a < b").found) == 1


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ({"kind": "formula", "column": "b", "expression": "a + 1"}, ("b", "a")),
        ({"kind": "linear", "terms": {"b": 1, "a": -1}, "op": "=", "value": 1}, ("b", "a")),
        ({"kind": "implies", "if": "a >= 0", "then": "abs(b - a * 1) <= 1"}, ("b", "a")),
        ({"kind": "implies", "if": "a >= 0", "then": "b > 0"}, ()),
        ("a < b", ()),
        ({"kind": "formula", "column": "b", "expression": "a + 2"}, ()),
    ],
)
def test_columns_of_equations_that_hold_are_firm(rule: Any, names: tuple[str, ...]) -> None:
    assert sorted(verified(rule).firm) == sorted(names)


def test_a_column_of_two_equations_is_named_once() -> None:
    both = verified(
        {"kind": "formula", "column": "b", "expression": "a + 1"},
        {"kind": "linear", "terms": {"b": 1, "a": -1}, "op": "=", "value": 1},
    )
    assert sorted(both.firm) == ["a", "b"]


def test_relations_are_stored_as_plain_data() -> None:
    found = verified("a < b", {"kind": "formula", "column": "b", "expression": "a + 1"})
    found = Relations(found.found, "free text", ["a note"])
    again = Relations.from_dict(json.loads(json.dumps(found.to_dict())))
    assert [(r.rule.described(), r.support, r.share) for r in again.found] == [
        (r.rule.described(), r.support, r.share) for r in found.found
    ]
    assert (again.text, again.notes) == ("free text", ["a note"])
    assert again.firm == found.firm


# what an equation with a tolerance computes -------------------------------------------------

DOUBLE = {"kind": "implies", "if": "word = 'p'", "then": "abs(b - a * 2) <= 9"}


def settled(rows: pl.DataFrame, real: pl.DataFrame, rule: Any = DOUBLE) -> pl.DataFrame:
    (one,) = as_rules([rule])
    return Relations([Relation(one, 50, 1.0)]).settle(rows, real, np.random.default_rng(0))


def test_what_is_determined_is_as_far_off_as_in_a_real_row() -> None:
    real = pl.DataFrame({"a": [10.0, 10.0, 10.0], "b": [22.0, 22.0, 0.0], "word": ["p", "p", "q"]})
    rows = pl.DataFrame({"a": [1.0, 5.0, 5.0], "b": [7.0, 7.0, 7.0], "word": ["p", "p", "q"]})
    # every real row of the premise is off by the factor 1.1
    assert settled(rows, real)["b"].to_list() == pytest.approx([2.2, 11.0, 7.0])


@pytest.mark.parametrize(
    ("rule", "real"),
    [
        ({**DOUBLE, "then": "b > a"}, {"a": [1.0], "b": [2.0], "word": ["p"]}),
        ({**DOUBLE, "then": "abs(b - a * 2) > 9"}, {"a": [1.0], "b": [2.0], "word": ["p"]}),
        (DOUBLE, {"a": [1.0], "b": [2.0], "word": ["q"]}),
        (DOUBLE, {"a": [0.0], "b": [2.0], "word": ["p"]}),
        ({**DOUBLE, "if": "no_such_column = 1"}, {"a": [1.0], "b": [2.0], "word": ["p"]}),
    ],
    ids=["no equation", "no bound from above", "no row", "no finite ratio", "unknown column"],
)
def test_rows_stay_where_nothing_is_determined(rule: Any, real: Any) -> None:
    rows = pl.DataFrame({"a": [1.0], "b": [7.0], "word": ["p"]})
    assert settled(rows, pl.DataFrame(real), rule).equals(rows)


def test_whole_numbers_stay_whole() -> None:
    frame = pl.DataFrame({"a": [10], "b": [25], "word": ["p"]})
    made = settled(frame.with_columns(a=pl.lit(3, pl.Int64)), frame)
    assert made.schema == frame.schema
    assert made["b"].to_list() == [7], "1.25 times 6, without decimals"


# the miner ----------------------------------------------------------------------------------


def test_the_miner_needs_twenty_rows_and_says_so() -> None:
    rng = np.random.default_rng(0)
    few = mined(FRAME.head(19), SCHEMA, rng)
    assert (few.found, few.notes) == ([], ["19 rows are too few to find relations in"])
    enough = mined(FRAME.head(20), SCHEMA, rng)
    assert (bool(enough.found), enough.notes) == (True, [])
    assert sorted(mined(FRAME, SCHEMA, rng).firm) == ["a", "b"]


def test_flags_that_go_with_the_same_value_go_with_each_other() -> None:
    """One row breaks either pair with the value, in different rows: the flags may still agree."""
    rng = np.random.default_rng(1)
    flag = rng.random(400) < 0.4
    words = np.where(flag, "yes", "no")
    frame = pl.DataFrame(
        {"x": words, "y": words, "z": np.where(flag, 0.0, rng.normal(9, 1, 400).round(1))}
    )
    schema = Schema.build({"x": "categorical", "y": "categorical", "z": "continuous"})
    found = [one for one in mined(frame, schema, rng).found if one.holds]
    pairs = [
        r.rule for r in found if {"x", "y"} <= set(r.rule.described().replace("=", " ").split())
    ]
    assert pairs
    for relation in found:
        assert relation.share == 1.0


# what a model is asked ----------------------------------------------------------------------


def asking(*replies: Any, sharing: Sharing | None = None) -> tuple[RelationPrompts, Scripted]:
    script = Scripted(replies)
    script.sharing = sharing or Sharing("rows")  # type: ignore[attr-defined]  # of connected models
    return RelationPrompts(Metered(script, UsageByRole()), SCHEMA, FRAME, FRAME.head(4)), script


def reply(*expressions: str) -> str:
    return json.dumps({"rules": [{"kind": "check", "expression": one} for one in expressions]})


def test_a_model_is_asked_twice_and_both_replies_are_measured() -> None:
    prompts, script = asking(reply("a < b", "a > 50"), reply("b < 200"))
    found = prompts.ask(7)
    assert [(one.rule.described(), one.share) for one in found.found] == [
        ("a < b", 1.0),
        ("a > 50", 0.49),
        ("b < 200", 1.0),
    ]
    assert not found.notes
    first, second = script.prompts
    assert (first.stage, second.stage) == ("relations", "rules")
    assert {(p.role, p.seed) for p in (first, second)} == {("relations", 7)}
    assert 'between them and "word"' in first.text
    assert '"a": 3' in first.text, "the rows that were chosen"
    assert '"a": 4,' not in first.text
    assert '{"rule": "a > 50", "kept by a share of": 0.49}' in second.text
    assert all("rules" in (p.schema or {})["properties"] for p in script.prompts)


def test_shares_of_the_real_rows_are_told_where_summaries_may_leave() -> None:
    for sharing, told in ((Sharing("schema"), False), (Sharing("summary"), True)):
        prompts, script = asking(reply("a < b"), reply(), sharing=sharing)
        prompts.ask(0)
        assert ("kept by a share of" in script.prompts[1].text) == told
        assert '"a": 3' not in script.prompts[0].text, "rows stay"


def test_without_a_second_reply_the_first_one_counts_and_that_is_noted() -> None:
    prompts, _ = asking(reply("a < b"), BudgetError("spent"))
    found = prompts.ask(0)
    assert [one.rule.described() for one in found.found] == ["a < b"]
    assert found.notes == ["relations were not looked at twice: spent"]


def test_published_findings_are_pasted_into_the_second_prompt_unread() -> None:
    prompts, script = asking("b follows {a}", "keep b above a")
    found = prompts.ask_freely(0)
    assert (found.text, found.found, found.notes) == ("keep b above a", [], [])
    first, second = script.prompts
    assert first.schema is None
    assert "which relations and patterns" in first.text
    assert "b follows {a}" in second.text
    assert '"a": 3' not in second.text, "no rows in the second prompt"


def test_published_relations_that_nobody_answered_are_noted() -> None:
    prompts, _ = asking(ModelError("no"), ModelError("nor now"))
    assert prompts.ask_freely(0).notes == [
        "the model did not answer: no",
        "the model did not answer: nor now",
    ]
