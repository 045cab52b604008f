"""DATE asks part by part, tells each round what a tree read, and chooses, maybe nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import tablewright
from tablewright.errors import InputError
from tablewright.llm import Prompt, Reply, Sharing
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.partition import target_partition
from tablewright.systems.common.row_writer import GeneratorWriter
from tablewright.systems.date.examples import ShownRows
from tablewright.systems.date.partition import Part, Parts
from tablewright.systems.date.prompts import RuledRows
from tablewright.systems.date.reading import Group, PartReader
from tablewright.systems.date.rounds import Rounds, Seen, split
from tablewright.systems.date.routing import RoutedPredictor
from tablewright.systems.date.system import DATE
from tablewright.testing import StandIn
from tests.systems.date.test_partition import SCHEMA, planted

TABLE = planted(96).drop("count")
KINDS = {"x": "continuous", "group": "categorical", "y": "categorical"}
SMALL = Schema.build(KINDS, target="y")


@pytest.fixture(autouse=True)
def quick_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw by trees: choosing a generator takes seconds and is tested elsewhere."""

    def fit(train: pl.DataFrame, schema: Schema, seed: int) -> Synthesizer:
        made = Synthesizer("trees", schema=schema, target=schema.target, random_state=seed)
        return made.fit(train.select(schema.names))

    monkeypatch.setattr(GeneratorWriter, "fit", staticmethod(fit))


def model(**options: Any) -> StandIn:
    return StandIn(planted(1500, seed=1).drop("count"), target="y", **options)


def system(**options: Any) -> DATE:
    return DATE("y", **{"schema": KINDS, "strategy": "none", "random_state": 0, **options})


# reading -------------------------------------------------------------------------------------


def reader(n_rows: int = 200) -> PartReader:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 10, n_rows).round(2)
    frame = pl.DataFrame({"x": x, "group": ["a"] * n_rows, "y": np.where(x > 5, "yes", "no")})
    return PartReader(frame, SMALL, seed=0)


def rows(x: list[float], label: str) -> pl.DataFrame:
    return pl.DataFrame({"x": x, "group": ["a"] * len(x), "y": [label] * len(x)})


def test_rows_are_grouped_by_the_path_they_take() -> None:
    groups = reader().read(pl.concat([rows([1.0, 2.0], "no"), rows([9.0], "yes")]))
    found = {group.label: (group.rows.tolist(), group.n_other) for group in groups}
    assert found == {"no": ([0, 1], 0), "yes": ([2], 0)}
    assert {"<=" in group.path for group in groups} == {True, False}


def test_wrong_labels_lower_the_score_and_are_counted() -> None:
    (group,) = reader(60).read(rows([1.0, 1.5, 2.0, 2.5] * 10, "yes"))
    assert group.n_other == 40
    assert group.gain < -2 * group.error
    assert "answer changes from no to yes" in group.change or "question" in group.change


def test_first_divergence_names_the_question_that_moves() -> None:
    # Many rows from 5 to 7 that are "no" move the only threshold from about 5 to about 7.
    (group,) = reader(100).read(rows(np.linspace(5.5, 7.0, 200).round(2).tolist(), "no"))
    assert group.change.startswith("question 1 was x > ")
    assert "becomes x > " in group.change


def test_rows_like_the_real_ones_change_nothing() -> None:
    groups = reader().read(rows([1.0], "no"))
    assert groups[0].change == ""


def test_label_that_the_part_lacks_is_read_as_another_one() -> None:
    (group,) = reader().read(rows([1.0], "maybe"))
    assert group.n_other == 1


# rounds --------------------------------------------------------------------------------------


def rounds(tokens: int | None = 1500) -> Rounds:
    parts = Parts((Part("low", ("x <= 0",), 75), Part("rest", (), 75)))
    return Rounds(parts, TABLE, SMALL, 0, tokens, balance=0.5)


def request(n_rows: int, quotas: dict[str, int] | None = None) -> Any:
    return tablewright.systems.SampleRequest(n_rows, quotas)


def seen(gain: float, path: str = "x <= -1", turn: int = 1) -> Seen:
    return Seen(turn, Group(path, frozenset({"x"}), np.arange(3), "no", 1, gain, 0.01, "moved"))


