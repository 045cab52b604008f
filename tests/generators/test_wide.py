"""Wide tables: a column is drawn from few of those before it, and from the right ones."""

from __future__ import annotations

import numpy as np
import pytest

from tablewright.generators.base import Given
from tablewright.generators.trees import SequentialTrees
from tablewright.tables.encoding.codec import Field, Matrix

WIDTH, ROWS = 60, 600


@pytest.fixture(scope="module")
def trees() -> SequentialTrees:
    """A table whose last column follows the first; the second is the target."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(ROWS, WIDTH))
    values[:, 1] = values[:, 0] > 1
    values[:, -1] = values[:, 0] + rng.normal(0, 0.1, ROWS)
    fields = [Field(f"c{j}") for j in range(WIDTH)]
    fields[1] = Field("c1", levels=2, target=True)
    return SequentialTrees().fit(Matrix(values, tuple(fields)), rng)


def test_column_is_drawn_from_thirty_at_most_and_the_target(trees: SequentialTrees) -> None:
    asked = dict(trees.sequence(trees.order))
    assert max(map(len, asked.values())) == 30
    assert all(1 in features for j, features in asked.items() if j != 1)
    assert 0 in asked[WIDTH - 1]


def test_narrow_columns_ask_about_all_before_them(trees: SequentialTrees) -> None:
    assert [len(features) for _, features in trees.sequence(trees.order)][:31] == list(range(31))


def test_what_goes_together_far_apart_is_kept(trees: SequentialTrees) -> None:
    rows = trees.sample(1_000, np.random.default_rng(1))
    assert np.corrcoef(rows[:, 0], rows[:, -1])[0, 1] > 0.9


def test_given_cell_far_apart_is_followed(trees: SequentialTrees) -> None:
    values = np.full((400, WIDTH), np.nan)
    values[:, -1] = 2.0
    given = Given(values, ~np.isnan(values))
    rows = trees.sample(400, np.random.default_rng(1), given=given)
    assert rows[:, 0].mean() > 1.5


def test_stored_model_draws_the_same_rows(trees: SequentialTrees) -> None:
    again = SequentialTrees.restore(trees.fields_, trees.state())
    drawn = trees.sample(50, np.random.default_rng(2))
    assert np.array_equal(again.sample(50, np.random.default_rng(2)), drawn)
