"""How far a graph that was searched is from the true one, and a second search to compare with.

The restriction to candidate parents is that of max-min hill climbing (Tsamardinos, Brown and
Aliferis 2006).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from scipy.stats import chi2

from tablewright.generators.parts.structure import Codes, Edge, Limits, entropy_sum, hill_climb


def dependent_pairs(codes: Codes, alpha: float = 0.05, max_given: int = 1) -> set[Edge]:
    """Return the pairs of columns that stay dependent given any few others (max-min parents).

    A pair is left out if a G-test finds it independent alone or given a column that depends on
    both. What is not in it is forbidden to hill climbing, both ways.
    """
    n_columns = codes.shape[1]
    pairs = {(a, b) for a in range(n_columns) for b in range(a) if _depends(codes, a, b, (), alpha)}
    both = pairs | {(b, a) for a, b in pairs}
    for a, b in sorted(pairs) if max_given else []:
        between = [c for c in range(n_columns) if (a, c) in both and (b, c) in both]
        if any(not _depends(codes, a, b, (c,), alpha) for c in between):
            both -= {(a, b), (b, a)}
    return both


def _depends(codes: Codes, a: int, b: int, given: tuple[int, ...], alpha: float) -> bool:
    """G-test of independence of two columns within each value of the given ones."""
    stratum = np.zeros(len(codes), dtype=np.intp)
    for c in given:
        stratum = stratum * (codes[:, c].max() + 1) + codes[:, c]
    shape = (int(stratum.max()) + 1, int(codes[:, a].max()) + 1, int(codes[:, b].max()) + 1)
    flat = (stratum * shape[1] + codes[:, a]) * shape[2] + codes[:, b]
    cells = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
    rows, columns, strata = cells.sum(axis=2), cells.sum(axis=1), cells.sum(axis=(1, 2))
    explained = entropy_sum(cells) + entropy_sum(strata)
    statistic = 2 * (explained - entropy_sum(rows) - entropy_sum(columns))
    free = ((rows > 0).sum(axis=1) - 1) * ((columns > 0).sum(axis=1) - 1)
    degrees = int(free.clip(0).sum())
    return degrees > 0 and float(chi2.sf(statistic, degrees)) < alpha


def max_min_hill_climb(codes: Codes, limits: Limits | None = None) -> set[Edge]:
    """Hill climbing that may join only columns which stay dependent given a third."""
    limits = limits or Limits()
    allowed = dependent_pairs(codes)
    n_columns = codes.shape[1]
    never = {(a, b) for a in range(n_columns) for b in range(n_columns) if (a, b) not in allowed}
    never -= set(limits.required)
    strict = Limits(limits.required, {*limits.forbidden, *never}, limits.prior, limits.max_parents)
    return hill_climb(codes, strict)


def equivalence_class(edges: Collection[Edge], n_columns: int) -> tuple[set[Edge], set[Edge]]:
    """Return the edges whose direction data can tell, and the others.

    Graphs of one class (Verma and Pearl 1990) have the same edges without direction and the
    same colliders, and no data can tell them apart.

    Returns
    -------
    directed : set of (int, int)
    undirected : set of (int, int)
        With the smaller column first.

    Examples
    --------
    >>> equivalence_class({(0, 2), (1, 2), (2, 3)}, 4)[1]
    set()
    >>> equivalence_class({(0, 1), (1, 2)}, 3)
    (set(), {(0, 1), (1, 2)})
    """
    skeleton = {frozenset(edge) for edge in edges}
    parents = {b: {a for a, child in edges if child == b} for b in range(n_columns)}
    directed = {
        (a, b)
        for b, above in parents.items()
        for a in above
        if any(c != a and frozenset((a, c)) not in skeleton for c in above)
    }
    while new := _orient(directed, skeleton, n_columns):
        directed |= new
    undirected = {(min(e), max(e)) for e in skeleton} - {(min(e), max(e)) for e in directed}
    return directed, undirected


def _orient(directed: set[Edge], skeleton: set[frozenset[int]], n_columns: int) -> set[Edge]:
    """Find what follows from directed edges (rules 1 to 3 of Meek 1995)."""

    def joined(a: int, b: int) -> bool:
        return frozenset((a, b)) in skeleton

    reported = directed | {(b, a) for a, b in directed}
    open_edges = [(a, b) for e in skeleton for a, b in (tuple(e), tuple(e)[::-1])]
    result = set()
    for a, b in open_edges:
        if (a, b) in reported:
            continue
        above = [c for c in range(n_columns) if (c, a) in directed]
        into = [c for c in range(n_columns) if (c, b) in directed]
        chain = any(not joined(c, b) for c in above)
        circle = any((a, c) in directed for c in into)
        kite = any(
            c != d and not joined(c, d) and (a, c) not in reported and (a, d) not in reported
            for c in into if joined(a, c)
            for d in into if joined(a, d)
        )  # fmt: skip
        if chain or circle or kite:
            result.add((a, b))
    return result


def structural_distance(one: Collection[Edge], other: Collection[Edge], n_columns: int) -> int:
    """Count the pairs of columns on whose edge two equivalence classes differ (SHD)."""
    left, right = equivalence_class(one, n_columns), equivalence_class(other, n_columns)

    def mark(a: int, b: int, graph: tuple[set[Edge], set[Edge]]) -> str:
        if (a, b) in graph[1]:
            return "-"
        return ">" if (a, b) in graph[0] else "<" if (b, a) in graph[0] else ""

    pairs = [(a, b) for b in range(n_columns) for a in range(b)]
    return sum(mark(a, b, left) != mark(a, b, right) for a, b in pairs)


def edit_distance(one: Collection[Edge], other: Collection[Edge]) -> int:
    """Count the edges that come or go, so that an edge the wrong way round is two edits (GED)."""
    return len(set(one) ^ set(other))
