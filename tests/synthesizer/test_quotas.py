"""Rows per class: exact, and to the last row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.synthesizer.quotas import balanced, class_counts, rows_to_add
from tests.generators.tables import gaussian, mixed

COUNTS = st.lists(st.integers(0, 500), min_size=2, max_size=8).filter(lambda counts: any(counts))


@given(counts=COUNTS, n_rows=st.integers(1, 5000))
def test_equal_shares_differ_by_one_at_most(counts: list[int], n_rows: int) -> None:
    parts = balanced("equal", counts, n_rows)
    real = np.array(counts) > 0
    assert parts.sum() == n_rows
    assert (parts[~real] == 0).all()
    assert np.ptp(parts[real]) <= 1


@given(counts=COUNTS, n_rows=st.none() | st.integers(1, 5000))
def test_filling_follows_what_is_lacking(counts: list[int], n_rows: int | None) -> None:
    missing = np.where(np.array(counts) > 0, max(counts) - np.array(counts), 0)
    if not missing.any():
        with pytest.raises(InputError, match="nothing to fill"):
            balanced("fill", counts, n_rows)
        return
    parts = balanced("fill", counts, n_rows)
    total = int(missing.sum()) if n_rows is None else n_rows
    assert parts.sum() == total
    assert (np.abs(parts - missing / missing.sum() * total) < 1).all()
    if n_rows is None:
        assert parts.tolist() == missing.tolist()


@given(st.lists(st.sampled_from("abcd"), min_size=2, max_size=60).filter(lambda y: len(set(y)) > 1))
def test_all_classes_reach_the_largest(y: list[str]) -> None:
    labels = np.array(y)
    added = rows_to_add("all", labels)
    maximum = max(y.count(label) for label in y)
    assert {label: y.count(label) + n for label, n in added.items()} == dict.fromkeys(
        set(y), maximum
    )


def test_classes_are_counted_by_code() -> None:
    counts = class_counts(mixed(400))
    assert counts is not None
    assert sum(counts) == 400
    assert class_counts(gaussian(50)) is None


CLASSES = np.array(["a"] * 10 + ["b"] * 4 + ["c"] * 2)
TWO = CLASSES[:14]


@pytest.mark.parametrize(
    ("strategy", "added"),
    [
        ("auto", {"b": 6, "c": 8}),
        ("not majority", {"b": 6, "c": 8}),
        ("minority", {"c": 8}),
        ("not minority", {"a": 0, "b": 6}),
        ("all", {"a": 0, "b": 6, "c": 8}),
        ({"a": 12, "c": 2}, {"a": 2, "c": 0}),
        (lambda y: {"b": len(y)}, {"b": 12}),
    ],
)
def test_strategies_name_the_classes_that_grow(strategy: Any, added: dict[str, int]) -> None:
    assert rows_to_add(strategy, CLASSES) == added


@pytest.mark.parametrize(("share", "added"), [(0.4, 0), (0.5, 1), (0.79, 3), (1, 6), (1.0, 6)])
def test_a_number_is_the_share_of_the_larger_class(share: float, added: int) -> None:
    assert rows_to_add(share, TWO) == {"b": added}


@pytest.mark.parametrize(
    ("strategy", "y", "message"),
    [
        (0.39, TWO, "0.39 is less than the smaller class has already .4 of 10."),
        (0.0, TWO, r"as a number lies in \(0, 1\], not 0"),
        (1.01, TWO, r"as a number lies in \(0, 1\], not 1.01"),
        (0.5, CLASSES, "needs a target of two classes"),
        ({"z": 3}, CLASSES, "names the class 'z', which y does not have"),
        ({"b": 3}, CLASSES, "asks for 3 rows of class 'b', which has 4 already"),
        ("most", CLASSES, "one of minority, .* not 'most'"),
        (True, TWO, "not True"),
        (None, TWO, "not None"),
    ],
)
def test_a_strategy_that_does_not_fit_is_one_sentence(strategy: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows_to_add(strategy, y)


@pytest.mark.parametrize(
    ("balance", "counts", "n_rows", "parts"),
    [
        ("equal", [90, 10, 0], None, [50, 50, 0]),
        ("equal", [90, 10, 1], 5, [2, 2, 1]),
        ("fill", [9, 4, 2], None, [0, 5, 7]),
        ("fill", [9, 4, 0], 3, [0, 3, 0]),
        ("fill", [10, 5, 4], 4, [0, 2, 2]),
    ],
)
def test_balanced_counts(balance: str, counts: list[int], n_rows: Any, parts: list[int]) -> None:
    assert balanced(balance, counts, n_rows).tolist() == parts
