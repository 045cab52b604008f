"""Learn the graph of a Bayesian network from codes: hill climbing on the BIC.

Koller and Friedman (2009), Probabilistic Graphical Models, section 18.4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]
Edge = tuple[int, int]
Action = Literal["add", "drop", "reverse"]

MAX_PARENTS = 3
MAX_CELLS = 2**20
_MIN_GAIN = 1e-9
_PATIENCE = 10
"""Changes in a row that may lower the score, to leave a local optimum (tabu search)."""


@dataclass(frozen=True)
class Limits:
    """What a search may and must do; edges are (parent, child).

    Attributes
    ----------
    required, forbidden : collection of (int, int)
        Edges that stay, and edges that never come.
    prior : mapping of (int, int) to float
        Added to the score of a graph that has the edge, in nats: log odds of a belief in it.
    max_parents : int
    """

    required: Collection[Edge] = ()
    forbidden: Collection[Edge] = ()
    prior: dict[Edge, float] = field(default_factory=dict)
    max_parents: int = MAX_PARENTS


class FamilyScores:
    """The BIC of each column given some others, each worked out once.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Codes from 0 for every column; a missing value is a code like any other.
    """

    def __init__(self, codes: Codes) -> None:
        self.codes = np.asfortranarray(codes)
        self.levels = codes.max(axis=0, initial=0) + 1
        self._known: dict[tuple[int, frozenset[int]], float] = {}

    def __call__(self, child: int, parents: frozenset[int]) -> float:
        """Return log-likelihood less half the log of the rows for every free parameter."""
        key = (child, parents)
        if key not in self._known:
            self._known[key] = self._score(child, sorted(parents))
        return self._known[key]

    def _score(self, child: int, parents: list[int]) -> float:
        n_rows = len(self.codes)
        n_child = int(self.levels[child])
        n_configurations = int(np.prod(self.levels[parents], dtype=np.float64)) if parents else 1
        if n_configurations * n_child > MAX_CELLS:
            return -np.inf
        configuration = np.zeros(n_rows, dtype=np.intp)
        for parent in parents:
            configuration = configuration * self.levels[parent] + self.codes[:, parent]
        joint = np.bincount(
            configuration * n_child + self.codes[:, child], minlength=n_configurations * n_child
        ).reshape(n_configurations, n_child)
        fit = entropy_sum(joint) - entropy_sum(joint.sum(axis=1))
        return fit - 0.5 * float(np.log(max(n_rows, 2))) * (n_child - 1) * n_configurations


def entropy_sum(counts: NDArray[np.intp]) -> float:
    """Sum the counts times their logarithms."""
    some = counts[counts > 0].astype(np.float64)
    return float((some * np.log(some)).sum())


def hill_climb(
    codes: Codes,
    limits: Limits | None = None,
    *,
    start: Collection[Edge] = (),
    scores: FamilyScores | None = None,
) -> set[Edge]:
    """Add, drop and reverse edges, and return the graph of the highest score on the way.

    Beyond a local optimum the search goes on for a few changes, to graphs that it has not seen.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Codes from 0 for every column.
    limits : Limits or None, default=None
    start : collection of (int, int), default=()
        Edges to begin with; required ones are added.
    scores : FamilyScores or None, default=None
        Known scores of the same codes.

    Returns
    -------
    set of (int, int)
        Edges of an acyclic graph, (parent, child).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(0, 2, 500)
    >>> b = np.where(rng.random(500) < 0.9, a, 1 - a)
    >>> sorted(hill_climb(np.column_stack([a, b, rng.integers(0, 2, 500)])))
    [(0, 1)]
    """
    limits = limits or Limits()
    search = _Search(scores or FamilyScores(codes), limits, {*start, *limits.required})
    best, height, highest, waited = search.edges, 0.0, 0.0, 0
    while waited < _PATIENCE and (gain := search.step()) is not None:
        height += gain
        waited += 1
        if height > highest + _MIN_GAIN:
            best, highest, waited = search.edges, height, 0
    return best


class _Search:
    """The graph as it stands, and what each possible change would gain."""

    def __init__(self, scores: FamilyScores, limits: Limits, start: set[Edge]) -> None:
        self.scores, self.limits = scores, limits
        self.n_columns = len(scores.levels)
        self.parents: list[frozenset[int]] = [
            frozenset(a for a, b in start if b == child) for child in range(self.n_columns)
        ]
        self.forbidden, self.required = set(limits.forbidden), set(limits.required)
        self.seen = {frozenset(self.edges)}

    @property
    def edges(self) -> set[Edge]:
        return {(a, b) for b, parents in enumerate(self.parents) for a in parents}

    def step(self) -> float | None:
        """Make the best change that leads to a new graph; return its gain, None where none is."""
        edges = self.edges
        ranked = sorted(self._changes(), key=lambda change: (-change[0], change[1:]))
        for gain, action, parent, child in ranked:
            if gain == -np.inf:
                return None
            after = _changed(edges, action, parent, child)
            if after not in self.seen and self._stays_acyclic(action, parent, child):
                self._apply(action, parent, child)
                self.seen.add(after)
                return gain
        return None

    def _changes(self) -> Iterator[tuple[float, Action, int, int]]:
        for parent in range(self.n_columns):
            for child in range(self.n_columns):
                if parent == child:
                    continue
                if parent in self.parents[child]:
                    if (parent, child) not in self.required:
                        yield self._drop_gain(parent, child), "drop", parent, child
                        yield self._reverse_gain(parent, child), "reverse", parent, child
                elif child not in self.parents[parent]:
                    yield self._add_gain(parent, child), "add", parent, child

    def _gain(self, child: int, parents: frozenset[int]) -> float:
        return self.scores(child, parents) - self.scores(child, self.parents[child])

    def _add_gain(self, parent: int, child: int) -> float:
        full = len(self.parents[child]) >= self.limits.max_parents
        if full or (parent, child) in self.forbidden:
            return -np.inf
        prior = self.limits.prior.get((parent, child), 0.0)
        return self._gain(child, self.parents[child] | {parent}) + prior

    def _drop_gain(self, parent: int, child: int) -> float:
        prior = self.limits.prior.get((parent, child), 0.0)
        return self._gain(child, self.parents[child] - {parent}) - prior

    def _reverse_gain(self, parent: int, child: int) -> float:
        added = self._add_gain(child, parent)
        return added if added == -np.inf else added + self._drop_gain(parent, child)

    def _stays_acyclic(self, action: Action, parent: int, child: int) -> bool:
        if action == "drop":
            return True
        if action == "add":
            return not self._leads(child, parent)
        before = self.parents[child]
        self.parents[child] = before - {parent}
        acyclic = not self._leads(parent, child)
        self.parents[child] = before
        return acyclic

    def _leads(self, start: int, end: int) -> bool:
        """Whether there is a path from one column to another along the edges."""
        todo, seen = [end], set[int]()
        while todo:
            node = todo.pop()
            if node == start:
                return True
            if node not in seen:
                seen.add(node)
                todo += self.parents[node]
        return False

    def _apply(self, action: Action, parent: int, child: int) -> None:
        if action == "add":
            self.parents[child] |= {parent}
            return
        self.parents[child] -= {parent}
        if action == "reverse":
            self.parents[parent] |= {child}


def _changed(edges: set[Edge], action: Action, parent: int, child: int) -> frozenset[Edge]:
    """Return the edges after a change."""
    if action == "add":
        return frozenset(edges | {(parent, child)})
    turned = {(child, parent)} if action == "reverse" else set()
    return frozenset(edges - {(parent, child)} | turned)


def bootstrap_edges(
    codes: Codes,
    rng: np.random.Generator,
    limits: Limits | None = None,
    *,
    n_resamples: int = 50,
    max_rows: int = 5000,
) -> NDArray[np.float64]:
    """Return how often each edge is found in resampled rows.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)
        Share of the searches that found the edge from the row's column to the column's.
    """
    result = np.zeros((codes.shape[1], codes.shape[1]))
    for _ in range(n_resamples):
        rows = rng.integers(0, len(codes), min(len(codes), max_rows))
        for parent, child in hill_climb(codes[rows], limits):
            result[parent, child] += 1.0
    return result / n_resamples


def edge_prior(found: NDArray[np.float64]) -> dict[Edge, float]:
    """Return the log odds of each edge, by how often resampled rows found it."""
    odds = (found + 0.02) / (1 - found + 0.02)
    pairs = [(a, b) for a in range(len(found)) for b in range(len(found)) if a != b]
    return {(a, b): float(np.log(odds[a, b])) for a, b in pairs}
