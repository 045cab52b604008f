"""Record what a model file answers to one prompt of each kind, as replies that tests replay.

    python -m benchmarks.real_models.record MODEL.gguf --out replies.json

Tables are scikit-learn's iris and a simulated one with a column of texts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.real_models.tables import load
from tablewright import EPIC
from tablewright.errors import TablewrightError
from tablewright.llm import Prompt, Reply, connect
from tablewright.llm.endpoint.base import LLM
from tablewright.selection.label_model import LabelModel
from tablewright.systems.common.rule_writing.writer import ModelRules
from tablewright.systems.htdbu.system import HTDBU
from tablewright.systems.htdbu.texts import TextColumn
from tablewright.systems.team_then_trim.manager import ask_for_plan
from tablewright.tables.inference.casting import typed
from tablewright.tables.inference.infer import infer_schema

NOTES = {
    "good": ["warm and friendly staff", "clean room, kind nurse", "quick help, thank you"],
    "bad": ["waited for three hours", "cold food and a rude guard", "nobody came all night"],
}


class Recorder:
    """Keeps prompts and replies."""

    def __init__(self, llm: LLM) -> None:
        self.llm, self.sharing = llm, llm.sharing
        self.replies: list[dict[str, Any]] = []

    def complete(self, prompt: Prompt) -> Reply:
        """Answer, and write it down."""
        reply = self.llm.complete(prompt)
        self.replies.append({
            "role": prompt.role, "stage": prompt.stage, "prompt": prompt.messages[-1].content,
            "completion": prompt.completion, "reply": reply.text, "finish": reply.finish,
            "logprobs": [dict(one) for one in reply.logprobs],
        })  # fmt: skip
        return reply


def simulated() -> pl.DataFrame:
    """Make a table with a column of texts."""
    rng = np.random.default_rng(0)
    rating = rng.choice(list(NOTES), 24)
    texts = [f"{rng.choice(NOTES[name])} on day {k}" for k, name in enumerate(rating)]
    return pl.DataFrame({"age": rng.integers(20, 80, 24), "note": texts, "rating": rating})


def parts() -> list[Callable[[Recorder], object]]:
    """Return what asks one prompt or a few."""
    iris, notes = load("iris", 0, None).train, simulated()
    schema = infer_schema(iris, {}, "species")
    texts = TextColumn("note", "rating", texts="model")
    kinds = {"note": "text", "rating": "categorical"}
    return [
        lambda llm: EPIC("species", llm=llm, random_state=0, rows_per_class=3).fit(iris).sample(9),
        lambda llm: ask_for_plan(llm, schema, table=iris),
        lambda llm: ModelRules(llm, samples=1).write(iris, schema, np.random.default_rng(0)),
        lambda llm: LabelModel(schema, "species", llm).fit(typed(iris[:6], schema)),
        lambda llm: HTDBU("rating", rules=[], texts=texts, llm={"text": llm}, random_state=0,
                          schema=infer_schema(notes, kinds, "rating")).fit(notes).sample(4),
    ]  # fmt: skip


def main() -> None:
    """Ask, and write the file after each part."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with connect(f"gguf:{options.model}?threads=1", max_minutes=10) as client:
        recorder = Recorder(client)
        for part in parts():
            with suppress(TablewrightError):
                part(recorder)
            facts = {"model": f"{Path(options.model).name}, llama.cpp, one thread"}
            content = {**facts, "replies": recorder.replies}
            options.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
