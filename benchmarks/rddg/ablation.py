"""Each part of RDDG off in turn, and all of them: what do models learn, and how near are rows?

    python -m benchmarks.rddg.ablation --data DIR [--table sick] [--first 20] [--splits 20]
        [--learner NAME ...] [--stand-in] [--out DIR]

Without a model the coreset and the published feedback have no part, as nothing is shown to
anybody. With `--stand-in` a simulated model writes the rows: it recombines the rows that it is
shown, copies some, mislabels some, and reads no orders, so that the rows shown and taken are all
that the parts can work by. That is a simulation.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl

from benchmarks.learners import LEARNERS
from benchmarks.measure import RESULTS, options, write_page
from benchmarks.rddg.arms import Write, resampled, resume, run_split
from benchmarks.rddg.tables import TASKS, Task
from benchmarks.rddg.utility import FIRST, page, rddg
from tablewright import RDDG
from tablewright.systems.rddg.published import PublishedRounds
from tablewright.testing import Faults, StandIn

N_WRITTEN = 300
FAULTS = Faults(invalid=0.05, copies=0.2, wrong_labels=0.1, out_of_range=0.02)
LOCAL: dict[str, dict[str, Any]] = {
    "rddg": {},
    "rddg without relations": {"relations": False},
    "rddg without feedback": {"feedback": False},
    "rddg without calibration": {"calibrate": False},
    "rddg without any": {"relations": False, "feedback": False, "calibrate": False},
}
SHOWN: dict[str, dict[str, Any]] = {
    "rddg": {},
    "rddg, coreset shown": {"examples": "coreset"},
    "rddg without relations": {"relations": False},
    "rddg without feedback": {"feedback": False},
    "rddg without both": {"relations": False, "feedback": False},
    "rddg as published": {"variant": "published"},
}


class PublishedFeedback(RDDG):
    """All of RDDG but its feedback, which is the published text."""

    rounds: ClassVar[Any] = PublishedRounds


def simulated(
    train: pl.DataFrame, task: Task, seed: int, system: Any = RDDG, **parts: Any
) -> pl.DataFrame:
    """Let the stand-in write rows, as many of each class."""
    model = StandIn(train, task.target, FAULTS)
    made = system(task.target, llm=model, random_state=seed, **parts).fit(train)
    return made.sample(N_WRITTEN, balance="equal").head(N_WRITTEN)


def coreset(train: pl.DataFrame, task: Task, seed: int, *, chosen: bool) -> pl.DataFrame:
    """Add real rows again: those of the coreset, or others of the same mix of classes."""
    if not chosen:
        own = [part for _, part in train.group_by(task.target, maintain_order=True)]
        rng = np.random.default_rng(seed)
        return pl.concat(
            part[rng.permutation(part.height)[: N_WRITTEN // len(own)]] for part in own
        )
    system = RDDG(task.target, relations=False, calibrate=False, random_state=seed).fit(train)
    return train[np.concatenate(system.coreset_.top(N_WRITTEN // 2))]


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--table", choices=TASKS, default="sick")
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--learner", choices=LEARNERS, nargs="+", default=["XGBoost"])
    parser.add_argument("--stand-in", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    task = TASKS[args.table]
    kind, writers = "ablation", {name: partial(rddg, **off) for name, off in LOCAL.items()}
    if args.stand_in:
        kind, writers = "stand_in", {name: partial(simulated, **off) for name, off in SHOWN.items()}
        writers["rddg, published feedback"] = partial(simulated, system=PublishedFeedback)
        writers["coreset, real rows again"] = partial(coreset, chosen=True)
        writers["random real rows again"] = partial(coreset, chosen=False)
    every: dict[str, Write] = {**writers, "resampled real rows": resampled}
    name = f"rddg_{kind}_{args.table}"
    runs = resume(
        args.out / f"{name}.csv",
        range(args.first, args.first + args.splits),
        lambda split: run_split(args.data, task, every, split, args.learner, ("real alone",)),
    )
    simulation = f"a simulation, in which a stand-in wrote {N_WRITTEN} rows, as many of each class"
    parts = page(runs, task, simulation if args.stand_in else "")
    write_page(name, f"Parts of RDDG on {args.table}", parts, args.out)


if __name__ == "__main__":
    main()
