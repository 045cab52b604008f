"""RDDG as a whole: with a generator and with a model, the default and the published variant."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import RDDG
from tablewright.errors import InputError, ModelError
from tablewright.llm import Prompt, Scripted
from tablewright.llm.endpoint.base import Reply
from tablewright.rules import as_rules
from tablewright.systems import System
from tablewright.systems.rddg.published import published_feedback
from tablewright.systems.rddg.relations import Relations, verify
from tablewright.tables.inference.infer import infer_schema
from tablewright.testing import StandIn


def patients(n_rows: int = 240, seed: int = 0) -> pl.DataFrame:
    """A rare class, an index that is a quotient, and a value that goes with a flag."""
    rng = np.random.default_rng(seed)
    ill = rng.random(n_rows) < 0.2
    total = np.round(rng.normal(100 + 30 * ill, 12), 0)
    uptake = np.round(rng.normal(1.0, 0.15, n_rows), 2)
    asked = rng.random(n_rows) < 0.8
    return pl.DataFrame(
        {
            "total": total,
            "uptake": uptake,
            "index": np.round(total / uptake, 1),
            "asked": np.where(asked, "yes", "no"),
            "score": np.where(asked, rng.integers(1, 60, n_rows), 0),
            "state": np.where(ill, "ill", "well"),
        }
    )


TABLE = patients()


def follows(rows: pl.DataFrame) -> pl.Series:
    """Whether the index is the quotient, as closely as cells are rounded."""
    made = pl.col("total") / pl.col("uptake")
    return rows.select(((pl.col("index") - made).abs() <= 0.02 * made + 1).alias("f"))["f"]


def test_rows_are_balanced_keep_the_relations_and_copy_none() -> None:
    system = RDDG("state", random_state=0).fit(TABLE)
    rows = system.sample(60)
    assert Counter(rows["state"]) == {"ill": 30, "well": 30}
    assert follows(rows).all()
    assert (rows.filter(pl.col("asked") == "no")["score"] == 0).all()
    assert not rows.join(TABLE, on=TABLE.columns, nulls_equal=True).height
    assert rows.equals(system.sample(60, random_state=0)), "one seed, the same rows"
    assert sum(batch.n_rows for batch in system.result_.details["batches"]) == 60


def test_relations_can_be_left_out_and_so_can_the_other_parts() -> None:
    off: dict[str, Any] = {"relations": False, "feedback": False, "calibrate": False}
    system = RDDG("state", random_state=0, **off).fit(TABLE)
    rows = system.sample(60)
    assert len(system.relations_.rules) == 0
    assert not follows(rows).all()
    assert system.fit_generator().method_ != "calibrated"


def test_fit_resample_fills_the_rare_class_inside_imbalanced_learn() -> None:
    pipeline = pytest.importorskip("imblearn.pipeline")
    tree = pytest.importorskip("sklearn.tree").DecisionTreeClassifier(random_state=0)
    X, y = TABLE.select("total", "uptake", "score").to_numpy(), TABLE["state"].to_numpy()
    made, labels = RDDG(random_state=0).fit_resample(X, y)
    assert Counter(labels.tolist())["ill"] == Counter(y.tolist())["well"]
    assert np.array_equal(made[: len(X)], X)
    assert pipeline.make_pipeline(RDDG(random_state=0), tree).fit(X, y).score(X, y) > 0.7


def test_conditions_and_rules_of_a_call_hold_beside_the_relations() -> None:
    system = RDDG("state", random_state=0).fit(TABLE)
    rows = system.sample(20, where="total > 110", rules=["score < 60"])
    assert (rows["total"] > 110).all()
    assert (rows["score"] < 60).all()
    assert follows(rows).all()


def test_the_rare_rows_of_a_number_are_its_tails() -> None:
    rng = np.random.default_rng(0)
    pay = np.round(np.exp(rng.normal(3, 0.9, 400)), 1)
    table = pl.DataFrame(
        {"age": np.round(20 + 8 * np.log(pay) + rng.normal(0, 2, 400)), "pay": pay}
    )
    system = RDDG("pay", random_state=0).fit(table)
    rare = system.classes_.of(table) == len(system.classes_) - 1
    rows = system.sample(40)
    assert rare.mean() < 0.2
    assert (system.classes_.of(rows) == len(system.classes_) - 1).mean() >= 0.5
    assert rows.height == 40


class Unrelated:
    """What is chosen as the generator: one that writes columns without their relations."""

    method = "independent"


def test_batches_of_a_numeric_target_are_corrected_part_by_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What goes with the rare tail is not what goes with the other rows."""
    rng = np.random.default_rng(0)
    pay = np.round(np.exp(rng.normal(3, 0.9, 500)), 1)
    table = pl.DataFrame({"age": 20 + 8 * np.log(pay) + rng.normal(0, 2, 500), "pay": pay})
    monkeypatch.setattr("tablewright.systems.rddg.system.choose_method", lambda *_: Unrelated())
    monkeypatch.setattr("tablewright.systems.rddg.writers._LOCAL_SMALLEST", 100)
    gaps = {}
    for told in (False, True):
        system = RDDG("pay", relations=False, feedback=told, random_state=0).fit(table)
        rows, parts = system.sample(600)[300:], system.classes_
        tail = len(parts) - 1
        ages = [frame["age"].to_numpy()[parts.of(frame) == tail] for frame in (rows, table)]
        assert len(ages[0]) > 80
        gaps[told] = abs(ages[0].mean() - ages[1].mean())
    assert gaps[False] > 5
    assert gaps[True] < gaps[False] / 2


