"""How often the verdict is wrong where the truth is known, and how often it sees what is there.

    python -m benchmarks.evaluation.calibration [--cases 200] [--out benchmarks/evaluation]

Null cases, half each: a true draw added to the training rows against another true draw of the
same size; copies of the training rows against nothing. Power: true draws against nothing at
several sizes of the training table, and rows with labels turned round.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.evaluation.simulator import SCHEMA, draw, flip
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.trials import Arm, Draw, run_trials
from tablewright.metrics.utility import main_arms, task_of
from tablewright.metrics.verdict import Word, judge

EFFORT = {"n_halves": 8, "n_trees": 40}


def verdict(
    train: pl.DataFrame,
    synthetic: pl.DataFrame,
    holdout: pl.DataFrame,
    rng: np.random.Generator,
    other: pl.DataFrame | None = None,
) -> Word:
    """Judge as `evaluate(effort="quick")` does; against `other` rows added, or none."""
    ruler = FeatureEncoder.fit(train, SCHEMA)
    real = ruler.rows(train)
    task = task_of(real, EFFORT["n_trees"])
    assert not isinstance(task, str)
    arms = {k: v for k, v in main_arms().items() if k in ("real", "augmented", "resampled")}
    pools = {"synthetic": ruler.rows(synthetic)}
    if other is not None:
        pools["other"] = ruler.rows(other)
        arms["other"] = Arm(_with_other)
    trials = run_trials(
        arms, real, pools, ruler.rows(holdout), task, rng, n_halves=EFFORT["n_halves"]
    )
    return judge(trials, "macro_f1", baseline="real" if other is None else "other").word


def _with_other(made: Draw, rng: np.random.Generator):
    return made.train.join(made.pools["other"])


Case = Callable[[np.random.Generator], Word]


def two_draws(rng: np.random.Generator) -> Word:
    n, rare = int(rng.choice([30, 100, 300])), float(rng.choice([0.3, 0.1]))
    m = int(rng.choice([n // 2, n, 3 * n]))
    tables = [draw(size, rng, rare) for size in (n, m, 300, m)]
    return verdict(*tables[:3], rng, other=tables[3])


def copies(rng: np.random.Generator) -> Word:
    n, rare = int(rng.choice([30, 100, 300])), float(rng.choice([0.3, 0.1]))
    train, holdout = draw(n, rng, rare), draw(300, rng, rare)
    result = train[rng.integers(n, size=int(rng.choice([n // 2, n, 3 * n])))]
    return verdict(train, result, holdout, rng)


def true_rows(n: int) -> Case:
    return lambda rng: verdict(draw(n, rng), draw(1000, rng), draw(300, rng), rng)


def turned(n: int, share: float) -> Case:
    return lambda rng: verdict(draw(n, rng), flip(draw(n, rng), share, rng), draw(300, rng), rng)


def count(case: Case, n_cases: int, seed: int) -> Counter[Word]:
    rngs = np.random.default_rng(seed).spawn(n_cases)
    return Counter(case(rng) for rng in rngs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--power-cases", type=int, default=20)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/evaluation"))
    options = parser.parse_args()
    half, few = options.cases // 2, options.power_cases
    plan: list[tuple[str, Case, int]] = [
        ("null: one true draw against another", two_draws, half),
        ("null: copies of training rows", copies, half),
        *[(f"1,000 true rows added to {n}", true_rows(n), few) for n in (10, 30, 100, 300)],
        *[
            (
                f"{100 * share:.0f} % labels turned, as many rows as training rows ({n})",
                turned(n, share),
                few,
            )
            for n in (100, 300)
            for share in (0.2, 0.5, 1.0)
        ],
    ]
    lines = ["| case | n | helps | no evidence | harms |", "|---|---|---|---|---|"]
    for seed, (name, case, n) in enumerate(plan):
        result = count(case, n, seed)
        row = " | ".join(str(result[word]) for word in (Word.HELPS, Word.NO_EVIDENCE, Word.HARMS))
        lines.append(f"| {name} | {n} | {row} |")
        print(lines[-1], flush=True)
    (options.out / "calibration.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
