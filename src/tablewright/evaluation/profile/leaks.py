"""Columns that give the target away: each alone predicts it almost perfectly."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tablewright.evaluation.profile.models import Finding
from tablewright.evaluation.profile.summaries import to_numbers
from tablewright.schema import Column, Kind, Schema

LEAKY = 0.95
"""Skill from which a column alone is suspicious: 0 is chance, 1 is no error."""

MAX_ROWS = 20_000
MIN_ROWS = 30
_LEAVES = 32
_FOLDS = 5

Floats = NDArray[np.float64]


def find_leaks(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Find columns that each predict the target almost perfectly.

    Parameters
    ----------
    frame : DataFrame
        Typed rows.
    schema : Schema
        With a target.

    Returns
    -------
    list of Finding
        One for each column whose cross-fitted skill is at least 0.95.
    """
    target = schema[schema.target or ""]
    rows = frame.drop_nulls(target.name)
    if rows.height < MIN_ROWS or target.kind in (Kind.TEXT, Kind.IDENTIFIER, Kind.CONSTANT):
        return []
    if rows.height > MAX_ROWS:
        rows = rows.sample(MAX_ROWS, seed=0)
    skills = {
        column.name: predict_alone(rows[column.name], rows[target.name], column, target)
        for column in schema.modelled
        if column.name != target.name and column.kind is not Kind.TEXT
    }
    return [
        Finding.warning(
            "leaky column",
            f"{name!r} alone predicts {target.name!r} almost perfectly (skill {skill:.3f} of 1, "
            "cross-fitted); if it is known only after the outcome, leave it out",
            name,
        )
        for name, skill in skills.items()
        if skill >= LEAKY
    ]


def predict_alone(series: pl.Series, outcome: pl.Series, column: Column, target: Column) -> float:
    """Measure how well one column predicts another, cross-fitted over five folds.

    Returns
    -------
    float
        Of classes the balanced accuracy, scaled so that chance is 0 and no error is 1; of
        numbers R squared. 0 where a class has fewer than five rows in all of them.
    """
    values = _features(series, column)
    if target.kind.is_numeric:
        numbers = to_numbers(outcome).to_numpy()
        regressor = DecisionTreeRegressor(max_leaf_nodes=4 * _LEAVES, random_state=0)
        return float(r2_score(numbers, _cross_fitted(regressor, values, numbers, column)))
    codes = _ranks(outcome)
    kept = (np.bincount(codes) >= _FOLDS)[codes]
    values, codes = values[kept], codes[kept]
    if len(np.unique(codes)) < 2:
        return 0.0
    tree = DecisionTreeClassifier(
        max_leaf_nodes=_LEAVES, min_samples_leaf=_FOLDS, class_weight="balanced", random_state=0
    )
    guessed = _cross_fitted(tree, values, codes, column)
    return float(balanced_accuracy_score(codes, guessed, adjusted=True))


def _features(series: pl.Series, column: Column) -> Floats:
    if column.kind.is_numeric:
        return to_numbers(series).fill_null(np.nan).to_numpy()
    return _ranks(series).astype(np.float64)


def _ranks(series: pl.Series) -> NDArray[np.int64]:
    """Return the rank of each value as text, 0 where missing."""
    return series.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)


def _cross_fitted(tree: Any, values: Floats, outcome: NDArray[Any], column: Column) -> NDArray[Any]:
    """Predict each fold by a tree of the others."""
    kind = KFold if outcome.dtype.kind == "f" else StratifiedKFold
    guessed = np.empty_like(outcome)
    for train, test in kind(_FOLDS, shuffle=True, random_state=0).split(values, outcome):
        inputs = _encode(values, train, outcome, column)
        guessed[test] = tree.fit(inputs[train], outcome[train]).predict(inputs[test])
    return guessed


def _encode(
    values: Floats, train: NDArray[np.int64], outcome: NDArray[Any], column: Column
) -> Floats:
    """Give trees one column: numbers, or for categories their mean outcome in training rows."""
    if column.kind.is_numeric or column.kind is Kind.ORDINAL:
        return values[:, None]
    codes = values.astype(np.int64)
    sums, counts = (
        np.bincount(codes[train], weights, minlength=codes.max() + 1)
        for weights in (outcome[train], None)
    )
    means = np.where(counts > 0, sums / np.maximum(counts, 1), outcome[train].mean())
    return np.asarray(means[codes][:, None])
