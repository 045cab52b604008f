"""Linear models of a column against scikit-learn, and against what normal residuals say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression, RidgeCV

from tablewright.generators.base import Floats
from tablewright.generators.parts.bins import cut
from tablewright.generators.parts.linear import Design, LinearChances, learn_chances


def ranks_of(values: Floats) -> Floats:
    return values.argsort().argsort().astype(np.float64)


def regression(n_rows: int = 600, rho: float = 0.8) -> Floats:
    """Ranks of two normal columns that correlate."""
    cells = np.random.default_rng(0).multivariate_normal([0, 0], [[1, rho], [rho, 1]], n_rows)
    return np.column_stack([ranks_of(column) for column in cells.T])


def test_numbers_become_normal_scores_and_codes_indicators() -> None:
    ranks = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [3.0, 2.0]])
    design = Design.learn(ranks, np.array([0, 1]), {1: 3})
    raw = np.column_stack(
        [norm.ppf((ranks[:, 0] + 0.5) / 4), np.zeros(4), ranks[:, [1]] == np.arange(3)]
    )
    scale = raw.std(axis=0)
    expected = (raw - raw.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    np.testing.assert_allclose(design.inputs(ranks), expected, atol=1e-12)


def test_a_missing_number_is_an_input_of_its_own_and_no_score() -> None:
    ranks = np.array([[0.0], [1.0], [-2.0], [2.0]])
    raw = Design.learn(ranks, np.array([0]), {})._raw(ranks)
    assert raw[:, 1].tolist() == [0, 0, 1, 0]
    assert raw[2, 0] == 0
    assert raw[0, 0] == pytest.approx(norm.ppf(0.5 / 3))


def test_ranks_beyond_the_training_rows_count_as_the_outermost() -> None:
    ranks = np.arange(5.0)[:, None]
    design = Design.learn(ranks, np.array([0]), {})
    np.testing.assert_allclose(design.inputs(np.array([[9.0]])), design.inputs(ranks[-1:]))


@pytest.mark.parametrize("n_codes", [2, 3])
def test_chances_of_codes_are_those_of_the_logistic_regression(n_codes: int) -> None:
    random = np.random.default_rng(1)
    number = random.normal(size=400)
    codes = np.clip(np.round(number + random.normal(size=400)) + 1, 0, n_codes - 1)
    ranks = np.column_stack([ranks_of(number), codes])
    bins = cut(codes, True, 24)
    features = np.array([0])
    chances = learn_chances(ranks, 1, bins, features, {1: n_codes + 1})
    inputs = Design.learn(ranks, features, {}).inputs(ranks)
    expected = LogisticRegression(C=0.3, max_iter=300).fit(inputs, bins).predict_proba(inputs)
    np.testing.assert_allclose(chances(ranks), expected, atol=1e-6)


@pytest.mark.parametrize("n_codes", [2, 3])
def test_codes_without_other_columns_come_by_their_shares(n_codes: int) -> None:
    codes = np.resize(np.arange(float(n_codes)), 31)
    bins = cut(codes, True, 24)
    chances = learn_chances(codes[:, None], 0, bins, np.array([], dtype=np.intp), {0: n_codes + 1})
    np.testing.assert_allclose(chances(codes[:3, None]), np.tile(np.bincount(bins) / 31, (3, 1)))


def test_chances_of_a_number_are_those_of_the_normal_conditional() -> None:
    ranks = regression()
    bins = cut(ranks[:, 1], False, 4)
    chances = learn_chances(ranks, 1, bins, np.array([0]), {})(ranks)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    score = norm.ppf((ranks[:, 0] + 0.5) / 600)
    edges = norm.ppf(np.cumsum(np.bincount(bins) / 600)[:-1])
    below = norm.cdf((edges - 0.8 * score[:, None]) / 0.6)
    expected = np.diff(np.column_stack([np.zeros(600), below, np.ones(600)]), axis=1)
    # A correlation of .8 is known from 600 rows to about .36 / sqrt(600) = .015.
    assert np.abs(chances - expected).max() < 0.06


def test_the_strength_of_the_ridge_is_that_of_leaving_out_one_row() -> None:
    ranks = regression(60, 0.3)
    bins = cut(ranks[:, 1], False, 4)
    chances = learn_chances(ranks, 1, bins, np.array([0]), {})
    inputs = chances.design.inputs(ranks)
    response = norm.ppf((ranks[:, 1] + 0.5) / 60)
    fitted = RidgeCV(np.logspace(-1, 3, 13)).fit(inputs, response)
    np.testing.assert_allclose(chances.weights[:, 0], fitted.coef_, atol=1e-6)


def test_missing_numbers_come_at_their_share_in_the_last_bin() -> None:
    ranks = regression(400)
    ranks[::4, 1] = -41.0
    values = np.where(ranks[:, 1] < 0, np.nan, ranks[:, 1])
    bins = cut(values, False, 5)
    chances = learn_chances(ranks, 1, bins, np.array([0]), {})(ranks)
    assert chances.shape == (400, 6)
    np.testing.assert_allclose(chances[:, -1], 0.25)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)


@pytest.mark.parametrize("column", [0, 1])
def test_arrays_make_the_same_chances(column: int) -> None:
    ranks = np.column_stack([regression(200)[:, 0], np.resize([0.0, 1.0, 1.0], 200)])
    bins = cut(ranks[:, column], column == 1, 6)
    chances = learn_chances(ranks, column, bins, np.array([1 - column]), {1: 3})
    again = LinearChances.from_arrays(chances.arrays())
    assert np.array_equal(again(ranks), chances(ranks))
