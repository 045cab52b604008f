"""How many sound batches pass the published gates, by what is read into them: no model at all."""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.papers.runs import Log, Run, interval, markdown, write
from benchmarks.systems.cases import imbalanced
from benchmarks.trim import diabetes
from tablewright import Trim

FOLDER = Path(__file__).parent
KEYS = ("n", "update", "diversity", "seed")
SIZES = (10, 60, 100)
UPDATES = ("frozen", "refit")
DIVERSITIES = ("percentile", "non_negative", "headroom", "absolute", "relative", "no_harm")
BATCHES, BATCH = 10, 10


def passed(n: int, update: Any, diversity: Any, seed: int) -> dict[str, float]:
    """Return batches, and rows that nobody had, which pass of ten clean batches of ten."""
    drawn = imbalanced(n).draw(seed)
    rows = diabetes.draw(BATCHES * BATCH, np.random.default_rng([2024, seed, 7]))
    trim = Trim(
        schema=drawn.schema, variant="published", c=0.0, update=update, diversity=diversity,
        random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that most readings let little pass is the question
        trim.fit(drawn.train).transform(rows)
    kept = trim.result_.keep.reshape(BATCHES, BATCH)
    return {"batches": float(kept.any(axis=1).sum()), "rows": float(kept.sum())}


def measured(seeds: int, log: Log) -> Iterator[Run]:
    """Run what is missing; return all runs."""
    for n, update, diversity, seed in product(SIZES, UPDATES, DIVERSITIES, range(seeds)):
        key = {"n": n, "update": update, "diversity": diversity, "seed": seed}
        if not log.has(**key):
            start = time.process_time()
            found = passed(n, update, diversity, seed)
            log.add({**key, **found, "seconds": time.process_time() - start})
    yield from (run for run in log.runs if run["seed"] < seeds)


ABOUT = (
    "Ten batches of ten rows, drawn from the population of the simulated diabetes table: all of "
    "them sound. Batches of which rows are kept, and rows kept, of the new ones alone; the margin "
    "is c = 0. `update` says at which parameters the gain of information is taken (those of the "
    "real rows, or fitted anew with each batch), `diversity` of what the published 30 % are a "
    "share. The published variant of the system takes frozen and percentile."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--log", type=Path, default=Path("build/papers/t2_readings.jsonl"))
    options = parser.parse_args()
    runs = [*measured(options.seeds, Log(options.log, KEYS))]
    rows = []
    for update, diversity in product(UPDATES, DIVERSITIES):
        cells: dict[str, Any] = {"update": update, "diversity": diversity}
        for n, what in product(SIZES, ("batches", "rows")):
            own = [r[what] for r in runs if (r["n"], r["update"], r["diversity"]) == (
                n, update, diversity)]  # fmt: skip
            cells[f"n = {n}: {what}"] = interval(own, digits=1)
        rows.append(cells)
    command = f"python -m benchmarks.papers.t2.readings --seeds {options.seeds}"
    title = "Team-then-Trim: sound batches that pass, by reading of the gates"
    write(FOLDER / "results" / "readings.md", title, [ABOUT, markdown(rows)], runs, command)


if __name__ == "__main__":
    main()
