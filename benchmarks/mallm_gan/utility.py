"""The main table: what models learn from written rows, at 25 to 800 real ones.

    python -m benchmarks.mallm_gan.utility --data DIR --part splits|draws [--draws 20] [--out FILE]

The given splits (one for each size), published figures beside ours; or draws of our own at 100
rows, with copies and membership.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from benchmarks.mallm_gan.learning import utility
from benchmarks.mallm_gan.tables import (
    GIVEN,
    METHODS,
    PUBLISHED,
    PUBLISHED_REAL,
    SIZES,
    Split,
    drawn,
    given,
)
from benchmarks.measure import markdown, options
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.neighbours import nearest
from tablewright.tables.inference.casting import typed
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

DRAWN = 100
SLOW = 5  # draws of the system, where a generator gets all


def scored(made: pl.DataFrame, split: Split) -> float:
    return utility(made.select(split.train.columns), split.test, split.target, split.classes)


def at_splits(folder: Path, methods: list[str]) -> Iterator[dict[str, Any]]:
    """Every method on the given splits."""
    for table, (_, _, sizes) in GIVEN.items():
        for size in sizes:
            split = given(folder, table, size)
            column = SIZES.index(size)
            row: dict[str, Any] = {
                "table": table,
                "rows": size,
                "real (published)": PUBLISHED_REAL[table][column],
                "real": scored(split.train, split),
                "MALLM-GAN (published)": PUBLISHED.get(table, (None,) * len(SIZES))[column],
            }
            for name in methods:
                row[name] = scored(METHODS[name](split, 0), split)
            print(row, flush=True)
            yield row


def membership(made: pl.DataFrame, train: pl.DataFrame, others: pl.DataFrame, target: str) -> float:
    """AUROC of an attack that takes rows near to written ones for training rows."""
    table = load_table(train, target=target)
    encoder = FeatureEncoder.fit(table.frame, table.schema)
    rows = [
        np.ascontiguousarray(encoder.rows(typed(frame, table.schema)).gower)
        for frame in (made, train, others)
    ]
    near = [nearest(part, rows[0], 1)[0][:, 0] for part in rows[1:]]
    truth = np.repeat([1, 0], [len(near[0]), len(near[1])])
    return float(roc_auc_score(truth, -np.concatenate(near)))


def at_draws(
    folder: Path, draws: int, methods: list[str], size: int = DRAWN
) -> Iterator[dict[str, Any]]:
    """Mean of draws of our own."""
    for table in GIVEN:
        for name in ("real", *methods):
            found: list[tuple[float, float, float]] = []
            start = time.process_time()
            for seed in range(SLOW if name == "mallm-gan" else draws):
                split, others = drawn(folder, table, size, seed)
                made = split.train if name == "real" else METHODS[name](split, seed)
                copies = made.join(
                    split.train, on=split.train.columns, nulls_equal=True, how="semi"
                )
                attack = membership(made, split.train, others, split.target)
                found.append((scored(made, split), copies.height / made.height, attack))
            values = np.array(found)
            row = {
                "table": table,
                "method": name,
                "draws": len(found),
                "utility": float(values[:, 0].mean()),
                "± (standard error)": float(values[:, 0].std(ddof=1) / np.sqrt(len(found))),
                "copies": float(values[:, 1].mean()),
                "membership AUROC": float(values[:, 2].mean()),
                "CPU seconds a draw": (time.process_time() - start) / len(found),
            }
            print(row, flush=True)
            yield row


HEAD = """`python -m benchmarks.mallm_gan.utility --data DIR --part splits`. No
language model; all rows are
drawn on this machine. Weighted F1 (adult, asia) or R2 (insurance) on 200 test rows of
the best of four (three) learners with the settings of the authors' program; as many
rows are written as were learned from. The published MALLM-GAN is of an earlier
version of the paper, with GPT models."""

DRAWS = """`python -m benchmarks.mallm_gan.utility --data DIR --part draws`. Seeded draws of
{size} rows (insurance without its duplicate), none of which had a part in choosing a
method; utility as on the given splits. Membership: an attack by the distance to the
nearest written row tells training rows from as many others; 0.5 is ideal."""


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--part", choices=("splits", "draws"), required=True)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    methods = asked.methods.split(",")
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if asked.part == "splits":
            rows, title, head = list(at_splits(asked.data, methods)), "The given splits", HEAD
        else:
            rows = list(at_draws(asked.data, asked.draws, methods))
            title, head = f"Utility of draws at {DRAWN} rows", DRAWS.format(size=DRAWN)
    page = "\n\n".join([f"# {title}", head, markdown(rows)])
    print(page)
    if asked.out is not None:
        asked.out.write_text(page + "\n")


if __name__ == "__main__":
    main()
