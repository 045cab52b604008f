"""Do models learn more of rare classes with rows of RDDG? Eleven tables, against cheap controls.

    python -m benchmarks.rddg.utility --data DIR [--table sick] [--first 20] [--splits 20]
        [--learner NAME ...] [--out DIR]

Runs of a split are added to a file once the split is whole, and those that it has are not run
again: `--splits 0` only writes the page. No language model is asked. The published figures stand
beside ours, and are marked: there models were trained on the real rows and the first 1,000
generated ones, and "macro-F1" is that of the rare class.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.intervals import difference
from benchmarks.learners import LEARNERS
from benchmarks.measure import RESULTS, markdown, options, write_page
from benchmarks.rddg.arms import MEASURES, Write, drawn, resampled, resume, run_split
from benchmarks.rddg.tables import TASKS, Task
from tablewright import EPIC, RDDG, Synthesizer

FIRST = 20
"""Splits before this one were used to choose settings; what is reported comes after them."""
PLAIN = ("real alone", "class weights", "moved threshold")
FACTS = ("copies", "ks_rare", "ks_other", "seconds")


def generator(name: str, train: pl.DataFrame, task: Task, seed: int) -> pl.DataFrame:
    fitted = Synthesizer(name, target=task.target, random_state=seed).fit(train)
    return drawn(fitted, task)


def epic(train: pl.DataFrame, task: Task, seed: int) -> pl.DataFrame:
    return drawn(EPIC(task.target, random_state=seed).fit(train), task)


def rddg(train: pl.DataFrame, task: Task, seed: int, **parts: Any) -> pl.DataFrame:
    return drawn(RDDG(task.target, random_state=seed, **parts).fit(train), task)


WRITERS: dict[str, Write] = {
    "resampled real rows": resampled,
    "smotenc": partial(generator, "smotenc"),
    "trees": partial(generator, "trees"),
    "epic, local": epic,
    "rddg": rddg,
}


def recorded(path: Path, task: Task) -> Write:
    """Return an arm of recorded rows: the first 1,000, as the reference evaluation takes."""
    rows = pl.read_csv(path, infer_schema=False).head(1000)
    return lambda train, task, seed: rows


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--table", choices=TASKS, default="sick")
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--learner", choices=LEARNERS, nargs="+", default=list(LEARNERS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    task, name = TASKS[args.table], f"rddg_utility_{args.table}"
    writers = WRITERS | {arm: recorded(args.data / path, task) for arm, path in task.pools.items()}
    runs = resume(
        args.out / f"{name}.csv",
        range(args.first, args.first + args.splits),
        lambda split: run_split(args.data, task, writers, split, args.learner, PLAIN),
    )
    write_page(name, f"Models trained on rows for {args.table}", page(runs, task), args.out)


def page(runs: pl.DataFrame, task: Task, added: str = "") -> list[str]:
    """Write the means of all runs, and RDDG against each control."""
    columns = (*MEASURES, *FACTS)
    means = runs.group_by("arm", maintain_order=True).agg(
        *(pl.col(name).cast(pl.Float64).mean() for name in columns)
    )
    lines = [
        {"arm": "", **dict.fromkeys(columns)} | row for row in [*means.to_dicts(), *task.published]
    ]
    splits, learners = runs["split"].unique(), runs["learner"].unique(maintain_order=True)
    if not added:
        added = "every class filled to the size of the largest"
        if task.n_rows is not None:
            added = f"{task.n_rows:,} rows added, as many of each class"
    return [
        f"{len(splits)} splits (numbers {splits.min()} to {splits.max()}; {task.how}), the seed of "
        f"rows being the number; mean over {', '.join(learners)}; {added}. No language model. KS: "
        "mean over columns of numbers, rows of a class against the real rows of it that models "
        "are tested on. Seconds of CPU to learn and to write. Lines marked published are of "
        "another split, and the mean of four learners.",
        markdown(lines),
        "Differences are paired by split, the mean over learners; intervals as "
        "`benchmarks/intervals.py` says.",
        markdown(list(differences(runs, "rddg"))),
    ]


def differences(runs: pl.DataFrame, first: str) -> Iterator[dict[str, Any]]:
    """Compare one arm with each other, split by split, the mean over learners."""
    each = runs.group_by("split", "arm", maintain_order=True).agg(pl.col(*MEASURES).mean())

    def values(arm: str, measure: str) -> Any:
        return each.filter(pl.col("arm") == arm).sort("split")[measure].to_numpy()

    for measure in ("macro_f1", "rare_f1", "balanced_accuracy"):
        for control in each["arm"].unique(maintain_order=True):
            if control != first:
                gap = difference(values(first, measure), values(control, measure))
                yield {f"{first} against": control, "measure": measure, **gap.cells()}


if __name__ == "__main__":
    main()
