"""From a table to rows: what was asked for is in the file, and the manifest says how."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tablewright.evaluation.evaluate import Report
from tablewright.metrics.scores import Direction, Score
from tablewright.metrics.verdict import Verdict, Word
from tablewright.tables.io.files import read_frame
from tablewright.tables.io.provenance import manifest_path, read_manifest
from tests.cli.running import Runner, put, visits


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return put(tmp_path)


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_generate_writes_the_rows_and_says_how(run: Runner, train: Path, end: str) -> None:
    out = train.parent / f"rows.{end}"
    outcome = run("generate", train, "--target", "ill", "-n", 300, "--out", out, "--seed", 5)
    assert outcome.code == 0
    assert f"300 rows in {out}" in outcome.err
    frame = read_frame(out)
    assert frame.shape == (300, 4)
    assert frame.columns == visits().columns
    origin = read_manifest(f"{out}.manifest.json").origin
    assert (origin.method, origin.n_real_rows, origin.seed) == ("trees", 200, 5)
    assert origin.source == "train.csv"
    assert origin.command is not None
    assert origin.command.startswith("tablewright generate ")


def test_a_binary_file_holds_the_types_that_a_text_file_was_taken_for(
    run: Runner, train: Path
) -> None:
    out = train.parent / "rows.parquet"
    assert run("generate", train, "-n", 20, "--out", out, "--seed", 5).code == 0
    assert read_frame(out)["age"].dtype == pl.Int64


def test_same_seed_same_rows_and_another_seed_others(run: Runner, train: Path) -> None:
    texts = []
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        run("generate", train, "-n", 50, "--out", train.parent / name, "--seed", seed)
        texts.append((train.parent / name).read_text())
    assert texts[0] == texts[1] != texts[2]


def test_a_seed_that_was_not_given_is_noted(run: Runner, train: Path) -> None:
    first, again = train.parent / "first.csv", train.parent / "again.csv"
    run("generate", train, "-n", 50, "--out", first)
    seed = read_manifest(f"{first}.manifest.json").origin.seed
    run("generate", train, "-n", 50, "--out", again, "--seed", seed)
    assert first.read_text() == again.read_text()


def test_fit_and_sample_give_what_generate_gives(run: Runner, train: Path) -> None:
    model, one, two = (train.parent / name for name in ("m.tw", "one.csv", "two.csv"))
    run("generate", train, "--target", "ill", "-n", 80, "--out", one, "--seed", 3)
    assert run("fit", train, "--target", "ill", "--out", model, "--seed", 3).code == 0
    assert run("sample", model, "-n", 80, "--out", two, "--seed", 3).code == 0
    assert one.read_text() == two.read_text()


def test_where_holds_in_every_row(run: Runner, train: Path) -> None:
    out = train.parent / "rows.csv"
    where = "age BETWEEN 30 AND 49 AND clinic = 'east'"
    assert run("generate", train, "-n", 120, "--out", out, "--where", where).code == 0
    frame = pl.read_csv(out)
    assert frame.height == 120
    assert frame["age"].is_between(30, 49).all()
    assert frame["clinic"].unique().to_list() == ["east"]


def test_balance_equal_and_fill(run: Runner, train: Path) -> None:
    real = dict(visits()["ill"].value_counts().rows())
    out = train.parent / "rows.csv"
    asked = ("--target", "ill", "--out", out, "--balance")
    assert run("generate", train, "-n", 100, *asked, "equal").code == 0
    assert dict(pl.read_csv(out)["ill"].value_counts().rows()) == {"yes": 50, "no": 50}
    assert run("generate", train, "-n", "auto", *asked, "fill").code == 0
    assert dict(pl.read_csv(out)["ill"].value_counts().rows()) == {"yes": real["no"] - real["yes"]}


def test_a_told_schema_counts(run: Runner, train: Path) -> None:
    declared = train.parent / "schema.yaml"
    declared.write_text("target: ill\ncolumns: {age: {kind: continuous, decimals: 2}}\n")
    out = train.parent / "rows.csv"
    assert run("generate", train, "-n", 60, "--out", out, "--schema", declared).code == 0
    assert run("generate", train, "-n", 60, "--out", out, "--balance", "equal").code == 2


def test_settings_reach_the_method(run: Runner, train: Path) -> None:
    out = train.parent / "rows.csv"
    options = ("--method", "trees", "--set", "min_samples_leaf=40")
    assert run("generate", train, "-n", 60, "--out", out, *options).code == 0
    origin = read_manifest(f"{out}.manifest.json").origin
    assert origin.options["settings"] == {"min_samples_leaf": 40}


@pytest.mark.parametrize("end", ["json", "html"])
def test_report_judges_on_rows_set_aside(run: Runner, train: Path, end: str) -> None:
    out, report = train.parent / "rows.csv", train.parent / f"report.{end}"
    options = ("--target", "ill", "-n", 100, "--out", out, "--report", report, "--seed", 1)
    outcome = run("generate", train, *options)
    assert outcome.code == 0
    assert outcome.out.startswith(("helps", "no evidence", "harms"))
    assert read_manifest(f"{out}.manifest.json").origin.n_real_rows == 200
    if end == "json":
        rows = json.loads(report.read_text())["facts"]["rows"]
        assert rows == {"train": 160, "synthetic": 100, "holdout": 40}
    else:
        assert report.read_text().startswith("<!DOCTYPE html>")


def test_impute_fills_the_empty_cells_and_no_other(run: Runner, tmp_path: Path) -> None:
    frame = visits().with_columns(
        pl.when(pl.int_range(pl.len()) % 7 == 3).then(None).otherwise("age").alias("age"),
        pl.when(pl.int_range(pl.len()) % 9 == 1)
        .then(pl.lit("?"))
        .otherwise("clinic")
        .alias("clinic"),
    )
    table, out, schema = put(tmp_path, frame), tmp_path / "full.csv", tmp_path / "s.yaml"
    outcome = run("impute", table, "--out", out, "--seed", 0)
    assert pl.read_csv(out)["clinic"].equals(frame["clinic"])  # "?" is no empty cell
    assert "cells of clinic hold '?' and stay" in outcome.err + outcome.out
    schema.write_text("columns:\n  clinic: {sentinels: ['?']}\n")
    assert run("impute", table, "--schema", schema, "--out", out, "--seed", 0).code == 0
    full = pl.read_csv(out)
    assert full.null_count().sum_horizontal().item() == 0
    assert set(full["clinic"]) == {"north", "south", "east"}
    known = frame["age"].is_not_null()
    assert full["age"].filter(known).equals(frame["age"].filter(known))
    assert full["pulse"].equals(frame["pulse"])
    assert read_manifest(f"{out}.manifest.json").origin.options["filled"] == {
        "age": frame["age"].null_count(),
        "clinic": int((frame["clinic"] == "?").sum()),
    }


def test_a_filled_table_is_not_taken_for_synthetic(run: Runner, tmp_path: Path) -> None:
    frame = visits().with_columns(
        pl.when(pl.int_range(pl.len()) < 20).then(None).otherwise("age").alias("age")
    )
    out = tmp_path / "full.csv"
    run("impute", put(tmp_path, frame), "--out", out, "--seed", 0)
    rows = read_frame(out).rows()
    known = sum(row in set(rows[:20]) for row in rows) / len(rows)  # a filled row can equal another
    assert 0.1 <= known < 0.2
    assert f"{known:.1%} of the rows are in full.csv" in " ".join(run("profile", out).out.split())


def test_methods_names_what_method_takes(run: Runner) -> None:
    out = run("methods").out
    for name in ("auto", "trees", "copula", "independent", "smotenc"):
        assert f"{name}: " in out


def test_quiet_prints_nothing(run: Runner, train: Path) -> None:
    out = train.parent / "rows.csv"
    outcome = run("generate", train, "-n", 20, "--out", out, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_cells_that_a_spreadsheet_would_run_are_told_and_written_safely(
    run: Runner, tmp_path: Path
) -> None:
    frame = visits().with_columns(
        pl.when(pl.col("ill") == "yes")
        .then(pl.lit("=cmd|' /C calc'!A0"))
        .otherwise(pl.lit("rest"))
        .alias("advice"),
        pl.lit("-5").alias("change"),
    )
    out = tmp_path / "out.csv"
    words = ("generate", put(tmp_path, frame), "--method", "independent", "-n", 60, "--seed", 1)
    plain = run(*words, "--out", out)
    assert plain.code == 0, plain.err
    n_cells = pl.read_csv(out)["advice"].str.starts_with("=").sum()
    assert n_cells > 0
    assert f"{n_cells} cells of 'advice' are formulas to a spreadsheet" in plain.err
    assert "'change'" not in plain.err
    safe = run(*words, "--out", out, "--spreadsheet-safe")
    assert "an apostrophe stands before them" in safe.err
    assert set(pl.read_csv(out)["advice"]) == {"'=cmd|' /C calc'!A0", "rest"}


def test_sample_writes_a_folder_of_parts_and_goes_on(run: Runner, train: Path) -> None:
    model, out = train.parent / "model.tw", train.parent / "rows"
    assert run("fit", train, "--out", model, "--seed", 1).code == 0
    first = run("sample", model, "-n", 300, "--out", out, "--workers", 1)
    assert (first.code, f"300 rows in 1 files in {out}" in first.err) == (0, True)
    again = run("sample", model, "-n", 300, "--out", out)
    assert "1 of which stood there" in again.err
    manifest = read_manifest(f"{out}.manifest.json")
    assert manifest.origin.command is not None
    run("sample", model, "-n", 300, "--out", f"{out}.parquet", "--seed", manifest.origin.seed)
    assert read_frame(out / "part-000000.parquet").equals(read_frame(f"{out}.parquet"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--out", "rows.csv", "--workers", 2), "go with a folder"),
        (("--out", "rows", "--engine", "dusk"), "did you mean 'dask'"),
        (("--out", "rows", "--engine-address", "tcp://10.0.0.1:1"), "has no address"),
    ],
)
def test_engine_that_cannot_work_is_refused(
    run: Runner, train: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[object, ...],
    sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(train.parent)
    run("fit", train, "--out", "model.tw", "--method", "independent")
    outcome = run("sample", "model.tw", "-n", 10, *options)
    assert (outcome.code, sentence in outcome.err) == (2, True)
    assert not Path("rows").exists()


def test_rows_of_a_system_do_not_go_to_parts(run: Runner, train: Path) -> None:
    model, out = train.parent / "model.tw", train.parent / "rows"
    assert run("fit", train, "--target", "ill", "--method", "epic", "--out", model).code == 0
    outcome = run("sample", model, "-n", 10, "--out", out)
    assert (outcome.code, "judged all together" in outcome.err) == (2, True)


def test_generate_leaves_columns_out(run: Runner, tmp_path: Path) -> None:
    train, out = put(tmp_path), tmp_path / "rows.csv"
    found = run(
        "generate", train, "-n", 20, "--out", out, "--drop", "pulse", "--drop", "clinic",
        "--method", "independent", "--target", "ill",
    )  # fmt: skip
    assert found.code == 0, found.err
    assert pl.read_csv(out).columns == ["age", "ill"]
    assert read_manifest(manifest_path(out)).origin.options["drop"] == ["pulse", "clinic"]
    wrong = run("generate", train, "-n", 20, "--out", out, "--drop", "puls")
    assert "drop: there is no column 'puls'; did you mean 'pulse'?" in wrong.err
    holdout = put(tmp_path, visits(120, seed=5), "holdout.csv")
    judged = run("evaluate", "--train", train, "--synthetic", out, "--holdout", holdout, "--quick",
                 "--target", "ill")  # fmt: skip
    assert judged.code == 0, judged.err  # the manifest says what was left out


def test_fit_leaves_columns_out(run: Runner, tmp_path: Path) -> None:
    model, out = tmp_path / "model.tw", tmp_path / "rows.csv"
    assert run("fit", put(tmp_path), "--out", model, "--drop", "age").code == 0
    assert run("sample", model, "-n", 5, "--out", out).code == 0
    assert pl.read_csv(out).columns == ["pulse", "clinic", "ill"]


def test_balance_takes_rows_by_class(run: Runner, tmp_path: Path) -> None:
    train, out = put(tmp_path), tmp_path / "rows.csv"
    common = ("generate", train, "--target", "ill", "--out", out, "--method", "independent")
    assert run(*common, "-n", "auto", "--balance", "yes=3,no=5").code == 0
    counts = dict(pl.read_csv(out)["ill"].value_counts().rows())
    assert counts == {"yes": 3, "no": 5}
    assert run(*common, "--balance", "yes=4,no=5").code == 0
    assert pl.read_csv(out).height == 9
    assert "8 rows in all, and 9 are asked for" in run(*common, "-n", 9, "--balance",
                                                       "yes=3,no=5").err  # fmt: skip
    assert "rows by class such as yes=50,no=50" in run(*common, "-n", 9, "--balance", "half").err


def test_evaluate_without_a_holdout_offers_to_set_rows_aside(run: Runner, tmp_path: Path) -> None:
    train = put(tmp_path)
    found = run("evaluate", "--train", train, "--synthetic", train)
    assert found.code == 2
    assert "generate TRAIN --report report.html' sets rows aside" in found.err


def test_generate_and_fit_say_what_profile_warns_of(run: Runner, tmp_path: Path) -> None:
    table = visits(120).with_columns(
        patient=pl.Series([f"P-{i:04}" for i in range(120)]),
        note=pl.Series([f"patient number {i} was seen and sent home again" for i in range(120)]),
    )
    train = put(tmp_path, table)
    said = {
        "generate": run("generate", train, "-n", 5, "--out", tmp_path / "o.csv"),
        "fit": run("fit", train, "--out", tmp_path / "m.tw"),
    }
    for outcome in said.values():
        assert "warning: 'note' is free text: its values are drawn from the real" in outcome.err
        assert "note: 'patient' is an identifier" in outcome.err
        assert outcome.err.count("'note' is free text") == 1
    assert run("generate", train, "-n", 5, "--out", tmp_path / "o.csv", "--quiet").err == ""


def test_what_a_report_warns_of_is_said_on_the_console(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = Score("exact_copies", 0.4, Direction.LOWER, "", (0.3, 0.5), {"real": 0.01})
    report = Report(
        Verdict(Word.NO_EVIDENCE, "nothing left to gain"), {"privacy": [copied]}, [], {},
        ["class 'rare' has 4 training rows: whether its rows help cannot be tested"],
    )  # fmt: skip
    monkeypatch.setattr("tablewright.cli.judging.judge", lambda *_: (report, None))
    monkeypatch.setattr(Report, "to_html", lambda self, path: path.write_text("page"))
    found = run(
        "generate", put(tmp_path), "-n", 5, "--out", tmp_path / "rows.csv", "--target", "ill",
        "--method", "independent", "--report", tmp_path / "report.html",
    )  # fmt: skip
    assert found.code == 0, found.err
    assert "nothing left to gain" in found.out
    assert "warning: 40.0% of generated rows equal a training row (real rows 1.0%)" in found.err
    assert "note: class 'rare' has 4 training rows" in found.err


def test_an_earlier_file_stays_where_a_model_is_not_there(run: Runner, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("earlier rows\n")
    outcome = run(
        "generate", put(tmp_path), "--target", "ill", "-n", 5, "--method", "epic", "--model", "m",
        "--base-url", "http://127.0.0.1:9/v1", "--share", "rows", "--run", tmp_path / "run",
        "--out", out,
    )  # fmt: skip
    assert outcome.code != 0
    assert f"nothing was written to {out}" in outcome.err
    assert "cannot be reached" in outcome.err.splitlines()[-1]
    assert [path.name for path in tmp_path.glob("rows*")] == ["rows.csv"]
    assert out.read_text() == "earlier rows\n"
