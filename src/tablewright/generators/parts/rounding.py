"""The values that a numeric column is written with: a grid, and what recurs on it.

Salaries go in steps of 500, prices end in .99 or .49, minutes in quarters of an hour: numbers
lie on few of the residues of a period. The period is the one that shortens the description of
the values most (Rissanen 1983), and what is drawn is moved, in order, to the residues by their
shares; where one row in ten is off the lattice in the table, one in ten is off it here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.special import gammaln

from tablewright.generators.base import Bools
from tablewright.tables.encoding.codec import Floats, Matrix

_PERIODS = (
    *(2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 16, 20, 24, 25, 30, 32, 36, 40, 48, 50, 60, 64, 75, 90, 96),
    *(100, 120, 125, 128, 144, 150, 180, 200, 240, 250, 300, 360, 365, 400, 480, 500, 600, 720),
    *(750, 800, 900, 1000),
)
_SCALES = (1, 1000, 1_000_000)
_MIN_VALUES = 20  # distinct values from which on a lattice can be told from chance
_MIN_PERIODS = 3  # that the values spread over
_MAX_VALUES = 1000
_MIN_GAIN = 12.0  # nats by which a period has to shorten the description
_EXACT = 2.0**52
_WIDE = 20.0  # times the usual gap around it, from which on nothing is put into a gap
_AROUND = 31  # gaps that tell what is usual
_MIN_BESIDE = 8  # values on either side
_SPIKE = 0.05  # share of a column from which on one number stands for something, such as 0 for none
_OFTEN = 5.0  # times as frequent as the median number that it is too
_ROOM = 4.0  # usual gaps that values may be spread into a wide one, as marginals do


@dataclass(frozen=True)
class RoundingGrid:
    """Values are `anchor` plus multiples of `step`; anything where `step` is 0.

    Attributes
    ----------
    step, anchor : float
    period : int
        Steps after which the values recur; 1 where every multiple may occur.
    offset : int
        Where a period starts.
    residues : ndarray of shape (n_residues,)
        Steps after the start of a period at which values lie, ascending.
    shares : ndarray of shape (n_residues,)
        How often they do; they add up to 1.
    low, high : float
        Range of the values, where there is a period.
    gaps : ndarray of shape (n_gaps, 4)
        Wide gaps, ascending: the value below, how far values may be spread above it, how far
        below the value above, and that value.

    Examples
    --------
    >>> RoundingGrid.learn(np.array([0.1, 0.25]), step=0.01).round(np.array([1 / 3]))
    array([0.33])
    >>> prices = RoundingGrid.learn(np.arange(40) + 0.99, step=0.01)
    >>> prices.round(np.array([7.1, 7.6, 8.0]))
    array([6.99, 7.99, 7.99])
    """

    step: float = 0.0
    anchor: float = 0.0
    period: int = 1
    offset: int = 0
    residues: Floats = field(default_factory=lambda: np.zeros(1))
    shares: Floats = field(default_factory=lambda: np.ones(1))
    low: float = -np.inf
    high: float = np.inf
    gaps: Floats = field(default_factory=lambda: np.zeros((0, 4)))

    @classmethod
    def learn(cls, values: Floats, step: float, *, keeps_shared: bool = False) -> RoundingGrid:
        """Find gaps, the period, and the anchor: 0 or, for values off the step, the smallest.

        With `keeps_shared`, values that several rows share are written as they are, and only the
        others are rounded.
        """
        present = np.sort(values[~np.isnan(values)])
        gaps = _wide_gaps(present)
        if not step or not len(present):
            return cls(step, gaps=gaps)
        indices = present / step
        off = np.abs(indices - np.rint(indices)) >= 1e-6 * np.maximum(1.0, np.abs(indices))
        anchor = float(present[0]) if off.any() else 0.0
        return cls(step, anchor, gaps=gaps)._with_period(present, keeps_shared)

    def _with_period(self, present: Floats, keeps_shared: bool) -> RoundingGrid:
        indices = np.rint(self._indices(present))
        distinct = np.unique(indices)
        if len(distinct) < _MIN_VALUES or np.abs(distinct).max() > _EXACT:
            return self
        period = _find_period(distinct[:: -(-len(distinct) // _MAX_VALUES)])
        if period == 1:
            return self
        values, counts = np.unique(indices, return_counts=True)
        # what is written as it is needs no residue: it would take from those off the lattice
        moved = np.where(keeps_shared & is_shared(counts, len(present)), 0, counts)
        counts = moved if moved.any() else counts
        residues, which = np.unique(np.mod(values, period), return_inverse=True)
        shares = np.bincount(which, weights=counts) / counts.sum()
        offset, residues, shares = _layout(residues, shares, period)
        return replace(
            self,
            period=period,
            offset=offset,
            residues=residues,
            shares=shares,
            low=float(present[0]),
            high=float(present[-1]),
        )

    def round(self, values: Floats) -> Floats:
        """Move values out of wide gaps and to the grid; those that lie on it stay."""
        return self.snap(self.leave_gaps(values))

    def leave_gaps(self, values: Floats) -> Floats:
        """Move values inside wide gaps to the nearer end."""
        if not len(self.gaps):
            return values
        index = np.maximum(np.searchsorted(self.gaps[:, 1], values) - 1, 0)
        below, low, high, above = self.gaps[index].T
        part = (values - low) / (high - low)
        lower = below + 2 * part * (low - below)
        upper = above - 2 * (1 - part) * (above - high)
        inside = (values > low) & (values < high)
        return np.where(inside, np.where(part < 0.5, lower, upper), values)

    def snap(self, values: Floats) -> Floats:
        """Move values to the grid, in order, gaps or not."""
        if not self.step:
            return values
        indices = self._indices(values)
        if self.period == 1:
            return self._values(np.rint(indices))
        base, within = self._divide(indices)
        bounds = np.cumsum(self.shares)[:-1] * self.period
        moved = self.residues[np.searchsorted(bounds, within, side="right")]
        moved = np.where(np.isin(np.rint(within), self.residues) & _whole(within), within, moved)
        return np.clip(self._values(np.rint(base + moved)), self.low, self.high)

    def _indices(self, values: Floats) -> Floats:
        if self._per_unit:
            return np.asarray(values * self._per_unit)
        return np.asarray((values - self.anchor) / self.step)

    def _values(self, indices: Floats) -> Floats:
        if self._per_unit:
            return np.asarray(indices / self._per_unit)
        return np.asarray(self.anchor + indices * self.step)

    @property
    def _per_unit(self) -> int:
        """Steps in 1 where they are a whole number, since dividing by it is exact; else 0."""
        per_unit = round(1 / self.step)
        exact = not self.anchor and per_unit > 1 and abs(per_unit * self.step - 1) < 1e-9
        return per_unit if exact else 0

    def _divide(self, indices: Floats) -> tuple[Floats, Floats]:
        """Start of the period of each index, and how far after it the index lies."""
        indices = np.where(_whole(indices), np.rint(indices), indices)
        base = self.offset + np.floor((indices - self.offset) / self.period) * self.period
        return base, indices - base

    def cells(self, values: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end of what `round` brings to each value of the grid."""
        if self.period == 1:
            return values - self.step / 2, values + self.step / 2
        base, within = self._divide(np.rint(self._indices(values)))
        upper = np.cumsum(self.shares) * self.period
        lower = upper - self.shares * self.period
        at = np.minimum(np.searchsorted(self.residues, within), len(upper) - 1)
        known = self.residues[at] == within  # what was never seen keeps a step of its own
        low = np.minimum(np.where(known, lower[at], within - 0.5), within)
        high = np.maximum(np.where(known, upper[at], within + 0.5), within)
        return self._values(base + low), self._values(base + high)

    def widen(self, intervals: Floats) -> Floats:
        """Intervals of the values that `round` brings into closed intervals.

        Parameters
        ----------
        intervals : ndarray of shape (n_intervals, 2)
            One whose upper end comes out below its lower end holds no value of the grid.
        """
        if not self.step:
            return intervals
        low, high = intervals.T
        if self.period > 1:
            return self._widen_periodic(low, high)
        step = self.step
        first, last = self.snap(low), self.snap(high)
        first = np.where(first >= low, first, first + step)
        last = np.where(last <= high, last, last - step)
        return np.column_stack([first - step / 2, last + step / 2])

    def _widen_periodic(self, low: Floats, high: Floats) -> Floats:
        inner = low.clip(self.low, self.high), high.clip(self.low, self.high)
        first, last = self._next(inner[0], up=True), self._next(inner[1], up=False)
        empty = (low > self.high) | (high < self.low) | (first > last)
        start, stop = self.cells(first)[0], self.cells(last)[1]
        return np.column_stack([np.where(empty, 1.0, start), np.where(empty, 0.0, stop)])

    def _next(self, values: Floats, *, up: bool) -> Floats:
        """Give the nearest value of the lattice that is not below (or not above) each value."""
        base, within = self._divide(self._indices(values))
        first, last = self.residues[0] + self.period, self.residues[-1] - self.period
        if up:
            at = np.searchsorted(self.residues, within, side="left")
            moved = np.append(self.residues, first)[at]
        else:
            at = np.searchsorted(self.residues, within, side="right")
            moved = np.append(last, self.residues)[at]
        return self._values(base + moved)

    def array(self) -> Floats:
        """Lay everything out as numbers."""
        head = [self.step, self.anchor, self.period, self.offset, self.low, self.high]
        parts = ([*head, len(self.residues)], self.residues, self.shares, self.gaps.ravel())
        return np.concatenate(parts)

    @classmethod
    def from_array(cls, array: Floats) -> RoundingGrid:
        """Make the grid again from `array`."""
        if len(array) == 2:  # as version 0.1.0 wrote it
            return cls(float(array[0]), float(array[1]))
        step, anchor, period, offset, low, high, count = (float(x) for x in array[:7])
        residues, shares, gaps = np.split(array[7:], [int(count), 2 * int(count)])
        gaps = gaps.reshape(-1, 4)
        return cls(step, anchor, int(period), int(offset), residues, shares, low, high, gaps)


