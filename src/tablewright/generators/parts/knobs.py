"""Rows as the knobs of a calibration see them: means, spreads and shares, class by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.parts.posterior import Knob
from tablewright.tables.encoding.codec import Field, Matrix

Codes = NDArray[np.intp]

_MANY = 30
"""Levels beyond which the shares of a column are not corrected."""
_FEW = 5
"""Rows of a class below which a batch says nothing of it."""
_PAIRED = 8
"""Rows of a class below which correlations are not looked at."""
_ATOM = 0.1
"""Share of a column from which on a value stands for something, such as 0 for none, and stays."""
Z = 2.0
"""Standard deviations within which a difference is taken for noise."""


@dataclass(frozen=True)
class Observation:
    """What one batch of rows, held against real ones, says of each knob.

    Attributes
    ----------
    differences : ndarray of shape (n_knobs,)
        Corrections that the batch still needs; NaN where it says nothing.
    variances : ndarray of shape (n_knobs,)
    off : float
        Share of them beyond two standard deviations; 5 % is what a calibrated generator shows.
    divergence : dict of str to float
        Mean over classes and columns: ``"mean"``, how far means are apart in standard deviations of
        the class, and ``"ks"`` of numbers, ``"tv"`` of categories, ``"kl"`` of both, of numbers by
        the tenths of the real rows.
    """

    differences: Floats
    variances: Floats
    off: float
    divergence: dict[str, float]


@dataclass(frozen=True)
class KnobSpace:
    """The columns of a table as knobs, with the scale of each class.

    Attributes
    ----------
    numbers, categories : list of int
        Columns with a shift and a scale, and with a weight of each value but the first.
    atoms : dict of int to list of float
        Values of numbers that are not moved.
    centre, spread : ndarray of shape (n_parts, n_columns)
        Means around which spreads are scaled, and standard deviations of the real rows.
    low, high : ndarray of shape (n_columns,)
    """

    fields: tuple[Field, ...]
    n_parts: int
    numbers: list[int]
    categories: list[int]
    atoms: dict[int, list[float]] = field(repr=False)
    centre: Floats = field(repr=False)
    spread: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)

    @classmethod
    def learn(
        cls, matrix: Matrix, parts: Codes, n_parts: int, pilot: tuple[Floats, Codes] | None = None
    ) -> Self:
        """Learn scales of real rows; centres of a pilot's rows, where there are any."""
        fields, values = matrix.fields, matrix.values
        numbers, categories = knob_columns(fields)
        centre, spread = (np.zeros((n_parts, len(fields))) for _ in range(2))
        made, made_parts = (values, parts) if pilot is None else pilot
        for part in range(n_parts):
            for j in numbers:
                own = _known(values[parts == part, j])
                own = own if len(own) > 1 else _known(values[:, j])
                drawn = _known(made[made_parts == part, j])
                spread[part, j] = own.std() or 1.0 if len(own) else 1.0
                centre[part, j] = drawn.mean() if len(drawn) else own.mean() if len(own) else 0.0
        some = np.where(np.isnan(values).all(axis=0), 0.0, values)
        atoms = {j: _atoms(values[:, j]) for j in numbers}
        ends = np.nanmin(some, axis=0), np.nanmax(some, axis=0)
        return cls(fields, n_parts, numbers, categories, atoms, centre, spread, *ends)

    def knobs(self) -> Iterator[Knob]:
        """List the knobs; scales come before shifts, which would be scaled with them."""
        for part in range(self.n_parts):
            for j in self.numbers:
                yield Knob("scale", part, j)
                yield Knob("shift", part, j)
            for j in self.categories:
                for value in range(1, self.fields[j].levels):
                    yield Knob("weight", part, j, value)

    def observe(
        self, knobs: Sequence[Knob], rows: Floats, parts: Codes, real: Floats, real_parts: Codes
    ) -> Observation:
        """Hold rows against real ones."""
        differences, variances = (np.full(len(knobs), np.nan) for _ in range(2))
        found: dict[str, list[float]] = {"mean": [], "ks": [], "tv": [], "kl": []}
        made_of = [rows[parts == part] for part in range(self.n_parts)]
        real_of = [real[real_parts == part] for part in range(self.n_parts)]
        for k, knob in enumerate(knobs):
            made = _known(made_of[knob.part][:, knob.column])
            own = _known(real_of[knob.part][:, knob.column])
            if min(len(made), len(own)) < _FEW:
                continue
            spread = self.spread[knob.part, knob.column]
            differences[k], variances[k] = _difference(knob, made, own, spread)
            _diverge(found, knob, made, own, self.fields[knob.column].levels)
            if knob.kind == "shift":
                found["mean"].append(float(np.abs(differences[k])))
        said = ~np.isnan(differences)
        beyond = np.abs(differences[said]) > Z * np.sqrt(variances[said])
        divergence = {name: float(np.mean(values)) for name, values in found.items() if values}
        return Observation(
            differences, variances, float(beyond.mean()) if said.any() else 0.0, divergence
        )

    def likelihood(
        self, knobs: Sequence[Knob], rows: Floats, parts: Codes, real: Floats, real_parts: Codes
    ) -> tuple[float, int]:
        """Return the synthetic log-likelihood of real rows, and the number of its summaries.

        Summaries are means, spreads and shares of each class, and the correlations of numbers and
        of single categories (Wood 2010).
        """
        seen = self.observe(knobs, rows, parts, real, real_parts)
        known = ~np.isnan(seen.differences)
        total = float((seen.differences[known] ** 2 / seen.variances[known]).sum())
        n_summaries = int(known.sum())
        for part in range(self.n_parts):
            own, made = self._design(real[real_parts == part]), self._design(rows[parts == part])
            if min(len(own), len(made)) < _PAIRED:
                continue
            upper = np.triu_indices(own.shape[1], 1)
            gaps = fisher(correlations(own)[upper]) - fisher(correlations(made)[upper])
            total += float((gaps**2).sum()) / (1 / (len(own) - 3) + 1 / (len(made) - 3))
            n_summaries += len(gaps)
        return -total / 2, n_summaries

    def _design(self, rows: Floats) -> Floats:
        """Lay rows out as numbers, and one indicator of each value but the first."""
        coded = [
            (rows[:, j] == value) * 1.0
            for j in self.categories
            for value in range(1, self.fields[j].levels)
        ]
        return np.column_stack([rows[:, self.numbers], *coded])

    def moved(self, rows: Floats, parts: Codes, knobs: Sequence[Knob], setting: Floats) -> Floats:
        """Scale and shift the numbers of each class, but no atoms; keep to ranges and steps."""
        moved = rows.copy()
        for knob, value in zip(knobs, setting, strict=True):
            if knob.kind == "weight" or value == 0:
                continue
            j = knob.column
            mine = (parts == knob.part) & ~np.isin(rows[:, j], self.atoms[j])
            if knob.kind == "shift":
                moved[mine, j] += value * self.spread[knob.part, j]
            else:
                centre = self.centre[knob.part, j]
                moved[mine, j] = centre + np.exp(value) * (moved[mine, j] - centre)
        return self.written(moved, rows)

    def written(self, moved: Floats, rows: Floats) -> Floats:
        """Keep the numbers that were moved inside their range, on the steps that are written."""
        for j in self.numbers:
            new = moved[:, j] != rows[:, j]
            step = self.fields[j].step
            inside = np.clip(moved[new, j], self.low[j], self.high[j])
            moved[new, j] = np.round(inside / step) * step if step else inside
        return moved

    def log_weights(
        self, rows: Floats, parts: Codes, knobs: Sequence[Knob], setting: Floats
    ) -> Floats:
        """Return the log weight of each row by the categories that it has."""
        logs = np.zeros(len(rows))
        for knob, value in zip(knobs, setting, strict=True):
            if knob.kind == "weight" and value:
                logs += value * ((parts == knob.part) & (rows[:, knob.column] == knob.value))
        return logs

    def coupled(self, rows: Floats, parts: Codes, couplings: Sequence[float]) -> Floats:
        """Multiply the correlations between the numbers of each class by a factor."""
        rows = rows.copy()
        for part, coupling in enumerate(couplings):
            mine = np.flatnonzero(parts == part)
            where = np.ix_(mine, np.array(self.numbers, dtype=np.intp))
            cells = rows[where]
            if len(mine) < _PAIRED or len(self.numbers) < 2 or np.isnan(cells).any():
                continue
            centre, spread = cells.mean(axis=0), cells.std(axis=0)
            spread = np.where(spread > 0, spread, 1.0)
            now = correlations(cells)
            then = np.eye(len(now)) + coupling * (now - np.eye(len(now)))
            move = _root(then) @ np.linalg.pinv(_root(now))
            standard = (cells - centre) / spread
            rows[where] = centre + spread * (standard @ move.T)
        return rows


