"""Filling rare classes: tablewright beside random oversampling, SMOTE-NC and class weights.

python -m benchmarks.resampling.fill --data DIR [--runs runs.csv]

Each way fills all classes up to the largest on the training folds of 3 x 5 stratified folds; a
forest and boosted trees learn the result and are judged on the held-out fold. Differences are
paired by fold; those over tables are paired by table. A table whose folds stand in `--runs` is not
run again.
"""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.intervals import difference
from benchmarks.measure import markdown, options, write_csv, write_page
from benchmarks.resampling.tables import TARGET, tables
from tablewright import Synthesizer

FOLDS, REPEATS, TREES = 5, 3, 100
MEASURES = ("macro_f1", "balanced_accuracy")
Fill = Callable[[pl.DataFrame, int], pl.DataFrame]


def _forest(seed: int, weight: str | None) -> Any:
    return RandomForestClassifier(TREES, random_state=seed, n_jobs=1, class_weight=weight)


def _boosted(seed: int, weight: str | None) -> Any:
    return HistGradientBoostingClassifier(random_state=seed, class_weight=weight)


LEARNERS: dict[str, Callable[[int, str | None], Any]] = {
    "forest": _forest,
    "boosted trees": _boosted,
}


@dataclass(frozen=True)
class Way:
    """How rows are filled, and how the learner weighs classes."""

    fill: Fill
    class_weight: str | None = None


