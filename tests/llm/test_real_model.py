"""The whole path with a real small model, where its file is given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from tablewright.llm import Prompt, connect
from tablewright.llm.closed_answers import choice_probabilities
from tablewright.schema import Schema
from tablewright.selection.label_model import LabelModel

FILE = os.environ.get("TABLEWRIGHT_TEST_GGUF", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FILE, reason="TABLEWRIGHT_TEST_GGUF names no model file"),
]
pytest.importorskip("xllamacpp")

MODEL = f"gguf:{FILE}?threads=1&context=4096"


def test_it_writes_by_schema_answers_closed_questions_and_replays(tmp_path: Path) -> None:
    word = {"type": "string", "enum": ["red", "green", "blue"]}
    colours = {"type": "array", "items": word, "minItems": 4, "maxItems": 4}
    write = Prompt.ask("Name four colours.", schema=colours, max_tokens=80, seed=3)
    asked = [Prompt.ask(f"The colour of {thing} is", "Answer with one word: green or red.")
             for thing in ("grass", "blood")]  # fmt: skip
    with connect(MODEL, run=tmp_path) as client:
        text = client.complete(write).text
        result = choice_probabilities(client, asked, ["green", "red"])
        spending = client.spending()
    assert pl.Series(json.loads(text)).is_in(["red", "green", "blue"]).all()
    assert result.values[0, 0] > result.values[1, 0]
    assert (spending.calls, spending.counted, spending.cost) == (3, True, 0.0)
    with connect(MODEL, run=tmp_path, replay=True) as client:
        assert client.complete(write).text == text
        again = choice_probabilities(client, asked, ["green", "red"])
    assert (again.values == result.values).all()


def test_it_labels_rows_with_and_without_real_ones(tmp_path: Path) -> None:
    ill = {"kind": "categorical", "categories": ["no", "yes"]}
    schema = Schema.build({"fever": "integer", "ill": ill}, target="ill")
    train = pl.DataFrame({"fever": [36, 37, 40, 41], "ill": ["no", "no", "yes", "yes"]})
    asked = pl.DataFrame({"fever": [36, 41]})
    with connect(MODEL, run=tmp_path) as client:
        alone = LabelModel(schema, "ill", client).fit().predict(asked)
        updated = LabelModel(schema, "ill", client).fit(train).predict(asked)
    assert alone.weight == pytest.approx(1.0)
    assert alone.unanswered == 0
    assert updated.weight < alone.weight
    assert updated.probabilities[1, 1] > updated.probabilities[0, 1]
