"""Preference pairs have the form that TRL reads, and the splits share no question."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.systems.date.pairs import Pair, preference_pairs

ROWS = pl.DataFrame(
    {"dose": [k // 2 for k in range(60)], "city": ["Ulm", "Bonn", None] * 20,
     "ill": ["no", "yes", "maybe"] * 20}
)  # fmt: skip


def conforms(pair: Pair) -> bool:
    """Whether a pair is what TRL's conversational preference format asks for."""
    roles = {name: [message["role"] for message in pair[name]] for name in pair}
    texts = [message["content"] for name in pair for message in pair[name]]
    wanted = {"prompt": ["user"], "chosen": ["assistant"], "rejected": ["assistant"]}
    return roles == wanted and all(isinstance(text, str) and text for text in texts)


def test_each_row_is_a_question_with_its_label_and_another() -> None:
    pairs = preference_pairs(ROWS, target="ill", validation=0, random_state=0)
    assert len(pairs.train) == 60
    assert pairs.validation == []
    assert all(conforms(pair) for pair in pairs.train)
    assert all(pair["chosen"] != pair["rejected"] for pair in pairs.train)
    first = pairs.train[0]
    assert first["prompt"][0]["content"].startswith("dose: 0\ncity: Ulm\n\nWhat is ill?")
    assert first["chosen"][0]["content"] == "no"
    assert {p["rejected"][0]["content"] for p in pairs.train} == {"no", "yes", "maybe"}


def test_splits_share_no_question() -> None:
    doubled = pl.concat([ROWS, ROWS])
    pairs = preference_pairs(doubled, target="ill", random_state=0)
    asked = [{json.dumps(pair["prompt"]) for pair in part}
             for part in (pairs.train, pairs.validation)]  # fmt: skip
    assert not asked[0] & asked[1]
    assert len(pairs.train) + len(pairs.validation) == 120
    assert len(asked[1]) == pytest.approx(0.2 * len(asked[0] | asked[1]), abs=1)


def test_rows_of_a_test_set_are_left_out() -> None:
    pairs = preference_pairs(ROWS, target="ill", exclude=ROWS.head(30), validation=0)
    assert len(pairs.train) == 30


def test_wrong_number_is_a_good_way_off() -> None:
    rows = pl.DataFrame({"a": [k / 3 for k in range(50)], "y": [k / 7 for k in range(50)]})
    pairs = preference_pairs(rows, target="y", validation=0, random_state=0)
    gaps = [
        abs(float(pair["chosen"][0]["content"]) - float(pair["rejected"][0]["content"]))
        for pair in pairs.train
    ]
    assert min(gaps) >= float(rows["y"].std(ddof=0)) / 2  # type: ignore[arg-type]


def test_written_lines_are_read_back(tmp_path: Path) -> None:
    pairs = preference_pairs(ROWS, target="ill", random_state=0)
    pairs.write(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    read = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert read == pairs.train


def test_one_label_alone_has_no_wrong_answer() -> None:
    with pytest.raises(InputError, match=r"no wrong answer|same value in every row"):
        preference_pairs(ROWS.with_columns(ill=pl.lit("no")), target="ill")
    with pytest.raises(InputError, match="name the target"):
        preference_pairs(ROWS)
    with pytest.raises(InputError, match="validation is a share"):
        preference_pairs(ROWS, target="ill", validation=1.0)
