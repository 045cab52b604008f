"""Quotas and conditional shares: the fewest rows are replaced."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.rules import as_rules, bind
from tablewright.rules.enforcement.audit import Audit, RuleAudit, moved
from tablewright.rules.enforcement.shares import _apportioned, swaps
from tablewright.rules.expressions.unparse import unparse
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "y": {"kind": "categorical", "categories": ["u", "v"], "nullable": True},
        "n": "integer",
    }
)
FRAME = pl.DataFrame({"y": ["u"] * 6 + ["v"] * 3 + [None], "n": list(range(10))})


def swapped(rule: dict[str, Any], total: int = 10) -> list[tuple[int, str]]:
    (bound,) = bind(as_rules([rule]), SCHEMA)
    result = swaps(bound, FRAME, total, np.random.default_rng(0))  # type: ignore[arg-type]
    return [(len(swap.rows), unparse(swap.condition)) for swap in result]


@pytest.mark.parametrize(
    ("share", "min_rows", "total", "expected"),
    [
        ((0.5, 0.7), 0, 10, []),
        ((0.8, 1.0), 0, 10, [(2, "y = 'u'")]),
        ((0.0, 0.4), 0, 10, [(2, "NOT y = 'u'")]),
        ((0.0, 1.0), 8, 10, [(2, "y = 'u'")]),
        ((0.0, 1.0), 80, 100, [(2, "y = 'u'")]),
        ((1.0, 1.0), 0, 10, [(4, "y = 'u'")]),
    ],
)
def test_swaps_bring_a_quota_into_its_band_with_the_fewest_rows(
    share: tuple[float, float], min_rows: int, total: int, expected: list[tuple[int, str]]
) -> None:
    rule = {"kind": "quota", "where": "y = 'u'", "share": share, "min_rows": min_rows}
    assert swapped(rule, total) == expected


def test_swaps_move_the_surplus_of_one_value_to_the_other() -> None:
    rule = {"kind": "conditional", "column": "y", "dist": {"u": 1 / 3, "v": 2 / 3}}
    assert swapped(rule) == [(3, "TRUE AND y = 'v'")]


def test_swaps_leave_rows_outside_the_condition_alone() -> None:
    rule = {"kind": "conditional", "given": "n >= 6", "column": "y", "dist": {"u": 1, "v": 0}}
    (bound,) = bind(as_rules([rule]), SCHEMA)
    (swap,) = swaps(bound, FRAME, 10, np.random.default_rng(0))  # type: ignore[arg-type]
    assert sorted(swap.rows.tolist()) == [6, 7, 8]


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(0, 500))
def test_apportioned_parts_add_up_and_are_within_one_of_their_share(
    shares: list[float], total: int
) -> None:
    parts = _apportioned(shares, total)
    assert sum(parts) == total
    exact = [share / sum(shares) * total for share in shares]
    assert all(abs(part - e) < 1 + 1e-9 for part, e in zip(parts, exact, strict=True))


@pytest.mark.parametrize(
    ("before", "after", "n", "distance"),
    [
        (["a", "a"], ["a", "a"], 4, 0.0),
        (["a", "a"], ["b", "a"], 4, 0.25),
        ([1, 2], [3, 4], 4, 0.5),
        ([1, 2], [2, 1], 4, 0.0),
        ([1.0, None], [None, 1.0], 2, 0.0),
        ([True, False], [False, False], 10, 0.1),
    ],
)
def test_moved_is_the_distance_between_the_whole_columns(
    before: list[Any], after: list[Any], n: int, distance: float
) -> None:
    assert moved(pl.Series(before), pl.Series(after), n) == pytest.approx(distance)


def test_audits_of_blocks_add_counts_and_average_moves_over_rows() -> None:
    def audit(n: int, repaired: int, move: float) -> Audit:
        rule = RuleAudit("r1", "a > 1", n - repaired, 0, repaired, 0, 0, 0, {"a": move})
        return Audit(n, [rule])

    both = audit(100, 10, 0.1) + audit(300, 50, 0.3)
    assert (both.n_rows, both["r1"].repaired, both["r1"].drawn_right) == (400, 60, 340)
    assert both["r1"].moved["a"] == pytest.approx(0.25)
    assert both.largest_move == pytest.approx(0.25)
    assert Audit(0, []) + both is both
