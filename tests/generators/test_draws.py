"""Bounded normal draws, mixtures of copulas, and class models against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, norm, truncnorm

from tablewright.generators.base import Floats
from tablewright.generators.parts.class_model import ClassModel
from tablewright.generators.parts.gaussian import NormalPart
from tablewright.generators.parts.mixture import Component, draw_mixture
from tablewright.generators.parts.truncated_normal import Bounds, draw_within
from tablewright.tables.encoding.codec import Field, Matrix


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def bounds(*pieces: tuple[float, float], **logs: Floats | float) -> Bounds:
    low, high = np.array(pieces, dtype=np.float64).T
    return Bounds(low[None], high[None], **logs)


@pytest.mark.parametrize(("low", "high"), [(-1.0, 0.5), (2.0, np.inf), (-np.inf, -3.0), (5, 6)])
def test_a_bounded_variable_is_a_truncated_normal_one(low: float, high: float) -> None:
    noise, weight = draw_within(np.eye(1), [bounds((low, high))], 2000, rng())
    assert kstest(noise[:, 0], truncnorm(low, high).cdf).pvalue > 1e-3
    np.testing.assert_allclose(weight, np.log(mass(low, high)))


def mass(low: float, high: float) -> float:
    """Normal mass of an interval, from the tail that keeps its precision."""
    return float(norm.sf(low) - norm.sf(high)) if low > 0 else float(norm.cdf(high) - norm.cdf(low))


def test_pieces_are_chosen_by_their_mass() -> None:
    pieces = ((-3.0, -1.0), (0.0, 0.1), (1.5, 2.5))
    noise, weight = draw_within(np.eye(1), [bounds(*pieces)], 6000, rng())
    masses = np.array([mass(*piece) for piece in pieces])
    inside = [((noise[:, 0] >= a) & (noise[:, 0] <= b)).mean() for a, b in pieces]
    # Five standard errors of a share from 6,000 rows.
    assert np.abs(inside - masses / masses.sum()).max() < 5 * np.sqrt(0.25 / 6000)
    np.testing.assert_allclose(weight, np.log(masses.sum()))


def test_pieces_that_hold_no_mass_give_their_nearest_end() -> None:
    noise, weight = draw_within(np.eye(1), [bounds((60.0, 61.0))], 5, rng())
    np.testing.assert_allclose(noise[:, 0], 60.0, atol=1e-3)
    np.testing.assert_allclose(weight, norm.logsf(60.0), rtol=1e-3)


def test_weights_of_points_are_the_density_over_the_independent_one() -> None:
    correlation = np.array([[1.0, 0.6], [0.6, 1.0]])
    root = np.linalg.cholesky(correlation)
    points = [bounds((0.7, 0.7)), bounds((-0.4, -0.4))]
    noise, weight = draw_within(root, points, 3, rng())
    np.testing.assert_allclose(noise @ root.T, np.tile([0.7, -0.4], (3, 1)), atol=1e-6)
    joint = multivariate_normal(cov=correlation).logpdf([0.7, -0.4])
    apart = norm.logpdf(0.7) + norm.logpdf(-0.4)
    np.testing.assert_allclose(weight, joint - apart, atol=1e-6)


def test_shares_and_masses_count_in_the_weight() -> None:
    plain = draw_within(np.eye(1), [bounds((0.0, 1.0))], 2, rng())[1]
    logs = {"log_mass": np.log(0.5), "log_share": np.log(0.1)}
    scaled = draw_within(np.eye(1), [bounds((0.0, 1.0), **logs)], 2, rng())[1]
    np.testing.assert_allclose(scaled - plain, np.log(0.1) - np.log(0.5))


def test_bounds_of_some_rows_leave_those_of_all_rows_alone() -> None:
    each = Bounds(np.arange(4.0)[:, None], np.arange(4.0)[:, None] + 1, log_mass=np.arange(4.0))
    assert each.rows(1, 3).low[:, 0].tolist() == [1, 2]
    assert each.repeat(2).high[:, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert np.asarray(each.rows(2, 4).log_mass).tolist() == [2, 3]
    assert bounds((0.0, 1.0)).rows(5, 9).low.tolist() == [[0.0]]
    assert not each.is_point
    assert bounds((2.0, 2.0)).is_point


def part(mean: float, n_rows: int = 400, seed: int = 0) -> NormalPart:
    values = rng(seed).normal(mean, 1.0, (n_rows, 2))
    return NormalPart.learn(Matrix(values, (Field("a"), Field("b"))), {}, ())


def test_parts_without_bounds_come_by_their_prior() -> None:
    components = [
        Component(part(0.0), np.log(0.2), {}, (0, 1)),
        Component(part(50.0), np.log(0.8), {}, (0, 1)),
    ]
    rows = draw_mixture(components, 4000, rng(1), alike=True, complete=False)
    assert abs((rows[:, 0] > 25).mean() - 0.8) < 5 * np.sqrt(0.16 / 4000)
    assert ((rows[:, 0] > 25) == (rows[:, 1] > 25)).all()


def test_a_part_that_holds_more_mass_inside_the_bounds_comes_more_often() -> None:
    """Both parts are alike, but only a tenth of the second one lies inside."""
    components = [
        Component(part(0.0), np.log(0.5), {0: bounds((-np.inf, np.inf))}, (0, 1)),
        Component(part(50.0), np.log(0.5), {0: bounds((norm.ppf(0.9), np.inf))}, (0, 1)),
    ]
    rows = draw_mixture(components, 4000, rng(1), alike=True, complete=False)
    assert abs((rows[:, 0] > 25).mean() - 0.1 / 1.1) < 5 * np.sqrt(0.09 / 4000)


def test_columns_not_asked_for_come_out_missing() -> None:
    components = [Component(part(0.0), 0.0, {}, (1,))]
    rows = draw_mixture(components, 10, rng(1), alike=True, complete=False)
    assert np.isnan(rows[:, 0]).all()
    assert not np.isnan(rows[:, 1]).any()


TARGET = Field("y", levels=3, target=True)


def test_a_class_model_knows_nothing_of_a_class_without_rows() -> None:
    rows = np.column_stack([np.arange(100.0), np.arange(100) > 49])
    model = ClassModel(Matrix(rows, (Field("x"), TARGET)), 0)
    chances = model.chances(np.array([[90.0, 2.0], [90.0, np.nan], [90.0, 1.0], [90.0, 0.0]]))
    assert chances[:2].tolist() == [1.0, 1.0]
    assert chances[2] + chances[3] == pytest.approx(1.0)
    assert chances[2] > 0.9


@pytest.mark.parametrize("column", [np.full(60, np.nan), None])
def test_a_class_model_without_a_column_to_ask_has_no_doubts(column: Floats | None) -> None:
    classes = np.resize([0.0, 1.0], 60)
    cells = [classes] if column is None else [column, classes]
    fields = (TARGET,) if column is None else (Field("x"), TARGET)
    matrix = Matrix(np.column_stack(cells), fields)
    assert ClassModel(matrix, 0).chances(matrix.values).tolist() == [1.0] * 60


def test_a_class_model_leaves_rows_without_a_class_out() -> None:
    x = np.arange(200.0)
    classes = np.where(x < 100, 0.0, 1.0)
    classes[150:] = np.nan
    model = ClassModel(Matrix(np.column_stack([x, classes]), (Field("x"), TARGET)), 0)
    assert model.chances(np.array([[190.0, 1.0]]))[0] > 0.9
