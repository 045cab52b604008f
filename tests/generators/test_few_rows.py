"""Rare classes are written as what they are, by every generator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tablewright.generators.base import Bools, Generator, Given
from tablewright.generators.parts.few_rows import FewRows
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.generators.plugin import Plugin
from tablewright.registry import resolve
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import Rule, between

METHODS = ["trees", "copula", "independent", "smotenc", "forest", "blend", "boosted", "plugin"]
METHODS.append("bayes-net")
FIELDS = (
    Field("a"),
    Field("b", step=1.0),
    Field("channel", levels=3),
    Field("y", levels=2, target=True),
)


ONE_COLUMN = (Field("a"), Field("y", levels=2, target=True))


class Repeats:
    """A synthesizer of frames that draws real rows again."""

    def fit(self, frame: Any) -> None:
        self.frame = frame

    def sample(self, n: int) -> Any:
        return self.frame.sample(n, replace=True, random_state=0).reset_index(drop=True)


def table(n_rare: int, n_rows: int = 400, seed: int = 0) -> Matrix:
    """Two classes, three standard deviations apart in both numbers."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_rows) < n_rare
    a = rng.normal(0, 1, n_rows) + 3 * y
    b = np.round(rng.normal(0, 20, n_rows) - 60 * y)
    channel = np.where(y, 2, rng.integers(0, 2, n_rows))
    return Matrix(np.column_stack([a, b, channel, y])[rng.permutation(n_rows)], FIELDS)


def fitted(method: str, matrix: Matrix) -> Generator:
    options: dict[str, dict[str, Any]] = {
        "blend": {"n_trees": 5, "share": 0.5},
        "boosted": {"n_trees": 5},
    }
    if method == "plugin":
        pytest.importorskip("pandas")
        return Plugin(Repeats()).fit(matrix, np.random.default_rng(1))
    if method == "boosted":
        pytest.importorskip("xgboost")
    result: Generator = resolve("generators", method)(**options.get(method, {}))
    return result.fit(matrix, np.random.default_rng(1))


def of_class(n_rows: int) -> Given:
    values = np.full((n_rows, 4), np.nan)
    values[:, 3] = 1.0
    return Given(values, np.arange(4) == np.full((n_rows, 1), 3))


def few_rows(matrix: Matrix, n_rows: int) -> Floats:
    """Rows of class 1 of a table whose last column is the class."""
    known = np.tile(np.arange(len(matrix.fields)) == len(matrix.fields) - 1, (n_rows, 1))
    base = matrix.values[matrix.values[:, -1] == 1]
    few = FewRows.learn(matrix)
    return few.draw(base, Given(np.where(known, 1.0, np.nan), known), np.random.default_rng(1))


def on_their_side(rows: Floats) -> Bools:
    """The best linear rule: both numbers together past the middle between the classes."""
    right: Bools = (rows[:, 0] - rows[:, 1] / 20 > 3) & (rows[:, 2] == 2)
    return right


@pytest.mark.parametrize("n_rare", [3, 8, 20])
@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_rare_class_lie_on_its_side(method: str, n_rare: int) -> None:
    model = fitted(method, table(n_rare))
    rows = model.sample(400, np.random.default_rng(2), given=of_class(400))
    assert on_their_side(rows).mean() >= 0.98
    assert (rows[:, 3] == 1).all()


@pytest.mark.parametrize("n_rare", [2, 4, 12, 20])
@pytest.mark.parametrize("method", ["trees", "copula", "independent", "smotenc"])
def test_rows_of_a_rare_class_in_a_table_of_one_column_lie_on_its_side(
    method: str, n_rare: int
) -> None:
    shares = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        y = np.arange(200) < n_rare
        matrix = Matrix(np.column_stack([rng.normal(0, 1, 200) + 3 * y, y]), ONE_COLUMN)
        given = Given(np.tile([np.nan, 1.0], (200, 1)), np.tile([False, True], (200, 1)))
        rows = fitted(method, matrix).sample(200, np.random.default_rng(2), given=given)
        shares.append((rows[:, 0] > 1.5).mean())
    assert min(shares) >= 0.98


@pytest.mark.parametrize("n_rare", [6, 25])
def test_rows_of_a_rare_class_spread_as_fresh_rows_of_it_do(n_rare: int) -> None:
    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        y = np.arange(300) < n_rare
        cells = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 300) + 0.5 * y[:, None]
        matrix = Matrix(np.column_stack([cells, y]), (Field("a"), Field("b"), ONE_COLUMN[1]))
        rows = few_rows(matrix, 500)
        (a, both), (_, b) = np.cov(rows[:, :2].T)
        ratios.append([a**0.5, b**0.5, both / (a * b) ** 0.5])
    # Of fresh rows 1, 1 and .8; the means of 8 tables of 6 rows vary by about .1.
    assert np.allclose(np.mean(ratios, axis=0), [1, 1, 0.8], atol=0.25)


