"""Cells of a condition, filled from rows or marginals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from tablewright.errors import ConditionError
from tablewright.generators.base import Given
from tablewright.generators.parts.conditioning import condition_from_rows
from tablewright.generators.parts.proposals import patterns
from tablewright.tables.encoding.codec import Field, Matrix
from tests.generators.conditions import Both, Rule, between
from tests.generators.tables import gaussian, mixed


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_cells_come_from_rows_that_comply_and_numbers_are_moved() -> None:
    matrix = gaussian(20_000, 0.8)
    rule = Rule("a > 1 AND b > a", (0, 1), lambda r: (r[:, 0] > 1) & (r[:, 1] > r[:, 0]))
    filled = condition_from_rows(matrix, rule, 2000, rng(1))
    assert filled.known.all()
    assert rule.holds(filled.values).all()
    real = matrix.values[rule.holds(matrix.values)]
    for j in range(2):
        assert not np.isin(filled.values[:, j], matrix.values[:, j]).any()
        assert ks_2samp(filled.values[:, j], real[:, j]).statistic < 0.08
    assert np.corrcoef(filled.values.T) == pytest.approx(np.corrcoef(real.T), abs=0.08)


def test_only_the_columns_of_the_condition_are_filled() -> None:
    filled = condition_from_rows(mixed(), between(1, 2, 4, "count"), 30, rng(1))
    assert filled.known.tolist() == [[False, True, False, False, False]] * 30
    assert np.isnan(filled.values[:, [0, 2, 3, 4]]).all()


def test_rows_are_drawn_by_their_weight() -> None:
    matrix = Matrix(np.array([[0.0], [1.0]]), (Field("c", levels=2),))
    rule = Rule("c >= 0", (0,), lambda r: r[:, 0] >= 0)
    filled = condition_from_rows(matrix, rule, 4000, rng(1), weights=np.array([3.0, 1.0]))
    assert filled.values.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / 4000))


def test_given_cells_lead_to_rows_that_are_near_them() -> None:
    matrix = gaussian(5000, 0.9)
    values = np.full((400, 2), np.nan)
    values[:, 1] = np.where(np.arange(400) % 2, 1.5, -1.5)
    known = np.isfinite(values)
    rule = between(0, -3, 3, "a")
    filled = condition_from_rows(matrix, rule, 400, rng(1), given=Given(values, known))
    assert filled.known.all()
    np.testing.assert_array_equal(filled.values[:, 1], values[:, 1])
    for side in (-1.5, 1.5):
        mean = filled.values[values[:, 1] == side, 0].mean()
        assert mean == pytest.approx(0.9 * side, abs=0.25)


def test_complete_takes_no_missing_value() -> None:
    rule = Rule("amount > 1 OR amount IS NULL", (3,), lambda r: ~(r[:, 3] <= 1))
    loose = condition_from_rows(mixed(), rule, 300, rng(1))
    assert np.isnan(loose.values[:, 3]).any()
    filled = condition_from_rows(mixed(), rule, 300, rng(1), complete=True)
    assert (filled.values[:, 3] > 1).all()


def test_one_row_that_complies_is_enough() -> None:
    matrix = gaussian(3000, 0.0)
    highest = float(matrix.values[:, 0].max())
    rule = between(0, highest - 1e-3, highest + 1, "a")
    filled = condition_from_rows(matrix, rule, 50, rng(1))
    assert rule.holds(filled.values).all()


def test_a_given_missing_value_may_contradict() -> None:
    given = Given(np.full((2, 5), np.nan), np.zeros((2, 5), dtype=bool))
    given.known[1, 0] = True
    with pytest.raises(ConditionError, match="row 1: the value given for 'x' contradicts x BETW"):
        condition_from_rows(mixed(), between(0, 0, 1), 2, rng(1), given=given)


def test_a_given_value_that_leaves_no_way_out_is_named_with_its_row() -> None:
    matrix = mixed()
    values = np.full((3, 5), np.nan)
    values[:, 1] = [2.0, 9.0, 2.0]
    known = np.isfinite(values)
    rule = Rule("x > 2 * count", (0, 1), lambda r: r[:, 0] > 2 * r[:, 1])
    values[[0, 2], 1] = 0.0
    with pytest.raises(ConditionError, match=r"row 1: with the values given, .*x > 2"):
        condition_from_rows(matrix, rule, 3, rng(1), given=Given(values, known))


def test_parts_that_exclude_each_other_are_named_together() -> None:
    both = Both(between(0, 0, 1), Rule("x > 2 + count", (0, 1), lambda r: r[:, 0] > 2 + r[:, 1]))
    with pytest.raises(ConditionError, match=r"together: x BETWEEN 0 AND 1 AND x > 2 . count"):
        condition_from_rows(mixed(), both, 3, rng(1))


def test_rows_are_grouped_by_what_is_known() -> None:
    known = rng(0).random((200, 70)) < 0.02
    seen = np.zeros(200, dtype=int)
    for rows, pattern in patterns(known):
        assert (known[rows] == pattern).all()
        seen[rows] += 1
    assert (seen == 1).all()
    assert not list(patterns(known[:0]))
