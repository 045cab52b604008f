"""Rare rows of a number: relevance, and the tails that follow from it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.systems.rddg.relevance import RELEVANT, relevance, tails

EVEN = np.arange(1.0, 101.0)
"""Median 50.5, quartiles 25.75 and 75.25: whiskers end at -48.5 and 149.5."""


def test_relevance_is_a_monotone_cubic_from_the_median_to_the_whisker() -> None:
    values = np.append(EVEN, 1000.0)
    middle, whisker = np.median(values), 100.0
    half = (middle + whisker) / 2
    # With two points the cubic is a straight line (Fritsch and Carlson 1980).
    assert relevance(values, np.array([middle, half, whisker, 5000.0])) == pytest.approx(
        [0.0, 0.5, 1.0, 1.0]
    )


@pytest.mark.parametrize(
    ("outliers", "at_low", "at_high"),
    [([], 0.0, 0.0), ([-500.0], 1.0, 0.0), ([500.0], 0.0, 1.0), ([-500.0, 500.0], 1.0, 1.0)],
)
def test_only_a_side_with_outliers_is_relevant(
    outliers: list[float], at_low: float, at_high: float
) -> None:
    values = np.append(EVEN, outliers)
    assert relevance(values, np.array([-500.0, 500.0])) == pytest.approx([at_low, at_high])


def test_a_whisker_is_one_and_a_half_ranges_of_quartiles_beyond_them() -> None:
    values = np.concatenate([EVEN, [151.0]])
    # quartiles 26 and 76: whiskers up to -49 and 151, so that 151 is no outlier yet
    assert relevance(values, np.array([151.0])).tolist() == [0.0]
    assert relevance(np.concatenate([EVEN, [151.5]]), np.array([151.5])) == pytest.approx([1.0])


def test_numbers_of_which_most_are_equal_have_no_relevant_side_without_a_whisker() -> None:
    values = np.array([3.0] * 50 + [9.0])
    assert relevance(values, values).tolist() == [0.0] * 51


def parts(values: list[float]) -> list[int]:
    frame = pl.DataFrame({"x": values})
    return [int(code) for code in tails(frame, "x").of(frame)]


def test_rare_rows_are_those_of_high_relevance() -> None:
    values = np.append(EVEN, [400.0, 500.0])
    rare = relevance(values, values) >= RELEVANT
    assert parts(values.tolist()) == rare.astype(int).tolist()
    assert 2 < rare.sum() < 20


def test_both_tails_are_parts_of_their_own() -> None:
    values = [-500.0, *EVEN.tolist(), 500.0]
    codes = parts(values)
    assert (codes[0], codes[50], codes[-1]) == (0, 1, 2)
    rare = relevance(np.array(values), np.array(values)) >= RELEVANT
    assert [code != 1 for code in codes] == rare.tolist()


def test_without_outliers_a_tenth_at_either_end_is_rare() -> None:
    assert np.bincount(parts(EVEN.tolist())).tolist() == [10, 80, 10]


def test_missing_numbers_belong_to_no_part_and_do_not_count() -> None:
    frame = pl.DataFrame({"x": [*EVEN.tolist(), None]})
    assert tails(frame, "x") == tails(frame.drop_nulls(), "x")
    assert tails(frame, "x").of(frame)[-1] == -1


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=60))
def test_every_part_has_rows_and_relevance_is_a_share(values: list[int]) -> None:
    codes = parts([float(value) for value in values])
    assert (np.bincount(codes) > 0).all()
    found = relevance(np.array(values, dtype=float), np.array(values, dtype=float))
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-9
