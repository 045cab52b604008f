"""Who writes which columns: whatever a manager says becomes a plan that works, or is refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tablewright.errors import BudgetError, InputError, InvalidReplyError
from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.prompts.sharing import Sharing
from tablewright.schema import Schema
from tablewright.systems.team_then_trim.manager import ask_for_plan, chain, plan_by_association
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, Component, TeamPlan
from tablewright.systems.team_then_trim.plan_reading import read_draft, read_plan, read_text, repair
from tablewright.testing import StandIn

FEATURES = ["age", "sex", "bmi", "glucose", "notes, free", "Smoker"]
TARGET = "risk"


def check_valid(plan: TeamPlan, features: list[str], target: str | None) -> None:
    """The six points: whole, disjoint, known columns, no label, no circle, few components."""
    assert sorted(plan.features) == sorted(features)
    assert all(part.features for part in plan.components)
    assert target not in plan.features
    ids = [part.id for part in plan.components]
    assert len(set(ids)) == len(ids)
    assert all(set(part.parents) <= set(ids) - {part.id} for part in plan.components)
    assert sum(len(level) for level in plan.levels()) == len(ids)
    assert 1 <= len(ids) <= min(len(features), MOST_COMPONENTS)


def graph(*parts: tuple[str, list[str], list[str]], label: str = "judge") -> dict[str, Any]:
    components = [
        {"id": name, "role": f"role of {name}", "features": features, "parents": parents}
        for name, features, parents in parts
    ]
    return {"components": components, "label": {"role": label}}


WHOLE = graph(("c1", ["age", "sex"], []), ("c2", ["bmi", "glucose"], ["c1"]),
              ("c3", ["notes, free", "Smoker"], ["c1"]))  # fmt: skip

names = st.sampled_from([*FEATURES, TARGET, "AGE", "`sex`", "glucos", "shoe", "", "age, bmi"])
parts = st.fixed_dictionaries(
    {},
    optional={
        "id": st.one_of(st.sampled_from(["c1", "c2", "c3"]), st.integers(0, 3), st.none()),
        "role": st.one_of(st.text(max_size=8), st.none(), st.integers()),
        "features": st.one_of(st.lists(names, max_size=7), names, st.none()),
        "parents": st.one_of(st.lists(st.sampled_from(["c1", "c2", "c3", "c9"])), st.none()),
    },
)
graphs = st.fixed_dictionaries(
    {"components": st.lists(parts, max_size=14)},
    optional={
        "label": st.one_of(st.text(max_size=5), st.none(), st.dictionaries(st.text(), names))
    },
)
roles = st.fixed_dictionaries(
    {
        "Roles": st.dictionaries(
            st.sampled_from([f"Role{n}" for n in range(12)]),
            st.fixed_dictionaries({"Features": names}, optional={"Name": st.text(max_size=6)}),
        )
    },
    optional={"Relationship": st.dictionaries(st.text(max_size=8), names)},
)


@settings(max_examples=200)
@given(st.one_of(st.text(), graphs.map(json.dumps), roles.map(json.dumps), graphs.map(repr)))
def test_any_reply_gives_a_valid_plan(text: str) -> None:
    columns: dict[str, str] = dict.fromkeys([*FEATURES, TARGET], "text")
    plan = ask_for_plan(Scripted([text] * 3), Schema.build(columns, target=TARGET))
    check_valid(plan, FEATURES, TARGET)
    assert plan.made in ("llm", "repaired", "fallback")
    assert (plan.made != "llm") == bool(plan.repairs)


@given(graphs, st.booleans())
def test_every_draft_can_be_repaired(value: dict[str, Any], labelled: bool) -> None:
    draft = read_draft(value)
    target = TARGET if labelled else None
    features = FEATURES if labelled else [*FEATURES, TARGET]
    assert draft is not None
    check_valid(repair(draft, features, target), features, target)


def test_a_plan_is_read_as_it_was_meant() -> None:
    draft = read_text("Sure!\n```json\n" + json.dumps(WHOLE) + "\n```")
    assert draft is not None
    plan = repair(draft, FEATURES, TARGET)
    assert (plan.made, plan.label_role, plan.repairs) == ("llm", "judge", ())
    assert [[part.id for part in level] for level in plan.levels()] == [["c1"], ["c2", "c3"]]


def test_the_published_form_is_a_chain() -> None:
    published = {
        "Roles": {
            "Role1": {"Name": "clinician", "Features": "bmi, glucose"},
            "Role2": {"Name": "demographer", "Features": "Age, `sex`, notes, free, Smoker"},
            "Role3": {"Name": "diabetes expert", "Features": "risk"},
        },
        "Relationship": {"Order 1": "Role2", "Order 2": "Role1", "Order 3": "Role3"},
    }
    plan = read_plan(published, FEATURES, TARGET)
    assert [part.role for part in plan.components] == ["demographer", "clinician"]
    assert plan.components[0].features == ("age", "sex", "notes, free", "Smoker")
    assert plan.components[1].parents == ("Role2",)
    assert plan.label_role == "diabetes expert"


REPAIRS: list[tuple[dict[str, Any], str]] = [
    (graph(("c1", [*FEATURES[:-1], "smokre"], [])), "'smokre' is no column: taken for 'Smoker'"),
    (graph(("c1", [*FEATURES, "height"], [])), "'height' is no column: left out"),
    (
        graph(("c1", FEATURES, []), ("c2", ["age"], [])),
        "column 'age' is in 'c1' and 'c2': the first keeps it",
    ),
    (graph(("c1", [*FEATURES, TARGET], [])), "the label 'risk' is in component 'c1': left out"),
    (graph(("c1", FEATURES[1:], [])), "column 'age' is in no component"),
    (graph(("c2", [], []), ("c1", FEATURES, [])), "component 'c2' has no columns"),
    (graph(("c1", FEATURES, ["c7"])), "component 'c1' follows 'c7': left out"),
    (
        graph(("c1", FEATURES[:3], ["c2"]), ("c2", FEATURES[3:], ["c1"])),
        "'c2' and 'c1' wait for each other",
    ),
    (graph(("c1", FEATURES[:3], []), ("c1", FEATURES[3:], [])), "component 'c1' is there twice"),
]


@pytest.mark.parametrize(("written", "said"), REPAIRS, ids=[said[:30] for _, said in REPAIRS])
def test_repairs_are_made_without_a_call_and_told(written: dict[str, Any], said: str) -> None:
    draft = read_draft(written)
    assert draft is not None
    plan = repair(draft, FEATURES, TARGET)
    check_valid(plan, FEATURES, TARGET)
    assert plan.made == "repaired"
    assert said in str(plan)


@pytest.mark.parametrize(("written", "said"), REPAIRS[1:], ids=[s[:30] for _, s in REPAIRS[1:]])
def test_a_plan_by_hand_is_refused_where_it_is_wrong(written: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=r"^plan: "):
        read_plan(written, FEATURES, TARGET)


def test_a_slip_in_a_plan_by_hand_is_pointed_at() -> None:
    with pytest.raises(InputError, match="'glucos' is no column; did you mean 'glucose'"):
        read_plan(graph(("c1", ["glucos"], [])), FEATURES, TARGET)


def test_columns_that_no_component_has_come_last_and_follow_all() -> None:
    draft = read_draft(graph(("c1", ["age", "sex"], []), ("c2", ["bmi", "glucose"], [])))
    assert draft is not None
    last = repair(draft, FEATURES, TARGET).components[-1]
    assert (last.features, last.parents) == (("notes, free", "Smoker"), ("c1", "c2"))


def test_too_many_components_are_joined_at_the_end() -> None:
    features = [f"x{n}" for n in range(12)]
    value = graph(*((f"c{n}", [name], []) for n, name in enumerate(features)))
    draft = read_draft(value)
    assert draft is not None
    plan = repair(draft, features)
    check_valid(plan, features, None)
    assert len(plan.components) == MOST_COMPONENTS


SCHEMA = Schema.build(dict.fromkeys([*FEATURES, TARGET], "text"), target=TARGET)


def test_a_bad_plan_is_asked_for_again_with_its_faults() -> None:
    llm = Scripted([json.dumps(graph(("c1", ["age"], []))), json.dumps(WHOLE)])
    plan = ask_for_plan(llm, SCHEMA)
    assert plan.made == "llm"
    assert len(llm.prompts) == 2
    assert "column 'bmi' is in no component" in llm.prompts[1].text


def test_few_faults_cost_no_call() -> None:
    llm = Scripted([json.dumps(graph(("c1", FEATURES[1:], [])))])
    assert ask_for_plan(llm, SCHEMA).made == "repaired"
    assert len(llm.prompts) == 1


def test_after_three_bad_plans_the_order_of_the_table_serves() -> None:
    llm = Scripted(["I cannot do that.", InvalidReplyError("empty"), "{}"])
    plan = ask_for_plan(llm, SCHEMA)
    assert (plan.made, plan.components) == ("fallback", chain(FEATURES, TARGET).components)


def test_a_cap_is_not_swallowed() -> None:
    with pytest.raises(BudgetError):
        ask_for_plan(Scripted([BudgetError("the cap is reached")]), SCHEMA)


def table(n_rows: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(50, 10, n_rows)
    city = rng.choice(["Ulm", "Bonn"], n_rows)
    return pl.DataFrame(
        {
            "age": age,
            "income": rng.normal(size=n_rows),
            "pension": age * 2 + rng.normal(size=n_rows),
            "city": city,
            "dialect": np.where(city == "Ulm", "swabian", "rhenish"),
            "noise": rng.normal(size=n_rows),
            "y": rng.choice(["a", "b"], n_rows),
        }
    ).with_columns(income=pl.when(pl.int_range(n_rows) % 7 == 0).then(None).otherwise("income"))


def test_without_a_model_associated_columns_stand_together() -> None:
    rows = table()
    schema = StandIn(rows, target="y").population.schema
    plan = plan_by_association(rows, schema)
    features = [name for name in rows.columns if name != "y"]
    check_valid(plan, features, "y")
    together = {frozenset(part.features) for part in plan.components}
    assert {frozenset({"age", "pension"}), frozenset({"city", "dialect"})} <= together
    assert plan.made == "local"


def test_a_plan_without_a_model_is_the_same_each_time_and_for_few_rows() -> None:
    for n_rows in (3, 10):
        rows = table(n_rows)
        schema = Schema.build(
            {name: "continuous" if dtype.is_float() else "categorical"
             for name, dtype in rows.schema.items()}, target="y",
        )  # fmt: skip
        plan = plan_by_association(rows, schema)
        check_valid(plan, rows.columns[:-1], "y")
        assert plan == plan_by_association(rows, schema)


def test_one_column_is_a_plan() -> None:
    schema = Schema.build({"age": "continuous", "y": "categorical"}, target="y")
    assert plan_by_association(table(), schema).features == ("age",)


@pytest.mark.parametrize("published", [False, True], ids=["graph", "published"])
def test_the_stand_in_manager_gives_a_plan(published: bool) -> None:
    model = StandIn(table(), target="y")
    plan = ask_for_plan(model, model.population.schema, table=table(), published=published)
    check_valid(plan, table().columns[:-1], "y")
    assert plan.made == "llm"
    assert len(model.prompts) == 1


@pytest.mark.parametrize("share", ["schema", "summary", "rows"])
def test_the_manager_sees_what_may_leave(share: Any) -> None:
    llm: Any = Scripted([json.dumps(graph(("c1", ["age", "city"], [])))])
    llm.sharing = Sharing(share, redact=("city",))
    rows = pl.DataFrame({"age": [7001, 7002] * 6, "city": ["Zzyzx", "Qqrare"] * 6})
    schema = Schema.build({"age": "integer", "city": "categorical"})
    assert ask_for_plan(llm, schema, table=rows).made == "llm"
    text = llm.prompts[0].text
    assert "Zzyzx" not in text
    assert ("7001" in text) == (share != "schema")
    assert ("city" in llm.prompts[0].sent) is False


def test_what_a_model_writes_reaches_no_terminal_raw() -> None:
    value = graph(("c1", FEATURES, []), label="\x1b[31mred [bold]")
    draft = read_draft(value)
    assert draft is not None
    plan = repair(draft, FEATURES, TARGET)
    assert "\x1b" not in str(plan)
    console = Console(file=io.StringIO(), width=200)
    console.print(plan)
    assert "[bold]" in console.file.getvalue()  # type: ignore[attr-defined]  # it is a StringIO


def test_a_plan_goes_to_a_file_and_back(tmp_path: Path) -> None:
    plan = read_plan(WHOLE, FEATURES, TARGET)
    path = tmp_path / "plan.json"
    path.write_text(plan.to_json(), encoding="utf-8")
    assert read_plan(path, FEATURES, TARGET) == plan
    assert read_plan(plan, FEATURES, TARGET) == plan


@pytest.mark.parametrize("text", ["{", "just words", "[]", "components: 3"])
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"^plan: "):
        read_plan(path, FEATURES, TARGET)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere\.json cannot be read"):
        read_plan("nowhere.json", FEATURES, TARGET)


DIAMOND = TeamPlan(
    (
        Component("c1", "a", ("x1",)),
        Component("c2", "b", ("x2",), ("c1",)),
        Component("c3", "c", ("x3",), ("c1",)),
        Component("c4", "d", ("x4",), ("c2", "c3")),
    )
)


@pytest.mark.parametrize(
    ("component", "context", "columns"),
    [
        ("c2", "parents", ("x1",)),
        ("c4", "parents", ("x2", "x3")),
        ("c4", "ancestors", ("x1", "x2", "x3")),
        ("c3", "all_done", ("x1",)),
        ("c1", "all_done", ()),
    ],
)
def test_context(component: str, context: Any, columns: tuple[str, ...]) -> None:
    assert DIAMOND.given(component, context) == columns


def test_columns_drawn_locally_come_after_those_that_a_model_writes() -> None:
    split = read_plan(WHOLE, FEATURES, TARGET).split(["age", "notes, free", "Smoker"])
    check_valid(split, FEATURES, TARGET)
    assert split["c1/local"].features == ("age",)
    assert split["c1/local"].parents == ("c1",)
    assert set(split["c2"].parents) == {"c1", "c1/local"}
    assert [part.id for part in split.components].count("c3") == 1


def test_no_list_of_a_plan_is_longer_than_the_table_allows() -> None:
    script = Scripted(["no plan"] * 3)
    schema = Schema.build({"age": "integer", "sex": "categorical", "ill": "boolean"}, "ill")
    ask_for_plan(script, schema)
    components = script.prompts[0].schema["properties"]["components"]  # type: ignore[index]
    assert components["maxItems"] == 2
    part = components["items"]["properties"]
    assert (part["features"]["maxItems"], part["parents"]["maxItems"]) == (2, 1)
    assert part["id"]["enum"] == ["c1", "c2"]
