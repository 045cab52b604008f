"""The parts that all systems share: request, partitions, batches, examples, loop, streams."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import ContextLengthError, InputError, ModelError
from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.rows.requests import request_rows
from tablewright.llm.rows.task import SPLIT, RowRequest, RowTask
from tablewright.random_state import Stream
from tablewright.rules import as_rules
from tablewright.rules.language import Quota
from tablewright.schema import Schema
from tablewright.synthesizer.parameters import OneOf, Whole, check_parameters
from tablewright.systems.common.batch import RowBatch, ShownRows
from tablewright.systems.common.examples import (
    BalancedExamples,
    NearestExamples,
    ProportionalExamples,
    RandomExamples,
)
from tablewright.systems.common.loop import Proposal, Trace, improve
from tablewright.systems.common.partition import (
    ClassPartition,
    QuantilePartition,
    target_partition,
)
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result

# random streams -----------------------------------------------------------------


def test_streams_of_one_seed_scope_have_numbers_of_their_own() -> None:
    scopes: dict[str, list[int]] = defaultdict(list)
    for name, stream in Stream.__members__.items():
        scopes[name.split("_")[0]].append(int(stream))
    common = scopes.pop("SYSTEM")
    for scope, numbers in scopes.items():
        shared = [] if scope in ("SYNTHESIZER", "TRIM") else common
        assert len(set(numbers + shared)) == len(numbers + shared), scope


def test_streams_keep_the_numbers_that_rows_were_drawn_with() -> None:
    assert (Stream.SYNTHESIZER_SAMPLE, Stream.CLLM_CURATION, Stream.TEAM_BATCHES) == (2, 12, 24)
    assert SampleRequest(1, seed=5).rng(Stream.HTDBU_ROWS, 1).random() == pytest.approx(
        np.random.default_rng([5, 10, 1]).random()
    )


# requests -----------------------------------------------------------------------


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 500), min_size=1), st.integers(1, 900)
)
def test_a_smaller_request_has_the_shares_of_the_whole(quotas: dict[str, int], most: int) -> None:
    whole = SampleRequest(sum(quotas.values()), quotas)
    part = whole.at_most(most)
    assert part.quotas is not None
    assert part.n_rows == sum(part.quotas.values()) <= most + len(quotas)
    for name, n in part.quotas.items():
        exact = Fraction(min(most, whole.n_rows), whole.n_rows) * quotas[name]
        assert 0 <= n - exact < 1


def test_a_request_tells_its_own_rules_from_its_condition() -> None:
    rules = as_rules([{"name": "where", "expression": "age > 1"}, "age < 9"])
    request = SampleRequest(5, rules=rules, seed=3)
    assert [rule.described() for rule in request.own_rules] == ["age < 9"]
    part = request.part(2, {"a": 2})
    assert (part.n_rows, part.quotas, part.seed, len(part.rules)) == (2, {"a": 2}, 3, 2)


@given(st.integers(1, 3000), st.integers(0, 3000), st.sampled_from([1.0, 0.8, 0.25]))
def test_some_rows_have_to_hold_their_share_of_a_least_number(
    n_rows: int, least: int, most: float
) -> None:
    quota = {"kind": "quota", "where": "age > 1", "min_rows": least, "share": [0.0, most]}
    whole = SampleRequest(3000, rules=as_rules([quota, "age < 9"]))
    part, check = whole.part(n_rows).rules.rules
    assert check == whole.rules.rules[1]
    assert isinstance(part, Quota)
    exact = Fraction(least * n_rows, 3000)
    assert abs(part.min_rows - exact) < 1
    possible = least <= most * 3000
    assert (part.min_rows <= most * n_rows + 1e-6) or not possible


# partitions ---------------------------------------------------------------------


def test_target_partition_lists_the_classes_that_rows_have_in_the_order_of_the_schema() -> None:
    schema = Schema.build({"y": {"kind": "categorical", "categories": ["b", "a", "c"]}}, "y")
    classes = target_partition(pl.DataFrame({"y": ["a", "b", None]}), schema)
    assert classes == ClassPartition("y", ("b", "a"))
    assert classes.of(pl.DataFrame({"y": ["a", "c", None, "b"]})).tolist() == [1, -1, -1, 0]
    assert (classes.cells("a"), len(classes)) == ({"y": "a"}, 2)


def test_quantiles_of_a_date_and_of_one_value() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(100)]
    bins = QuantilePartition.learn(pl.DataFrame({"day": days}), "day", n_bins=4)
    assert np.bincount(bins.of(pl.DataFrame({"day": days}))).tolist() == [25, 25, 25, 25]
    one = QuantilePartition.learn(pl.DataFrame({"x": [7.0] * 9}), "x")
    assert (one.names, one.of(pl.DataFrame({"x": [1.0, None]})).tolist()) == (("all",), [0, -1])
    assert one.cells("all") is None


@given(st.lists(st.floats(-50, 50), min_size=8, max_size=40), st.integers(2, 6))
def test_every_number_is_in_exactly_the_bin_that_its_name_says(
    values: list[float], n_bins: int
) -> None:
    frame = pl.DataFrame({"x": values})
    bins = QuantilePartition.learn(frame, "x", n_bins)
    edges = [-np.inf, *bins.edges, np.inf]
    codes = bins.of(frame)
    assert len(bins) == len(bins.names)
    for value, code in zip(values, codes, strict=True):
        assert edges[code] < value <= edges[code + 1] or value == edges[code + 1]


# batches ------------------------------------------------------------------------


def test_a_batch_below_another_keeps_what_was_lost_and_stopped() -> None:
    first = RowBatch(pl.DataFrame({"x": [1]}), groups=[0], parse_errors=Counter(bad=1))
    stop = ModelError("no more")
    other = RowBatch(pl.DataFrame({"x": [2]}), groups=[1], parse_errors=Counter(bad=2))
    other.stopped, other.failures = stop, [stop]
    whole = first.extend(other)
    assert (whole.rows["x"].to_list(), whole.groups) == ([1, 2], [0, 1])
    assert (whole.parse_errors["bad"], whole.stopped, whole.failures) == (3, stop, [stop])


def test_shown_rows_are_known_by_the_columns_that_were_shown() -> None:
    shown = ShownRows()
    shown.add([pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"b": ["x"], "a": [9]}), pl.DataFrame()])
    rows = pl.DataFrame({"a": [1, 9, 9], "b": ["z", "x", "z"], "c": [0, 0, 0]})
    assert shown.among(rows).tolist() == [True, True, False]
    assert ShownRows().among(rows).tolist() == [False] * 3


# examples -----------------------------------------------------------------------


def test_the_same_draw_gives_the_same_rows_and_another_draw_others() -> None:
    labels = ["a"] * 30 + ["b"] * 10
    for examples in (
        RandomExamples(40, (0,)),
        BalancedExamples([np.arange(30), np.arange(30, 40)], (0,)),
        ProportionalExamples(labels, (0,)),
    ):
        first = examples.sample(8, 0)
        assert first.tolist() == examples.sample(8, 0).tolist() != examples.sample(8, 1).tolist()
        assert len(set(first.tolist())) == 8


def test_balanced_examples_show_each_row_as_often_as_any_other() -> None:
    real = pl.DataFrame({"y": ["a"] * 6 + ["b"] * 3})
    examples = BalancedExamples.of(real, ClassPartition("y", ("a", "b")), (1,))
    shown = Counter(index for draw in range(6) for index in examples.sample(4, draw).tolist())
    assert {shown[index] for index in range(6)} == {2}
    assert {shown[index] for index in range(6, 9)} == {4}
    few = BalancedExamples([np.arange(2)], (0,), n_replaced=3)
    assert len(few.sample(5, 0)) == 5, "drawn with replacement where there are too few"


def test_nearest_examples_are_those_that_share_the_given_cells() -> None:
    real = pl.DataFrame({"age": [20, 30, 60, 61], "city": ["Ulm", "Rom", "Rom", "Ulm"]})
    schema = Schema.build({"age": "integer", "city": "categorical"})
    given_rows = pl.DataFrame({"age": [59, 22], "city": ["Rom", "Ulm"]})
    examples = NearestExamples(real, schema, given_rows)
    assert examples.sample(1, 0).tolist() == [2]
    assert examples.sample(1, 1).tolist() == [0]
    assert sorted(examples.sample(9, 0).tolist()) == [0, 1, 2, 3]


# the loop -----------------------------------------------------------------------


def climb(values: list[int], **limits: int) -> Trace[int, int]:
    def propose(trace: Trace[int, int]) -> Iterator[Proposal[int]]:
        for state in range(len(values)):
            if state != trace.state:
                yield Proposal(f"to {state}", state)

    return improve(0, propose, lambda k: values[k], lambda _, old, new: new > old, **limits)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=7))
def test_a_loop_ends_where_nothing_better_is_proposed(values: list[int]) -> None:
    trace = climb(values)
    assert trace.measurement == max(values)
    assert trace.ended == "proposals"
    assert len(trace.archive) == len(trace.steps) + 1
    assert trace.archive[0] == (0, values[0])


def test_a_loop_keeps_to_its_budget_and_says_what_ended_it() -> None:
    values = [1, 0, 0, 2, 3, 4]
    assert (climb(values, max_changes=1).n_changes, climb(values, max_changes=1).ended) == (
        1, "changes",
    )  # fmt: skip
    trace = climb(values, max_measurements=2)
    assert (len(trace.steps), trace.ended, trace.state) == (2, "measurements", 0)
    assert climb(values, patience=2).ended == "patience"
    assert (climb(values, patience=3).state, climb(values, patience=5).state) == (3, 5)
    assert climb(values, max_changes=0).steps == []


def test_a_rejected_proposal_is_measured_once_for_a_state() -> None:
    measured: list[str] = []

    def measure(state: str) -> int:
        measured.append(state)
        return 0

    trace = improve(
        "start", lambda _: [Proposal("same", "b")] * 3, measure, lambda _, old, new: new > old
    )
    assert measured == ["start", "b"]
    assert not trace.steps[0].accepted


# parameters and results -----------------------------------------------------------


def test_parameters_are_checked_as_declared() -> None:
    class Thing:
        size, mode = 0, "x"

    with pytest.raises(InputError, match="size is a whole number above 0, not 0"):
        check_parameters(Thing(), {"size": Whole()})
    with pytest.raises(InputError, match="mode is 'a', 'b' or 'c', not 'x'"):
        check_parameters(Thing(), {"size": Whole(0), "mode": OneOf("a", "b", "c")})
    assert [Whole().allows(value) for value in (True, 1.0, None, np.int64(3))] == [
        False, False, False, True,
    ]  # fmt: skip
    assert Whole(optional=True).allows(None)
    assert not OneOf(1).allows(True)


def test_a_result_says_how_many_rows_equal_real_ones() -> None:
    result = Result(10, n_proposed=12, n_kept=10, copy_rate=0.1, copy_rate_reference=0.25)
    assert "  equal to a real row: 10.0% (held-out real rows: 25.0%)" in result.lines()
    assert "equal to a real row" not in str(Result(10))


def test_a_request_that_is_split_twice_asks_no_prompt_twice() -> None:
    batches: list[int] = []

    class Narrow:
        """Takes prompts for one row alone."""

        def complete(self, prompt: Prompt) -> Reply:
            n_rows = int(prompt.text.split()[0])
            if n_rows > 1:
                raise ContextLengthError("too long")
            return Reply(f"x\n{len(batches)}")

    def build(request: RowRequest) -> Prompt:
        batches.append(request.batch)
        return Prompt.ask(f"{request.n_rows} rows of batch {request.batch}")

    schema = Schema.build({"x": "integer"})
    table = pl.DataFrame({"x": range(8)})
    task = RowTask(schema, examples=lambda _: table, build=build, table=table)
    written = request_rows(Narrow(), task, 8, batch_size=4, row_format="csv", rounds=1)
    assert len(written.rows) == 8
    assert len(set(batches)) == len(batches)
    assert {batch % SPLIT for batch in batches} == {0, 1}, "each part knows its prompt"
