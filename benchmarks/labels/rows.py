"""Whether rows whose labels are drawn from probabilities help: real alone, and three kinds more.

    python -m benchmarks.labels.rows --data DIR --scores FILE --model gguf:PATH --out FILE

Rows of all kinds are judged by a forest and a linear model on rows that had no part in them.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.labels.known import N_DRAWS, Remembered, real_alone, schema_of
from benchmarks.labels.tables import REPORTED, LabelTable
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.team_then_trim.system import TeamThenTrim

N_MORE = 40
N_TEST = 2000


def _team(table: LabelTable, train: pl.DataFrame, seed: int, **options: Any) -> pl.DataFrame:
    schema = schema_of(table)
    system = TeamThenTrim(
        table.target, schema=schema, topic=table.about, trim=None, random_state=seed, **options
    )
    return pl.DataFrame(system.fit(train).sample(N_MORE))


def measured(
    table: LabelTable, whole: LabelTable, llm: Remembered, sizes: list[int], n_draws: int
) -> Iterator[dict[str, Any]]:
    """Train on real rows and on real rows with more, for each draw."""
    schema = schema_of(table)
    held = whole.frame[table.frame.height : table.frame.height + N_TEST]
    for n_real in sizes:
        for draw in range(n_draws):
            order = np.random.default_rng([13, draw]).permutation(table.frame.height)
            train = table.frame[order[:n_real].tolist()]
            if train[table.target].n_unique() < 2:
                continue
            kinds = {
                "probabilities": lambda t=train, d=draw: _team(
                    table, t, d, llm={"label": llm}, labels="probabilities"
                ),
                "local team": lambda t=train, d=draw: _team(table, t, d),
            }
            if not table.is_number:
                kinds["SMOTE-NC"] = lambda t=train, d=draw: (
                    Synthesizer("smotenc", target=table.target, schema=schema, random_state=d)
                    .fit(t)
                    .sample(N_MORE)
                )
            alone = real_alone(train, held, schema, table)
            row = {"table": table.name, "n_real": n_real, "draw": draw, "real alone": alone}
            for name, make in kinds.items():
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        more = make().select(train.columns).cast(dict(train.schema))
                    row[name] = real_alone(pl.concat([train, more]), held, schema, table)
                except ValueError as error:  # a method that cannot work with so few rows
                    print(f"{table.name} {n_real} {name}: {error}")
                    row[name] = None
            yield row


def main() -> None:
    """Measure, and print means with the standard errors of paired differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--base-url", help="where another server has the model")
    parser.add_argument("--name", default="qwen-1.5b")
    parser.add_argument("--tables", default="adult,travel")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--real", default="10,20,40", help="numbers of real rows")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    llm = Remembered(given.scores, given.name, given.model, given.base_url)
    rows: list[dict[str, Any]] = []
    for name in given.tables.split(","):
        make, n_rows = REPORTED[name]
        table, whole = make(given.data, n_rows), make(given.data, n_rows + N_TEST)
        rows += measured(table, whole, llm, [int(n) for n in given.real.split(",")], given.draws)
        pl.DataFrame(rows, infer_schema_length=None).write_csv(given.out)
    print(summary(pl.DataFrame(rows, infer_schema_length=None)))


def summary(frame: pl.DataFrame) -> pl.DataFrame:
    """Mean of each kind, and what it adds to the real rows with its standard error."""
    kinds = [name for name in frame.columns if name not in ("table", "n_real", "draw")]
    gains = [pl.col(name) - pl.col("real alone") for name in kinds[1:]]
    return frame.group_by("table", "n_real", maintain_order=True).agg(
        *(pl.col(name).mean().round(3) for name in kinds),
        *(g.mean().round(3).alias(f"{k} gains") for g, k in zip(gains, kinds[1:], strict=True)),
        *((g.std() / pl.len().sqrt()).round(3).alias(f"{k} se")
          for g, k in zip(gains, kinds[1:], strict=True)),
    )  # fmt: skip


if __name__ == "__main__":
    main()
