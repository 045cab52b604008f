"""The copula against distributions that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest, multivariate_normal, norm

from tablewright.generators.base import Given
from tablewright.generators.copula import GaussianCopula
from tablewright.generators.parts.gaussian import NormalPart, with_missing_code
from tablewright.generators.parts.truncated_normal import correlate
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import Rule, between
from tests.generators.tables import gaussian, mixed


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def fitted(matrix: Matrix, **options: int) -> GaussianCopula:
    return GaussianCopula(**options).fit(matrix, rng())


def fixing(n_rows: int, n_columns: int, **cells: float) -> Given:
    """Rows with the same cells known; ``c1=2.0`` fixes column 1."""
    values = np.full((n_rows, n_columns), np.nan)
    known = np.zeros_like(values, dtype=bool)
    for name, value in cells.items():
        values[:, int(name[1:])], known[:, int(name[1:])] = value, True
    return Given(values, known)


def correlation(rows: Floats) -> float:
    """Of the first two columns."""
    a, b = rows[:, 0] - rows[:, 0].mean(), rows[:, 1] - rows[:, 1].mean()
    return float((a @ b) / np.sqrt((a @ a) * (b @ b)))


def test_the_correlation_of_normal_columns_comes_back() -> None:
    rows = fitted(gaussian(rho=0.8)).sample(20_000, rng(1))
    # Standard error of the learned correlation: (1 - 0.64) / sqrt(4000) = 0.006.
    assert correlation(rows) == pytest.approx(0.8, abs=4 * 0.0065)


@pytest.mark.parametrize("value", [-1.5, 0.0, 1.0])
def test_a_given_number_gives_the_normal_conditional(value: float) -> None:
    rows = fitted(gaussian(20_000, rho=0.8)).sample(3000, rng(1), given=fixing(3000, 2, c0=value))
    assert (rows[:, 0] == value).all()
    # The mean is off by the error of rho and of the marginals, both below 0.02 here.
    assert rows[:, 1].mean() == pytest.approx(0.8 * value, abs=0.02 + 4 * 0.6 / np.sqrt(3000))
    assert rows[:, 1].std() == pytest.approx(0.6, abs=0.03)


def test_a_given_block_gives_the_truncated_conditional() -> None:
    matrix = gaussian(40_000, rho=0.8)
    coded = Matrix(
        np.column_stack([matrix.values[:, 0] > 1, matrix.values[:, 1]]),
        (Field("high", levels=2, ordered=True), Field("b")),
    )
    rows = fitted(coded).sample(5000, rng(1), given=fixing(5000, 2, c0=1.0))
    # b = 0.8 a + 0.6 e with a > 1, whose mean is the inverse Mills ratio at 1.
    mills = norm.pdf(1) / norm.sf(1)
    variance = 0.64 * (1 + mills - mills**2) + 0.36
    assert rows[:, 1].mean() == pytest.approx(0.8 * mills, abs=0.05)
    assert rows[:, 1].var() == pytest.approx(variance, abs=0.08)


@pytest.mark.parametrize("cut", [-1.0, 0.0, 1.2])
@pytest.mark.parametrize("rho", [-0.6, 0.3, 0.8])
def test_the_correlation_behind_a_cut_column_is_corrected(cut: float, rho: float) -> None:
    values = gaussian(50_000, rho).values.copy()
    values[:, 0] = values[:, 0] > cut
    part = NormalPart.learn(
        Matrix(values, (Field("a", levels=2, ordered=True), Field("b"))), {}, ()
    )
    # Biserial correlation: the correction is exact; the error is that of sampling.
    assert part.correlation[0, 1] == pytest.approx(rho, abs=0.025)


def test_correlations_of_incomplete_columns_use_the_rows_that_have_both() -> None:
    scores = gaussian(20_000, 0.7).values.copy()
    scores[rng(1).random(len(scores)) < 0.4, 0] = np.nan
    learned, variance = correlate(scores)
    assert learned[0, 1] == pytest.approx(0.7, abs=0.02)
    assert variance[0, 1] == pytest.approx((1 - 0.49) ** 2 / 12_000, rel=0.1)


def compliant(matrix: Matrix, rule: Rule, n_rows: int) -> Floats:
    """Rows of the model that comply by chance."""
    rows = fitted(matrix).sample(n_rows, rng(7))
    return rows[rule.holds(rows)]


@pytest.mark.parametrize(
    "rule",
    [
        between(0, 2.0, 3.0),
        Rule(
            "x > 1 AND colour = 'b'",
            (0, 2),
            lambda r: (r[:, 0] > 1) & (r[:, 2] == 1),
            {0: ((1.0, np.inf),), 2: np.array([False, True, False, False, False])},
        ),
        Rule(
            "amount IS NULL AND count > 4",
            (1, 3),
            lambda r: np.isnan(r[:, 3]) & (r[:, 1] > 4),
            {1: ((5.0, np.inf),), 3: ((np.nan, np.nan),)},
        ),
        Rule("x > count", (0, 1), lambda r: r[:, 0] > r[:, 1]),
        Rule(
            "y = 1 AND x < 0.5",
            (0, 4),
            lambda r: (r[:, 0] < 0.5) & (r[:, 4] == 1),
            {0: ((-np.inf, 0.5),), 4: np.array([False, True, False])},
        ),
    ],
    ids=str,
)
def test_conditioned_rows_are_as_rows_that_comply_by_chance(rule: Rule) -> None:
    matrix = mixed()
    requested = compliant(matrix, rule, 100_000)
    rows = fitted(matrix).sample(2000, rng(1), condition=rule)
    assert rule.holds(rows).all()
    for j in range(rows.shape[1]):
        ours, theirs = (np.nan_to_num(part[:, j], nan=-99.0) for part in (rows, requested))
        size = len(ours) * len(theirs) / (len(ours) + len(theirs))
        bound = np.sqrt(-np.log(1e-4 / 2) / 2 / size)
        # Particles are chosen by weight: their effective number is below that of the rows.
        assert ks_2samp(ours, theirs).statistic < 1.5 * bound, matrix.fields[j].name


def test_the_class_follows_from_given_cells() -> None:
    matrix = mixed(20_000)
    values, y = matrix.values, matrix.values[:, 4]
    near = np.abs(values[:, 0] - 1.5) < 0.1
    rows = fitted(matrix).sample(4000, rng(1), given=fixing(4000, 5, c0=1.5))
    # Posterior of N(0, 1) against N(2, 1) at 1.5 with odds of 3 to 1.
    odds = 0.25 * norm.pdf(-0.5) / (0.75 * norm.pdf(1.5))
    assert y[near].mean() == pytest.approx(odds / (1 + odds), abs=0.06)
    assert rows[:, 4].mean() == pytest.approx(odds / (1 + odds), abs=0.06)


def test_small_classes_share_a_copula_and_keep_their_rate() -> None:
    matrix = mixed(3000)
    values = matrix.values.copy()
    values[:9, 4], values[9:15, 4] = 2.0, 3.0
    fields = (*matrix.fields[:4], Field("y", levels=4, target=True))
    model = fitted(Matrix(values, fields))
    drawn = model.sample(60_000, rng(1))[:, 4]
    for label, count in ((2, 9), (3, 6)):
        assert (drawn == label).mean() == pytest.approx(count / 3000, rel=0.4)
    asked = model.sample(50, rng(1), given=fixing(50, 5, c4=3.0))
    assert (asked[:, 4] == 3).all()


def test_missing_values_come_at_their_rate_and_with_their_companions() -> None:
    generator = rng(0)
    dropped = generator.random(4000) < 0.3
    x = generator.normal(size=4000)
    hint = np.where(dropped, 1.0, 0.0) + (generator.random(4000) < 0.05)
    matrix = Matrix(
        np.column_stack([np.where(dropped, np.nan, x), np.minimum(hint, 1)]),
        (Field("x"), Field("hint", levels=2)),
    )
    rows = fitted(matrix).sample(20_000, rng(1))
    missing = np.isnan(rows[:, 0])
    real = np.isnan(matrix.values[:, 0])
    assert missing.mean() == pytest.approx(real.mean(), abs=0.02)
    assert rows[missing, 1].mean() > 0.9
    assert rows[~missing, 1].mean() < 0.15


def test_imputed_values_follow_the_cells_beside_them() -> None:
    matrix = gaussian(5000, 0.9)
    values = matrix.values.copy()
    values[rng(3).random(5000) < 0.3, 1] = np.nan
    model = fitted(Matrix(values, matrix.fields))
    known = ~np.isnan(values)
    filled = model.sample(5000, rng(1), given=Given(values, known), complete=True)
    dropped = ~known[:, 1]
    assert not np.isnan(filled).any()
    assert correlation(filled[dropped]) == pytest.approx(0.9, abs=0.03)


def test_numbers_of_a_continuous_column_are_new_and_grids_and_masses_hold() -> None:
    generator = rng(0)
    amount = np.where(generator.random(1000) < 0.4, 0.0, generator.exponential(1000.0, 1000))
    price = np.round(generator.gamma(2, 10, 1000) / 0.05) * 0.05
    fields = (Field("amount"), Field("price", step=0.01), Field("age", step=1.0))
    age = generator.integers(18, 90, 1000)
    matrix = Matrix(np.column_stack([amount, np.round(price, 2), age]), fields)
    rows = fitted(matrix).sample(10_000, rng(1))
    drawn = rows[:, 0]
    assert not np.isin(drawn[drawn != 0], amount).any()
    assert (drawn == 0).mean() == pytest.approx(0.4, abs=0.05)
    assert (rows[:, 1] == np.round(rows[:, 1], 2)).all()
    assert np.isin(rows[:, 2], age).all()
    assert kstest(rows[:, 2], age).statistic < 0.06


def test_nearly_collinear_columns_stay_so() -> None:
    generator = rng(0)
    radius = generator.gamma(9, 1, 300)
    ring = 6.283 * radius + generator.normal(0, 0.05, 300)
    rows = fitted(Matrix(np.column_stack([radius, ring]), (Field("r"), Field("c")))).sample(
        3000, rng(1)
    )
    assert correlation(rows) > 0.99


def test_a_column_of_very_many_codes_is_no_burden() -> None:
    generator = rng(0)
    codes = generator.integers(0, 50_000, 60_000)
    target = (codes % 2 == 0) ^ (generator.random(60_000) < 0.1)
    fields = (Field("code", levels=50_000), Field("y", levels=2, target=True))
    matrix = Matrix(np.column_stack([codes, target]).astype(float), fields)
    rows = fitted(matrix, min_class=10**6).sample(20_000, rng(1))
    even = rows[:, 0] % 2 == 0
    assert len(np.unique(rows[:, 0])) > 10_000
    assert rows[even, 1].mean() - rows[~even, 1].mean() > 0.5


def test_rows_of_one_class_do_not_follow_the_other() -> None:
    generator = rng(0)
    y = np.arange(2000) % 2
    sign = np.where(y == 1, 0.9, -0.9)
    a = generator.normal(size=2000)
    b = sign * a + np.sqrt(1 - 0.81) * generator.normal(size=2000)
    fields = (Field("a"), Field("b"), Field("y", levels=2, target=True))
    rows = fitted(Matrix(np.column_stack([a, b, y]), fields)).sample(4000, rng(1))
    for label, expected in ((0, -0.9), (1, 0.9)):
        some = rows[rows[:, 2] == label]
        assert correlation(some) == pytest.approx(expected, abs=0.04)


def test_missing_codes_are_a_value_after_the_others() -> None:
    matrix = Matrix(np.array([[0.0], [np.nan]]), (Field("c", levels=2),))
    coded = with_missing_code(matrix)
    np.testing.assert_array_equal(coded.values, [[0.0], [2.0]])
    assert coded.fields[0].levels == 3


def test_a_box_far_out_is_drawn_with_the_right_shape() -> None:
    matrix = gaussian(20_000, 0.8)
    rule = Rule(
        "a > 2 AND b < 0",
        (0, 1),
        lambda r: (r[:, 0] > 2) & (r[:, 1] < 0),
        {0: ((2.0, np.inf),), 1: ((-np.inf, 0.0),)},
    )
    probability = multivariate_normal([0, 0], [[1, -0.8], [-0.8, 1]]).cdf([-2, 0])
    assert probability < 1e-3
    rows = fitted(matrix).sample(1000, rng(1), condition=rule)
    assert rule.holds(rows).all()
    many = rng(2).multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 4_000_000)
    requested = many[rule.holds(many)]
    for j in range(2):
        # The tail of the learned marginal rests on 450 rows.
        assert ks_2samp(rows[:, j], requested[:, j]).statistic < 0.15


def test_correlations_of_a_small_class_lean_towards_those_of_the_others() -> None:
    def learned(sign: float) -> float:
        draws = rng(3)
        y = np.arange(640) >= 600
        a = draws.normal(size=640)
        b = np.where(y, 0.3, sign * 0.9) * a + draws.normal(size=640) / 2
        fields = (Field("a"), Field("b"), Field("y", levels=2, target=True))
        model = fitted(Matrix(np.column_stack([a, b, y]), fields))
        return correlation(model.sample(20_000, rng(1), given=fixing(20_000, 3, c2=1.0)))

    # the same 40 rows beside 600 of either sign; without shrinkage both would be equal
    assert learned(1.0) > learned(-1.0) + 0.03
