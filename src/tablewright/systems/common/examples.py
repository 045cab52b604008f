"""Which real rows a prompt shows: at random, balanced, by their share, or near to given cells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.neighbours import nearest
from tablewright.schema import Schema
from tablewright.systems.common.partition import Partition

Indices = NDArray[np.intp]


class ExampleSampler(Protocol):
    """Draws real rows."""

    def sample(self, n_rows: int, draw: int) -> Indices:
        """Return the indices of the rows of one draw; the same draw gives the same rows."""


@dataclass(frozen=True)
class RandomExamples:
    """All rows alike.

    Parameters
    ----------
    n_real : int
    seed : tuple of int
    replace : bool, default=False
        Whether a row may be drawn twice.

    Examples
    --------
    >>> sorted(RandomExamples(3, (0,)).sample(5, draw=0).tolist())
    [0, 1, 2]
    """

    n_real: int
    seed: tuple[int, ...]
    replace: bool = False

    def sample(self, n_rows: int, draw: int) -> Indices:
        """Draw rows; all of them where there are no more."""
        rng = np.random.default_rng([*self.seed, draw])
        return rng.choice(self.n_real, min(n_rows, self.n_real), replace=self.replace)


@dataclass(frozen=True)
class BalancedExamples:
    """As many rows of each part, part after part; each row is shown as often as any other.

    Parameters
    ----------
    members : list of ndarray of int
        The rows of each part.
    seed : tuple of int
    n_replaced : int or None, default=None
        None cycles a shuffled deck of each part, so that no row is shown twice in a draw. A
        number draws for so many draws at once, and with replacement where a part has too few
        rows for them, as EPIC's reference implementation does.

    Examples
    --------
    >>> examples = BalancedExamples([np.arange(4), np.arange(4, 9)], (0,))
    >>> (examples.sample(4, draw=0) >= 4).tolist()
    [False, False, True, True]
    """

    members: list[Indices]
    seed: tuple[int, ...]
    n_replaced: int | None = None

    @classmethod
    def of(
        cls,
        real: pl.DataFrame,
        partition: Partition,
        seed: tuple[int, ...],
        n_replaced: int | None = None,
    ) -> BalancedExamples:
        """Balance the parts of real rows."""
        codes = partition.of(real)
        members = [np.flatnonzero(codes == code) for code in range(len(partition))]
        return cls(members, seed, n_replaced)

    def sample(self, n_rows: int, draw: int) -> Indices:
        """Draw rows, the same number of each part."""
        return np.concatenate(self.by_part(n_rows // len(self.members), draw))

    def by_part(self, n_rows: int, draw: int) -> list[Indices]:
        """Return so many rows of each part; fewer of those that have fewer."""
        return [self._of_part(part, n_rows, draw) for part in range(len(self.members))]

    def _of_part(self, part: int, n_rows: int, draw: int) -> Indices:
        members, seed = self.members[part], [*self.seed, part]
        if self.n_replaced is not None:
            turn, index = divmod(draw, self.n_replaced)
            size = (self.n_replaced, n_rows)
            few = len(members) < np.prod(size)
            drawn = np.random.default_rng([*seed, 2, turn]).choice(members, size, replace=bool(few))
            return np.asarray(drawn[index])
        order = np.random.default_rng(seed).permutation(members)
        window = np.arange(min(n_rows, len(order)))
        rng = np.random.default_rng([*seed, 1, draw])
        return rng.permutation(order[(draw * n_rows + window) % max(len(order), 1)])


@dataclass(frozen=True)
class ProportionalExamples:
    """One row of each class if there is room, and further ones by the share of their class.

    Examples
    --------
    >>> labels = ["a"] * 8 + ["b"] * 2
    >>> drawn = ProportionalExamples(labels, (0,)).sample(5, draw=0)
    >>> sorted(labels[index] for index in drawn)
    ['a', 'a', 'a', 'a', 'b']
    """

    labels: list[Any]
    seed: tuple[int, ...]

    def sample(self, n_rows: int, draw: int) -> Indices:
        """Draw rows without replacement, in random order."""
        rng = np.random.default_rng([*self.seed, draw])
        order = rng.permutation(len(self.labels))
        if len(self.labels) <= n_rows:
            return order
        size, seen = Counter(self.labels), Counter[Any]()
        turn = np.empty(len(self.labels))
        for index in order:
            label = self.labels[index]
            seen[label] += 1
            turn[index] = 0.0 if seen[label] == 1 else seen[label] / size[label]
        chosen = np.sort(order[np.argsort(turn[order], kind="stable")[:n_rows]])
        return chosen[rng.permutation(n_rows)]


class NearestExamples:
    """The rows nearest to given ones (Gower's distance over the given columns).

    Parameters
    ----------
    real : DataFrame
    schema : Schema
    given : DataFrame
        Some columns of `real`; draw k is for its row k.

    Examples
    --------
    >>> real = pl.DataFrame({"age": [20, 40, 60], "ill": ["no", "no", "yes"]})
    >>> schema = Schema.build({"age": "integer", "ill": "categorical"})
    >>> NearestExamples(real, schema, pl.DataFrame({"age": [57]})).sample(2, draw=0).tolist()
    [2, 1]
    """

    def __init__(self, real: pl.DataFrame, schema: Schema, given: pl.DataFrame) -> None:
        columns = [column for column in schema.each() if column.name in given.columns]
        encoder = FeatureEncoder.fit(real.select(given.columns), Schema(columns=columns))
        self._real = np.ascontiguousarray(encoder.rows(real.select(given.columns)).gower)
        self._given = np.ascontiguousarray(encoder.rows(given).gower)

    def sample(self, n_rows: int, draw: int) -> Indices:
        """Return the nearest rows to a given one, the nearest first."""
        n_rows = min(n_rows, len(self._real))
        _, indices = nearest(self._given[draw : draw + 1], self._real, n_rows)
        return np.asarray(indices[0], dtype=np.intp)


@dataclass(frozen=True)
class NeighbourhoodExamples:
    """A random row and those nearest to it: each draw shows another corner of the table.

    Parameters
    ----------
    real : DataFrame
    schema : Schema
    seed : tuple of int

    Examples
    --------
    >>> real = pl.DataFrame({"age": [20, 21, 60, 61]})
    >>> examples = NeighbourhoodExamples(real, Schema.build({"age": "integer"}), (0,))
    >>> sorted(examples.sample(2, draw=0).tolist()) in ([0, 1], [2, 3])
    True
    """

    real: pl.DataFrame
    schema: Schema
    seed: tuple[int, ...]

    def sample(self, n_rows: int, draw: int) -> Indices:
        """Return a row and its neighbours, the nearest first."""
        centre = int(np.random.default_rng([*self.seed, draw]).integers(self.real.height))
        real = self.real.select(self.schema.names)
        return NearestExamples(real, self.schema, real[[centre]]).sample(n_rows, 0)
