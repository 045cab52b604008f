"""A number with rare tails: do models learn more of the tails with rows of RDDG?

    python -m benchmarks.rddg.regression --data DIR [--table insurance] [--first 20] [--splits 20]
        [--learner NAME ...] [--out DIR]

Rows are rare whose relevance is 0.8 or more (Torgo and Ribeiro 2007). SERA is the area under the
squared error of the rows above each relevance (Ribeiro and Moniz 2020), here in units of the
variance of the tested rows, and per row. Rows are added until each part is as large as the
largest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.model_selection import ShuffleSplit
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.intervals import difference
from benchmarks.learners import REGRESSORS
from benchmarks.measure import RESULTS, cpu, markdown, options, write_page
from benchmarks.rddg.arms import coded, copies, resume, with_numbers
from benchmarks.tables import BOSTON, INSURANCE, Source, read
from tablewright import EPIC, RDDG, Synthesizer
from tablewright.systems.common.partition import QuantilePartition
from tablewright.systems.rddg.relevance import relevance, tails

FIRST = 20
TABLES: dict[str, tuple[Source, str]] = {
    "insurance": (INSURANCE, "charges"),
    "boston": (BOSTON, "MEDV"),
}
MEASURES = ("r2", "rmse", "rmse_rare", "sera")
Write = Callable[[pl.DataFrame, str, QuantilePartition, int], pl.DataFrame]


def resampled(
    train: pl.DataFrame, target: str, parts: QuantilePartition, seed: int
) -> pl.DataFrame:
    """Draw real rows again until each part is as large as the largest."""
    rng, codes = np.random.default_rng(seed), parts.of(train)
    largest = np.bincount(codes).max()
    more = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    return train[np.concatenate([rng.choice(own, largest - len(own)) for own in more])]


def noisy(train: pl.DataFrame, target: str, parts: QuantilePartition, seed: int) -> pl.DataFrame:
    """Draw them again with a hundredth of a deviation added (Branco et al. 2017, noise)."""
    again, rng = resampled(train, target, parts, seed), np.random.default_rng([seed, 1])
    numbers = [name for name, kind in again.schema.items() if kind == pl.Float64]
    return again.with_columns(
        pl.col(name) + 0.01 * train[name].std() * pl.Series(rng.normal(size=again.height))
        for name in numbers
    )


def filled(made: pl.DataFrame, train: pl.DataFrame, parts: QuantilePartition) -> pl.DataFrame:
    """Cut rows to what each part lacks."""
    codes, real = parts.of(made), np.bincount(parts.of(train), minlength=len(parts))
    return pl.concat(
        made.filter(codes == code).head(int(real.max() - real[code])) for code in range(len(parts))
    )


def trees(train: pl.DataFrame, target: str, parts: QuantilePartition, seed: int) -> pl.DataFrame:
    fitted = Synthesizer("trees", target=target, random_state=seed).fit(train)
    ends = [-np.inf, *parts.edges, np.inf]
    made = [
        fitted.sample(train.height, where=f"{target} > {low!r} AND {target} <= {high!r}")
        if np.isfinite(low) and np.isfinite(high)
        else fitted.sample(
            train.height,
            where=f"{target} > {low!r}" if np.isfinite(low) else f"{target} <= {high!r}",
        )
        for low, high in pairwise(ends)
    ]
    return pl.concat(made)


def epic(train: pl.DataFrame, target: str, parts: QuantilePartition, seed: int) -> pl.DataFrame:
    return EPIC(target, random_state=seed).fit(train).sample(len(parts) * train.height)


def rddg(train: pl.DataFrame, target: str, parts: QuantilePartition, seed: int) -> pl.DataFrame:
    return RDDG(target, random_state=seed).fit(train).sample(len(parts) * train.height)


WRITERS: dict[str, Write] = {
    "resampled real rows": resampled,
    "with noise": noisy,
    "trees": trees,
    "epic, local": epic,
    "rddg": rddg,
}


def scores(truth: Any, guess: Any, phi: Any) -> dict[str, float]:
    squares, rare = (truth - guess) ** 2, phi >= 0.8
    variance = truth.var()
    return {
        "r2": float(1 - squares.mean() / variance),
        "rmse": float(np.sqrt(squares.mean())),
        "rmse_rare": float(np.sqrt(squares[rare].mean())) if rare.any() else float("nan"),
        "sera": float((phi * squares).mean() / variance),
    }


def run_split(
    table: pl.DataFrame, target: str, split: int, learners: list[str]
) -> Iterator[dict[str, Any]]:
    cut = ShuffleSplit(split + 1, test_size=0.2, random_state=0)
    *_, (rows, held) = cut.split(np.zeros(table.height))
    train, test = table[rows], table[held]
    parts = tails(train, target)
    made: dict[str, tuple[pl.DataFrame, float]] = {}
    for name, write in WRITERS.items():
        found, seconds = cpu(lambda write=write: write(train, target, parts, split))
        made[name] = filled(found.select(train.columns), train, parts), seconds
    every = {"real alone": train, "weights": train}
    every |= {name: pl.concat([train, extra]) for name, (extra, _) in made.items()}
    inputs = coded([frame.drop(target).cast(pl.String) for frame in (test, *every.values())])
    truth = test[target].to_numpy()
    phi = relevance(train[target].to_numpy(), truth)
    for (name, frame), x in zip(every.items(), inputs[1:], strict=True):
        weight = compute_sample_weight("balanced", parts.of(frame)) if name == "weights" else None
        extra, seconds = made.get(name, (None, None))
        facts = {"made": None, "copies": None, "seconds": seconds}
        if extra is not None:
            facts |= {"made": extra.height, "copies": copies(extra, train)}
        for learner in learners:
            y = frame[target].to_numpy()
            model = REGRESSORS[learner]().fit(x, y, sample_weight=weight)
            yield {
                "split": split, "learner": learner, "arm": name,
                **scores(truth, model.predict(inputs[0]), phi), **facts,
            }  # fmt: skip


def page(runs: pl.DataFrame) -> list[str]:
    columns = (*MEASURES, "copies", "seconds")
    means = runs.group_by("arm", maintain_order=True).agg(
        *(pl.col(name).cast(pl.Float64).mean() for name in columns)
    )
    each = runs.group_by("split", "arm", maintain_order=True).agg(pl.col(*MEASURES).mean())

    def values(arm: str, measure: str) -> Any:
        return each.filter(pl.col("arm") == arm).sort("split")[measure].to_numpy()

    gaps = [
        {"rddg against": arm, "measure": measure}
        | difference(values("rddg", measure), values(arm, measure)).cells()
        for measure in MEASURES
        for arm in means["arm"]
        if arm != "rddg"
    ]
    splits, learners = runs["split"].unique(), runs["learner"].unique(maintain_order=True)
    return [
        f"{len(splits)} random 80/20 splits (numbers {splits.min()} to {splits.max()} of "
        f"scikit-learn's seed 0), mean over {', '.join(learners)}. No language model. Less is "
        "better but for R2. Weights: the parts count alike.",
        markdown(means.to_dicts()),
        markdown(gaps),
    ]


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--table", choices=TABLES, default="insurance")
    parser.add_argument("--first", type=int, default=FIRST)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--learner", choices=REGRESSORS, nargs="+", default=list(REGRESSORS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    source, target = TABLES[args.table]
    table, name = with_numbers(read(args.data, source)), f"rddg_regression_{args.table}"
    runs = resume(
        args.out / f"{name}.csv",
        range(args.first, args.first + args.splits),
        lambda split: run_split(table, target, split, args.learner),
    )
    write_page(name, f"Tails of {target}", page(runs), args.out)


if __name__ == "__main__":
    main()