def knob_columns(fields: Sequence[Field]) -> tuple[list[int], list[int]]:
    """Return the numbers, and the categories of few levels, that can be corrected."""
    numbers = [j for j, one in enumerate(fields) if not one.discrete]
    return numbers, [
        j for j, one in enumerate(fields) if 1 < one.levels <= _MANY and not one.target
    ]


def resampled(logs: Floats, parts: Codes, n_rows: int, rng: np.random.Generator) -> Codes:
    """Choose rows by their weights for the first `n_rows`, each in place of one of its class.

    Systematic resampling: as many of each row as its weight asks for, up to one.
    """
    index = np.arange(n_rows)
    for part in np.unique(parts[:n_rows]) if logs.any() else ():
        pool, places = np.flatnonzero(parts == part), np.flatnonzero(parts[:n_rows] == part)
        weight = np.exp(logs[pool] - logs[pool].max())
        points = (rng.random() + np.arange(len(places))) / len(places)
        nearest = np.searchsorted(np.cumsum(weight / weight.sum()), points)
        index[places] = rng.permutation(pool[nearest.clip(0, len(pool) - 1)])
    return index


def correlations(values: Floats) -> Floats:
    """Correlate columns; a missing value counts as the mean, a constant with nothing."""
    filled = np.where(np.isnan(values), np.nan_to_num(_means(values)), values)
    vary = filled.std(axis=0) > 0
    found = np.eye(values.shape[1])
    if vary.sum() > 1:
        found[np.ix_(vary, vary)] = np.corrcoef(filled[:, vary], rowvar=False)
    return found


