"""Rows per class: exact, and to the last row."""

from __future__ import annotations

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
