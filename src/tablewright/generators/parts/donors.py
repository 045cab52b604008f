"""A decision tree whose every node is a slice of real rows to draw a value from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Floats

Ints = NDArray[np.intp]

_WALK = 4  # levels that rows walk down a tree before those that arrived are set apart
_MAX_CODES = 16  # of a response that is predicted as numbers
_FIRST = 1e3  # weight of a group beside a response: no other split gains as much


class Conditional(Protocol):
    """One column given some others, as nodes that hold training rows to draw a value from."""

    @property
    def rows(self) -> Ints:
        """Training rows, node after node, by value inside the smallest ones."""

    @property
    def start(self) -> Ints:
        """Where each node's slice of `rows` begins."""

    @property
    def stop(self) -> Ints:
        """Where each node's slice of `rows` ends."""

    @property
    def parent(self) -> Ints:
        """The next larger node of each node; the largest is its own."""

    def reach(self, ranks: Floats, rng: np.random.Generator, ease: Floats | None) -> Ints:
        """Give each row a node, by chance where the model leaves it to chance.

        Parameters
        ----------
        ranks : ndarray of shape (n_rows, n_columns)
            All columns of the rows, numeric ones as ranks, discrete ones as codes.
        rng : numpy Generator
        ease : ndarray of shape (n_nodes,) or None
            How readily each node gives, as a factor of its chance; all alike where None.
        """

    def means(self, weights: Floats, inertia: float) -> Floats:
        """Expect of each training row the weight of the donor it would be given."""

    def donors(self, weights: Floats | None, least: int) -> Donors:
        """Restrict who gives; see `Donors`."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays from which it can be made again."""


@dataclass(frozen=True)
class DonorTree:
    """One column's tree, or trees, over some other columns.

    Attributes
    ----------
    features : ndarray of int, shape (n_features,)
        Positions of the columns that the tree asks about; empty for a bare root.
    maps : mapping from int to ndarray of float
        For each discrete feature, where its codes stand in the order that suits this tree;
        the last entry is for missing.
    left, right, feature, threshold : ndarray, shape (n_nodes,)
        The tree; -1 as child at a leaf.
    start, stop : ndarray of int, shape (n_nodes,)
        Each node's slice of `rows`.
    rows : ndarray of int, shape (n_train * n_trees,)
        Training rows, leaf after leaf, by value inside a leaf.
    roots : ndarray of int, shape (n_trees,)
        First node of each tree.
    """

    features: Ints
    maps: Mapping[int, Floats]
    left: Ints
    right: Ints
    feature: Ints
    threshold: Floats
    start: Ints
    stop: Ints
    rows: Ints
    roots: Ints = field(default_factory=lambda: np.zeros(1, dtype=np.intp))

    @classmethod
    def join(cls, trees: Sequence[DonorTree]) -> DonorTree:
        """Lay trees over the same features one after another."""
        first = np.cumsum([0, *(len(tree.left) for tree in trees[:-1])])
        row = np.cumsum([0, *(len(tree.rows) for tree in trees[:-1])])

        def joined(name: str, offsets: Ints) -> Ints:
            parts = [getattr(tree, name) for tree in trees]
            return np.concatenate(
                [np.where(p < 0, p, p + offset) for p, offset in zip(parts, offsets, strict=True)]
            )

        return cls(
            features=trees[0].features,
            maps=trees[0].maps,
            left=joined("left", first),
            right=joined("right", first),
            feature=np.concatenate([tree.feature for tree in trees]),
            threshold=np.concatenate([tree.threshold for tree in trees]),
            start=joined("start", row),
            stop=joined("stop", row),
            rows=np.concatenate([tree.rows for tree in trees]),
            roots=first,
        )

    @cached_property
    def parent(self) -> Ints:
        """Parent of each node; a root is its own."""
        parent = np.arange(len(self.left))
        inner = np.flatnonzero(self.left >= 0)
        parent[self.left[inner]] = inner
        parent[self.right[inner]] = inner
        return parent

    @cached_property
    def _levels(self) -> list[Ints]:
        """Nodes by depth, the roots first."""
        levels = [self.roots]
        while len(inner := levels[-1][self.left[levels[-1]] >= 0]):
            levels.append(np.concatenate([self.left[inner], self.right[inner]]))
        return levels

    def means(self, weights: Floats, inertia: float) -> Floats:
        """Average weights over leaves, each node drawn towards its parent.

        Parameters
        ----------
        weights : ndarray of shape (n_train,)
            One per training row.
        inertia : float
            How many rows the parent's mean counts for.

        Returns
        -------
        ndarray of shape (n_train,)
            For each training row the mean of its leaf.
        """
        before = np.concatenate([[0.0], np.cumsum(weights[self.rows])])
        sums, counts = before[self.stop] - before[self.start], self.stop - self.start
        mean = sums / counts
        for nodes in self._levels[1:]:
            pull = inertia * mean[self.parent[nodes]]
            mean[nodes] = (sums[nodes] + pull) / (counts[nodes] + inertia)
        leaves = np.flatnonzero(self.left < 0)
        leaves = leaves[np.argsort(self.start[leaves], kind="stable")]
        spread = np.bincount(self.rows, weights=np.repeat(mean[leaves], counts[leaves]))
        return np.asarray(spread / (len(self.rows) // len(weights)))

    def reach(self, ranks: Floats, rng: np.random.Generator, ease: Floats | None) -> Ints:
        """Walk each row down the tree, or down one of several."""
        if len(self.roots) == 1:
            return self.leaves(ranks)
        return self.leaves(ranks, self.roots[rng.integers(len(self.roots), size=len(ranks))])

    def donors(self, weights: Floats | None, least: int) -> Donors:
        """Restrict who gives; see `Donors`."""
        return Donors(self, weights, least)

    def leaves(self, ranks: Floats, start: Ints | None = None) -> Ints:
        """Walk rows down to a leaf.

        Parameters
        ----------
        ranks : ndarray of shape (n_rows, n_columns)
            All columns of the rows, numeric ones as ranks, discrete ones as codes.
        start : ndarray of int, shape (n_rows,), or None
            The root of each row; the first one where None.
        """
        node = np.full(len(ranks), self.roots[0]) if start is None else start
        if len(self._levels) == 1:
            return node
        children, feature = self._steps
        cells = _inputs(ranks, self.features, self.maps, self._asked).ravel()
        rows = np.arange(len(ranks))
        cell, result = rows * len(self.features), node.copy()
        for depth in range(1, len(self._levels)):
            answers = cells.take(cell + feature.take(node)) <= self.threshold.take(node)
            node = children.take(2 * node + answers)
            if depth % _WALK == 0:  # most rows are there long before the deepest level
                result[rows] = node
                walking = np.flatnonzero(self.left.take(node) >= 0)
                rows, node, cell = rows.take(walking), node.take(walking), cell.take(walking)
        result[rows] = node
        return result

    @cached_property
    def _asked(self) -> Ints:
        """Positions among the features of those that some node asks about."""
        nodes = np.concatenate(self._levels)
        return np.unique(self.feature[nodes[self.left[nodes] >= 0]])

    @cached_property
    def _steps(self) -> tuple[Ints, Ints]:
        """Right and left child of node after node, and its question; a leaf leads to itself."""
        sides = np.column_stack([self.right, self.left])
        itself = np.arange(len(sides))[:, None]
        return np.where(sides < 0, itself, sides).ravel(), np.maximum(self.feature, 0)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays that `from_arrays` reads."""
        plain = {name: getattr(self, name) for name in (*_STORED, "threshold", "roots")}
        return {**plain, **{f"map{column}": order for column, order in self.maps.items()}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DonorTree:
        """Make the tree again.

        Raises
        ------
        ValueError
            If the arrays are no tree: a walk down them might not end.
        """
        maps = {int(name[3:]): order for name, order in arrays.items() if name.startswith("map")}
        plain = {name: np.asarray(arrays[name], dtype=np.intp) for name in _STORED}
        threshold = np.asarray(arrays["threshold"], dtype=np.float64)
        tree = cls(maps=maps, threshold=threshold, roots=_roots(arrays), **plain)
        tree._check()
        return tree

    def _check(self) -> None:
        node = np.arange(len(self.left))
        leaf, inner = self.left == -1, self.left > node
        good = (leaf & (self.right == -1)) | (inner & (self.right > node))
        good &= np.maximum(self.left, self.right) < len(node)
        good &= leaf | ((self.feature >= 0) & (self.feature < len(self.features)))
        good &= (self.start >= 0) & (self.start <= self.stop) & (self.stop <= len(self.rows))
        known = len(self.roots) > 0 and bool(np.isin(self.roots, node).all())
        if not known or not good.all() or len(self.threshold) != len(node):
            raise ValueError("the arrays make no tree")


def _roots(arrays: Mapping[str, NDArray[Any]]) -> Ints:
    """Read the roots; version 0.1.0 put the trees of a forest below a chain of questions."""
    if "roots" in arrays:
        return np.asarray(arrays["roots"], dtype=np.intp)
    chain = int(arrays.get("n_trees", np.ones(1)).item()) - 1
    last = arrays["right"][chain - 1 : chain] if chain else [0]
    return np.array([*arrays["left"][:chain], *last], dtype=np.intp)


_STORED = ("features", "left", "right", "feature", "start", "stop", "rows")


class Donors:
    """The rows of a tree from which a value may come, some more readily than others.

    A node with fewer than `least` rows of positive weight hands over to its parent.

    Parameters
    ----------
    model : Conditional
        Where the rows lie.
    weights : ndarray of shape (n_train,), or None
        How readily each training row gives, 0 for never; all alike where None.
    least : int or ndarray of int, shape (n_nodes,)
        Fewest donors to draw from, as far as the whole table has them.
    """

    def __init__(self, model: Conditional, weights: Floats | None, least: int | Ints) -> None:
        self.model = model
        self.rows, self.start, self.stop = model.rows, model.start, model.stop
        self.before: Floats | None = None
        self.ease: Floats | None = None
        if weights is None:
            return
        inside = weights[model.rows] > 0
        counts = np.concatenate([[0], np.cumsum(inside)])
        node = _first_full(model, counts[model.stop] - counts[model.start] >= least)
        self.rows = model.rows[inside]
        start, stop = counts[model.start], counts[model.stop]
        self.before = np.concatenate([[0.0], np.cumsum(weights[self.rows])])
        size = np.maximum(model.stop - model.start, 1)
        self.ease = (self.before[stop] - self.before[start]) / size
        self.start, self.stop = start[node], stop[node]

    def reach(self, ranks: Floats, rng: np.random.Generator) -> Ints:
        """Give each row a node to draw from; see `Conditional.reach`."""
        return self.model.reach(ranks, rng, self.ease)

    def draw(self, leaves: Ints, rng: np.random.Generator) -> Ints:
        """Draw one donor for each leaf: positions in `rows`, of shape (n_rows,)."""
        start, stop = self.start.take(leaves), self.stop.take(leaves)
        share = rng.random(len(leaves))
        if self.before is None:
            return start + (share * (stop - start)).astype(np.intp)
        low, high = self.before[start], self.before[stop]
        at = np.searchsorted(self.before, low + share * (high - low), side="right") - 1
        return np.clip(at, start, stop - 1)


def _first_full(model: Conditional, full: Bools) -> Ints:
    """Find for each node the nearest one, itself included, on the way up that is full."""
    node = np.arange(len(full))
    while (short := ~full[node] & (model.parent[node] != node)).any():
        node[short] = model.parent[node[short]]
    return node


@dataclass(frozen=True)
class Questions:
    """What trees of one column may ask about, and what they predict.

    Attributes
    ----------
    features : ndarray of int, shape (n_features,)
        Columns that the trees may ask about.
    maps : mapping from int to ndarray of float
        Order of the codes of each discrete feature.
    inputs, outputs : ndarray of shape (n_train, n_features), (n_train, ...)
        What scikit-learn's tree learns from.
    learner : type
        Its classifier or regressor.
    """

    features: Ints
    maps: Mapping[int, Floats]
    inputs: NDArray[np.float32]
    outputs: NDArray[Any]
    learner: Any

    @classmethod
    def of(
        cls,
        ranks: Floats,
        response: NDArray[Any],
        discrete: Mapping[int, int],
        features: Ints,
        classify: bool,
        groups: Floats | None = None,
    ) -> Questions:
        """Lay out one column.

        Parameters
        ----------
        ranks : ndarray of shape (n_rows, n_columns)
            Training rows, numeric columns as ranks, discrete ones as codes (missing the last).
        response : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            What the trees predict: codes, or numbers.
        discrete : mapping from int to int
            Number of codes (missing included) of each discrete column.
        features : ndarray of int
            Columns that the trees may ask about.
        classify : bool
            Whether `response` holds codes.
        groups : ndarray of shape (n_rows,) or None
            Codes of groups of rows that the first splits tell apart, as far as `features` let
            them and a group fills a leaf. With them codes are predicted as numbers, one per
            class, whose variance falls as Gini's impurity does.
        """
        maps = {
            int(j): order_levels(ranks[:, j], discrete[int(j)], response, classify)
            for j in features
            if int(j) in discrete
        }
        outputs, as_numbers = _outputs(response, classify, groups)
        # a model that was stored draws rows without it
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        learner = DecisionTreeRegressor if as_numbers else DecisionTreeClassifier
        return cls(features, maps, _inputs(ranks, features, maps), outputs, learner)

    def grow(self, values: Floats, *, min_samples_leaf: int, seed: int) -> DonorTree:
        """Grow one tree; `values` of shape (n_train,) sort the rows inside a leaf."""
        if self.is_bare(min_samples_leaf):
            return bare_root(values)
        fitted = self.learner(min_samples_leaf=min_samples_leaf, random_state=seed)
        return self.donors(fitted.fit(self.inputs, self.outputs).tree_, values)

    def is_bare(self, min_samples_leaf: int) -> bool:
        """Whether there is nothing to ask, or no split leaves rows enough on both sides."""
        return len(self.features) == 0 or len(self.inputs) < 2 * min_samples_leaf

    def donors(self, tree: Any, values: Floats) -> DonorTree:
        """Drop all training rows down a tree of scikit-learn and keep where they lie."""
        start, stop, rows = _slices(tree, tree.apply(self.inputs), values)
        return DonorTree(
            features=self.features,
            maps=self.maps,
            left=tree.children_left.astype(np.intp),
            right=tree.children_right.astype(np.intp),
            feature=tree.feature.astype(np.intp),
            threshold=tree.threshold.astype(np.float64),
            start=start,
            stop=stop,
            rows=rows,
        )


def order_levels(codes: Floats, n_levels: int, response: NDArray[Any], classify: bool) -> Floats:
    """Order the codes of a feature by the response that goes with them.

    With two classes or a number, by its mean; else by the first principal component of the
    class shares (Coppersmith, Hong and Hosking 1999, section 3).
    """
    index = codes.astype(np.intp)
    if classify:
        outputs = _indicators(response)
    else:
        outputs = response.reshape(len(index), -1).astype(np.float64)
    counts = np.bincount(index, minlength=n_levels)[:, None]
    sums = np.zeros((n_levels, outputs.shape[1]))
    for k in range(outputs.shape[1]):
        sums[:, k] = np.bincount(index, weights=outputs[:, k], minlength=n_levels)
    overall = outputs.mean(axis=0)
    means = (sums + overall) / (counts + 1) - overall
    if means.shape[1] == 1:
        score = means[:, 0]
    else:
        score = means @ np.linalg.svd(means * np.sqrt(counts), full_matrices=False)[2][0]
    return np.argsort(np.argsort(score, kind="stable"), kind="stable").astype(np.float64)


def _outputs(
    response: NDArray[Any], classify: bool, groups: Floats | None
) -> tuple[NDArray[Any], bool]:
    """Give what scikit-learn's tree is to predict, and whether as numbers."""
    # Classes that nearly every row has to itself would make the classifier warn.
    as_numbers = not classify or groups is not None or 2 * len(np.unique(response)) > len(response)
    if not as_numbers:
        return response, False
    outputs = _indicators(response) if classify else response
    if classify:  # codes that few rows have cost time, and hardly count in a variance
        outputs = outputs[:, np.sort(np.argsort(-outputs.sum(axis=0), kind="stable")[:_MAX_CODES])]
    if groups is not None:
        outputs = outputs.reshape(len(response), -1)
        outputs = np.column_stack([outputs, _FIRST * _indicators(groups)])
    return outputs, True


def _indicators(codes: NDArray[Any]) -> Floats:
    indicators = np.zeros((len(codes), int(codes.max()) + 1))
    indicators[np.arange(len(codes)), codes.astype(np.intp)] = 1.0
    return indicators


def _inputs(
    ranks: Floats, features: Ints, maps: Mapping[int, Floats], wanted: Ints | None = None
) -> NDArray[np.float32]:
    """Lay out what a tree asks about; features that are not wanted are 0."""
    block = np.zeros((len(ranks), len(features)), dtype=np.float32)
    for k in range(len(features)) if wanted is None else wanted:
        order = maps.get(int(features[k]))
        column = ranks[:, features[k]]
        block[:, k] = column if order is None else order.take(column.astype(np.intp))
    return block


def bare_root(values: Floats) -> DonorTree:
    """Make the tree that asks nothing."""
    leaf = np.full(1, -1, dtype=np.intp)
    return DonorTree(
        features=np.zeros(0, dtype=np.intp),
        maps={},
        left=leaf,
        right=leaf,
        feature=leaf,
        threshold=np.zeros(1),
        start=np.zeros(1, dtype=np.intp),
        stop=np.array([len(values)], dtype=np.intp),
        rows=np.argsort(values, kind="stable"),
    )


def _slices(tree: Any, leaves: Ints, values: Floats) -> tuple[Ints, Ints, Ints]:
    """Lay the rows out leaf after leaf, left before right, so that every node is a slice."""
    left, right = tree.children_left, tree.children_right
    n_rows = np.bincount(leaves, minlength=len(left))
    start = np.zeros(len(left), dtype=np.intp)
    stop = np.zeros(len(left), dtype=np.intp)
    for node in range(len(left) - 1, -1, -1):  # children come after their parent
        if left[node] >= 0:
            n_rows[node] = n_rows[left[node]] + n_rows[right[node]]
    for node in range(len(left)):
        stop[node] = start[node] + n_rows[node]
        if left[node] >= 0:
            start[left[node]] = start[node]
            start[right[node]] = start[node] + n_rows[left[node]]
    rows = np.lexsort((values, start[leaves]))
    return start, stop, rows
