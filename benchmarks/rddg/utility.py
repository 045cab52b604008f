"""Do models learn more of rare classes with rows of RDDG? Eleven tables, against cheap controls.

    python -m benchmarks.rddg.utility --data DIR [--table sick] [--first 20] [--splits 20]
        [--learner NAME ...] [--out DIR]
    python -m benchmarks.rddg.utility --data DIR --overview [--out DIR]

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

import numpy as np
import polars as pl

from benchmarks.intervals import Difference, difference
from benchmarks.learners import LEARNERS
from benchmarks.measure import RESULTS, markdown, options, write_page
from benchmarks.rddg.arms import MEASURES, Write, drawn, resampled, resume, run_split
from benchmarks.rddg.tables import DRAWN, TASKS, Task
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


CONTROLS = ("real alone", "class weights", "resampled real rows", "smotenc", "trees")
"""Of the page of all tables."""


def recorded(path: Path, task: Task) -> Write:
    """Return an arm of recorded rows: the first 1,000, as the reference evaluation takes."""
    rows = pl.read_csv(path, infer_schema=False).head(1000)
    return lambda train, task, seed: rows


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--overview", action="store_true")
    parser.add_argument("--table", choices=TASKS, default="sick")
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--learner", choices=LEARNERS, nargs="+", default=list(LEARNERS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.overview:
        write_page("rddg_utility", "RDDG table by table", list(overview(args.out)), args.out)
        return
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


def overview(folder: Path) -> Iterator[str]:
    """Put RDDG beside each control on every table that was run, and over all of them."""
    tables = {
        name: folder / f"rddg_utility_{name}.csv" for name, task in TASKS.items() if not task.pools
    }
    runs = {name: pl.read_csv(file) for name, file in tables.items() if file.exists()}
    runs = {name: each for name, each in runs.items() if each["split"].n_unique() > 1}
    yield (
        "RDDG less each control: means over splits, with 95 % intervals; corrected ones as "
        "`benchmarks/intervals.py` says, plain ones for simulators, whose draws share no rows. The "
        "last line is over tables, with Student's t."
    )
    for measure in ("macro_f1", "rare_f1", "balanced_accuracy"):
        gaps = {name: gaps_of(each, measure) for name, each in runs.items()}
        lines = [
            {
                "table": name,
                "splits": runs[name]["split"].n_unique(),
                "rddg": f"{runs[name].filter(pl.col('arm') == 'rddg')[measure].mean():.3f}",
                **{control: _shown(gap, TASKS[name].how == DRAWN) for control, gap in own.items()},
            }
            for name, own in gaps.items()
        ]
        means = {c: np.array([own[c].mean for own in gaps.values()]) for c in CONTROLS}
        over = {c: _shown(difference(each, 0 * each), True) for c, each in means.items()}
        yield f"## {measure}\n\n" + markdown([*lines, {"table": "over tables"} | over])


def gaps_of(runs: pl.DataFrame, measure: str) -> dict[str, Difference]:
    """Return RDDG's difference from each control, split by split, the mean over learners."""
    each = runs.pivot("arm", index="split", values=measure, aggregate_function="mean")
    return {c: difference(each["rddg"].to_numpy(), each[c].to_numpy()) for c in CONTROLS}


def _shown(gap: Difference, independent: bool) -> str:
    width = gap.plain if independent else gap.corrected
    text = f"{gap.mean:+.3f} ± {width:.3f}"
    return f"**{text}**" if abs(gap.mean) > width else text


if __name__ == "__main__":
    main()
