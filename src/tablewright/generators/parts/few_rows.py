"""Rows of classes and codes that few real rows have, widened inside those rows.

A leaf, a bin or a copula needs more rows than such a class has, and would borrow them from other
classes. Here a row starts from one of the class, goes some way towards a neighbour of the same
class (Chawla et al. 2002, SMOTE) and is spread (Silverman and Young 1987, smoothed bootstrap), the
wider the fewer rows there are. How far numbers spread, and together with which others, is learned
from inside all classes, since two or three rows do not tell; where they lie is learned from the
class alone. Where the class lies apart from the others, its rows keep to its side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Condition, Given
from tablewright.generators.parts.rounding import (
    RoundingGrid,
    find_spikes,
    is_spike,
    learn_grids,
)
from tablewright.generators.parts.training_rows import TrainingRowIndex
from tablewright.tables.encoding.codec import Field, Floats, Matrix

FEW = 30
"""Rows from which on a class or a code is left to the generator's own model."""

_MAX_LEVELS = 64  # of a column whose rare codes are looked after
_MAX_GIVEN = 2  # cells given of a row, up to which a rare code beside the target decides
_NEIGHBOURS = 5
_MOVED = 0.1  # deviations inside its class by which a row that is kept differs from the real one
_APART = 1.75  # deviations between a class and the nearest from which on rows keep to their side
_PRIOR = 2.0  # rows that the spread inside all classes counts for
_ROUNDS = 8
_BLOCK = 20_000
_MAX_ROWS = 5000  # to learn spread from


