"""Calibrate any generator by Bayes: what it writes of a class is held against the real class.

RDDG (arXiv 2604.16817), sections on Bayesian calibration, which the published program leaves to
the text of a prompt. Here the setting is a vector of numbers with a prior; a batch of rows
against a batch of real rows is a noisy observation of what each should be; the posterior is
exact for shifts, scales and weights (normal prior and normal likelihood), and on a grid for the
coupling of columns.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.generators.base import Condition, Floats, Generator, Given, State
from tablewright.tables.encoding.codec import Field, Matrix

Ints = NDArray[np.intp]

GRID = np.linspace(0.0, 2.0, 81)
"""Couplings that the posterior knows: 0 unrelated columns, 1 those of the generator."""

_STEP, _DELAY, _DECAY = 0.8, 2.0, 0.7
"""Robbins-Monro steps a_i = 0.8 / (i + 2) ** 0.7: their sum diverges, that of squares does not."""
_PILOT = 2000
"""Rows drawn to learn where the generator's own means lie, around which spreads are scaled."""
_CALM = 0.10
_CALM_BATCHES = 3
_Z = 2.0


@dataclass(frozen=True)
class Knob:
    """One number of the setting.

    Attributes
    ----------
    kind : {"shift", "scale", "weight"}
        Added to a number in standard deviations of the class, a log factor of its spread around
        the mean of the class, or a log weight of a category.
    part : int
        Code of the class; 0 where there are none.
    column : int
    value : int
        Code of the category; -1 for numbers.
    """

    kind: str
    part: int
    column: int
    value: int = -1


@dataclass
class Posterior:
    """What is believed of each knob.

    Attributes
    ----------
    knobs : list of Knob
    mean, precision : ndarray of shape (n_knobs,)
        Normal beliefs; the prior is that no correction is needed.
    coupling : ndarray of shape (n_parts, n_grid)
        Log weights of the couplings in `GRID`.
    batches : int
        Observed so far.
    """

    knobs: list[Knob]
    mean: Floats
    precision: Floats
    coupling: Floats
    batches: int = 0

    @classmethod
    def prior(cls, knobs: list[Knob], spread: Floats, n_parts: int, coupling_sd: float) -> Self:
        """Return the belief before any batch; `spread` is one standard deviation of each knob."""
        weights = -0.5 * ((GRID - 1.0) / coupling_sd) ** 2
        return cls(knobs, np.zeros(len(knobs)), spread**-2.0, np.tile(weights, (n_parts, 1)))

    def observe(self, values: Floats, variances: Floats, temper: float) -> None:
        """Take in one noisy observation of each knob; NaN where a batch says nothing of it."""
        known = ~np.isnan(values)
        weight = np.where(known, temper / np.where(known, variances, 1.0), 0.0)
        total = self.precision + weight
        self.mean = (self.precision * self.mean + weight * np.where(known, values, 0.0)) / total
        self.precision = total

    @property
    def sd(self) -> Floats:
        """Standard deviation of each knob."""
        return np.asarray(self.precision**-0.5)

    def interval(self, level: float = 0.9) -> Floats:
        """Return the central interval of each knob, of shape (n_knobs, 2)."""
        from scipy.stats import norm

        width = float(norm.ppf(0.5 + level / 2)) * self.sd
        return np.column_stack([self.mean - width, self.mean + width])

    def coupling_of(self, part: int) -> tuple[Floats, Floats]:
        """Return the couplings of a part, and their probabilities."""
        weights = np.exp(self.coupling[part] - self.coupling[part].max())
        return GRID, weights / weights.sum()

    def mean_coupling(self, part: int) -> float:
        """Return the expected coupling of a part."""
        grid, chances = self.coupling_of(part)
        return float(grid @ chances)

    def best(self, utility: Any, candidates: Sequence[Floats], n_draws: int = 2000) -> int:
        """Return the candidate setting of the highest expected utility (Theorem 1).

        Parameters
        ----------
        utility : callable
            From a candidate and settings of shape (n_draws, n_knobs) to a utility of each.
        candidates : sequence of ndarray of shape (n_knobs,)
        """
        return int(np.argmax(self.expected(utility, candidates, n_draws)))

    def expected(self, utility: Any, candidates: Sequence[Floats], n_draws: int = 2000) -> Floats:
        """Return the expected utility of each candidate over draws of the posterior."""
        draws = self.draw(n_draws)
        return np.array([np.mean(utility(candidate, draws)) for candidate in candidates])

    def regret(self, utility: Any, candidates: Sequence[Floats], n_draws: int = 2000) -> Floats:
        """Return the expected regret of each candidate: how much more the best one gains."""
        draws = self.draw(n_draws)
        each = np.array([utility(candidate, draws) for candidate in candidates])
        return np.asarray((each.max(axis=0) - each).mean(axis=1))

    def draw(self, n_draws: int) -> Floats:
        """Draw settings, always the same ones."""
        rng = np.random.default_rng(0)
        return self.mean + self.sd * rng.standard_normal((n_draws, len(self.mean)))


