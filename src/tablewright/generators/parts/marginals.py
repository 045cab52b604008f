"""The distribution of one column: learned, drawn from, and cut to the values allowed.

Both kinds map the present values of a column to the unit interval and back, so that a
generator can work in ranks: `quantile` gives values, `cell` the piece of the unit
interval that stands for a value, `pieces` those that stand for a domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tablewright.generators.base import Bools, Floats
from tablewright.generators.parts.rounding import RoundingGrid, is_shared
from tablewright.tables.encoding.codec import Field

Domain: TypeAlias = Bools | tuple[tuple[float, float], ...] | None
"""Values allowed in one column, as `Condition.allowed` gives them."""

_CELLS = 1024
_REACH = 4.0
_BUCKETS = 1024


class Marginal(Protocol):
    """The present values of one column; `missing` is the share that is not there."""

    @property
    def missing(self) -> float:
        """Share of missing values, 0 to 1."""

    @property
    def empty(self) -> bool:
        """Whether no value was ever present."""

    def quantile(self, u: Floats) -> Floats:
        """Values at ranks `u` in [0, 1]."""

    def cell(self, values: Floats) -> tuple[Floats, Floats]:
        """Lower and upper rank of each value."""

    def pieces(self, domain: Domain) -> tuple[Floats, Floats]:
        """Lower and upper ranks of the parts of a domain that were seen."""

    def scatter(self, domain: Domain, n_rows: int, rng: np.random.Generator) -> Floats:
        """Draw evenly from the part of a domain inside the learned range; empty if none."""

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what `unpack` needs."""