def test_a_number_that_stands_for_none_stays_so_in_rows_of_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(300) < 10
    gain = np.where(rng.random(300) < 0.7, 0.0, np.round(rng.lognormal(7, 1, 300), 2))
    gain[:10] = [0, 0, 0, 0, 0, 0, 0, 900.5, 2200.25, 400.75]
    matrix = Matrix(np.column_stack([gain, y]), ONE_COLUMN)
    rows = few_rows(matrix, 1000)
    # A row takes the spike of itself or of a neighbour, of which the mean share is that of all.
    assert 0.55 < (rows[:, 0] == 0).mean() < 0.85
    assert not ((rows[:, 0] > 0) & (rows[:, 0] < 5)).mean() > 0.01


def test_codes_of_a_rare_row_come_together_anew_from_rows_of_its_class() -> None:
    codes = np.array([[0, 0], [1, 1], [2, 2], [0, 1], [1, 2], [2, 0]], dtype=np.float64)
    rest = np.random.default_rng(0).integers(0, 4, (200, 2))
    fields = (Field("a", levels=4), Field("b", levels=4), ONE_COLUMN[1])
    y = np.arange(206) < 6
    rows = few_rows(Matrix(np.column_stack([np.vstack([codes, rest]), y]), fields), 600)
    assert len(np.unique(rows[:, :2], axis=0)) == 9  # every pair of 0, 1 and 2, and no 3
    assert rows[:, :2].max() == 2


def test_overlapping_classes_are_not_pushed_apart() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(400) < 25
    matrix = Matrix(np.column_stack([rng.normal(0, 1, 400) + y, y]), ONE_COLUMN)
    real = matrix.values[y, 0]
    rows = few_rows(matrix, 2000)
    assert abs(rows[:, 0].mean() - real.mean()) < 0.15
    assert abs((rows[:, 0] < 0.5).mean() - (real < 0.5).mean()) < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_rare_code_lie_on_its_side(method: str) -> None:
    mask = np.array([False, False, True, False])
    only_api = Rule("channel = 'api'", (2,), lambda rows: rows[:, 2] == 2, {2: mask})
    model = fitted(method, table(8))
    rows = model.sample(300, np.random.default_rng(2), condition=only_api)
    assert on_their_side(rows).mean() >= 0.98


@pytest.mark.parametrize("method", METHODS)
def test_a_rare_class_drawn_by_chance_lies_on_its_side(method: str) -> None:
    rows = fitted(method, table(20)).sample(1000, np.random.default_rng(2))
    rare = rows[rows[:, 3] == 1]
    assert 20 < len(rare) < 90
    assert on_their_side(rare).mean() >= 0.95


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_rare_class_are_no_copies(method: str) -> None:
    matrix = table(3)
    rows = fitted(method, matrix).sample(300, np.random.default_rng(2), given=of_class(300))
    assert not (rows[:, None, :2] == matrix.values[None, :, :2]).all(axis=2).any()
    assert len(np.unique(rows[:, 0])) > 250


@pytest.mark.parametrize("n_rare", [1, 2])
def test_a_class_of_one_or_two_rows_is_written_near_them_and_noted(n_rare: int) -> None:
    matrix = table(n_rare)
    model = fitted("trees", matrix)
    with pytest.warns(FewRowsWarning, match="real row"):
        rows = model.sample(200, np.random.default_rng(2), given=of_class(200))
    real = matrix.values[matrix.values[:, 3] == 1, 0]
    # Half way to the other row at most, and four deviations of the noise around it, which is as
    # wide as the class spreads: the normal rule of one row and two numbers is 1.
    assert np.abs(rows[:, [0]] - real).min(axis=1).max() < np.ptp(real) / 2 + 4 * 1.1


def test_cells_given_beside_a_rare_class_stay_and_lead_to_rows_near_them() -> None:
    matrix = table(20)
    low, high = np.quantile(matrix.values[matrix.values[:, 3] == 1, 0], [0.05, 0.95])
    given = of_class(200)
    given.values[:, 0] = np.repeat([low, high], 100)
    given.known[:, 0] = True
    rows = fitted("trees", matrix).sample(200, np.random.default_rng(2), given=given)
    assert np.array_equal(rows[:, 0], given.values[:, 0])
    assert on_their_side(rows)[100:].all()


def test_a_condition_few_rows_meet_is_met_by_all_written_rows() -> None:
    matrix = table(14)
    cut = float(np.sort(matrix.values[:, 0])[-5])
    condition = between(0, cut, 99)
    rows = fitted("trees", matrix).sample(300, np.random.default_rng(2), condition=condition)
    assert condition.holds(rows).all()
    assert (rows[:, 3] == 1).mean() >= 0.98


@pytest.mark.parametrize("method", ["trees", "copula", "independent", "smotenc"])
def test_a_restored_model_writes_the_same_rare_rows(method: str) -> None:
    model = fitted(method, table(8))
    again = type(model).restore(FIELDS, model.state())
    first, second = (
        m.sample(50, np.random.default_rng(3), given=of_class(50)) for m in (model, again)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("method", ["copula", "independent"])
def test_no_real_rare_row_is_stored_where_the_model_needs_none(method: str) -> None:
    matrix = table(8)
    rare = matrix.values[matrix.values[:, 3] == 1, 0]
    stored = fitted(method, matrix).state().arrays["few/rows"]
    assert not np.isin(stored[:, 0], rare).any()