@dataclass(frozen=True)
class FewRows:
    """What is known of rare classes and codes, and of the spread inside all classes.

    Attributes
    ----------
    fields : tuple of Field
    rows : ndarray of shape (n_rare, n_columns)
        Rows that have a rare class or code, their numbers moved a little.
    counts : dict from int to ndarray of int
        Real rows of each code of the discrete columns that are looked after.
    deviation, low, high : ndarray of shape (n_columns,)
        Spread of each number inside the classes, and its range.
    correlation : ndarray of shape (n_numbers, n_numbers)
        Of the numbers inside the classes.
    means : ndarray of shape (n_classes, n_columns)
        Mean of each number in each class; one row where no target has classes.
    spikes : ndarray of shape (n_spikes, 2)
        Column and value of numbers that stand for something, such as 0 for none: they stay.
    grids : list of RoundingGrid
    index : TrainingRowIndex
        Rare real rows, which are not written again.
    below : int, default=30
        Rows from which on a class of the target is left to the generator's own model.
    """

    fields: tuple[Field, ...]
    rows: Floats
    counts: dict[int, NDArray[np.intp]]
    deviation: Floats
    low: Floats
    high: Floats
    correlation: Floats
    means: Floats
    spikes: Floats
    grids: list[RoundingGrid]
    index: TrainingRowIndex
    below: int = FEW

    @classmethod
    def learn(
        cls, matrix: Matrix, grids: list[RoundingGrid] | None = None, below: int = FEW
    ) -> FewRows:
        """Keep the rows of rare codes, and learn the spread inside classes.

        `grids` are those of the columns, where they are known already.
        """
        values, fields = matrix.values, matrix.fields
        counts = {
            j: np.bincount(codes[~np.isnan(codes)].astype(np.intp), minlength=field.levels)
            for j, field in enumerate(fields)
            if 0 < field.levels <= _MAX_LEVELS
            for codes in [values[:, j]]
        }
        rare = np.zeros(len(values), dtype=np.bool_)
        for j, count in counts.items():
            rare |= np.append(count < FEW, False)[_codes(values[:, j], fields[j].levels)]
        spikes = find_spikes(matrix)
        free = Matrix(np.where(is_spike(values, spikes), np.nan, values), fields)
        means, deviation, correlation = _inside_classes(free)
        low, high = _ranges(values)
        index = TrainingRowIndex.learn(values[rare])
        kept = cls(
            fields=fields,
            rows=values[rare],
            counts=counts,
            deviation=deviation,
            low=low,
            high=high,
            correlation=correlation,
            means=means,
            spikes=spikes,
            grids=learn_grids(matrix) if grids is None else grids,
            index=index,
            below=below,
        )
        moved = kept._spread(kept.rows, _MOVED * deviation, np.random.default_rng(len(values)))
        return replace(kept, rows=moved)

    # which rows are few --------------------------------------------------------

    @property
    def _target(self) -> int | None:
        return next((j for j, f in enumerate(self.fields) if f.target and j in self.counts), None)

    @property
    def classes(self) -> dict[int, int]:
        """Codes of the target of which there are few rows, and how many each has."""
        count = self.counts.get(-1 if self._target is None else self._target, np.zeros(0))
        return {code: int(n) for code, n in enumerate(count) if 0 < n < self.below}

    def _limit(self, column: int) -> int:
        return self.below if column == self._target else FEW

    def apart(self, values: Floats, known: Bools) -> Iterator[tuple[NDArray[np.intp], Floats]]:
        """Rows whose known cells hold a rare code, and the real rows that have it.

        The target decides; where it is not known and little else is, any other rare code.
        """
        open_ = np.ones(len(values), dtype=np.bool_)
        first = self._target
        for j in sorted(self.counts, key=lambda j: j != first):
            asked = open_ & known[:, j] & ~np.isnan(values[:, j])
            if j != first:
                asked &= known.sum(axis=1) <= _MAX_GIVEN
            for code in np.unique(values[asked, j]).astype(np.intp):
                if 0 < self.counts[j][code] < self._limit(j):
                    mine = asked & (values[:, j] == code)
                    open_ &= ~mine
                    yield np.flatnonzero(mine), self.rows[self.rows[:, j] == code]

    def complying(self, condition: Condition, values: Floats | None) -> Floats | None:
        """Return the rows that meet a condition, where they are few; None where they are not.

        Parameters
        ----------
        condition : Condition
        values : ndarray of shape (n_train, n_columns) or None
            Training rows, where the generator has them; otherwise only conditions on rare codes
            are known to be met by few.
        """
        asked = self._rare_asked(condition)
        if asked is not None:
            column, mask = asked
            rare = self.rows[mask[_codes(self.rows[:, column], len(mask) - 1)]]
            rows = self.meeting(rare, condition)
        elif values is not None:
            rows = values[condition.holds(values)]
        else:
            return None
        return rows if 0 < len(rows) < FEW else None

    def meeting(self, rows: Floats, condition: Condition) -> Floats:
        """Return the rows that meet a condition; where none does, what they are when they do.

        Then cells beside the class are moved to the nearest values that are allowed.
        """
        meet = condition.holds(rows)
        if meet.any():
            return rows[meet]
        moved = self._moved(rows, condition)
        for part in condition.parts:
            there = (self._moved(moved, one) for one in (part, *part.alternatives))
            moved = next((one[part.holds(one)] for one in there if part.holds(one).any()), moved)
        return moved[condition.holds(moved)]

    def _moved(self, rows: Floats, condition: Condition) -> Floats:
        """Move cells beside the class to values that a condition allows, each by itself."""
        moved = rows.copy()
        for j in condition.columns:
            if j != self._target:
                moved[:, j] = self._into(rows[:, j], j, condition.allowed(j))
        return moved

    def _into(
        self, cells: Floats, column: int, allowed: Bools | tuple[tuple[float, float], ...] | None
    ) -> Floats:
        """Move the cells of a column that are not allowed to values that are."""
        if allowed is None:
            return cells
        if not isinstance(allowed, tuple):
            codes = np.flatnonzero(allowed[:-1])
            count = self.counts.get(column)
            codes = codes if count is None else codes[np.argsort(-count[codes], kind="stable")]
            stay = allowed[_codes(cells, len(allowed) - 1)]
            return np.where(stay, cells, np.resize(codes, len(cells)) if len(codes) else np.nan)
        bounds = np.array([pair for pair in allowed if not np.isnan(pair[0])]).reshape(-1, 2)
        if not len(bounds):
            return np.full_like(cells, np.nan)
        low, high = bounds.T
        inside = ((low <= cells[:, None]) & (cells[:, None] <= high)).any(axis=1)
        step = np.minimum(self.deviation[column], high - low) / 2  # bounds may be excluded
        points = np.clip(cells[:, None], low + step, high - step)
        nearest = np.abs(points - cells[:, None]).argmin(axis=1)
        points = self.grids[column].round(points[np.arange(len(cells)), nearest])
        return np.where(inside, cells, points)

    def decides(self, condition: Condition, complying: Floats) -> bool:
        """Whether few rows meet a condition since they are a rare class, or a rare code is asked.

        Where something is asked beside the code, more rows have each part of it.
        """
        asked, j = self._rare_asked(condition), self._target
        if asked is not None and (asked[0] == j or len(condition.columns) == 1):
            return True
        return j is not None and bool(np.isin(complying[:, j], list(self.classes)).all())

    def _rare_asked(self, condition: Condition) -> tuple[int, Bools] | None:
        """Return the column whose rare codes a condition asks for, and which; the target first."""
        for j in sorted(condition.columns, key=lambda j: j != self._target):
            mask = condition.allowed(j) if j in self.counts else None
            if mask is None or isinstance(mask, tuple) or mask[-1]:
                continue
            if 0 < self.counts[j][mask[:-1]].sum() < self._limit(j):
                return j, mask
        return None

    # drawing -------------------------------------------------------------------

    def draw(
        self,
        base: Floats,
        given: Given,
        rng: np.random.Generator,
        condition: Condition | None = None,
        complete: bool = False,
    ) -> Floats:
        """Draw rows around some real ones.

        Parameters
        ----------
        base : ndarray of shape (n_base, n_columns)
            Rows to start from, at least one.
        given : Given
            Cells that stay; rows start from those near them.
        rng : numpy Generator
        condition : Condition or None
            Rows meet it, at the cost of being real where nothing else does.
        complete : bool, default=False
            Whether no cell may be missing.
        """
        around = _Around(self, base, complete)
        blocks = [slice(k, k + _BLOCK) for k in range(0, len(given.values), _BLOCK)]
        return np.concatenate(
            [
                self._draw_block(around, Given(given.values[b], given.known[b]), rng, condition)
                for b in blocks
            ]
            or [np.empty(given.values.shape)]
        )

    def _draw_block(
        self, around: _Around, given: Given, rng: np.random.Generator, condition: Condition | None
    ) -> Floats:
        rows = np.empty(given.values.shape)
        todo = np.arange(len(rows))
        for _ in range(_ROUNDS):
            part = Given(given.values[todo], given.known[todo])
            rows[todo] = around.draw(part, rng)
            todo = todo[around.refuses(rows[todo], part.known, condition)]
            if len(todo) == 0:
                return rows
        part = Given(given.values[todo], given.known[todo])
        if condition is not None and len(todo):
            broken = todo[~condition.holds(rows[todo])]
            rows[broken] = around.starts(Given(given.values[broken], given.known[broken]), rng)
        return rows

    @cached_property
    def numbers(self) -> NDArray[np.intp]:
        """Columns of numbers."""
        return np.flatnonzero([not field.discrete for field in self.fields])

    @cached_property
    def _root(self) -> Floats:
        jitter = 1e-6 * np.eye(len(self.correlation))
        return np.asarray(np.linalg.cholesky(self.correlation + jitter))

    def _spread(self, rows: Floats, width: Floats, rng: np.random.Generator) -> Floats:
        """Add noise that goes together as numbers do inside classes; keep range and grid."""
        spread = rows.copy()
        # a spike is not moved, since noise would make of no gain at all a little one
        width = np.where(is_spike(rows, self.spikes), 0.0, width)
        noise = rng.standard_normal((len(rows), len(self.numbers))) @ self._root.T
        for k, j in enumerate(self.numbers):
            moved = rows[:, j] + width[..., j] * noise[:, k]
            moved = self.high[j] - np.abs(self.high[j] - moved)
            moved = np.clip(self.low[j] + np.abs(moved - self.low[j]), self.low[j], self.high[j])
            spread[:, j] = np.where(width[:, j] > 0, self.grids[j].round(moved), rows[:, j])
        return spread

    def usual(self, column: int) -> float:
        """Value for a cell of which nothing is known."""
        if column in self.counts:
            return float(self.counts[column].argmax())
        return float(self.grids[column].round(_mean(self.means)[[column]])[0])

    # storing -------------------------------------------------------------------

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs."""
        plain = {name: getattr(self, name) for name in _STORED}
        plain |= {f"count{j}": count for j, count in self.counts.items()}
        plain |= {f"grid{j}": grid.array() for j, grid in enumerate(self.grids)}
        return {**plain, "keys": self.index.keys}

    @classmethod
    def restore(
        cls, fields: tuple[Field, ...], arrays: Mapping[str, NDArray[Any]], below: int = FEW
    ) -> FewRows:
        """Make it again from `arrays`."""
        return cls(
            fields,
            counts={
                j: np.asarray(arrays[f"count{j}"], dtype=np.intp)
                for j in range(len(fields))
                if f"count{j}" in arrays
            },
            grids=[RoundingGrid.from_array(arrays[f"grid{j}"]) for j in range(len(fields))],
            index=TrainingRowIndex(np.asarray(arrays["keys"], dtype=np.uint64)),
            below=below,
            **{name: arrays.get(name, np.zeros((0, 2))) for name in _STORED},
        )


_STORED = ("rows", "deviation", "low", "high", "correlation", "means", "spikes")


class _Around:
    """Draws around some rows: their spread, their neighbours, and whose side a row is on."""

    def __init__(self, few: FewRows, base: Floats, complete: bool) -> None:
        self.few = few
        self.base = self._filled(base) if complete else base
        self._is_spike = is_spike(self.base, few.spikes)
        free = np.where(self._is_spike, np.nan, self.base)
        self.deviation = _towards(_deviation(free), few.deviation, len(base))
        self.mates = self._neighbours()
        if self.mates.shape[1]:
            # between neighbours, since a class of two lumps spreads as wide as they lie apart
            gaps = (free[:, None] - free[self.mates]).reshape(-1, base.shape[1])
            local = np.sqrt(_mean(gaps**2) / 2)
            self.deviation = _towards(local, few.deviation, len(base))
        self._index = TrainingRowIndex.learn(base)
        # A number that most rows share is a value of its own, which noise would blur.
        self.shared = np.array([_shares(column) for column in base.T])

    def _filled(self, base: Floats) -> Floats:
        """Fill missing cells from the other rows, or with what is usual."""
        filled = base.copy()
        for j in np.flatnonzero(np.isnan(base).any(axis=0)):
            dropped = np.isnan(base[:, j])
            usual = base[~dropped, j] if not dropped.all() else self.few.usual(int(j))
            filled[dropped, j] = np.resize(usual, dropped.sum())
        return filled

    def _neighbours(self) -> NDArray[np.intp]:
        """Positions of the nearest other rows of each row."""
        numbers, codes = self.few.numbers, np.delete(self.base, self.few.numbers, axis=1)
        scale = np.where(self.deviation > 0, self.deviation, 1.0)
        points = (np.nan_to_num(self.base) / scale)[:, numbers]
        gaps = ((points[:, None] - points) ** 2).sum(axis=2)
        gaps += (codes[:, None] != codes).sum(axis=2)
        np.fill_diagonal(gaps, np.inf)
        count = min(_NEIGHBOURS, len(gaps) - 1)
        return np.argsort(gaps, axis=1, kind="stable")[:, :count]

    @property
    def _width(self) -> float:
        """Deviations of the noise around a row: the normal rule (Silverman 1986, eq. 4.14)."""
        n_rows, n_numbers = len(self.base), len(self.few.numbers)
        return float((4 / (n_rows * (n_numbers + 2))) ** (1 / (n_numbers + 4)))

    def draw(self, given: Given, rng: np.random.Generator) -> Floats:
        """Draw one row for each of `given`."""
        return np.where(given.known, given.values, self._between(given, rng))

    def refuses(self, rows: Floats, known: Bools, condition: Condition | None) -> Bools:
        """Tell which rows break a condition, or with little given are copies or off their side."""
        refused = self._index.contains(rows) | self.few.index.contains(rows)
        if self._required > 0:
            refused |= self._margin(rows) < self._required
        given = known.sum(axis=1)
        refused &= (given <= 1) | (2 * given < known.shape[1])
        return refused if condition is None else refused | ~condition.holds(rows)

    def starts(self, given: Given, rng: np.random.Generator) -> Floats:
        """Real rows to start from, with what is given."""
        return np.where(given.known, given.values, self.base[self._pick(given, rng)])

    def _pick(self, given: Given, rng: np.random.Generator) -> NDArray[np.intp]:
        """Choose a row for each: any, or by how near it is to what is given."""
        gaps = np.zeros((len(given.values), len(self.base)))
        for j, field in enumerate(self.few.fields):
            asked = given.known[:, j] & ~np.isnan(given.values[:, j])
            if not asked.any():
                continue
            apart = given.values[asked, j][:, None] - self.base[None, :, j]
            gap = (apart != 0) * 1.0 if field.discrete else apart / (self.deviation[j] or 1.0)
            gaps[asked] += np.nan_to_num(gap, nan=1.0) ** 2
        probabilities = np.exp(-0.5 * (gaps - gaps.min(axis=1, keepdims=True))).cumsum(axis=1)
        share = rng.random((len(gaps), 1)) * probabilities[:, -1:]
        return np.asarray((probabilities[:, :-1] <= share).sum(axis=1))

    def _between(self, given: Given, rng: np.random.Generator) -> Floats:
        """Go some way from each row to a neighbour, for each code and spike to one of its own."""
        start, numbers = self._pick(given, rng), self.few.numbers
        share = rng.random((len(start), 1))
        mate, mates = self._mates(start, 1, rng)[:, 0], self._mates(start, self.base.shape[1], rng)
        here, there = self.base[start], self.base[mate]
        index = np.where(rng.random(here.shape) < share, mates, start[:, None])
        rows = np.take_along_axis(self.base, index, axis=0)
        whole = ~(self._is_spike[start] | self._is_spike[mate])[:, numbers]
        line = (here + share * (there - here))[:, numbers]
        rows[:, numbers] = np.where(whole & ~np.isnan(line), line, rows[:, numbers])
        same = (here == there) & self.shared
        return self.few._spread(rows, np.where(same, 0.0, self._width * self.deviation), rng)

    def _mates(
        self, start: NDArray[np.intp], times: int, rng: np.random.Generator
    ) -> NDArray[np.intp]:
        """Choose neighbours of each row, or the row itself where it has none."""
        if not self.mates.shape[1]:
            return np.repeat(start[:, None], times, axis=1)
        chosen = rng.integers(self.mates.shape[1], size=(len(start), times))
        return self.mates[start[:, None], chosen]

    @cached_property
    def _others(self) -> Floats:
        """Means of the classes that no row here belongs to."""
        target, means = self.few._target, self.few.means
        if target is None or len(self.few.numbers) == 0:
            return means[:0]
        mine = np.unique(self.base[~np.isnan(self.base[:, target]), target]).astype(np.intp)
        others = np.delete(means, mine, axis=0)
        return others[~np.isnan(others[:, self.few.numbers]).all(axis=1)]

    @cached_property
    def _required(self) -> float:
        """Margin that rows keep: none where classes overlap, else what the mean is unsure by."""
        if not len(self._others):
            return -np.inf
        square = 2 * float(self._margin(_mean(self.base)[None])[0])
        apart = square - len(self.few.numbers) / len(self.base) > _APART**2
        return float(np.sqrt(square / len(self.base))) if apart else -np.inf

    def _margin(self, rows: Floats) -> Floats:
        """Log odds of each row to be one of these, on the lines to the means of other classes."""
        few, numbers = self.few, self.few.numbers
        scale = np.where(few.deviation > 0, few.deviation, np.inf)[numbers]
        centre = _mean(self.base)[numbers] / scale
        others, points = self._others[:, numbers] / scale, rows[:, numbers] / scale
        line = np.where(np.isnan(others), 0.0, centre - others)
        along = line / np.maximum(np.linalg.norm(line, axis=1, keepdims=True), 1e-12)
        variance = np.einsum("ki,ij,kj->k", along, few.correlation, along)
        past = np.nan_to_num(points - centre) @ line.T + (line**2).sum(axis=1) / 2
        return np.asarray((past / np.maximum(variance, 1e-12)).min(axis=1))


def _codes(column: Floats, levels: int) -> NDArray[np.intp]:
    return np.where(np.isnan(column), levels, column).astype(np.intp)


def _ranges(values: Floats) -> tuple[Floats, Floats]:
    present = ~np.isnan(values)
    some = present.any(axis=0)
    low = np.where(present, values, np.inf).min(axis=0, initial=np.inf)
    high = np.where(present, values, -np.inf).max(axis=0, initial=-np.inf)
    return np.where(some, low, 0.0), np.where(some, high, 0.0)


def _mean(rows: Floats) -> Floats:
    """Return the mean of each column, missing cells left out; 0 where all are."""
    present = ~np.isnan(rows)
    total = np.where(present, rows, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(present.sum(axis=0), 1))


def _towards(own: Floats, pooled: Floats, n_rows: int) -> Floats:
    """Mean of two spreads on the log scale: the fewer rows, the more of the pooled one."""
    weight = (n_rows - 1) / (n_rows - 1 + _PRIOR)
    own = np.where((own > 0) & (pooled > 0), own, pooled)
    return np.asarray(own**weight * pooled ** (1 - weight))


def _deviation(rows: Floats) -> Floats:
    """Return the standard deviation of each column, missing cells left out."""
    squares = np.where(np.isnan(rows), 0.0, rows - _mean(rows)) ** 2
    count = (~np.isnan(rows)).sum(axis=0)
    return np.asarray(np.sqrt(squares.sum(axis=0) / np.maximum(count - 1, 1)))


def _shares(column: Floats) -> bool:
    present = column[~np.isnan(column)]
    return len(present) > 2 and len(np.unique(present)) <= len(present) / 2


def _inside_classes(matrix: Matrix) -> tuple[Floats, Floats, Floats]:
    """Means of the classes, and spread and correlation of the numbers inside them."""
    values, target = matrix.values, matrix.target
    levels = 0 if target is None else matrix.fields[target].levels
    if target is None or not 0 < levels <= _MAX_LEVELS:
        classes, levels = np.zeros(len(values), dtype=np.intp), 1
    else:
        classes = _codes(values[:, target], levels)
    numbers = [j for j, field in enumerate(matrix.fields) if not field.discrete]
    means = np.full((levels, values.shape[1]), np.nan)
    inner = np.zeros((len(values), len(numbers)))
    for code in np.unique(classes):
        mine = values[classes == code][:, numbers]
        mean = _mean(mine)
        inner[classes == code] = np.where(np.isnan(mine), 0.0, mine - mean)
        if code < levels:
            means[code, numbers] = np.where(np.isnan(mine).all(axis=0), np.nan, mean)
    deviation = np.zeros(values.shape[1])
    deviation[numbers] = _robust(inner)
    scaled = inner / np.where(deviation > 0, deviation, 1.0)[numbers]
    return means, deviation, _correlation(scaled[:: max(1, len(inner) // _MAX_ROWS)])


def _correlation(scaled: Floats) -> Floats:
    """Correlation of columns, shrunk as far as rows are few (Ledoit and Wolf 2004)."""
    if min(scaled.shape) < 2:
        return np.eye(scaled.shape[1])
    from sklearn.covariance import ledoit_wolf  # a stored model draws rows without it

    covariance = ledoit_wolf(np.clip(scaled, -4, 4))[0]
    scale = np.sqrt(np.where(np.diag(covariance) > 0, np.diag(covariance), 1.0))
    correlation = np.asarray(covariance / np.outer(scale, scale))
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _robust(inner: Floats) -> Floats:
    """Return the standard deviation, kept down where a few rows in long tails make it."""
    deviation = inner.std(axis=0) if len(inner) else np.zeros(inner.shape[1])
    low, high = np.quantile(inner, [0.25, 0.75], axis=0) if len(inner) else (0.0, 0.0)
    width = (high - low) / 1.35
    return np.where(width > 0, np.minimum(deviation, 2 * width), deviation)