def test_first_round_asks_each_part_and_draws_labels_towards_equal_ones() -> None:
    asks = rounds().asks(request(40), [0, 1])
    assert sum(ask.n_rows for ask in asks) == 40
    assert all(sum(ask.labels.values()) == ask.n_rows for ask in asks)
    assert all(ask.guidance.quotas == {"": ask.n_rows} for ask in asks)
    counts = TABLE.filter(pl.col("x") <= 0)["y"].value_counts(sort=True)["count"]
    rare = min(asks[0].labels.values()) / asks[0].n_rows
    assert counts[1] / counts.sum() < rare <= 0.5


def test_path_that_gained_gets_rows_of_its_own_and_the_history_is_told() -> None:
    made = rounds()
    made.history[0] = [seen(0.2), seen(-0.1, "x <= -2")]
    low, rest = made.asks(request(40), [0, 1])
    assert set(low.guidance.quotas) == {"x <= -1", ""}
    assert sum(low.guidance.quotas.values()) == low.n_rows
    assert "rows where x <= -1: 3 rows raised the score by 0.200" in low.guidance.text
    assert "1 of them had another label; moved" in low.guidance.text
    assert rest.guidance.text == ""


def test_history_is_cut_to_the_tokens_with_the_latest_round_first() -> None:
    made = rounds(tokens=45)
    made.history[0] = [seen(0.2, turn=1), seen(0.1, "x <= -2", turn=2)]
    (low, _) = made.asks(request(40), [0, 1])
    assert [one.turn for one in low.history] == [2]
    made.tokens = None
    assert len(made.asks(request(40), [0, 1])[0].history) == 2


def test_classes_that_are_asked_for_are_split_without_loss() -> None:
    asks = rounds().asks(request(30, {"yes": 20, "no": 10}), [0, 1])
    total = {name: sum(ask.labels.get(name, 0) for ask in asks) for name in ("yes", "no")}
    assert total == {"yes": 20, "no": 10}


def test_new_rule_of_a_model_is_valued_where_it_can_be_read_and_holds() -> None:
    made = rounds()
    made.turn = 1
    new = TABLE.filter(pl.col("x") < -0.5).head(4)
    made.learn(new, ["x < -0.5", "x < -0.5", "no condition (", "x > 5"])
    invented = [one for one in made.history[0] if one.invented]
    assert [(one.group.path, len(one.group.rows)) for one in invented] == [("x < -0.5", 2)]


def test_split_adds_up() -> None:
    assert split(7, np.array([1 / 3, 1 / 3, 1 / 3])) == [3, 2, 2]


# the form of replies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ('{"blocks": [{"rule": "x > 1", "rows": [{"x": 2, "y": "a"}]}]}', ["x > 1"]),
        ('[{"rule": "r", "rows": [{"x": 2, "y": "a"}, {"x": 3, "y": "b"}]}]', ["r", "r"]),
        ('{"rows": [{"x": 2, "y": "a"}]}', [""]),
        ('{"x": 2, "y": "a"}', [""]),
        ('{"blocks": [{"rule": 7, "rows": [{"x": 2, "y": "a"}]}]}', [""]),
        ('{"blocks": [{"rule": "r", "rows": [{"x": 2, "y": "a"}, {"x": 3', [""]),
        ("none", []),
    ],
)
def test_rows_are_read_with_the_rule_they_stand_below(text: str, groups: list[str]) -> None:
    found = [row.group for row in RuledRows().read(text, ["x", "y"]) if hasattr(row, "group")]
    assert found == groups


def test_schema_of_a_reply_asks_for_rules_and_rows() -> None:
    made = RuledRows().schema(SMALL, 5)
    assert made is not None
    block = made["properties"]["blocks"]["items"]
    assert block["required"] == ["rule", "rows"]
    assert set(block["properties"]["rows"]["items"]["properties"]) == {"x", "group", "y"}


# the system ----------------------------------------------------------------------------------


