"""Sequential trees: each column drawn from the leaf that the columns before it lead to.

Reiter, J. P. (2005), Using CART to generate partially synthetic public use microdata, section 2;
Nowok, Raab and Dibben (2016), synthpop, section 2.

Every tree tells the classes of the target apart before anything else, so that a rare class has
leaves of its own where it has rows enough to fill one. In a wide table a column is drawn from the
30 columns before it that go with it most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.parts.donors import DonorTree
from tablewright.generators.parts.sequential import Sequential


class SequentialTrees(Sequential):
    """Sequential classification and regression trees with donors from leaves.

    Parameters
    ----------
    min_samples_leaf : int or None, default=None
        Fewest real rows that a value is drawn from: more is more private and less sharp.
        None takes a twentieth of the rows, at least 5 and at most 20.
    max_rows : int, default=100_000
        Rows to learn from; of a longer table a random part is taken.
    """

    _options: ClassVar[tuple[str, ...]] = ("min_samples_leaf", "max_rows")
    _most = 30

    def __init__(self, min_samples_leaf: int | None = None, max_rows: int = 100_000) -> None:
        self.min_samples_leaf = min_samples_leaf
        self.max_rows = max_rows

    def _least(self, n_rows: int) -> int:
        return self.min_samples_leaf or int(np.clip(n_rows / 20, 5, 20))

    def _grow(self, j: int, features: frozenset[int]) -> DonorTree:
        questions = self._questions(j, features, groups=self._classes(features))
        seed = (self.seed_ + j) % 2**31
        return questions.grow(self.values_[:, j], min_samples_leaf=self.leaf_, seed=seed)

    def _read(
        self, j: int, features: frozenset[int], arrays: Mapping[str, NDArray[Any]]
    ) -> DonorTree:
        return DonorTree.from_arrays(arrays)
