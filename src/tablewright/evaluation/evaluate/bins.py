"""How one column is cut for plots: bins with names that people read, fitted on real rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.markup import MINUS
from tablewright.metrics.encoder import Feature, Floats
from tablewright.schema import Kind

OTHER = "(other values)"
UNSEEN = "(not in real rows)"
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIMES = (Kind.DATE, Kind.DATETIME)
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True)
class Bins:
    """Bins of one column.

    Attributes
    ----------
    names : tuple of str
        What each bin holds.
    ticks : tuple of (float, str)
        Marks of an axis: where, from 0 to 1, and what they say.
    edges : ndarray or None
        Ends of the bins of numbers, one more than bins; values beyond count in the last ones.
    order : ndarray of int or None
        The bin of each level of a discrete column, and of values that are no level.
    """

    names: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    edges: Floats | None = None
    order: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.names)

    def of(self, codes: Floats) -> NDArray[np.intp]:
        """Return the bin of each value; none may be missing."""
        if self.edges is not None:
            return np.asarray(np.searchsorted(self.edges[1:-1], codes, "right"))
        assert self.order is not None
        return np.asarray(self.order[np.minimum(codes, len(self.order) - 1).astype(np.intp)])

    def to_dict(self) -> dict[str, Any]:
        """Return names and marks as plain data, and whether the bins lie on a line."""
        return {
            "names": list(self.names),
            "ticks": [[round(at, 4), text] for at, text in self.ticks],
            "numeric": self.edges is not None,
        }


def bins_of(feature: Feature, tables: Sequence[Floats], n_bins: int, n_labels: int) -> Bins:
    """Cut a column by its real values.

    Parameters
    ----------
    feature : Feature
    tables : sequence of ndarray
        Known values of the real rows, then of other rows, which only decide whether there is a
        bin for values that no real row has.
    n_bins : int
        Bins of numbers at most, about.
    n_labels : int
        Values that get a bin of their own at most. One that a single real row holds gets none,
        unless the column has but two values: a plot names nobody.
    """
    if feature.levels is None:
        return _of_numbers(feature, tables[0], n_bins)
    return _of_labels(feature, tables, n_labels)


def _of_labels(feature: Feature, tables: Sequence[Floats], n_labels: int) -> Bins:
    levels = feature.levels or ()
    counts = np.bincount(tables[0].astype(int), minlength=len(levels))[: len(levels)]
    few = len(levels) <= 2
    shown = [code for code in range(len(levels)) if few or counts[code] > 1][:n_labels]
    if feature.ranks is not None:
        ranks = feature.ranks
        shown.sort(key=lambda code: float(ranks[code]))
    names = [levels[code] for code in shown]
    order = np.full(len(levels) + 1, len(names), dtype=np.intp)
    order[shown] = np.arange(len(shown))
    if len(shown) < len(levels):
        names.append(OTHER)
    if any((codes >= len(levels)).any() for codes in tables):
        order[-1] = len(names)
        names.append(UNSEEN)
    if not names:
        names = [OTHER]
    ticks = tuple(((i + 0.5) / len(names), name) for i, name in enumerate(names))
    return Bins(tuple(names), ticks, order=order)


def _of_numbers(feature: Feature, real: Floats, n_bins: int) -> Bins:
    """Cut the middle 98 % of real values at round numbers; days of dates evenly."""
    if not len(real):
        return Bins((), (), np.zeros(2))
    low, high = (float(end) for end in np.quantile(real, [0.01, 0.99]))
    whole = feature.column.kind is Kind.INTEGER
    if feature.column.kind in _TIMES:
        edges = np.linspace(low, high if high > low else low + 1, n_bins + 1)
        return _named(feature, edges, [0, n_bins])
    step = _round_step((high - low) / n_bins or 1.0)
    if whole and step <= 1:
        centres = np.arange(round(low), round(high) + 1, dtype=float)
        names = tuple(_plain(centres))
        marked = range(0, len(centres), max(1, -(-len(centres) // 6)))
        ticks = tuple(((i + 0.5) / len(centres), names[i]) for i in marked)
        return Bins(names, ticks, np.append(centres - 0.5, centres[-1] + 0.5))
    first, last = np.floor(low / step), max(np.ceil(high / step), np.floor(low / step) + 1)
    edges = np.arange(first, last + 1) * step
    if len(np.unique(edges)) < max(len(edges), 2):  # finer than floats of this size can be
        edges = np.array([low, high + abs(high)])
    return _named(feature, edges, range(0, len(edges), max(1, -(-(len(edges) - 1) // 4))))


def _named(feature: Feature, edges: Floats, marked: Sequence[int] | Any) -> Bins:
    n = len(edges) - 1
    texts = _written(feature, edges)
    names = tuple(f"{a} to {b}" for a, b in pairwise(texts))
    places = list(marked)
    marks = _written(feature, edges[places])
    return Bins(names, tuple((i / n, mark) for i, mark in zip(places, marks, strict=True)), edges)


def _round_step(step: float) -> float:
    """Return the next larger step that people count in."""
    power = 10.0 ** np.floor(np.log10(step))
    return float(power * next(s for s in _STEPS if s * power >= step * (1 - 1e-9)))


def _written(feature: Feature, values: Floats) -> list[str]:
    """Write values of one axis alike: dates by day, or by minute where days are few."""
    if feature.column.kind not in _TIMES:
        return _plain(values)
    try:
        moments = [_EPOCH + dt.timedelta(days=float(value)) for value in values]
    except OverflowError:
        return _plain(values)
    if values[-1] - values[0] >= len(values):
        return [moment.date().isoformat() for moment in moments]
    return [moment.isoformat(" ", "minutes") for moment in moments]


def _plain(values: Floats) -> list[str]:
    """Write numbers with the digits that they need, all with as many."""
    values = np.round(values, 12) + 0.0
    largest = max(abs(values.min()), abs(values.max()), 1e-12)
    digits = next(
        (d for d in range(7) if np.allclose(np.round(values, d), values, 0, largest / 1e4)), 7
    )
    if largest >= 1e7 or digits > 5:
        return [f"{value:.3g}".replace("-", MINUS) for value in values]
    return [f"{value:,.{digits}f}".replace("-", MINUS) for value in values]