def test_without_a_model_rows_are_drawn_in_every_part() -> None:
    made = system().fit(TABLE)
    drawn = made.sample(40)
    assert drawn.height >= 40 - made.result_.rejected.height
    of = made.parts_.of(drawn, made.writable_)
    assert set(of) >= set(made.rounds_.open)
    assert {line["round"] for line in made.result_.details["rounds"]} >= {1, 2, 3}


def test_model_writes_for_each_part_and_is_told_what_came_of_it() -> None:
    llm = model()
    made = system(llm=llm, rounds=1).fit(TABLE)
    assert made.sample(40).height == 40
    first = [text for text in llm.prompts if "Earlier answers" not in text]
    later = [text for text in llm.prompts if "Earlier answers" in text]
    assert len(first) >= len(made.rounds_.open)
    assert later
    assert all("The part to write for; a row meets one of:" in text for text in first)
    assert "the score by" in later[0]


def test_feedback_and_new_rules_can_be_left_out() -> None:
    llm = model()
    system(llm=llm, rounds=1, feedback=False, new_rules=False).fit(TABLE).sample(40)
    assert not any("Earlier answers" in text or "Think of one" in text for text in llm.prompts)


def test_coreset_of_a_part_is_what_prompts_show() -> None:
    llm = model()
    made = system(llm=llm, rounds=0, examples="coreset", n_examples=3).fit(TABLE)
    made.sample(12)
    shown = ShownRows(made.rounds_, made.classes_, made.seed_, 3)
    for part in made.rounds_.open:
        counts = shown(part, "")["y"].value_counts()["count"].to_list()
        assert 0 < max(counts) <= 3
        assert shown(part, "").height < made.rounds_.rows[part].height
    allowed = {row["x"] for part in made.rounds_.open for row in shown(part, "").to_dicts()}
    real = set(TABLE["x"].to_list())
    told = {x for text in llm.prompts for x in real if f'"x": {x}' in text}
    assert told
    assert told <= allowed


def test_rows_of_a_rule_meet_it_and_all_of_them_are_shown_without_a_coreset() -> None:
    made = rounds()
    shown = ShownRows(made, target_partition(TABLE, SMALL), 0, None)
    assert shown(0, "x <= -1").equals(TABLE.filter((pl.col("x") <= 0) & (pl.col("x") <= -1)))
    assert shown(0, "") is shown(0, "")


def test_no_part_is_described_where_rows_may_not_leave() -> None:
    llm = model()
    llm.sharing = Sharing("summary")  # type: ignore[attr-defined]
    made = system(llm=llm).fit(TABLE)
    made.sample(10)
    assert [part.rules for part in made.parts_] == [()]
    assert not any("a row meets one of" in text for text in llm.prompts)
    assert any("know no parts" in note for note in made.result_.notes)


def test_no_redacted_column_is_in_a_rule() -> None:
    llm = model()
    llm.sharing = Sharing("rows", redact=("group",))  # type: ignore[attr-defined]
    made = system(llm=llm).fit(TABLE)
    assert not any("group" in rule for part in made.parts_ for rule in part.rules)


class Blocks:
    """Answers every prompt with one block of a rule and rows."""

    def __init__(self) -> None:
        self.n = 0

    def complete(self, prompt: Prompt) -> Reply:
        self.n += 1
        some = [{"x": round(-1 - 0.01 * (self.n * 9 + k), 2), "group": "a", "y": "no"}
                for k in range(8)]  # fmt: skip
        return Reply(json.dumps({"blocks": [{"rule": "x < -1", "rows": some}]}))


def test_rules_of_a_model_are_among_the_rounds() -> None:
    made = system(llm=Blocks(), rounds=1).fit(TABLE)
    made.sample(20)
    invented = [line for line in made.result_.details["rounds"] if line["invented"]]
    assert {line["rule"] for line in invented} == {"x < -1"}


def test_bandit_may_keep_nothing_and_says_why() -> None:
    turned = planted(1500, seed=1).drop("count")
    turned = turned.with_columns(y=pl.col("y").replace({"yes": "no", "no": "yes"}))
    llm = StandIn(turned, target="y")
    made = system(llm=llm, strategy="bandit").fit(TABLE)
    assert made.sample(40).height == 0
    assert set(made.result_.rejected.filter(pl.col("_stage") == "selection")["_stage"])
    assert "no row was kept" in str(made.result_)


