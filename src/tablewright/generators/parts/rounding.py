"""The values that a numeric column is written with lie on a grid, or anywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tablewright.tables.encoding.codec import Floats

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Values are `anchor` plus multiples of `step`; anything where `step` is 0.

    Examples
    --------
    >>> Grid.learn(np.array([0.1, 0.25]), step=0.01).round(np.array([1 / 3]))
    array([0.33])
    """

    step: float = 0.0
    anchor: float = 0.0

    @classmethod
    def learn(cls, values: Floats, step: float) -> Grid:
        """Find the anchor: 0 where values are multiples of the step, else the smallest."""
        present = values[~np.isnan(values)]
        if not step or not len(present):
            return cls(step)
        places = present / step
        whole = np.abs(places - np.rint(places)) < 1e-6 * np.maximum(1.0, np.abs(places))
        return cls(step, 0.0 if whole.all() else float(present.min()))

    def round(self, values: Floats) -> Floats:
        """Move values to the grid."""
        if not self.step:
            return values
        per_unit = round(1 / self.step)
        if not self.anchor and per_unit > 1 and abs(per_unit * self.step - 1) < 1e-9:
            return np.asarray(np.rint(values * per_unit) / per_unit)
        return np.asarray(self.anchor + np.rint((values - self.anchor) / self.step) * self.step)

    def widen(self, intervals: Floats) -> Floats:
        """Intervals of the values that `round` brings into closed intervals.

        Parameters
        ----------
        intervals : ndarray of shape (n_intervals, 2)
            One whose upper end comes out below its lower end holds no place of the grid.
        """
        if not self.step:
            return intervals
        (low, high), step = intervals.T, self.step
        first, last = self.round(low), self.round(high)
        first = np.where(first >= low, first, first + step)
        last = np.where(last <= high, last, last - step)
        return np.column_stack([first - step / 2, last + step / 2])
