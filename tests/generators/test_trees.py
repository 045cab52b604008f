"""Sequential trees: what they reproduce, what they do not give away, how they meet conditions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tablewright.generators.base import Given
from tablewright.generators.trees import SequentialTrees
from tablewright.tables.encoding.codec import Field, Floats, Matrix
from tests.generators.conditions import Both, Rule, between
from tests.generators.tables import gaussian, mixed
from tests.people import ks_bound


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def correlation(first: Floats, second: Floats) -> float:
    return float(np.asarray(np.corrcoef(first, second))[0, 1])


def fitted(matrix: Matrix, **options: int) -> SequentialTrees:
    return SequentialTrees(**options).fit(matrix, rng())


def test_each_column_is_distributed_as_in_the_table() -> None:
    matrix = mixed(4000)
    rows = fitted(matrix).sample(4000, rng(1))
    for j in range(5):
        real, created = matrix.values[:, j], rows[:, j]
        assert abs(np.isnan(real).mean() - np.isnan(created).mean()) < ks_bound(4000, 4000)
        real, created = real[~np.isnan(real)], created[~np.isnan(created)]
        result = ks_2samp(real, created, method="asymp").statistic
        assert result < ks_bound(len(real), len(created))


def test_columns_go_along_with_each_other_as_in_the_table() -> None:
    rows = fitted(gaussian(4000, 0.8)).sample(4000, rng(1))
    # The correlation of 4,000 rows varies by (1 - 0.64) / sqrt(4,000); leaves take a little off.
    assert 0.8 - 0.06 < correlation(*rows.T) < 0.8 + 4 * 0.36 / np.sqrt(4000)


def test_no_real_row_or_rare_value_comes_back() -> None:
    matrix = gaussian(500)
    rows = fitted(matrix).sample(5000, rng(1))
    for j in range(2):
        assert np.isin(rows[:, j], matrix.values[:, j]).mean() < 0.01
    assert not (rows[:, None] == matrix.values[None]).all(axis=2).any()


def test_values_that_many_rows_share_come_back_as_they_are() -> None:
    matrix = mixed(2000)
    rows = fitted(matrix).sample(2000, rng(1))
    zeros = (matrix.values[:, 3] == 0).mean()
    assert abs((rows[:, 3] == 0).mean() - zeros) < ks_bound(2000, 2000)
    two = Matrix(rng().choice([0.25, 7.75], (200, 2)), (Field("a"), Field("b")))
    assert set(np.unique(fitted(two).sample(500, rng(1)))) == {0.25, 7.75}


def test_values_stay_on_the_grid_of_the_column() -> None:
    rows = fitted(Matrix(np.arange(400.0)[:, None] * 0.5, (Field("x", step=0.5),)))
    result = rows.sample(500, rng(1))
    assert (result / 0.5 == np.round(result / 0.5)).all()


def test_larger_leaves_give_away_less() -> None:
    matrix = gaussian(1000, 0.95)
    sharp, blunt = (fitted(matrix, min_samples_leaf=n).sample(3000, rng(1)) for n in (5, 250))
    assert correlation(*sharp.T) > correlation(*blunt.T) + 0.03


def test_a_random_part_of_a_long_table_is_learned() -> None:
    model = fitted(mixed(3000), max_rows=500)
    assert model.values_.shape == (500, 5)
    assert len(model.state().arrays["values"]) == 500
    assert model.sample(10, rng(1)).shape == (10, 5)


def test_the_target_leads_and_columns_of_many_values_come_last() -> None:
    values = np.column_stack(
        [rng().integers(0, 500, 600), rng().normal(size=600), np.arange(600) % 2]
    )
    fields = (Field("code", levels=500), Field("x"), Field("y", levels=2, target=True))
    assert fitted(Matrix(values.astype(float), fields)).order == [2, 1, 0]


def test_a_column_of_many_values_keeps_its_relations() -> None:
    code = rng().integers(0, 200, 6000).astype(float)
    x = np.sin(code) + rng(1).normal(0, 0.1, 6000)
    rows = fitted(Matrix(np.column_stack([code, x]), (Field("code", levels=200), Field("x"))))
    result = rows.sample(3000, rng(2))
    assert correlation(np.sin(result[:, 0]), result[:, 1]) > 0.8


def given_cells(matrix: Matrix, share: float, seed: int = 3) -> Given:
    return Given(matrix.values, rng(seed).random(matrix.values.shape) < share)


def test_given_cells_lead_the_others_whatever_the_pattern() -> None:
    """Two columns of correlation 0.9, one given: the other follows it in every pattern."""
    matrix = gaussian(3000, 0.9)
    model = fitted(matrix)
    for j in range(2):
        known = np.zeros((2000, 2), dtype=bool)
        known[:, j] = True
        rows = model.sample(2000, rng(1), given=Given(matrix.values[:2000], known))
        assert correlation(*rows.T) > 0.8


def test_many_patterns_are_filled_by_sweeps_and_follow_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SequentialTrees, "_patterns", 1)
    base = rng().normal(size=2000)
    values = base[:, None] + rng(1).normal(0, 0.3, (2000, 4))
    matrix = Matrix(values, tuple(Field(f"c{j}") for j in range(4)))
    given = given_cells(matrix, 0.6)
    rows = fitted(matrix).sample(2000, rng(1), given=given)
    np.testing.assert_array_equal(rows[given.known], values[given.known])
    open_cells = ~given.known & given.known.any(axis=1, keepdims=True)
    assert correlation(rows[open_cells], values[open_cells]) > 0.75


def test_trees_of_old_patterns_are_dropped_and_grow_again_alike() -> None:
    matrix = mixed(200)
    model = fitted(matrix)
    masks = [np.array([k >> j & 1 for j in range(5)], dtype=bool) for k in range(1, 31)]

    def drawn() -> list[Floats]:
        return [
            model.sample(20, rng(1), given=Given(matrix.values[:20], np.tile(mask, (20, 1))))
            for mask in masks
        ]

    first, again = drawn(), drawn()
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(model._conditionals) <= (model._patterns + 2) * 5


def test_a_missing_given_cell_stays_missing() -> None:
    matrix = mixed(500)
    known = np.zeros((50, 5), dtype=bool)
    known[:, 3] = True
    values = np.full((50, 5), np.nan)
    rows = fitted(matrix).sample(50, rng(1), given=Given(values, known))
    assert np.isnan(rows[:, 3]).all()


def test_a_column_without_any_value_stays_empty_even_when_rows_are_to_be_complete() -> None:
    matrix = Matrix(
        np.column_stack([np.arange(40.0), np.full(40, np.nan)]), (Field("a"), Field("b"))
    )
    rows = fitted(matrix).sample(30, rng(1), complete=True)
    assert not np.isnan(rows[:, 0]).any()
    assert np.isnan(rows[:, 1]).all()


def test_a_condition_on_a_late_column_reaches_the_early_ones() -> None:
    matrix = mixed(6000)
    part = between(3, 2.0, 99.0, "amount")
    rows = fitted(matrix).sample(1500, rng(1), condition=part)
    real = matrix.values[part.holds(matrix.values)]
    assert part.holds(rows).all()
    for j in (0, 1, 4):
        result = ks_2samp(real[:, j], rows[:, j], method="asymp").statistic
        assert result < ks_bound(len(real), 1500)


def test_a_condition_that_smoothing_would_break_is_kept() -> None:
    one_of = Rule("x IN (1, 9)", (0,), lambda rows: np.isin(rows[:, 0], [1.0, 9.0]))
    matrix = Matrix(
        rng().integers(0, 10, (400, 2)).astype(float), (Field("x", step=1.0), Field("z"))
    )
    rows = fitted(matrix).sample(300, rng(1), condition=Both(one_of, between(1, 0, 5, "z")))
    assert set(rows[:, 0]) == {1.0, 9.0}
    assert rows[:, 1].max() <= 5


def test_one_column_is_drawn_anew_given_all_others() -> None:
    matrix = gaussian(3000, 0.9)
    model = fitted(matrix)
    fresh = model.redraw(matrix.values, 1, rng(1))
    assert correlation(fresh, matrix.values[:, 0]) > 0.85
    assert not np.isin(fresh, matrix.values[:, 1]).any()


def test_wide_tables_are_learned() -> None:
    matrix = Matrix(rng().normal(size=(60, 200)), tuple(Field(f"c{j}") for j in range(200)))
    assert fitted(matrix).sample(100, rng(1)).shape == (100, 200)
