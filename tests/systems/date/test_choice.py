"""Which rows a call returns, who writes them, and what is told of the others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.selection.selector import Selection, Selector, cut_groups
from tablewright.systems import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.date.choice import _by_worth, choose
from tablewright.systems.date.rounds import Ask, Rounds
from tablewright.systems.date.system import DATE
from tablewright.systems.date.writers import LocalWriter, ModelWriter, _prompts, _scaled
from tablewright.testing import StandIn
from tests.systems.date.test_partition import planted
from tests.systems.date.test_system import KINDS, TABLE, model, quick_generator, system

__all__ = ["quick_generator"]  # the fixture is for every test here

SCHEMA = Schema.build(KINDS, target="y")


def called(
    strategy: str = "bandit", variant: str = "default", **request: Any
) -> tuple[Any, Result]:
    """Choose among 30 right and 30 wrong rows of two groups."""
    right = planted(30, seed=5).drop("count")
    wrong = planted(30, seed=6).drop("count")
    wrong = wrong.with_columns(y=pl.col("y").replace({"yes": "no", "no": "yes"}))
    rows = pl.concat([wrong, right])
    groups = ["wrong"] * 30 + ["right"] * 30
    call = SampleRequest(**{"n_rows": 30, "quotas": None, **request})
    real = planted(90, seed=1).drop("count")
    asked = SimpleNamespace(known_=real, writable_=SCHEMA, variant=variant, seed_=0,
                            strategy=strategy, learners=None)  # fmt: skip
    result = Result(30)
    return choose(asked, rows, groups, call, result), result  # type: ignore[arg-type]  # what it reads of a system


def told(result: Result) -> str:
    return "\n".join(result.notes)


def test_rows_that_are_left_say_which_group_they_were_of() -> None:
    kept, result = called("greedy")
    assert kept.height + result.rejected.height == 60
    reasons = set(result.rejected["_reason"])
    assert "its group adds nothing sure (wrong)" in reasons
    assert "groups chosen" in told(result)
    assert isinstance(result.details["selection"], Selection)


def test_the_published_choice_is_by_one_trees_accuracy() -> None:
    kept, result = called(variant="published")
    assert {one.split(" (")[0] for one in result.rejected["_reason"]} <= {
        "its group raised no tree's accuracy"
    }
    assert "selection" not in result.details
    assert kept.height + result.rejected.height == 60


@pytest.mark.parametrize("variant", ["default", "published"])
def test_where_classes_are_asked_for_all_rows_come_back_the_worthiest_first(variant: str) -> None:
    rows, result = called(variant=variant, quotas={"yes": 15, "no": 15})
    assert rows.height == 60
    assert result.rejected.height == 0
    assert "groups were ranked and none refused" in told(result)
    right = planted(30, seed=5).drop("count")
    assert rows.head(25).join(right, on=rows.columns, how="semi").height == 25


def test_rows_are_taken_as_they_come_where_nothing_can_judge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise InputError("there are too few rows")

    monkeypatch.setattr(Selector, "fit_typed", fail)
    rows, result = called()
    assert rows.height == 60
    assert "rows were taken as they came: there are too few rows" in told(result)


def test_rows_are_ordered_by_the_worth_of_their_arms() -> None:
    groups = ["a"] * 26 + ["b"] * 2 + ["c"]
    names, _ = cut_groups(groups)
    assert names == ["a", "a (2)", "b", "c"]
    arms = pl.DataFrame({"value": [0.1, 0.4, None, -0.2]})
    order = _by_worth(Selection(np.arange(0), arms), groups)
    assert order == [25, *range(25), 26, 27, 28]


# writers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "n", "scaled"),
    [({"a": 3, "b": 1}, 8, {"a": 6, "b": 2}), ({"a": 3, "b": 1}, 1, {"a": 1}),
     ({"a": 0, "b": 5}, 4, {"b": 4})],
)  # fmt: skip
def test_labels_of_an_ask_are_scaled_to_some_of_its_rows(
    labels: dict[str, int], n: int, scaled: dict[str, int]
) -> None:
    assert _scaled(Ask(0, 9, labels), n) == scaled


def test_prompts_end_where_they_are_used_up_and_the_result_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    llm = model()
    made = system(llm=llm, rounds=3).fit(TABLE)
    monkeypatch.setattr(type(made), "max_prompts", 2)
    made.sample(60)
    assert len(llm.prompts) == 2
    assert any("2 of 2 prompts are used up" in note for note in made.result_.notes)


@pytest.mark.parametrize(("rows_per_prompt", "least"), [(5, 8), (40, 2)])
def test_a_prompt_asks_for_no_more_rows_than_said(rows_per_prompt: int, least: int) -> None:
    llm = model()
    made = system(llm=llm, rounds=0, rows_per_prompt=rows_per_prompt).fit(TABLE)
    assert made.sample(40).height == 40
    assert len(llm.prompts) >= least
    asked = [int(text.split("Write ")[-1].split(" new row")[0]) for text in llm.prompts]
    assert max(asked) <= rows_per_prompt


def test_prompts_ask_each_part_for_what_it_needs() -> None:
    llm = model()
    made = system(llm=llm, rounds=0, rows_per_prompt=10).fit(TABLE)
    shares = Rounds(made.parts_, made.known_, made.writable_, 0, None).asks(
        SampleRequest(n_rows=46, quotas=None), range(len(made.parts_.parts) - 1), ModelWriter.least
    )
    made.sample(46)
    asked = [int(text.split("Write ")[-1].split(" new row")[0]) for text in llm.prompts]
    assert len({ask.n_rows for ask in shares}) > 1
    first = sum(-(-ask.n_rows // 10) for ask in shares)  # later prompts replace what was no row
    assert sum(asked[:first]) == 46


@pytest.mark.parametrize(("n", "counts"), [(4, [4]), (10, [10]), (11, [6, 5]), (25, [9, 8, 8])])
def test_rows_of_a_part_are_shared_among_the_fewest_prompts(n: int, counts: list[int]) -> None:
    assert _prompts(n, 10) == counts


def test_a_part_that_allows_no_such_row_is_drawn_from_the_whole() -> None:
    made = system(rounds=0).fit(TABLE)
    drawn = made.sample(10, where="x > 1.5")
    assert (drawn["x"] > 1.5).all()
    assert drawn.height > 0
    assert any("others were drawn in their place" in note for note in made.result_.notes)


def test_a_rule_on_shares_of_the_table_stops_no_part_and_is_noted() -> None:
    made = system(rounds=0).fit(TABLE)
    rules = [{"kind": "quota", "name": "high", "where": "x > 1.5", "min_rows": 8}]
    assert made.sample(10, rules=rules).height > 0
    assert any("high is about shares of rows" in note for note in made.result_.notes)


def test_rows_of_the_local_body_lie_in_the_part_they_are_for() -> None:
    made = system(rounds=0).fit(TABLE)
    result = Result(30)
    made.sample(2)
    writer = made._writer(SampleRequest(12), result)
    assert isinstance(writer, LocalWriter)
    for part in made.rounds_.open:
        batch = writer.write(
            [Ask(part, 12, {}, made.rounds_.asks(SampleRequest(12), [part])[0].guidance)]
        )
        assert set(made.parts_.of(batch.rows, made.writable_)) == {part}
        assert batch.groups == [""] * batch.rows.height


@pytest.mark.parametrize(("variant", "share"), [("default", 0.9), ("published", 0.7)])
def test_labels_are_asked_for_as_a_part_has_them_and_more_evenly_as_published(
    variant: str, share: float
) -> None:
    x = np.linspace(-1, 1, 200).round(3)
    real = pl.DataFrame({"x": x, "group": "a", "y": np.where(np.arange(200) % 10 == 0, "b", "a")})
    made = system(variant=variant, rounds=0).fit(real)
    made.sample(2)
    asks = made.rounds_.asks(SampleRequest(400), made.rounds_.open)
    labels = {name: sum(ask.labels.get(name, 0) for ask in asks) for name in ("a", "b")}
    assert labels["a"] == pytest.approx(share * 400, abs=4)


# the system ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"variant": "new"}, "variant"), ({"strategy": "best"}, "strategy"),
        ({"rounds": -1}, "rounds"), ({"candidates": 0}, "candidates"),
        ({"n_examples": 0}, "n_examples"), ({"rows_per_prompt": 0}, "rows_per_prompt"),
    ],
)  # fmt: skip
def test_an_option_out_of_its_range_is_named(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        system(**options).fit(TABLE)


def test_a_constant_target_is_refused() -> None:
    with pytest.raises(InputError, match=r"same value|name the target"):
        DATE("y", random_state=0).fit(TABLE.with_columns(y=pl.lit("yes")))


@pytest.mark.parametrize(("candidates", "n_rows"), [(1, 20), (3, 60)])
def test_so_many_candidates_come_for_each_row(candidates: int, n_rows: int) -> None:
    made = system(strategy="label-check", rounds=0, candidates=candidates).fit(TABLE)
    kept = made.sample(20)
    lost = made.result_.rejected.filter(pl.col("_stage") == "selection").height
    copies = made.result_.rejected.height - lost
    assert kept.height + lost + copies == n_rows


@pytest.mark.parametrize("rounds", [0, 2])
def test_rounds_are_those_asked_for(rounds: int) -> None:
    made = system(rounds=rounds).fit(TABLE)
    made.sample(24)
    assert {line["round"] for line in made.result_.details["rounds"]} >= set(range(1, rounds + 2))


def test_real_rows_shown_are_as_many_as_said() -> None:
    llm = model()
    system(llm=llm, rounds=0, n_examples=4).fit(TABLE).sample(10)
    blocks = llm.prompts[0].split("Real rows that meet it:")[1:]
    assert blocks
    assert blocks[0].split("A condition")[0].count('"x":') == 4
    # A block of the largest part shows a third of them, rounded up.
    assert all(block.split("A condition")[0].count('"x":') in (2, 4) for block in blocks[:2])


def test_a_topic_is_told_and_labels_are_asked_for_by_share() -> None:
    llm = model()
    system(llm=llm, rounds=0, topic="fevers").fit(TABLE).sample(10)
    assert all("The table: fevers." in text for text in llm.prompts)
    assert all('Labels, by share of the rows, in the column "y":' in text for text in llm.prompts)


def test_rows_become_pairs_by_the_schema_of_the_system() -> None:
    made = system(rounds=0).fit(TABLE)
    pairs = made.preference_pairs(TABLE, validation=0.5, random_state=0)
    assert len(pairs.train) + len(pairs.validation) == TABLE.height
    assert "What is y?" in pairs.train[0]["prompt"][0]["content"]


def test_published_prompts_show_other_rules_of_a_part_and_every_answer_so_far() -> None:
    llm = StandIn(planted(1500, seed=1).drop("count"), target="y")
    made = system(variant="published", llm=llm, rounds=2).fit(TABLE)
    made.sample(30)
    assert made.preset_.tokens is None
    assert max(text.count("raised the score") + text.count("lowered the score")
               for text in llm.prompts) >= 2  # fmt: skip


def test_models_that_judge_are_those_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Selector] = []

    class Kept(Selector):
        def __init__(self, *options: Any, **named: Any) -> None:
            super().__init__(*options, **named)
            made.append(self)

    monkeypatch.setattr("tablewright.systems.date.choice.Selector", Kept)
    system(rounds=0, learners="tree", strategy="label-check").fit(TABLE).sample(20)
    assert [one.learners for one in made] == ["tree"]
    with pytest.raises(InputError, match="no 'forrest'"):
        system(learners="forrest").fit(TABLE)
