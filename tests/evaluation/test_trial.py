"""One method on one split, and the contest around it: controls, costs, keys, sizes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.compare import compare
from tablewright.evaluation.compare.compare import _is_here, _read, _writers
from tablewright.evaluation.compare.leaderboard import Comparison, Entry, command_line, make_entries
from tablewright.evaluation.compare.splits import Split, outer_split, schema_of_training
from tablewright.evaluation.compare.trial import (
    Settings,
    Written,
    _control_arm,
    method_writer,
    read_method,
    run_trial,
)
from tablewright.evaluation.evaluate.baselines import default_controls
from tablewright.evaluation.evaluate.tables import Tables, without_groups
from tablewright.evaluation.evaluate.warnings import warnings_of
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design
from tablewright.metrics.outcomes import choose_measure
from tablewright.metrics.trials import Draw
from tablewright.schema import Schema
from tablewright.tables.inference.infer import infer_schema

SCHEMA = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
NUMBERS = Schema.build({"x": "continuous", "y": "continuous"}, target="y")


def table(n: int, seed: int, share: float = 0.3) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    y = draws.random(n) < share
    return pl.DataFrame({"x": draws.normal(size=n) + 3 * y, "y": np.where(y, "b", "a")})


def halves(n: int) -> Split:
    return Split(np.arange(n // 2), np.arange(n // 2, n))


def trial(method: str = "mine", frame: pl.DataFrame | None = None, **more: Any) -> dict[str, Any]:
    rows = table(80, 0) if frame is None else frame
    settings = Settings(n_trees=10, n_samples=more.pop("n_samples", None))
    return run_trial(rows, SCHEMA, halves(rows.height), method, 5, settings, **more)


# one trial ------------------------------------------------------------------------


def test_a_writer_gets_training_rows_alone_as_many_to_write_and_the_seed() -> None:
    calls: list[tuple[int, int, int]] = []

    def write(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        calls.append((train.height, n_rows, seed))
        assert train.equals(table(80, 0)[:40])
        return Written(table(n_rows, 9), 0.25)

    result = trial(writer=write)
    trial(writer=write, n_samples=7)
    assert calls == [(40, 40, 5), (40, 7, 5)]
    assert (result["money"], result["rows"]) == (0.25, 40)
    assert result["seconds"] >= 0
    assert 0.5 < result["values"]["macro_f1"] <= 1.0


def test_rows_of_a_class_that_is_not_known_do_not_count() -> None:
    def write(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        return Written(table(10, 1).with_columns(y=pl.Series(["a", "z"] * 5)))

    assert trial(writer=write)["rows"] == 5


def test_added_rows_change_what_is_learned_and_nothing_does_not() -> None:
    def flipped(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        return Written(table(600, 1).with_columns(y=pl.col("y").replace({"a": "b", "b": "a"})))

    plain, harmed = trial("nothing"), trial(writer=flipped)
    assert harmed["values"]["auroc"] < 0.2 < 0.8 < plain["values"]["auroc"]
    assert (plain["seconds"], plain["money"], plain["rows"]) == (0.0, 0.0, 0)


def test_a_split_that_cannot_be_judged_says_why() -> None:
    one = table(80, 0).with_columns(
        y=pl.when(pl.int_range(80) < 40).then(pl.lit("a")).otherwise("y")
    )
    assert trial("nothing", one) == {"error": "the target 'y' has one value in the training rows"}
    unknown = table(80, 0).with_columns(y=pl.when(pl.int_range(80) < 40).then("y"))
    assert trial("nothing", unknown) == {"error": "no row to judge on has a target"}


def test_measures_that_are_not_defined_are_none() -> None:
    frame = table(80, 0)
    frame = pl.concat([frame[:40], frame[40:].with_columns(y=pl.lit("a"))])
    values = trial("nothing", frame)["values"]
    assert values["auroc"] is None
    assert values["macro_f1"] is not None


def balanced(target: list[Any], schema: Schema) -> Design:
    frame = pl.DataFrame({"x": np.arange(float(len(target))), "y": target})
    rows = FeatureEncoder.fit(frame, schema).rows(frame)
    draw = Draw(Design.of(rows), {"synthetic": Design.of(rows)}, rows)
    return _control_arm("balanced copies").build(draw, np.random.default_rng(0))


def test_balanced_copies_fill_every_class_to_the_largest() -> None:
    built = balanced([*"aaaaabb"], SCHEMA)
    assert np.bincount(built.y.astype(int)).tolist() == [5, 5]
    copies = built.take(np.arange(7, 10))
    assert set(copies.trees[:, 0]) <= {5.0, 6.0}
    assert len(balanced([1.0, 2.0, 2.0], NUMBERS)) == 3  # numbers have no classes


def test_methods_are_read_with_their_balance() -> None:
    assert read_method("trees") == ("trees", None)
    assert read_method("trees:equal") == ("trees", "equal")
    with pytest.raises(InputError, match="method 'trees:more': after the colon"):
        method_writer("trees:more")


@pytest.mark.parametrize(
    ("method", "counts"), [("independent", None), ("independent:equal", (15, 15))]
)
def test_methods_of_ours_write_the_rows_that_are_requested(
    method: str, counts: tuple[int, int] | None
) -> None:
    written = method_writer(method)(table(60, 0), SCHEMA, 30, 0)
    assert written.rows.height == 30
    assert written.money == 0.0
    if counts:
        assert tuple(written.rows["y"].value_counts().sort("y")["count"]) == counts


def test_fill_writes_what_the_small_classes_lack() -> None:
    frame = table(60, 0)
    n_a, n_b = (frame["y"].to_list().count(label) for label in "ab")
    written = method_writer("independent:fill")(frame, SCHEMA, 30, 0)
    assert written.rows["y"].to_list() == ["b"] * (n_a - n_b)


# the contest ----------------------------------------------------------------------


def truth(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    return Written(table(n_rows, 1000 + seed))


def contest(frame: pl.DataFrame | None = None, **more: Any) -> Comparison:
    options: dict[str, Any] = {"methods": {"mine": truth}, "n_splits": 2, "n_repeats": 1, **more}
    return compare(table(48, 0) if frame is None else frame, SCHEMA, **options)


def test_every_method_meets_every_split_at_every_size(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    path = tmp_path / "trials.jsonl"
    result = contest(sizes=[10], resume=path, progress=lambda i, n, _: done.append((i, n)))
    trials = [json.loads(line) for line in path.read_text().splitlines()]
    names = {"nothing", "class weights", "threshold", "copies", "balanced copies", "mine"}
    assert {(t["method"], t["split"], t["size"]) for t in trials} == {
        (name, split, size) for name in names for split in (0, 1) for size in (0, 10)
    }
    assert done == [(i, 24) for i in range(25)]  # at the start too
    assert set(result.curves) == {10, 18}  # the quarter that is set aside leaves 36, in halves
    assert {entry.n_train for entry in result.curves[10]} == {10}
    assert {entry.n_train for entry in result.entries} == {18}
    # half of the rows of a size are not those of another split
    assert len({t["key"] for t in trials}) == 24


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"n_samples": 9},
        {"models": "gpt"},
        {"frame": table(48, 1)},
    ],
)
def test_trials_of_other_options_or_rows_are_not_taken_over(
    change: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    contest(resume=path)
    n_lines = len(path.read_text().splitlines())
    contest(resume=path)
    assert len(path.read_text().splitlines()) == n_lines
    contest(resume=path, **change)
    assert len(path.read_text().splitlines()) == 2 * n_lines


def test_finished_trials_are_lines_with_a_key_and_no_error(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    lines = ['{"key": "a", "size": 0}', '{"key": "b", "error": "no"}', "[1]", '{"x": 1}', '{"key']
    path.write_text("\n".join(lines))
    assert list(_read(path)) == ["a"]
    assert _read(None) == {}
    assert _read(tmp_path / "absent") == {}


def test_methods_by_default_are_balanced_ones_too_where_classes_are_unequal() -> None:
    even = pl.DataFrame({"x": np.arange(20.0), "y": [*"ab"] * 10})
    usual = list(_writers(None, even, SCHEMA, None))
    assert {"trees", "forest", "blend", "copula", "bayes-net", "independent", "smotenc"} < {*usual}
    skewed = table(60, 0, share=0.2)
    assert list(_writers(None, skewed, SCHEMA, None)) == [*usual, "trees:fill", "smotenc:fill"]
    assert list(_writers(None, even, NUMBERS, None)) == usual


def test_boosted_trees_take_part_only_where_their_package_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = sys.modules[_is_here.__module__]  # the package has a function of its name
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not _is_here("boosted")
    assert _is_here("trees")


@pytest.mark.parametrize(
    ("measure", "listed", "expected"),
    [
        (None, True, "macro_f1"),
        (None, False, "r2"),
        ("auroc", True, "auroc"),
        ("mae", False, "mae"),
    ],
)
def test_the_measure_fits_the_target(measure: str | None, listed: bool, expected: str) -> None:
    assert choose_measure(measure, listed) == expected


def test_measures_of_the_other_kind_are_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no measure 'auroc' here; there are r2, rmse, mae$"):
        choose_measure("auroc", listed=False)


def test_the_column_of_groups_is_learned_by_no_method() -> None:
    schema = Schema.build({"who": "integer", **{"x": "continuous", "y": "categorical"}}, target="y")
    assert without_groups(schema, "who").names == ["x", "y"]
    assert without_groups(schema, None) is schema
    with pytest.raises(InputError, match="'y' is the target: it cannot name the groups too"):
        without_groups(schema, "y")


def test_the_winner_is_judged_on_rows_that_no_trial_saw() -> None:
    seen: list[set[float]] = []
    frame = table(80, 0, share=0.5).with_columns(
        x=pl.Series(np.random.default_rng(3).normal(size=80))
    )

    def spy(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        seen.append(set(train["x"]))
        return truth(train, schema, n_rows, seed)

    contest(frame, methods={"mine": spy})
    outside = set(frame["x"][outer_split(frame, SCHEMA, 0).test])
    assert len(outside) == 20
    assert not any(rows & outside for rows in seen)


# splits and schemas ---------------------------------------------------------------


def test_what_a_person_declared_stays_whatever_the_training_rows_hold() -> None:
    frame = pl.DataFrame({"x": [1.5, 2.5, 99.5, 3.5], "y": [*"abca"], "gone": [None, None, 1, 2]})
    schema = infer_schema(frame, target="y")
    declared = Schema.build(
        [
            schema["x"],
            {"name": "y", "kind": "categorical", "categories": [*"abcd"]},
            schema["gone"],
        ],
        target="y",
    )
    seen = schema_of_training(declared, frame[:2])
    assert (seen["x"].minimum, seen["x"].maximum) == (1.5, 2.5)
    assert seen["y"].categories == [*"abcd"]
    assert seen["gone"] == declared["gone"]  # no training value says nothing
    assert seen["x"].kind == schema["x"].kind


# the board ------------------------------------------------------------------------


def entry(method: str, gain: float | None, **more: Any) -> Entry:
    plain: dict[str, Any] = {
        "value": 0.7, "interval": (0.01, 0.1), "improved": 0.9, "seconds": 1.0, "money": 0.0,
        "n_train": 50, "is_control": False,
    }  # fmt: skip
    return Entry(method, gain=gain, **{**plain, **more})


def test_nothing_comes_first_among_equals_and_failures_last() -> None:
    trials = [
        {"method": m, "split": k, "values": {"auroc": v}}
        for m, v in (("same", 0.5), ("nothing", 0.5), ("worse", 0.4))
        for k in range(3)
    ]
    trials.append({"method": "broken", "split": 0, "error": "no"})
    names = [e.method for e in make_entries(trials, "auroc", ["nothing"], 10, 5)]
    assert names == ["nothing", "same", "worse", "broken"]


def test_splits_that_nothing_failed_on_have_values_and_no_gain() -> None:
    trials = [
        {"method": "nothing", "split": 0, "error": "no"},
        {"method": "mine", "split": 0, "values": {"auroc": 0.8}},
    ]
    nothing, mine = make_entries(trials, "auroc", ["nothing"], 10, 5)
    assert (mine.value, mine.gain, mine.interval, mine.improved) == (0.8, None, None, 0.0)
    assert nothing.error == "no"
    hollow = [{"method": "mine", "split": 0, "values": {"auroc": None}}]
    assert make_entries(hollow, "auroc", [], 10, 5)[0].error == "not defined"


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ([entry("trees", 0.1)], "winner: trees"),
        ([entry("copies", 0.1, is_control=True)], "winner: none, add nothing"),
        ([entry("trees", 0.1, interval=None)], "winner: none, add nothing"),
        (
            [entry("trees", -0.1, interval=(-0.2, 0.1))],
            "winner: none, add nothing; the best method is trees at -0.100",
        ),
    ],
)
def test_the_line_of_the_winner(entries: list[Entry], line: str) -> None:
    winner = "trees" if line == "winner: trees" else "nothing"
    assert Comparison(entries, winner, None, "", "macro_f1")._winner_line() == line


def test_commands_balance_and_quote() -> None:
    assert command_line("t.csv", "y", "copula", 30, 2) == (
        "tablewright generate t.csv --target y -n 30 --out synthetic.csv --method copula --seed 2"
    )
    assert " -n 30 " in command_line("t.csv", "y", "trees:equal", 30, 2)
    assert "--balance equal" in command_line("t.csv", "y", "trees:equal", 30, 2)


# what an evaluation stands on -----------------------------------------------------


def test_smote_needs_two_rows_of_every_class_and_classes() -> None:
    def controls(target: list[Any], schema: Schema) -> list[str]:
        frame = pl.DataFrame({"x": np.arange(float(len(target))), "y": target})
        rows = FeatureEncoder.fit(frame, schema).rows(frame)
        return list(default_controls(rows, np.random.default_rng(0)))

    assert controls([*"aaabb"], SCHEMA) == ["SMOTE-NC"]
    assert controls([*"aaaab"], SCHEMA) == []
    assert controls([1.0, 2.0, 3.0, 4.0], NUMBERS) == []
    assert controls([*"aabb"], SCHEMA.with_target(None)) == []


def test_rows_in_the_real_mix_are_as_many_as_the_rarest_class_allows() -> None:
    def rows(**counts: int) -> pl.DataFrame:
        labels = [label for label, n in counts.items() for _ in range(n)]
        return pl.DataFrame({"x": np.arange(float(len(labels))), "y": labels})

    real = rows(a=60, b=30, c=10)
    encoder = FeatureEncoder.fit(real, SCHEMA)
    made, held = (encoder.rows(each) for each in (rows(a=90, b=12), rows(a=5, b=5, c=5)))
    tables = Tables(encoder.rows(real), made, held)
    cut = tables.in_real_mix(np.random.default_rng(0))
    assert cut is not None
    labels = encoder.features[1].levels or ()
    counted = [
        {
            labels[int(c)]: int(n)
            for c, n in zip(*np.unique(each.values[:, 1], return_counts=True), strict=True)
        }
        for each in cut.three
    ]
    assert counted == [{"a": 60, "b": 30}, {"a": 24, "b": 12}, {"a": 5, "b": 5}]
    plain = FeatureEncoder.fit(real, SCHEMA.with_target(None)).rows(real)
    assert Tables(plain, plain, plain).in_real_mix(np.random.default_rng(0)) is None


@pytest.mark.parametrize(("n_odd", "named"), [(2, False), (3, True)])
def test_odd_cells_are_named_beyond_one_in_a_hundred(n_odd: int, named: bool) -> None:
    schema = Schema.build({"n": "integer", "y": "categorical"}, target="y")
    frame = pl.DataFrame({"n": range(200), "y": [*"ab"] * 100})
    rows = FeatureEncoder.fit(frame, schema)
    odd = frame.with_columns(n=pl.Series([0.5] * n_odd + [1.0] * (200 - n_odd)))
    notes = warnings_of(
        rows.rows(frame), rows.rows(odd), rows.rows(frame), frame, frame, None, None
    )
    assert bool(notes) is named


@pytest.mark.parametrize("n_samples", [0, -3])
def test_a_contest_adds_one_row_or_more(n_samples: int) -> None:
    with pytest.raises(InputError, match=f"n_samples: {n_samples} rows cannot be added"):
        contest(n_samples=n_samples)