@dataclass(frozen=True)
class BatchReport:
    """How one batch of generated rows compares with its reference batch.

    Attributes
    ----------
    off : float
        Share of the summaries that differ by more than two of their standard deviations; 5 % is
        what a calibrated generator shows.
    divergence : mapping of str to float
        Mean over classes and columns: ``"ks"`` of numbers, ``"tv"`` and ``"kl"`` of categories.
    """

    off: float
    divergence: dict[str, float]


class Calibrated:
    """A generator whose rows of each class are moved to where the real rows of it lie.

    Parameters
    ----------
    generator : Generator
        Fitted by `fit` like any other.
    n_batches : int, default=12
        Batches at most; it stops earlier once three batches in a row show no difference.
    batch_size : int, default=200
        Generated rows of a batch.
    temper : float or None, default=None
        Share of its weight at which a batch counts (eta); None takes one over the root of the
        number of summaries, which is conservative: the summaries of a batch are not independent.
    shift_sd, scale_sd, weight_sd, coupling_sd : float, default=0.5, 0.3, 0.5 and 0.2
        Prior standard deviations of the knobs.

    Attributes
    ----------
    posterior_ : Posterior
    setting_ : ndarray of shape (n_knobs,)
        Mean of the steps after half of the batches (Polyak and Ruppert), which rows are made by.
    reports_ : list of BatchReport

    References
    ----------
    .. [1] Wood 2010 (synthetic likelihood); Robbins and Monro 1951.

    Examples
    --------
    >>> from tablewright.generators.independent import Independent
    >>> rng = np.random.default_rng(0)
    >>> matrix = Matrix(rng.normal(5.0, 2.0, (300, 1)), (Field("x"),))
    >>> model = Calibrated(Independent()).fit(matrix, rng)
    >>> model.sample(3, rng).shape
    (3, 1)
    """

    def __init__(
        self,
        generator: Generator,
        n_batches: int = 12,
        batch_size: int = 200,
        temper: float | None = None,
        shift_sd: float = 0.5,
        scale_sd: float = 0.3,
        weight_sd: float = 0.5,
        coupling_sd: float = 0.2,
    ) -> None:
        self.generator = generator
        self.n_batches = n_batches
        self.batch_size = batch_size
        self.temper = temper
        self.shift_sd, self.scale_sd = shift_sd, scale_sd
        self.weight_sd, self.coupling_sd = weight_sd, coupling_sd

    def fit(self, matrix: Matrix, rng: np.random.Generator) -> Self:
        """Fit the generator, and calibrate it on disjoint batches of the real rows."""
        self.fields_ = matrix.fields
        self.model_ = copy.deepcopy(self.generator).fit(matrix, rng)
        self.calibrate(matrix, rng)
        return self

    def calibrate(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Learn the setting of the fitted generator from real rows."""
        pilot = Matrix(self._raw(matrix.values, rng, _PILOT), matrix.fields)
        self.frame_ = _Frame.learn(matrix, pilot.values)
        knobs = list(self.frame_.knobs())
        spread = np.array([{"shift": self.shift_sd, "scale": self.scale_sd,
                            "weight": self.weight_sd}[knob.kind] for knob in knobs])  # fmt: skip
        self.posterior_ = Posterior.prior(knobs, spread, self.frame_.n_parts, self.coupling_sd)
        self.setting_ = np.zeros(len(knobs))
        self.reports_: list[BatchReport] = []
        step, steps = self.setting_, list[Floats]()
        for index, reference in enumerate(self._references(matrix, rng)):
            rows = self._raw(reference, rng, self.batch_size)
            observed = self.frame_.observe(knobs, self._moved(rows, step, rng), reference, step)
            temper = self.temper or 1 / max(1.0, np.sqrt(len(knobs)))
            self.posterior_.observe(observed.values, observed.variances, temper)
            self._observe_coupling(rows, reference, temper)
            self.posterior_.batches += 1
            self.reports_.append(observed.report)
            rate = min(1.0, _STEP / (index + _DELAY) ** _DECAY * (index + 1) ** 0.5)
            step = step + rate * (self.posterior_.mean - step)
            steps.append(step)
            recent = [report.off for report in self.reports_[-_CALM_BATCHES:]]
            if len(recent) == _CALM_BATCHES and max(recent) < _CALM:
                break
        half = steps[len(steps) // 2 :]
        self.setting_ = np.mean(half, axis=0) if half else self.setting_

    def _references(self, matrix: Matrix, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield disjoint batches of the real rows, classes in each as in the table."""
        parts = self.frame_.part_of(matrix.values)
        order = rng.permutation(len(parts))
        order = order[np.argsort(parts[order], kind="stable")]
        smallest = int(np.bincount(parts, minlength=self.frame_.n_parts).min())
        n_batches = max(1, min(self.n_batches, smallest // 5))
        for index in range(n_batches):
            yield matrix.values[order[index::n_batches]]

    def _raw(self, reference: Floats, rng: np.random.Generator, n_rows: int) -> Floats:
        """Draw rows with the classes of real ones, before any setting."""
        target = next((j for j, f in enumerate(self.fields_) if f.target and f.discrete), None)
        if target is None:
            return self.model_.sample(n_rows, rng)
        values = np.full((n_rows, len(self.fields_)), np.nan)
        values[:, target] = reference[rng.integers(0, len(reference), n_rows), target]
        known = np.zeros(values.shape, dtype=np.bool_)
        known[:, target] = True
        return self.model_.sample(n_rows, rng, given=Given(values, known))

    def _observe_coupling(self, rows: Floats, reference: Floats, temper: float) -> None:
        """Weigh each coupling by how likely it makes the correlations of the reference batch."""
        for part in range(self.frame_.n_parts):
            real = reference[self.frame_.part_of(reference) == part][:, self.frame_.numbers]
            made = rows[self.frame_.part_of(rows) == part][:, self.frame_.numbers]
            if min(len(real), len(made)) < 8 or real.shape[1] < 2:
                continue
            upper = np.triu_indices(real.shape[1], 1)
            truth, own = _correlations(real)[upper], _correlations(made)[upper]
            noise = 1 / (len(real) - 3) + 1 / (len(made) - 3)
            expected = np.arctanh(np.clip(GRID[:, None] * own[None, :], -0.99, 0.99))
            differences = np.arctanh(np.clip(truth, -0.99, 0.99)) - expected
            self.posterior_.coupling[part] += -0.5 * temper * (differences**2).sum(axis=1) / noise

    # sampling -----------------------------------------------------------------------------

    def sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        *,
        given: Given | None = None,
        condition: Condition | None = None,
        complete: bool = False,
    ) -> Floats:
        """Draw rows, moved by the setting; given cells stay, and a condition has the last word.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        rows = self.model_.sample(n_rows, rng, given=given, condition=condition, complete=complete)
        moved = self._moved(rows, self.setting_, rng, coupled=condition is None and given is None)
        moved = self.frame_.written(moved)
        if given is not None:
            moved = np.where(given.known, given.values, moved)
        if condition is None:
            return moved
        return np.where(condition.holds(moved)[:, None], moved, rows)

    def _moved(
        self, rows: Floats, setting: Floats, rng: np.random.Generator, *, coupled: bool = False
    ) -> Floats:
        """Shift, scale and reweigh rows by a setting."""
        frame, parts = self.frame_, self.frame_.part_of(rows)
        rows = frame.reweighed(rows, parts, self.posterior_.knobs, setting, rng)
        moved = rows.copy()
        if coupled:
            couplings = [self.posterior_.mean_coupling(part) for part in range(frame.n_parts)]
            moved = frame.coupled(moved, frame.part_of(rows), couplings)
        return frame.moved(moved, frame.part_of(rows), self.posterior_.knobs, setting)

    # storing ------------------------------------------------------------------------------

    def state(self) -> State:
        """Refuse: a calibrated generator is stored by its system."""
        raise InputError("a calibrated generator cannot be stored; save the system that made it")

    @classmethod
    def restore(cls, fields: Sequence[Field], state: State) -> Self:
        """Refuse; see `state`."""
        raise InputError("a calibrated generator cannot be stored")


def _correlations(values: Floats) -> Floats:
    filled = np.where(np.isnan(values), np.nanmean(values, axis=0), values)
    spread = filled.std(axis=0) > 0
    found = np.eye(values.shape[1])
    if spread.sum() > 1:
        inner = np.corrcoef(filled[:, spread], rowvar=False)
        found[np.ix_(spread, spread)] = inner
    return found


@dataclass(frozen=True)
class _Observed:
    """What one batch says of each knob."""

    values: Floats
    variances: Floats
    report: BatchReport


@dataclass(frozen=True)
class _Frame:
    """The real rows as the knobs see them: classes, means and spreads of numbers, ranges."""

    fields: tuple[Field, ...]
    target: int | None
    n_parts: int
    numbers: list[int]
    categories: list[int]
    centre: Floats = field(repr=False)
    spread: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)

    @classmethod
    def learn(cls, matrix: Matrix, pilot: Floats) -> Self:
        target = matrix.target
        classes = target is not None and matrix.fields[target].discrete
        n_parts = matrix.fields[target].levels if classes and target is not None else 1
        target = target if classes else None
        numbers = [j for j, f in enumerate(matrix.fields) if not f.discrete]
        categories = [j for j, f in enumerate(matrix.fields) if 1 < f.levels <= 30 and j != target]
        values = matrix.values
        frame = cls(matrix.fields, target, n_parts, numbers, categories,
                    *(np.zeros((n_parts, values.shape[1])) for _ in range(2)),
                    np.nanmin(values, axis=0), np.nanmax(values, axis=0))  # fmt: skip
        parts, pilot_parts = frame.part_of(values), frame.part_of(pilot)
        for part in range(n_parts):
            mine = values[parts == part]
            for j in numbers:
                cells = mine[:, j][~np.isnan(mine[:, j])]
                cells = cells if len(cells) > 1 else values[:, j][~np.isnan(values[:, j])]
                frame.spread[part, j] = cells.std() or 1.0
                made = pilot[pilot_parts == part][:, j]
                made = made[~np.isnan(made)]
                frame.centre[part, j] = made.mean() if len(made) else cells.mean()
        return frame

    def part_of(self, values: Floats) -> Ints:
        """Return the class of each row."""
        if self.target is None:
            return np.zeros(len(values), dtype=np.intp)
        return np.nan_to_num(values[:, self.target]).astype(np.intp)

    def knobs(self) -> Iterator[Knob]:
        for part in range(self.n_parts):
            for j in self.numbers:
                # Scaled around the generator's own mean first: a shift would be scaled with it.
                yield Knob("scale", part, j)
                yield Knob("shift", part, j)
            for j in self.categories:
                for value in range(1, self.fields[j].levels):  # against the first one
                    yield Knob("weight", part, j, value)

    def observe(
        self, knobs: Sequence[Knob], rows: Floats, reference: Floats, setting: Floats
    ) -> _Observed:
        """Compare a batch, made by a setting, with real rows: return where each knob should be."""
        values, variances = np.full(len(knobs), np.nan), np.full(len(knobs), np.nan)
        made_parts, real_parts = self.part_of(rows), self.part_of(reference)
        off, divergence = [], {"ks": list[float](), "tv": list[float](), "kl": list[float]()}
        for k, knob in enumerate(knobs):
            made = rows[made_parts == knob.part][:, knob.column]
            real = reference[real_parts == knob.part][:, knob.column]
            made, real = made[~np.isnan(made)], real[~np.isnan(real)]
            if min(len(made), len(real)) < 5:
                continue
            difference, variance = self._difference(knob, made, real)
            values[k], variances[k] = setting[k] + difference, variance
            off.append(abs(difference) > _Z * np.sqrt(variance))
            _diverge(divergence, knob, made, real, self.fields[knob.column].levels)
        means = {name: float(np.mean(found)) for name, found in divergence.items() if found}
        return _Observed(values, variances, BatchReport(float(np.mean(off)) if off else 0.0, means))

    def _difference(self, knob: Knob, made: Floats, real: Floats) -> tuple[float, float]:
        """Return how far a knob is off by one batch, and the variance of that."""
        spread = self.spread[knob.part, knob.column]
        n_made, n_real = len(made), len(real)
        if knob.kind == "shift":
            variance = (made.var(ddof=1) / n_made + real.var(ddof=1) / n_real) / spread**2
            return float((real.mean() - made.mean()) / spread), float(variance)
        if knob.kind == "scale":
            sds = [max(cells.std(ddof=1), 1e-9 * spread) for cells in (made, real)]
            noise = sum((_kurtosis(cells) - 1) / (4 * len(cells)) for cells in (made, real))
            return float(np.log(sds[1] / sds[0])), float(max(noise, 1e-6))
        logs, noise = [], 0.0
        for cells in (made, real):
            counts = np.array([np.sum(cells == knob.value), np.sum(cells == 0)]) + 0.5
            logs.append(float(np.log(counts[0] / counts[1])))
            noise += float((1 / counts).sum())
        return logs[1] - logs[0], noise

    def moved(self, rows: Floats, parts: Ints, knobs: Sequence[Knob], setting: Floats) -> Floats:
        """Shift and scale the numbers of each class."""
        for knob, value in zip(knobs, setting, strict=True):
            if knob.kind == "weight" or value == 0:
                continue
            mine, j = parts == knob.part, knob.column
            centre, spread = self.centre[knob.part, j], self.spread[knob.part, j]
            if knob.kind == "shift":
                rows[mine, j] += value * spread
            else:
                rows[mine, j] = centre + np.exp(value) * (rows[mine, j] - centre)
        return rows

    def written(self, rows: Floats) -> Floats:
        """Keep numbers inside the range of the table, on the steps that cells are written in."""
        for j in self.numbers:
            step = self.fields[j].step
            inside = np.clip(rows[:, j], self.low[j], self.high[j])
            rows[:, j] = np.round(inside / step) * step if step else inside
        return rows

    def reweighed(
        self, rows: Floats, parts: Ints, knobs: Sequence[Knob], setting: Floats,
        rng: np.random.Generator,
    ) -> Floats:  # fmt: skip
        """Draw rows of each class anew by the weights of their categories."""
        logs = np.zeros(len(rows))
        for knob, value in zip(knobs, setting, strict=True):
            if knob.kind == "weight" and value:
                logs += value * ((parts == knob.part) & (rows[:, knob.column] == knob.value))
        if not logs.any():
            return rows
        index = np.arange(len(rows))
        for part in np.unique(parts):
            mine = np.flatnonzero(parts == part)
            weight = np.exp(logs[mine] - logs[mine].max())
            # Systematic resampling: as many of each row as its weight asks for, up to one.
            points = (rng.random() + np.arange(len(mine))) / len(mine)
            index[mine] = mine[
                np.searchsorted(np.cumsum(weight / weight.sum()), points).clip(0, len(mine) - 1)
            ]
        return rows[index]

    def coupled(self, rows: Floats, parts: Ints, couplings: Sequence[float]) -> Floats:
        """Bring the numbers of each class to a coupling: correlations times a factor."""
        for part, coupling in enumerate(couplings):
            mine = np.flatnonzero(parts == part)
            cells = rows[np.ix_(mine, self.numbers)]
            if (
                len(mine) < 8
                or len(self.numbers) < 2
                or np.isnan(cells).any()
                or abs(coupling - 1) < 0.02
            ):
                continue
            centre, spread = cells.mean(axis=0), cells.std(axis=0)
            spread = np.where(spread > 0, spread, 1.0)
            now = _correlations(cells)
            wanted = np.eye(len(now)) + coupling * (now - np.eye(len(now)))
            move = _root(wanted) @ np.linalg.pinv(_root(now))
            rows[np.ix_(mine, self.numbers)] = centre + spread * (
                ((cells - centre) / spread) @ move.T
            )
        return rows


def _root(matrix: Floats) -> Floats:
    """Return the symmetric square root of a correlation matrix, made positive where it is not."""
    values, vectors = np.linalg.eigh(matrix)
    values = np.clip(values, 1e-6, None)
    repaired = (vectors * values) @ vectors.T
    scale = np.sqrt(np.diag(repaired))
    values, vectors = np.linalg.eigh(repaired / np.outer(scale, scale))
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)


def _kurtosis(cells: Floats) -> float:
    centred = cells - cells.mean()
    variance = (centred**2).mean()
    return float(np.clip((centred**4).mean() / variance**2, 1.5, 50.0)) if variance else 3.0


def _diverge(
    found: dict[str, list[float]], knob: Knob, made: Floats, real: Floats, levels: int
) -> None:
    """Note how far the values of a column are from the real ones, once a column."""
    if knob.kind == "shift":
        both = np.sort(np.concatenate([made, real]))
        below = [np.searchsorted(np.sort(c), both, side="right") / len(c) for c in (made, real)]
        found["ks"].append(float(np.abs(below[0] - below[1]).max()))
    elif knob.kind == "weight" and knob.value == 1:
        shares = [
            (np.bincount(c.astype(np.intp), minlength=levels) + 0.5) / (len(c) + 0.5 * levels)
            for c in (made, real)
        ]
        found["tv"].append(float(np.abs(shares[0] - shares[1]).sum() / 2))
        found["kl"].append(float((shares[1] * np.log(shares[1] / shares[0])).sum()))
