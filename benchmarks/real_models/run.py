"""Let each system write rows with a model file, and see what they are worth.

    python -m benchmarks.real_models.run MODEL.gguf --out runs.jsonl [--data DIR] [--systems epic]

Each run is added to the file as a line of JSON; `python -m benchmarks.real_models.report` makes the
page of it. A run is capped in minutes, and what it has by then counts.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.real_models.tables import TABLES, Split, load
from benchmarks.real_models.worth import worth
from tablewright import CLLM, EPIC, TeamThenTrim
from tablewright.errors import ModelError
from tablewright.llm import connect
from tablewright.selection.label_model import LabelModel
from tablewright.tables.inference.casting import typed
from tablewright.tables.inference.infer import infer_schema

SYSTEMS: dict[str, Any] = {
    "epic": lambda split, llm: EPIC(split.target, llm=llm, random_state=0),
    "cllm": lambda split, llm: CLLM(split.target, llm=llm, topic=split.about, random_state=0),
    "team-then-trim": lambda split, llm: TeamThenTrim(split.target, llm=llm, random_state=0),
}


def write_rows(name: str, split: Split, model: str, minutes: float, n_rows: int) -> dict[str, Any]:
    """Let a system write rows with the model, and without one."""
    with tempfile.TemporaryDirectory() as run:
        client = connect(f"gguf:{model}?threads=1", run=run, max_minutes=minutes)
        began = time.monotonic()
        with client:
            system = SYSTEMS[name](split, client).fit(split.train)
            try:
                rows = system.sample(n_rows)
            except ModelError as error:
                return {"error": str(error), **_counted(Path(run))}
            seconds = time.monotonic() - began
        counted = _counted(Path(run))
    result = system.result_
    local = SYSTEMS[name](split, None).fit(split.train).sample(max(1, rows.height))
    reasons = Counter(result.rejected["_stage"].to_list()) if result.rejected.height else {}
    return {
        "kept": rows.height, "proposed": result.n_proposed, "seconds": round(seconds),
        "unreadable": dict(result.parse_errors), "rejected": dict(reasons),
        "equal to a real row": rows.join(split.train, on=rows.columns, how="semi").height,
        "estimate": estimate(name, split, model, n_rows), "bill": result.usage.tokens,
        "calls": result.usage.attempts, **counted,
        "worth": {"real": worth(split), "+ model rows": worth(split, rows),
                  "+ local rows": worth(split, local)},
    }  # fmt: skip


def estimate(name: str, split: Split, model: str, n_rows: int) -> int:
    """Return the tokens that a dry run expects."""
    with connect(f"gguf:{model}", dry_run=True) as client:
        SYSTEMS[name](split, client).fit(split.train).sample(n_rows)
        return client.spending().tokens


def write_labels(split: Split, model: str, minutes: float, n_rows: int) -> dict[str, Any]:
    """Draw rows on this machine, and their labels from probabilities of the model."""
    schema = infer_schema(split.train, {}, split.target)
    local = SYSTEMS["epic"](split, None).fit(split.train).sample(n_rows)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as run,
        connect(f"gguf:{model}?threads=1", run=run, max_minutes=minutes) as client,
    ):
        judge = LabelModel(schema, split.target, client, split.about)
        try:
            judge.fit(typed(split.train, schema))
            labels = judge.predict(typed(local.drop(split.target), _without(schema, split.target)))
        except ModelError as error:
            return {"error": str(error)}
        spent = client.spending()
    if labels.scores is None:
        best = [labels.classes[k] for k in labels.probabilities.argmax(axis=1)]
    else:
        best = labels.expected().tolist()
    dtype = split.train.schema[split.target]
    named = local.with_columns(pl.Series(split.target, best, strict=False).cast(dtype))
    return {
        "kept": named.height, "seconds": round(time.monotonic() - began), "calls": spent.calls,
        "bill": spent.tokens, "weight": round(labels.weight, 2),
        "worth": {"real": worth(split), "+ local rows": worth(split, local),
                  "+ probabilities": worth(split, named)},
    }  # fmt: skip


def _without(schema: Any, target: str) -> Any:
    columns = [column for column in schema.each() if column.name != target]
    return schema.model_copy(update={"columns": columns, "target": None})


def _counted(run: Path) -> dict[str, Any]:
    """Add up what the engine told for each call."""
    with sqlite3.connect(f"file:{run / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
        row = ledger.execute(
            "select count(*), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), "
            "sum(counted = 0), sum(outcome = 'ok'), sum(latency) from calls"
        ).fetchone()
    names = ["ledger calls", "read", "written", "cached", "not counted", "usable", "busy seconds"]
    return dict(zip(names, [value or 0 for value in row], strict=True))


def main() -> None:
    """Make the runs that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--systems", nargs="*", default=[*SYSTEMS, "labels"])
    parser.add_argument("--tables", nargs="*", default=list(TABLES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    for table in options.tables:
        split = load(table, options.seed, options.data)
        for name in options.systems:
            load_before = os.getloadavg()[0]
            if name == "labels":
                entry = write_labels(split, options.model, options.minutes, options.rows)
            else:
                entry = write_rows(name, split, options.model, options.minutes, options.rows)
            facts = {
                "model": Path(options.model).name, "table": table, "system": name,
                "seed": options.seed, "asked": options.rows, "load": round(load_before, 1),
            }  # fmt: skip
            with options.out.open("a") as file:
                file.write(json.dumps({**facts, **entry}) + "\n")
            print(facts, entry, flush=True)


if __name__ == "__main__":
    main()
