"""Structure search finds planted graphs and keeps what is required or forbidden."""

from collections.abc import Callable, Collection
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest
from benchmarks.mallm_gan.structure_measures import (
    dependent_pairs,
    equivalence_class,
    max_min_hill_climb,
    structural_distance,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.generators.parts.structure import (
    Edge,
    FamilyScores,
    Limits,
    bootstrap_edges,
    hill_climb,
)


def collider(n_rows: int, seed: int = 0) -> Any:
    """Two independent causes of one effect, and what follows from it."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 2, n_rows), rng.integers(0, 3, n_rows)
    c = np.where(rng.random(n_rows) < 0.9, np.minimum(a + b, 2), rng.integers(0, 3, n_rows))
    d = np.where(rng.random(n_rows) < 0.9, c > 0, rng.integers(0, 2, n_rows)).astype(np.intp)
    return np.column_stack([a, b, c, d])


TRUE = {(0, 2), (1, 2), (2, 3)}


@pytest.mark.parametrize("search", [hill_climb, max_min_hill_climb])
def test_search_finds_a_planted_graph(search: Callable[..., set[Edge]]) -> None:
    assert structural_distance(search(collider(2000)), TRUE, 4) == 0


def test_score_is_the_bic_worked_out_by_hand() -> None:
    codes = np.array([[0, 0], [0, 0], [0, 1], [1, 1]])
    alone = 2 * np.log(0.5) + 2 * np.log(0.5) - 0.5 * np.log(4)
    given_a = 2 * np.log(2 / 3) + np.log(1 / 3) + np.log(1.0) - 0.5 * np.log(4) * 2
    scores = FamilyScores(codes)
    assert scores(1, frozenset()) == pytest.approx(alone)
    assert scores(1, frozenset({0})) == pytest.approx(given_a)


def test_search_reaches_no_lower_score_than_any_graph_of_three_columns() -> None:
    codes = collider(400)[:, :3]
    scores = FamilyScores(codes)

    def total(edges: Collection[Edge]) -> float:
        return sum(scores(j, frozenset(a for a, b in edges if b == j)) for j in range(3))

    best = max(
        total({pair for pair, keep in zip([(o[0], o[1]), (o[0], o[2]), (o[1], o[2])], bits,
                                          strict=True) if keep})
        for o in permutations(range(3))
        for bits in np.ndindex(2, 2, 2)
    )  # fmt: skip
    assert total(hill_climb(codes)) == pytest.approx(best)


def test_required_edges_stay_and_forbidden_ones_never_come() -> None:
    limits = Limits(required={(3, 0)}, forbidden={(0, 2), (2, 0)})
    edges = hill_climb(collider(2000), limits)
    assert (3, 0) in edges
    assert not edges & {(0, 2), (2, 0)}


def test_prior_of_an_edge_brings_it_in_and_keeps_it_out() -> None:
    codes = collider(300)
    independent, planted = (0, 1), (2, 3)
    assert independent not in hill_climb(codes)
    assert independent in hill_climb(codes, Limits(prior={independent: 50.0}))
    never = {planted: -1e6, planted[::-1]: -1e6}
    assert not hill_climb(codes, Limits(prior=never)) & set(never)


def test_a_column_has_no_more_parents_than_allowed() -> None:
    edges = hill_climb(collider(2000), Limits(max_parents=1))
    assert max(sum(child == j for _, child in edges) for j in range(4)) == 1


def test_bootstrap_is_sure_of_planted_edges_and_not_of_others() -> None:
    result = bootstrap_edges(collider(500), np.random.default_rng(0), n_resamples=20)
    either = result + result.T
    assert either[0, 2] == either[1, 2] == 1.0
    assert either[0, 3] < 0.5


def test_independent_columns_are_no_dependent_pair() -> None:
    assert (2, 3) in dependent_pairs(collider(2000), alpha=1e-3)
    assert (0, 3) not in dependent_pairs(collider(2000), alpha=1e-3)


def test_equivalence_class_leaves_directions_open_that_data_cannot_tell() -> None:
    chain, fork, turned = {(0, 1), (1, 2)}, {(1, 0), (1, 2)}, {(2, 1), (1, 0)}
    assert structural_distance(chain, fork, 3) == structural_distance(chain, turned, 3) == 0
    assert structural_distance(chain, {(0, 1), (2, 1)}, 3) == 2
    assert equivalence_class({(0, 1), (2, 1)}, 3) == ({(0, 1), (2, 1)}, set())


def _closure_of(edges: set[Edge], n: int) -> list[set[Edge]]:
    """All graphs of the same skeleton and colliders, by brute force."""
    pairs = sorted({(min(edge), max(edge)) for edge in edges})

    def colliders(graph: set[Edge]) -> set[tuple[int, int, int]]:
        return {
            (min(a, c), b, max(a, c))
            for a, b in graph for c, d in graph
            if b == d and a != c and not {(a, c), (c, a)} & graph
        }  # fmt: skip

    same: list[set[Edge]] = []
    for bits in np.ndindex(*[2] * len(pairs)):
        graph: set[Edge] = {
            (pair[1], pair[0]) if bit else pair for pair, bit in zip(pairs, bits, strict=True)
        }
        ranks = [
            o for o in permutations(range(n)) if all(o.index(a) < o.index(b) for a, b in graph)
        ]
        if ranks and colliders(graph) == colliders(edges):
            same.append(graph)
    return same


@settings(max_examples=60)
@given(st.permutations(range(4)), st.lists(st.booleans(), min_size=6, max_size=6))
def test_equivalence_class_is_what_all_equivalent_graphs_share(
    order: list[int], bits: list[bool]
) -> None:
    pairs = [(order[i], order[j]) for j in range(4) for i in range(j)]
    edges = {pair for pair, keep in zip(pairs, bits, strict=True) if keep}
    directed, undirected = equivalence_class(edges, 4)
    same = _closure_of(edges, 4) if edges else [set()]
    shared = set.intersection(*same)
    assert directed == shared
    assert undirected == {tuple(sorted(e)) for e in edges} - {tuple(sorted(e)) for e in shared}


def _all_graphs(n_columns: int) -> list[frozenset[Edge]]:
    """Every acyclic graph."""
    pairs = list(combinations(range(n_columns), 2))
    graphs = []
    for ways in product((None, 0, 1), repeat=len(pairs)):
        edges = {
            (b, a) if way else (a, b)
            for (a, b), way in zip(pairs, ways, strict=True)
            if way is not None
        }
        left = set(range(n_columns))
        while free := {j for j in left if not any(b == j and a in left for a, b in edges)}:
            left -= free
        if not left:
            graphs.append(frozenset(edges))
    return graphs


def _monotone_world(seed: int, n_rows: int = 300) -> Any:
    """Four columns of three levels; each rises with up to two before it, more or less surely."""
    rng = np.random.default_rng(seed)
    columns: list[Any] = []
    for j in range(4):
        above = [k for k in range(j) if rng.random() < 0.6][:2]
        column = rng.integers(0, 3, n_rows)
        if above:
            level = np.minimum(sum(columns[k] for k in above), 2)
            column = np.where(rng.random(n_rows) < rng.uniform(0.3, 0.9), level, column)
        columns.append(column)
    return np.column_stack(columns)


def test_search_finds_the_best_of_all_graphs_in_nine_of_ten_worlds() -> None:
    graphs, n_best = _all_graphs(4), 0
    assert len(graphs) == 543  # Robinson 1973
    for seed in range(40):
        codes = _monotone_world(seed)
        scores = FamilyScores(codes)

        def total(edges: Collection[Edge], scores: FamilyScores = scores) -> float:
            return sum(scores(j, frozenset(a for a, b in edges if b == j)) for j in range(4))

        best, reached = max(map(total, graphs)), total(hill_climb(codes))
        assert reached <= best + 1e-9
        n_best += reached > best - 1e-6
    assert n_best >= 36
