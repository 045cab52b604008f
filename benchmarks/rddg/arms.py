"""Arms of a comparison: rows that are added to the training rows, and what models make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import ks_2samp
from sklearn.metrics import f1_score, recall_score
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.learners import LEARNERS
from benchmarks.measure import append_csv, cpu
from benchmarks.rddg.tables import Task

MEASURES = ("macro_f1", "rare_f1", "balanced_accuracy", "sensitivity", "specificity")
Write = Callable[[pl.DataFrame, Task, int], pl.DataFrame]
"""From training rows, the task and a seed to the rows that are added."""


def drawn(system: Any, task: Task) -> pl.DataFrame:
    """Let what has been fitted write the rows that a task asks for."""
    options = {"balance": "fill"} if task.n_rows is None else {"balance": "equal"}
    rows: pl.DataFrame = system.sample(task.n_rows, **options)
    return rows


def resampled(train: pl.DataFrame, task: Task, seed: int) -> pl.DataFrame:
    """Draw real rows again, to the same mix of classes."""
    rng = np.random.default_rng(seed)
    own = [part for _, part in train.group_by(task.target, maintain_order=True)]
    largest = max(part.height for part in own)
    more = [
        largest - part.height if task.n_rows is None else task.n_rows // len(own) for part in own
    ]
    return pl.concat(
        part[rng.integers(0, part.height, n)] for part, n in zip(own, more, strict=True)
    )


def scores(truth: Any, predicted: Any) -> dict[str, float]:
    """Score predictions; True is the rare class."""
    recalls = recall_score(truth, predicted, average=None)
    return {
        "macro_f1": float(f1_score(truth, predicted, average="macro")),
        "rare_f1": float(f1_score(truth, predicted)),
        "balanced_accuracy": float(np.mean(recalls)),
        "sensitivity": float(recalls[1]),
        "specificity": float(recalls[0]),
    }


def threshold(make: Callable[[], Any], x: Any, y: Any) -> float:
    """Return the cut of the rare class's probability that is best for balanced accuracy.

    Learned on three folds of the training rows.
    """
    chances = cross_val_predict(make(), x, y, cv=3, method="predict_proba")[:, 1]
    cuts = np.quantile(chances, np.linspace(0.02, 0.98, 49))
    found = [np.mean(recall_score(y, chances >= cut, average=None)) for cut in cuts]
    return float(cuts[int(np.argmax(found))])


def with_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Read text cells as numbers where a column holds nothing else."""
    columns = []
    for column in frame.get_columns():
        numbers = column.cast(pl.Float64, strict=False)
        columns.append(numbers if numbers.null_count() == column.null_count() else column)
    return pl.DataFrame(columns)


def coded(frames: list[pl.DataFrame]) -> list[Any]:
    """Return numbers for learners: an integer for each category, learned on all frames together."""
    whole = with_numbers(pl.concat(frames))
    words = [name for name in whole.columns if not whole[name].dtype.is_numeric()]
    cells = [whole.drop(words).to_numpy().astype(float)]
    if words:
        cells.append(OrdinalEncoder().fit_transform(whole.select(words).fill_null("").to_numpy()))
    every = np.column_stack(cells)
    return np.split(every, np.cumsum([frame.height for frame in frames])[:-1])


def copies(made: pl.DataFrame, train: pl.DataFrame) -> float:
    """Share of rows that equal a real one."""
    equal = made.join(train, on=train.columns, how="semi", nulls_equal=True)
    return equal.height / max(made.height, 1)


def distance(made: pl.DataFrame, test: pl.DataFrame, task: Task, *, rare: bool) -> float | None:
    """Mean KS over numbers, of one class, between made rows and the real rows to test on."""
    own = with_numbers(pl.concat([test, made]).with_columns(pl.col(task.target).cast(pl.String)))
    wanted = pl.concat([test, made])[task.target].eq_missing(task.rare)
    mine = own.with_columns(wanted if rare else ~wanted)
    parts = [
        part.filter(task.target).drop(task.target)
        for part in (mine[: test.height], mine[test.height :])
    ]
    if min(part.height for part in parts) < 2:
        return None
    found = [
        ks_2samp(*(part[name].drop_nulls() for part in parts)).statistic
        for name in parts[0].columns
        if parts[0][name].dtype.is_numeric()
    ]
    return float(np.mean(found)) if found else None


def run_split(
    folder: Path, task: Task, writers: Mapping[str, Write], split: int, learners: list[str],
    plain: tuple[str, ...] = (),
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Give a row for each arm and learner; `plain` names arms without added rows."""
    train, test = task.split(folder, split)
    made, facts = {}, {}
    for name, write in writers.items():
        extra, seconds = cpu(partial(write, train, task, split))
        made[name] = extra.select(pl.col(train.columns).cast(pl.String))
        facts[name] = {
            "made": extra.height, "copies": copies(made[name], train), "seconds": seconds,
            "ks_rare": distance(made[name], test, task, rare=True),
            "ks_other": distance(made[name], test, task, rare=False),
        }  # fmt: skip
    nothing = dict.fromkeys(("made", "copies", "seconds", "ks_rare", "ks_other"))
    for name, x, x_test, y in _inputs(train, test, {**dict.fromkeys(plain), **made}, task):
        truth = (test[task.target] == task.rare).to_numpy()
        for learner in learners:
            predicted = _predicted(learner, name, x, x_test, y)
            yield {
                "split": split, "learner": learner, "arm": name,
                **scores(truth, predicted), **facts.get(name, nothing),
            }  # fmt: skip


def _inputs(
    train: pl.DataFrame, test: pl.DataFrame, made: Mapping[str, pl.DataFrame | None], task: Task
) -> Iterator[tuple[str, Any, Any, Any]]:
    parts = {
        name: train if extra is None else pl.concat([train, extra]) for name, extra in made.items()
    }
    frames = coded([frame.drop(task.target) for frame in (test, *parts.values())])
    for (name, part), x in zip(parts.items(), frames[1:], strict=True):
        yield name, x, frames[0], (part[task.target] == task.rare).to_numpy().astype(int)


def _predicted(learner: str, arm: str, x: Any, x_test: Any, y: Any) -> Any:
    # scikit-learn's own takes no missing numbers
    fill = float(np.nanmin(x)) - 1 if learner == "gradient boosting" else np.nan
    inputs, tests = (np.where(np.isnan(cells), fill, cells) for cells in (x, x_test))
    weight = compute_sample_weight("balanced", y) if arm == "class weights" else None
    model = LEARNERS[learner]().fit(inputs, y, sample_weight=weight)
    cut = threshold(LEARNERS[learner], inputs, y) if arm == "moved threshold" else 0.5
    return model.predict_proba(tests)[:, 1] >= cut


def resume(
    file: Path, splits: range, run: Callable[[int], Iterator[dict[str, Any]]]
) -> pl.DataFrame:
    """Run the splits that a file has not, adding each to it once it is whole; return all runs."""
    known = set(pl.read_csv(file)["split"]) if file.exists() else set()
    for split in splits:
        if split not in known:
            rows, seconds = cpu(lambda: list(run(split)))  # noqa: B023 - called at once
            append_csv(file, rows)
            print(f"{file.stem}: split {split}, {seconds:.0f} s of CPU", flush=True)
    return pl.read_csv(file, infer_schema_length=None)
