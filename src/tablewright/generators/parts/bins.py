"""Cells cut into bins, and models that give each row a chance for every bin.

A bin is a node of training rows, so that whoever predicts bins draws donors as trees do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.parts.donors import Donors

Ints = NDArray[np.intp]

_SPIKE = 0.05  # share of rows from which on a value has a bin of its own
_MOST_CODES = 100
_BLOCK = 20_000  # rows whose chances are worked out at once


def cut(values: Floats, discrete: bool, most: int) -> Ints:
    """Give each cell a bin, numbered from 0 in the order of the values, missing last.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Codes or numbers.
    discrete : bool
        Whether they are codes, which have a bin each; where there are more than 100, the
        rarest share one.
    most : int
        Bins of about equal size that numbers are cut into, beside those of values that more
        than 5 % of the rows share, which have a bin each.

    Examples
    --------
    >>> cut(np.array([0.0, 0.0, 3.0, 7.0, np.nan, 0.0]), False, 2).tolist()
    [0, 0, 1, 2, 3, 0]
    """
    keys = values.copy()
    if discrete:
        codes, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        rare = codes[np.argsort(-counts, kind="stable")[_MOST_CODES - 1 :]]
        if len(rare) > 1:
            keys[np.isin(values, rare)] = rare.min()
    else:
        distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        spikes = distinct[counts > _SPIKE * len(values)]
        rest = ~np.isnan(values) & ~np.isin(values, spikes)
        if rest.any():
            keys[rest] = _stand(values[rest], spikes, most)
    # np.unique puts what is missing at the end, as one value.
    return np.unique(keys, return_inverse=True)[1].reshape(-1).astype(np.intp)


def _stand(values: Floats, spikes: Floats, most: int) -> Floats:
    """For each value the least one of its bin; a bin ends where a spike lies."""
    inner = np.quantile(values, np.linspace(0, 1, most + 1)[1:-1])
    edges = np.unique(np.concatenate([inner, spikes]))
    which = np.searchsorted(edges, values)
    minimum = np.full(len(edges) + 1, np.inf)
    np.minimum.at(minimum, which, values)
    return np.asarray(minimum[which])


@dataclass(frozen=True)
class BinDonors:
    """A column's bins, and a model of how likely each is.

    Attributes
    ----------
    rows, start, stop : ndarray of int
        Training rows, bin after bin, by value inside a bin. Node 0 holds all rows, node k the
        rows of bin k - 1.
    train : ndarray of shape (n_train, n_columns)
        Ranks of the training rows.
    chances : callable
        Gives rows of ranks a chance for each bin: (n_rows, n_columns) to (n_rows, n_bins).
    stored : mapping
        Arrays of which the model can be made again.
    """

    rows: Ints
    start: Ints
    stop: Ints
    train: Floats
    chances: Callable[[Floats], Floats]
    stored: dict[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        bins: Ints,
        values: Floats,
        train: Floats,
        chances: Callable[[Floats], Floats],
        stored: dict[str, NDArray[Any]] | None = None,
    ) -> BinDonors:
        """Lay training rows out by their bins."""
        ends = np.cumsum(np.bincount(bins))
        return cls(
            rows=np.lexsort((values, bins)),
            start=np.concatenate([[0, 0], ends[:-1]]),
            stop=np.concatenate([[len(bins)], ends]),
            train=train,
            chances=chances,
            stored=stored or {},
        )

    @property
    def parent(self) -> Ints:
        """All rows, for every bin."""
        return np.zeros(len(self.start), dtype=np.intp)

    def reach(self, ranks: Floats, rng: np.random.Generator, ease: Floats | None) -> Ints:
        """Draw a bin for each row; all rows where no bin that is likely may give."""
        nodes = np.zeros(len(ranks), dtype=np.intp)
        for at in range(0, len(ranks), _BLOCK):
            probabilities = self.chances(ranks[at : at + _BLOCK])
            total = (probabilities if ease is None else probabilities * ease[1:]).cumsum(axis=1)
            share = rng.random((len(total), 1)) * total[:, -1:]
            nodes[at : at + _BLOCK] = np.where(
                total[:, -1] > 0, 1 + (total[:, :-1] <= share).sum(axis=1), 0
            )
        return nodes

    def means(self, weights: Floats, inertia: float) -> Floats:
        """Mean weight of the bins, by the chance that a training row has for each."""
        before = np.concatenate([[0.0], np.cumsum(weights[self.rows])])
        sums, counts = before[self.stop] - before[self.start], self.stop - self.start
        mean = (sums + inertia * sums[0] / counts[0]) / (counts + inertia)
        blocks = range(0, len(self.train), _BLOCK)
        parts = (self.train[at : at + _BLOCK] for at in blocks)
        return np.concatenate([self.chances(part) @ mean[1:] for part in parts])

    def donors(self, weights: Floats | None, least: int) -> Donors:
        """Restrict who gives; a bin gives as long as one of its rows may."""
        return Donors(self, weights, 1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the model."""
        return self.stored
