"""Columns that give the target away: each alone predicts it almost perfectly."""

from __future__ import annotations

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
    result = []
    for column in schema.modelled:
        if column.name == target.name or column.kind is Kind.TEXT:
            continue
        skill = predict_alone(rows[column.name], rows[target.name], column, target)
        if skill >= LEAKY:
            result.append(_say(column.name, target.name, skill))
    return result


def _say(name: str, target: str, skill: float) -> Finding:
    return Finding(
        topic="leaky column",
        severity="warning",
        columns=[name],
        sentence=(
            f"{name!r} alone predicts {target!r} almost perfectly (skill {skill:.3f} of 1, "
            "cross-fitted); if it is known only after the outcome, leave it out"
        ),
    )


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
        return _predict_numbers(values, to_numbers(outcome).to_numpy(), column)
    codes = outcome.cast(pl.String).rank("dense").to_numpy().astype(np.int64)
    return _predict_classes(values, codes, column)


def _features(series: pl.Series, column: Column) -> Floats:
    if column.kind.is_numeric:
        return to_numbers(series).fill_null(np.nan).to_numpy()
    ranks = series.cast(pl.String).rank("dense").fill_null(0)
    return ranks.to_numpy().astype(np.float64)


def _predict_classes(values: Floats, codes: NDArray[np.int64], column: Column) -> float:
    labels, counts = np.unique(codes, return_counts=True)
    kept = np.isin(codes, labels[counts >= _FOLDS])
    values, codes = values[kept], codes[kept]
    n_classes = len(np.unique(codes))
    if n_classes < 2:
        return 0.0
    guessed = np.empty_like(codes)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(values, codes):
        tree = DecisionTreeClassifier(
            max_leaf_nodes=_LEAVES,
            min_samples_leaf=_FOLDS,
            class_weight="balanced",
            random_state=0,
        )
        result = _encode(values, train, codes.astype(np.float64), column)
        guessed[test] = tree.fit(result[train], codes[train]).predict(result[test])
    probability = 1 / n_classes
    return float((balanced_accuracy_score(codes, guessed) - probability) / (1 - probability))


def _predict_numbers(values: Floats, outcome: Floats, column: Column) -> float:
    guessed = np.empty_like(outcome)
    for train, test in KFold(_FOLDS, shuffle=True, random_state=0).split(values):
        tree = DecisionTreeRegressor(max_leaf_nodes=4 * _LEAVES, random_state=0)
        result = _encode(values, train, outcome, column)
        guessed[test] = tree.fit(result[train], outcome[train]).predict(result[test])
    return float(r2_score(outcome, guessed))


def _encode(values: Floats, train: NDArray[np.int64], outcome: Floats, column: Column) -> Floats:
    """Give trees one column: numbers, or for categories their mean outcome in training rows."""
    if column.kind.is_numeric or column.kind is Kind.ORDINAL:
        return values[:, None]
    codes = values.astype(np.int64)
    sums = np.bincount(codes[train], outcome[train], minlength=codes.max() + 1)
    counts = np.bincount(codes[train], minlength=codes.max() + 1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), outcome[train].mean())
    encoded: Floats = means[codes][:, None]
    return encoded
