"""Know training rows again, so that they are not written once more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Floats

__all__ = ["Originals"]

_REPEATS = 0.01  # share of rows with a twin from which on equal rows are no sign of copying


class Originals:
    """The rows of a table whose rows do not repeat each other.

    Where real rows have twins, as in a table of few categories, a made row that equals one is
    what chance brings, and none is found here.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        Training rows.

    Examples
    --------
    >>> originals = Originals(np.array([[1.0, np.nan], [2.0, 0.5]]))
    >>> originals.among(np.array([[2.0, 0.5], [1.0, 0.5], [1.0, np.nan]]))
    array([ True, False,  True])
    """

    def __init__(self, values: Floats) -> None:
        keys = _keys(values)
        self._keys, counts = np.unique(keys, return_counts=True)
        if counts[counts > 1].sum() > _REPEATS * len(keys):
            self._keys = self._keys[:0]

    def among(self, values: Floats) -> Bools:
        """Tell which rows equal a training row."""
        if len(self._keys) == 0:
            return np.zeros(len(values), dtype=np.bool_)
        keys = _keys(values)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        equal: Bools = self._keys[place] == keys
        return equal


def _keys(values: Floats) -> NDArray[np.uint64]:
    """One number per row, the same for rows whose cells are the same."""
    keys = np.zeros(len(values), dtype=np.uint64)
    for j in range(values.shape[1]):
        column = np.where(np.isnan(values[:, j]), np.inf, values[:, j] + 0.0)
        keys = (keys ^ column.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys
