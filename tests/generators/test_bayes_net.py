"""Ancestral sampling along a graph: what is searched, what is given, what conditions do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tablewright.errors import InputError
from tablewright.generators.base import Given
from tablewright.generators.bayes_net import BayesNet, binned
from tablewright.generators.parts.donors import DonorTree, bare_root
from tablewright.generators.parts.rank_transform import RankTransform
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import between

COIN = 0.5
NAMES = ("a", "b", "c")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def chain(n_rows: int = 2000, target: str = "") -> Matrix:
    """Three coins, each equal to the one before it in nine cases of ten."""
    draw = rng(1)
    a = draw.integers(0, 2, n_rows)
    b = np.where(draw.random(n_rows) < 0.9, a, 1 - a)
    c = np.where(draw.random(n_rows) < 0.9, b, 1 - b)
    fields = tuple(Field(name, levels=2, target=name == target) for name in NAMES)
    return Matrix(np.column_stack([a, b, c]) * 1.0, fields)


def agreement(rows: Floats, first: int, second: int) -> float:
    return float((rows[:, first] == rows[:, second]).mean())


def spread(share: float, n_rows: int) -> float:
    """Four standard errors of a share."""
    return float(4 * np.sqrt(share * (1 - share) / n_rows))


def given(column: int, code: float, n_rows: int) -> Given:
    values, known = np.full((n_rows, 3), np.nan), np.zeros((n_rows, 3), dtype=bool)
    values[:, column], known[:, column] = code, True
    return Given(values, known)


def test_only_neighbours_of_the_graph_are_joined_and_relations_pass_through_them() -> None:
    net = BayesNet().fit(chain(), rng())
    joined = {frozenset(edge) for edge in net.edges_}
    assert joined == {frozenset("ab"), frozenset("bc")}
    rows = net.sample(4000, rng(2))
    real = chain().values
    for first, second in ((0, 1), (1, 2), (0, 2)):
        truth = agreement(real, first, second)
        assert agreement(rows, first, second) == pytest.approx(truth, abs=spread(truth, 4000))


def test_columns_without_an_edge_are_drawn_apart() -> None:
    rows = BayesNet(edges=[("a", "b")]).fit(chain(), rng()).sample(4000, rng(2))
    assert agreement(rows, 0, 1) > 0.85
    assert agreement(rows, 0, 2) == pytest.approx(COIN, abs=spread(COIN, 4000) + 0.03)


@pytest.mark.parametrize("target", ["a", "c"])
def test_the_target_leads_wherever_it_stands_in_the_graph(target: str) -> None:
    net = BayesNet(edges=[("a", "b"), ("b", "c")]).fit(chain(target=target), rng())
    assert net.order[0] == NAMES.index(target)
    assert net.edges_ == [("a", "b"), ("b", "c")]
    rows = net.sample(4000, rng(2))
    assert agreement(rows, 1, 2) == pytest.approx(0.9, abs=spread(0.9, 4000) + 0.02)


def test_a_column_goes_with_the_target_without_an_edge() -> None:
    rows = BayesNet(edges=[]).fit(chain(target="c"), rng()).sample(4000, rng(2))
    assert agreement(rows, 1, 2) > 0.85
    assert agreement(rows, 0, 1) < 0.85, "beside the target nothing joins a and b"


@pytest.mark.parametrize("fixed", [0, 1, 2])
def test_given_cells_tell_of_causes_as_of_effects(fixed: int) -> None:
    net = BayesNet(edges=[("a", "b"), ("b", "c")]).fit(chain(), rng())
    rows = net.sample(3000, rng(3), given=given(fixed, 1.0, 3000))
    real = chain().values
    for other in range(3):
        truth = float(real[real[:, fixed] == 1, other].mean())
        assert rows[:, other].mean() == pytest.approx(truth, abs=spread(0.5, 3000))


def test_a_condition_on_an_effect_reaches_its_causes() -> None:
    net = BayesNet(edges=[("a", "b"), ("b", "c")]).fit(chain(), rng())
    rows = net.sample(2000, rng(4), condition=between(2, 1, 1))
    assert (rows[:, 2] == 1).all()
    real = chain().values
    assert rows[:, 0].mean() == pytest.approx(
        float(real[real[:, 2] == 1, 0].mean()), abs=spread(0.5, 2000)
    )


def test_a_file_holds_the_graph_and_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    net = BayesNet().fit(chain(), rng())
    monkeypatch.setattr("tablewright.generators.bayes_net.search_graph", None)
    again = BayesNet.restore(net.fields_, net.state())
    assert again.edges_ == net.edges_
    assert (again.sample(50, rng(5)) == net.sample(50, rng(5))).all()


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([("a", "z")], r"edges: there is no column 'z'"),
        ([("a", "b"), ("b", "a")], "edges: columns depend on each other in a circle"),
    ],
)
def test_edges_that_are_no_graph_are_refused(edges: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        BayesNet(edges=edges).fit(chain(200), rng())


@pytest.mark.parametrize("edges", ["ab", ["ab"], [("a",)], [("a", "b", "c")]])
def test_edges_that_are_no_pairs_are_one_sentence(edges: Any) -> None:
    with pytest.raises(InputError, match=r"edges: give a list of \[parent, child\]"):
        BayesNet(edges=edges).fit(chain(100), rng())


def test_numbers_are_searched_in_more_bins_as_rows_grow_and_missing_is_a_code() -> None:
    fields = (Field("x"),)
    few, many = (binned(rng().normal(size=(n, 1)), fields) for n in (48, 12 * 2**8))
    assert (few.max() + 1, many.max() + 1) == (2, 8)
    holes = np.append(rng().normal(size=47), np.nan)[:, None]
    assert binned(holes, fields)[-1, 0] == 2


@pytest.mark.parametrize(
    ("n_rows", "least"), [(20, 5), (60, 6), (100, 7), (200, 10), (300, 15), (900, 20)]
)
def test_values_come_from_more_rows_where_these_are_few(n_rows: int, least: int) -> None:
    """A tenth of the rows, from 5 to 7, and a twentieth, to 20, where that is more."""
    assert BayesNet().fit(chain(n_rows), rng()).leaf_ == least
    assert BayesNet(min_samples_leaf=3).fit(chain(n_rows), rng()).leaf_ == 3


@pytest.mark.parametrize(("reach", "mean", "farthest"), [(0, 0.25, 0.5), (3, 1.0, 3.0)])
def test_numbers_go_half_a_step_or_up_to_some_donors_on(
    reach: int, mean: float, farthest: float
) -> None:
    """Donors one apart: a share of up to 1/2 of one step, or of up to 1 of 1, 2 or 3 steps."""
    values = np.arange(60.0)
    donors = bare_root(values).donors(None, 1)
    at = np.full(20_000, 30)
    drawn = RankTransform(values, Field("x")).smooth(
        donors, np.zeros(20_000, dtype=np.intp), at, values, rng(), reach
    )
    gone = np.abs(drawn - 30)
    assert gone.max() <= farthest
    assert gone.max() > 0.9 * farthest
    assert gone.mean() == pytest.approx(mean, rel=0.03)
    assert (drawn > 30).mean() == pytest.approx(0.5, abs=spread(0.5, 20_000))


# what a column is drawn from ------------------------------------------------------------------


def asked(net: BayesNet, column: int, *known: int) -> list[int]:
    """Columns whose values the tree of a column may ask about."""
    tree = net.conditional(column, frozenset(known))
    assert isinstance(tree, DonorTree)
    return [int(j) for j in tree.features]


LONG = [("a", "b"), ("b", "c"), ("c", "d")]
FOUR = ("a", "b", "c", "d")


def four(target: str = "") -> Matrix:
    """Four coins, each equal to the one before in nine cases of ten."""
    draw, columns = rng(3), [rng(2).integers(0, 2, 800)]
    for _ in range(3):
        columns.append(np.where(draw.random(800) < 0.9, columns[-1], 1 - columns[-1]))
    fields = tuple(Field(name, levels=2, target=name == target) for name in FOUR)
    return Matrix(np.column_stack(columns).astype(np.float64), fields)


def test_a_column_is_drawn_from_its_parents_alone() -> None:
    net = BayesNet(edges=LONG).fit(four(), rng())
    assert asked(net, 2, 0, 1) == [1]
    assert asked(net, 0) == []
    assert net.parents_ == {0: [], 1: [0], 2: [1], 3: [2]}


def test_the_target_is_asked_about_beside_the_parents() -> None:
    net = BayesNet(edges=LONG).fit(four(target="a"), rng())
    assert net.order == [0, 1, 2, 3]
    assert asked(net, 3, 0, 1, 2) == [0, 2]


def test_what_is_known_of_effects_is_asked_about_with_their_other_causes() -> None:
    """The Markov blanket: parents, children, and the children's other parents."""
    net = BayesNet(edges=[("a", "c"), ("b", "c"), ("c", "d")]).fit(four(), rng())
    assert asked(net, 0, 1, 2) == [1, 2]
    assert asked(net, 2, 0, 1, 3) == [0, 1, 3]
    assert asked(net, 1, 3) == [3], "what depends on it through others counts too"


