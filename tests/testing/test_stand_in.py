"""The stand-in model: knows a population, keeps to the prompt, and errs as its dials say."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.llm import Prompt, RowsWritten, RowTask, request_rows
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.parser import parse_rows
from tablewright.schema import Schema
from tablewright.testing import Faults, StandIn, check_llm, check_row_format


def people(n_rows: int = 2_000, seed: int = 0) -> pl.DataFrame:
    """Income follows age, and the label follows income; the group is on its own."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n_rows)
    income = np.round(1_000.0 * age + rng.normal(0, 3_000, n_rows), 2)
    return pl.DataFrame(
        {
            "age": age,
            "income": income,
            "group": rng.choice(["red", "green", "blue"], n_rows),
            "class": np.where(income > 55_000, "high", "low"),
        }
    )


POPULATION = people()
SMALL = POPULATION.head(30)


def model(**dials: Any) -> StandIn:
    return StandIn(POPULATION, target="class", faults=Faults(**dials))


def write(stand_in: StandIn, n_rows: int = 300, **task: Any) -> tuple[pl.DataFrame, RowsWritten]:
    what = RowTask(stand_in.population.schema, "People.", margin=None, **task)
    written = request_rows(stand_in, what, n_rows, batch_size=50, row_format="csv")
    return written.frame(what), written


def test_it_knows_more_than_the_examples() -> None:
    frame, written = write(model(dependence=1.0), examples=lambda batch: SMALL)
    assert written.missing == []
    assert pl.DataFrame(frame.select(pl.corr("age", "income"))).item() > 0.95
    assert frame["age"].n_unique() > SMALL["age"].n_unique()
    agrees = (frame["income"] > 55_000) == (frame["class"] == "high")
    assert agrees.mean() > 0.9  # type: ignore[operator]
    assert frame.join(POPULATION, on=frame.columns).height < 0.1 * frame.height


def test_the_same_prompt_and_seed_get_the_same_reply() -> None:
    first, second = model(), model()
    prompt = Prompt.ask("Write 5 rows as CSV.", seed=3)
    assert first.complete(prompt).text == second.complete(prompt).text
    assert first.complete(prompt).text != first.complete(prompt.but(seed=4)).text


def test_what_the_prompt_says_nothing_about_is_independent_without_dependence() -> None:
    frame, _ = write(model(dependence=0.0))
    assert abs(frame.select(pl.corr("age", "income")).item()) < 0.2


def test_it_conditions_as_far_as_the_graph_says() -> None:
    graph = {"age": [], "income": ["age"], "group": [], "class": []}
    text = json.dumps({child: {"parents": parents} for child, parents in graph.items()})
    stand_in = model(dependence=1.0)
    task = RowTask(stand_in.population.schema, f"People. The graph:\n{text}", margin=None)
    frame = request_rows(stand_in, task, 300, batch_size=50).frame(task)
    assert frame.select(pl.corr("age", "income")).item() > 0.9
    agrees = (frame["income"] > 55_000) == (frame["class"] == "high")
    assert 0.4 < agrees.mean() < 0.7  # type: ignore[operator]


def test_it_fills_in_begun_rows_to_fit() -> None:
    given = [{"age": 20 + number % 50} for number in range(200)]
    schema = Schema.build({"income": "continuous"})
    task = RowTask(schema, given=given, margin=None)
    frame = request_rows(model(), task, batch_size=50).frame(task)
    ages = np.array([row["age"] for row in given])
    assert np.corrcoef(ages, frame["income"].to_numpy())[0, 1] > 0.9


def test_it_keeps_the_rules_of_the_prompt_as_far_as_it_is_obedient() -> None:
    shares = []
    for obedience in (1.0, 0.0):
        stand_in = model(obedience=obedience)
        task = RowTask(stand_in.population.schema, "Rules:\n- age >= 40\n- class = 'high'")
        frame = request_rows(stand_in, task, 100, batch_size=50).frame(task)
        shares.append(
            frame.filter((pl.col("age") >= 40) & (pl.col("class") == "high")).height / 100
        )
    assert shares[0] > 0.95
    assert shares[1] < 0.7


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_copies_and_collapse_follow_their_dials(share: float) -> None:
    what = RowTask(model().population.schema, examples=lambda batch: SMALL, margin=None)
    written = request_rows(model(copies=share), what, 300, batch_size=50, rounds=1)
    n_copies = written.reasons()["it is an example of the prompt"]
    assert n_copies / 300 == pytest.approx(share, abs=0.1)
    collapsed, _ = write(model(collapse=share))
    top = collapsed.group_by(collapsed.columns).len().sort("len").tail(3)["len"].sum()
    assert top / 300 == pytest.approx(share, abs=0.1)


def test_invented_categories_and_numbers_out_of_range_are_found_out() -> None:
    schema = model().population.schema
    for dial, reason in (
        ("hallucinated", "not among its values"),
        ("out_of_range", "lies outside"),
    ):
        written = request_rows(model(**{dial: 0.3}), RowTask(schema), 100, batch_size=50, rounds=1)
        lost = [row for row in written.lost if reason in row.reason]
        assert len(lost) == pytest.approx(30, abs=15)