@dataclass(frozen=True)
class Discrete:
    """Shares of the codes of a column.

    Attributes
    ----------
    shares : ndarray of shape (n_levels,)
        By code; they add up to 1.
    order : ndarray of shape (n_levels,)
        The codes as they lie along the unit interval.
    missing : float
        Share of missing values.
    """

    shares: Floats
    order: NDArray[np.intp]
    missing: float = 0.0

    @classmethod
    def learn(cls, values: Floats, levels: int) -> Discrete:
        """Count codes; NaN counts as missing."""
        codes = values[~np.isnan(values)].astype(np.intp)
        counts = np.bincount(codes, minlength=levels).astype(np.float64)
        missing = 1.0 - len(codes) / max(len(values), 1)
        return cls(counts / max(len(codes), 1), np.arange(levels), missing)

    @property
    def empty(self) -> bool:
        """Whether no value was ever present."""
        return not self.shares.any()

    @property
    def _edges(self) -> Floats:
        inner = np.minimum(np.cumsum(self.shares[self.order]), 1.0)
        return np.concatenate([[0.0], inner[:-1], [1.0]])

    def quantile(self, u: Floats) -> Floats:
        """Codes at ranks `u`."""
        if self.empty:
            return np.full(u.shape, np.nan)
        seen = np.flatnonzero(self.shares[self.order])
        upper = np.cumsum(self.shares[self.order][seen])
        index = np.searchsorted(upper, u, side="right")
        return self.order[seen[np.minimum(index, len(seen) - 1)]].astype(np.float64)

    def cell(self, values: Floats) -> tuple[Floats, Floats]:
        """Lower and upper rank of each code."""
        edges, index = self._edges, np.empty_like(self.order)
        index[self.order] = np.arange(len(self.order))
        spot = index[values.astype(np.intp)]
        return edges[spot], edges[spot + 1]

    def pieces(self, domain: Domain) -> tuple[Floats, Floats]:
        """Ranks of the codes allowed; neighbours are joined."""
        edges = self._edges
        mask = _mask(domain, len(self.order))[self.order] & (np.diff(edges) > 0)
        turns = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
        return edges[np.flatnonzero(turns == 1)], edges[np.flatnonzero(turns == -1)]

    def scatter(self, domain: Domain, n_rows: int, rng: np.random.Generator) -> Floats:
        """Draw evenly among the codes allowed."""
        codes = np.flatnonzero(_mask(domain, len(self.order)))
        return rng.choice(codes, n_rows).astype(np.float64) if len(codes) else np.empty(0)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what `unpack` needs."""
        return {"shares": self.shares, "order": self.order.astype(float), **_one(self.missing)}


@dataclass(frozen=True)
class Numeric:
    """A smoothed empirical distribution that keeps its point masses and its grid.

    Values that many rows share stay as they are. Every other value is spread evenly to
    half way towards its neighbours, though not across a wide gap, and what is drawn is
    rounded to the grid of the column: real values of a continuous column do not come
    back, integers stay integers, and the range is kept.

    Attributes
    ----------
    ranks, points : ndarray of shape (n_knots,)
        Piecewise linear quantile function; both ascend.
    grid : RoundingGrid
        Where values may lie.
    missing : float
        Share of missing values.
    """

    ranks: Floats
    points: Floats
    grid: RoundingGrid
    missing: float = 0.0

    @classmethod
    def learn(cls, values: Floats, step: float = 0.0) -> Numeric:
        """Learn from the values of a column; NaN counts as missing."""
        present = values[~np.isnan(values)]
        missing = 1.0 - len(present) / max(len(values), 1)
        if not len(present):
            return cls(np.empty(0), np.empty(0), RoundingGrid(step), missing)
        left, right, mass = _cells(present)
        upper = np.minimum(np.cumsum(mass) / len(present), 1.0)
        lower = np.concatenate([[0.0], upper[:-1]])
        ranks = np.column_stack([lower, upper]).ravel()
        points = np.column_stack([left, right]).ravel()
        new = (np.diff(ranks, prepend=-1) > 0) | (np.diff(points, prepend=-np.inf) > 0)
        return cls(
            ranks[new], points[new], RoundingGrid.learn(present, step, keeps_shared=True), missing
        )

    @property
    def empty(self) -> bool:
        """Whether no value was ever present."""
        return not len(self.points)

    def quantile(self, u: Floats) -> Floats:
        """Values at ranks `u`, on the grid."""
        if self.empty:
            return np.full(u.shape, np.nan)
        starts, ends, offsets, slopes = self._lookup
        knot = starts[(u * _BUCKETS).astype(np.intp)]
        late = np.flatnonzero(ends[knot] <= u)
        while len(late):
            knot[late] += 1
            late = late[ends[knot[late]] <= u[late]]
        return self.grid.snap(offsets[knot] + u * slopes[knot])

    @cached_property
    def _lookup(self) -> tuple[NDArray[np.intp], Floats, Floats, Floats]:
        """Where to start looking for a rank, where each knot ends, and the lines.

        As `numpy.interp` does it, at a third of the time: ranks come at random.
        """
        buckets = np.arange(_BUCKETS + 1) / _BUCKETS
        starts = np.searchsorted(self.ranks, buckets, side="right") - 1
        width = np.diff(self.ranks, append=np.inf)
        rise = np.diff(self.points, append=self.points[-1])
        slopes = np.divide(rise, width, out=np.zeros_like(rise), where=width > 0)
        ends = np.append(self.ranks[1:], np.inf)
        return starts, ends, self.points - slopes * self.ranks, slopes

    def cell(self, values: Floats) -> tuple[Floats, Floats]:
        """Lower and upper rank of what is written as each value."""
        low, high = self.grid.cells(values)
        return self._below(low), self._upto(high)

    def share(self, values: Floats, reach: float) -> Floats:
        """Share of rows no farther than `reach` from each value."""
        return self._upto(values + reach) - self._below(values - reach)

    def pieces(self, domain: Domain) -> tuple[Floats, Floats]:
        """Ranks of the closed intervals allowed, those without mass left out."""
        if not isinstance(domain, tuple):
            return np.zeros(1), np.ones(1)
        bounds = self.grid.widen(_intervals(domain))
        lower, upper = self._below(bounds[:, 0]), self._upto(bounds[:, 1])
        keep = upper > lower
        return lower[keep], upper[keep]

    def scatter(self, domain: Domain, n_rows: int, rng: np.random.Generator) -> Floats:
        """Draw evenly from the intervals allowed, cut to the learned range."""
        if self.empty or not isinstance(domain, tuple):
            return np.empty(0)
        bounds = _intervals(domain)
        first, last = self.points[0], self.points[-1]
        inside = (bounds[:, 0] <= last) & (bounds[:, 1] >= first)
        bounds = self.grid.widen(np.clip(bounds[inside], first, last))
        # Without a grid a single point is room enough; on one it takes a step.
        bounds = bounds[bounds[:, 1] - bounds[:, 0] >= self.grid.step / 2]
        if not len(bounds):
            return np.empty(0)
        width = bounds[:, 1] - bounds[:, 0] + (np.ptp(bounds, axis=1).sum() == 0)
        low, high = bounds[rng.choice(len(bounds), n_rows, p=width / width.sum())].T
        drawn = self.grid.snap(low + rng.random(n_rows) * (high - low))
        half = self.grid.step / 2
        return drawn if self.grid.period > 1 else np.clip(drawn, low + half, high - half)

    def _below(self, x: Floats) -> Floats:
        return self._rank(x, np.searchsorted(self.points, x, side="left"))

    def _upto(self, x: Floats) -> Floats:
        return self._rank(x, np.searchsorted(self.points, x, side="right"))

    def _rank(self, x: Floats, place: NDArray[np.intp]) -> Floats:
        if self.empty:
            return np.zeros(len(x))
        right = np.clip(place, 1, len(self.points) - 1)
        left = right - 1
        width = self.points[right] - self.points[left]
        part = np.divide(x - self.points[left], width, out=np.zeros_like(x), where=width > 0)
        inner = self.ranks[left] + np.clip(part, 0, 1) * (self.ranks[right] - self.ranks[left])
        inner = np.where(place == 0, 0.0, inner)
        return np.where(place == len(self.points), 1.0, inner)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return what `unpack` needs."""
        grid = self.grid.array()
        return {"ranks": self.ranks, "points": self.points, "grid": grid, **_one(self.missing)}


