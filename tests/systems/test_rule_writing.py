"""Rules from a model: voted on, measured, and never more than the user allows leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import BudgetError, ModelError, RuleError
from tablewright.llm import Prompt, Reply, Scripted, Sharing
from tablewright.rules import Rules, Source, as_rules, validate_rules
from tablewright.schema import Schema
from tablewright.systems.common.rule_writing.forms import MAX_RULES, reply_schema
from tablewright.systems.common.rule_writing.prompts import RuleQuestion, strongest_associations
from tablewright.systems.common.rule_writing.votes import read_rules
from tablewright.systems.common.rule_writing.writer import (
    ModelRules,
    WrittenRules,
)
from tablewright.systems.htdbu.template import write_template
from tablewright.tables.inference.infer import infer_schema
from tablewright.testing import Faults, StandIn


def patients(n: int = 400, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    came = rng.integers(0, 300, n)
    age = rng.integers(20, 91, n)
    return pl.DataFrame(
        {
            "age": age,
            "came": came,
            "left": came + rng.integers(0, 30, n),
            "job": np.where(age >= 65, "retired", rng.choice(["clerk", "smith"], n)),
            "surname": [f"Secret{i // 2}" for i in range(n)],
        }
    )


TABLE = patients()
SCHEMA = infer_schema(TABLE, target="job")


def reply(*rules: Any) -> str:
    return json.dumps({"rules": list(rules)})


def write(
    replies: Sequence[str | Reply | ModelError], samples: int = 3, **more: Any
) -> WrittenRules:
    writer = ModelRules(Scripted(replies), samples=samples)
    return writer.write(TABLE, SCHEMA, np.random.default_rng(0), **more)


def said(written: WrittenRules) -> list[str]:
    return [rule.described() for rule in written.rules]


ORDER = {"kind": "order", "columns": ["came", "left"], "why": "first one comes", "confidence": 0.9}


def test_rules_of_the_majority_are_kept_and_measured() -> None:
    odd = {"kind": "range", "column": "left", "min": 0, "confidence": 0.4}
    written = write([reply(ORDER, "age >= 18"), reply("came <= left"), reply(odd)])
    assert said(written) == ["came <= left"]
    rule = written.rules.rules[0]
    assert (rule.source, rule.support, rule.violation_rate) == (Source.LLM, TABLE.height, 0.0)
    assert (rule.why, rule.hard) == ("first one comes", True)
    outcome = {
        result.rule.described(): (result.votes, result.dropped) for result in written.proposals
    }
    assert outcome["came <= left"] == (2, "")
    assert outcome["0 <= left" if "0 <= left" in outcome else "0.0 <= left"][0] == 1
    assert "2 are needed" in outcome["age >= 18"][1]
    assert (written.usage.calls, written.n_samples, written.refused) == (3, 3, [])
    assert written.proposals[0].confidence == 0.9


@pytest.mark.parametrize(
    ("proposed", "kept"),
    [
        (["age <= 95", "age <= 100", "age <= 120"], "age <= 100"),
        (["age BETWEEN 20 AND 92", "age >= 18", "age < 20 OR age >= 19"], "age >= 18"),
        (["came <= left", "came < left + 1", "job = 'clerk'"], "came < left + 1"),
        (
            [
                {"kind": "implies", "if": "job = 'retired'", "then": "age >= 60"},
                {"kind": "forbid", "all": ["age < 60", "job = 'retired'"]},
                "age >= 60 OR job IN ('clerk', 'smith')",
            ],
            "if job = 'retired' then age >= 60",
        ),
        (
            [
                {"kind": "fd", "from": ["age"], "to": "job"},
                {"kind": "fd", "from": ["age", "came"], "to": "job"},
                {"kind": "fd", "from": ["age", "left"], "to": "job"},
            ],
            None,
        ),
        (
            [
                {"kind": "quota", "where": "job = 'retired'", "share": [0.3, 0.4]},
                {"kind": "quota", "where": "job = 'retired'", "share": [0.2, 0.5]},
                {"kind": "quota", "where": "job = 'retired'", "share": [0.1, 0.9]},
            ],
            "20.0% to 50.0% of the rows: job = 'retired'",
        ),
        ([{"kind": "unique", "columns": ["age", "came"]}] * 3, None),
    ],
)
def test_a_stronger_rule_votes_for_the_weaker(proposed: list[Any], kept: str | None) -> None:
    written = write([reply(rule) for rule in proposed])
    if kept is None:
        assert all("break it" in result.dropped or result.votes < 2 or not result.dropped
                   for result in written.proposals)  # fmt: skip
    else:
        assert said(written) == [kept]


def test_a_rule_that_few_rows_break_becomes_soft_and_one_that_most_break_goes() -> None:
    share = (TABLE["age"] > 85).mean()
    assert isinstance(share, float)
    assert share > 0.005
    written = write([reply("age <= 85", "age > 85")] * 3)
    (rule,) = written.rules
    assert not rule.hard
    assert rule.probability == pytest.approx(1 - share)
    dropped = [result for result in written.proposals if result.dropped]
    assert "real rows it speaks of break it" in dropped[0].dropped


def test_what_the_model_may_not_decide_is_measured_instead() -> None:
    greedy = {
        "expression": "age <= 85", "intervention": True, "severity": "soft", "weight": 9,
        "support": 10**6, "source": "human", "name": "mine\x1b[31m", "why": "so\x1b[31m",
    }  # fmt: skip
    (rule,) = write([reply(greedy)] * 3).rules
    assert (rule.intervention, rule.weight, rule.source, rule.name) == (
        False, None, Source.LLM, "r1",
    )  # fmt: skip
    assert rule.support == TABLE.height
    assert "\x1b" not in rule.why


def test_control_characters_of_a_model_go_no_further() -> None:
    written = write([reply("surname <> '\x1b[31m'")] * 3 + [reply()])
    assert len(written.rules) == 0
    assert {item.reason for item in written.refused} == {"it holds control characters"}
    assert all("\x1b" not in item.text for item in written.refused)


def test_rules_that_contradict_each_other_are_thinned_by_votes() -> None:
    strong, weak = "age >= 20", "age < 20 OR came < 0"
    written = write([reply(strong, weak), reply(strong, weak), reply(strong, "came >= 0")])
    assert "age >= 20" in said(written)
    assert validate_rules(written.rules, SCHEMA).errors == []


def test_what_is_implied_is_said_once() -> None:
    written = write([reply("age >= 20", "age >= 18")] * 3)
    assert said(written) == ["age >= 20"]
    assert [result.dropped for result in written.proposals if result.dropped] == [
        "other rules imply it"
    ]


def test_a_bad_rule_loses_itself_alone_and_is_given_back_once() -> None:
    bad = {"kind": "range", "column": "agee", "max": 99}
    mended = {"number": 1, "kind": "range", "column": "age", "max": 99}
    script = Scripted([reply(bad, "came <= left"), reply("age <= 99"), reply(), reply(mended)])
    written = ModelRules(script).write(TABLE, SCHEMA, np.random.default_rng(0))
    assert said(written) == ["age <= 99.0"] or said(written) == ["age <= 99"]
    assert written.usage.calls == 4
    assert script.prompts[-1].stage == "repair"
    assert "did you mean 'age'" in script.prompts[-1].text
    assert written.refused == []
    again = write([reply(bad), reply(bad), reply(), "no idea"])
    assert [item.sample for item in again.refused] == [0, 1]
    assert len(again.rules) == 0


def test_a_bad_rule_that_a_model_repeats_is_given_back_once() -> None:
    bad = [{"kind": "unique", "columns": ["agee"], "why": f"reason {n}"} for n in range(9)]
    others = [{"kind": "range", "column": f"age{n}", "max": 99} for n in range(30)]
    mended = {"number": 1, "kind": "check", "expression": "came <= left"}
    script = Scripted([reply(*bad), reply(*bad, *others), reply(), reply(mended)])
    written = ModelRules(script).write(TABLE, SCHEMA, np.random.default_rng(0))
    assert script.prompts[-1].text.count('"number": ') == 12, "small models write forty of them"
    assert said(written) == ["came <= left"], "both samples that said so get the mended rule"


def test_only_what_is_allowed_leaves() -> None:
    class Told(Scripted):
        def __init__(self, sharing: Sharing, replies: Sequence[str]) -> None:
            super().__init__(replies)
            self.sharing = sharing

    wrong = reply("job = 'retird'", "surname = 'Secret'")
    for sharing in (Sharing("schema"), Sharing("summary", ("job",)), Sharing("rows", ("job",))):
        model = Told(sharing, [wrong] * 3 + [reply()])
        ModelRules(model).write(TABLE, SCHEMA, np.random.default_rng(0))
        text = "\n".join(prompt.text for prompt in model.prompts)
        assert len(model.prompts) == 4
        assert "retired" not in text.replace("job = 'retired'", "")  # the grammar has it too
        assert "Secret1" not in text
        assert ("quantiles" in text) == sharing.allows("summary")
        assert ('"association"' in text) == sharing.allows("summary")
        assert all("job" not in prompt.sent for prompt in model.prompts)


def test_associations_leave_out_what_is_redacted() -> None:
    result = strongest_associations(TABLE, SCHEMA, without=["left"])
    assert result[0][:2] == ("age", "job")
    assert all("left" not in pair for pair in result)
    assert strongest_associations(TABLE, SCHEMA)[0][:2] == ("came", "left")
    assert strongest_associations(TABLE[:0], SCHEMA) == []


def test_a_cap_after_the_majority_still_gives_rules() -> None:
    cap = BudgetError("the cap of 2 calls is reached")
    written = write([reply(ORDER), reply(ORDER), cap])
    assert said(written) == ["came <= left"]
    assert written.stopped is cap
    assert "2 of 3 replies" in written.notes[0]
    with pytest.raises(BudgetError):
        write([reply(ORDER), cap])
    unmended = write([reply(ORDER, "agee > 3")] * 3 + [cap])
    assert said(unmended) == ["came <= left"]
    assert "was not corrected" in unmended.notes[0]


def test_rules_that_were_tried_are_shown_with_their_rate_where_that_may_leave() -> None:
    tried = validate_rules(as_rules(["age <= 85"]), SCHEMA, TABLE).rules
    script = Scripted([reply()] * 3)
    ModelRules(script).write(TABLE, SCHEMA, np.random.default_rng(0), tried=tried)
    assert "age <= 85" in script.prompts[0].text
    assert '"broken by a share of"' in script.prompts[0].text
    for sharing in (Sharing("schema"), Sharing("rows", redact=("age",))):
        assert "85" not in RuleQuestion(SCHEMA, TABLE, sharing, tried).prompt(0).text
    own = Rules(rules=[rule.model_copy(update={"source": Source.LLM}) for rule in tried])
    text = RuleQuestion(SCHEMA, TABLE, Sharing("schema"), own).prompt(0).text
    assert "age <= 85" in text
    assert "broken by a share of" not in text


def test_the_number_of_calls_does_not_depend_on_the_number_of_rows() -> None:
    calls = []
    for n in (50, 4_000):
        frame = patients(n)
        model = StandIn(frame, target="job")
        written = ModelRules(model).write(
            frame, infer_schema(frame, target="job"), np.random.default_rng(1)
        )
        calls.append(len(model.prompts))
        assert len(written.rules) >= 3
        assert all(rule.violation_rate == 0 for rule in written.rules)
    assert calls == [3, 3]


def test_a_faulty_model_costs_rules_and_nothing_else() -> None:
    model = StandIn(TABLE, faults=Faults(invalid=0.3, truncated=0.3, obedience=0.5))
    for seed in range(5):
        written = ModelRules(model, samples=5).write(TABLE, SCHEMA, np.random.default_rng(seed))
        assert validate_rules(written.rules, SCHEMA, TABLE).errors == []


def test_rules_of_a_person_are_taken_as_they_are_or_refused_together() -> None:
    rng = np.random.default_rng(0)
    person = write_template(["came <= left"], None, TABLE, SCHEMA, rng)
    assert said(person) == ["came <= left"]
    assert person.source == Source.HUMAN
    with pytest.raises(RuleError, match="cannot hold together"):
        write_template(["age > 60", "age < 20"], None, TABLE, SCHEMA, rng)


def test_the_miner_writes_the_hard_rules_of_twenty_rows_or_more() -> None:
    rng = np.random.default_rng(0)
    mined = write_template(None, None, TABLE, SCHEMA, rng)
    assert mined.source == Source.MINED
    assert "came <= left" in said(mined)
    assert all(rule.hard for rule in mined.rules)
    few = write_template(None, None, TABLE.head(19), SCHEMA, rng)
    assert len(few.rules) == 0
    assert few.notes == ["no rules were mined from 19 rows"]


def test_no_more_rules_are_read_than_were_asked_for() -> None:
    many = reply(*[f"age <> {i}" for i in range(200)])
    assert len(read_rules(many, SCHEMA).bound) == MAX_RULES


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([*SCHEMA.names, "age > 3", "job = 'clerk'", "came + left", "retired"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*SCHEMA.names, "retired", "a"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
FIELDS = [
    *("kind", "expression", "if", "then", "a", "b", "all", "column", "min", "max", "columns"),
    *("strictly", "terms", "op", "value", "tolerance", "on", "attribute", "pairs", "from", "to"),
    *("map", "given", "dist", "where", "share", "min_rows", "severity", "weight", "why"),
]
KINDS = [
    *("check", "implies", "iff", "forbid", "range", "order", "linear", "align", "formula", "fd"),
    *("conditional", "quota", "unique", "whim"),
]
WILD = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5).flatmap(
    lambda rule: st.sampled_from(KINDS).map(lambda kind: {**rule, "kind": kind})
)


def tame(column: str) -> list[Any]:
    return [
        {"kind": "range", "column": column, "min": 5, "max": 1e400},
        {"kind": "range", "column": column, "max": float("nan")},
        {"kind": "linear", "terms": {column: float("inf")}, "op": "<=", "value": 3},
        {"kind": "formula", "column": column, "expression": "age / 0"},
        {"kind": "conditional", "column": column, "dist": {"retired": 1.0}},
        {"kind": "fd", "from": ["came"], "to": column, "map": {"1": "2"}},
        {"kind": "align", "on": column, "attribute": "job", "pairs": {"x": ["retired", 3]}},
        {"kind": "quota", "where": f"{column} IS NULL", "share": [0, 0]},
        {"kind": "order", "columns": [column, column]},
        {"kind": "unique", "columns": [column]},
    ]


@given(st.lists(WILD | VALUES, max_size=4) | st.text(max_size=200))
@settings(max_examples=150)
def test_any_reply_gives_rules_that_validate(content: Any) -> None:
    text = content if isinstance(content, str) else json.dumps({"rules": content})
    written = write([text] * 3 + [text], samples=3)
    assert validate_rules(written.rules, SCHEMA, TABLE).errors == []


COLUMN = st.sampled_from(["age", "came", "left"])
NUMBER = st.integers(-5, 400)
JOB = st.sampled_from(["clerk", "smith", "retired"])
ATOM = st.one_of(
    st.builds("{} {} {}".format, COLUMN, st.sampled_from(["=", "<>", "<", ">="]), NUMBER),
    st.builds("{} <= {}".format, COLUMN, COLUMN),
    st.builds("job <> '{}'".format, JOB),
    st.builds("{} BETWEEN {} AND {}".format, COLUMN, NUMBER, NUMBER),
)
EXPRESSION = ATOM | st.builds("NOT ({} AND {})".format, ATOM, ATOM)
READABLE = st.one_of(
    EXPRESSION,
    st.builds(lambda a, b: {"kind": "iff", "a": a, "b": b}, EXPRESSION, EXPRESSION),
    st.builds(lambda a, b: {"kind": "order", "columns": [a, b]}, COLUMN, COLUMN),
    st.builds(lambda a, b: {"kind": "unique", "columns": [a, b]}, COLUMN, COLUMN),
    st.builds(lambda a, b: {"kind": "fd", "from": [a], "to": b}, COLUMN, COLUMN),
    st.builds(
        lambda a, b, n: {"kind": "linear", "terms": {a: n, b: -1}, "op": "<=", "value": n},
        COLUMN, COLUMN, NUMBER,
    ),
    st.builds(
        lambda a, b: {"kind": "formula", "column": a, "expression": f"{b} / 2"}, COLUMN, COLUMN
    ),
    st.builds(lambda w, n: {"kind": "quota", "where": w, "share": [0, n / 100]}, EXPRESSION,
              st.integers(0, 100)),
)  # fmt: skip


@given(st.lists(st.lists(READABLE, max_size=4), min_size=3, max_size=3), st.booleans())
@settings(max_examples=40)
def test_readable_rules_end_as_rules_or_with_a_reason(
    replies: list[list[Any]], alike: bool
) -> None:
    texts = [reply(*rules) for rules in (replies[:1] * 3 if alike else replies)]
    written = write([*texts, reply()])
    assert validate_rules(written.rules, SCHEMA, TABLE).errors == []
    kept = [result.rule for result in written.proposals if not result.dropped]
    assert kept == list(written.rules)
    assert all(rule.violation_rate is not None for rule in kept)


@pytest.mark.parametrize("column", SCHEMA.names)
def test_strange_rules_on_every_kind_of_column(column: str) -> None:
    for rule in tame(column):
        written = write([reply(rule)] * 3 + [reply()])
        assert validate_rules(written.rules, SCHEMA, TABLE).errors == []


def test_the_prompt_asks_for_json_and_carries_the_role() -> None:
    script = Scripted([reply()] * 3)
    ModelRules(script).write(TABLE, SCHEMA, np.random.default_rng(0))
    assert {prompt.role for prompt in script.prompts} == {"rules"}
    assert len({prompt.seed for prompt in script.prompts}) == 3
    assert len({prompt.text for prompt in script.prompts}) == 1
    first: Prompt = script.prompts[0]
    assert first.accept is not None
    assert first.accept("I cannot") == "no rule in the reply"
    assert first.accept('{"rules": []}') is None


def test_schemas_without_values_still_get_rules() -> None:
    plain = Schema.build({name: SCHEMA[name].kind for name in SCHEMA.names})
    written = ModelRules(Scripted([reply("job = 'x' OR age > 0")] * 3)).write(
        TABLE, plain, np.random.default_rng(0)
    )
    assert len(written.rules) == 1


def _unbounded(schema: Any) -> list[Any]:
    """Lists and texts of a JSON Schema that may be of any length."""
    inner = (
        schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    )
    found = [one for part in inner for one in _unbounded(part)]
    limits = {"array": "maxItems", "string": "maxLength"}
    kind = schema.get("type") if isinstance(schema, dict) else None
    return (
        [*found, schema]
        if isinstance(kind, str) and limits.get(kind, "type") not in schema
        else found
    )


def test_no_list_and_no_text_of_a_reply_goes_on_without_end() -> None:
    assert _unbounded(reply_schema(infer_schema(patients()))) == []
