"""A column between its values and the ranks that models of other columns ask about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.parts.donors import Donors
from tablewright.generators.parts.rounding import RoundingGrid, is_shared
from tablewright.tables.encoding.codec import Field

Ints = NDArray[np.intp]

_SHARED = 5
_HEAVY = 0.02  # share of rows from which on a value is a spike that nothing is spread towards


class RankTransform:
    """One column between values and the ranks that trees ask about.

    Parameters
    ----------
    values : ndarray of shape (n_train,)
        The column's training values.
    field : Field

    Attributes
    ----------
    shared, heavy : ndarray of bool, shape (n_train,)
        Training rows whose value many rows have: such a value is kept as it is, and none is
        spread towards a heavy one.
    """

    def __init__(self, values: Floats, field: Field) -> None:
        self.field = field
        present = values[~np.isnan(values)]
        self.grid = (
            RoundingGrid()
            if field.discrete
            else RoundingGrid.learn(present, field.step, keeps_shared=True)
        )
        self.distinct, counts = np.unique(present, return_counts=True)
        self.spread = not field.discrete and len(self.distinct) > 1
        # Looked up here once, since drawn values are always those of training rows.
        index = np.searchsorted(self.distinct, values)
        known = ~np.isnan(values)
        self.shared, self.heavy = np.zeros((2, len(values)), dtype=np.bool_)
        self.shared[known] = is_shared(counts, len(present))[index[known]]
        self.heavy[known] = (counts >= max(_SHARED, _HEAVY * len(values)))[index[known]]

    def ranks(self, values: Floats) -> Floats:
        """Give codes as they are and numbers as ranks; missing is the last code, or below 0."""
        if self.field.discrete:
            return np.where(np.isnan(values), self.field.levels, values)
        if len(self.distinct) == 0:
            return np.full(len(values), -1.0)
        ranks = np.interp(values, self.distinct, np.arange(len(self.distinct)))
        return np.where(np.isnan(values), -0.1 * len(self.distinct) - 1, ranks)

    def response(self, ranks: Floats, j: int) -> Floats:
        """Give what a regression tree of this column predicts.

        For a number the share of rows below it; for a column of many levels the mean ranks
        of the other columns in each level.
        """
        if not self.field.discrete:
            order = np.argsort(np.argsort(ranks[:, j], kind="stable"), kind="stable")
            _, inverse = np.unique(ranks[:, j], return_inverse=True)
            mean = np.bincount(inverse, weights=order) / np.bincount(inverse)
            return mean[inverse] / max(1, len(ranks) - 1)
        return _profiles(ranks, j, self.field.levels + 1)

    def smooth(
        self,
        donors: Donors,
        leaves: Ints,
        at: Ints,
        values: Floats,
        rng: np.random.Generator,
        reach: int = 0,
    ) -> Floats:
        """Spread drawn values halfway towards a neighbouring donor of the same leaf.

        With a `reach` they go all the way, towards a donor that is up to so many away.
        """
        row = donors.rows.take(at)
        drawn = values.take(row)
        side = np.where(rng.random(len(at)) < 0.5, -1, 1)
        share = rng.random(len(at)) / 2
        if reach:
            side, share = side * rng.integers(1, reach + 1, len(at)), 2 * share
        if not self.spread:
            return drawn
        start, stop = donors.start.take(leaves), donors.stop.take(leaves)
        inside = (start <= at + side) & (at + side < stop)
        side = np.where(inside, side, -side)
        inside |= (start <= at + side) & (at + side < stop)
        other = donors.rows.take(np.where(inside, at + side, at))
        near = values.take(other)
        keep = np.isnan(drawn) | np.isnan(near) | self.shared.take(row) | self.heavy.take(other)
        spread = drawn + np.where(keep, 0.0, share * (near - drawn))
        return self.written(spread)

    def written(self, values: Floats) -> Floats:
        """Round to what a cell can hold."""
        step = self.field.step
        values = self.grid.leave_gaps(values)
        if self.grid.period > 1:
            return self.grid.snap(values)
        return values if step == 0 else np.round(values / step) * step


def _profiles(ranks: Floats, j: int, n_levels: int) -> Floats:
    """Mean ranks of the other columns in each level, along their two main directions."""
    codes = ranks[:, j].astype(np.intp)
    others = np.delete(ranks, j, axis=1)
    spread = others.std(axis=0)
    others = (others - others.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    counts = np.bincount(codes, minlength=n_levels)
    sums = np.zeros((n_levels, others.shape[1]))
    np.add.at(sums, codes, others)
    means = sums / (counts[:, None] + _SHARED)
    axes = np.linalg.svd(means * np.sqrt(counts)[:, None], full_matrices=False)[2][:2]
    profiles: Floats = (means @ axes.T)[codes]
    return profiles
