"""Know training rows again, so that they are not written once more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Floats

_REPEATS = 0.01  # share of rows with a twin from which on equal rows are no sign of copying


@dataclass(frozen=True)
class TrainingRowIndex:
    """The rows of a table whose rows do not repeat each other.

    Where real rows have twins, as in a table of few categories, a written row that equals one
    is what chance brings, and none is found here.

    Attributes
    ----------
    keys : ndarray of uint64
        One for each row, ascending.

    Examples
    --------
    >>> index = TrainingRowIndex.learn(np.array([[1.0, np.nan], [2.0, 0.5]]))
    >>> index.contains(np.array([[2.0, 0.5], [1.0, 0.5], [1.0, np.nan]]))
    array([ True, False,  True])
    """

    keys: NDArray[np.uint64]

    @classmethod
    def learn(cls, values: Floats) -> TrainingRowIndex:
        """Index rows of shape (n_rows, n_columns)."""
        keys, counts = np.unique(_keys(values), return_counts=True)
        return cls(keys[:0] if counts[counts > 1].sum() > _REPEATS * len(values) else keys)

    def contains(self, values: Floats) -> Bools:
        """Tell which rows equal a training row."""
        if len(self.keys) == 0:
            return np.zeros(len(values), dtype=np.bool_)
        keys = _keys(values)
        index = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        equal: Bools = self.keys[index] == keys
        return equal


def _keys(values: Floats) -> NDArray[np.uint64]:
    """One number per row, the same for rows whose cells are the same."""
    keys = np.zeros(len(values), dtype=np.uint64)
    for j in range(values.shape[1]):
        column = np.where(np.isnan(values[:, j]), np.inf, values[:, j] + 0.0)
        keys = (keys ^ column.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys
