"""A Bayesian network: every column drawn given its parents in a graph that the rows support.

The graph is searched by hill climbing on the BIC, with edges that resampled rows find again as a
prior (Friedman, Goldszmidt and Wyner 1999). A column is drawn from real rows of a leaf over its
parents. The target is drawn first and every column is drawn given it too, as in Bayesian network
classifiers (Friedman, Geiger and Goldszmidt 1997): with few rows the graph misses edges, and the
relation to the target is the one that must not be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.generators.base import Condition, Floats, Given, State
from tablewright.generators.parts.association import associations, strongest
from tablewright.generators.parts.bins import cut
from tablewright.generators.parts.donors import DonorTree
from tablewright.generators.parts.nearness import Nearness
from tablewright.generators.parts.structure import (
    Edge,
    Limits,
    bootstrap_edges,
    edge_prior,
    hill_climb,
)
from tablewright.generators.trees import SequentialTrees
from tablewright.schema import suggest
from tablewright.tables.encoding.codec import Field, Matrix

Ints = NDArray[np.intp]

_RESAMPLES = 20
_MAX_SEARCHED = 20_000  # rows that a graph is searched on
_ROWS_PER_BIN = 12
_MAX_BINS = 8
_LEAF_OF_FEW = 7
_MATCHED = 400  # rows up to which drawn rows are chosen by their distance to the real ones
_DRAWN = 4  # rows drawn for one that is chosen


class BayesNet(SequentialTrees):
    """Ancestral sampling along a graph of columns, the target first.

    Parameters
    ----------
    edges : list of (str, str) or None, default=None
        Pairs of a parent column and its child. None searches the graph.
    max_parents : int, default=3
        Parents of a column at most, where the graph is searched; and columns beside the target
        that a column is drawn from, where what is known is not its parents.
    min_samples_leaf : int or None, default=None
        Fewest real rows that a value is drawn from. None takes a tenth of the rows, from 5 to 7,
        and from 140 rows on a twentieth, to 20.
    max_rows : int, default=100_000
        Rows to learn from; of a longer table a random part is taken.

    Attributes
    ----------
    edges_ : list of (str, str)
        The graph.

    Raises
    ------
    InputError
        If edges name no column or make a circle.

    References
    ----------
    .. [1] Koller and Friedman, "Probabilistic Graphical Models", 2009, sections 12.1 and 18.4.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(0, 2, 300)
    >>> b = np.where(rng.random(300) < 0.9, a, 1 - a)
    >>> matrix = Matrix(np.column_stack([a, b]) * 1.0, (Field("a", levels=2), Field("b", levels=2)))
    >>> net = BayesNet().fit(matrix, rng)
    >>> net.edges_
    [('a', 'b')]
    >>> rows = net.sample(1000, rng)
    >>> bool(0.85 < (rows[:, 0] == rows[:, 1]).mean() < 0.95)
    True
    """

    _reach: ClassVar[int] = 3
    _options: ClassVar[tuple[str, ...]] = ("edges", "max_parents", "min_samples_leaf", "max_rows")

    def __init__(
        self,
        edges: Iterable[tuple[str, str]] | None = None,
        max_parents: int = 3,
        min_samples_leaf: int | None = None,
        max_rows: int = 100_000,
    ) -> None:
        super().__init__(min_samples_leaf, max_rows)
        self.edges = edges
        self.max_parents = max_parents

    def _least(self, n_rows: int) -> int:
        few = min(n_rows // 10, _LEAF_OF_FEW)
        return self.min_samples_leaf or max(few, super()._least(n_rows))

    def _learn(self, matrix: Matrix, seed: int) -> None:
        super()._learn(matrix, seed)
        graph = (
            self._searched(np.random.default_rng(seed))
            if self.edges is None
            else _indices(self.edges, self.fields_)
        )
        columns = range(len(self.fields_))
        self.parents_ = {j: sorted(a for a, b in graph if b == j) for j in columns}
        names = [field.name for field in self.fields_]
        self.edges_ = [(names[a], names[b]) for b, above in self.parents_.items() for a in above]
        self._association = associations(self.ranks_, self._levels, None, seed)
        ordered = _topological(self.parents_, self.order_)
        # Sorting is stable: the target comes first, the others as they stand in the graph.
        self.order_ = sorted(ordered, key=lambda j: not self.fields_[j].target)
        self._below = {j: _below(j, self.parents_) for j in columns}
        few = 2 <= len(self.values_) <= _MATCHED
        self._nearness = Nearness.learn(self.ranks_, self._levels) if few else None

    def _sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        given: Given | None,
        condition: Condition | None,
        complete: bool,
    ) -> Floats:
        """Draw rows; of few real rows more, of which those are taken that lie as far from them."""
        if self._nearness is None or given is not None or condition is not None or not n_rows:
            return super()._sample(n_rows, rng, given, condition, complete)
        rows = super()._sample(_DRAWN * n_rows, rng, None, None, complete)
        return np.asarray(rows[self._nearness.choose(self.to_ranks(rows), n_rows)])

    def _searched(self, rng: np.random.Generator) -> set[Edge]:
        values = self.values_
        if len(values) > _MAX_SEARCHED:
            values = values[rng.choice(len(values), _MAX_SEARCHED, replace=False)]
        return search_graph(binned(values, self.fields_), rng, self.max_parents)

    def _grow(self, j: int, features: frozenset[int]) -> DonorTree:
        return super()._grow(j, frozenset(self._asked(j, features)))

    def _asked(self, j: int, features: frozenset[int]) -> list[int]:
        """Return what a column is drawn from: its parents, or what of its neighbours is known.

        Where cells are fixed, and with the target drawn first, columns come in another order than
        that of the graph, and effects of a column may be among what is known.
        """
        target = {k for k in features if self.fields_[k].target}
        parents = set(self.parents_[j])
        effects = self._below[j] & features
        if parents <= features and not effects:
            return sorted(parents | target)
        spouses = {p for k in effects if j in self.parents_[k] for p in self.parents_[k]}
        known = ((parents | effects | spouses) - {j} - target) & features
        return sorted({*strongest(self._association[j], known, self.max_parents), *target})

    def state(self) -> State:
        """Return the training rows, the graph, and the trees of its order."""
        state = super().state()
        return replace(state, facts={**state.facts, "edges": [list(edge) for edge in self.edges_]})


def binned(values: Floats, fields: Sequence[Field]) -> Ints:
    """Return codes for a structure search: numbers in a few quantile bins, missing as a code.

    The number of bins grows with the logarithm of the rows, from 2 to 8: a parent of many bins
    costs more parameters than a small table can pay for.
    """
    n_bins = int(np.clip(np.log2(max(len(values), 1) / _ROWS_PER_BIN), 2, _MAX_BINS))
    columns = [cut(values[:, j], field.discrete, n_bins) for j, field in enumerate(fields)]
    return np.column_stack(columns) if columns else np.zeros((len(values), 0), dtype=np.intp)


def search_graph(codes: Ints, rng: np.random.Generator, max_parents: int) -> set[Edge]:
    """Search a graph, with the edges that resampled rows find again as a prior."""
    limits = Limits(max_parents=max_parents)
    prior = edge_prior(bootstrap_edges(codes, rng, limits, n_resamples=_RESAMPLES))
    return hill_climb(codes, replace(limits, prior=prior))


def _indices(edges: Iterable[tuple[str, str]], fields: Sequence[Field]) -> set[Edge]:
    names = [field.name for field in fields]
    edges = list(edges)
    if not all(isinstance(edge, list | tuple) and len(edge) == 2 for edge in edges):
        raise InputError("edges: give a list of [parent, child], such as [['age', 'income']]")
    for name in (name for edge in edges for name in edge):
        if name not in names:
            raise InputError(f"edges: there is no column {name!r}{suggest(name, names)}")
    return {(names.index(parent), names.index(child)) for parent, child in edges}


def _topological(parents: dict[int, list[int]], like: Sequence[int]) -> list[int]:
    """Return the columns, parents first, otherwise in a given order."""
    sorter = TopologicalSorter(parents)
    try:
        sorter.prepare()
    except CycleError as error:
        raise InputError("edges: columns depend on each other in a circle") from error
    rank = {j: k for k, j in enumerate(like)}
    done: list[int] = []
    ready = list(sorter.get_ready())
    while ready:
        ready.sort(key=rank.__getitem__)
        j = ready.pop(0)
        done.append(j)
        sorter.done(j)
        ready += sorter.get_ready()
    return done


def _below(column: int, parents: dict[int, list[int]]) -> set[int]:
    """Return the columns that depend on one, directly or through others."""
    below: set[int] = set()
    while more := {j for j, above in parents.items() if below.union([column]) & {*above}} - below:
        below |= more
    return below
