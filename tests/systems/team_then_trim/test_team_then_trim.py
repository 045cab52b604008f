"""A team writes rows part by part, whoever its members are; what does not pass is told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import BudgetError, InputError
from tablewright.llm import connect
from tablewright.llm.endpoint.base import Prompt, Reply, Usage
from tablewright.llm.prompts.sharing import Sharing
from tablewright.selection.label_checks import LabelPlausibility
from tablewright.selection.trim import Trim, TrimWarning
from tablewright.systems.team_then_trim.plan import TeamPlan
from tablewright.systems.team_then_trim.system import TeamThenTrim
from tablewright.testing import Faults, StandIn
from tests.people import people

PEOPLE = people(400)
SMALL = PEOPLE[:60]
PLAN = {
    "components": [
        {"id": "c1", "role": "one", "features": ["a"], "parents": []},
        {"id": "c2", "role": "two", "features": ["b"], "parents": ["c1"]},
        {"id": "c3", "role": "three", "features": ["c"], "parents": ["c1"]},
    ],
    "label": {"role": "judge"},
}


def numbers(n_rows: int = 40) -> pl.DataFrame:
    a = np.random.default_rng(1).integers(0, 40_000, n_rows)
    return pl.DataFrame({"a": a, "b": 2 * a, "c": 3 * a, "y": np.where(a % 2 == 0, "even", "odd")})


class Calculator:
    """Writes a at random, b = 2a, c = 3a and whether a is even; badly, with rows left out."""

    def __init__(self, skip: float = 0.0, n_calls: int | None = None, seed: int = 0) -> None:
        self.prompts: list[Prompt] = []
        self.sizes: list[int] = []
        self.rng = np.random.default_rng(seed)
        self.skip, self.n_calls = skip, n_calls
        self.sharing = Sharing("rows")

    def complete_all(self, prompts: Sequence[Prompt]) -> list[Reply | BudgetError]:
        self.sizes.append(len(prompts))
        return [self.answer(prompt) for prompt in prompts]

    def complete(self, prompt: Prompt) -> Reply:
        reply = self.complete_all([prompt])[0]
        assert isinstance(reply, Reply)
        return reply

    def answer(self, prompt: Prompt) -> Reply | BudgetError:
        if self.n_calls is not None and len(self.prompts) >= self.n_calls:
            return BudgetError("the cap of calls is reached")
        self.prompts.append(prompt)
        items = prompt.schema["properties"]["rows"]  # type: ignore[index]  # every role has one
        (column,) = items["items"]["required"]
        begun = self.begun(prompt.text)
        rows = begun or [{"a": int(self.rng.integers(0, 40_000))} for _ in range(items["minItems"])]
        written = [{**row, **self.cell(row["a"], column)} for row in rows]
        kept = [row for row in written if self.rng.random() >= self.skip]
        if self.skip:  # then rows are out of order, and repeat what was given
            surplus = [{"a": 99, **self.cell(99, column)}] if begun else []
            kept = [*reversed(kept), *kept[:1], *surplus]
        else:
            kept = [self.cell(row["a"], column) for row in kept]
        return Reply("Here you are:\n" + json.dumps(kept), usage=Usage(10, 5))

    def cell(self, a: int, column: str) -> dict[str, Any]:
        return {column: {"a": a, "b": 2 * a, "c": 3 * a, "y": "odd" if a % 2 else "even"}[column]}

    def begun(self, text: str) -> list[dict[str, int]]:
        block = re.search(r"rows are begun.*?<data>\n(.*?)\n</data>", text, re.DOTALL)
        return [json.loads(line) for line in block[1].splitlines()] if block else []


def workers(model: StandIn) -> list[str]:
    """What workers and the label worker were asked."""
    return [prompt for prompt in model.prompts if "Several specialists write" in prompt]


def writing(n_batches: int | None) -> type[TeamThenTrim]:
    """A team that writes so many batches and returns what passes."""
    return type("TeamThenTrim", (TeamThenTrim,), {"n_batches": n_batches})


def calculated(n_rows: int = 30, **options: Any) -> tuple[pl.DataFrame, TeamThenTrim]:
    model = options.pop("model", None) or Calculator()
    kind = writing(options.pop("n_batches", None))
    settings = {"plan": PLAN, "trim": None, "random_state": 0, **options}
    system = kind("y", llm=model, **settings).fit(numbers())
    return system.sample(n_rows), system


# rows and numbers -------------------------------------------------------------


@pytest.mark.parametrize("skip", [0.0, 0.3])
def test_parts_of_a_row_stay_together_however_replies_are_ordered(skip: float) -> None:
    rows, system = calculated(model=Calculator(skip))
    assert rows.height == 30
    assert (rows["b"] == 2 * rows["a"]).all()
    assert (rows["c"] == 3 * rows["a"]).all()
    assert (rows["y"] == pl.Series(np.where(rows["a"] % 2 == 0, "even", "odd"))).all()
    assert system.result_.stopped is None


@settings(max_examples=5)
@given(skip=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_no_row_is_ever_put_together_of_two(skip: float, seed: int) -> None:
    rows, _ = calculated(10, model=Calculator(skip, seed=seed))
    assert (rows["b"] == 2 * rows["a"]).all()
    assert (rows["c"] == 3 * rows["a"]).all()


def test_a_row_that_a_worker_never_writes_is_given_up_and_told() -> None:
    model = Calculator(1.0)
    rows, system = calculated(10, model=model, n_batches=1)
    assert rows.height == 0
    assert system.result_.parse_errors["given up: a worker did not write its columns"] == 10
    assert len(model.prompts) == 3


def test_components_of_one_level_are_written_at_once() -> None:
    model = Calculator()
    calculated(30, model=model, n_batches=3)
    assert model.sizes == [3, 2 * 3, 3]


@pytest.mark.parametrize(
    ("context", "columns"),
    [("parents", ["b"]), ("ancestors", ["a", "b"]), ("all_done", ["a", "b"])],
)
def test_a_worker_is_given_the_columns_of_its_context(
    context: Any, columns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TeamThenTrim, "context", context)
    chain = {
        "components": [
            {"id": "c1", "role": "one", "features": ["a"], "parents": []},
            {"id": "c2", "role": "two", "features": ["b"], "parents": ["c1"]},
            {"id": "c3", "role": "three", "features": ["c"], "parents": ["c2"]},
        ]
    }
    population = numbers(200)
    model = StandIn(population, target="y")
    system = TeamThenTrim("y", llm=model, plan=chain, trim=None, random_state=0)
    system.fit(population[:40]).sample(5)
    text = next(prompt for prompt in model.prompts if "You are a specialist: three." in prompt)
    begun = re.search(r"rows are begun.*?<data>\n(.*?)\n", text, re.DOTALL)
    assert begun is not None
    assert list(json.loads(begun[1])) == columns


# roles ------------------------------------------------------------------------


def test_without_a_model_everything_is_local_and_said_so() -> None:
    system = TeamThenTrim("state", trim=None, random_state=0).fit(SMALL)
    rows = system.sample(25)
    assert rows.schema == SMALL.schema
    assert rows.height == 25
    assert system.plan_.made == "local"
    assert system.result_.usage.calls == 0
    assert any("drawn on this machine" in note for note in system.result_.notes)


def test_each_role_takes_its_own_model_and_has_its_own_line_on_the_bill() -> None:
    manager, worker, judge = (StandIn(PEOPLE, target="state") for _ in range(3))
    models = {"manager": manager, "label": judge, "": worker}
    system = writing(2)("state", llm=models, trim=None, random_state=0).fit(SMALL)
    rows = system.sample()
    assert rows.height == 20
    assert len(manager.prompts) == 1
    assert len(judge.prompts) == 2
    assert len(worker.prompts) == 2 * len(system.plan_.components)
    calls = {(line.role, line.stage): line.calls for line in system.result_.usage.lines}
    assert calls == {
        ("manager", "plan"): 1,
        ("worker", "write"): len(worker.prompts),
        ("label", "write"): 2,
    }
    assert system.result_.details["plan"] is system.plan_


def test_the_plan_is_made_once() -> None:
    model = StandIn(PEOPLE, target="state")
    system = TeamThenTrim("state", llm={"manager": model}, trim=None, random_state=0).fit(SMALL)
    system.sample(5)
    system.sample(5)
    assert len(model.prompts) == 1


def test_same_seed_same_rows() -> None:
    def rows(seed: int) -> pl.DataFrame:
        model = StandIn(PEOPLE, target="state")
        system = TeamThenTrim("state", llm=model, trim=None, random_state=seed)
        result: pl.DataFrame = system.fit(SMALL).sample(12)
        return result

    assert rows(1).equals(rows(1))
    assert not rows(1).equals(rows(2))


def test_examples_and_meanings_are_shown_and_no_other_columns_asked_for() -> None:
    model = StandIn(PEOPLE, target="state")
    reported = {"fever": {"meaning": "degrees in the ear"}}
    system = writing(1)(
        "state", llm=model, schema=reported, topic="patients", trim=None, random_state=0
    ).fit(SMALL)
    system.sample()
    asked = workers(model)
    assert all("degrees in the ear" in prompt for prompt in asked)
    assert all("The table is about patients." in prompt for prompt in asked)
    assert any("seen by doctor" in prompt for prompt in asked)
    assert asked[-1].endswith('each on one line, with the keys "state", in this order.')


# columns drawn here, columns written there ------------------------------------


def test_a_model_may_write_some_columns_and_the_rest_is_drawn() -> None:
    model = StandIn(PEOPLE, target="state")
    local = [name for name in SMALL.columns if name not in ("patient_id", "unit", "fever", "state")]
    system = TeamThenTrim("state", llm=model, local_columns=local, trim=None, random_state=0).fit(
        SMALL
    )
    rows = system.sample(10)
    assert rows.height == 10
    assert {p.split(" keys ")[-1] for p in workers(model)} == {
        '"fever", in this order.',
        '"state", in this order.',
    }
    assert rows["note"].is_in(SMALL["note"].implode()).all()


def test_drawn_cells_are_shown_to_a_model_only_where_rows_may_leave() -> None:
    model: Any = StandIn(PEOPLE, target="state")
    model.sharing = Sharing("summary")
    system = TeamThenTrim("state", llm={"label": model}, trim=None, random_state=0).fit(SMALL)
    with pytest.raises(InputError, match="--share rows"):
        system.sample(10)


def test_a_model_that_may_see_no_row_still_writes() -> None:
    model: Any = StandIn(PEOPLE, target="state")
    model.sharing = Sharing("schema")
    system = TeamThenTrim("state", llm=model, trim=None, random_state=0).fit(SMALL)
    assert system.sample(10).height == 10
    assert not any("seen by doctor 1" in prompt for prompt in model.prompts[:2])


def test_a_redacted_column_may_be_drawn_here() -> None:
    model: Any = StandIn(PEOPLE, target="state")
    model.sharing = Sharing("rows", redact=("note",))
    system = TeamThenTrim(
        "state", llm=model, local_columns=["note"], trim=None, random_state=0
    ).fit(SMALL)
    rows = system.sample(10)
    assert rows["note"].is_in(SMALL["note"].implode()).all()
    assert not any("seen by doctor" in prompt for prompt in model.prompts)


# requests ---------------------------------------------------------------------


def test_conditions_and_rules_hold_and_are_told_to_the_workers() -> None:
    model = StandIn(PEOPLE, target="state")
    system = TeamThenTrim("state", llm=model, trim=None, random_state=0).fit(SMALL)
    rows = system.sample(10, where="age > 55", rules=["fever < 38"])
    assert rows.height == 10
    assert (rows["age"] > 55).all()
    assert (rows["fever"] < 38).all()
    assert any("- age > 55" in prompt for prompt in model.prompts)
    rejected = system.result_.rejected
    assert rejected.height == 0 or set(rejected["_stage"]) == {"rules"}


def test_a_rule_about_shares_is_told_not_kept() -> None:
    rule = {"kind": "quota", "where": "ward = 'west'", "share": [0.4, 0.6]}
    system = TeamThenTrim("state", trim=None, random_state=0).fit(SMALL)
    assert system.sample(10, rules=[rule]).height == 10
    assert any("about shares of rows" in note for note in system.result_.notes)


def test_a_rare_or_redacted_class_is_not_told() -> None:
    rare = pl.concat([SMALL.filter(pl.col("state") == "well"),
                      SMALL.filter(pl.col("state") == "ill")[:2]])  # fmt: skip
    for sharing in (Sharing("summary"), Sharing("rows", redact=("state",))):
        model: Any = StandIn(PEOPLE, target="state")
        model.sharing = sharing
        system = TeamThenTrim("state", llm=model, trim=None, random_state=0)
        system.fit(rare).sample(4, balance="equal")
        others = [text for text in workers(model) if not text.endswith('"state", in this order.')]
        assert not any('{"state": ' in text.split("rows are begun")[-1] for text in others)


def test_a_request_that_no_row_meets_ends_at_half_more_than_the_estimate_and_says_so() -> None:
    model = Calculator()
    system = TeamThenTrim("y", llm=model, plan=PLAN, trim=None, random_state=0)
    rows = system.fit(numbers()).sample(10, where="a > 20 AND b < 5")
    assert rows.height == 0
    assert any("10 rows are missing still" in note for note in system.result_.notes)
    labels = [prompt for prompt in model.prompts if prompt.role == "label"]
    assert len(labels) == 3, "batches of ten: 2.25 times as many rows, and an estimate of 1.5"
    assert "no row was kept" in str(system.result_)


def test_a_number_of_batches_may_be_asked_for() -> None:
    model = Calculator()
    rows, _ = calculated(None, model=model, n_batches=3)  # type: ignore[arg-type]  # None: as many as come
    assert rows.height == 30
    assert len(model.prompts) == 3 * 4


def test_at_a_cap_the_rows_so_far_are_returned() -> None:
    rows, system = calculated(200, model=Calculator(n_calls=8 * 4 + 5))
    assert rows.height == 80
    assert isinstance(system.result_.stopped, BudgetError)


def test_faults_of_a_model_cost_calls_but_no_rows() -> None:
    faults = Faults(invalid=0.1, truncated=0.1, ignored=0.3, hallucinated=0.1)
    model = StandIn(PEOPLE, target="state", faults=faults)
    system = TeamThenTrim("state", llm=model, trim=None, random_state=0).fit(SMALL)
    rows = system.sample(30)
    assert rows.height == 30
    assert set(rows["ward"].drop_nulls()) <= {"north", "south", "west"}


def test_a_dry_run_counts_on_half_as_many_rows_more_and_trims_nothing() -> None:
    with connect("stand-in", "http://localhost:1/v1", dry_run=True) as client:
        system = TeamThenTrim("y", llm=client, random_state=0).fit(numbers())
        rows = system.sample(30)
    calls = {line.role: line.calls for line in system.result_.usage.lines}
    assert rows.height == 30
    assert calls == {"manager": 1, "worker": 5, "label": 5}
    assert any("dry run" in note for note in system.result_.notes)


# gates ------------------------------------------------------------------------


def noisy(n_rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 3)).round(3)
    y = np.where(x[:, 0] + x[:, 1] + rng.normal(0, 0.5, n_rows) > 0, "b", "a")
    return pl.DataFrame({"u": x[:, 0], "v": x[:, 1], "w": x[:, 2], "y": y})


def test_what_gates_reject_can_be_viewed_and_others_are_written_instead() -> None:
    model = StandIn(noisy(1000), target="y", faults=Faults(out_of_range=0.2, wrong_labels=0.2))
    system = TeamThenTrim("y", llm=model, random_state=0).fit(noisy(60, seed=1))
    rows = system.sample(60)
    result = system.result_
    assert rows.height == 60
    assert result.n_proposed > 60
    assert {"sanity", "labels"} <= set(result.rejected["_stage"])
    assert not result.rejected["_reason"].is_null().any()
    assert result.details["trimmed"].n_kept >= 60
    assert rows.select("u", "v", "w").to_numpy().max() < 10


def test_few_real_rows_give_rows_that_pass_alone_and_a_note_of_doubt() -> None:
    model = StandIn(noisy(1000), target="y")
    system = TeamThenTrim("y", llm=model, random_state=0).fit(noisy(12, seed=1))
    assert system.sample(20).height == 20
    doubt = "with 12 real rows a wrong pool cannot be told from a sound one"
    assert any(doubt in note for note in system.result_.notes)
    assert {"sanity"} <= {name for name, *_ in system.result_.details["trimmed"].counts}


def test_the_generator_is_trusted_with_few_rows_where_that_is_said() -> None:
    model = StandIn(noisy(1000), target="y")
    system = TeamThenTrim("y", llm=model, trim={"trust": "generator"}, random_state=0)
    assert system.fit(noisy(12, seed=1)).sample(20).height == 20
    assert system.result_.details["trust"] == "generator"


@pytest.mark.filterwarnings("ignore::tablewright.systems.RowsWarning")
def test_the_published_variant_is_an_order_and_one_round() -> None:
    model = StandIn(noisy(1000), target="y")
    system = TeamThenTrim("y", llm=model, variant="published", trim={"c": 0.0}, random_state=0)
    system.fit(noisy(40, seed=1))
    with pytest.warns(TrimWarning):
        rows = system.sample()
    assert '"Relationship"' in model.prompts[0]
    levels = system.plan_.levels()
    assert all(len(level) == 1 for level in levels)
    assert len(workers(model)) == 4 * (len(levels) + 1)
    assert rows.height <= 40


@pytest.mark.parametrize(
    ("trim", "stages"),
    [
        (Trim(trust="generator", drop=0.5), {"labels"}),
        ({"drop": 0.5, "trust": "generator"}, {"labels"}),
        ([LabelPlausibility(0.5)], {"label plausibility"}),
    ],
    ids=["trim", "parameters", "checks"],
)
def test_gates_can_be_chosen(trim: Any, stages: set[str]) -> None:
    model = StandIn(noisy(1000), target="y", faults=Faults(wrong_labels=0.3))
    system = writing(5)("y", llm=model, trim=trim, random_state=0).fit(noisy(60, seed=1))
    assert 0 < system.sample().height < 50
    assert stages <= set(system.result_.rejected["_stage"])


@pytest.mark.filterwarnings("ignore::tablewright.systems.RowsWarning")
def test_gates_work_without_a_label_and_with_a_number() -> None:
    for target in (None, "w"):
        system = TeamThenTrim(target, random_state=0).fit(noisy(80, seed=1))
        assert system.sample(20).height == 20


class Noise:
    """Answers anything with one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def complete(self, prompt: Prompt) -> Reply:
        return Reply(self.text)


