"""Steps, endings and gaps of numbers are kept, and nothing is moved without need."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.generators.parts.marginals import Numeric
from tablewright.generators.parts.rounding import (
    RoundingGrid,
    find_spikes,
    is_shared,
    is_spike,
    learn_grids,
)
from tablewright.registry import resolve
from tablewright.tables.encoding.codec import Field, Floats, Matrix

METHODS = ("trees", "copula", "independent", "smotenc", "forest")


def salaries(n_rows: int = 300) -> Floats:
    return np.round(np.random.default_rng(0).normal(60_000, 15_000, n_rows) / 500) * 500


def cities(n_rows: int = 300) -> Floats:
    rng = np.random.default_rng(1)
    return rng.choice([29.8, 34.0, 40.7, 47.6], n_rows) + rng.normal(0, 0.05, n_rows)


def table() -> Matrix:
    rng = np.random.default_rng(2)
    price = np.round(rng.gamma(2, 100, 300)) + 0.99
    quarter = np.round(rng.normal(15, 8, 300) * 4) / 4
    y = rng.integers(0, 2, 300)
    fields = (
        Field("salary", step=1.0),
        Field("price", step=0.01),
        Field("quarter", step=0.01),
        Field("latitude", step=0.0001),
        Field("y", levels=2, target=True),
    )
    return Matrix(np.column_stack([salaries(), price, quarter, cities().round(4), y]), fields)


@pytest.mark.parametrize("method", METHODS)
def test_every_generator_keeps_steps_endings_and_gaps(method: str) -> None:
    rng = np.random.default_rng(3)
    rows = resolve("generators", method)().fit(table(), rng).sample(500, rng)
    assert (rows[:, 0] % 500 == 0).all()
    assert (np.rint(rows[:, 1] * 100) % 100 == 99).all()
    assert (rows[:, 2] * 4 % 1 == 0).all()
    assert np.abs(rows[:, [3]] - [29.8, 34.0, 40.7, 47.6]).min(axis=1).max() < 0.4


def odd_columns(n_rows: int = 500) -> dict[str, tuple[Field, Floats]]:
    rng = np.random.default_rng(7)
    endings = np.round(
        np.floor(rng.lognormal(3, 0.8, n_rows)) + rng.choice([0.95, 0.99], n_rows), 2
    )
    mixed = np.where(
        rng.random(n_rows) < 0.7,
        500.0 * rng.integers(2, 80, n_rows),
        rng.integers(1000, 40_000, n_rows),
    )
    zeros = np.where(rng.random(n_rows) < 0.6, 0.0, rng.lognormal(5, 1, n_rows).round(2))
    sentinel = np.where(rng.random(n_rows) < 0.1, -999.0, rng.normal(20, 5, n_rows).round(1))
    return {
        "endings": (Field("endings", step=0.01), endings),
        "debts": (Field("debts", step=1.0), -250.0 * rng.integers(1, 60, n_rows)),
        "mixed": (Field("mixed", step=1.0), mixed),
        "zeros": (Field("zeros", step=0.01), zeros),
        "sentinel": (Field("sentinel", step=0.1), sentinel),
        "sixteenths": (Field("sixteenths", step=0.0001), rng.integers(0, 160, n_rows) / 16),
        "odd": (Field("odd", step=1.0), 2.0 * rng.integers(0, 200, n_rows) + 1),
    }


@pytest.mark.parametrize("method", METHODS)
def test_every_generator_keeps_lattices_spikes_and_sentinels_at_their_share(method: str) -> None:
    columns = odd_columns()
    target = np.random.default_rng(8).integers(0, 2, 500)
    fields = (*(field for field, _ in columns.values()), Field("y", levels=2, target=True))
    matrix = Matrix(np.column_stack([*(v for _, v in columns.values()), target]), fields)
    rng = np.random.default_rng(3)
    rows = resolve("generators", method)().fit(matrix, rng).sample(1000, rng)
    drawn = dict(zip(columns, rows.T, strict=False))
    assert np.isin(np.rint(drawn["endings"] * 100) % 100, [95, 99]).all()
    assert (drawn["debts"] % 250 == 0).all()
    assert (drawn["debts"] < 0).all()
    assert (drawn["sixteenths"] * 16 % 1 == 0).all()
    assert (drawn["odd"] % 2 == 1).all()
    assert ((drawn["sentinel"] == -999) | (drawn["sentinel"] > 0)).all()
    for name, mark in (("mixed", 500), ("zeros", 1e9)):
        real = columns[name][1]
        # Three standard errors of both shares are .08.
        assert abs((drawn[name] % mark == 0).mean() - (real % mark == 0).mean()) < 0.12


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0] * 12 + [5.1, 7.2, 3.3, 9.4, 1.5, 2.6], [0.0]),
        ([-999.0] * 8 + list(range(100)), [-999.0]),
        ([1.0, 2.0, 3.0, 4.0] * 10, []),  # each as frequent as the others
        ([0.0] * 20 + [1.0] * 3, []),  # two values alone are no numbers with a spike
        ([0.5, 1.5, np.nan, np.nan, np.nan], []),
        ([np.nan, np.nan], []),
    ],
)
def test_find_spikes_finds_numbers_that_stand_for_something(
    values: list[float], expected: list[float]
) -> None:
    matrix = Matrix(np.array(values)[:, None], (Field("x"),))
    spikes = find_spikes(matrix)
    assert spikes.tolist() == [[0.0, value] for value in expected]
    marks = is_spike(matrix.values, spikes)[:, 0]
    assert np.array_equal(marks, np.isin(values, expected))


def test_codes_have_no_spikes_and_no_grid() -> None:
    codes = np.r_[np.zeros(50), np.arange(1.0, 10.0)][:, None]
    matrix = Matrix(codes, (Field("x", levels=10),))
    assert find_spikes(matrix).shape == (0, 2)
    assert learn_grids(matrix)[0].round(np.array([0.5, 2.25])).tolist() == [0.5, 2.25]


@pytest.mark.parametrize(("count", "n_rows", "shared"), [(1, 20, False), (2, 20, True),
    (4, 100, False), (5, 100, True), (5, 10_000, True), (2, 60, False), (3, 60, True)])  # fmt: skip
def test_is_shared_asks_for_a_twentieth_of_the_rows_from_two_to_five(
    count: int, n_rows: int, shared: bool
) -> None:
    assert is_shared(np.array([count]), n_rows).tolist() == [shared]


@pytest.mark.parametrize(
    ("values", "step", "period"),
    [
        (salaries(), 1.0, 500),
        (np.arange(50) + 0.99, 0.01, 100),
        (np.random.default_rng(4).integers(0, 400, 300) * 1.0, 1.0, 1),
        (np.random.default_rng(4).poisson(4, 300) * 1.0, 1.0, 1),
        (np.random.default_rng(4).normal(0, 5, 300).round(2), 0.01, 1),
        (np.random.default_rng(4).integers(0, 400, 300) * 37.0, 1.0, 37),
        (np.arange(10) * 500.0, 1.0, 1),
    ],
)
def test_the_period_of_values_is_learned_where_there_is_one(
    values: Floats, step: float, period: int
) -> None:
    assert RoundingGrid.learn(values, step).period == period


def test_a_lattice_that_some_rows_leave_is_left_as_often() -> None:
    rng = np.random.default_rng(5)
    off = rng.random(2000) < 0.1
    values = np.where(off, rng.integers(20_000, 90_000, 2000) * 1.0, salaries(2000))
    grid = RoundingGrid.learn(values, 1.0)
    drawn = grid.round(rng.uniform(20_000, 90_000, 4000))
    # Five standard errors around one in ten.
    assert abs((drawn % 500 != 0).mean() - 0.1) < 5 * np.sqrt(0.1 * 0.9 / 2000)


def test_endings_come_as_often_as_in_the_table() -> None:
    rng = np.random.default_rng(6)
    values: Floats = rng.integers(1, 300, 2000) + rng.choice(
        [0.99, 0.49, 0.0], 2000, p=[0.6, 0.3, 0.1]
    )
    grid = RoundingGrid.learn(values, 0.01)
    drawn = np.rint(grid.round(rng.uniform(1, 299, 4000)) * 100) % 100
    shares = [(drawn == ending).mean() for ending in (99, 49, 0)]
    assert np.allclose(shares, [0.6, 0.3, 0.1], atol=0.05)


def test_values_of_the_table_stay_where_they_are() -> None:
    for values, step in ((salaries(), 1.0), (table().values[:, 1], 0.01), (cities(), 0.0)):
        assert np.allclose(RoundingGrid.learn(values, step).round(values), values, atol=1e-9)


def test_nothing_is_put_into_a_wide_gap() -> None:
    grid = RoundingGrid.learn(cities(), 0.0)
    drawn = grid.round(np.linspace(29.7, 47.7, 2000))
    assert len(grid.gaps) == 3
    assert np.abs(drawn[:, None] - [29.8, 34.0, 40.7, 47.6]).min(axis=1).max() < 0.4


def test_smooth_columns_have_no_gaps() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert not len(RoundingGrid.learn(rng.normal(size=2000), 0.0).gaps)
        assert not len(RoundingGrid.learn(rng.lognormal(size=2000), 0.0).gaps)


def test_a_condition_inside_a_gap_is_met() -> None:
    marginal = Numeric.learn(cities().round(2), 0.01)
    drawn = marginal.scatter(((36.0, 37.0),), 50, np.random.default_rng(0))
    assert len(drawn) == 50
    assert ((drawn >= 36) & (drawn <= 37)).all()


@given(st.lists(st.integers(-2000, 2000), min_size=30, max_size=200, unique=True))
@settings(max_examples=60, deadline=None)
def test_rounding_keeps_order_range_and_itself(numbers: list[int]) -> None:
    values = np.array(numbers) * 5.0
    grid = RoundingGrid.learn(values, 1.0)
    drawn = grid.snap(np.sort(np.random.default_rng(0).uniform(values.min(), values.max(), 200)))
    assert (np.diff(drawn) >= 0).all()
    assert values.min() <= drawn.min()
    assert drawn.max() <= values.max()
    assert np.array_equal(grid.snap(drawn), drawn)


@given(st.floats(-500, 1500), st.floats(0, 900))
@settings(max_examples=60, deadline=None)
def test_what_is_drawn_from_a_widened_interval_lies_in_it(low: float, width: float) -> None:
    grid = RoundingGrid.learn(np.arange(10.0, 1010.0, 25.0), 1.0)
    start, stop = grid.widen(np.array([[low, low + width]]))[0]
    if start < stop:
        drawn = grid.snap(np.linspace(start, stop, 52)[1:-1])
        assert ((drawn >= low) & (drawn <= low + width)).all()


def test_a_grid_is_made_again_from_its_numbers() -> None:
    grid = RoundingGrid.learn(salaries(), 1.0)
    again = RoundingGrid.from_array(grid.array())
    drawn = np.random.default_rng(0).uniform(20_000, 90_000, 100)
    assert np.array_equal(grid.round(drawn), again.round(drawn))
