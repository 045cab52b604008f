"""What a real model wrote is read offline, by every reader of replies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.rows.parser import FORMATS, parse_rows
from tablewright.llm.rows.requests import request_rows
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Schema
from tablewright.systems.common.rule_writing.votes import read_rules
from tablewright.systems.team_then_trim.plan_reading import read_text

RECORDED = json.loads((Path(__file__).parent / "replies" / "iris_qwen_0.5b.json").read_text())
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
    for one in RECORDED["replies"]:
        for form in FORMATS:
            parsed = parse_rows(one["reply"], SCHEMA, form)
            assert parsed.n_rows >= len(parsed.rows)
        for bound in read_rules(one["reply"], SCHEMA).bound:
            assert set(bound.columns) <= set(SCHEMA.names)
        draft = read_text(one["reply"])
        assert draft is None or draft.parts is not None