def test_components_may_be_called_anything() -> None:
    plan = {
        "components": [
            {"id": "label", "role": "one", "features": ["a", "b"], "parents": []},
            {"id": "label/local", "role": "two", "features": ["c"], "parents": ["label"]},
        ]
    }
    population = numbers(200)
    system = TeamThenTrim(
        "y", llm=StandIn(population, target="y"), plan=plan, local_columns=["b"], trim=None,
        random_state=0,
    ).fit(population[:40])  # fmt: skip
    assert system.sample(20).height == 20


LINES = ['{"a": 1}', '{"b": "x"},', "a", "y", "even", '[{"y": "even"}]', "{", "[[1,2]]"]


@settings(max_examples=25)
@given(st.one_of(st.text(), st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)))
def test_whatever_workers_reply_rows_are_whole_or_not_there(text: str) -> None:
    system = writing(1)("y", llm=Noise(text), plan=PLAN, trim=None, random_state=0)
    rows = system.fit(numbers()).sample()
    assert rows.schema == numbers().schema
    assert rows.height <= 10
    assert set(rows["y"]) <= {"even", "odd"}
    assert rows.null_count().sum_horizontal()[0] == 0


# plans ------------------------------------------------------------------------


def test_a_plan_can_be_looked_at_changed_and_given_back() -> None:
    first = TeamThenTrim("y", trim=None, random_state=0).fit(numbers()).plan_
    written = first.to_dict()
    written["components"][0]["role"] = "arithmetician"
    system = TeamThenTrim("y", plan=written, trim=None, random_state=0).fit(numbers())
    assert isinstance(system.plan_, TeamPlan)
    assert system.plan_.made == "given"
    assert "arithmetician" in str(system.plan_)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"plan": {"components": [{"features": ["a", "b"]}]}}, "column 'c' is in no component"),
        ({"variant": "paper"}, "variant is 'default' or 'published'"),
        ({"examples": "best"}, "examples is 'random', 'stratified'"),
        ({"trim": "none"}, "trim is 'auto', a Trim"),
        ({"local_columns": ["bb"]}, "no column 'bb' is written"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], said: str) -> None:
    system = TeamThenTrim(**{"target": "y", "trim": None, "random_state": 0, **options})
    with pytest.raises(InputError, match=re.escape(said)):
        system.fit(numbers().with_columns(b=pl.col("b") * 0.37))
