"""The manager's own plans, what it takes for none, and the workers that a plan is given to."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.llm import Scripted
from tablewright.schema import Schema
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.team_then_trim.classes import dealt_labels, unseen_classes, unseen_notes
from tablewright.systems.team_then_trim.manager import (
    ask_for_plan,
    chain,
    judge_plan,
    plan_by_association,
)
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, Component, TeamPlan
from tablewright.systems.team_then_trim.prompts import EXAMPLE_ROLE, excerpt, plan_example
from tablewright.systems.team_then_trim.team import LABEL, Team, TeamWriter, assign
from tablewright.systems.team_then_trim.workers import LocalWorker, Turn
from tablewright.tables.encoding.layout import Layout

FEATURES = ("age", "sex", "pulse", "dose")
SCHEMA = Schema.build({**dict.fromkeys(FEATURES, "integer"), "ill": "boolean"}, "ill")


def planned(*parts: tuple[str, tuple[str, ...], tuple[str, ...]]) -> TeamPlan:
    return TeamPlan(
        tuple(Component(f"c{k}", role, columns, parents)
              for k, (role, columns, parents) in enumerate(parts, 1))
    )  # fmt: skip


# plans without a model --------------------------------------------------------------


@given(st.integers(1, 90))
def test_a_chain_has_every_column_once_in_blocks_of_four_or_eight_blocks(n_columns: int) -> None:
    names = [f"x{k}" for k in range(n_columns)]
    plan = chain(names, "y")
    assert plan.features == tuple(names)
    assert len(plan.components) <= MOST_COMPONENTS
    sizes = {len(part.features) for part in plan.components[:-1]}
    assert sizes <= ({4} if n_columns <= 32 else {-(-n_columns // 8)})
    for k, part in enumerate(plan.components, 1):
        assert part.parents == tuple(f"c{m}" for m in range(1, k))
    assert plan.label_role == "expert on y"


def test_columns_that_go_with_nothing_make_one_component_at_the_end() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    table = pl.DataFrame({
        "noise": rng.normal(size=300), "x": x, "twin": x + rng.normal(0, 0.1, 300),
        "other": rng.choice(["u", "v"], 300),
    })  # fmt: skip
    kinds = {"noise": "continuous", "x": "continuous", "twin": "continuous", "other": "categorical"}
    plan = plan_by_association(table, Schema.build(kinds))
    assert [part.features for part in plan.components] == [("x", "twin"), ("noise", "other")]
    assert plan.components[1].parents == ()


# what is no plan --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "fault"),
    [
        (
            planned(("a", ("age",), ()), ("b", ("sex",), ()), ("c", ("pulse",), ())),
            "one column a component",
        ),
        (planned(("a", ("age",), ()), ("b", ("sex",), ())), ""),
        (planned(("a", ("age",), ()), ("b", ("sex",), ("c1",)), ("c", ("pulse",), ())), ""),
        (planned(("age", ("age", "sex"), ()), (EXAMPLE_ROLE, ("pulse",), ())), "names of columns"),
        (planned((" AGE ", ("age", "sex"), ()), ("nurse", ("pulse",), ())), ""),
        (planned((EXAMPLE_ROLE, FEATURES, ())), ""),
        (
            planned(("c1", ("age",), ()), ("c2", ("sex", "dose"), ()), ("x", ("pulse",), ())),
            "names",
        ),
    ],
    ids=["alone", "two", "one with parents", "echo", "half of the roles", "one", "ids as roles"],
)
def test_a_plan_that_plans_nothing_is_none(plan: TeamPlan, fault: str) -> None:
    found = judge_plan(plan, FEATURES)
    assert fault in found
    assert bool(found) is bool(fault)


def test_roles_that_say_nothing_are_named_by_their_columns() -> None:
    parts = [
        {"id": "c1", "role": "nurse", "features": ["age", "sex"], "parents": []},
        {"id": "c2", "role": EXAMPLE_ROLE, "features": ["pulse", "dose"], "parents": ["c1"]},
    ]
    reply = json.dumps({"components": parts, "label": {"role": EXAMPLE_ROLE}})
    plan = ask_for_plan(Scripted([reply]), SCHEMA)
    assert [part.role for part in plan.components] == ["nurse", "writer of pulse, dose"]
    assert plan.label_role == "judge of rows"
    assert plan.made == "llm"


def test_the_prompt_shows_the_form_with_the_tables_own_columns() -> None:
    assert plan_example(["a"])["components"] == [
        {"id": "c1", "role": EXAMPLE_ROLE, "features": ["a"], "parents": []}
    ]
    parts = plan_example(list("abcde"))["components"]
    assert [part["features"] for part in parts] == [["a", "b"], ["c", "d"]]
    assert parts[1]["parents"] == ["c1"]


@given(st.integers(1, 300))
def test_an_excerpt_is_ten_rows_from_all_over_the_table(n_rows: int) -> None:
    rows = excerpt(pl.DataFrame({"k": range(n_rows)}))["k"].to_list()
    assert len(rows) == min(n_rows, 10)
    steps = set(np.diff(rows).tolist())
    assert steps <= {max(1, n_rows // 10)}
    assert rows[0] == 0


# classes ----------------------------------------------------------------------------


REAL = pl.DataFrame({"age": [30, 40, 50, 60], "y": ["a", "b", "a", "a"]})
DECLARED = Schema.build(
    {"age": "integer", "y": {"kind": "categorical", "categories": ["c", "a", "b"]}}, "y"
)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (DECLARED, ["c"]),
        (DECLARED.with_target(None), []),
        (DECLARED.with_target("age"), []),
        (Schema.build({"age": "integer", "y": "categorical"}, "y"), []),
    ],
)
def test_classes_that_are_declared_and_not_there_are_found(
    schema: Schema, expected: list[str]
) -> None:
    assert unseen_classes(REAL, schema) == expected


def test_only_a_label_drawn_from_real_rows_cannot_have_them() -> None:
    [note] = unseen_notes(REAL, DECLARED, {"y"})
    assert note.startswith("no real row is of class 'c'")
    assert unseen_notes(REAL, DECLARED, {"age"}) == []


@given(
    st.dictionaries(st.sampled_from("ab"), st.integers(1, 9), min_size=1), st.integers(1, 40),
    st.integers(0, 99),
)  # fmt: skip
def test_labels_are_dealt_by_what_is_missing_as_evenly_as_can_be(
    quotas: dict[str, int], n_rows: int, seed: int
) -> None:
    labels = dealt_labels(quotas, n_rows, REAL["y"], np.random.default_rng(seed))
    assert len(labels) == n_rows
    rounds, total = n_rows // sum(quotas.values()), sum(quotas.values())
    for label, n in quotas.items():
        count = int((labels == label).sum())
        assert rounds * n <= count <= rounds * n + min(n, n_rows - rounds * total)


# workers and batches ----------------------------------------------------------------


class Counting:
    """Writes the number of the row into every column that it is asked for."""

    def __init__(self) -> None:
        self.turns: list[tuple[str, ...]] = []
        self.real: list[bool] = []

    def write(self, turns: Any, n_rows: int, seed: int) -> list[RowBatch]:
        self.turns += [turn.part.features for turn in turns]
        self.real += [turn.is_real for turn in turns]
        return [
            RowBatch(pl.DataFrame({name: range(n_rows) for name in turn.part.features}),
                     list(range(n_rows)))
            for turn in turns
        ]  # fmt: skip


def team(
    body: Counting, drawer: Counting | None = None, local: frozenset[str] = frozenset()
) -> Team:
    plan = planned(("r", ("age", "sex"), ()), ("s", ("pulse", "dose"), ("c1",))).split(
        sorted(local)
    )
    schema = Schema.build({**dict.fromkeys(FEATURES, "integer"), "ill": "integer"}, "ill")
    workers = assign(plan, "ill", {"worker": body, "label": body}, drawer, local)
    types = dict.fromkeys(schema.names, pl.Int64())
    return Team(plan, schema, types, workers, local)


def test_columns_are_written_level_by_level_and_the_label_last() -> None:
    body = Counting()
    batch = team(body).write(3, seed=0)
    assert body.turns == [("age", "sex"), ("pulse", "dose"), ("ill",)]
    assert batch.rows.rows() == [(k,) * 5 for k in range(3)]
    assert batch.groups == [0, 1, 2]
    assert not any(body.real)


def test_local_columns_have_the_drawer_and_whoever_sees_them_is_told_that_they_are_real() -> None:
    body, drawer = Counting(), Counting()
    team(body, drawer, frozenset({"age"})).write(2, seed=0)
    assert drawer.turns == [("age",)]
    assert body.turns == [("sex",), ("pulse", "dose"), ("ill",)]
    assert body.real == [False, True, True]


def test_a_label_that_comes_first_is_given_to_every_worker() -> None:
    body = Counting()
    labels = pl.Series("ill", [7, 8])
    batch = team(body).write(2, seed=0, labels=labels)
    assert body.turns == [("age", "sex"), ("pulse", "dose")]
    assert batch.rows["ill"].to_list() == [7, 8]
    assert LABEL not in [part.id for part in team(body).plan.components]


@pytest.mark.parametrize(
    ("kept", "more"),
    [(0, 2), (10, 2), (15, 1), (19, 1)],
    ids=["none were kept", "half", "three of four", "all but one"],
)
def test_a_refill_writes_what_the_rate_so_far_asks_for_and_no_more_than_before(
    kept: int, more: int
) -> None:
    """Of twenty rows wanted, two batches of ten were written; ten are the most in all."""
    writer = TeamWriter(team(Counting()), SampleRequest(20), 10, None, 10, lambda *_: None)
    assert writer.write(SampleRequest(20)).rows.height == 20
    written = writer.write(SampleRequest(20 - kept))
    assert written.rows.height == 10 * more
    assert set(written.groups) == set(range(2, 2 + more))
    assert written.exhausted == ""


def test_a_writer_says_when_its_batches_are_used_up() -> None:
    writer = TeamWriter(team(Counting()), SampleRequest(40), 10, 3, 3, lambda *_: None)
    batch = writer.write(SampleRequest(40))
    assert (batch.rows.height, writer.n_written) == (30, 3)
    assert batch.exhausted == "3 batches were written, the most for such a request"


def test_the_local_worker_keeps_given_cells_and_ignores_those_it_never_saw() -> None:
    rng = np.random.default_rng(0)
    kind = rng.choice(["cat", "dog"], 200)
    real = pl.DataFrame({"kind": kind, "legs": np.where(kind == "cat", 4, 40)})
    schema = Schema.build({"kind": "categorical", "legs": "integer"})
    worker = LocalWorker(real, Layout.learn(real, schema).codec, seed=0, method="trees")
    part = Component("c1", "r", ("legs",))
    given_rows = pl.DataFrame({"kind": ["cat", "dog", "dog", "cow"]})
    [batch] = worker.write([Turn(part, "worker", given_rows)], 4, seed=3)
    assert batch.rows["legs"].to_list()[:3] == [4, 40, 40]
    assert batch.rows["legs"][3] in (4, 40)
    assert worker.note(["kind", "legs"], schema) == "all columns: drawn on this machine, by trees"
    assert worker.note(["legs"], schema) == "legs: drawn on this machine, by trees"


def test_a_plan_by_hand_may_not_forget_a_column() -> None:
    from tablewright.systems.team_then_trim.plan_reading import read_plan

    with pytest.raises(InputError, match="column 'dose' is in no component"):
        read_plan(planned(("a", FEATURES[:3], ())), FEATURES, "ill")
