"""How likely each row's class is, given the rest of the row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tablewright.generators.base import Floats
from tablewright.tables.encoding.codec import Matrix

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_MOST_CLASSES = 20  # boosting grows as many trees per round


class ClassModel:
    """Boosted trees that tell the classes of a table apart.

    Parameters
    ----------
    matrix : Matrix
        Real rows.
    seed : int
        Breaks ties.

    Examples
    --------
    >>> from tablewright.tables.encoding.codec import Field
    >>> rows = np.column_stack([np.arange(100.0), np.arange(100) > 49])
    >>> model = ClassModel(Matrix(rows, (Field("x"), Field("y", levels=2, target=True))), 0)
    >>> chances = model.chances(np.array([[10.0, 0.0], [10.0, 1.0]]))
    >>> bool(chances[0] > 0.9), bool(chances[1] < 0.1)
    (True, True)
    """

    def __init__(self, matrix: Matrix, seed: int) -> None:
        assert matrix.target is not None
        self._target = matrix.target
        codes = matrix.values[:, self._target]
        known = ~np.isnan(codes)
        self._classes = np.unique(codes[known])
        some = np.atleast_1d(~np.isnan(matrix.values[known]).all(axis=0))
        self._features = np.flatnonzero(some & (np.arange(len(some)) != self._target))
        self._model: HistGradientBoostingClassifier | None = None
        if len(self._features) and 2 <= len(self._classes) <= _MOST_CLASSES:
            from sklearn.ensemble import HistGradientBoostingClassifier  # takes 0.2 s

            self._model = HistGradientBoostingClassifier(
                max_iter=60,
                max_leaf_nodes=15,
                min_samples_leaf=10,
                early_stopping=False,
                random_state=seed,
            ).fit(matrix.values[known][:, self._features], codes[known])

    def chances(self, values: Floats) -> Floats:
        """Give the chance of its class to each row; 1 where the model knows nothing of it.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        codes = values[:, self._target]
        known = np.isin(codes, self._classes)
        probabilities = np.ones(len(values))
        if self._model is not None and known.any():
            index = np.searchsorted(self._classes, codes[known])
            each = self._model.predict_proba(values[known][:, self._features])
            probabilities[known] = each[np.arange(len(index)), index]
        return probabilities
