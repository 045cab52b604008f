"""Forests and boosted trees: what they reproduce, and what their limits mean."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tablewright.errors import MissingExtraError
from tablewright.generators.boosted import Boosted
from tablewright.generators.forest import Forest
from tablewright.generators.parts.association import mutual_information, strongest
from tablewright.generators.parts.bins import cut
from tablewright.generators.parts.donors import DonorTree
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import between
from tests.generators.tables import gaussian, mixed
from tests.people import ks_bound


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def correlation(rows: Floats) -> float:
    return float(np.asarray(np.corrcoef(rows.T))[0, 1])


@pytest.fixture(params=["forest", "boosted"])
def make(request: pytest.FixtureRequest) -> Any:
    if request.param == "forest":
        return Forest
    pytest.importorskip("xgboost")
    return lambda **options: Boosted(n_trees=20, learning_rate=0.3, **options)


def test_columns_go_along_with_each_other_as_in_the_table(make: Any) -> None:
    rows = make().fit(gaussian(2000, 0.8), rng()).sample(4000, rng(1))
    assert 0.8 - 0.06 < correlation(rows) < 0.8 + 4 * 0.36 / np.sqrt(2000)


def test_rare_classes_are_drawn_as_often_as_they_are(make: Any) -> None:
    """Always the likeliest class would never give the one of 5 % that nothing foretells."""
    random = rng()
    values = np.column_stack([random.normal(size=2000), random.random(2000) < 0.05])
    matrix = Matrix(values, (Field("x"), Field("rare", levels=2)))
    rows = make().fit(matrix, rng()).sample(4000, rng(1))
    assert abs(rows[:, 1].mean() - values[:, 1].mean()) < ks_bound(2000, 4000)


def test_spikes_and_gaps_come_as_often_as_they_do(make: Any) -> None:
    matrix = mixed(2000)
    rows = make().fit(matrix, rng()).sample(4000, rng(1))
    amount = matrix.values[:, 3]
    assert abs((rows[:, 3] == 0).mean() - (amount == 0).mean()) < ks_bound(2000, 4000)
    assert abs(np.isnan(rows[:, 3]).mean() - np.isnan(amount).mean()) < ks_bound(2000, 4000)


def test_a_condition_reaches_back_to_columns_drawn_before(make: Any) -> None:
    """The condition is on the last column; the first one, drawn before, has to know of it."""
    matrix = gaussian(2000, 0.9)
    rows = make().fit(matrix, rng()).sample(1000, rng(1), condition=between(1, 1.0, 9.0))
    real = matrix.values[matrix.values[:, 1] >= 1.0, 0]
    assert (rows[:, 1] >= 1.0).all()
    assert abs(rows[:, 0].mean() - real.mean()) < 0.25  # 1.4 without looking ahead


def test_limits_bound_rows_and_columns(make: Any) -> None:
    random = rng()
    values = random.normal(size=(600, 6))
    values[:, 5] = values[:, 0] + 0.1 * values[:, 5]
    matrix = Matrix(values, tuple(Field(f"c{j}") for j in range(6)))
    model = make(max_rows=300, max_conditions=1).fit(matrix, rng())
    assert len(model.values_) == 300
    assert correlation(model.sample(1000, rng(1))[:, [0, 5]]) > 0.8


def test_a_forest_is_a_choice_among_its_trees() -> None:
    model = Forest(n_trees=7).fit(mixed(300), rng())
    forest = model.conditional(1, frozenset({4, 0}))
    assert isinstance(forest, DonorTree)
    assert len(forest.roots) == 7
    assert np.bincount(forest.rows).tolist() == [7] * 300
    leaves = np.flatnonzero(forest.left < 0)
    assert (forest.stop - forest.start)[leaves].min() >= 5
    row = np.repeat(model.ranks_[:1], 700, axis=0)
    reached, counts = np.unique(forest.reach(row, rng(1), None), return_counts=True)
    assert len(reached) == 7
    assert counts.min() > 100 - 5 * np.sqrt(700 * 6 / 49)


def test_mean_weights_are_those_of_the_leaves_of_all_trees() -> None:
    model = Forest(n_trees=5).fit(gaussian(200), rng())
    forest = model.conditional(1, frozenset({0}))
    weights = (model.values_[:, 1] > 0).astype(np.float64)
    result = forest.means(weights, 0.0)
    assert result.mean() == pytest.approx(weights.mean())
    assert np.asarray(np.corrcoef(result, weights))[0, 1] > 0.7


def test_damaged_forests_are_refused() -> None:
    arrays = Forest(n_trees=3).fit(gaussian(100), rng()).conditional(1, frozenset({0})).arrays()
    with pytest.raises(ValueError, match="no tree"):
        DonorTree.from_arrays({**arrays, "left": arrays["left"] * 0 - 3})
    for roots in ([], [-1], [10**6]):
        with pytest.raises(ValueError, match="no tree"):
            DonorTree.from_arrays({**arrays, "roots": np.array(roots, dtype=np.intp)})
    assert DonorTree.from_arrays(arrays).roots.tolist() == arrays["roots"].tolist()


def test_forests_of_version_0_1_0_are_read() -> None:
    """Their trees lay below a chain of questions for the number of the tree, here 0, 1 or 2."""
    leaf = -1
    old = {
        "features": np.array([0, 1]),
        "left": np.array([2, 3, leaf, leaf, 5, leaf, leaf]),
        "right": np.array([1, 4, leaf, leaf, 6, leaf, leaf]),
        "feature": np.array([1, 1, -2, -2, 0, -2, -2]),
        "threshold": np.array([0.5, 1.5, -2.0, -2.0, 2.5, -2.0, -2.0]),
        "start": np.array([0, 4, 0, 4, 8, 8, 10]),
        "stop": np.array([12, 12, 4, 8, 12, 10, 12]),
        "rows": np.array([0, 1, 2, 3] * 3),
        "n_trees": np.array(3),
    }
    forest = DonorTree.from_arrays(old)
    assert forest.roots.tolist() == [2, 3, 4]
    ranks = np.array([[0.0], [9.0]])
    assert forest.leaves(ranks, np.array([4, 4])).tolist() == [5, 6]
    assert set(forest.reach(np.zeros((200, 1)), rng(), None).tolist()) == {2, 3, 5}


def test_without_xgboost_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(MissingExtraError, match="pip install 'xgboost-cpu"):
        Boosted()


cells = arrays.arrays(
    float, st.integers(1, 80), elements=st.sampled_from([0.0, 1.0, 1.5, 4.0, 9.0, np.nan])
)


@given(cells, st.booleans(), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_bins_stand_in_the_order_of_their_values(values: Floats, codes: bool, most: int) -> None:
    bins = cut(values, codes, most)
    assert sorted(set(bins.tolist())) == list(range(bins.max() + 1))
    gaps = np.isnan(values)
    assert (np.diff(bins[~gaps][np.argsort(values[~gaps], kind="stable")]) >= 0).all()
    if gaps.any():
        assert set(bins[gaps]) == {bins.max()}
        assert not set(bins[gaps]) & set(bins[~gaps])


def test_a_value_that_many_rows_share_has_a_bin_alone() -> None:
    values = np.concatenate([np.zeros(30), np.linspace(-1, 5, 61)[1:]])
    bins = cut(values, False, 4)
    assert set(values[bins == bins[0]]) == {0.0}


def test_the_rarest_of_many_codes_share_a_bin() -> None:
    codes = np.concatenate([np.repeat(np.arange(99.0), 3), np.arange(99.0, 180.0)])
    bins = cut(codes, True, 4)
    assert bins.max() == 99
    assert len(set(bins[codes >= 99])) == 1


def test_independent_columns_tell_nothing_and_equal_ones_all() -> None:
    random = rng()
    codes = random.integers(0, 4, (3000, 2)) * 1.0
    result = mutual_information(np.column_stack([codes, codes[:, 0]]), {0: 4, 1: 4, 2: 4}, rng())
    assert result[0, 2] == pytest.approx(np.log(4), abs=0.02)
    assert abs(result[0, 1]) < 0.01  # 9 degrees of freedom over 6,000: 0.0015 expected by chance
    assert strongest(result[0], [1, 2], 1) == [2]
    assert strongest(result[0], [2, 1], None) == [1, 2]
