"""Whether a classifier can tell generated rows from real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.learners import Design, fit
from tablewright.metrics.outcomes import auc, auc_error
from tablewright.metrics.scores import Direction, Score

__all__ = ["detection", "detection_auc"]

N_FOLDS = 5
N_TREES = 60
MIN_ROWS = 10
NAMES = {"boosted trees": "detection_boosted", "linear": "detection_linear"}


def detection(
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows | None,
    rng: np.random.Generator,
    learner: str = "boosted trees",
    max_rows: int = 5000,
) -> Score:
    """AUC of a classifier between real and generated rows, cross-fitted in five folds.

    The real side is the holdout, since against training rows a generator that copies them would
    look perfect; without a holdout it is the training rows. Both sides have the same number
    of rows, numbers are rounded to the decimals of the schema, and equal rows share a fold. The
    value is an AUC: a value below 0.5 is noise and no better than 0.5. sdmetrics reports
    ``1 - max(0, 2 AUC - 1)`` of three unseeded folds instead.

    Parameters
    ----------
    real, synthetic : EncodedRows
    holdout : EncodedRows or None
    rng : numpy Generator
    learner : str, default="boosted trees"
        Or ``"linear"``.
    max_rows : int, default=5000
        Rows of each side at most, drawn at random.

    Returns
    -------
    Score
        Its details name, for boosted trees, the columns that give the rows away: the AUC lost
        when the column is shuffled; and the pairs whose association differs most.
    """
    name = NAMES[learner]
    truth = holdout if holdout is not None and len(holdout) else real
    size = min(len(truth), len(synthetic), len(real), max_rows)
    meaning = f"AUC of {learner} between generated and real rows; 0.5 cannot be told apart"
    if size < MIN_ROWS:
        reason = f"there are fewer than {MIN_ROWS} rows to tell apart"
        return Score.undefined(name, Direction.TARGET, reason, meaning, size)
    basis = _round(truth.cut(size, rng))
    found = _cross_fit(basis, _round(synthetic.cut(size, rng)), learner, rng)
    others = {"shuffled": _round(real.shuffled(rng).cut(size, rng))}
    if truth is holdout:
        others["real"] = _round(real.cut(size, rng))
    reference = {key: _cross_fit(basis, rows, learner, rng).value for key, rows in others.items()}
    interval = (found.value - 1.96 * found.error, found.value + 1.96 * found.error)
    details = {
        "columns": found.columns,
        "pairs": _pairs(real, synthetic),
        "against": "holdout" if truth is holdout else "training",
    }
    return Score(
        name, found.value, Direction.TARGET, meaning, interval, reference, 0.5, "", size, details
    )


def detection_auc(real: EncodedRows, other: EncodedRows, rng: np.random.Generator) -> float:
    """AUC of boosted trees between two tables of the same size, and nothing beside it."""
    size = min(len(real), len(other))
    sides = _round(real.cut(size, rng)), _round(other.cut(size, rng))
    return _cross_fit(*sides, "boosted trees", rng, name_columns=False).value


@dataclass(frozen=True)
class _Found:
    value: float
    error: float
    columns: dict[str, float]


def _cross_fit(
    real: EncodedRows,
    other: EncodedRows,
    learner: str,
    rng: np.random.Generator,
    name_columns: bool = True,
) -> _Found:
    design = Design.of(real, np.zeros(len(real))).join(Design.of(other, np.ones(len(other))))
    folds = _folds(design.trees, rng)
    scores, losses = np.full(len(design), 0.5), np.zeros(len(real.features))
    for fold in range(N_FOLDS):
        test = folds == fold
        if not test.any() or test.all():
            continue
        leaf = max(3, min(20, len(design) // 20))
        model = fit(learner, design.take(~test), 2, rng, leaf=leaf, n_trees=N_TREES)
        scores[test] = model(design.take(test))[:, 1]
        if learner == "boosted trees" and name_columns:
            losses += _losses(model, design.take(test), rng) / N_FOLDS
    sides = [scores[design.y == side] for side in (0, 1)]
    columns = {f.name: float(loss) for f, loss in zip(real.features, losses, strict=True)}
    return _Found(auc(*sides), auc_error(*sides), columns)


def _losses(model: Callable[[Design], Floats], test: Design, rng: np.random.Generator) -> Floats:
    """AUC lost when one column of the test rows is shuffled, for each column."""
    if len(np.unique(test.y)) < 2:
        return np.zeros(test.trees.shape[1])
    whole, order = _auc(test.y, model(test)), rng.permutation(len(test))
    return np.array([whole - _auc(test.y, model(_mixed(test, j, order))) for j in _columns(test)])


def _pairs(real: EncodedRows, other: EncodedRows, n_pairs: int = 8) -> list[list[str | float]]:
    """Pairs of columns whose association differs most: names, real value, generated value."""
    first, second = associations(real), associations(other)
    upper = np.triu_indices(len(first), 1)
    worst = np.argsort(-np.abs(first - second)[upper], kind="stable")[:n_pairs]
    names = [feature.name for feature in real.features]
    return [
        [names[i], names[j], float(first[i, j]), float(second[i, j])]
        for i, j in zip(upper[0][worst], upper[1][worst], strict=True)
    ]


def _columns(test: Design) -> range:
    return range(test.trees.shape[1])


def _auc(y: Floats, probabilities: Floats) -> float:
    return auc(probabilities[y == 0, 1], probabilities[y == 1, 1])


def _mixed(test: Design, column: int, order: NDArray[np.int64]) -> Design:
    trees = test.trees.copy()
    trees[:, column] = trees[order, column]
    return replace(test, trees=trees)


def _folds(values: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """Folds in which equal rows stay together, or trees would score below chance on copies."""
    _, group = np.unique(np.nan_to_num(values, nan=-1e300), axis=0, return_inverse=True)
    group = group.ravel()
    places = rng.permutation(int(group.max()) + 1)
    return np.asarray(places[group] % N_FOLDS, dtype=np.int64)


def _round(rows: EncodedRows) -> EncodedRows:
    """Round numbers as the real ones are written: decimals are no distribution."""
    values = rows.values.copy()
    for j, feature in enumerate(rows.features):
        if feature.levels is None and feature.column.decimals is not None:
            values[:, j] = np.round(values[:, j], feature.column.decimals)
    return EncodedRows(rows.encoder, values, rows.frame)
