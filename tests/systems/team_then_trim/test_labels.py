"""The label of a row that a team writes: its classes, seen or declared, or its number."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.llm import Prompt, Reply
from tablewright.llm.prompts.sharing import Sharing
from tablewright.systems.common.examples import ProportionalExamples
from tablewright.systems.team_then_trim.system import TeamThenTrim
from tablewright.testing import StandIn
from tests.people import people

PEOPLE = people(400)
SMALL = PEOPLE[:60]


def risks(n_rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows).round(3)
    risk = np.select([x < 0.3, x < 1.0], ["low", "middle"], "high")
    return pl.DataFrame({"x": x, "z": rng.normal(size=n_rows).round(3), "risk": risk})


ALL = ["low", "middle", "high"]


def test_a_class_that_no_real_row_has_can_be_written_by_a_model() -> None:
    population = risks(800)
    real = population.filter(pl.col("risk") != "high")[:40]
    model = StandIn(population, target="risk")
    system = TeamThenTrim(
        "risk", llm=model, schema={"risk": {"categories": ALL}}, trim=None, random_state=0
    ).fit(real)
    rows = system.sample(60)
    result = rows.filter(pl.col("risk") == "high")
    assert result.height > 0
    assert result["x"].to_numpy().mean() > rows["x"].to_numpy().mean()


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["low", "middle"]), pl.Enum(ALL)])
def test_a_declared_class_fits_into_the_data_type_of_the_column(dtype: Any) -> None:
    population = risks(800)
    real = population.filter(pl.col("risk") != "high")[:40].with_columns(
        risk=pl.col("risk").cast(dtype)
    )
    model = StandIn(population, target="risk")
    system = TeamThenTrim(
        "risk", llm=model, schema={"risk": {"categories": ALL}}, trim=None, random_state=0
    ).fit(real)
    rows = system.sample(60)
    assert (rows["risk"].cast(pl.String) == "high").sum() > 0
    assert isinstance(rows["risk"].dtype, type(dtype) if isinstance(dtype, pl.Enum) else dtype)


def test_categories_of_pandas_that_lack_a_class_are_pointed_at() -> None:
    real = risks(200).filter(pl.col("risk") != "high").to_pandas().astype({"risk": "category"})
    system = TeamThenTrim("risk", schema={"risk": {"categories": ALL}}, trim=None, random_state=0)
    with pytest.raises(InputError, match="class 'high' is none of them: add it"):
        system.fit(real)


def test_without_declaring_it_a_label_stays_among_those_of_the_table() -> None:
    population = risks(800)
    real = population.filter(pl.col("risk") != "high")[:40]
    system = TeamThenTrim(
        "risk", llm=StandIn(population, target="risk"), trim=None, random_state=0
    ).fit(real)
    assert set(system.sample(40)["risk"]) <= {"low", "middle"}


def test_a_label_worker_without_a_model_says_what_it_cannot_write() -> None:
    real = risks(100).filter(pl.col("risk") != "high")
    system = TeamThenTrim(
        "risk", schema={"risk": {"categories": ALL}}, trim=None, random_state=0
    ).fit(real)
    assert set(system.sample(50)["risk"]) <= {"low", "middle"}
    assert any("class 'high'" in note for note in system.result_.notes)


@pytest.mark.parametrize("kind", ["model", "local"])
def test_a_label_may_be_a_number(kind: str) -> None:
    model = StandIn(PEOPLE, target="dose") if kind == "model" else None
    system = TeamThenTrim("dose", llm=model, trim=None, random_state=0).fit(SMALL)
    rows = system.sample(15)
    assert rows.height == 15
    assert rows["dose"].dtype == pl.Float64


@pytest.mark.parametrize("kind", ["model", "local"])
def test_a_team_may_have_no_label(kind: str) -> None:
    model = StandIn(PEOPLE) if kind == "model" else None
    system = TeamThenTrim(llm=model, trim=None, random_state=0).fit(SMALL)
    assert system.sample(10).height == 10
    assert set(system.plan_.features) == set(SMALL.columns) - {"patient_id", "unit"}


@pytest.mark.parametrize("kind", ["model", "local"])
def test_classes_asked_for_are_dealt_out_first(kind: str) -> None:
    model = StandIn(PEOPLE, target="state") if kind == "model" else None
    system = TeamThenTrim("state", llm=model, trim=None, random_state=0).fit(SMALL)
    rows = system.sample(20, balance="equal")
    assert rows["state"].value_counts()["count"].to_list() == [10, 10]
    assert system.result_.n_proposed == 20
    ill, well = (rows.filter(pl.col("state") == state)["fever"] for state in ("ill", "well"))
    assert ill.to_numpy().mean() > well.to_numpy().mean()


def test_classes_that_may_not_be_told_are_picked_out_of_what_comes() -> None:
    model: Any = StandIn(PEOPLE, target="state")
    model.sharing = Sharing("schema")
    system = TeamThenTrim("state", llm=model, trim=None, random_state=0).fit(SMALL)
    rows = system.sample(8, balance="equal")
    assert rows["state"].value_counts()["count"].to_list() == [4, 4]
    assert system.result_.n_proposed > 8


def test_it_resamples() -> None:
    system = TeamThenTrim(trim=None, random_state=0)
    features, classes = system.fit_resample(SMALL.drop("state"), SMALL["state"])
    assert features.height == len(classes)
    assert len(set(classes.value_counts()["count"])) == 1


@settings(max_examples=50)
@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=5), n_rows=st.integers(1, 40),
       seed=st.integers(0, 9))  # fmt: skip
def test_examples_hold_every_class_they_have_room_for(
    sizes: list[int], n_rows: int, seed: int
) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    drawn = ProportionalExamples(labels, (seed,)).sample(n_rows, 0)
    assert len(drawn) == min(n_rows, len(labels)) == len(set(drawn.tolist()))
    assert len({labels[index] for index in drawn}) == min(len(sizes), n_rows)


def test_a_class_without_a_real_row_comes_through_the_gates() -> None:
    population = risks(800)
    real = population.filter(pl.col("risk") != "high")[:12]
    system = TeamThenTrim(
        "risk", llm=StandIn(population, target="risk"), schema={"risk": {"categories": ALL}},
        trim={"trust": "generator"},
        random_state=0,
    ).fit(real)  # fmt: skip
    assert (system.sample(60)["risk"] == "high").sum() > 0


class Expert:
    """Knows how probable each risk is, and writes nothing."""

    sharing = Sharing("rows")

    def complete(self, prompt: Prompt) -> Reply:
        x = float(prompt.text.split("x: ")[1].split()[0])
        near = np.exp(-3 * np.abs(np.array([0.0, 0.7, 1.4]) - x))
        shares = dict(zip("CAB", np.log(near / near.sum()).tolist(), strict=True))
        return Reply("-", logprobs=({"B": shares["C"], "C": shares["A"], "A": shares["B"]},))


def test_labels_are_drawn_from_probabilities_that_a_model_knows() -> None:
    """A is high, B is low, C is middle: the classes are asked for in the order of their names."""
    real = risks(24, seed=5)
    system = TeamThenTrim(
        "risk", llm={"label": Expert()}, labels="probabilities", trim=None, random_state=0
    ).fit(real)
    rows = system.sample(200)
    assert rows["risk"].dtype == real["risk"].dtype
    bands = {"low": (-9.0, 0.2), "middle": (0.5, 0.9), "high": (1.2, 9.0)}
    for risk, (low, high) in bands.items():
        inside = rows.filter(pl.col("x").is_between(low, high))["risk"]
        assert (inside == risk).sum() > (inside != risk).sum(), "the label that is most probable"
    assert any("share of the model" in note for note in system.result_.notes)
    again = TeamThenTrim(
        "risk", llm={"label": Expert()}, labels="probabilities", trim=None, random_state=0
    ).fit(real)
    assert again.sample(200).equals(rows)


def test_how_labels_are_made_is_one_of_two() -> None:
    with pytest.raises(InputError, match="labels"):
        TeamThenTrim("risk", labels="guessed").fit(risks(40))
