"""Texts by attribute: told apart, drawn evenly, written under the row's values, never unmarked."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.llm import Prompt, Reply, Scripted, Sharing
from tablewright.schema import Schema
from tablewright.systems.htdbu.texts import TextClassifier, TextColumn, TextPool
from tablewright.tables.io.model_file import reading, write_artefact
from tablewright.testing import StandIn
from tests.systems.htdbu.news import WORDS, news

TABLE = news()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from([1, 2, 3])), min_size=1),
    st.integers(0, 40),
    st.integers(0, 2**32 - 1),
)
def test_every_text_of_a_value_is_drawn_as_often_as_any_other(
    pairs: list[tuple[str, int]], n: int, seed: int
) -> None:
    pool = TextPool(pl.Series([a for a, _ in pairs]), pl.Series([b for _, b in pairs]))
    asked = pl.Series(rng(seed).choice(pool.frame["value"].to_numpy(), n), dtype=pl.Int64)
    drawn = pool.draw(asked, rng(seed))
    known = set(pool.frame.iter_rows())
    assert set(zip(drawn, asked, strict=True)) <= known
    for value in asked.unique():
        counts = Counter(drawn.filter(asked == value))
        texts = [text for text, of in known if of == value]
        assert max(counts[text] for text in texts) - min(counts[text] for text in texts) <= 1


def test_draws_follow_the_seed_and_gaps_stay_gaps() -> None:
    pool = TextPool(TABLE["text"], TABLE["mood"])
    asked = pl.Series(["good", None, "bad"])
    first, again = pool.draw(asked, rng(1)), pool.draw(asked, rng(1))
    assert first.to_list() == again.to_list()
    assert first[1] is None
    with pytest.raises(InputError, match="no real text has the value 'sad'"):
        pool.draw(pl.Series(["sad"]), rng())


def test_two_pools_share_no_text() -> None:
    texts = pl.concat([TABLE["text"], TABLE["text"].str.to_uppercase()])
    pool = TextPool(texts, pl.concat([TABLE["mood"]] * 2))
    first, second = pool.split(0.3, rng())
    assert len(first) + len(second) == len(pool)
    assert not {t.lower() for t in first.frame["text"]} & {t.lower() for t in second.frame["text"]}
    for mood in WORDS:
        held, both = (int((part.frame["value"] == mood).sum()) for part in (second, pool))
        assert held / both == pytest.approx(0.3, abs=0.05)
    for share in (0.0, 1.0):
        with pytest.raises(InputError, match="between 0 and 1"):
            pool.split(share, rng())
    with pytest.raises(InputError, match="has 1 texts"):
        TextPool(pl.Series(["a"]), pl.Series(["x"])).split(0.5, rng())


def test_labels_are_taken_as_they_are_and_real_texts_are_told() -> None:
    result = TextColumn("text", "mood").fit(TABLE)
    rows = pl.DataFrame({"mood": ["good"] * 500 + ["bad"] * 5})
    written = rows.with_columns(result.write(rows, rng()))
    moods = dict(TABLE.select("text", "mood").iter_rows())
    assert [moods[text] for text in written["text"]] == rows["mood"].to_list()
    reported = result.told(written)
    n_good = TABLE.filter(pl.col("mood") == "good")["text"].n_unique()
    assert (reported["texts"], reported["real_share"], reported["missing"]) == ("real", 1.0, 0)
    assert reported["most_used"] == -(-500 // n_good)
    assert result.label(written["text"]).to_list() == rows["mood"].to_list()
    assert result.label(pl.Series(["unheard of"])).to_list() == [None]


def test_a_classifier_labels_what_has_no_label_and_says_how_well() -> None:
    unknown = rng(9).random(TABLE.height) < 0.5
    gaps = TABLE.with_columns(
        pl.when(pl.Series(unknown)).then(None).otherwise("mood").alias("mood")
    )
    created = TextColumn("text", "mood", source="classifier").fit(gaps)
    result = created.attribute_of(gaps)
    assert result.null_count() == 0
    right = (result == TABLE["mood"]).to_numpy()
    assert right[~unknown].all()
    assert right[unknown].mean() > 0.9  # one word tells the mood
    assert created.classifier_ is not None
    assert created.classifier_.accuracy_ is not None
    assert created.classifier_.accuracy_ > 0.95
    assert "held out once" in created.notes_[0]
    labelled = TextColumn("text", "mood", source="classifier", sure=1.0).fit(gaps)
    known = gaps.drop_nulls()
    assert set(labelled.pool_.frame.iter_rows()) == set(known.select("text", "mood").iter_rows())
    assert len(labelled.pool_) < len(created.pool_)
    assert created.label(pl.Series(["Sales rose somewhere.", None])).to_list() == ["good", None]


def test_labels_that_tell_nothing_are_not_told_better_than_by_chance() -> None:
    labels = pl.Series(rng(3).choice(["a", "b"], 2_000))
    texts = pl.Series([f"word{k} of text{i}" for i, k in enumerate(rng(4).integers(0, 9, 2_000))])
    result = TextClassifier().fit(texts, labels, rng())
    assert result.accuracy_ is not None
    assert abs(result.accuracy_ - 0.5) < 4 * 0.5 / 2_000**0.5  # four standard errors


@pytest.mark.parametrize(
    ("texts", "labels", "says"),
    [
        (["a b", "c d"], ["x", "x"], "two labels"),
        (["?!", "..."], ["x", "y"], "no classifier can be learned"),
    ],
)
def test_what_no_classifier_can_learn(texts: list[str], labels: list[str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        TextClassifier().fit(pl.Series(texts), pl.Series(labels), rng())


def test_one_text_a_label_leaves_the_accuracy_unknown() -> None:
    result = TextClassifier().fit(
        pl.Series(["it rose", "it fell"]), pl.Series([True, False]), rng()
    )
    assert result.accuracy_ is None
    assert result.label(pl.Series(["they rose"])).to_list() == [True]


def knower() -> StandIn:
    return StandIn(TABLE, target="wins", schema=Schema.build({
        "size": "continuous", "mood": {"kind": "categorical", "categories": list(WORDS)},
        "text": "text", "wins": {"kind": "categorical", "categories": ["yes", "no"]},
    }))  # fmt: skip


class Reader:
    """A model that finds the mood of a text by its verb."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        moods = {verb: mood for mood, verbs in WORDS.items() for verb in verbs}
        verbs = re.findall(r'^{"text": "\w+ (\w+) in', prompt.text, re.MULTILINE)
        return Reply(json.dumps({"rows": [{"mood": moods[verb]} for verb in verbs]}))