def plain(train: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Leave the classes as they are."""
    return train


def repeated(train: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Draw real rows of the rare classes again."""
    y = train[TARGET].to_numpy()
    sampler = RandomOverSampler(random_state=seed)
    sampler.fit_resample(np.arange(len(y)).reshape(-1, 1), y)
    return train[sampler.sample_indices_]


def smote(train: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Fill by imbalanced-learn's SMOTE, or SMOTE-NC where there are categories."""
    x, y = train.drop(TARGET), train[TARGET].to_numpy()
    codes = [j for j, name in enumerate(x.columns) if not x.schema[name].is_numeric()]
    numbers = [name for name in x.columns if x.schema[name].is_numeric()]
    x = x.with_columns(pl.col(numbers).fill_null(strategy="mean")).fill_null("?")
    few = min(np.unique(y, return_counts=True)[1]) - 1
    k = max(1, min(5, few))
    if len(codes) == x.width:  # SMOTE-NC needs a number; a constant leaves distances as they are
        x = x.with_columns(constant=pl.lit(0.0))
    if codes:
        sampler: Any = SMOTENC(codes, k_neighbors=k, random_state=seed)
    else:
        sampler = SMOTE(k_neighbors=k, random_state=seed)
    filled, classes = sampler.fit_resample(x.to_pandas(), y)
    return pl.from_pandas(filled).select(train.drop(TARGET).columns).with_columns(
        pl.Series(TARGET, classes)
    )  # fmt: skip


def ours(method: str) -> Fill:
    """Return a way that calls `fit_resample` with a method."""

    def fill(train: pl.DataFrame, seed: int) -> pl.DataFrame:
        synthesizer = Synthesizer(method, random_state=seed)
        x, y = synthesizer.fit_resample(train.drop(TARGET), train[TARGET])
        return x.with_columns(y)

    return fill


def matrices(train: pl.DataFrame, test: pl.DataFrame) -> list[np.ndarray]:
    """Code words by their order, with empty cells as a value of their own."""
    names = [n for n in test.columns if n != TARGET]
    words = [n for n in names if not test.schema[n].is_numeric()]
    numbers = [n for n in names if n not in words]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    if words:
        encoder.fit(train.select(words).fill_null("?").to_numpy())
    result = []
    for frame in (train, test):
        parts = []
        if numbers:
            parts.append(frame.select(numbers).cast(pl.Float64).fill_null(-999.0).to_numpy())
        if words:
            parts.append(encoder.transform(frame.select(words).fill_null("?").to_numpy()))
        result.append(np.hstack(parts))
    return result


def fold(train: pl.DataFrame, test: pl.DataFrame, ways: dict[str, Way], seed: int) -> list[dict]:
    """Return the scores of each way and learner on one fold."""
    rows = []
    truth = test[TARGET].to_numpy()
    for name, way in ways.items():
        filled = way.fill(train, seed)
        x_train, x_test = matrices(filled, test)
        for learner, make in LEARNERS.items():
            model = make(seed, way.class_weight).fit(x_train, filled[TARGET].to_numpy())
            guess = model.predict(x_test)
            scores = (
                f1_score(truth, guess, average="macro"),
                balanced_accuracy_score(truth, guess),
            )
            rows.append(
                {"fold": seed, "way": name, "learner": learner}
                | dict(zip(MEASURES, scores, strict=True))
            )
    return rows  # fmt: skip


def run(frame: pl.DataFrame, ways: dict[str, Way]) -> list[dict[str, Any]]:
    """Return the scores of all folds of a table."""
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    splits = folds.split(frame, frame[TARGET].to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            row
            for k, (train, test) in enumerate(splits)
            for row in fold(frame[train], frame[test], ways, k)
        ]


def _scores(runs: pl.DataFrame, table: str, learner: str, way: str, measure: str) -> np.ndarray:
    picked = runs.filter(table=table, learner=learner, way=way).sort("fold")
    return picked[measure].to_numpy()


def by_table(
    runs: pl.DataFrame, ways: Iterable[str], base: str = "SMOTE", first: str = "auto"
) -> list[dict[str, str]]:
    """Lay out the means of each table, and the paired difference of one way and SMOTE."""
    rows = []
    for table in runs["table"].unique(maintain_order=True):
        for learner in LEARNERS:
            for measure in MEASURES:
                row = {"table": table, "learner": learner, "measure": measure}
                of = {way: _scores(runs, table, learner, way, measure) for way in ways}
                row |= {way: f"{values.mean():.3f}" for way, values in of.items()}
                gap = difference(of[first], of[base], 1 / (FOLDS - 1))
                rows.append(row | {f"{first} - {base}": f"{gap.mean:+.3f} ± {gap.corrected:.3f}"})
    return rows


def over_tables(
    runs: pl.DataFrame, ways: Iterable[str], first: str = "auto"
) -> list[dict[str, str]]:
    """Lay out the mean over tables of one way minus each other, with an interval over tables."""
    names = runs["table"].unique(maintain_order=True)
    rows = []
    for learner in LEARNERS:
        for measure in MEASURES:
            row = {f"{first} minus": f"{learner}, {measure}"}
            for way in ways:
                if way == first:
                    continue
                gaps = np.array(
                    [
                        _scores(runs, table, learner, first, measure).mean()
                        - _scores(runs, table, learner, way, measure).mean()
                        for table in names
                    ]
                )
                width = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
                row[way] = f"{gaps.mean():+.3f} ± {width:.3f} (worse on {(gaps < 0).sum()})"
            rows.append(row)
    return rows


def main() -> None:
    """Run all tables and write the page."""
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--methods", default="trees,auto", help="ours; auto is compared")
    parser.add_argument("--only", default="", help="part of a table's name; writes no page")
    parser.add_argument("--runs", type=Path, help="CSV that keeps finished tables")
    asked = parser.parse_args()
    ways = {
        "plain": Way(plain), "class weights": Way(plain, "balanced"),
        "repeated": Way(repeated), "SMOTE": Way(smote),
        **{method: Way(ours(method)) for method in asked.methods.split(",")},
    }  # fmt: skip
    done = pl.read_csv(asked.runs) if asked.runs and asked.runs.exists() else None
    for name, frame in tables(asked.data):
        if asked.only not in name or (done is not None and name in done["table"]):
            continue
        mine = pl.DataFrame(run(frame, ways)).select(pl.lit(name).alias("table"), pl.all())
        print(markdown(by_table(mine, ways)), flush=True)
        done = mine if done is None else pl.concat([done, mine])
        if asked.runs:
            done.write_csv(asked.runs)
    if asked.only or done is None:
        return
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    write_csv("resampling", done.with_columns(pl.col(MEASURES).round(4)).to_dicts())
    parts = [
        __doc__ or "",
        f"Commit {commit}, {done['table'].n_unique()} tables.",
        "## Over the tables",
        markdown(over_tables(done, ways)),
        "## Table by table",
        markdown(by_table(done, ways)),
    ]
    write_page("resampling", "Filling rare classes", parts)


if __name__ == "__main__":
    main()
