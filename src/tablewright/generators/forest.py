"""Random forests: each column drawn from a leaf of one tree of many.

Breiman (2001), Random forests; Meinshausen (2006), Quantile regression forests, section 3: all
training rows lie in the leaves of every tree, and a leaf of a tree taken at random stands for
the distribution that the forest predicts. For a category, that is a draw from the mean of the
trees' class shares. H-TDBU (arXiv:2605.28198) names the limits that are the defaults here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.parts.association import associations, strongest
from tablewright.generators.parts.donors import DonorTree, Questions, bare_root
from tablewright.generators.parts.sequential import Sequential
from tablewright.tables.encoding.codec import Matrix


def grow_forest(
    questions: Questions,
    values: Floats,
    *,
    n_trees: int,
    min_samples_leaf: int,
    max_features: float | None,
    seed: int,
) -> DonorTree:
    """Grow trees on bootstrap samples and fill their leaves with all training rows.

    Parameters
    ----------
    questions : Questions
    values : ndarray of shape (n_train,)
        The column's own values, by which rows are sorted inside a leaf.
    n_trees, min_samples_leaf, seed : int
    max_features : float or None
        Share of the features that a split may choose among; the root of their number if None.
    """
    if questions.is_bare(min_samples_leaf):
        return bare_root(values)
    rng = np.random.default_rng(seed)
    n_rows = len(values)
    # As scikit-learn would bring them, tree after tree.
    inputs, outputs = questions.inputs, np.ascontiguousarray(questions.outputs, dtype=np.float64)
    trees = []
    for _ in range(n_trees):
        often = np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows)
        learner = questions.learner(
            min_samples_leaf=min_samples_leaf,
            max_features="sqrt" if max_features is None else max_features,
            random_state=int(rng.integers(2**31)),
        )
        fitted = learner.fit(inputs, outputs, sample_weight=often * 1.0, check_input=False)
        trees.append(questions.donors(fitted.tree_, values))
    return DonorTree.join(trees)


class Forest(Sequential):
    """A random forest per column, with donors from the leaves.

    Parameters
    ----------
    n_trees : int, default=30
        Trees per column.
    min_samples_leaf : int, default=5
        Fewest real rows that a value is drawn from.
    max_rows : int or None, default=5000
        Rows to learn from; of a longer table a random part is taken. None takes all.
    max_conditions : int or None, default=12
        Columns that a column is drawn from: those that tell most of it, the target always.
        None takes all that come before it.
    max_features : float or None, default=None
        Share of them that a split may choose among; the root of their number where None.

    Examples
    --------
    >>> from tablewright.tables.encoding.codec import Field
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 500)
    >>> model = Forest(n_trees=10).fit(Matrix(rows, (Field("a"), Field("b"))), rng)
    >>> bool(0.7 < np.corrcoef(model.sample(2000, rng).T)[0, 1] < 0.85)
    True
    """

    _options: ClassVar[tuple[str, ...]] = (
        "n_trees",
        "min_samples_leaf",
        "max_rows",
        "max_conditions",
        "max_features",
    )

    def __init__(
        self,
        n_trees: int = 30,
        min_samples_leaf: int = 5,
        max_rows: int | None = 5000,
        max_conditions: int | None = 12,
        max_features: float | None = None,
    ) -> None:
        self.n_trees = n_trees
        self.min_samples_leaf = min_samples_leaf
        self.max_rows = max_rows
        self.max_conditions = max_conditions
        self.max_features = max_features

    def _least(self, n_rows: int) -> int:
        return self.min_samples_leaf

    def _learn(self, matrix: Matrix, seed: int) -> None:
        super()._learn(matrix, seed)
        self._association = associations(self.ranks_, self._levels, matrix.target, seed)

    def _grow(self, j: int, features: frozenset[int]) -> DonorTree:
        asked = strongest(self._association[j], features, self.max_conditions)
        return grow_forest(
            self._questions(j, asked),
            self.values_[:, j],
            n_trees=self.n_trees,
            min_samples_leaf=self.leaf_,
            max_features=self.max_features,
            seed=(self.seed_ + j) % 2**31,
        )

    def _read(
        self, j: int, features: frozenset[int], arrays: Mapping[str, NDArray[Any]]
    ) -> DonorTree:
        return DonorTree.from_arrays(arrays)
