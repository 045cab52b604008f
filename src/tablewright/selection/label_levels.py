"""How likely each label is for a row, as a multiple of how likely it is for any row."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import RandomForestRegressor

from tablewright.metrics.learners import LEARNERS, MIN_ROWS_FOR_TREES, Design, Task, leaf_size
from tablewright.selection.check import Floats
from tablewright.selection.feature_space import RealRows
from tablewright.threads import one_thread

Ints = NDArray[np.intp]

_N_LEVELS = 20
_WIDTH = 1.6
"""Levels over which the label of a row counts as evidence for others, as a standard deviation."""
_N_TREES = 40
_LEAF, _TREE_ROWS = 10, 1000


class LabelLevels:
    """Labels as codes of levels: classes, or ranges of a number with as many real rows each.

    Parameters
    ----------
    real_rows : RealRows
        With a target.

    Examples
    --------
    >>> from tablewright.schema import Schema
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> real = pl.DataFrame({"x": np.r_[-9.0:0, 1.0:10], "y": ["a"] * 9 + ["b"] * 9})
    >>> levels = LabelLevels(RealRows.fit(real, schema))
    >>> ratios = levels.ratios(levels.real, levels.real, np.random.default_rng(0))
    >>> ratios[0].round(1), levels.of(ratios, levels.real)[:1].round(1)
    (array([1.9, 0.1, 0. ]), array([1.9]))
    """

    def __init__(self, real_rows: RealRows) -> None:
        self.real_rows = real_rows
        self.real = real_rows.design(real_rows.real)
        self.edges = np.quantile(self.real.y, np.arange(1, _N_LEVELS) / _N_LEVELS)

    def design(self, rows: pl.DataFrame) -> Design:
        """Return what learners see of typed rows."""
        return self.real_rows.design(self.real_rows.rows(rows))

    def task(self, n_rows: int) -> Task:
        """Return what predicts labels: the linear model alone below 100 real rows."""
        n_classes = self.real_rows.n_codes
        few = len(self.real) < MIN_ROWS_FOR_TREES
        return Task(n_classes, 0, leaf_size(n_rows), _N_TREES, LEARNERS[1:] if few else LEARNERS)

    def codes(self, y: Floats) -> Ints:
        """Return the level of each label."""
        if self.real_rows.classifies:
            return y.astype(np.intp)
        return np.searchsorted(self.edges, y, "right")

    def of(self, ratios: Floats, rows: Design) -> Floats:
        """Look up each row's own label."""
        return ratios[np.arange(len(rows)), self.codes(rows.y)]

    def ratios(self, known: Design, rows: Design, rng: np.random.Generator) -> Floats:
        """Predict rows by a model of known ones.

        Returns
        -------
        ndarray of shape (n_rows, n_levels)
            The probability of each level given the row over its share among the known rows, so
            that a rare class is not unlikely for being rare; 0 for a class that none has.
        """
        if self.real_rows.classifies:
            probabilities = averaged(self.task(len(known)).predict(known, rows, rng))
            shares = np.bincount(self.codes(known.y), minlength=probabilities.shape[1])
        else:
            spread = _kernel()[self.codes(known.y)]
            probabilities, shares = _forest(known, rows, spread, rng), spread.sum(axis=0)
        return probabilities * len(known) / np.where(shares > 0, shares, np.inf)


def averaged(predicted: dict[str, Any]) -> Floats:
    """Return the mean of what learners predict."""
    return np.asarray(np.mean(list(predicted.values()), axis=0))


def _kernel() -> Floats:
    """Return for each level how much it says of the others; rows add up to 1."""
    apart = np.subtract.outer(np.arange(_N_LEVELS), np.arange(_N_LEVELS)) / _WIDTH
    bell = np.exp(-(apart**2) / 2)
    return np.asarray(bell / bell.sum(axis=1, keepdims=True))


def _forest(known: Design, rows: Design, spread: Floats, rng: np.random.Generator) -> Floats:
    """Average what the known rows say that share a leaf with a row (Meinshausen 2006)."""
    n, total = len(known), np.zeros((len(rows), spread.shape[1]))
    forest = RandomForestRegressor(
        _N_TREES, min_samples_leaf=_LEAF, max_samples=min(n, _TREE_ROWS),
        random_state=int(rng.integers(2**31)),
    )  # fmt: skip
    with one_thread():
        forest.fit(known.linear, spread @ np.arange(spread.shape[1]))
        own, leaves = forest.apply(known.linear), forest.apply(rows.linear)
    for k, tree in enumerate(forest.estimators_):
        shape = (tree.tree_.node_count, n)
        member = sparse.coo_array((np.ones(n), (own[:, k], np.arange(n))), shape).tocsr()
        counts = np.maximum(member.sum(axis=1), 1)[:, None]
        total += (member @ spread / counts)[leaves[:, k]]
    return total / len(forest.estimators_)
