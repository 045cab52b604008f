"""One column: learned, drawn, cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from tablewright.generators.parts.marginals import (
    Discrete,
    Numeric,
    includes,
    learn,
    pack,
    unpack,
)
from tablewright.tables.encoding.codec import Field, Floats

UNIFORM = (np.arange(5000) + 0.5) / 5000
columns = arrays(
    np.float64,
    st.integers(1, 60),
    elements=st.one_of(st.just(np.nan), st.integers(-5, 5), st.floats(-1e6, 1e6, width=32)),
)


@settings(deadline=None)
@given(columns)
def test_drawn_values_stay_in_the_range_and_ranks_come_back(values: Floats) -> None:
    marginal = Numeric.learn(values)
    drawn = marginal.quantile(UNIFORM)
    present = values[~np.isnan(values)]
    if not len(present):
        assert marginal.empty
        assert np.isnan(drawn).all()
        return
    assert (np.diff(drawn) >= 0).all()
    assert drawn.min() >= present.min()
    assert drawn.max() <= present.max()
    low, high = marginal.cell(drawn)
    assert (low <= high).all()
    assert (low <= UNIFORM + 1e-6).all()
    assert (high >= UNIFORM - 1e-6).all()


@settings(deadline=None)
@given(columns)
def test_integers_stay_integers(values: Floats) -> None:
    drawn = Numeric.learn(np.round(values), step=1.0).quantile(UNIFORM)
    assert np.isnan(drawn).all() or (drawn == np.round(drawn)).all()


@settings(deadline=None)
@given(columns, st.floats(-6, 6), st.floats(0, 4))
def test_pieces_hold_the_values_of_a_domain(values: Floats, start: float, width: float) -> None:
    marginal = Numeric.learn(values)
    low, high = marginal.pieces(((start, start + width),))
    for a, b in zip(low, high, strict=True):
        drawn = marginal.quantile(np.linspace(a, b, 7)[1:-1])
        assert (drawn >= start - 1e-6).all()
        assert (drawn <= start + width + 1e-6).all()


def test_a_smoothed_column_is_the_column_to_within_half_a_rank() -> None:
    values = np.random.default_rng(0).lognormal(size=300)
    drawn = Numeric.learn(values).quantile(UNIFORM)
    assert ks_2samp(values, drawn).statistic < 1 / 300 + 1 / 5000
    assert not np.isin(drawn, values).any()


def test_more_values_than_cells_are_smoothed_all_the_same() -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    marginal = Numeric.learn(values)
    assert len(marginal.points) < 2500
    assert ks_2samp(values, marginal.quantile(UNIFORM)).statistic < 2 / 1024


def test_a_gap_between_two_groups_stays_empty() -> None:
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.normal(0, 1, 200), generator.normal(100, 1, 200)])
    drawn = Numeric.learn(values).quantile(UNIFORM)
    assert not ((drawn > 8) & (drawn < 92)).any()


def test_point_masses_keep_their_rate() -> None:
    generator = np.random.default_rng(0)
    values = np.where(generator.random(1000) < 0.3, -1.0, generator.gamma(2, 3, 1000))
    drawn = Numeric.learn(values).quantile(UNIFORM)
    assert (drawn == -1).mean() == pytest.approx((values == -1).mean(), abs=1 / 5000)


def test_a_grid_with_an_offset_is_kept() -> None:
    values: Floats = 0.5 + 2.0 * np.arange(10, dtype=np.float64)
    drawn = Numeric.learn(values, step=2.0).quantile(UNIFORM)
    assert set(drawn) == set(values)


def test_a_domain_inside_a_gap_is_filled_evenly() -> None:
    marginal = Numeric.learn(np.repeat([0.0, 10.0], 50), step=1.0)
    assert marginal.pieces(((3.0, 5.0),))[0].size == 0
    drawn = marginal.scatter(((3.0, 5.0),), 300, np.random.default_rng(0))
    assert set(drawn) == {3.0, 4.0, 5.0}
    assert not marginal.scatter(((11.0, 20.0),), 5, np.random.default_rng(0)).size
    assert not marginal.scatter(((3.2, 3.8),), 5, np.random.default_rng(0)).size


def test_codes_come_at_their_rate_whatever_their_order() -> None:
    codes = np.array([0.0, 0, 1, 3, 3, 3, 3, np.nan])
    marginal = Discrete.learn(codes, 4)
    turned = Discrete(marginal.shares, np.array([3, 1, 2, 0]), marginal.missing)
    for one in (marginal, turned):
        drawn = one.quantile(UNIFORM)
        assert np.bincount(drawn.astype(int), minlength=4) == pytest.approx(
            np.array([2, 1, 0, 4]) / 7 * 5000, abs=1
        )
        low, high = one.cell(drawn)
        assert ((low <= UNIFORM + 1e-9) & (high + 1e-9 >= UNIFORM)).all()
    assert marginal.missing == pytest.approx(1 / 8)


def test_neighbouring_codes_are_one_piece() -> None:
    marginal = Discrete.learn(np.array([0.0, 1, 2, 3]), 4)
    low, high = marginal.pieces(np.array([True, True, False, True, False]))
    np.testing.assert_allclose(low, [0, 0.75])
    np.testing.assert_allclose(high, [0.5, 1])


def test_domains_say_what_they_hold() -> None:
    values = np.array([1.0, 2.0, np.nan])
    assert includes(None, values).tolist() == [True, True, True]
    assert includes(((1.5, 3.0),), values).tolist() == [False, True, False]
    assert includes(((np.nan, np.nan), (0.0, 1.0)), values).tolist() == [True, False, True]
    mask = np.array([False, True, False, True])
    assert includes(mask, values).tolist() == [True, False, True]


def test_packed_columns_come_back() -> None:
    fields = (Field("a", step=0.1), Field("b", levels=3))
    values = np.array([[0.1, 2], [0.5, 1], [np.nan, np.nan]])
    learned = [learn(values[:, j], field) for j, field in enumerate(fields)]
    for mine, theirs in zip(learned, unpack(pack(learned), 2), strict=True):
        np.testing.assert_array_equal(mine.quantile(UNIFORM), theirs.quantile(UNIFORM))
        assert mine.missing == theirs.missing


def test_open_ends_and_decimals_are_told_apart_on_a_grid() -> None:
    ages = Numeric.learn(np.repeat(np.arange(10.0), 10), step=1.0)
    low, high = ages.pieces(((np.nextafter(3.0, 4.0), np.nextafter(6.0, 5.0)),))
    assert set(ages.quantile(np.linspace(low[0], high[0], 50)[1:-1])) == {4.0, 5.0}
    prices = Numeric.learn(np.repeat(np.arange(10) / 10, 10), step=0.1)
    low, high = prices.pieces(((0.3, 0.3),))
    assert set(prices.quantile(np.linspace(low[0], high[0], 50)[1:-1])) == {0.3}
    assert not len(ages.pieces(((3.2, 3.8),))[0])


@pytest.mark.parametrize("spike", [1e6, -1e6])
def test_no_value_lies_between_the_rest_and_a_far_spike(spike: float) -> None:
    values = np.concatenate([300.0 + np.arange(100), np.full(200, spike)])
    drawn = Numeric.learn(values, 1.0).quantile(np.linspace(0, 1, 3001))
    assert (drawn == spike).mean() == pytest.approx(2 / 3, abs=1e-3)
    rest = drawn[drawn != spike]
    # half of four usual gaps towards the spike, none at the other end
    ends = (300.0, 401.0) if spike > 0 else (298.0, 399.0)
    assert (rest.min(), rest.max()) == pytest.approx(ends, abs=1)
