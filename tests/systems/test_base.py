"""What every system does: take in, count, complete rows, tell what became of them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

from tablewright.errors import ConditionError, InputError, ModelError
from tablewright.llm import Prompt, Scripted
from tablewright.llm.endpoint.base import Reply, Usage
from tablewright.llm.endpoint.metering import Metered, UsageByRole
from tablewright.systems import Result, RowsWarning, SampleRequest, System, estimator
from tablewright.systems.cllm.system import CLLM
from tablewright.testing import StandIn

TRAIN = pl.DataFrame(
    {
        "id": [f"P{n:03d}" for n in range(100, 140)],
        "unit": ["kg"] * 40,
        "age": list(range(20, 60)),
        "member": ["yes"] * 10 + ["no"] * 30,
    }
)


class Echo(System):
    """Writes real rows again, four at a time, until `supply` rows have been written."""

    name = "echo"
    roles = ("manager", "writer")

    def __init__(
        self,
        target: str | None = None,
        *,
        llm: Any = None,
        schema: Any = None,
        supply: int = 1000,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.llm = llm
        self.schema = schema
        self.supply = supply
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _prepare(self) -> None:
        model = self.model("manager")
        self.plan_ = "" if model is None else model.complete(Prompt.ask("?", role="manager")).text

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        self.request = request
        rows = self.train_.select(self.writable_.names)
        for start in range(0, self.supply, 4):
            piece = rows.sample(4, with_replacement=True, seed=request.seed + start)
            result.n_proposed += 4
            yield piece
        result.reject(rows.head(1), "copies", ["equals a real row"])


def test_rows_are_whole_and_exactly_as_many_as_wanted() -> None:
    system = Echo("member", random_state=0).fit(TRAIN)
    rows = system.sample(10)
    assert rows.columns == TRAIN.columns
    assert rows.height == 10
    assert rows["unit"].unique().to_list() == ["kg"]
    assert rows["id"].n_unique() == 10
    assert not set(rows["id"]) & set(TRAIN["id"])
    assert system.result_.n_kept == 10
    assert system.sample(10, random_state=0).equals(rows)
    assert pl.concat(list(system.batches(10, batch_size=3, random_state=0))).equals(rows)


def test_fewer_rows_than_wanted_are_a_result_and_not_an_error() -> None:
    system = Echo("member", supply=8, random_state=0).fit(TRAIN)
    assert system.sample(100).height == 8
    assert system.result_.rejected["_reason"].to_list() == ["equals a real row"]
    none = Echo("member", supply=0, random_state=0).fit(TRAIN)
    assert none.sample(5).shape == (0, 4)
    assert "no row was kept" in str(none.result_)


def test_missing_rows_are_warned_of_in_python_but_not_by_an_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = Echo("member", supply=8, random_state=0).fit(TRAIN)
    sentence = "8 of the 100 rows asked for were kept: 1 were rejected by copies"
    for rows in (lambda: [system.sample(100)], lambda: list(system.batches(100))):
        with pytest.warns(RowsWarning, match=sentence):
            assert sum(piece.height for piece in rows()) == 8
    assert system.result_.notes[-1].startswith(sentence)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert system.sample(8).height == 8
        monkeypatch.setattr(Echo, "dry_run_", True)
        assert system.sample(100).height == 8


def test_balance_becomes_rows_for_each_class() -> None:
    system = Echo("member", random_state=0).fit(TRAIN)
    system.sample(balance="fill")
    assert system.request.quotas == {"yes": 20}
    assert system.request.n_rows == 20


def test_a_condition_is_among_the_rules() -> None:
    system = Echo("member", random_state=0).fit(TRAIN)
    system.sample(2, where="age < 30", rules=["age >= 18"])
    assert next(rule.name for rule in system.request.rules.rules) == "where"
    assert len(system.request.rules.rules) == 2


def test_fit_resample_fills_classes_or_says_what_is_lacking() -> None:
    X, y = Echo("member", random_state=0).fit_resample(TRAIN.drop("member"), TRAIN["member"])
    assert y.value_counts()["count"].to_list() == [30, 30]
    assert X.head(40).equals(TRAIN.drop("member"))
    with pytest.raises(ConditionError, match="of the 20 rows of class 'yes'"):
        Echo("member", supply=4).fit_resample(TRAIN.drop("member"), TRAIN["member"])


def test_a_model_is_named_for_all_roles_or_for_one() -> None:
    model = Scripted(["a plan"])
    system = Echo("member", llm={"manager": model}).fit(TRAIN)
    assert system.plan_ == "a plan"
    assert system.reason_ == "echo, as asked, with manager by a language model"
    system.sample(4)
    assert [(line.role, line.calls) for line in system.result_.usage.lines] == [("manager", 1)]
    assert set(clone(system).llm) == {"manager"}


def test_the_bill_adds_up_what_replies_took_and_counts_failures() -> None:
    usage = UsageByRole()
    replies: list[Any] = [
        Reply("a", usage=Usage(10, 5), cost=0.5),
        ModelError("no"),
        Reply("b", cost=None),
    ]
    model = Metered(Scripted(replies), usage)
    results = model.complete_all([Prompt.ask("?", role="writer", stage="rows")] * 2)
    assert isinstance(results[1], ModelError)
    (line,) = usage.lines
    assert (line.calls, line.failed, line.tokens, usage.cost) == (1, 1, 15, 0.5)
    model.complete(Prompt.ask("?", role="writer", stage="rows"))
    assert usage.cost is None


def test_a_method_without_a_model_says_so() -> None:
    with pytest.raises(InputError, match="'trees' uses no language model"):
        estimator("trees", llm=Scripted([]))


def test_a_rule_about_shares_rejects_no_row_and_is_told() -> None:
    quota = {"kind": "quota", "where": "member = 'yes'", "share": [0.5, 0.6]}
    rng = np.random.default_rng(0)
    weight, age = rng.normal(70, 9, 400).round(1), rng.integers(18, 90, 400)
    member = np.where(rng.random(400) < 0.5, "yes", "no")
    people = pl.DataFrame({"weight": weight, "age": age, "member": member})
    system = CLLM("member", llm=StandIn(people[40:], target="member"), random_state=0)
    assert system.fit(people[:40]).sample(4, rules=[quota, "age >= 18"]).height == 4
    assert any("is about shares of rows" in note for note in system.result_.notes)


def test_rows_from_few_real_ones_come_with_a_doubt_and_from_many_without() -> None:
    for n_real, doubtful in ((10, True), (29, True), (30, False)):
        system = Echo("member", random_state=0).fit(TRAIN.sample(n_real, seed=1))
        assert system.sample(6).height == 6
        doubts = [
            note for note in system.result_.notes if "cannot be told from a sound one" in note
        ]
        assert [f"with {n_real} real rows" in note for note in doubts] == [True] * doubtful
