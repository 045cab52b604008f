"""The pool: what is rejected, what is missing, what copies may be kept, how rounds end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import BudgetError
from tablewright.rules import as_rules, bind
from tablewright.schema import Schema
from tablewright.selection.check import Judgement
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.candidate_pool import PATIENCE, CandidatePool, Verdict
from tablewright.systems.common.copy_gate import EQUAL, SHOWN, TOO_MANY, CopyGate
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.partition import ClassPartition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result

SCHEMA = Schema.build({"x": "integer", "y": "categorical"}, target="y")
REAL = pl.DataFrame({"x": range(0, 1000, 10), "y": ["a", "b"] * 50})
CLASSES = ClassPartition("y", ("a", "b"))


def rows(*pairs: tuple[int, str]) -> pl.DataFrame:
    return pl.DataFrame(list(pairs), schema={"x": pl.Int64, "y": pl.String}, orient="row")


class Script:
    """Writes one batch after the other, then empty ones."""

    def __init__(self, *batches: RowBatch | pl.DataFrame) -> None:
        self.batches = list(batches)
        self.asked: list[SampleRequest] = []
        self.told: list[Guidance | None] = []

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        self.asked.append(request)
        self.told.append(guidance)
        batch = self.batches.pop(0) if self.batches else REAL.clear()
        return batch if isinstance(batch, RowBatch) else RowBatch(batch)


def pool_of(n_rows: int, quotas: Any = None, **options: Any) -> CandidatePool:
    request = SampleRequest(n_rows, quotas)
    options = {"copies": "equal", **options}
    return CandidatePool(REAL, SCHEMA, request, Result(n_rows), partition=CLASSES, **options)


def drained(pool: CandidatePool, writer: Script, **options: Any) -> pl.DataFrame:
    list(pool.fill(writer, **options))
    pool.report()
    return pool.kept


def test_fill_asks_for_what_is_missing_until_there_is_enough() -> None:
    pool, writer = pool_of(3), Script(rows((1, "a"), (2, "b")), rows((3, "a"), (4, "a")))
    assert drained(pool, writer)["x"].to_list() == [1, 2, 3]
    assert [request.n_rows for request in writer.asked] == [3, 1]
    assert pool.result.rejected.row(0) == (4, "a", "quota", "no more rows are wanted", None)
    assert (pool.result.n_proposed, pool.result.notes) == (4, [])


def test_quotas_are_counted_by_the_parts_of_a_partition() -> None:
    pool = pool_of(3, {"b": 2, "a": 1})
    writer = Script(rows((1, "a"), (2, "a"), (3, "b")), rows((4, "b")))
    assert drained(pool, writer)["x"].to_list() == [1, 3, 4]
    assert [request.quotas for request in writer.asked] == [{"b": 2, "a": 1}, {"b": 1}]
    assert pool.result.rejected["_reason"].to_list() == ["no more rows of its class are wanted"]


def test_fill_ends_after_rounds_without_a_row_that_was_missing_and_says_so() -> None:
    pool, writer = pool_of(5), Script(rows((1, "a")))
    assert drained(pool, writer).height == 1
    assert len(writer.asked) == 1 + PATIENCE
    assert pool.result.notes == [
        "stopped after 3 rounds in a row without a row that was missing; 4 are missing still"
    ]


def test_fill_ends_at_a_cap_keeps_the_rows_so_far_and_names_what_failed() -> None:
    cap = BudgetError("the cap is reached")
    batch = RowBatch(rows((1, "a")), failures=[BudgetError("no reply")], stopped=cap)
    pool, writer = pool_of(5), Script(batch)
    assert drained(pool, writer).height == 1
    assert (pool.result.stopped, len(writer.asked)) == (cap, 1)
    assert pool.result.notes == ["a prompt got no reply: no reply"]


def test_an_exhausted_writer_is_noted_only_where_rows_are_missing() -> None:
    for n_rows, notes in ((1, []), (2, ["used up; 1 rows are missing still"])):
        pool = pool_of(n_rows)
        drained(pool, Script(RowBatch(rows((1, "a")), exhausted="used up")))
        assert pool.result.notes == notes


def test_rows_that_break_a_rule_or_stand_in_the_wrong_group_are_rejected_with_the_reason() -> None:
    bound = bind(as_rules(["x < 5"]), SCHEMA, REAL)
    pool = pool_of(
        9, rules=bound, misplaced=lambda batch: ["wrong" if g == "B" else "" for g in batch.groups]
    )
    pool.add(RowBatch(rows((1, "a"), (2, "a"), (7, "a")), groups=["A", "B", "A"]))
    assert pool.kept["x"].to_list() == [1]
    assert pool.result.rejected.select("_stage", "_reason").rows() == [
        ("group", "wrong"),
        ("rules", "breaks x < 5"),
    ]


def test_a_cell_that_a_rule_determines_is_computed_where_a_row_breaks_it() -> None:
    schema = Schema.build({"price": "integer", "number": "integer", "sum": "integer"})
    real = pl.DataFrame({"price": [2, 3], "number": [4, 5], "sum": [8, 15]})
    bound = bind(as_rules(["sum = price * number", "sum < 50"]), schema)
    pool = CandidatePool(real, schema, SampleRequest(9), Result(9), rules=bound, copies="equal")
    written = [(5, 6, 30), (5, 7, 99), (3, 5, 20), (9, 9, 9)]
    kept = pool.add(RowBatch(pl.DataFrame(written, schema=real.schema, orient="row")))
    assert kept.rows() == [(5, 6, 30), (5, 7, 35)]
    assert pool.result.rejected["_stage"].to_list() == ["rules", "near-duplicates"], (
        "what is computed can be a copy, or break another rule"
    )
    assert pool.result.notes == ["sum was computed where a row broke sum = price * number"]


def test_a_check_rejects_rows_by_themselves_and_is_named_as_the_stage() -> None:
    class Odd:
        name = "odd"

        def judge(self, rows: pl.DataFrame, _: Any) -> Judgement:
            return Judgement.of((rows["x"] % 2 == 0).to_numpy(), "is odd", notes=["odd rows go"])

    pool = pool_of(2, check=Odd())
    pool.add(RowBatch(rows((2, "a"), (3, "a"), (4, "b"))))
    assert pool.kept["x"].to_list() == [2, 4]
    assert pool.result.rejected.select("x", "_stage", "_reason").rows() == [(3, "odd", "is odd")]
    assert pool.result.notes == ["odd rows go"]


def test_guidance_reaches_the_writer_before_each_round() -> None:
    pool, writer = pool_of(2), Script(rows((1, "a")), rows((2, "a")))
    drained(pool, writer, guide=lambda pool: Guidance(f"{pool.missing.n_rows} to go"))
    assert [guidance.text for guidance in writer.told if guidance] == ["2 to go", "1 to go"]


# judges -------------------------------------------------------------------------


def judge_of(keep: Callable[[pl.DataFrame], Any], seen: list[int]) -> Any:
    def judge(candidates: pl.DataFrame, groups: list[Any]) -> Verdict:
        seen.append(candidates.height)
        kept = np.asarray(keep(candidates), dtype=bool)
        out = ["" if one else "judged" for one in kept]
        return Verdict(kept, out, out, candidates["x"].to_numpy().astype(float), ["a note"])

    return judge


def test_a_judge_sees_all_rows_anew_and_its_last_word_counts() -> None:
    seen: list[int] = []
    judge = judge_of(lambda frame: np.arange(frame.height) >= frame.height - 2, seen)
    pool, writer = pool_of(2, judge=judge), Script(rows((1, "a")), rows((2, "a"), (3, "b")))
    assert drained(pool, writer)["x"].to_list() == [2, 3]
    assert seen == [1, 3]
    assert pool.result.rejected.row(0) == (1, "a", "judged", "judged", 1.0)
    assert pool.result.notes == ["a note"]


def test_a_judge_that_waits_until_the_pool_is_full_is_asked_less_often() -> None:
    for when_full, expected in ((True, [2, 3]), (False, [1, 2, 3])):
        seen: list[int] = []
        judge = judge_of(lambda frame: frame["x"].to_numpy() != 1, seen)
        pool = pool_of(2, judge=judge, judge_when_full=when_full)
        drained(pool, Script(rows((1, "a")), rows((2, "a")), rows((3, "b"))))
        assert (seen, pool.kept["x"].to_list()) == (expected, [2, 3])


def test_without_refill_nothing_is_written_in_place_of_judged_rows() -> None:
    judge = judge_of(lambda frame: frame["x"].to_numpy() != 1, [])
    for options in ({"refill": False}, {"max_rounds": 1}):
        pool, writer = pool_of(2, judge=judge), Script(rows((1, "a"), (2, "a")), rows((3, "a")))
        assert drained(pool, writer, **options)["x"].to_list() == [2]
        assert len(writer.asked) == 1


def test_rows_that_a_judge_adds_are_returned_beside_the_kept() -> None:
    def judge(candidates: pl.DataFrame, groups: list[Any]) -> Verdict:
        n = candidates.height
        return Verdict(np.ones(n, bool), [""] * n, [""] * n, np.zeros(n), added=REAL.head(1))

    pool = pool_of(1, judge=judge)
    assert drained(pool, Script(rows((1, "a"))))["x"].to_list() == [1, 0]


# copies -------------------------------------------------------------------------


def test_no_row_that_stood_in_a_prompt_is_kept_whatever_the_table_repeats() -> None:
    real = pl.DataFrame({"x": [1, 1, 1, 2, 2, 2], "y": ["a"] * 6})
    for copies in ("near", "equal", "shown"):
        pool = CandidatePool(
            real, SCHEMA, SampleRequest(4), Result(4), copies=copies,
        )  # fmt: skip
        pool.add(RowBatch(rows((1, "a"), (2, "a")), shown=[real.head(1)]))
        assert pool.kept["x"].to_list() == [2]
        assert pool.result.rejected["_reason"].to_list() == [SHOWN]


def test_where_rows_hardly_repeat_no_row_may_equal_a_real_one() -> None:
    pool = pool_of(9)
    pool.add(RowBatch(rows((10, "b"), (11, "b"), (11, "b"))))
    assert pool.kept["x"].to_list() == [11, 11]
    near = pool_of(9, copies="near")
    near.add(RowBatch(rows((10, "b"), (2000, "b"), (2000, "b"))))
    near.add(RowBatch(rows((2000, "b"))))
    assert near.kept["x"].to_list() == [2000]
    assert near.result.rejected["_reason"].to_list() == [
        EQUAL, "equals an earlier row", "equals an earlier row",
    ]  # fmt: skip


def test_a_row_that_differs_from_the_real_one_in_spelling_only_is_a_copy() -> None:
    gate = CopyGate(pl.DataFrame({"x": [1.0, 2.5], "y": ["Ulm", "Rom"]}))
    assert gate.forbidden(pl.DataFrame({"x": [1, 3], "y": ["ulm ", "Rom"]})) == [EQUAL, ""]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=10, max_size=60),
    st.lists(st.integers(0, 14), min_size=1, max_size=80),
    st.integers(1, 7),
)
def test_copies_let_through_never_exceed_what_held_out_rows_show(
    real: list[int], drawn: list[int], size: int
) -> None:
    gate = CopyGate(pl.DataFrame({"x": real}))
    counts = Counter(real)
    for start in range(0, len(drawn), size):
        part = pl.DataFrame({"x": drawn[start : start + size]})
        free = part.filter(pl.Series([not reason for reason in gate.forbidden(part)]))
        reasons = gate.excess(free)
        assert set(reasons) <= {"", TOO_MANY}
        assert all(not reason or counts[x] for x, reason in zip(free["x"], reasons, strict=True))
        assert gate.n_copies <= np.ceil(gate.reference * gate.n_rows - 1e-9)
    repeated = sum(n for n in counts.values() if n > 1) / len(real)
    assert gate.n_rows == 0 or gate.reference == pytest.approx(repeated)


def test_one_combination_may_not_stand_for_all_that_repeat() -> None:
    real = pl.DataFrame({"x": [k for k in range(20) for _ in range(5)]})
    gate = CopyGate(real)
    kept = Counter(
        x for x, reason in zip([0] * 50, gate.excess(pl.DataFrame({"x": [0] * 50})), strict=True)
        if not reason
    )  # fmt: skip
    assert 2 <= kept[0] <= 6, "5 % of 50 rows, within 95 % of samples"


def test_limits_are_those_of_a_rows_part() -> None:
    real = pl.DataFrame({"x": [1] * 5 + list(range(100, 195)), "y": ["rare"] * 5 + ["usual"] * 95})
    parts = ClassPartition("y", ("rare", "usual"))
    gate = CopyGate(pl.concat([real, real.tail(10)]), part_of=parts.of)
    rare = pl.DataFrame({"x": [1] * 20, "y": ["rare"] * 20})
    assert gate.forbidden(rare) == gate.excess(rare) == [""] * 20
    assert (gate.rate, gate.reference) == (1.0, 1.0)


def test_a_judged_pool_holds_the_rows_that_are_kept_to_the_copies_allowed() -> None:
    real = pl.DataFrame({"x": [1, 1, *range(10, 18)], "y": ["a"] * 10})
    seen: list[int] = []
    pool = CandidatePool(
        real, SCHEMA, SampleRequest(4), Result(4), copies="equal",
        judge=judge_of(lambda frame: frame["x"].to_numpy() == 1, seen),
    )  # fmt: skip
    drained(pool, Script(rows((1, "a"), (1, "a"), (50, "a"), (51, "a"))), max_rounds=1)
    assert pool.kept["x"].to_list() == [1]
    assert Counter(pool.result.rejected["_reason"]) == {TOO_MANY: 1, "judged": 2}
