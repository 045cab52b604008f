"""What a real model wrote is read offline, by every reader of replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.errors import ModelError
from tablewright.llm import Prompt, Reply
from tablewright.llm.closed_answers import choice_probabilities
from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.rows.parser import FORMATS, parse_rows
from tablewright.llm.rows.requests import request_rows
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Schema
from tablewright.systems.common.rule_writing.votes import read_rules
from tablewright.systems.epic.system import EPIC
from tablewright.systems.team_then_trim.manager import ask_for_plan
from tablewright.systems.team_then_trim.plan_reading import read_text
from tablewright.tables.inference.infer import infer_schema

REPLIES = Path(__file__).parent / "replies"
RECORDED = json.loads((REPLIES / "iris_qwen_0.5b.json").read_text())
LARGER = json.loads((REPLIES / "iris_qwen_1.5b.json").read_text())
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
CLASSES = ["setosa", "versicolor", "virginica"]
SCHEMA = Schema.build(
    {
        **{name: {"kind": "continuous", "decimals": 1} for name in NAMES},
        "species": {"kind": "categorical", "categories": CLASSES},
    },
    target="species",
)


def recorded(role: str) -> dict[str, Any]:
    return next(one for one in RECORDED["replies"] if one["role"] == role)


def test_a_small_model_repeats_examples_and_its_new_rows_are_kept() -> None:
    writer = recorded("writer")
    shown = parse_rows(writer["prompt"].split("Real rows:")[1].split("</data>")[0], SCHEMA)
    examples = pl.DataFrame([row.cells for row in shown.rows])
    assert examples.height == 20
    task = RowTask(SCHEMA, examples=lambda batch: examples)
    written = request_rows(Scripted([writer["reply"]]), task, 8, rounds=1)
    assert len(written.rows) == 4
    assert written.reasons() == {"it is an example of the prompt": 4}


def test_every_reader_takes_every_recorded_reply() -> None:
    for one in [*RECORDED["replies"], *LARGER["replies"]]:
        for form in FORMATS:
            parsed = parse_rows(one["reply"], SCHEMA, form)
            assert parsed.n_rows >= len(parsed.rows)
        for bound in read_rules(one["reply"], SCHEMA).bound:
            assert set(bound.columns) <= set(SCHEMA.names)
        draft = read_text(one["reply"])
        assert draft is None or draft.parts is not None


def test_code_behind_a_table_costs_its_own_lines_alone() -> None:
    epic = next(one for one in LARGER["replies"] if one["role"] == "epic")
    schema = infer_schema(iris(), {}, "species")
    names = ["species", *(name for name in schema.names if name != "species")]
    ordered = schema.model_copy(update={"columns": [schema[name] for name in names]})
    parsed = parse_rows(epic["reply"], ordered, FORMATS["csv"], margin=None)
    assert len(parsed.rows) == 15
    assert all("fields" in one.reason or "not among" in one.reason for one in parsed.lost)


def test_what_a_model_repeats_as_a_rule_is_refused_with_few_reasons() -> None:
    rules = next(one for one in LARGER["replies"] if one["role"] == "rules")
    schema = infer_schema(iris(), {}, "species")
    found = read_rules(rules["reply"], schema)
    assert len(found.bound) + len(found.refused) >= 20
    assert len({rule.rule.described() for rule in found.bound}) <= 2


READERS = json.loads((REPLIES / "readers.json").read_text())


def replies_of(role: str) -> list[Reply]:
    return [
        Reply(one["reply"], logprobs=tuple(one.get("logprobs", ())))
        for one in READERS["replies"]
        if one["role"] == role
    ]


def iris() -> pl.DataFrame:
    """The rows that the recorded prompts were made from."""
    return pl.DataFrame(READERS["iris"])


def test_a_table_that_was_gone_on_with_as_plain_text_is_read_and_copies_are_told() -> None:
    script = Scripted([*replies_of("writer"), *[ModelError("over")] * 9])
    system = EPIC("species", llm=script, random_state=0, rows_per_class=3).fit(iris())
    rows = system.sample(9)
    assert rows.height == 9
    assert rows["species"].value_counts()["count"].to_list() == [3, 3, 3]
    assert rows.join(iris(), on=rows.columns, how="semi").height == 0
    assert system.result_.parse_errors["it is an example of the prompt"] > 0


def test_a_plan_that_is_the_example_of_its_prompt_is_no_plan() -> None:
    schema = infer_schema(iris(), {}, "species")
    plan = ask_for_plan(Scripted(replies_of("manager")), schema, table=iris())
    assert plan.made == "fallback"
    assert "the form's own words" in plan.repairs[0].fault


def test_a_model_of_135_million_says_the_same_of_every_iris() -> None:
    replies = replies_of("label")
    result = choice_probabilities(Scripted(replies), [Prompt.ask("?")] * len(replies), list("ABC"))
    assert (result.values.argmax(axis=1) == 0).all()


def test_rules_that_name_a_column_twice_and_replies_that_were_cut_are_no_rules() -> None:
    schema = infer_schema(iris(), {}, "species")
    for reply in replies_of("rules"):
        assert read_rules(reply.text, schema).bound == []


def test_texts_are_read_from_a_reply_that_is_written_over_many_lines() -> None:
    schema = Schema.build({"note": "text"})
    parsed = parse_rows(replies_of("text")[0].text, schema)
    assert [row.cells["note"] for row in parsed.rows] == ["Bad", "Good"] * 2
