"""``evaluate`` and ``compare`` from the command line: files in, verdict and files out."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tablewright.cli.compare import compare
from tablewright.cli.evaluate import evaluate
from tablewright.errors import CheckFailedError, InputError
from tablewright.tables.io.provenance import Origin, write_rows
from tests.metrics.tables import draw


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    draw(150, 1).write_csv(tmp_path / "train.csv")
    draw(120, 2).write_csv(tmp_path / "holdout.csv")
    pl.concat([draw(100, 3), draw(150, 1)[:60]]).write_csv(tmp_path / "synthetic.csv")
    return tmp_path


def judge(folder: Path, *options: str) -> Result:
    files = [f"--{name}={folder / name}.csv" for name in ("train", "synthetic", "holdout")]
    return CliRunner().invoke(evaluate, [*files, "--target", "label", "--quick", *options])


def test_verdict_is_printed_and_files_are_written(tables: Path) -> None:
    result = judge(tables, f"--json={tables / 'r.json'}", f"--html={tables / 'r.html'}")
    assert result.exit_code == 0, result.exception
    assert "macro-F1" in result.output
    data = json.loads((tables / "r.json").read_text())
    assert data["verdict"]["verdict"] in {"helps", "no evidence", "harms"}
    assert (tables / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_a_file_that_we_wrote_is_no_training_table(tables: Path) -> None:
    made = tables / "train.csv"
    made.unlink()
    write_rows([draw(80, 3)], made, Origin(method="trees", n_real_rows=80), draw(80, 1))
    result = judge(tables)
    assert result.exit_code == 0, result.exception
    assert "100% of the training rows were written by tablewright" in result.output


def test_columns_that_are_left_out_are_not_judged(tables: Path) -> None:
    assert judge(tables, "--drop", "city", f"--json={tables / 'r.json'}").exit_code == 0
    shapes = json.loads((tables / "r.json").read_text())["sections"]["fidelity"][2]
    assert shapes["name"] == "column_shapes"
    assert set(draw(1, 1).columns) - set(shapes["details"]["columns"]) == {"city"}


def test_a_check_that_was_asked_for_fails(tables: Path) -> None:
    result = judge(tables, "--fail-on", "copies", "--quiet")
    assert isinstance(result.exception, CheckFailedError)
    assert "equal a training row" in str(result.exception)
    assert judge(tables, "--fail-on", "harms", "--quiet").exit_code == 0


def test_cells_that_cannot_be_read_are_reported_and_no_error(tables: Path) -> None:
    rows = pl.read_csv(tables / "synthetic.csv", infer_schema=False)
    broken = pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("n/k!")).otherwise(pl.col("age"))
    rows.with_columns(broken.alias("age")).write_csv(tables / "synthetic.csv")
    result = judge(tables)
    assert result.exit_code == 0, result.exception
    assert "cannot be read as integer" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--target=labl", "did you mean 'label'"),
        ("--by=town", "no column 'town'"),
        ("--groups=person", "person"),
        ("--json=/nowhere/at/all.json", "nowhere"),
        ("--measure=auc", "no measure 'auc'"),
    ],
)
def test_bad_options_are_one_sentence(tables: Path, option: str, words: str) -> None:
    error = judge(tables, option).exception
    assert isinstance(error, InputError)
    assert words in str(error)


@pytest.mark.slow
def test_leaderboard_is_printed_with_nothing_among_the_methods(tables: Path) -> None:
    options = ["--target=label", "--methods=independent", "--folds=3", "--repeats=1"]
    index = tables / "board.json"
    arguments = [str(tables / "train.csv"), *options, f"--json={index}"]
    result = CliRunner().invoke(compare, arguments)
    assert result.exit_code == 0, result.exception
    assert "nothing" in result.output
    methods = [entry["method"] for entry in json.loads(index.read_text())["entries"]]
    assert {"independent", "nothing", "threshold"} <= set(methods)


def test_sizes_are_numbers(tables: Path) -> None:
    arguments = [str(tables / "train.csv"), "--target=label", "--sizes=10,many"]
    result = CliRunner().invoke(compare, arguments)
    assert result.exit_code == 2
    assert "sizes are numbers of rows" in result.output
