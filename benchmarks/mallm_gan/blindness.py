"""What discriminators see: real rows beside real rows, and beside rows with shuffled columns.

python -m benchmarks.mallm_gan.blindness --data DIR [--draws 5] [--out FILE]
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.tables import whole
from benchmarks.measure import markdown, options
from tablewright.schema import Schema
from tablewright.systems.mallm_gan.discriminator import KINDS, Discriminator
from tablewright.systems.mallm_gan.published import BATCH, IncrementalDiscriminator
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

SIZES = (100, 400)


def shuffled(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Cut all ties between columns and keep each as it is."""
    rng = np.random.default_rng(seed)
    return frame.select(
        pl.Series(name, frame[name][rng.permutation(frame.height)]) for name in frame.columns
    )


def published(real: pl.DataFrame, schema: Schema, made: pl.DataFrame, seed: int) -> float:
    """Mean accuracy of the published discriminator over the batches of one pass."""
    discriminator = IncrementalDiscriminator(real, schema, seed)
    starts = range(0, real.height - BATCH + 1, BATCH)
    for start in starts:
        discriminator.judge(np.arange(start, start + BATCH), made[start : start + BATCH])
    return float(np.mean([one.loss for one in discriminator.history]))


def results(folder: Path, draws: int) -> Iterator[dict[str, Any]]:
    for name in ("asia", "insurance", "adult"):
        frame, target, _ = whole(folder, name)
        table = load_table(frame, target=target)
        for size in SIZES:
            for what in ("other real rows", "shuffled columns"):
                found: dict[str, list[float]] = {}
                for seed in range(draws):
                    order = np.random.default_rng([17, size, seed]).permutation(frame.height)
                    real, other = table.frame[order[:size]], table.frame[order[size : 2 * size]]
                    made = shuffled(other, seed) if what == "shuffled columns" else other
                    accuracy = published(real, table.schema, made, seed)
                    found.setdefault("published (accuracy)", []).append(accuracy)
                    for kind in KINDS:
                        auc = Discriminator(real, table.schema, kind, seed).judge(made).auc
                        found.setdefault(f"{kind} (AUC)", []).append(auc)
                means = {kind: float(np.mean(values)) for kind, values in found.items()}
                row = {"table": name, "rows": size, "beside": what, **means}
                print(row, flush=True)
                yield row


HEAD = """`python -m benchmarks.mallm_gan.blindness --data DIR`. Mean of {draws} draws; 0.5
stands for rows that cannot be told. Rows with shuffled columns have the margins of
the real rows and none of their relations: whoever is to judge a causal graph has to
see them."""


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = list(results(asked.data, asked.draws))
    head = HEAD.format(draws=asked.draws)
    page = "\n\n".join(["# What discriminators see", head, markdown(rows)])
    print(page)
    if asked.out is not None:
        asked.out.write_text(page + "\n")


if __name__ == "__main__":
    main()