def learn_grids(matrix: Matrix) -> list[RoundingGrid]:
    """Learn the grid of each column; any value may occur in one of codes."""
    columns = zip(matrix.values.T, matrix.fields, strict=True)
    return [
        RoundingGrid() if kind.discrete else RoundingGrid.learn(values, kind.step)
        for values, kind in columns
    ]


def find_spikes(matrix: Matrix) -> Floats:
    """Find the numbers far more frequent than others of their column: column and value of each."""
    result = []
    for j, kind in enumerate(matrix.fields):
        column = matrix.values[~np.isnan(matrix.values[:, j]), j]
        if kind.discrete or len(column) == 0:
            continue
        distinct, counts = np.unique(column, return_counts=True)
        frequent = counts >= max(_SPIKE * len(column), _OFTEN * np.median(counts))
        result += [(j, value) for value in distinct[frequent & (len(distinct) > 2)]]
    return np.array(result, dtype=np.float64).reshape(-1, 2)


def is_spike(rows: Floats, spikes: Floats) -> Bools:
    """Mark the cells that hold a spike of `find_spikes`."""
    result = np.zeros(rows.shape, dtype=np.bool_)
    for j, value in spikes:
        result[:, int(j)] |= rows[:, int(j)] == value
    return result


def is_shared(counts: NDArray[np.intp], n_rows: int) -> Bools:
    """Tell by its count which value identifies no row, and is written as it is."""
    return np.asarray(counts >= np.clip(0.05 * n_rows, 2, 5))


