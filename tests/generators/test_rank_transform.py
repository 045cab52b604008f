"""A column between values and ranks: what trees see of it, and what is written for a draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from tablewright.generators.base import Floats
from tablewright.generators.parts.donors import Donors, bare_root
from tablewright.generators.parts.rank_transform import RankTransform
from tablewright.tables.encoding.codec import Field

NUMBER = Field("x")


def smoothed(values: Floats, field: Field = NUMBER, n_rows: int = 4000) -> tuple[Floats, Floats]:
    """Values drawn from all rows, before and after they are spread."""
    transform, donors = RankTransform(values, field), Donors(bare_root(values), None, 1)
    leaves, rng = np.zeros(n_rows, dtype=np.intp), np.random.default_rng(0)
    at = donors.draw(leaves, rng)
    return values[donors.rows[at]], transform.smooth(donors, leaves, at, values, rng)


def test_numbers_become_ranks_and_what_lies_between_a_share_of_one() -> None:
    transform = RankTransform(np.array([10.0, 20.0, 20.0, 40.0, np.nan]), NUMBER)
    ranks = transform.ranks(np.array([10.0, 20.0, 25.0, 40.0, 99.0, np.nan]))
    assert ranks[:5].tolist() == [0, 1, 1.25, 2, 2]
    assert ranks[5] < 0


def test_missing_codes_come_after_the_others() -> None:
    transform = RankTransform(np.array([0.0, 1.0, np.nan]), Field("c", levels=2))
    assert transform.ranks(np.array([1.0, np.nan])).tolist() == [1, 2]


def test_a_column_without_any_value_has_one_rank() -> None:
    transform = RankTransform(np.full(3, np.nan), NUMBER)
    assert transform.ranks(np.array([np.nan, 4.0])).tolist() == [-1, -1]


def test_what_a_tree_predicts_of_a_number_is_the_share_of_rows_below_it() -> None:
    values = np.array([3.0, 1.0, 3.0, 7.0, 1.0, 2.0])
    transform = RankTransform(values, NUMBER)
    response = transform.response(transform.ranks(values)[:, None], 0)
    np.testing.assert_allclose(response, (rankdata(values) - 1) / 5)


def test_a_column_of_many_codes_is_predicted_by_what_goes_with_them() -> None:
    codes = np.repeat(np.arange(4.0), 50)
    other = np.array([0.0, 5.0, 0.0, 5.0])[codes.astype(int)]
    transform = RankTransform(codes, Field("c", levels=4))
    response = transform.response(np.column_stack([codes, other]), 0)
    assert response.shape == (200, 1)
    assert len(np.unique(response.round(9))) == 2
    assert response[0] == pytest.approx(response[100])


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=60, unique=True))
@settings(max_examples=60, deadline=None)
def test_spread_values_stay_inside_the_range_and_near_a_donor(numbers: list[float]) -> None:
    values = np.array(numbers)
    drawn, spread = smoothed(values, n_rows=200)
    assert spread.min() >= values.min() - 1e-6
    assert spread.max() <= values.max() + 1e-6
    gap = np.diff(np.sort(values)).max()
    assert np.abs(spread - drawn).max() <= gap / 2 + 1e-6


def test_values_of_one_row_each_are_not_written_again() -> None:
    values = np.random.default_rng(1).normal(size=300)
    _, spread = smoothed(values)
    assert np.isin(spread, values).mean() < 0.01
    assert abs(spread.mean() - values.mean()) < 5 * values.std() / np.sqrt(4000)


def test_shared_values_stay_and_nothing_is_spread_towards_a_spike() -> None:
    values = np.r_[np.zeros(150), np.arange(1000.0, 1150.0)]
    drawn, spread = smoothed(values)
    assert ((spread == 0) == (drawn == 0)).all()
    assert spread[spread > 0].min() >= 1000


def test_missing_values_stay_missing_and_codes_stay_codes() -> None:
    drawn, spread = smoothed(np.r_[np.full(50, np.nan), np.arange(50.0)])
    assert np.array_equal(np.isnan(drawn), np.isnan(spread))
    drawn, spread = smoothed(np.resize([0.0, 1.0, 3.0], 60), Field("c", levels=4))
    assert np.array_equal(drawn, spread)


@pytest.mark.parametrize("step", [1.0, 0.25, 0.01])
def test_what_is_written_lies_on_the_step(step: float) -> None:
    values = np.round(np.random.default_rng(2).normal(0, 40, 200) / step) * step
    _, spread = smoothed(values, Field("x", step=step))
    np.testing.assert_allclose(spread / step, np.round(spread / step), atol=1e-6)
