"""Labels drawn from probabilities take the place of those that a model wrote with its rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import ModelError
from tablewright.llm import Prompt, Reply
from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.prompts.sharing import Sharing
from tablewright.schema import Schema
from tablewright.systems.cllm.system import CLLM
from tablewright.systems.common.batch import RowBatch, ShownRows
from tablewright.systems.common.label_draws import LabelDrawer, RelabellingWriter
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.epic.system import EPIC
from tablewright.systems.team_then_trim.plan import Component
from tablewright.systems.team_then_trim.team import LABEL
from tablewright.systems.team_then_trim.workers import ProbabilityWorker, Turn
from tablewright.testing import StandIn

SCHEMA = Schema.build({"dose": "continuous", "ill": "categorical"}, target="ill")


def people(n_rows: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    ill = rng.random(n_rows) < 0.5
    dose = np.round(rng.normal(np.where(ill, 9, 3), 2), 2)
    return pl.DataFrame({"dose": dose, "ill": np.where(ill, "yes", "no")})


class Writer:
    """Writes rows whose labels are all wrong."""

    def write(self, request: SampleRequest, guidance: Any = None) -> RowBatch:
        rows = people(request.n_rows, request.seed)
        wrong = pl.when(pl.col("ill") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
        return RowBatch(rows.with_columns(wrong.alias("ill")), ["a"] * rows.height)


class Doctor(StandIn):
    """A stand-in that also knows how probable an illness is."""

    def complete(self, prompt: Prompt) -> Reply:
        if not prompt.top_logprobs:
            return super().complete(prompt)
        dose = float(prompt.text.split("dose: ")[1].split()[0])
        p = 1 / (1 + math.exp(-2 * (dose - 6)))
        p = min(max(p, 1e-6), 1 - 1e-6)
        return Reply("-", logprobs=({"Yes": math.log(p), "No": math.log(1 - p)},))


def agreement(rows: pl.DataFrame) -> float:
    """Share of rows whose label fits the dose."""
    return float(((rows["dose"] > 6) == (rows["ill"] == "yes")).to_numpy().mean())


def test_wrong_labels_are_replaced_and_the_share_of_the_model_is_said() -> None:
    drawer = LabelDrawer(Doctor(people(200), target="ill"), SCHEMA, people(30))
    request = SampleRequest(100, seed=1)
    assert agreement(Writer().write(request).rows) < 0.2
    batch = RelabellingWriter(Writer(), drawer).write(request)
    assert agreement(batch.rows) > 0.7
    assert batch.groups == []
    assert "share of the model" in drawer.note


def test_without_an_answer_there_are_no_rows() -> None:
    drawer = LabelDrawer(Scripted([ModelError("down")] * 200), SCHEMA, people(30))
    batch = RelabellingWriter(Writer(), drawer).write(SampleRequest(10, seed=1))
    assert batch.rows.height == 0
    assert "down" in str(batch.stopped)


@pytest.mark.parametrize("system", [CLLM, EPIC])
def test_systems_draw_the_class_of_a_written_row(system: Any) -> None:
    real = people(40, 5)
    options = {"llm": Doctor(people(400, 7), target="ill"), "random_state": 0}
    rows = system("ill", labels="probabilities", **options).fit(real).sample(30)
    again = system("ill", labels="probabilities", **options).fit(real).sample(30)
    assert rows.height == 30
    assert set(rows["ill"]) == {"no", "yes"}
    assert agreement(rows) > 0.8
    assert again.equals(rows)


def test_real_rows_that_a_model_was_asked_to_label_are_never_returned() -> None:
    real = people(30)
    drawer = LabelDrawer(Doctor(people(200), target="ill"), SCHEMA, real)
    assert drawer.shown == []
    batch = RelabellingWriter(Writer(), drawer).write(SampleRequest(5, seed=1))
    shown = ShownRows()
    shown.add(batch.shown)
    assert shown.among(real).all()
    assert not shown.among(real.with_columns(dose=pl.col("dose") + 0.001)).any()


def test_what_a_team_labels_by_probabilities_reaches_the_gate_of_shown_rows() -> None:
    real = people(30)
    turn = Turn(Component(LABEL, "judge", ("ill",)), "label", people(4, 9).select("dose"))
    worker = ProbabilityWorker(LabelDrawer(Doctor(people(200), target="ill"), SCHEMA, real))
    (batch,) = worker.write([turn], 4, seed=0)
    assert batch.rows.columns == ["ill"]
    assert batch.groups == [0, 1, 2, 3]
    assert pl.concat(batch.shown).sort("dose").equals(real.sort("dose"))


def test_a_redacted_column_is_no_part_of_a_row_that_was_shown() -> None:
    model = Doctor(people(200), target="ill")
    model.sharing = Sharing("rows", redact=("visit",))  # type: ignore[attr-defined]  # as clients
    schema = Schema.build(
        {"dose": "continuous", "visit": "integer", "ill": "categorical"}, target="ill"
    )
    real = people(20).with_columns(visit=pl.int_range(20)).select(schema.names)
    drawer = LabelDrawer(model, schema, real)
    drawer.draw(real.drop("ill").head(2), seed=0)
    assert [frame.columns for frame in drawer.shown] == [["dose", "ill"]]
