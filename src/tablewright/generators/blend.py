"""Forest and linear model side by side, for tables of few rows.

With a hundred rows trees split on chance, and a straight line through all rows says more than a
leaf of five. Where a line is wrong the forest is right. Each value comes from one of the two,
by a share that is learned for each column from rows that neither saw (stacking; Wolpert 1992,
Yao et al. 2018, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.forest import grow_forest
from tablewright.generators.parts.bins import BinDonors, cut
from tablewright.generators.parts.donors import (
    Conditional,
    Donors,
    DonorTree,
)
from tablewright.generators.parts.linear import LinearChances, learn_chances
from tablewright.generators.parts.sequential import Sequential
from tablewright.tables.encoding.codec import Matrix

Ints = NDArray[np.intp]

_FOLDS = 3
_SHARES = np.linspace(0, 1, 11)
_FEATURES = 1.0  # share that a split may choose among; fewer blur the one column that matters
_COARSE = 6  # bins of a number that predictions are judged on
_FLOOR = 0.05  # part of the marginal shares in every prediction that is judged


@dataclass(frozen=True)
class Blended:
    """Nodes of a forest and of bins in one row; each draw goes to one of the two.

    Attributes
    ----------
    forest : DonorTree
    linear : BinDonors
    share : float
        How often the linear model is asked.
    """

    forest: DonorTree
    linear: BinDonors
    share: float

    @cached_property
    def rows(self) -> Ints:
        """Training rows of the forest, then of the bins."""
        return np.concatenate([self.forest.rows, self.linear.rows])

    @cached_property
    def start(self) -> Ints:
        """Where each node's slice of `rows` begins."""
        return np.concatenate([self.forest.start, self.linear.start + len(self.forest.rows)])

    @cached_property
    def stop(self) -> Ints:
        """Where each node's slice of `rows` ends."""
        return np.concatenate([self.forest.stop, self.linear.stop + len(self.forest.rows)])

    @cached_property
    def parent(self) -> Ints:
        """The next larger node of each node."""
        return np.concatenate([self.forest.parent, self.linear.parent + self._first])

    @property
    def _first(self) -> int:
        return len(self.forest.start)

    def reach(self, ranks: Floats, rng: np.random.Generator, ease: Floats | None) -> Ints:
        """Give each row a leaf of one tree or a bin."""
        linear = rng.random(len(ranks)) < self.share
        nodes = np.empty(len(ranks), dtype=np.intp)
        nodes[~linear] = self.forest.reach(ranks[~linear], rng, None)
        eased = None if ease is None else ease[self._first :]
        nodes[linear] = self.linear.reach(ranks[linear], rng, eased) + self._first
        return nodes

    def means(self, weights: Floats, inertia: float) -> Floats:
        """Expect the weight that both do, by the share of each."""
        forest, linear = (m.means(weights, inertia) for m in (self.forest, self.linear))
        return (1 - self.share) * forest + self.share * linear

    def donors(self, weights: Floats | None, least: int) -> Donors:
        """Restrict who gives; a leaf hands over as in a tree, a bin does not."""
        leasts = np.full(len(self.start), least)
        leasts[self._first :] = 1
        return Donors(self, weights, leasts)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays of both."""
        forest = {f"forest/{name}": array for name, array in self.forest.arrays().items()}
        linear = {f"linear/{name}": array for name, array in self.linear.arrays().items()}
        return {**forest, **linear, "share": np.array(self.share)}


class Blend(Sequential):
    """Random forest and linear model side by side, for tables of few rows.

    Parameters
    ----------
    n_trees : int, default=30
        Trees per column.
    min_samples_leaf : int, default=5
        Fewest real rows that a value is drawn from, and that a bin of a number holds.
    max_rows : int or None, default=5000
        Rows to learn from; of a longer table a random part is taken. None takes all.
    share : float or None, default=None
        How often the linear model gives the value, from 0 to 1. None learns it for each column
        from rows that neither model saw.
    """

    _options: ClassVar[tuple[str, ...]] = ("n_trees", "min_samples_leaf", "max_rows", "share")
    _patterns: ClassVar[int] = 8

    def __init__(
        self,
        n_trees: int = 30,
        min_samples_leaf: int = 5,
        max_rows: int | None = 5000,
        share: float | None = None,
    ) -> None:
        self.n_trees = n_trees
        self.min_samples_leaf = min_samples_leaf
        self.max_rows = max_rows
        self.share = share

    def _least(self, n_rows: int) -> int:
        return self.min_samples_leaf

    def _learn(self, matrix: Matrix, seed: int) -> None:
        super()._learn(matrix, seed)
        self._shares: dict[int, float] = {}

    def _grow(self, j: int, features: frozenset[int]) -> Conditional:
        asked = np.array(sorted(features), dtype=np.intp)
        bins = self._bins(j)
        forest = self._forest(j, asked, np.arange(len(bins)))
        probabilities = learn_chances(self.ranks_, j, bins, asked, self._levels)
        # Learned once, for the columns before it in the order; other patterns take it over.
        if j not in self._shares:
            self._shares[j] = self._stacked(j, asked) if self.share is None else self.share
        return self._blended(j, forest, probabilities, self._shares[j])

    def _blended(self, j: int, forest: DonorTree, chances: LinearChances, share: float) -> Blended:
        linear = BinDonors.of(
            self._bins(j), self.values_[:, j], self.ranks_, chances, chances.arrays()
        )
        return Blended(forest, linear, share)

    def _bins(self, j: int, most: int = 24) -> Ints:
        n_bins = int(np.clip(len(self.values_) // self.leaf_, 1, most))
        return cut(self.values_[:, j], self.fields_[j].discrete, n_bins)

    def _forest(self, j: int, asked: Ints, rows: Ints) -> DonorTree:
        return grow_forest(
            self._questions(j, asked.tolist(), rows),
            self.values_[rows, j],
            n_trees=self.n_trees,
            min_samples_leaf=self.leaf_,
            max_features=_FEATURES,
            seed=(self.seed_ + j) % 2**31,
        )

    def _stacked(self, j: int, asked: Ints) -> float:
        """Share of the linear model under which held-out rows are most likely."""
        bins = self._bins(j, _COARSE)  # finer ones would reward smoothness alone
        n_rows = len(bins)
        if len(asked) == 0 or n_rows < 2 * _FOLDS * self.leaf_:
            return 0.5
        fold = np.random.default_rng([self.seed_, j]).permutation(n_rows) % _FOLDS
        marginal = np.bincount(bins) / n_rows
        both = np.empty((n_rows, 2))
        for k in range(_FOLDS):
            train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            forest = self._forest(j, asked, train)
            both[test, 0] = _seen(forest, self.ranks_[test], bins[train], bins[test])
            kinds, inside = np.unique(bins[train], return_inverse=True)
            probabilities = learn_chances(self.ranks_[train], j, inside, asked, self._levels)
            index = np.full(len(marginal), -1)
            index[kinds] = np.arange(len(kinds))
            result = probabilities(self.ranks_[test])[np.arange(len(test)), index[bins[test]]]
            both[test, 1] = np.where(index[bins[test]] >= 0, result, 0.0)
        floor = _FLOOR * marginal[bins][:, None]
        mixed = both[:, :1] * (1 - _SHARES) + both[:, 1:] * _SHARES
        return float(_SHARES[np.log((1 - _FLOOR) * mixed + floor).sum(axis=0).argmax()])

    def _read(
        self, j: int, features: frozenset[int], arrays: Mapping[str, NDArray[Any]]
    ) -> Blended:
        parts = {
            kind: {n[len(kind) + 1 :]: a for n, a in arrays.items() if n.startswith(f"{kind}/")}
            for kind in ("forest", "linear")
        }
        forest = DonorTree.from_arrays(parts["forest"])
        probabilities = LinearChances.from_arrays(parts["linear"])
        self._shares[j] = float(arrays["share"])
        return self._blended(j, forest, probabilities, self._shares[j])


def _seen(forest: DonorTree, ranks: Floats, bins: Ints, wanted: Ints) -> Floats:
    """Share of the donors of each row, over all trees, that lie in the bin wanted."""
    total = np.zeros(len(ranks))
    for root in forest.roots:
        leaves = forest.leaves(ranks, np.full(len(ranks), root))
        start, stop = forest.start[leaves], forest.stop[leaves]
        for i, (low, high, bin_) in enumerate(zip(start, stop, wanted, strict=True)):
            total[i] += (bins[forest.rows[low:high]] == bin_).mean()
    return total / len(forest.roots)
