"""Predictions of real rows by models that did not see them, nor rows equal to them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.metrics.learners import Design, Task

Folds = NDArray[np.intp]
Mask = NDArray[np.bool_]

Added = Design | Callable[[Design], Design] | None
"""Rows to learn from beside the real ones, or a function that chooses them by the real rows."""


def stratified_folds(
    y: NDArray[Any],
    n_folds: int,
    rng: np.random.Generator,
    keys: Sequence[bytes] | None = None,
) -> Folds:
    """Assign rows to folds so that each class, or each range of a number, is spread evenly.

    Rows are ordered by `y`, at random among equals, and assigned in turn, so every fold gets rows
    whatever the sizes of the classes are.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    n_folds : int
        At most as many as there are rows, or different keys.
    rng : numpy Generator
    keys : sequence of bytes or None, default=None
        Rows with the same key share a fold.

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
    group = np.arange(len(y)) if keys is None else _numbered(keys)
    n_groups = int(group.max()) + 1 if len(group) else 0
    level = np.bincount(group, weights=y) / np.maximum(np.bincount(group), 1)
    order = rng.permutation(n_groups)
    order = order[np.argsort(level[order], kind="stable")]
    folds = np.empty(n_groups, dtype=np.intp)
    folds[order] = np.arange(n_groups) % max(1, min(n_folds, n_groups))
    return folds[group]


def _numbered(keys: Sequence[bytes]) -> Folds:
    """Return for each row the number of its key, by first occurrence."""
    number: dict[bytes, int] = {}
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.intp)


def out_of_fold(
    folds: Folds, predict: Callable[[Mask, Mask], NDArray[np.float64]]
) -> NDArray[np.float64]:
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
    joined = np.empty((len(folds), *parts[0][1].shape[1:]))
    for mask, values in parts:
        joined[mask] = values
    return joined


class CrossFit:
    """Predicts real rows by models of the other real rows, alone or with rows added.

    The folds, and the random state of every fit, are the same in every call: two sets of added
    rows are compared row by row.

    Parameters
    ----------
    real : Design
        Real rows with known outcomes.
    task : Task
    seed : sequence of int
    n_folds, n_repeats : int
        Folds, and how often they are drawn.
    test : Design or None, default=None
        Rows to predict, by models of all real rows; the real rows themselves, fold by fold,
        where None.
    """

    def __init__(
        self,
        real: Design,
        task: Task,
        seed: Sequence[int],
        *,
        n_folds: int = 5,
        n_repeats: int = 1,
        test: Design | None = None,
    ) -> None:
        self.real, self.task, self.seed = real, task, list(seed)
        self.test = real if test is None else test
        self.folds: list[Folds] = []
        if test is None:
            self._keys = real.row_keys
            self.folds = [
                stratified_folds(real.y, n_folds, np.random.default_rng([*seed, 0, k]), self._keys)
                for k in range(n_repeats)
            ]

    def predict(self, added: Added = None, alone: bool = False) -> list[dict[str, Any]]:
        """Return the predictions of each repeat by each learner; see `learners.fit` for the shapes.

        Parameters
        ----------
        added : Design, callable or None, default=None
            Rows to learn from too. Rows equal to those of a fold are left out where it is
            predicted.
        alone : bool, default=False
            Learn from the added rows, and not from real ones.
        """
        if not self.folds:
            train = self._train(self.real, added, alone, frozenset())
            return [self.task.predict(train, self.test, self._rng(0))]
        return [self._repeat(folds, added, alone) for folds in self.folds]

    def _repeat(self, folds: Folds, added: Added, alone: bool) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for fold in np.unique(folds).tolist():
            test = folds == fold
            seen = frozenset(itertools.compress(self._keys, test))
            train = self._train(self.real.take(~test), added, alone, seen)
            predicted = self.task.predict(train, self.real.take(test), self._rng(fold + 1))
            for name, values in predicted.items():
                whole = filled.setdefault(name, np.empty((len(folds), *values.shape[1:])))
                whole[test] = values
        return filled

    def _train(self, known: Design, added: Added, alone: bool, seen: frozenset[bytes]) -> Design:
        more = added(known) if callable(added) else added
        if more is None:
            return known
        if seen:
            more = more.take(np.array([key not in seen for key in more.row_keys], dtype=bool))
        return more if alone else known.join(more)

    def _rng(self, fold: int) -> np.random.Generator:
        return np.random.default_rng([*self.seed, 1, fold])
