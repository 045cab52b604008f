"""SMOTE-NC: on the line between neighbours, in the class, by vote."""

from __future__ import annotations

import numpy as np
import pytest

from tablewright.generators.base import Given
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.generators.smotenc import SmoteNC
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import Rule
from tests.generators.tables import mixed


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def two_clouds(n_rows: int = 400) -> Matrix:
    """Class 0 round (0, 0) in colour 0, class 1 round (10, 10) in colour 1."""
    generator = rng(0)
    y = (np.arange(n_rows) % 4 == 0).astype(float)
    points = generator.normal(10 * y[:, None], 1, (n_rows, 2))
    fields = (Field("a"), Field("b"), Field("colour", levels=2), Field("y", levels=2, target=True))
    return Matrix(np.column_stack([points, y, y]), fields)


def of_class(label: float, n_rows: int) -> Given:
    values = np.full((n_rows, 4), np.nan)
    values[:, 3] = label
    known = np.zeros((n_rows, 4), dtype=bool)
    known[:, 3] = True
    return Given(values, known)


def test_rows_lie_between_two_rows_of_their_class() -> None:
    matrix = two_clouds()
    rows = SmoteNC().fit(matrix, rng()).sample(300, rng(1))
    for label in (0.0, 1.0):
        real = matrix.values[matrix.values[:, 3] == label][:, :2]
        drawn = rows[rows[:, 3] == label][:, :2]
        for point in drawn[:50]:
            ahead, behind = real[:, None] - point, point - real[None]
            cross = ahead[..., 0] * behind[..., 1] - ahead[..., 1] * behind[..., 0]
            inside = (ahead * behind).sum(axis=2) >= 0
            assert (inside & (np.abs(cross) < 1e-9)).any()
    assert (rows[:, 2] == rows[:, 3]).all()
    assert rows[:, 3].mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 300))


def test_the_class_asked_for_is_the_class_given() -> None:
    rows = SmoteNC().fit(two_clouds(), rng()).sample(200, rng(1), given=of_class(1.0, 200))
    assert (rows[:, 3] == 1).all()
    assert (rows[:, :2] > 5).all()


def test_no_more_rows_than_asked_for_are_kept_per_class() -> None:
    model = SmoteNC(max_base=60).fit(two_clouds(), rng())
    assert np.bincount(model.classes_).tolist() == [60, 60]
    drawn = model.sample(20_000, rng(1))[:, 3]
    assert drawn.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 20_000))


def test_the_vote_of_the_neighbours_decides_on_codes_and_gaps() -> None:
    generator = rng(0)
    x = np.concatenate([generator.normal(0, 0.1, 50), generator.normal(9, 0.1, 50)])
    colour = np.repeat([0.0, 2.0], 50)
    amount = np.concatenate([np.full(50, np.nan), generator.normal(5, 1, 50)])
    matrix = Matrix(
        np.column_stack([x, colour, amount]),
        (Field("x"), Field("colour", levels=3), Field("amount")),
    )
    rows = SmoteNC().fit(matrix, rng()).sample(400, rng(1))
    left = rows[:, 0] < 5
    assert set(rows[left, 1]) == {0.0}
    assert set(rows[~left, 1]) == {2.0}
    assert np.isnan(rows[left, 2]).all()
    assert not np.isnan(rows[~left, 2]).any()


def test_given_numbers_choose_the_neighbourhood() -> None:
    values = np.full((50, 4), np.nan)
    values[:, 0] = 10.0
    known = np.zeros((50, 4), dtype=bool)
    known[:, 0] = True
    rows = SmoteNC().fit(two_clouds(), rng()).sample(50, rng(1), given=Given(values, known))
    assert (rows[:, 0] == 10).all()
    assert (rows[:, 1:] > [5, 0.5, 0.5]).all()


def test_without_a_discrete_target_all_rows_are_one_class() -> None:
    generator = rng(0)
    x = generator.uniform(0, 10, 500)
    fields = (Field("x"), Field("y", target=True))
    matrix = Matrix(np.column_stack([x, 2 * x]), fields)
    rows = SmoteNC().fit(matrix, rng()).sample(300, rng(1))
    np.testing.assert_allclose(rows[:, 1], 2 * rows[:, 0])
    assert not np.isin(rows[:, 0], x).any()


def test_a_class_of_one_row_is_joined_to_the_nearest_of_the_others() -> None:
    values = np.array([[0.0, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0], [4.0, 0, 0, 1]])
    matrix = Matrix(values, two_clouds().fields)
    generator = SmoteNC(k_neighbors=1).fit(matrix, rng())
    with pytest.warns(FewRowsWarning, match="one real row has what was asked for"):
        rows = generator.sample(60, rng(1), given=of_class(1.0, 60))
    assert (rows[:, 3] == 1).all()
    assert ((rows[:, 0] >= 2) & (rows[:, 0] <= 4)).all()
    assert len(np.unique(rows[:, 0])) == 60


def test_neighbours_are_those_of_a_full_distance_matrix() -> None:
    matrix = mixed(300)
    model = SmoteNC().fit(matrix, rng())
    base, space = model.base_.values, model._space
    features = [0, 1, 2, 3]
    seen = np.where(np.isnan(base), 0.0, (base - space.centre) / space.scale)
    dropped = np.isnan(base)
    for row in range(0, 300, 29):
        distance = np.zeros(300)
        for j in features:
            if j == 2:
                codes = np.nan_to_num(base[:, j], nan=-1)
                distance += codes != codes[row]
            else:
                filled = np.where(dropped[:, j], 0.0, seen[:, j])
                distance += (filled - filled[row]) ** 2 + (dropped[:, j] != dropped[row, j])
        distance[(model.classes_ != model.classes_[row])] = np.inf
        distance[row] = np.inf
        nearest = np.sort(distance)[:5]
        np.testing.assert_allclose(np.sort(distance[model.neighbours_[row]]), nearest)


def test_rows_as_near_as_each_other_are_all_chosen() -> None:
    colour = np.repeat([0.0, 1.0], 200)
    matrix = Matrix(np.column_stack([colour, np.arange(400.0)]), (Field("c", levels=2), Field("x")))
    values = np.full((2000, 2), np.nan)
    values[:, 0] = 1.0
    rows = SmoteNC().fit(matrix, rng()).sample(2000, rng(1), given=Given(values, ~np.isnan(values)))
    assert len(np.unique(np.floor(rows[:, 1]))) > 150
    assert (rows[:, 1] > 190).all()


def spread(rows: Floats) -> float:
    return float(rows[:, 0].std())


def test_a_condition_keeps_what_the_rest_of_the_row_is_like() -> None:
    matrix = mixed(4000)
    rule = Rule("x > 2", (0,), lambda r: r[:, 0] > 2, {0: ((2.0, np.inf),)})
    rows = SmoteNC().fit(matrix, rng()).sample(1000, rng(1), condition=rule)
    real = matrix.values[matrix.values[:, 0] > 2]
    error = np.sqrt(0.25 / len(real) + 0.25 / 1000)
    assert rows[:, 4].mean() == pytest.approx(real[:, 4].mean(), abs=4 * error)
    assert spread(rows) == pytest.approx(spread(real), rel=0.15)
