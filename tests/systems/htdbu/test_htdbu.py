"""H-TDBU: a template over a texture that was learned once."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError, RuleError
from tablewright.llm import Scripted
from tablewright.rules import as_rules, check_rules
from tablewright.synthesizer.row_rules import RuleWarning
from tablewright.systems.htdbu.system import HTDBU
from tablewright.systems.htdbu.texts import TextColumn


def clients(n: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    y = rng.choice(["no", "yes"], n, p=[0.8, 0.2])
    age = np.where(y == "yes", rng.integers(40, 90, n), rng.integers(18, 70, n))
    days = np.where(rng.random(n) < 0.6, -1, rng.integers(1, 400, n))
    return pl.DataFrame(
        {
            "id": [f"C{i:04d}" for i in range(n)],
            "age": age,
            "days": days,
            "calls": np.where(days == -1, 0, rng.integers(1, 9, n)),
            "y": y,
            "mood": rng.choice(["bad", "fair", "good"], n, p=[0.2, 0.5, 0.3]),
            "unit": ["EUR"] * n,
        }
    )


CLIENTS = clients()
ALIGN = {"kind": "align", "on": "y", "attribute": "mood", "intervention": True,
         "pairs": {"yes": ["good", "fair"], "no": ["fair", "bad"]}}  # fmt: skip
PAST = {"kind": "iff", "a": "days = -1", "b": "calls = 0"}
OLD = {"kind": "quota", "where": "age > 70 AND y = 'yes'", "share": [0.2, 0.2]}


@pytest.fixture(scope="module")
def fitted() -> HTDBU:
    return HTDBU("y", rules=[ALIGN, PAST], random_state=0).fit(CLIENTS)


def quiet(model: HTDBU, *args: Any, **options: Any) -> pl.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuleWarning)
        result: pl.DataFrame = model.sample(*args, **options)
    return result


def share(rows: pl.DataFrame) -> float:
    return rows.filter(pl.col("y") == "yes").height / rows.height


def test_hard_rules_hold_and_the_skeleton_is_met_to_the_row(fitted: HTDBU) -> None:
    rows = quiet(fitted, 500)
    assert (rows.height, rows.columns, rows.schema) == (500, CLIENTS.columns, CLIENTS.schema)
    assert check_rules(rows, as_rules([ALIGN, PAST]), fitted.schema_).ok
    assert fitted.skeleton_.distance(rows) < len(fitted.skeleton_.cells) / 500
    assert abs(share(rows) - share(CLIENTS)) < 1 / 500
    assert rows["id"].n_unique() == 500


def test_what_rules_change_is_told_apart_from_errors_of_the_texture(fitted: HTDBU) -> None:
    quiet(fitted, 500)
    details = fitted.result_.details
    broken = ((pl.col("y") == "yes") & (pl.col("mood") == "bad")) | (
        (pl.col("y") == "no") & (pl.col("mood") == "good")
    )
    effect = CLIENTS.filter(broken).height / CLIENTS.height
    assert details["intervention_effect"] == pytest.approx(effect, abs=0.01)
    assert "'r1' is an intervention" in details["interventions"][0]


def test_rule_sets_are_swapped_without_a_new_fit(fitted: HTDBU) -> None:
    generator = fitted.texture_.generator
    rows = quiet(fitted, 400, rules=[OLD])
    assert rows.filter((pl.col("age") > 70) & (pl.col("y") == "yes")).height == 80
    assert fitted.audit_["r1"].broken == 0
    assert fitted.texture_.generator is generator
    assert check_rules(quiet(fitted, 400), as_rules([ALIGN]), fitted.schema_).ok


def test_same_seed_same_rows_in_any_pieces(fitted: HTDBU) -> None:
    whole = quiet(fitted, 300, rules=[ALIGN, OLD], random_state=0)
    assert quiet(fitted, 300, rules=[ALIGN, OLD], random_state=0).equals(whole)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuleWarning)
        pieces = list(fitted.batches(300, rules=[ALIGN, OLD], batch_size=70, random_state=0))
    assert pl.concat(pieces).equals(whole)


def test_a_stored_model_writes_the_same_rows(fitted: HTDBU, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = HTDBU.load(tmp_path / "model")
    assert quiet(again, 200, random_state=0).equals(quiet(fitted, 200, random_state=0))
    assert again.template_.rules[0].name == "r1"


def test_where_and_balance(fitted: HTDBU) -> None:
    rows = quiet(fitted, 100, where="age < 60", balance="equal")
    assert rows["age"].max() < 60  # type: ignore[operator]  # polars gives a wide type
    assert rows["y"].value_counts()["count"].to_list() == [50, 50]


def test_to_condition_shifts_the_classes_and_tells_its_cost() -> None:
    model = HTDBU("y", rules=["age > 60"], enforce="condition", random_state=0).fit(CLIENTS)
    rule = [{"expression": "age > 60", "intervention": True}]
    rows = quiet(model, 500, rules=rule)
    assert rows["age"].min() > 60  # type: ignore[operator]  # polars gives a wide type
    among = CLIENTS.filter(pl.col("age") > 60)
    # three standard errors of a share of 4,000 trial rows, and as many of the real rows
    slack = 3 * 0.5 * (1 / 4000**0.5 + 1 / among.height**0.5)
    assert abs(share(rows) - share(among)) < slack
    assert model.result_.details["drawn_per_row"] > 1
    model.set_params(enforce="intervene")
    assert abs(share(quiet(model, 500, rules=rule)) - share(CLIENTS)) < 1 / 500


def test_rules_are_mined_where_none_are_given() -> None:
    model = HTDBU("y", random_state=0).fit(CLIENTS)
    assert any({"days", "calls"} <= set(rule.described().split()) for rule in model.template_)
    rows = model.sample(300)
    assert ((rows["days"] == -1) == (rows["calls"] == 0)).all()


def test_a_model_is_asked_once_whatever_the_number_of_rows() -> None:
    reply = '{"rules": [{"kind": "iff", "a": "days = -1", "b": "calls = 0"}]}'
    model = HTDBU("y", llm=Scripted([reply] * 3), random_state=0).fit(CLIENTS)
    assert [rule.described() for rule in model.template_] == ["days = -1 if and only if calls = 0"]
    for n_rows in (10, 900):
        model.sample(n_rows)
        assert model.result_.usage.calls == 3


def test_published_is_a_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def resolve(group: str, name: str) -> Any:
        from tablewright.generators.trees import SequentialTrees

        taken.append(name)
        return SequentialTrees

    monkeypatch.setattr("tablewright.systems.htdbu.textures.resolve", resolve)
    HTDBU("y", rules=[PAST], variant="published", random_state=0).fit(CLIENTS)
    assert taken == ["forest"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"skeleton": ["age"]}, "column 'age' is integer"),
        ({"skeleton": ["moood"]}, "did you mean 'mood'"),
        ({"variant": "paper"}, "variant is 'default' or 'published'"),
        ({"enforce": "softly"}, "enforce is 'intervene' or 'condition'"),
        ({"texture": {"method": "trees", "leaf": 3}}, "texture 'trees'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        HTDBU("y", rules=[PAST], **options).fit(CLIENTS)


def test_a_template_that_does_not_fit_is_refused_before_any_row_is_made() -> None:
    with pytest.raises(RuleError, match="did you mean 'days'"):
        HTDBU("y", rules=["dayss > 3"]).fit(CLIENTS)
    with pytest.raises(RuleError, match="cannot hold together"):
        HTDBU("y", rules=["age > 60", "age < 20"]).fit(CLIENTS)


def test_a_hard_rule_that_real_rows_break_is_kept_by_every_row() -> None:
    with pytest.warns(RuleWarning, match="'r1' is kept by every row that is written, although"):
        rows = HTDBU("y", rules=["age > 60"], random_state=0).fit(CLIENTS).sample(20)
    assert rows["age"].min() > 60


def lenders(n: int = 900, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    y = rng.choice(["no", "yes"], n, p=[0.6, 0.4])
    mood = np.where(rng.random(n) < 0.6, np.where(y == "yes", "good", "bad"), "fair")
    age = np.clip(rng.normal(45 + 9 * (y == "yes"), 12, n), 18, 95).round().astype(int)
    return pl.DataFrame({"y": y, "mood": mood, "age": age, "income": rng.gamma(3, 900, n).round()})


def test_the_loop_blames_the_rule_that_contradicts_the_data_and_not_the_texture() -> None:
    wrong = {"name": "wrong", "kind": "implies", "if": "y = 'yes'", "then": "mood = 'good'",
             "source": "llm"}  # fmt: skip
    model = HTDBU("y", rules=[wrong, "age >= 18"], loop=True, random_state=0).fit(lenders())
    assert model.trace_.blamed == {"rules"}
    assert "rule wrong is soft now" in str(model.trace_)
    assert model.trace_.last.loss < model.trace_.first.loss
    rows = model.sample(500)
    assert rows.filter((pl.col("y") == "yes") & (pl.col("mood") == "fair")).height > 0


def test_the_loop_blames_a_texture_that_has_learned_nothing() -> None:
    model = HTDBU("y", rules=["age >= 18"], texture="independent", loop=2, random_state=0)
    model.fit(lenders())
    assert model.trace_.blamed == {"model"}
    assert model.trace_.end.texture != "independent"
    assert model.texture_name_ == model.trace_.end.texture
    assert model.sample(50).height == 50


def test_a_declared_intervention_is_not_blamed() -> None:
    rule = {"kind": "implies", "if": "y = 'yes'", "then": "mood <> 'fair'", "intervention": True}
    model = HTDBU("y", rules=[rule], loop=True, random_state=0).fit(lenders())
    assert "rules" not in model.trace_.blamed
    assert model.template_.rules[0].hard


def test_the_loop_needs_rows() -> None:
    with pytest.raises(InputError, match="the loop needs at least 100 rows"):
        HTDBU("y", rules=["age >= 18"], loop=True).fit(lenders(60))


def news(n: int = 400) -> pl.DataFrame:
    words = {"good": "profit rose in", "bad": "orders fell in", "fair": "the board met in"}
    frame = lenders(n)
    texts = [f"{words[mood]} week {k % 37} of {k // 37}" for k, mood in enumerate(frame["mood"])]
    return frame.with_columns(text=pl.Series(texts))


def test_texts_go_with_their_attribute_and_are_told_to_be_real(tmp_path: Path) -> None:
    frame = news()
    requested = {"kind": "align", "on": "y", "attribute": "mood", "intervention": True,
              "pairs": {"yes": ["good"], "no": ["bad", "fair"]}}  # fmt: skip
    model = HTDBU("y", rules=[requested], texts=TextColumn("text", "mood"), random_state=0).fit(
        frame
    )
    rows = quiet(model, 150)
    assert rows.columns == frame.columns
    moods = dict(zip(frame["text"], frame["mood"], strict=True))
    assert [moods[text] for text in rows["text"]] == rows["mood"].to_list()
    assert set(rows.filter(pl.col("y") == "yes")["mood"]) == {"good"}
    assert model.result_.details["texts"][0]["real_share"] == 1.0
    model.save(tmp_path / "model")
    assert quiet(HTDBU.load(tmp_path / "model"), 150).equals(rows)


def test_the_attribute_joins_the_skeleton() -> None:
    frame = news().with_columns(
        mood=pl.when(pl.int_range(pl.len()) % 5 == 0).then(None).otherwise(pl.col("mood"))
    )
    column = TextColumn("text", "mood", source="classifier")
    model = HTDBU("y", rules=["age >= 18"], texts=[column], random_state=0).fit(frame)
    rows = model.sample(50)
    assert model.skeleton_.columns == ("y", "mood")
    assert rows["mood"].null_count() == 0
    assert rows["text"].is_in(frame["text"].to_list()).all()


class Shuffler:
    """A stranger with fit and sample: each column on its own."""

    def fit(self, frame: Any) -> None:
        self.frame = pl.DataFrame(frame)

    def sample(self, n: int) -> pl.DataFrame:
        rng = np.random.default_rng(0)
        rows = {name: self.frame[name].gather(rng.integers(self.frame.height, size=n))
                for name in self.frame.columns}  # fmt: skip
        return pl.DataFrame(rows)


def test_any_object_with_fit_and_sample_is_a_texture(tmp_path: Path) -> None:
    model = HTDBU("y", rules=[ALIGN, PAST], texture=Shuffler(), random_state=0).fit(CLIENTS)
    rows = quiet(model, 200)
    assert check_rules(rows, as_rules([ALIGN, PAST]), model.schema_).ok
    assert abs(share(rows) - share(CLIENTS)) < 1 / 200
    with pytest.raises(InputError, match="cannot be stored"):
        model.save(tmp_path / "model")


@pytest.mark.parametrize("target", [None, "income"])
def test_without_classes_there_is_no_column_to_lead(target: str | None) -> None:
    model = HTDBU(target, rules=["age >= 18"], random_state=0).fit(lenders(300))
    assert model.sample(100)["age"].min() >= 18
    assert model.skeleton_.columns == ()


def test_classes_that_few_rows_have_are_filled() -> None:
    table = lenders(300)
    model = HTDBU(rules=["age >= 18"], random_state=0)
    rows, labels = model.fit_resample(table.drop("mood"), table["mood"])
    assert labels.value_counts()["count"].n_unique() == 1
    assert rows["age"].min() >= 18