def test_a_model_labels_from_a_closed_set_once_per_text() -> None:
    llm = Reader()
    part = TABLE.head(40)
    result = TextColumn("text", "mood", source="model", values=list(WORDS), llm=llm).fit(part)
    asked = len(llm.prompts)
    assert asked == 2
    assert result.attribute_of(part).to_list() == part["mood"].to_list()
    assert len(llm.prompts) == asked
    liar = Scripted(['[{"mood": "great"}, {"mood": "good"}]', *["I cannot."] * 2])
    result = TextColumn("text", "mood", source="model", values=list(WORDS), llm=liar).fit(
        pl.DataFrame({"text": ["one text", "another text"]})
    )
    assert result.pool_.frame.rows() == [("another text", "good")]
    assert "1 of 2 texts" in result.notes_[0]


def test_texts_leave_only_where_rows_may() -> None:
    class Careful(Scripted):
        sharing = Sharing("summary")

    part = TABLE.head(5)
    column = TextColumn("text", "mood", source="model", values=["good"], llm=Careful([]))
    with pytest.raises(InputError, match="--share rows"):
        column.fit(part)
    Careful.sharing = Sharing("rows", redact=("text",))
    with pytest.raises(InputError, match="--redact withholds"):
        column.fit(part)


def test_a_model_writes_texts_under_the_rows_values_and_is_checked() -> None:
    llm = knower()
    result = TextColumn("text", "mood", texts="model", llm=llm).fit(TABLE)
    rows = TABLE.select("size", "mood", "wins").head(30)
    texts = result.write(rows, rng())
    assert texts.null_count() == 0
    assert 3 <= len(llm.prompts) <= 9  # what stood in its prompt is asked for again
    assert '"mood"' in llm.prompts[0] or "'mood'" in llm.prompts[0]
    reported = result.told(rows.with_columns(texts))
    assert reported["texts"] == "written by a model"
    assert reported["real_share"] == 1.0  # this model repeats what it has read, and that is said
    assert reported["agreement"] == 1.0


