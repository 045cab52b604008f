"""What the gate of relations costs and finds: real rows, rows with a changed cell, a model's rows.

    python -m benchmarks.real_models.relations --data DIR [--draws 10] [--runs runs.jsonl]

Real rows are drawn anew each time; held-out ones are judged as they are, and with one cell put in
from another row. The rows of runs (`benchmarks.real_models.run`) are judged by the real rows that
their model was shown, and their worth is measured with and without those that go, and of as many
drawn at random.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer

from benchmarks.measure import markdown
from benchmarks.real_models.tables import load
from benchmarks.real_models.worth import worth
from tablewright.selection.relations import Relations
from tablewright.systems.common.base import FALSE_ALARMS
from tablewright.tables.inference.casting import typed
from tablewright.tables.inference.infer import infer_schema

SIZES = (20, 30, 40, 60, 100)
N_HELD = 200
N_RANDOM = 5


def tables(data: Path) -> Iterator[tuple[str, pl.DataFrame, str]]:
    """Give each table with its target."""
    for name in ("iris", "travel", "insurance"):
        split = load(name, 0, data)
        yield name, pl.concat([split.train, split.test]), split.target
    bunch = load_breast_cancer()
    frame = pl.DataFrame(bunch.data[:, :10], schema=list(bunch.feature_names[:10]))
    kinds = pl.Series("diagnosis", [str(bunch.target_names[code]) for code in bunch.target])
    yield "breast cancer", frame.with_columns(kinds), "diagnosis"
    yield "adult", pl.read_csv(data / "tabular/adult.csv", null_values=["?"])[:5000], "salary"


def gate(train: pl.DataFrame, target: str, seed: int) -> tuple[Relations, Any]:
    """Fit the gate as systems do."""
    schema = infer_schema(train).model_copy(update={"target": target})
    check = Relations(false_alarms=FALSE_ALARMS)
    return check.fit(typed(train, schema), schema, np.random.default_rng(seed)), schema


def changed(rows: pl.DataFrame, names: list[str], rng: np.random.Generator) -> pl.DataFrame:
    """Give each row another row's cell in one of some columns, one that differs."""
    cells = {name: rows[name].to_list() for name in rows.columns}
    for row in range(rows.height):
        name = names[int(rng.integers(len(names)))]
        others = [cell for cell in rows[name].to_list() if cell != cells[name][row]]
        if others:
            cells[name][row] = others[int(rng.integers(len(others)))]
    return pl.DataFrame({name: pl.Series(cells[name], dtype=rows.schema[name]) for name in cells})


def on_real_rows(data: Path, draws: int) -> list[dict[str, Any]]:
    """Measure how many real rows go, and how many with a changed cell or label."""
    lines = []
    for name, frame, target in tables(data):
        for n_real in (n for n in SIZES if n + 50 <= frame.height):
            lost = defaultdict(list)
            for draw in range(draws):
                rows = frame.sample(n_real + N_HELD, shuffle=True, seed=draw) if (
                    frame.height >= n_real + N_HELD
                ) else frame.sample(fraction=1.0, shuffle=True, seed=draw)  # fmt: skip
                train, held = rows[:n_real], rows[n_real:]
                check, schema = gate(train, target, draw)
                rng = np.random.default_rng(draw)
                kinds = {
                    "real rows that go": held,
                    "with a changed cell": changed(held, held.columns, rng),
                    "with a changed label": changed(held, [target], rng),
                }
                for kind, judged in kinds.items():
                    keep = check.judge(typed(judged, schema), rng).keep
                    lost[kind].append(1 - keep.mean())
            told = {kind: interval(values) for kind, values in lost.items()}
            lines.append({"table": name, "real rows": n_real, **told})
    return lines


def interval(values: list[float]) -> str:
    """Write the mean and its standard error."""
    return f"{np.mean(values):.3f} ({np.std(values, ddof=1) / np.sqrt(len(values)):.3f})"


def on_written_rows(data: Path, runs: Path) -> list[dict[str, Any]]:
    """Judge the rows that runs of a model kept, and measure their worth."""
    lines = []
    for entry in map(json.loads, runs.read_text().splitlines()):
        if entry["system"] not in ("epic", "cllm") or not entry.get("rows"):
            continue
        split = load(entry["table"], entry["seed"], data)
        check, schema = gate(split.train, split.target, 0)
        rows = pl.DataFrame(entry["rows"]).select(split.train.columns)
        rows = rows.cast(dict(split.train.schema), strict=False)
        keep = check.judge(typed(rows, schema), np.random.default_rng(0)).keep
        held = check.judge(typed(split.test, schema), np.random.default_rng(0)).keep
        n_kept = int(keep.sum())
        drawn = [worth(split, rows.sample(n_kept, seed=seed)) for seed in range(N_RANDOM)]
        lines.append(
            {
                "table": entry["table"], "system": entry["system"], "seed": entry["seed"],
                "rows": rows.height, "pass": n_kept, "held-out real rows that go": 1 - held.mean(),
                "real alone": _pair(worth(split)), "+ all": _pair(worth(split, rows)),
                "+ those that pass": _pair(worth(split, rows.filter(pl.Series(keep)))),
                "+ as many at random": _pair(np.mean(drawn, axis=0)),
            }
        )  # fmt: skip
    return sorted(lines, key=lambda line: (line["system"], line["table"], line["seed"]))


def _pair(values: Any) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


def main() -> None:
    """Measure, and print both tables."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--runs", type=Path)
    given = parser.parse_args()
    if given.runs is not None:
        print(markdown(on_written_rows(given.data, given.runs)), flush=True)
    if given.draws:
        print(markdown(on_real_rows(given.data, given.draws)))


if __name__ == "__main__":
    main()