def fisher(values: Floats) -> Floats:
    """Return correlations on a scale on which their noise is the same everywhere."""
    return np.asarray(np.arctanh(np.clip(values, -0.99, 0.99)))


def _means(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return np.asarray(np.nansum(values, axis=0) / np.maximum(known.sum(axis=0), 1))


def _known(cells: Floats) -> Floats:
    return np.asarray(cells[~np.isnan(cells)])


def _atoms(cells: Floats) -> list[float]:
    values, counts = np.unique(_known(cells), return_counts=True)
    return [float(value) for value in values[counts > max(_ATOM * counts.sum(), 1)]]


def _difference(knob: Knob, made: Floats, real: Floats, spread: float) -> tuple[float, float]:
    """Return how far a batch is off by one knob, and the variance of that."""
    if knob.kind == "shift":
        noise = (made.var(ddof=1) / len(made) + real.var(ddof=1) / len(real)) / spread**2
        return float((real.mean() - made.mean()) / spread), float(max(noise, 1e-9))
    if knob.kind == "scale":
        sds = [max(float(cells.std(ddof=1)), 1e-9 * spread) for cells in (made, real)]
        noise = sum((_kurtosis(cells) - 1) / (4 * len(cells)) for cells in (made, real))
        return float(np.log(sds[1] / sds[0])), max(noise, 1e-6)
    logs, noise = [], 0.0
    for cells in (made, real):
        counts = np.array([np.sum(cells == knob.value), np.sum(cells == 0)]) + 0.5
        logs.append(float(np.log(counts[0] / counts[1])))
        noise += float((1 / counts).sum())
    return logs[1] - logs[0], noise


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
        edges = np.unique(np.quantile(real, np.linspace(0.1, 0.9, 9)))
        binned = [np.searchsorted(edges, cells) for cells in (made, real)]
        found["kl"].append(_relative_entropy(*_shares(binned[0], binned[1], len(edges) + 1)))
    elif knob.kind == "weight" and knob.value == 1:
        shares = _shares(made.astype(np.intp), real.astype(np.intp), levels)
        found["tv"].append(float(np.abs(shares[0] - shares[1]).sum() / 2))
        found["kl"].append(_relative_entropy(*shares))


def _shares(made: Codes, real: Codes, levels: int) -> tuple[Floats, Floats]:
    """Return the share of each code, as if half a row more had each."""
    counts = [np.bincount(codes, minlength=levels) + 0.5 for codes in (made, real)]
    return counts[0] / counts[0].sum(), counts[1] / counts[1].sum()


def _relative_entropy(made: Floats, real: Floats) -> float:
    """Return what is lost by taking one distribution for the real one, in nats."""
    return float((real * np.log(real / made)).sum())


def _root(matrix: Floats) -> Floats:
    """Return the symmetric square root of a correlation matrix, made positive where it is not."""
    values, vectors = np.linalg.eigh(matrix)
    repaired = (vectors * np.clip(values, 1e-6, None)) @ vectors.T
    scale = np.sqrt(np.diag(repaired))
    values, vectors = np.linalg.eigh(repaired / np.outer(scale, scale))
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)