class Right:
    """Answers every prompt with twelve rows whose labels are right."""

    def __init__(self) -> None:
        self.rows = planted(3000, seed=1).drop("count").iter_slices(12)

    def complete(self, prompt: Prompt) -> Reply:
        return Reply(json.dumps({"rows": next(self.rows).to_dicts()}))


def test_bandit_keeps_rows_that_help() -> None:
    few = planted(110, seed=3).drop("count")
    made = system(llm=Right(), strategy="bandit", rounds=0, random_state=3).fit(few)
    kept = made.sample(60)
    selection = made.result_.details["selection"]
    assert kept.height == len(selection.chosen)
    assert kept.height > 0
    assert selection.honest.value > 0


def test_classes_by_number_are_written_whatever_their_worth() -> None:
    made = system(strategy="bandit", rounds=0).fit(TABLE)
    counts = made.sample(20, balance="equal")["y"].value_counts()["count"].to_list()
    assert counts == [10, 10]
    assert any("none refused" in note for note in made.result_.notes)


def test_condition_holds_in_every_row() -> None:
    made = system(rounds=0).fit(TABLE)
    assert (made.sample(10, where="x > 0.5 AND group = 'a'")["x"] > 0.5).all()


def test_condition_on_the_label_is_all_that_is_asked_for() -> None:
    llm = model()
    for made in (system(rounds=0).fit(TABLE), system(rounds=0, llm=llm).fit(TABLE)):
        assert made.sample(8, where="y = 'yes'")["y"].unique().to_list() == ["yes"]
    assert not any('"no": "' in text.split("Labels, by share")[-1] for text in llm.prompts)


def test_parts_are_cut_anew_for_another_table() -> None:
    made = system(rounds=0).fit(TABLE)
    first = made.parts_
    assert made.fit(TABLE.with_columns(x=pl.col("x") + 100)).parts_ != first


def test_published_variant_searches_rules_and_takes_what_raises_a_tree() -> None:
    made = system(variant="published", strategy="bandit", llm=model(), rounds=1).fit(TABLE)
    kept = made.sample(30)
    assert 0 <= kept.height <= 30
    assert made.preset_.n_examples == 30
    groups = made.result_.rejected.filter(pl.col("_stage") == "selection")
    assert kept.height + groups.height > 0


def test_number_is_a_target_too() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(size=80)}).with_columns(y=pl.col("a") * 2 + 1)
    made = DATE("y", strategy="none", rounds=1, random_state=0).fit(frame)
    assert made.sample(15).height == 15


def test_edited_parts_are_used(tmp_path: Path) -> None:
    path = tmp_path / "parts.yaml"
    path.write_text("parts: [{name: mine, rules: ['x > 0']}, {name: others, rules: []}]")
    made = system(parts=str(path)).fit(TABLE)
    assert [part.name for part in made.parts_] == ["mine", "others"]


def test_parts_and_rows_are_the_same_after_loading(tmp_path: Path) -> None:
    made = system(rounds=1).fit(TABLE)
    made.save(tmp_path / "date.tw")
    again = tablewright.load(tmp_path / "date.tw")
    assert [part.rules for part in again.parts_] == [part.rules for part in made.parts_]
    assert again.sample(10).equals(made.sample(10))


def test_table_without_a_target_is_refused() -> None:
    with pytest.raises(InputError, match="name the target"):
        DATE(random_state=0).fit(TABLE)


# the paper's predictor -----------------------------------------------------------------------


def test_each_row_goes_to_one_part_and_rows_of_none_to_the_whole() -> None:
    frame = planted(600).drop("count")
    parts = Parts((Part("a", ("group = 'a'",), 0), Part("b", ("group = 'b''' AND x > 99",), 0)))
    predictor = RoutedPredictor(parts, SMALL).fit(frame)
    assert set(predictor.models_) == {0}
    fresh = planted(300, seed=5).drop("count")
    assert (predictor.predict(fresh) == fresh["y"].to_numpy()).mean() > 0.95
    assert SCHEMA.target == "y"
