"""Which method helps: a fair contest, resumed where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.compare import (
    Entry,
    Written,
    compare,
    crossing,
    inner_splits,
    outer_split,
)
from tablewright.schema import Schema
from tests.metrics.tables import SCHEMA, draw


def truth(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    return Written(draw(n_rows, 1000 + seed), money=0.01)


def turned(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    other = pl.when(pl.col("label") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return Written(draw(n_rows, 1000 + seed).with_columns(other.alias("label")))


def test_true_rows_win_and_turned_labels_lose() -> None:
    found = compare(
        draw(32, 11), SCHEMA, methods={"truth": truth, "turned": turned}, n_samples=600, n_splits=3
    )
    names = [entry.method for entry in found.entries]
    assert found.winner == "truth"
    assert names[-1] == "turned"
    assert {"nothing", "class weights", "threshold", "copies", "balanced copies"} <= set(names)
    assert found.report is not None
    assert next(e for e in found.entries if e.method == "truth").money == pytest.approx(0.01)
    assert json.loads(found.to_json())["winner"] == "truth"


def test_nothing_wins_where_every_method_harms() -> None:
    found = compare(draw(90, 1), SCHEMA, methods={"turned": turned}, n_splits=3, n_repeats=1)
    assert found.winner == "nothing"
    assert found.report is None


def test_command_line_of_the_winner_is_printed(tmp_path: Path) -> None:
    found = compare(
        draw(60, 1), SCHEMA, methods=["trees"], n_splits=3, n_repeats=1, source="my table.csv"
    )
    if found.winner == "trees":
        assert found.command.startswith("tablewright generate 'my table.csv' --target label -n 60")
    else:
        assert found.command == ""


def test_finished_trials_are_not_run_again(tmp_path: Path) -> None:
    place, calls = tmp_path / "trials.jsonl", []

    def counted(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        calls.append(seed)
        return truth(train, schema, n_rows, seed)

    def run() -> str:
        return compare(
            draw(60, 1),
            SCHEMA,
            methods={"mine": counted},
            n_splits=3,
            n_repeats=1,
            resume=place,
        ).to_json()

    first, n_calls = run(), len(calls)
    lines = place.read_text().splitlines()
    place.write_text("\n".join([*lines[:-1], lines[-1][:20]]))
    again = run()
    assert json.loads(first)["entries"] == json.loads(again)["entries"]
    assert len(calls) <= n_calls + 2


def test_a_method_that_cannot_run_is_a_line_and_no_crash() -> None:
    def broken(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        raise InputError("no rows today")

    found = compare(draw(60, 1), SCHEMA, methods={"broken": broken}, n_splits=3, n_repeats=1)
    entry = next(e for e in found.entries if e.method == "broken")
    assert entry.value is None
    assert entry.error == "no rows today"


@pytest.mark.slow
def test_processes_find_what_one_process_finds() -> None:
    options = {"methods": ["independent"], "n_splits": 3, "n_repeats": 1}
    one, two = (
        compare(draw(60, 1), SCHEMA, n_jobs=n, **options)  # type: ignore[arg-type]
        for n in (1, 2)
    )
    assert [(e.method, e.value) for e in one.entries] == [(e.method, e.value) for e in two.entries]


def test_groups_are_never_on_both_sides() -> None:
    frame = draw(120, 1).with_columns(person=pl.Series(np.arange(120) // 4))
    outer = outer_split(frame, SCHEMA, 0, groups="person")
    for split in [outer, *inner_splits(frame, SCHEMA, 0, groups="person", n_splits=3)]:
        train, test = (set(frame["person"][places]) for places in (split.train, split.test))
        assert not train & test


def test_later_rows_are_predicted_from_earlier_ones() -> None:
    frame = draw(120, 1)
    schema = SCHEMA
    for split in [
        outer_split(frame, schema, 0, time="joined"),
        *inner_splits(frame, schema, 0, time="joined", n_splits=3),
    ]:
        assert frame["joined"][split.train].max() <= frame["joined"][split.test].min()  # type: ignore[operator]


def entry(method: str, gain: float, money: float) -> Entry:
    return Entry(method, 0.5, gain, None, 0.5, 1.0, money, 50, is_control=False)


def test_it_is_said_from_where_local_rows_overtake_paid_ones() -> None:
    curves = {
        n: [entry("model", 0.1, 1.0), entry("trees", gain, 0.0)]
        for n, gain in [(20, 0.0), (50, 0.05), (100, 0.12), (200, 0.2)]
    }
    assert crossing(curves) == "local rows overtake paid ones at 100 training rows"
    assert "up to 50" in str(crossing({n: curves[n] for n in (20, 50)}))
    assert crossing({20: [entry("trees", 0.1, 0.0)]}) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": ["treees"]}, "did you mean 'trees'"),
        ({"methods": ["trees:half"]}, "'equal' or 'fill'"),
        ({"methods": ["nothing"]}, "is a control"),
        ({"measure": "r2"}, "no measure 'r2' here"),
        ({"groups": "person"}, "no column 'person'"),
        ({"n_splits": 40}, "too few for 40 folds"),
    ],
)
def test_bad_input_is_one_sentence(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare(draw(60, 1), SCHEMA, **options)  # type: ignore[arg-type]


def test_a_target_is_needed() -> None:
    with pytest.raises(InputError, match="compare needs a target"):
        compare(draw(60, 1), SCHEMA.with_target(None))
