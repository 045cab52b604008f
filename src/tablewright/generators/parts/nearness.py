"""Of many drawn rows take those that lie no nearer to real rows than these to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tablewright.generators.base import Floats

Ints = NDArray[np.intp]

_CHUNK = 4096


@dataclass(frozen=True)
class Nearness:
    """The distance of each real row to the nearest other one, by Gower's distance on ranks.

    Attributes
    ----------
    levels : mapping from int to int
        Number of codes of each discrete column, missing included.
    points : ndarray of shape (n_rows, n_coordinates)
        The real rows: a mismatch of codes, and all ranks of a number, are 1 apart.
    usual : ndarray of shape (n_rows,)
        The distances, ascending.

    Examples
    --------
    >>> near = Nearness.learn(np.array([[0.0], [2.0], [4.0], [6.0]]), {})
    >>> near.choose(np.array([[0.1], [2.1], [4.0], [5.0], [9.0]]), 1)
    array([4])
    """

    levels: Mapping[int, int]
    scale: Floats
    points: Floats
    usual: Floats

    @classmethod
    def learn(cls, ranks: Floats, levels: Mapping[int, int]) -> Nearness:
        """Learn from two or more real rows, numeric columns as ranks, discrete ones as codes."""
        spread = np.ptp(ranks, axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        points = _points(ranks, levels, scale)
        distances = cdist(points, points, "cityblock")
        np.fill_diagonal(distances, np.inf)
        return cls(levels, scale, points, np.sort(distances.min(axis=1)))

    def choose(self, ranks: Floats, n_rows: int) -> Ints:
        """Choose rows, in their order, whose distances are spread as those of real rows are.

        Where drawn rows lie farther off than that, they stay there.
        """
        own = np.concatenate([
            cdist(_points(part, self.levels, self.scale), self.points, "cityblock").min(axis=1)
            for part in np.split(ranks, range(_CHUNK, len(ranks), _CHUNK))
        ])  # fmt: skip
        order, place = np.argsort(own, kind="stable"), np.arange(n_rows)
        shares = (place + 0.5) / n_rows
        wanted = np.maximum(np.quantile(self.usual, shares), np.quantile(own, shares))
        at = np.searchsorted(own[order], wanted)
        at = np.maximum.accumulate(at - place) + place  # each row once
        return np.sort(order[np.minimum(at, len(own) - n_rows + place)])


def _points(ranks: Floats, levels: Mapping[int, int], scale: Floats) -> Floats:
    """Lay rows out so that the sum of the differences is Gower's distance."""
    blocks = []
    for j in range(ranks.shape[1]):
        column = ranks[:, j]
        if j in levels:
            blocks.append((column[:, None] == np.arange(levels[j])) / 2)
        else:
            blocks.append(column[:, None] / scale[j])
    return np.hstack(blocks)