def test_of_many_neighbours_the_strongest_are_asked_about() -> None:
    draw = rng(5)
    a = draw.integers(0, 2, 1000)
    noise = [draw.random(1000) < share for share in (0.05, 0.2, 0.35)]
    effects = [np.where(flip, 1 - a, a) for flip in noise]
    fields = tuple(Field(name, levels=2) for name in FOUR)
    matrix = Matrix(np.column_stack([a, *effects]) * 1.0, fields)
    net = BayesNet(edges=[("a", "b"), ("a", "c"), ("a", "d")], max_parents=2).fit(matrix, rng())
    assert asked(net, 0, 1, 2, 3) == [1, 2]


def test_columns_are_drawn_parents_first_otherwise_as_in_the_table() -> None:
    net = BayesNet(edges=[("d", "a"), ("c", "b")]).fit(four(), rng())
    assert net.order == [2, 1, 3, 0]
    assert BayesNet(edges=[]).fit(four(), rng()).order == [0, 1, 2, 3]


def test_a_search_keeps_to_its_number_of_parents() -> None:
    draw = rng(6)
    causes = draw.integers(0, 2, (2000, 3))
    effect = (causes.sum(axis=1) + draw.integers(0, 2, 2000) > 2).astype(int)
    fields = tuple(Field(name, levels=2) for name in FOUR)
    matrix = Matrix(np.column_stack([causes, effect]) * 1.0, fields)
    for most in (1, 2):
        net = BayesNet(max_parents=most).fit(matrix, rng())
        assert max(map(len, net.parents_.values())) == most


def test_a_long_table_is_searched_on_a_part_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def search(codes: Any, *_: Any) -> set[tuple[int, int]]:
        seen.append(len(codes))
        return set()

    monkeypatch.setattr("tablewright.generators.bayes_net.search_graph", search)
    monkeypatch.setattr("tablewright.generators.bayes_net._MAX_SEARCHED", 500)
    BayesNet().fit(chain(499), rng())
    BayesNet().fit(chain(800), rng())
    assert seen == [499, 500]


def test_a_misspelt_column_of_an_edge_is_suggested() -> None:
    fields = (Field("income"), Field("age"))
    matrix = Matrix(rng().normal(size=(50, 2)), fields)
    with pytest.raises(InputError, match=r"no column 'agee'.*'age'"):
        BayesNet(edges=[("agee", "income")]).fit(matrix, rng())
