"""What a result tells of a request: why rows are missing, what was rejected, what it took."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from tablewright.errors import BudgetError
from tablewright.llm.endpoint.metering import RoleUsage, UsageByRole
from tablewright.systems import Result, RowsWarning
from tablewright.systems.common.result import MARKS

AGES = pl.DataFrame({"age": [150, 151, 40]})


def rejecting(*reasons: tuple[str, str]) -> Callable[[Result], None]:
    def change(result: Result) -> None:
        for stage, reason in reasons:
            result.reject(AGES.head(1), stage, [reason])

    return change


def stopped(result: Result) -> None:
    result.stopped = BudgetError("the cap of 3 calls is reached")
    result.parse_errors["no JSON"] += 9


def unread(result: Result) -> None:
    result.parse_errors = Counter({"a cell is missing": 2, "no JSON": 5})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (stopped, "the cap of 3 calls is reached"),
        (
            rejecting(
                ("rules", "breaks age < 120"), ("copies", "b"), ("copies", "a"), ("copies", "a")
            ),
            "3 were rejected by copies, such as: a",
        ),
        (unread, "5 could not be read: no JSON"),
        (lambda result: None, "no other rows were written"),
        (
            rejecting(("copies", "equals \x1b[31mred\n")),
            "1 were rejected by copies, such as: equals \\x1b[31mred\\n",
        ),
    ],
    ids=["a cap", "the check that rejected most", "replies", "nothing known", "foreign text"],
)
def test_a_shortfall_names_what_cost_most_rows(
    change: Callable[[Result], None], reason: str
) -> None:
    result = Result(1200, n_kept=7)
    change(result)
    assert result.shortfall == f"7 of the 1,200 rows asked for were kept: {reason}"


@pytest.mark.parametrize("n_kept", [5, 6])
def test_there_is_no_shortfall_where_all_rows_came(n_kept: int) -> None:
    assert Result(5, n_kept=n_kept).shortfall == ""


def test_what_is_warned_of_stands_in_the_notes_once() -> None:
    result = Result(5)
    for _ in range(2):
        with pytest.warns(RowsWarning, match="two are missing"):
            result.warn("two are missing")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result.note("so much for that")
    assert result.notes == ["two are missing", "so much for that"]
    assert result.lines()[-2:] == ["  note: two are missing", "  note: so much for that"]


def test_rejected_rows_of_several_stages_stand_below_each_other() -> None:
    result = Result(5)
    assert result.rejected.schema == dict(
        zip(MARKS, (pl.String, pl.String, pl.Float64), strict=True)
    )
    result.reject(AGES.head(0), "sanity", [])
    result.reject(AGES.head(2), ["sanity", "labels"], ["too old", "denied"], [None, 0.25])
    result.reject(pl.DataFrame({"age": [1], "pay": [2.5]}), "copies", ["equal"])
    assert result.rejected.rows() == [
        (150, "sanity", "too old", None, None),
        (151, "labels", "denied", 0.25, None),
        (1, "copies", "equal", None, 2.5),
    ]


def test_lines_count_what_was_rejected_and_not_read_and_what_a_row_took() -> None:
    line = RoleUsage(
        "writer", "rows", calls=2, attempts=3, prompt_tokens=900, completion_tokens=100
    )
    line.cost = 0.05
    result = Result(9, n_proposed=8, n_kept=4, usage=UsageByRole([line]))
    result.copy_rate, result.copy_rate_reference = 0.25, 0.5
    result.parse_errors["no JSON"] = 2
    result.reject(AGES, "rules", ["a", "b", "c"])
    assert result.lines() == [
        "4 rows kept of 8 that could be read",
        "  rejected by rules: 3",
        "  not read, no JSON: 2",
        "  writer/rows: 3 calls, 2 answered, 900 + 100 tokens",
        "  for each row kept: 250 tokens, $0.01250",
        "  equal to a real row: 25.0% (held-out real rows: 50.0%)",
    ]
    assert (result.tokens_per_row, result.cost_per_row) == (250, 0.0125)


@pytest.mark.parametrize(
    ("n_kept", "cost", "per_row"), [(0, 1.0, None), (4, None, None), (4, 2.0, 0.5)]
)
def test_a_row_costs_what_is_known(n_kept: int, cost: Any, per_row: float | None) -> None:
    result = Result(9, n_kept=n_kept, usage=UsageByRole([RoleUsage("r", "s", cost=cost)]))
    assert result.cost_per_row == per_row
    assert (result.tokens_per_row is None) is (n_kept == 0)


def test_where_nothing_is_kept_the_lines_say_what_to_do() -> None:
    assert Result(5).lines() == [
        "0 rows kept of 0 that could be read",
        "  no row was kept: go on with the real rows alone",
    ]
