"""Every system is written to a file and read again, and gives the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tablewright
from tablewright import CLLM, DATE, EPIC, HTDBU, MALLMGAN, RDDG, Synthesizer, TeamThenTrim
from tablewright.errors import InputError
from tablewright.selection.diversity import Diversity
from tablewright.testing import StandIn
from tests.people import people

TABLE = people(60).select("age", "fever", "dose", "state")


@pytest.mark.parametrize("kind", [CLLM, EPIC, TeamThenTrim, HTDBU, DATE, RDDG, MALLMGAN])
def test_load_returns_the_same_class_and_the_same_rows(kind: Any, tmp_path: Path) -> None:
    system = kind("state", random_state=3).fit(TABLE)
    system.save(tmp_path / "system.tw")
    loaded = tablewright.load(tmp_path / "system.tw")
    assert type(loaded) is kind
    assert loaded.reason_ == system.reason_
    assert loaded.sample(12, balance="equal").equals(system.sample(12, balance="equal"))
    assert loaded.sample(5, where="age > 40").equals(system.sample(5, where="age > 40"))


def test_load_keeps_the_parameters_and_takes_new_models(tmp_path: Path) -> None:
    model = StandIn(people(400).select(TABLE.columns), target="state")
    system = CLLM("state", llm=model, n_examples=4, rows_per_prompt=5, random_state=0).fit(TABLE)
    system.save(tmp_path / "system.tw")
    loaded = CLLM.load(tmp_path / "system.tw", llm=model)
    assert (loaded.n_examples, loaded.rows_per_prompt) == (4, 5)
    assert loaded.sample(5).equals(system.sample(5))
    local = CLLM.load(tmp_path / "system.tw").sample(5)
    assert local.height == 5, "without a model the local body draws"


def test_load_returns_a_synthesizer_and_each_class_refuses_the_file_of_another(
    tmp_path: Path,
) -> None:
    Synthesizer("independent", random_state=0).fit(TABLE).save(tmp_path / "one.tw")
    assert type(tablewright.load(tmp_path / "one.tw")) is Synthesizer
    EPIC("state", random_state=0).fit(TABLE).save(tmp_path / "two.tw")
    with pytest.raises(InputError, match=r"holds no cllm.*tablewright\.load"):
        CLLM.load(tmp_path / "two.tw")
    with pytest.raises(InputError, match="holds the system 'epic'"):
        Synthesizer.load(tmp_path / "two.tw")
    with pytest.raises(InputError, match="holds no epic"):
        EPIC.load(tmp_path / "one.tw")


def test_a_parameter_that_no_file_can_hold_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    system = TeamThenTrim("state", trim=[Diversity()], random_state=0).fit(TABLE)
    with pytest.raises(InputError, match=r"trim is an object \(list\)"):
        system.save(tmp_path / "system.tw")
    assert not list(tmp_path.iterdir())


def test_rows_that_stood_in_prompts_while_fitting_are_remembered(tmp_path: Path) -> None:
    model = StandIn(people(400).select(TABLE.columns), target="state")
    system = TeamThenTrim("state", llm={"manager": model}, random_state=0).fit(TABLE)
    assert sum(frame.height for frame in system.shown_) == 10
    system.save(tmp_path / "system.tw")
    loaded = TeamThenTrim.load(tmp_path / "system.tw")
    assert pl.concat(loaded.shown_).equals(pl.concat(system.shown_))
