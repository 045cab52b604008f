"""Random forests: each column drawn from a leaf of one tree of many.

Breiman (2001), Random forests; Meinshausen (2006), Quantile regression forests, section 3: all
training rows lie in the leaves of every tree, and a leaf of a tree taken at random stands for
the distribution that the forest predicts. For a category, that is a draw from the mean of the
trees' class shares. H-TDBU (arXiv:2605.28198) names the limits that are the defaults here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.generators.parts.association import associations, strongest
from tablewright.generators.parts.donors import Donors, DonorTree, Questions, bare_root
from tablewright.generators.parts.sequential import MANY_LEVELS, Sequential
from tablewright.tables.encoding.codec import Matrix

Ints = NDArray[np.intp]


@dataclass(frozen=True)
class DonorForest:
    """Some trees as one, whose first questions ask for the number of a tree.

    Attributes
    ----------
    tree : DonorTree
        All of them. Its last feature stands for the number of a tree; its `rows` hold every
        training row once per tree.
    n_trees : int
        How many there are.
    """

    tree: DonorTree
    n_trees: int

    @classmethod
    def of(cls, trees: Sequence[DonorTree], n_columns: int) -> DonorForest:
        """Put trees over the same features below a chain of questions.

        Parameters
        ----------
        trees : sequence of DonorTree
        n_columns : int
            Columns of the table; the number of the tree comes after them.
        """
        chain = len(trees) - 1
        sizes = [len(tree.left) for tree in trees]
        root = chain + np.cumsum([0, *sizes[:-1]])
        n_rows = len(trees[0].rows)
        first = n_rows * np.arange(len(trees))
        below = np.append(np.arange(1, chain), root[-1:]) if chain else np.zeros(0, dtype=np.intp)
        left = [np.where(t.left < 0, -1, t.left + r) for t, r in zip(trees, root, strict=True)]
        right = [np.where(t.left < 0, -1, t.right + r) for t, r in zip(trees, root, strict=True)]
        asked = len(trees[0].features)
        joined = DonorTree(
            features=np.append(trees[0].features, n_columns),
            maps=trees[0].maps,
            left=np.concatenate([root[:chain], *left]),
            right=np.concatenate([below, *right]),
            feature=np.concatenate([np.full(chain, asked), *(t.feature for t in trees)]),
            threshold=np.concatenate([np.arange(chain) + 0.5, *(t.threshold for t in trees)]),
            start=np.concatenate(
                [first[:chain], *(t.start + f for t, f in zip(trees, first, strict=True))]
            ),
            stop=np.concatenate(
                [
                    np.full(chain, n_rows * len(trees)),
                    *(t.stop + f for t, f in zip(trees, first, strict=True)),
                ]
            ),
            rows=np.concatenate([t.rows for t in trees]),
        )
        return cls(joined, len(trees))

    @property
    def rows(self) -> Ints:
        """Training rows, tree after tree, leaf after leaf, by value inside a leaf."""
        return self.tree.rows

    @property
    def start(self) -> Ints:
        """Where each node's slice of `rows` begins."""
        return self.tree.start

    @property
    def stop(self) -> Ints:
        """Where each node's slice of `rows` ends."""
        return self.tree.stop

    @property
    def parent(self) -> Ints:
        """The next larger node of each node."""
        return self.tree.parent

    def reach(self, ranks: Floats, rng: np.random.Generator, ease: Floats | None) -> Ints:
        """Walk each row down a tree of its own."""
        number = rng.integers(self.n_trees, size=len(ranks))
        return self.tree.leaves(np.column_stack([ranks, number]))

    def means(self, weights: Floats, inertia: float) -> Floats:
        """Average weights over the leaves of all trees that a training row lies in."""
        return self.tree.means(weights, inertia)

    def donors(self, weights: Floats | None, least: int) -> Donors:
        """Restrict who gives; see `Donors`."""
        return Donors(self, weights, least)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays that `from_arrays` reads."""
        return {**self.tree.arrays(), "n_trees": np.array(self.n_trees)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DonorForest:
        """Make the forest again.

        Raises
        ------
        ValueError
            If the arrays are no trees.
        """
        trees = {name: array for name, array in arrays.items() if name != "n_trees"}
        return cls(DonorTree.from_arrays(trees), int(arrays["n_trees"]))


def grow_forest(
    questions: Questions,
    values: Floats,
    n_columns: int,
    *,
    n_trees: int,
    min_samples_leaf: int,
    max_features: float | None,
    seed: int,
) -> DonorForest:
    """Grow trees on bootstrap samples and fill their leaves with all training rows.

    Parameters
    ----------
    questions : Questions
    values : ndarray of shape (n_train,)
        The column's own values, by which rows are sorted inside a leaf.
    n_columns : int
        Columns of the table.
    n_trees, min_samples_leaf, seed : int
    max_features : float or None
        Share of the features that a split may choose among; the root of their number if None.
    """
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
    return DonorForest.of(trees, n_columns)


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

    def _grow(self, j: int, features: frozenset[int]) -> DonorForest:
        asked = strongest(self._association[j], features, self.max_conditions)
        values = self.values_[:, j]
        if not asked or len(values) < 2 * self.leaf_:
            return DonorForest.of([bare_root(values)], len(self.fields_))
        classify = 0 < self.fields_[j].levels <= MANY_LEVELS
        response = self.ranks_[:, j] if classify else self.scale_[j].response(self.ranks_, j)
        questions = Questions.of(
            self.ranks_, response, self._levels, np.array(asked, dtype=np.intp), classify
        )
        return grow_forest(
            questions,
            values,
            len(self.fields_),
            n_trees=self.n_trees,
            min_samples_leaf=self.leaf_,
            max_features=self.max_features,
            seed=(self.seed_ + j) % 2**31,
        )

    def _read(
        self, j: int, features: frozenset[int], arrays: Mapping[str, NDArray[Any]]
    ) -> DonorForest:
        return DonorForest.from_arrays(arrays)
