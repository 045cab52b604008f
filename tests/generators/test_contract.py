"""What every local generator promises, on the same tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from tablewright.errors import ConditionError, InputError
from tablewright.generators.base import Given
from tablewright.generators.bayes_net import BayesNet
from tablewright.generators.blend import Blend
from tablewright.generators.boosted import Boosted
from tablewright.generators.calibrated import Calibrated
from tablewright.generators.copula import GaussianCopula
from tablewright.generators.forest import Forest
from tablewright.generators.independent import Independent
from tablewright.generators.plugin import Plugin
from tablewright.generators.smotenc import SmoteNC
from tablewright.generators.trees import SequentialTrees
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tablewright.testing import check_generator
from tests.generators.conditions import Both, Rule, between
from tests.generators.tables import mixed

Make = Callable[[], Any]


class Repeats:
    """A foreign object: pandas in, pandas out, rows drawn with replacement."""

    def fit(self, frame: pd.DataFrame, discrete_columns: list[str]) -> None:
        assert isinstance(frame, pd.DataFrame)
        assert set(discrete_columns) <= set(frame.columns)
        self.frame = frame

    def set_random_state(self, seed: int) -> None:
        self.seed = seed

    def sample(self, n: int) -> pd.DataFrame:
        return self.frame.sample(n, replace=True, random_state=self.seed)


def boosted() -> Any:
    pytest.importorskip("xgboost")
    return Boosted(5, 3, max_rows=None, n_bins=6)


MAKERS = [
    Independent,
    GaussianCopula,
    SmoteNC,
    SequentialTrees,
    partial(Forest, 10, max_rows=None),
    boosted,
    partial(Blend, 5, max_rows=None, share=0.5),
    BayesNet,
    lambda: Plugin(Repeats()),
    lambda: Calibrated("trees", n_batches=3, batch_size=60),
]
makers = pytest.mark.parametrize("make", MAKERS)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def fitted(make: Make, matrix: Matrix | None = None) -> Any:
    return make().fit(mixed() if matrix is None else matrix, rng())


def ks_bound(n: int, m: int, alpha: float = 1e-4) -> float:
    """Distance that two samples of one distribution exceed with probability `alpha`."""
    return float(np.sqrt(-np.log(alpha / 2) / 2 * (n + m) / (n * m)))


@makers
def test_the_public_check_passes(make: Make) -> None:
    check_generator(make)


class Forgetful(Independent):
    """Draws given cells anew."""

    def sample(self, n_rows: int, rng: np.random.Generator, **_: Any) -> Floats:
        return super().sample(n_rows, rng, complete=True)


def test_the_public_check_finds_a_fault() -> None:
    with pytest.raises(AssertionError, match="given cells have to stay"):
        check_generator(Forgetful)


@makers
def test_rows_have_the_shape_and_the_codes_of_the_table(make: Make) -> None:
    rows = fitted(make).sample(500, rng(1))
    assert rows.shape == (500, 5)
    assert set(np.unique(rows[:, 2][~np.isnan(rows[:, 2])])) <= {0.0, 1.0, 2.0, 3.0}
    assert (rows[:, 1] == np.rint(rows[:, 1])).all()
    assert not np.isnan(rows[:, [0, 1, 4]]).any()


@makers
def test_the_same_seed_gives_the_same_rows(make: Make) -> None:
    model = fitted(make)
    first, again, other = (model.sample(50, rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other, equal_nan=True)


@makers
def test_a_restored_model_gives_the_same_rows(make: Make) -> None:
    model = fitted(make)
    if isinstance(model, Plugin):
        with pytest.raises(InputError, match="Repeats cannot be saved here"):
            model.state()
        return
    state = model.state()
    facts = json.loads(json.dumps(dict(state.facts)))
    again = model.restore(mixed().fields, type(state)(facts, dict(state.arrays)))
    condition = between(0, 1, 2)
    np.testing.assert_array_equal(model.sample(60, rng(1)), again.sample(60, rng(1)))
    np.testing.assert_array_equal(
        model.sample(60, rng(1), condition=condition), again.sample(60, rng(1), condition=condition)
    )


@makers
def test_given_cells_stay_and_complete_fills_the_rest(make: Make) -> None:
    values = mixed(300, seed=5).values
    known = rng(3).random(values.shape) < 0.5
    rows = fitted(make).sample(300, rng(1), given=Given(values, known), complete=True)
    np.testing.assert_array_equal(rows[known], values[known])
    assert not np.isnan(rows[~known]).any()


@pytest.mark.filterwarnings("ignore::tablewright.generators.parts.local.FewRowsWarning")
@makers
def test_every_row_meets_a_rare_condition(make: Make) -> None:
    matrix = mixed(20_000)
    cut = float(np.sort(matrix.values[:, 0])[-3])
    rows = fitted(make, matrix).sample(400, rng(1), condition=between(0, cut, 99))
    assert rows.shape == (400, 5)
    assert (rows[:, 0] >= cut).all()


@makers
def test_a_condition_over_two_columns_holds(make: Make) -> None:
    crossed = Rule("x > count + 2", (0, 1), lambda r: r[:, 0] > r[:, 1] + 2)
    rows = fitted(make).sample(300, rng(1), condition=crossed)
    assert (rows[:, 0] > rows[:, 1] + 2).all()


@makers
def test_given_and_condition_together(make: Make) -> None:
    values = np.full((100, 5), np.nan)
    values[:, 4] = np.arange(100) % 2
    known = np.zeros((100, 5), dtype=bool)
    known[:, 4] = True
    both = Both(between(0, 0.5, 1.5), between(1, 2, 4, "count"))
    rows = fitted(make).sample(100, rng(1), given=Given(values, known), condition=both)
    assert both.holds(rows).all()
    np.testing.assert_array_equal(rows[:, 4], values[:, 4])


@makers
def test_given_cells_that_contradict_the_condition_are_named(make: Make) -> None:
    values = np.full((3, 5), np.nan)
    values[:, 0] = [1.0, 7.0, 1.0]
    known = np.zeros((3, 5), dtype=bool)
    known[:, 0] = True
    both = Both(between(0, 0.5, 1.5), between(1, 2, 4, "count"))
    with pytest.raises(ConditionError, match=r"row 1: .*'x' contradicts x BETWEEN"):
        fitted(make).sample(3, rng(1), given=Given(values, known), condition=both)


@makers
def test_the_part_that_cannot_hold_is_named(make: Make) -> None:
    both = Both(between(0, 0.5, 1.5), between(1, 200, 300, "count"))
    with pytest.raises(ConditionError, match="no row can meet count BETWEEN 200 AND 300"):
        fitted(make).sample(3, rng(1), condition=both)


@makers
def test_a_condition_between_the_values_of_the_table_is_met(make: Make) -> None:
    matrix = Matrix(np.array([[0.0], [0.0], [1.0], [1.0]]).repeat(10, axis=0), (Field("x"),))
    rows = fitted(make, matrix).sample(40, rng(1), condition=between(0, 0.4, 0.6))
    assert ((rows >= 0.4) & (rows <= 0.6)).all()


@makers
@pytest.mark.parametrize(
    "values",
    [
        [[1.0, 0.0, 0.0]],
        [[1.0, 0.0, 0.0], [2.0, 1.0, 1.0]],
        [[1.0, 0.0, 0.0], [2.0, 1.0, 0.0], [4.0, np.nan, 0.0]],
        [[3.0, np.nan, 0.0], [3.0, np.nan, 1.0], [3.0, np.nan, 1.0]],
        [[np.nan, 1.0, 0.0], [np.nan, 0.0, 1.0], [np.nan, 1.0, np.nan]],
    ],
    ids=["one row", "two rows", "one class", "constant and all missing", "missing target"],
)
def test_the_smallest_tables_are_learned(make: Make, values: list[list[float]]) -> None:
    fields = (Field("x"), Field("colour", levels=2), Field("y", levels=2, target=True))
    matrix = Matrix(np.array(values), fields)
    rows = fitted(make, matrix).sample(50, rng(1))
    assert rows.shape == (50, 3)
    for j in range(3):
        column = matrix.values[:, j]
        assert np.isnan(column).any() or not np.isnan(rows[:, j]).any()
        if not np.isnan(column).all():
            present = rows[:, j][~np.isnan(rows[:, j])]
            assert (present >= np.nanmin(column)).all()
            assert (present <= np.nanmax(column)).all()


@makers
def test_no_rows_asked_for_gives_none(make: Make) -> None:
    assert fitted(make).sample(0, rng(1)).shape == (0, 5)


def test_independent_columns_follow_their_own_distribution() -> None:
    matrix = mixed()
    rows = fitted(Independent, matrix).sample(4000, rng(1))
    for j in range(5):
        real, drawn = matrix.values[:, j], rows[:, j]
        bound = ks_bound(2000, 4000)
        assert abs(np.isnan(real).mean() - np.isnan(drawn).mean()) < bound
        assert ks_2samp(real[~np.isnan(real)], drawn[~np.isnan(drawn)]).statistic < ks_bound(
            (~np.isnan(real)).sum(), (~np.isnan(drawn)).sum()
        )