class Watched(StandIn):
    """The stand-in; relations are answered from a list."""

    def __init__(self, *relations: str) -> None:
        super().__init__(patients(3000, seed=1), target="state")
        self.relations, self.asked = list(relations), list[Prompt]()

    def complete(self, prompt: Prompt) -> Reply:
        self.asked.append(prompt)
        if prompt.role != "relations":
            return super().complete(prompt)
        n_before = sum(one.role == "relations" for one in self.asked) - 1
        return Reply(self.relations[n_before])


QUOTIENT = {"kind": "check", "expression": "abs(index - total / uptake) <= 3"}
WRONG = {"kind": "check", "expression": "total < uptake"}


def test_a_model_proposes_relations_and_only_those_that_rows_keep_are_held() -> None:
    replies = json.dumps({"rules": [QUOTIENT, WRONG]}), json.dumps({"rules": [QUOTIENT]})
    model = Watched(*replies)
    system = RDDG("state", llm={"relations": model}, random_state=0).fit(TABLE)
    found = {one.rule.described(): (one.support, one.share) for one in system.relations_.found}
    assert found == {QUOTIENT["expression"]: (240, 1.0), WRONG["expression"]: (240, 0.0)}
    assert [rule.described() for rule in system.relations_.rules] == [QUOTIENT["expression"]]
    first, second = (prompt.text for prompt in model.asked)
    assert '"kept by a share of": 0.0' in second
    assert sum(str(total) in first for total in TABLE["total"]) > 20, "the coreset is shown"
    assert {line.role for line in system.result_.usage.lines} == {"relations"}
    assert system.shown_[0].height <= 30


def test_a_model_that_does_not_answer_costs_the_relations_and_no_more() -> None:
    model = Scripted([ModelError("no")])
    system = RDDG("state", llm={"relations": model}, random_state=0).fit(TABLE)
    assert system.sample(10).height == 10
    assert any("no relations" in note for note in system.result_.notes)


def test_prompts_hold_relations_above_and_feedback_below_from_the_second_round_on() -> None:
    model = Watched(json.dumps({"rules": [QUOTIENT]}), "{}")
    system = RDDG("state", llm=model, random_state=0).fit(TABLE)
    rows = system.sample(120)
    assert Counter(rows["state"]) == {"ill": 60, "well": 60}
    prompts = [prompt.text for prompt in model.asked if prompt.role == "writer"]
    assert all(QUOTIENT["expression"] in text for text in prompts)
    assert "so far" not in prompts[0]
    plain = [prompt.completion for prompt in model.asked if prompt.role == "writer"]
    for texts in (prompts, plain):
        assert any("Of the rows that were written so far:" in text for text in texts[4:])
    told = [order for batch in system.result_.details["batches"] for order in batch.orders]
    assert any(order.startswith("In group ") for order in told)


def test_the_published_variant_pastes_free_text_and_the_published_feedback() -> None:
    model = Watched("the index is {a quotient}", "keep {total} high in A")
    system = RDDG("state", llm=model, variant="published", random_state=0).fit(TABLE)
    rows = system.sample(100)
    prompts = [prompt.text for prompt in model.asked if prompt.role == "writer"]
    assert all(text.startswith("keep {total} high in A") for text in prompts)
    assert rows.height == 100
    assert len(system.relations_.rules) == 0
    assert not any("Please go on." in text for text in prompts[:4]), "one round of 100 rows"


def test_published_feedback_is_blind_to_direction_and_to_relations() -> None:
    real = pl.DataFrame({"x": np.arange(50.0), "word": ["a"] * 50})
    up, down = real.with_columns(pl.col("x") + 5), real.with_columns(pl.col("x") - 5)
    assert published_feedback(up, real) == published_feedback(down, real)
    assert "correlation 1.00" in published_feedback(real, real)
    shuffled = published_feedback(real.sample(50, shuffle=True, seed=0), real)
    assert "correlation 1.00" not in shuffled, "the same rows in another order"
    assert "word" not in shuffled
    assert published_feedback(real.with_columns(pl.lit(1.0).alias("x")), real) == ""
    assert "No valid row" in published_feedback(real.clear(), real)


def test_a_target_is_needed_and_it_may_not_be_a_constant() -> None:
    with pytest.raises(InputError, match="RDDG puts rows in groups by their class"):
        RDDG(random_state=0).fit(TABLE)
    with pytest.raises(InputError, match="feedback is True or False, not 'much'"):
        RDDG("state", feedback="much").fit(TABLE)  # type: ignore[arg-type]
    assert issubclass(RDDG, System)


def test_a_class_of_few_rows_is_covered_and_that_is_noted() -> None:
    table = pl.concat([TABLE.filter(pl.col("state") == "well"),
                       TABLE.filter(pl.col("state") == "ill").head(4)])  # fmt: skip
    system = RDDG("state", random_state=0).fit(table)
    assert len(system.coreset_.members[0]) + len(system.coreset_.members[1]) == 104
    assert system.sample(8).height == 8
    assert any("has 4 rows, too few to say which are hard" in n for n in system.result_.notes)


def test_an_equation_with_a_tolerance_is_as_exact_as_in_the_real_rows() -> None:
    table = patients(600).with_columns(
        pl.when(pl.col("asked") == "no").then(77.7).otherwise("uptake").alias("uptake")
    )
    premise = {"kind": "implies", "if": "asked = 'yes'", "then": "abs(index - total / uptake) <= 9"}
    relations = Relations(verify(as_rules([premise]), table, infer_schema(table)))
    off = table.with_columns(pl.col("index") + 5)
    settled = relations.settle(off, table, np.random.default_rng(0))
    asked = (table["asked"] == "yes").to_numpy()
    assert not follows(off).to_numpy()[asked].all()
    assert follows(settled).to_numpy()[asked].all()
    assert (settled["index"] - table["index"]).filter(pl.Series(~asked)).round(6).eq(5).all()
