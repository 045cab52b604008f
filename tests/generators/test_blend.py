"""Blends of a forest and a line: which of the two a column is drawn from, and how well."""

from __future__ import annotations

import numpy as np
import pytest

from tablewright.generators.blend import Blend, Blended
from tablewright.generators.parts.bins import cut
from tablewright.generators.parts.linear import LinearChances, learn_chances
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import between


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def correlation(first: Floats, second: Floats) -> float:
    return float(np.asarray(np.corrcoef(first, second))[0, 1])


def line(n_rows: int = 150) -> Matrix:
    """Six columns that add up to a seventh."""
    values = rng().normal(size=(n_rows, 7))
    values[:, 6] = values[:, :6].sum(axis=1) + 0.3 * values[:, 6]
    return Matrix(values, tuple(Field(f"c{j}") for j in range(7)))


def step(n_rows: int = 150) -> Matrix:
    """A step on both sides of the middle, of which a line knows nothing."""
    values = rng().normal(size=(n_rows, 3))
    values[:, 2] = 3 * (abs(values[:, 0]) > 0.7) + 0.1 * values[:, 2]
    return Matrix(values, tuple(Field(name) for name in "abc"))


def last(matrix: Matrix) -> Blended:
    """What the last column is drawn from."""
    model = Blend().fit(matrix, rng())
    j = len(matrix.fields) - 1
    result = model.conditional(j, frozenset(range(j)))
    assert isinstance(result, Blended)
    return result


def test_sums_are_left_to_the_line_and_steps_to_the_forest() -> None:
    assert last(line()).share >= 0.7
    assert last(step()).share <= 0.3


def test_few_rows_of_a_sum_are_followed() -> None:
    rows = Blend().fit(line(100), rng()).sample(1000, rng(1))
    # Bins of a twentieth of 100 rows, and noise of 0.3 beside a spread of 2.5.
    assert correlation(rows[:, :6].sum(axis=1), rows[:, 6]) > 0.85


def test_a_share_that_is_asked_for_is_taken() -> None:
    model = Blend(share=1.0).fit(line(60), rng())
    result = model.conditional(6, frozenset(range(6)))
    assert isinstance(result, Blended)
    reached = result.reach(model.ranks_, rng(1), None)
    assert (reached >= len(result.forest.start)).all()


def test_chances_are_those_of_the_rows_that_share_them() -> None:
    """Normal residuals cut at a number's own shares give back its shares in the mean."""
    matrix = line(400)
    model = Blend().fit(matrix, rng())
    bins = cut(matrix.values[:, 6], False, 10)
    learned = learn_chances(model.ranks_, 6, bins, np.arange(6), {})
    probabilities = learned(model.ranks_)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_allclose(probabilities.mean(axis=0), 0.1, atol=0.02)
    assert probabilities[np.arange(400), bins].mean() > 0.3  # 0.1 by the shares alone
    again = LinearChances.from_arrays(learned.arrays())
    np.testing.assert_array_equal(again(model.ranks_), probabilities)


@pytest.mark.parametrize("codes", [2, 3])
def test_codes_follow_a_number(codes: int) -> None:
    number = rng().normal(size=200)
    code = np.digitize(number, [-0.5, 0.5][: codes - 1]).astype(float)
    matrix = Matrix(np.column_stack([number, code]), (Field("x"), Field("c", levels=codes)))
    rows = Blend().fit(matrix, rng()).sample(1000, rng(1))
    assert correlation(rows[:, 0], rows[:, 1]) > 0.6


def test_a_condition_reaches_both_parts() -> None:
    matrix = line(150)
    rows = Blend().fit(matrix, rng()).sample(300, rng(1), condition=between(6, 2.0, 99.0))
    real = matrix.values[matrix.values[:, 6] >= 2.0]
    assert (rows[:, 6] >= 2.0).all()
    gap = abs(rows[:, :6].sum(axis=1).mean() - real[:, :6].sum(axis=1).mean())
    assert gap < 2.0  # rows that are drawn without the condition are more than 3 away