def test_a_text_that_stood_in_its_prompt_is_not_kept() -> None:
    class Copier:
        sharing = Sharing("rows")

        def complete(self, prompt: Prompt) -> Reply:
            shown = re.findall(r'=> {"text": "(.*?)"}', prompt.text)
            asked = re.search(r"exactly (\d+)", prompt.text)
            assert asked is not None
            texts = [*shown[:4], "A new one.", "Another one."] * 2
            return Reply(json.dumps({"rows": [{"text": t} for t in texts[: int(asked[1])]]}))

    result = TextColumn("text", "mood", texts="model", llm=Copier()).fit(TABLE)
    texts = result.write(TABLE.select("size", "mood", "wins").head(10), rng())
    assert texts.drop_nulls().unique().sort().to_list() == ["A new one.", "Another one."]


def test_what_may_not_leave_is_not_shown_to_the_writer() -> None:
    class Writer:
        sharing = Sharing("summary", redact=("wins",))

        def __init__(self) -> None:
            self.prompts: list[Prompt] = []

        def complete(self, prompt: Prompt) -> Reply:
            self.prompts.append(prompt)
            return Reply('{"rows": [{"text": "All is well."}, {"text": "..."}]}')

    llm = Writer()
    result = TextColumn("text", "mood", texts="model", llm=llm).fit(TABLE)
    rows = pl.DataFrame({"mood": ["good", None, "bad"], "wins": ["yes", "no", "no"]})
    texts = result.write(rows, rng())
    assert texts.to_list() == ["All is well.", None, None]
    shown = "\n".join(prompt.text for prompt in llm.prompts)
    assert "wins" not in shown
    assert not any(text in shown for text in TABLE["text"])
    assert result.told(rows.with_columns(texts))["missing"] == 2
    assert llm.prompts[0].sent == {"mood": 2}
    n_calls = len(llm.prompts)
    assert result.write(rows.filter(pl.col("mood").is_null()), rng()).to_list() == [None]
    assert result.write(rows.clear(), rng()).to_list() == []
    assert len(llm.prompts) == n_calls


@pytest.mark.parametrize("source", ["label", "classifier"])
def test_a_stored_column_writes_the_same_texts(source: str, tmp_path: Path) -> None:
    result = TextColumn("text", "mood", source=source).fit(TABLE)  # type: ignore[arg-type]  # any word
    write_artefact(tmp_path / "texts.zip", result.state())
    with reading(tmp_path / "texts.zip") as state:
        again = TextColumn.restore(state)
    rows = TABLE.select("mood")
    assert again.write(rows, rng(5)).to_list() == result.write(rows, rng(5)).to_list()
    strange = pl.Series(["Sales lost a lot", "Sales", ""])
    assert again.label(strange).to_list() == result.label(strange).to_list()
    assert again.notes_ == result.notes_


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"source": "guess"}, "source is"),
        ({"texts": "guess"}, "texts is"),
        ({"sure": 2}, "from 0 to 1"),
        ({"attribute": "text"}, "a name of its own"),
        ({"attribute": "moood"}, "no column 'moood'; did you mean 'mood'"),
        ({"source": "model"}, "need a language model"),
        ({"source": "model", "llm": Scripted([])}, "give values="),
        ({"texts": "model"}, "need a language model"),
    ],
)
def test_what_does_not_fit_is_said(options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        TextColumn("text", **{"attribute": "mood", **options}).fit(TABLE)  # type: ignore[arg-type]  # any type


def test_rows_without_the_attribute_get_no_text() -> None:
    result = TextColumn("text", "mood").fit(TABLE)
    with pytest.raises(InputError, match="the rows have no column 'mood'"):
        result.write(TABLE.select("size"), rng())
    with pytest.raises(InputError, match="no text in 'text'"):
        TextColumn("text", "mood").fit(TABLE.with_columns(pl.lit(None).alias("mood")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("news:mood", ("news", "mood", "real")),
        (" news : mood ", ("news", "mood", "real")),
        ("news:mood:real", ("news", "mood", "real")),
        ("news:mood:model", ("news", "mood", "model")),
    ],
)
def test_a_text_column_is_read_from_its_name_and_its_attribute(
    text: str, expected: tuple[str, str, str]
) -> None:
    made = TextColumn.parse(text)
    assert (made.column, made.attribute, made.texts) == expected


@pytest.mark.parametrize("text", ["news", "news:", ":mood", "news:mood:gpt", "a:b:model:c", ""])
def test_anything_else_is_no_text_column(text: str) -> None:
    with pytest.raises(InputError, match=r"a text column is COLUMN:ATTRIBUTE, such as news:mood"):
        TextColumn.parse(text)
