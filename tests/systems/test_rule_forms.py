"""The forms of rules that a prompt shows, and how a reply's spelling becomes the table's."""

from __future__ import annotations

from typing import Any

import pytest

from tablewright.rules import as_rules
from tablewright.schema import Schema
from tablewright.systems.common.rule_writing.forms import (
    MAX_RULES,
    echoes,
    grammar,
    reply_schema,
    rule_examples,
    with_maps,
    with_names,
)

SCHEMA = Schema.build(
    {
        "Age": "integer",
        "Net Pay": "continuous",
        "job": "categorical",
        "born": "date",
        "left": "date",
    }
)


@pytest.mark.parametrize(
    ("kinds", "missing"),
    [
        ({"a": "integer"}, {"implies", "forbid", "formula", "linear", "order", "quota", "fd"}),
        ({"a": "categorical"}, {"check", "range", "implies", "formula", "order", "fd"}),
        ({"a": "date", "b": "date"}, {"check", "range", "linear", "quota", "conditional"}),
        ({"a": "integer", "b": "integer", "c": "categorical"}, set()),
    ],
    ids=["a number", "words", "dates", "all"],
)
def test_only_kinds_that_the_table_can_have_are_shown(
    kinds: dict[str, str], missing: set[str]
) -> None:
    schema = Schema.build(kinds)
    shown = {rule["kind"] for rule in rule_examples(schema)}
    assert not shown & missing
    assert "unique" in shown
    if not missing:
        assert len(shown) == 11
    for rule in as_rules([with_maps(rule) for rule in rule_examples(schema)]):
        assert rule.described() in echoes(schema)


def test_dates_are_ordered_before_numbers() -> None:
    [order] = [rule for rule in rule_examples(SCHEMA) if rule["kind"] == "order"]
    assert order["columns"] == ["born", "left"]
    text = grammar(SCHEMA)
    assert '{"kind": "range", "column": "Age", "min": 1, "max": 2}' in text
    assert '\\"Net Pay\\"' in text


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"dist": [{"value": "x", "share": 0.5}, {"value": 2, "share": 1}]}, {"x": 0.5, "2": 1}),
        ({"dist": {"x": 1}}, {"x": 1}),
        ({"dist": [{"share": 1}]}, [{"share": 1}]),
        ({"dist": [{"value": "x"}]}, {"x": None}),
        ({"dist": "half"}, "half"),
    ],
)
def test_lists_of_a_reply_become_mappings_where_they_are_some(
    rule: dict[str, Any], expected: Any
) -> None:
    assert with_maps(rule)["dist"] == expected
    terms = {"terms": [{"column": "a", "factor": 2}, {"column": "b", "factor": -1}]}
    assert with_maps(terms) == {"terms": {"a": 2, "b": -1}}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("age > 3 AND JOB = 'age'", "Age > 3 AND JOB = 'age'"),
        ("net_pay > 3", '"Net Pay" > 3'),
        ('"net pay" > Age', '"Net Pay" > Age'),
        ("year(born) > 1900", "year(born) > 1900"),
        ("born < DATE '2020-01-31'", "born < DATE '2020-01-31'"),
        ("job = 'it''s age'", "job = 'it''s age'"),
        ("shoe > 1", "shoe > 1"),
    ],
)
def test_expressions_are_spelled_as_the_table_spells_its_columns(written: str, meant: str) -> None:
    assert with_names({"expression": written}, SCHEMA) == {"expression": meant}
    assert with_names({"all": [written]}, SCHEMA) == {"all": [meant]}


def test_names_of_columns_are_found_in_every_field() -> None:
    rule = {"column": "AGE", "to": "Job", "columns": ["net pay", "x"], "from": ["BORN"], "min": 1}
    assert with_names(rule, SCHEMA) == {
        "column": "Age", "to": "job", "columns": ["Net Pay", "x"], "from": ["born"], "min": 1,
    }  # fmt: skip


def test_a_reply_names_columns_of_the_table_and_no_more_rules_than_are_read() -> None:
    for repair in (False, True):
        rules = reply_schema(SCHEMA, repair)["properties"]["rules"]
        assert rules["maxItems"] == 4 + 2 * len(SCHEMA.names) <= MAX_RULES
        kinds = {kind["properties"]["kind"]["enum"][0]: kind for kind in rules["items"]["anyOf"]}
        assert len(kinds) == 12
        assert kinds["fd"]["properties"]["to"] == {"enum": SCHEMA.names}
        assert kinds["range"]["properties"]["min"] == {"type": ["number", "string", "null"]}
        assert ("number" in kinds["check"]["properties"]) is repair
    numbers = reply_schema(Schema.build({"a": "integer"}))["properties"]["rules"]["items"]["anyOf"]
    [bound] = [k for k in numbers if k["properties"]["kind"]["enum"] == ["range"]]
    assert bound["properties"]["min"] == {"type": ["number", "null"]}
