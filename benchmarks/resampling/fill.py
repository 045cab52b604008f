"""Filling rare classes: tablewright beside random oversampling and SMOTE-NC.

python -m benchmarks.resampling.fill --data DIR

Each way fills all classes up to the largest on the training folds of 2 x 3 stratified folds; a
random forest learns the result and is judged on the held-out fold. Differences are paired.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score, f1_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.intervals import difference
from benchmarks.measure import markdown, options, write_csv, write_page
from benchmarks.resampling.tables import TARGET, tables
from tablewright import Synthesizer

FOLDS, REPEATS, TREES = 3, 2, 100
Fill = Callable[[pl.DataFrame, int], pl.DataFrame]


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
    if codes:
        sampler: Any = SMOTENC(codes, k_neighbors=k, random_state=seed)
    else:
        sampler = SMOTE(k_neighbors=k, random_state=seed)
    filled, classes = sampler.fit_resample(x.to_pandas(), y)
    return pl.from_pandas(filled).with_columns(pl.Series(TARGET, classes))


def ours(method: str) -> Fill:
    """Return a way that calls `fit_resample` with a method."""

    def fill(train: pl.DataFrame, seed: int) -> pl.DataFrame:
        synthesizer = Synthesizer(method, random_state=seed)
        x, y = synthesizer.fit_resample(train.drop(TARGET), train[TARGET])
        return x.with_columns(y)

    return fill


def score(train: pl.DataFrame, test: pl.DataFrame, seed: int) -> tuple[float, float]:
    """Macro-F1 and balanced accuracy of a forest."""
    names = [n for n in test.columns if n != TARGET]
    coded = [n for n in names if not test.schema[n].is_numeric()]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    inputs = []
    if coded:
        encoder.fit(train.select(coded).fill_null("?").to_numpy())
    for frame in (train, test):
        plain_part = frame.select(n for n in names if n not in coded).cast(pl.Float64)
        parts = [plain_part.fill_null(-999.0).to_numpy()]
        if coded:
            parts.append(encoder.transform(frame.select(coded).fill_null("?").to_numpy()))
        inputs.append(np.hstack(parts))
    forest = RandomForestClassifier(TREES, random_state=seed, n_jobs=1)
    guess = forest.fit(inputs[0], train[TARGET].to_numpy()).predict(inputs[1])
    truth = test[TARGET].to_numpy()
    return f1_score(truth, guess, average="macro"), balanced_accuracy_score(truth, guess)


def run(frame: pl.DataFrame, ways: dict[str, Fill], repeats: int) -> dict[str, np.ndarray]:
    """Scores of each way, shape (n_folds, 2)."""
    result: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    folds = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=0)
    for k, (train, test) in enumerate(folds.split(frame, frame[TARGET].to_numpy())):
        for name, fill in ways.items():
            result[name].append(score(fill(frame[train], k), frame[test], k))
    return {name: np.array(scores) for name, scores in result.items()}


def main() -> None:
    """Run all tables and write the page."""
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--methods", default="auto")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--only", default="", help="part of a table's name")
    asked = parser.parse_args()
    ways: dict[str, Fill] = {"plain": plain, "repeated": repeated, "SMOTE": smote}
    ways |= {method: ours(method) for method in asked.methods.split(",")}
    rows, single = [], []
    for name, frame in tables(asked.data):
        if asked.only not in name:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = run(frame, ways, asked.repeats)
        for m, measure in enumerate(("macro-F1", "balanced accuracy")):
            row = {"table": name, "measure": measure}
            row |= {way: f"{result[:, m].mean():.3f}" for way, result in scores.items()}
            for base in ("repeated", "SMOTE"):
                mine = scores[asked.methods.split(",")[0]]
                gap = difference(mine[:, m], scores[base][:, m], 1 / (FOLDS - 1))
                row[f"first - {base}"] = f"{gap.mean:+.3f} ± {gap.corrected:.3f}"
            rows.append(row)
            print(row, flush=True)
        single += [
            {"table": name, "fold": k, "way": way, "macro_f1": f1, "balanced_accuracy": accuracy}
            for way, result in scores.items()
            for k, (f1, accuracy) in enumerate(result.tolist())
        ]
    if not asked.only:
        write_csv("resampling", single)
        write_page("resampling", "Filling rare classes", [__doc__ or "", markdown(rows)])


if __name__ == "__main__":
    main()
