"""Faults planted in true rows, and what the report says of each.

python -m benchmarks.evaluation.planted [--out benchmarks/evaluation]
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.evaluation.speed import table
from tablewright.evaluation.evaluate import evaluate
from tablewright.schema import Schema

N_ROWS = 2000


def swapped(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn every label round."""
    other = pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return frame.with_columns(other.alias("y"))


def moved(frame: pl.DataFrame) -> pl.DataFrame:
    """Move the values of a row by one column."""
    text = frame.select(pl.all().cast(pl.String))
    names = frame.columns
    pairs = [pl.col(a).alias(b) for a, b in itertools.pairwise(names)]
    return text.select(pl.lit("0").alias(names[0]), *pairs)


def standardised(frame: pl.DataFrame) -> pl.DataFrame:
    """Standardise the numbers, as a pipeline does that forgets to undo it."""
    names = [name for name in frame.columns if name[0] == "x"]
    return frame.with_columns(
        ((pl.col(n) - pl.col(n).mean()) / (3 * pl.col(n).std())).alias(n) for n in names
    )


def mixed(first: pl.DataFrame, rest: pl.DataFrame, share: float) -> pl.DataFrame:
    """Put a share of other rows in front of true ones."""
    n = round(share * rest.height)
    parts = [part.select(pl.all().cast(pl.String)) for part in (first[:n], rest[n:])]
    return pl.concat(parts)


def faults(train: pl.DataFrame) -> dict[str, Callable[[pl.DataFrame], pl.DataFrame]]:
    return {
        "none: true rows": lambda rows: rows,
        "copies of training rows, 0.1 %": lambda rows: mixed(train, rows, 0.001),
        "copies of training rows, 5 %": lambda rows: mixed(train, rows, 0.05),
        "copies with the other label, 5 %": lambda rows: mixed(swapped(train), rows, 0.05),
        "copies moved by one column, 2 %": lambda rows: mixed(moved(train), rows, 0.02),
        "the training rows standardised": lambda rows: standardised(train),
        "all columns shuffled": lambda rows: rows.select(
            pl.col(name).shuffle(seed=j) for j, name in enumerate(rows.columns)
        ),
        "one column shuffled": lambda rows: rows.with_columns(pl.col("x0").shuffle(seed=1)),
        "one column shifted by 0.5": lambda rows: rows.with_columns(pl.col("x3") + 0.5),
        "all labels turned": swapped,
        "a category that is not real, 5 %": lambda rows: rows.with_columns(
            pl.when(pl.int_range(pl.len()) < 0.05 * pl.len())
            .then(pl.lit("new"))
            .otherwise(pl.col("c1"))
            .alias("c1")
        ),
        "missing cells filled with 0": lambda rows: rows.with_columns(pl.col("x5").fill_null(0)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/evaluation"))
    options = parser.parse_args()
    train, fresh, holdout = (table(N_ROWS, seed) for seed in (1, 2, 3))
    kinds = {n: "continuous" if n[0] == "x" else "categorical" for n in train.columns}
    schema = Schema.build(kinds, target="y")
    lines = ["| planted | verdict | found |", "|---|---|---|"]
    for name, plant in faults(train).items():
        report = evaluate(train, plant(fresh), holdout, schema=schema, effort="quick")
        result = "; ".join(finding.sentence for finding in report.findings) or "nothing"
        lines.append(f"| {name} | {report.verdict.word.value} | {result} |")
        print(lines[-1], flush=True)
    (options.out / "planted.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    main()
