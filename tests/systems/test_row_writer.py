"""How many rows a model is asked for: what is missing, what is lost on the way, and its speed."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from tablewright.llm.endpoint.base import Prompt, Reply, Usage
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Schema
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import LanguageModelWriter

SCHEMA = Schema.build({"age": "integer"})


class Slow:
    """Writes as many rows as it is asked for, ten tokens each, at ten tokens a second."""

    def __init__(self, seconds_to_read: float = 1.0, n_read: int = 100) -> None:
        self.asked: list[int] = []
        self.reading, self.n_read = seconds_to_read, n_read

    def complete(self, prompt: Prompt) -> Reply:
        assert prompt.schema is not None
        n_rows = prompt.schema["properties"]["rows"]["minItems"]
        self.asked.append(n_rows)
        rows = [{"age": 20 + k + 100 * len(self.asked)} for k in range(n_rows)]
        return Reply(
            json.dumps({"rows": rows}), usage=Usage(self.n_read, 10 * n_rows),
            latency=self.reading + n_rows, first_token=self.reading,
        )  # fmt: skip


def writer(llm: Any, **options: Any) -> LanguageModelWriter:
    task = RowTask(SCHEMA, table=pl.DataFrame({"age": [20, 30]}))
    options = {"per_prompt": 40, "parallel": 10, "max_prompts": 20, **options}
    return LanguageModelWriter(llm, SCHEMA, lambda *_: task, "json", **options)


def test_a_first_prompt_asks_for_no_more_rows_than_are_wanted() -> None:
    llm = Slow()
    assert writer(llm).write(SampleRequest(6)).rows.height == 6
    assert llm.asked == [6]


@pytest.mark.parametrize(("n_rows", "asked"), [(6, [12]), (30, [40]), (40, [40])])
def test_a_first_prompt_is_filled_with_the_rows_that_are_likely_to_be_lost(
    n_rows: int, asked: list[int]
) -> None:
    llm = Slow()
    writer(llm, loss=0.5).write(SampleRequest(n_rows))
    assert llm.asked == asked, "no prompt more is sent for losses that may not come"


@pytest.mark.parametrize(("reading", "each"), [(1.0, 20), (30.5, 30)])
def test_later_prompts_are_as_long_as_twenty_seconds_or_as_their_reading(
    reading: float, each: int
) -> None:
    llm = Slow(reading)
    rows = writer(llm)
    rows.write(SampleRequest(40))
    rows.write(SampleRequest(40 - 10))
    first, *later = llm.asked
    assert first == 40
    assert max(later) == each
    assert sum(later) == 30 * 4, "a quarter was kept, so that four times as many are asked for"


def test_a_long_prompt_is_not_sent_for_a_few_rows_however_slow_the_model_is() -> None:
    llm = Slow(1.0, n_read=600)
    rows = writer(llm)
    rows.write(SampleRequest(40))
    rows.write(SampleRequest(40 - 10))
    assert llm.asked[1:] == [30, 30, 30, 30], "300 tokens of rows for a prompt of 600"


def test_a_slow_model_may_send_as_many_more_prompts_as_its_replies_are_shorter() -> None:
    llm = Slow()
    rows = writer(llm, loss=0.5)
    rows.write(SampleRequest(40))
    rows.write(SampleRequest(40))
    assert len(llm.asked) == 1 + 5, "80 rows in replies of 20 are 4 prompts, and half as many more"
    assert rows.write(SampleRequest(40)).exhausted.startswith("6 of 6 prompts are used up")


def test_no_more_than_half_as_many_prompts_more_are_sent_than_an_estimate_counts() -> None:
    llm = Slow()
    rows = writer(llm, per_prompt=10, parallel=2, loss=0.5)
    for _ in range(5):
        batch = rows.write(SampleRequest(20))
    assert len(llm.asked) == 6, "an estimate counts 40 rows in 4 prompts"
    assert batch.exhausted.startswith("6 of 6 prompts are used up, the most that a request")


def test_a_top_up_asks_for_what_is_missing_by_the_share_that_was_kept() -> None:
    llm = Slow()
    rows = writer(llm)
    rows.write(SampleRequest(12))
    rows.write(SampleRequest(3))
    assert llm.asked == [12, 4]


def test_a_dry_run_counts_rows_that_will_be_lost() -> None:
    class Estimating(Slow):
        dry_run = True

    llm = Estimating()
    writer(llm, loss=0.3).write(SampleRequest(14))
    assert llm.asked == [20]


def test_a_fixed_prompt_asks_for_the_same_whatever_is_missing() -> None:
    llm = Slow()
    rows = writer(llm, fixed=True)
    rows.write(SampleRequest(6))
    rows.write(SampleRequest(1))
    assert llm.asked == [40, 40]