def learn(values: Floats, field: Field) -> Marginal:
    """Learn the distribution of one column.

    Examples
    --------
    >>> ages = learn(np.array([20.0, 30, 30, 30, 50]), Field("age", step=1.0))
    >>> ages.quantile(np.array([0.0, 0.5, 1.0]))
    array([20., 30., 50.])
    """
    if field.discrete:
        return Discrete.learn(values, field.levels)
    return Numeric.learn(values, field.step)


def pack(marginals: Sequence[Marginal]) -> dict[str, NDArray[np.float64]]:
    """Arrays of the distributions of all columns, named by position."""
    return {
        f"{j}/{name}": array
        for j, marginal in enumerate(marginals)
        for name, array in marginal.arrays().items()
    }


def unpack(arrays: Mapping[str, NDArray[Any]], n_columns: int) -> list[Marginal]:
    """Distributions of the columns that `pack` took apart."""
    return [_restore(within(arrays, f"{j}/")) for j in range(n_columns)]


def within(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Arrays whose name starts with a prefix, without it."""
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _restore(arrays: Mapping[str, NDArray[Any]]) -> Marginal:
    missing = float(arrays["missing"][0])
    if "order" in arrays:
        return Discrete(arrays["shares"], arrays["order"].astype(np.intp), missing)
    return Numeric(
        arrays["ranks"], arrays["points"], RoundingGrid.from_array(arrays["grid"]), missing
    )


def includes(domain: Domain, values: Floats) -> Bools:
    """Tell which values of a column lie in a domain; a missing one only where it may."""
    dropped = np.isnan(values)
    if domain is None:
        return np.ones(len(values), dtype=bool)
    if isinstance(domain, tuple):
        inside = np.zeros(len(values), dtype=bool)
        for low, high in domain:
            inside |= (values >= low) & (values <= high)
        return inside | (dropped & any(np.isnan(low) for low, _ in domain))
    return np.where(dropped, domain[-1], domain[np.where(dropped, 0, values).astype(np.intp)])


def _mask(domain: Domain, levels: int) -> Bools:
    if isinstance(domain, np.ndarray):
        return domain[:levels]
    return np.ones(levels, dtype=bool)


def _intervals(domain: tuple[tuple[float, float], ...]) -> Floats:
    """Intervals of shape (n_intervals, 2), without the mark for missing values."""
    bounds = np.array(domain, dtype=np.float64).reshape(-1, 2)
    return bounds[~np.isnan(bounds).any(axis=1)]


def _one(missing: float) -> dict[str, Floats]:
    return {"missing": np.array([missing])}


def _cells(present: Floats) -> tuple[Floats, Floats, Floats]:
    """Left edge, right edge and number of rows of each cell of the smoothed distribution."""
    values, counts = np.unique(present, return_counts=True)
    shared = is_shared(counts, len(present))
    gaps = np.diff(values)
    if len(gaps):
        # mirrored, since repeating the outermost gap would make a wide one look usual
        gaps = np.minimum(gaps, _REACH * median_filter(gaps, size=9, mode="mirror"))
    left = values - np.where(shared, 0.0, np.concatenate([[0.0], gaps])) / 2
    right = values + np.where(shared, 0.0, np.concatenate([gaps, [0.0]])) / 2
    starts = _starts(shared)
    ends = np.concatenate([starts[1:], [len(values)]]) - 1
    return left[starts], right[ends], np.add.reduceat(counts, starts).astype(np.float64)


def _starts(shared: Bools) -> NDArray[np.intp]:
    """First value of each cell; where there are very many values a cell takes several."""
    size = -(-int((~shared).sum()) // _CELLS)
    if size <= 1:
        return np.arange(len(shared))
    block = np.cumsum(~shared) // size
    new = np.diff(block, prepend=-1) > 0
    return np.flatnonzero(new | shared | np.concatenate([[False], shared[:-1]]))