def _wide_gaps(values: Floats) -> Floats:
    """Find gaps many times as wide as those around them, with enough values on either side."""
    distinct, first = np.unique(values, return_index=True)
    if len(distinct) < 2 * _MIN_BESIDE:
        return np.zeros((0, 4))
    gaps = np.diff(distinct)
    usual = median_filter(gaps, size=_AROUND, mode="nearest")
    beside = np.minimum(first[1:], len(values) - first[1:])
    wide = (gaps > _WIDE * usual) & (beside >= _MIN_BESIDE)
    room = np.minimum(gaps / 2, _ROOM * usual / 2)[wide]
    low, high = distinct[:-1][wide], distinct[1:][wide]
    return np.column_stack([low, low + room, high - room, high])


def _whole(indices: Floats) -> NDArray[np.bool_]:
    whole: NDArray[np.bool_] = np.abs(indices - np.rint(indices)) < 1e-6
    return whole


def _find_period(indices: Floats) -> int:
    """Period that shortens the description of whole numbers most; 1 where none does enough."""
    common = np.gcd.reduce(np.diff(indices).astype(np.int64))
    spread = float(np.ptp(indices)) / _MIN_PERIODS
    scaled = np.unique(np.concatenate([np.array(_PERIODS) * scale for scale in _SCALES]))
    candidates = [int(p) for p in scaled if p <= spread]
    if 1 < common <= spread:
        candidates.append(int(common))
    gains = [_gain(indices, period) for period in candidates]
    if not gains or max(gains) < _MIN_GAIN:
        return 1
    return candidates[int(np.argmax(gains))]


def _gain(indices: Floats, period: int) -> float:
    """Nats saved by naming the residues that recur: some at their own rates, the rest alike."""
    counts = np.sort(np.unique(np.mod(indices, period), return_counts=True)[1])[::-1]
    total = len(indices)
    m = np.arange(1, len(counts) + 1)
    inside = np.cumsum(counts)
    own = np.cumsum(counts * np.log(counts * period / total))
    others = total - inside
    room = np.maximum(period - m, 1e-9)
    rest = np.where(others > 0, others * np.log(np.maximum(others, 1) * period / (total * room)), 0)
    names = gammaln(period + 1) - gammaln(m + 1) - gammaln(period - m + 1)
    return float((own + rest - names - 0.5 * m * np.log(total)).max() - np.log(len(_PERIODS) * 3))


def _layout(residues: Floats, shares: Floats, period: int) -> tuple[int, Floats, Floats]:
    """Start of a period from which values move least to the residues, and these from there."""
    best: tuple[float, int, Floats, Floats] | None = None
    strong = residues[np.argsort(-shares, kind="stable")[:20]]
    for start in np.unique(np.floor(strong - period / 2) % period):
        moved = np.mod(residues - start, period)
        order = np.argsort(moved)
        part = shares[order]
        middle = np.cumsum(part) - part / 2
        shift = float(np.abs((part * (moved[order] - middle * period)).sum()))
        shift += float((part * np.abs(moved[order] - middle * period)).sum())
        if best is None or shift < best[0]:
            best = shift, int(start), moved[order], part
    assert best is not None
    return best[1:]
