"""From trials to a leaderboard: means, failures, and how it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from tablewright.errors import InputError
from tablewright.evaluation.compare.leaderboard import Comparison, Entry, make_entries
from tablewright.evaluation.compare.splits import inner_splits, outer_split
from tablewright.schema import Schema

SCHEMA = Schema.build({"n": "integer", "y": "categorical"}, target="y")


def trial(method: str, split: int, value: float | None, **more: object) -> dict[str, object]:
    values = {"macro_f1": value, "log_loss": None if value is None else 1 - value}
    return {"method": method, "split": split, "values": values, **more}


def board(*trials: dict[str, object], measure: str = "macro_f1") -> list[Entry]:
    return make_entries(trials, measure, ["nothing", "copies"], n_train=80, n_test=20)


def test_means_gains_shares_and_costs_are_over_splits() -> None:
    first, second = board(
        trial("nothing", 0, 0.5),
        trial("nothing", 1, 0.6),
        trial("mine", 0, 0.7, seconds=1.0, money=0.2),
        trial("mine", 1, 0.5, seconds=3.0, money=0.4),
    )
    assert (first.method, second.method) == ("mine", "nothing")
    assert first.value == pytest.approx(0.6)
    assert first.gain == pytest.approx(0.05)
    assert first.improved == 0.5
    assert first.interval is None  # two splits say nothing of their spread
    assert first.seconds == 2.0
    assert first.money == pytest.approx(0.3)
    assert not first.is_control
    assert second.is_control


def test_lower_is_better_turns_the_gain() -> None:
    best = board(trial("nothing", 0, 0.5), trial("mine", 0, 0.7), measure="log_loss")[0]
    assert best.method == "mine"
    assert best.gain == pytest.approx(0.2)


def test_a_split_that_failed_is_left_out_and_a_method_that_always_did_says_why() -> None:
    entries = board(
        trial("nothing", 0, 0.5),
        trial("nothing", 1, 0.5),
        trial("mine", 0, 0.6),
        {"method": "mine", "split": 1, "error": "no rows"},
        {"method": "broken", "split": 0, "error": "no rows today"},
    )
    by_name = {entry.method: entry for entry in entries}
    assert by_name["mine"].value == pytest.approx(0.6)
    assert by_name["broken"].value is None
    assert by_name["broken"].error == "no rows today"
    assert entries[-1].method == "broken"


def test_the_console_shows_winner_notes_and_command_and_json_the_same(tmp_path: Path) -> None:
    entries = board(trial("nothing", 0, 0.5), trial("trees", 0, 0.7))
    result = Comparison(
        entries, "trees", None, "tablewright generate t.csv", "macro_f1", {}, ["class 'a' is small"]
    )
    console = Console(record=True, width=120)
    console.print(result)
    text = console.export_text()
    for words in ("winner: trees", "note: class 'a' is small", "tablewright generate t.csv"):
        assert words in text
    data = json.loads(result.to_json(tmp_path / "board.json"))
    assert data == json.loads((tmp_path / "board.json").read_text())
    assert data["notices"] == ["class 'a' is small"]
    assert [entry["method"] for entry in data["entries"]] == ["trees", "nothing"]


def frame(n: int) -> pl.DataFrame:
    return pl.DataFrame({"n": list(range(n)), "y": [("a", "a", "b")[i % 3] for i in range(n)]})


def test_every_row_is_tested_once_per_draw_and_classes_keep_their_shares() -> None:
    splits = inner_splits(frame(60), SCHEMA, 0, n_splits=5, n_repeats=2)
    assert len(splits) == 10
    for draw in (splits[:5], splits[5:]):
        assert sorted(i for split in draw for i in split.test.tolist()) == list(range(60))
    for split in splits:
        assert not set(split.train) & set(split.test)
        assert frame(60)["y"][split.test].to_list().count("b") == 4
    assert splits[0].test.tolist() != splits[5].test.tolist()


def test_the_future_is_set_aside_whole() -> None:
    split = outer_split(frame(40), SCHEMA, 0, time="n")
    assert split.test.tolist() == list(range(30, 40))


def test_missing_times_and_few_groups_are_refused() -> None:
    hollow = frame(40).with_columns(n=pl.when(pl.col("n") > 3).then("n"))
    with pytest.raises(InputError, match="column 'n' has missing times"):
        outer_split(hollow, SCHEMA, 0, time="n")
    with pytest.raises(InputError, match="column 'y' has fewer groups than 5 folds"):
        inner_splits(frame(40), SCHEMA, 0, groups="y", n_splits=5)


def comparison(*entries: Entry, winner: str = "nothing") -> Comparison:
    return Comparison(list(entries), winner, None, "", "macro_f1", {}, [])


def test_a_ceiling_is_said_in_place_of_a_winner() -> None:
    entries = board(trial("nothing", 0, 0.999), trial("mine", 0, 0.999))
    said = "winner: none, nothing left to gain: real rows alone already reach 0.999 (macro-F1)"
    assert said in str(comparison(*entries))
    below = board(trial("nothing", 0, 0.9), trial("mine", 0, 0.9))
    assert "nothing left" not in str(comparison(*below))


def test_controls_that_need_no_rows_are_named_where_they_gain_as_much() -> None:
    def entries(weights: float) -> list[Entry]:
        return make_entries(
            [
                trial(name, split, value + split / 1000)
                for split in range(4)
                for name, value in (("nothing", 0.5), ("class weights", weights), ("mine", 0.7))
            ],
            "macro_f1", ["nothing", "class weights"], n_train=80, n_test=20,
        )  # fmt: skip

    said = "note: class weights alone: +0.300, no less than any method, and no rows are needed"
    assert said in str(comparison(*entries(0.8), winner="mine")).replace("\n", " ")
    assert "class weights alone" not in str(comparison(*entries(0.6), winner="mine"))
