"""Numbers moved onto linear rules, one column chosen of several, and the account of it all."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.rules import as_rules, bind
from tablewright.rules.enforcement.audit import Audit, Ledger, RuleAudit, moved
from tablewright.rules.enforcement.linear import bounds_of, project
from tablewright.rules.enforcement.one_hot import is_one_hot, with_one_chosen
from tablewright.rules.language import Linear
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "n": "integer",
        "m": "integer",
        "x": {"kind": "continuous", "decimals": 2},
        "real": "continuous",
        "d": "date",
        "e": "date",
        "s": "text",
    }
)


def projected(rules: list[Any], free: str, **cells: Any) -> dict[str, Any]:
    """Project one row; all columns have the same scale unless `scales` says otherwise."""
    scales = dict.fromkeys(free.split(), 1.0) | cells.pop("scales", {})
    bound: Any = bind(as_rules(rules), SCHEMA)
    frame = pl.DataFrame({name: [cell] for name, cell in cells.items()})
    return project(frame, bound, free.split(), SCHEMA, scales).row(0, named=True)


@pytest.mark.parametrize(
    ("rules", "free", "cells", "expected"),
    [
        (["n <= 5"], "n", {"n": 9}, {"n": 5}),
        (["n < 5"], "n", {"n": 9}, {"n": 4}),
        (["n > 5.5"], "n", {"n": 2}, {"n": 6}),
        (["x <= 1.234"], "x", {"x": 2.0}, {"x": 1.23}),
        (["n <= m"], "m", {"n": 9, "m": 4}, {"n": 9, "m": 9}),
        (["n < m"], "n m", {"n": 9, "m": 9, "scales": {"n": 10.0}}, {"n": 8, "m": 9}),
        (["n + m = 10"], "n m", {"n": 9, "m": 9, "scales": {"m": 100.0}}, {"n": 9, "m": 1}),
        (["n <= 5", "n >= 5"], "n", {"n": 9}, {"n": 5}),
        (["n <= 5 AND m >= 7"], "n m", {"n": 9, "m": 1}, {"n": 5, "m": 7}),
        (["n <= 5", "n >= 6"], "n", {"n": 9}, {"n": 9}),  # no solution
        (["n <= 5"], "m", {"n": 9, "m": 1}, {"n": 9, "m": 1}),  # n is not free
        (["n * m <= 5"], "n m", {"n": 9, "m": 1}, {"n": 9, "m": 1}),  # not linear
        (["n <= 5"], "n", {"n": None}, {"n": None}),
        (["n + m <= 5", "n <= 3"], "n m", {"n": 9, "m": None}, {"n": 3, "m": None}),
        (["d <= e"], "e", {"d": dt.date(2020, 3, 1), "e": dt.date(2020, 1, 1)},
         {"d": dt.date(2020, 3, 1), "e": dt.date(2020, 3, 1)}),
        (["d < e"], "d", {"d": dt.date(2020, 3, 1), "e": dt.date(2020, 1, 1)},
         {"d": dt.date(2019, 12, 31), "e": dt.date(2020, 1, 1)}),
    ],
)  # fmt: skip
def test_numbers_move_the_least_that_the_rules_need(
    rules: list[Any], free: str, cells: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert projected(rules, free, **dict(cells)) == expected


def test_a_number_without_digits_moves_to_the_bound_and_inside_a_strict_one() -> None:
    assert projected(["real <= 2"], "real", real=5.0)["real"] == pytest.approx(2.0, abs=1e-5)
    inside = projected(["real < 2"], "real", real=5.0)["real"]
    assert 1.99 < inside < 2.0


@pytest.mark.parametrize(
    ("text", "n"),
    [("n <= 5", 1), ("n <= 5 AND m > 2", 2), ("n = m", 2), ("n <= 5 OR m > 2", None),
     ("n <> 5", None), ("n <= 5 AND s = 'x'", None), ("n BETWEEN 2 AND 4", 2),
     ("NOT n > 5", 1)],
)  # fmt: skip
def test_a_rule_is_linear_if_all_its_parts_are(text: str, n: int | None) -> None:
    (rule,) = bind(as_rules([text]), SCHEMA)
    bounds = bounds_of(rule)  # type: ignore[arg-type]
    assert (None if bounds is None else len(bounds)) == n


# one of several ----------------------------------------------------------------------

FLAG: dict[str, Any] = {"kind": "integer", "minimum": 0, "maximum": 1, "decimals": 0}
LISTED: dict[str, Any] = {"kind": "categorical", "categories": [0, 1]}


@pytest.mark.parametrize(
    ("change", "kinds", "answer"),
    [
        ({}, (FLAG, FLAG, LISTED), True),
        ({"value": 2.0}, (FLAG, FLAG, FLAG), False),
        ({"op": "<="}, (FLAG, FLAG, FLAG), False),
        ({"tolerance": 1.0}, (FLAG, FLAG, FLAG), False),
        ({"tolerance": 0.9}, (FLAG, FLAG, FLAG), True),
        ({"terms": {"a": 1, "b": 2, "c": 1}}, (FLAG, FLAG, FLAG), False),
        ({"terms": {"a": 1}}, (FLAG, FLAG, FLAG), False),
        ({"terms": {"a": 1, "b": 1}}, (FLAG, FLAG, FLAG), True),
        ({}, (FLAG, FLAG, {**FLAG, "maximum": 2}), False),
        ({}, (FLAG, FLAG, {**LISTED, "categories": [0, 1, 2]}), False),
        ({}, (FLAG, FLAG, {**LISTED, "categories": [False, True]}), False),
    ],
)
def test_a_choice_is_a_sum_of_0_and_1_that_is_1(
    change: dict[str, Any], kinds: tuple[Any, ...], answer: bool
) -> None:
    rule: dict[str, Any] = {"terms": dict.fromkeys("abc", 1), "op": "=", "value": 1.0} | change
    schema = Schema.build(dict(zip("abc", kinds, strict=True)))
    assert is_one_hot(Linear(**rule), schema) is answer


def test_a_row_keeps_one_of_the_columns_it_had_and_others_get_what_is_lacking() -> None:
    a = [1] * 50 + [1, 1] + [0] * 48
    b = [0] * 50 + [1, 1] + [0] * 48
    c = [0] * 50 + [0, 0] + [1] * 40 + [0] * 8
    frame = pl.DataFrame({"a": a, "b": b, "c": c})
    broken = np.array([50, 51, *range(92, 100)])
    result = with_one_chosen(frame, ["a", "b", "c"], broken, np.random.default_rng(0))
    assert (result.sum_horizontal() == 1).all()
    assert result["c"][:2].to_list() == [0, 0]  # it was none of theirs
    assert result["b"].sum() >= 1  # which too few of the other rows have
    assert result.schema == frame.schema


def test_a_column_that_no_row_has_is_never_chosen() -> None:
    frame = pl.DataFrame({"a": [1, 0, 0], "b": [0, 1, 0], "never": [0, 0, 0]})
    for seed in range(5):
        rng = np.random.default_rng(seed)
        result = with_one_chosen(frame, frame.columns, np.array([2]), rng)
        assert result["never"].to_list() == [0]


# account -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "n", "distance"),
    [
        (["b"], ["a"], 4, 0.25),
        (["a", "b"], ["b", "a"], 4, 0.0),
        (["a", None], ["b", "b"], 4, 0.5),
        ([1, 2], [2, 3], 4, 0.25),  # the shares below differ by one row of four, twice
        ([1, 1], [9, 9], 4, 0.5),
        ([1.0, None], [None, 1.0], 2, 0.0),
        ([dt.date(2020, 1, 1)], [dt.date(2021, 1, 1)], 5, 0.2),
        ([True], [False], 10, 0.1),
        ([], [], 3, 0.0),
    ],
)
def test_moved_is_the_distance_between_the_distributions(
    before: list[Any], after: list[Any], n: int, distance: float
) -> None:
    dtype = pl.Series([*before, *after] or [0.0]).dtype
    one, other = (pl.Series("v", cells, dtype=dtype) for cells in (before, after))
    assert moved(one, other, n) == pytest.approx(distance)


def audit(n: int, broken: int, moves: dict[str, float]) -> Audit:
    rule = RuleAudit("r", "a > 1", n - 6, 1, 2, 0, 3, broken, moves)
    return Audit(n, [rule])


def test_audits_of_blocks_add_up_and_moves_are_averaged_over_rows() -> None:
    total = audit(10, 1, {"a": 0.4}) + audit(30, 0, {"a": 0.2, "b": 0.1})
    assert total.n_rows == 40
    rule = total["r"]
    assert (rule.drawn_right, rule.computed, rule.repaired, rule.redrawn) == (28, 2, 4, 6)
    assert (rule.projected, rule.broken) == (0, 1)
    assert rule.moved == {"a": pytest.approx(0.25), "b": pytest.approx(0.075)}
    assert total.largest_move == pytest.approx(0.25)
    assert Audit(0, []) + total is total
    assert Audit(0, []).largest_move == 0.0
    assert total.to_dict()["rules"][0]["text"] == "a > 1"


def test_the_ledger_counts_how_a_row_was_last_brought_to_keep_a_rule() -> None:
    (rule,) = bind(as_rules(["n <= 5"]), SCHEMA)
    drawn = pl.DataFrame({"n": [1, 9, 9, 9, 9]})
    ledger = Ledger(drawn, {"r1": rule.broken(drawn)})
    ledger.note(np.array([1, 2, 3]), "repaired")
    ledger.note(np.array([2]), "computed")  # what went deeper stays
    ledger.note(np.array([3]), "redrawn")
    final = pl.DataFrame({"n": [1, 2, 2, 2, 9]})
    (result,) = ledger.close(final, [rule], lambda asked: asked.broken(final)).rules
    assert (result.drawn_right, result.repaired, result.redrawn, result.broken) == (1, 2, 1, 1)
    assert (result.computed, result.projected) == (0, 0)
    assert result.moved == {"n": 0.6}  # of four rows above 5, three moved to 2