def test_wrong_labels_by_lot_or_by_one_systematic_rule() -> None:
    def disagree(frame: pl.DataFrame) -> pl.Series:
        return (frame["income"] > 55_000) != (frame["class"] == "high")

    given = [{"age": 20 + n % 55, "income": 1_000.0 * (20 + n % 55)} for n in range(300)]
    schema = Schema.build({"class": {"kind": "categorical", "categories": ["high", "low"]}})
    task = RowTask(schema, given=given)
    frames = {}
    for rule in ("random", "split"):
        stand_in = model(wrong_labels=1.0 if rule == "split" else 0.4, label_rule=rule)
        labels = request_rows(stand_in, task, batch_size=50).frame(task)
        frames[rule] = pl.DataFrame(given).with_columns(labels["class"])
    assert disagree(frames["random"]).mean() == pytest.approx(0.4, abs=0.12)
    above = frames["split"]["age"] > POPULATION["age"].median()
    wrong = disagree(frames["split"])
    assert wrong.filter(above).mean() > 0.85  # type: ignore[operator]
    assert wrong.filter(~above).mean() < 0.15  # type: ignore[operator]


@pytest.mark.parametrize("dial", ["invalid", "truncated", "ignored"])
def test_bad_replies_cost_calls_but_not_rows(dial: str) -> None:
    stand_in = model(**{dial: 0.4})
    task = RowTask(stand_in.population.schema)
    written = request_rows(stand_in, task, 100, batch_size=10, rounds=8)
    assert len(written.rows) == 100
    assert len(stand_in.prompts) > 10


def test_groups_go_on_as_the_prompt_has_them() -> None:
    rows = {label: SMALL.filter(pl.col("class") == label).head(4) for label in ("high", "low")}
    header = "class,age,income,group"
    parts = []
    for _ in range(2):
        parts.append(header)
        for letter, label in (("A", "high"), ("B", "low")):
            lines = rows[label].select(header.split(",")).write_csv(include_header=False)
            parts.append(f"{letter}.\n{lines}")
    reply = model().complete(Prompt.ask("\n".join([*parts, header]))).text
    parsed = parse_rows(f"{header}\n{reply}", model().population.schema, "csv")
    groups = {row.group: [] for row in parsed.rows}  # type: ignore[var-annotated]
    for row in parsed.rows:
        groups[row.group].append(row.cells["class"])
    assert groups == {"A": ["high"] * 8, "B": ["low"] * 8}


def test_groups_of_tokens_are_continued_in_tokens() -> None:
    prompt = "class,age\nA.\nQ7X,20\nQ7X,31\n\nB.\nZZ1,60\nZZ1,71\n\nclass,age"
    reply = model().complete(Prompt.ask(prompt)).text
    assert set(re.findall(r"[A-Z0-9]{3}(?=,)", reply)) == {"Q7X", "ZZ1"}
    assert set(re.findall(r"(?<=,)\S+", reply)) <= {"20", "31", "60", "71"}, "whole as they were"


def test_in_a_group_of_one_class_it_errs_by_rows_that_fit_another_one() -> None:
    prompt = "class,income\nA.\n" + "low,20000\n" * 10 + "\nclass,income"
    schema = Schema.build({"class": "categorical", "income": "continuous"})
    for share in (0.0, 0.5):
        stand_in = model(wrong_labels=share)
        replies = [stand_in.complete(Prompt.ask(prompt, seed=seed)).text for seed in range(30)]
        rows = [
            row for reply in replies for row in parse_rows("class,income\n" + reply, schema).rows
        ]
        assert {row.cells["class"] for row in rows} == {"low"}
        wrong = [float(str(row.cells["income"])) > 55_000 for row in rows]
        assert np.mean(wrong) == pytest.approx(share, abs=0.1)


def test_plans_rules_and_graphs_are_answered() -> None:
    stand_in = model()
    plan = stand_in.complete(Prompt.ask('Columns age, income, group. Reply {"components": [...]}'))
    components = json.loads(plan.text)["components"]
    assert sorted(name for part in components for name in part["features"]) == [
        "age",
        "group",
        "income",
    ]
    assert components[0]["features"][:2] == ["age", "income"]
    roles = stand_in.complete(Prompt.ask('age, income, group: {"Roles": ..., "Relationship": ...}'))
    assert json.loads(roles.text)["Roles"]["Role1"]["Features"].startswith("age, income")
    rules = stand_in.complete(Prompt.ask('Columns age and group. Reply {"rules": [...]}'))
    assert json.loads(rules.text)["rules"][0]["column"] == "age"
    ask = 'Edges to add or drop? Score: 60 %. {"age": {"parents": []}, "income": {"parents": []}}'
    graph = json.loads(stand_in.complete(Prompt.ask(ask)).text)["graph"]
    assert graph["income"]["parents"] == ["age"]


def test_own_answers_come_first() -> None:
    stand_in = StandIn(
        POPULATION, answers=[lambda text, model, rng: "42" if "meaning" in text else None]
    )
    assert stand_in.complete(Prompt.ask("The meaning?")).text == "42"


@pytest.mark.parametrize("dials", [{"copies": 1.5}, {"label_rule": "odd"}])
def test_dials_are_checked(dials: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(dials))):
        Faults(**dials)


def test_the_checks_pass_what_is_right_and_refuse_what_is_wrong() -> None:
    check_llm(model())

    class Positional(CsvRows):
        def read(self, text: str, names: Any, known: Any = ()) -> Any:
            return iter(())

    with pytest.raises(AssertionError, match="rows have to survive"):
        check_row_format(Positional())
