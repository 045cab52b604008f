"""Margin of an arm and folds of the confirmation, on pools of made tables.

    python -m benchmarks.date.tuning [--first 100] [--seeds 4]

No recorded table or pool is in it. The gain is that of the scorer's learners on test rows.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.date.selectors import N_ROWS, POOLS, Split, interval, made_tables
from benchmarks.measure import markdown
from benchmarks.trim.report import write
from tablewright.metrics.scorer import Scorer
from tablewright.selection.arms import ArmValues, Pulls, fitting, play
from tablewright.selection.selector import Selector, cut_groups

MARGINS, FOLDS = (0.0, 0.5, 1.0), (2, 5)


def taken(values: ArmValues, sizes: Any, margin: float) -> list[int]:
    good = np.flatnonzero(values.value - margin * values.error > 0).tolist()
    return fitting(good, values.value, sizes, N_ROWS)


def run(split: Split, seed: int, pool: str) -> list[dict[str, Any]]:
    selector = Selector(n_samples=N_ROWS, random_state=seed)
    selector.fit_typed(split.train, split.schema, split.validation)
    tester = Scorer(split.train, split.schema, holdout=split.test, seed=seed)
    rows = selector.encoder_.rows(split.pool, "candidate")
    names, arm_of = cut_groups(split.groups or selector.paths(rows))
    sizes = np.bincount(arm_of, minlength=len(names)).astype(np.intp)
    pulls = Pulls(len(names), lambda arms: selector._score(
        rows, np.flatnonzero(np.isin(arm_of, arms))))  # fmt: skip
    rng = np.random.default_rng([seed, 1])
    play(pulls, sizes, N_ROWS, rng)
    order = rng.permutation(len(pulls.base))
    lines = []
    for margin, n_folds in itertools.product(MARGINS, FOLDS):
        gains = np.zeros(len(order))
        for fold in range(n_folds):
            own = order % n_folds == fold
            chosen = taken(pulls.values(np.flatnonzero(~own)), sizes, margin)
            gains[own] = pulls.gain(chosen)[own]
        final = taken(pulls.values(), sizes, margin) if gains.mean() > 0 else []
        kept = split.pool[np.flatnonzero(np.isin(arm_of, final)).tolist()]
        test = tester.gain(kept).value if kept.height else 0.0
        lines.append({"pool": pool, "margin": margin, "folds": n_folds, "rows": kept.height,
                      "test": test, "belief": float(pulls.gain(final).mean()),
                      "honest": float(gains.mean())})  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/date/tuning.md"))
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    runs = pl.DataFrame([
        line for whole in made_tables().values() for seed in seeds for pool in POOLS
        for line in run(Split.of(whole, pool, seed), seed, pool)
    ])  # fmt: skip
    lines = []
    for (margin, n_folds), here in runs.group_by("margin", "folds", maintain_order=True):
        kept = here.filter(pl.col("rows") > 0)
        by_pool = {pool: here.filter(pl.col("pool") == pool) for pool in POOLS}
        lines.append({
            "margin": margin, "folds": n_folds,
            **{f"gain, {pool}": interval(own["test"], 4) for pool, own in by_pool.items()},
            "kept harm": int((kept["test"] < 0).sum()), "kept": kept.height,
            "belief - test": interval(kept["belief"] - kept["test"], 4),
            "honest - test": interval(kept["honest"] - kept["test"], 4),
        })  # fmt: skip
    write(options.out, "Margin and folds of the bandit", [
        "Margin: standard errors by which an arm has to be worth more than nothing. Folds: of "
        "the judging rows, those that confirm the choice of the others. Gain on test rows, 95 % "
        f"intervals over tables and seeds {seeds[0]} to {seeds[-1]}.",
        markdown(lines)])  # fmt: skip


if __name__ == "__main__":
    main()
