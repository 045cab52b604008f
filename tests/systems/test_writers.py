"""Who writes rows and what is shown: local writers, recorded examples, limits of copies, edits."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import Reply, Usage
from tablewright.llm.prompts.sharing import Sharing
from tablewright.llm.rows.task import RowTask
from tablewright.rules import as_rules
from tablewright.rules.expressions import parse_where
from tablewright.schema import Schema
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.copy_gate import EQUAL, TOO_MANY, CopyGate
from tablewright.systems.common.coreset import SAMPLERS
from tablewright.systems.common.edits import edit_distance
from tablewright.systems.common.examples import NeighbourhoodExamples, ProportionalExamples
from tablewright.systems.common.partition import ClassPartition, QuantilePartition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import (
    ExampleRecorder,
    GeneratorWriter,
    Pace,
    usual_rows,
)

SCHEMA = Schema.build({"age": "integer", "ill": "categorical"}, target="ill")
REAL = pl.DataFrame({"age": range(20, 60), "ill": ["no"] * 30 + ["yes"] * 10})
CLASSES = ClassPartition("ill", ("no", "yes"))


# the local writer -----------------------------------------------------------------


class Recorded:
    """A synthesizer that writes down what it is asked for."""

    method_ = "trees"

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def sample(self, **options: Any) -> pl.DataFrame:
        self.asked.append(options)
        return REAL.head(options.get("n_samples") or options["seed_data"].height)


def asked(request: SampleRequest, partition: Any = CLASSES) -> dict[str, Any]:
    synthesizer = Recorded()
    GeneratorWriter(synthesizer, SCHEMA, partition).write(request)  # type: ignore[arg-type]  # a double
    return synthesizer.asked[0]


def test_the_local_writer_fixes_the_class_of_each_row_that_a_quota_asks_for() -> None:
    options = asked(SampleRequest(5, {"yes": 3, "no": 2}))
    assert options["seed_data"]["ill"].to_list() == ["no", "no", "yes", "yes", "yes"]
    assert "n_samples" not in options


@pytest.mark.parametrize(
    ("quotas", "partition"),
    [
        (None, CLASSES),
        ({"yes": 5}, None),
        ({"other": 5}, CLASSES),
    ],
    ids=["any row", "no partition", "parts that it lacks"],
)
def test_the_local_writer_draws_freely_where_no_part_is_asked_for(
    quotas: Any, partition: Any
) -> None:
    options = asked(SampleRequest(5, quotas), partition)
    assert options["n_samples"] == 5
    assert "seed_data" not in options


@pytest.mark.parametrize(
    ("quotas", "n_samples"),
    [
        ({"to 40": 300, "above 40": 200}, 500),
        ({"above 40": 200}, 400),
        ({"above 40": 1}, 20),
        ({"above 40": 900}, 1000),
    ],
    ids=["both bins", "one of two bins", "one row", "a round at most"],
)
def test_the_local_writer_draws_more_where_chance_fills_a_bin(
    quotas: dict[str, int], n_samples: int
) -> None:
    bins = QuantilePartition("age", (40.0,))
    options = asked(SampleRequest(sum(quotas.values()), quotas), bins)
    assert options["n_samples"] == n_samples
    assert "seed_data" not in options


def test_the_local_writer_passes_the_condition_on_apart_from_other_rules() -> None:
    where = parse_where("age > 30", SCHEMA)
    rules = as_rules([{"name": "where", "expression": "age > 30"}, "age < 50"])
    options = asked(SampleRequest(5, where=where, rules=rules))
    assert options["where"] == "age > 30"
    assert [rule.described() for rule in options["rules"]] == ["age < 50"]
    assert asked(SampleRequest(5, where=where))["rules"] is None


def test_rounds_are_a_thousand_rows_and_never_the_same() -> None:
    synthesizer = Recorded()
    writer = GeneratorWriter(synthesizer, SCHEMA)  # type: ignore[arg-type]  # a double
    for _ in range(2):
        writer.write(SampleRequest(5000, seed=2**40 + 7))
    states = [
        one["random_state"].get_state(legacy=False)["state"]["key"].tolist()
        for one in synthesizer.asked
    ]
    assert [one["n_samples"] for one in synthesizer.asked] == [1000, 1000]
    assert states[0] != states[1]
    expected = np.random.RandomState([7, 1]).get_state(legacy=False)["state"]["key"]
    assert states[0] == expected.tolist()
    assert writer.description.endswith("drawn on this machine, by trees")


# examples ---------------------------------------------------------------------------


def test_what_was_shown_is_recorded_by_the_tables_names_without_redacted_columns() -> None:
    task = RowTask(SCHEMA, examples=lambda batch: REAL[[batch]].rename({"age": "feat_0"}))
    recorder = ExampleRecorder(task)
    assert recorder.task.examples is not None
    for batch in (3, 5):
        recorder.task.examples(batch)

    class Model:
        sharing = Sharing("rows", redact=("ill",))

    frames = recorder.shown_by(Model(), {"feat_0": "age"})  # type: ignore[arg-type]  # a double
    assert pl.concat(frames).rows() == [(23,), (25,)]
    assert ExampleRecorder(RowTask(SCHEMA)).task.examples is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=30), st.integers(1, 30))
def test_every_class_with_room_is_shown_and_none_beyond_its_share(
    labels: list[str], n_rows: int
) -> None:
    drawn = [labels[k] for k in ProportionalExamples(labels, (0,)).sample(n_rows, draw=1)]
    assert len(drawn) == min(n_rows, len(labels))
    if n_rows >= len(set(labels)):
        assert set(drawn) == set(labels)
    for label in set(labels):
        share = n_rows * labels.count(label) / len(labels)
        assert drawn.count(label) <= max(1, int(np.ceil(share)))


def test_neighbours_are_the_rows_nearest_to_one_that_is_drawn() -> None:
    examples = NeighbourhoodExamples(REAL, SCHEMA.with_target(None), (0,))
    for draw in range(5):
        centre, *others = examples.sample(3, draw).tolist()
        distance = np.abs(REAL["age"].to_numpy() - REAL["age"][centre]) / 39
        distance = distance + (REAL["ill"] != REAL["ill"][centre]).to_numpy()
        assert sorted(distance)[1:3] == pytest.approx(sorted(distance[others]))


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_draw_rows_of_the_table_and_do_without_a_target(name: str) -> None:
    for schema in (SCHEMA, SCHEMA.with_target(None)):
        sampler = SAMPLERS[name](REAL, schema, 0)((1, 2))
        drawn = sampler.sample(6, 0)
        assert len(set(drawn.tolist())) == len(drawn) == 6
        assert 0 <= drawn.min() <= drawn.max() < REAL.height


@given(st.integers(1, 50), st.integers(0, 9))
def test_usual_rows_have_real_cells_and_are_for_estimates_alone(n_rows: int, seed: int) -> None:
    rows = usual_rows(REAL, n_rows, np.random.default_rng(seed))
    assert len(rows) == n_rows
    assert {str(row["age"]) for row in rows} <= set(REAL["age"].cast(pl.String))
    assert {row["ill"] for row in rows} <= {"no", "yes"}


# pace -------------------------------------------------------------------------------


class Written:
    def __init__(self, n_rows: int, *replies: Reply) -> None:
        self.rows, self.replies = dict.fromkeys(range(n_rows)), list(replies)
        self.usage = Usage(
            sum(r.usage.prompt_tokens for r in replies),
            sum(r.usage.completion_tokens for r in replies),
        )


def test_a_reply_is_as_long_as_twenty_seconds_write() -> None:
    pace = Pace()
    assert pace.n_rows() is None
    pace.learn(Written(10, Reply("", usage=Usage(40, 200), latency=11.0, first_token=1.0)))  # type: ignore[arg-type]  # a double
    assert pace.tokens_a_row == 20
    assert pace.n_rows() == 20  # 20 tokens a second, twenty seconds, 20 tokens a row
    pace.learn(Written(0))  # type: ignore[arg-type]  # a double
    assert pace.n_rows() == 20, "no rows tell nothing of their length"


def test_a_long_prompt_is_worth_a_long_reply_and_a_slow_model_writes_a_row_at_least() -> None:
    pace = Pace()
    slow = Reply("", usage=Usage(3000, 100), latency=80.0, first_token=60.0)
    pace.learn(Written(1, slow))  # type: ignore[arg-type]  # a double
    assert pace.n_rows() == 15  # half of 3000 tokens at 100 a row; in a minute it writes three
    pace.tokens_a_prompt = 400.0
    assert pace.n_rows() == 2
    pace.tokens_a_row = 1e6
    assert pace.n_rows() == 1


# copies -----------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(2, 9))
def test_a_combination_may_occur_as_often_as_in_nearly_all_held_out_samples(
    n_rows: int, often: int
) -> None:
    """Ten rows repeat: a row that occurs k times of n is drawn as a binomial at the 95 % point."""
    real = pl.DataFrame({"x": [0] * often + [1] * (10 - often) + [2]})
    gate = CopyGate(real)
    reasons = gate.excess(pl.DataFrame({"x": [0] * n_rows}))
    expected = binom.ppf(0.95, n_rows, often / 11)
    limit = min(max(expected, 1), np.ceil(n_rows * gate.reference - 1e-9) if gate.n_rows else 0)
    assert reasons.count("") <= max(expected, 1)
    assert reasons.count("") <= max(limit, 1)
    assert set(reasons) <= {"", TOO_MANY}


def test_reference_is_the_share_of_rows_that_others_repeat() -> None:
    gate = CopyGate(pl.DataFrame({"x": [1, 1, 1, 2, 2, 3, 4, 5]}))
    assert gate.repeating
    gate.observe(pl.DataFrame({"x": [1, 9, 3, 8]}))
    assert gate.rate == 0.5
    assert gate.reference == pytest.approx(5 / 8)
    assert gate.forbidden(pl.DataFrame({"x": [1, 3, 9]})) == ["", EQUAL, ""]
    gate.reset()
    assert (gate.rate, gate.reference, gate.n_rows, gate.n_copies) == (0.0, 0.0, 0, 0)


@pytest.mark.parametrize(("n_pairs", "repeating"), [(2, False), (3, True)])
def test_up_to_a_twentieth_of_repeats_no_copy_is_let_through(n_pairs: int, repeating: bool) -> None:
    """Of 40 rows two that repeat another one are a twentieth, three are more."""
    real = pl.DataFrame({"x": [*range(40 - n_pairs), *range(n_pairs)]})
    gate = CopyGate(real)
    assert gate.repeating is repeating
    assert gate.forbidden(pl.DataFrame({"x": [0]})) == ["" if repeating else EQUAL]
    assert (gate.excess(pl.DataFrame({"x": [0]})) == [""]) is repeating


# edits ------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.text("abc", max_size=6), st.text("abc", max_size=6), st.integers(0, 6))
def test_edit_distance_is_a_metric_cut_at_its_limit(one: str, other: str, limit: int) -> None:
    def exact(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        if a[0] == b[0]:
            return exact(a[1:], b[1:])
        return 1 + min(exact(a[1:], b), exact(a, b[1:]), exact(a[1:], b[1:]))

    assert edit_distance(one, other, limit) == min(exact(one, other), limit + 1)
    assert edit_distance(one, other, limit) == edit_distance(other, one, limit)


def test_a_batch_joined_to_another_of_other_columns_keeps_its_rows() -> None:
    first = RowBatch(pl.DataFrame({"a": [1]}), [0])
    first.extend(
        RowBatch(pl.DataFrame({"b": [1]}), [9], stopped=ModelError("a cap"), exhausted="no")
    )
    assert (first.rows.rows(), first.groups) == ([(1,)], [0])
    assert (str(first.stopped), first.exhausted) == ("a cap", "no")
