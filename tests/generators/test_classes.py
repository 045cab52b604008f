"""Rows that trees write for a class, and rows that they must not write again."""

import numpy as np
import pytest

from tablewright.generators.base import Given
from tablewright.generators.parts.class_model import ClassModel
from tablewright.generators.parts.training_rows import TrainingRowIndex
from tablewright.generators.trees import SequentialTrees
from tablewright.tables.encoding.codec import Field, Matrix


@pytest.fixture
def rare() -> Matrix:
    """A rare class that lies where the first and the last of four numbers differ."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 4))
    y = x[:, 0] - x[:, 3] > 2.2
    fields = (*(Field(f"x{k}") for k in range(4)), Field("y", levels=2, target=True))
    return Matrix(np.column_stack([x, y]), fields)


def of_class(code: float, n_rows: int, n_columns: int) -> Given:
    values = np.full((n_rows, n_columns), np.nan)
    values[:, -1] = code
    return Given(values, np.isfinite(values))


def test_rows_made_for_a_rare_class_lie_where_that_class_does(rare: Matrix) -> None:
    trees = SequentialTrees().fit(rare, np.random.default_rng(1))
    rows = trees.sample(1000, np.random.default_rng(2), given=of_class(1.0, 1000, 5))
    assert (rows[:, -1] == 1.0).all()
    by_column = np.random.default_rng(3).permuted(rare.values[rare.values[:, -1] == 1], axis=0)
    shuffled = (by_column[:, 0] - by_column[:, 3] > 2.2).mean()
    assert (rows[:, 0] - rows[:, 3] > 2.2).mean() > (1 + shuffled) / 2


def test_a_missing_class_can_be_asked_for(rare: Matrix) -> None:
    rows = rare.values.copy()
    rows[:50, -1] = np.nan
    trees = SequentialTrees().fit(Matrix(rows, rare.fields), np.random.default_rng(1))
    given = of_class(1.0, 20, 5)
    given.values[:10, -1] = np.nan
    result = trees.sample(20, np.random.default_rng(2), given=given)
    assert np.isnan(result[:10, -1]).all()
    assert not np.isnan(result[:, :4]).any()


def test_the_same_rows_come_after_a_model_was_restored(rare: Matrix) -> None:
    trees = SequentialTrees().fit(rare, np.random.default_rng(1))
    again = SequentialTrees.restore(rare.fields, trees.state())
    given = of_class(1.0, 30, 5)
    first, second = (m.sample(30, np.random.default_rng(2), given=given) for m in (trees, again))
    np.testing.assert_array_equal(first, second)


def test_a_model_of_one_class_has_no_doubts() -> None:
    rows = np.column_stack([np.arange(30.0), np.zeros(30)])
    fields = (Field("x"), Field("y", levels=1, target=True))
    assert (ClassModel(Matrix(rows, fields), 0).chances(rows) == 1.0).all()


def test_no_training_row_is_written_again_although_most_values_are_shared() -> None:
    rng = np.random.default_rng(0)
    rows = np.unique(rng.integers(0, 7, (900, 5)).astype(float), axis=0)
    fields = tuple(Field(f"x{k}", levels=7) for k in range(5))
    trees = SequentialTrees().fit(Matrix(rows, fields), rng)
    result = trees.sample(2000, rng)
    assert not {tuple(row) for row in result} & {tuple(row) for row in rows}


def test_rows_of_a_table_that_repeats_itself_may_come_again() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (500, 3)).astype(float)
    assert not TrainingRowIndex.learn(rows).contains(rows).any()
    trees = SequentialTrees().fit(Matrix(rows, tuple(Field(n, levels=2) for n in "abc")), rng)
    assert len(np.unique(trees.sample(500, rng), axis=0)) == 8
