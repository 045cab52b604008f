"""Cross-validation that does not break on ten rows, where a class may have one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tablewright.selection.check import Floats, Mask

__all__ = ["out_of_fold", "stratified_folds"]

Folds = NDArray[np.intp]


def stratified_folds(y: Floats, n_folds: int, rng: np.random.Generator) -> Folds:
    """Deal rows to folds so that each class, or each range of a number, is spread evenly.

    Rows are ordered by `y`, at random among equals, and dealt in turn, so every fold gets rows
    whatever the sizes of the classes are.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    n_folds : int
        At most as many as there are rows.
    rng : numpy Generator

    Returns
    -------
    ndarray of int, shape (n_rows,)
        The fold of each row.

    Examples
    --------
    >>> y = np.array([0.0] * 6 + [1.0] * 3)
    >>> folds = stratified_folds(y, 3, np.random.default_rng(0))
    >>> np.bincount(folds[y == 0]).tolist(), np.bincount(folds[y == 1]).tolist()
    ([2, 2, 2], [1, 1, 1])
    """
    n_folds = min(n_folds, len(y))
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    folds = np.empty(len(y), dtype=np.intp)
    folds[order] = np.arange(len(y)) % n_folds
    return folds


def out_of_fold(folds: Folds, predict: Callable[[Mask, Mask], Floats]) -> Floats:
    """Predict each fold by a model of the other rows.

    Parameters
    ----------
    folds : ndarray of int, shape (n_rows,)
    predict : callable
        From a mask of rows to learn from and one of rows to predict to predictions of the
        latter, of shape (n_predicted, ...).

    Returns
    -------
    ndarray of shape (n_rows, ...)
    """
    parts = [(folds == k, predict(folds != k, folds == k)) for k in np.unique(folds)]
    found = np.empty((len(folds), *parts[0][1].shape[1:]))
    for mask, values in parts:
        found[mask] = values
    return found
