"""Ancestral sampling along a graph: what is searched, what is given, what conditions do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tablewright.errors import InputError
from tablewright.generators.base import Given
from tablewright.generators.bayes_net import BayesNet, binned
from tablewright.generators.parts.donors import bare_root
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


def test_numbers_are_searched_in_more_bins_as_rows_grow_and_missing_is_a_code() -> None:
    fields = (Field("x"),)
    few, many = (binned(rng().normal(size=(n, 1)), fields) for n in (48, 12 * 2**8))
    assert (few.max() + 1, many.max() + 1) == (2, 8)
    holes = np.append(rng().normal(size=47), np.nan)[:, None]
    assert binned(holes, fields)[-1, 0] == 2


@pytest.mark.parametrize(
    ("n_rows", "least"), [(20, 5), (70, 7), (100, 10), (200, 10), (300, 15), (900, 20)]
)
def test_values_come_from_more_rows_where_these_are_few(n_rows: int, least: int) -> None:
    """A tenth of the rows, from 5 to 10, and a twentieth, to 20, where that is more."""
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
