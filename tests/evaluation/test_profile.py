"""What a profile says of a table."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from rich.console import Console
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from tablewright.cli.profile import profile as command
from tablewright.errors import InputError, SchemaError
from tablewright.evaluation.profile import Profile, profile
from tablewright.evaluation.profile.rendering import print_profile
from tablewright.tables.io.provenance import Origin, write_rows
from tablewright.tables.table import load_table

N = 400


def make_table(**columns: Any) -> pl.DataFrame:
    rng = np.random.default_rng(4)
    plain = {
        "age": rng.integers(18, 90, N),
        "bmi": rng.normal(25, 4, N).round(2),
        "city": rng.choice(["Rome", "Oslo", "Lima"], N),
        "sick": rng.choice(["yes", "no"], N, p=[0.4, 0.6]),
    }
    return pl.DataFrame({**plain, **columns})


def look(raw: Any, target: str | None = None, **options: Any) -> Profile:
    table = load_table(raw, target=target)
    return profile(table.frame, table.schema, **options)


def test_plain_table_has_nothing_wrong() -> None:
    assert look(make_table(), "sick").findings == []


def test_columns_are_described() -> None:
    result = {column.name: column for column in look(make_table()).columns}
    assert result["age"].kind == "integer"
    assert result["age"].numbers["minimum"] == make_table()["age"].min()
    assert sum(count for _, count in result["city"].top) == N
    assert result["bmi"].n_missing == 0


@pytest.mark.parametrize("noise", [0, 2])
def test_leaky_column_is_found(noise: int) -> None:
    frame = make_table()
    declared = frame["sick"].to_numpy().copy()
    declared[:noise] = "no"
    leaky = np.where(declared == "yes", "treated", "left")
    result = look(frame.with_columns(treatment=pl.Series(leaky)), "sick")
    assert [f.columns for f in result.about("leaky column")] == [["treatment"]]


def test_missing_value_that_gives_the_target_away_is_found() -> None:
    frame = make_table().with_columns(
        died=pl.when(pl.col("sick") == "yes").then(pl.col("bmi") * 10).otherwise(None)
    )
    assert [f.columns for f in look(frame, "sick").about("leaky column")] == [["died"]]


def test_leak_of_a_number_is_found() -> None:
    frame = make_table()
    frame = frame.with_columns(pounds=pl.col("bmi") * 2.2)
    assert [f.columns for f in look(frame, "bmi").about("leaky column")] == [["pounds"]]


def test_strong_but_honest_columns_are_no_leaks() -> None:
    for load in (load_iris, load_breast_cancer, load_diabetes):
        data = load(as_frame=True).frame
        assert look(data, "target").about("leaky column") == []


def test_many_categories_do_not_pass_for_a_leak() -> None:
    frame = make_table(street=[f"street {i // 2}" for i in range(N)])
    assert look(frame, "sick").about("leaky column") == []


def test_duplicate_rows_are_counted() -> None:
    frame = make_table()
    result = look(pl.concat([frame, frame[:20]])).about("duplicate rows")
    assert result[0].severity == "warning"
    assert result[0].sentence.startswith("20 rows")


def test_repeats_in_a_narrow_table_are_chance() -> None:
    result = look(make_table().select("city", "sick")).about("duplicate rows")
    assert result[0].severity == "note"
    assert "chance" in result[0].sentence


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["age", "bmi", "city", "sick"], "sick"),
        (["sick", "age", "bmi"], "sick"),
        (["outcome", "age", "sick"], "outcome"),
        (["city", "age", "bmi"], "city"),
        (["age", "bmi"], None),
    ],
)
def test_likely_target(names: list[str], target: str | None) -> None:
    frame = make_table(outcome=["a", "b"] * (N // 2)).select(names)
    assert look(frame).likely_target == target


def test_rows_in_the_order_of_time_are_said_to_be_unsupported() -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(N)]
    result = look(make_table(day=days)).about("sequence")
    assert result[0].columns == ["day"]
    assert "not supported yet" in result[0].sentence
    shuffled = pl.Series(days).shuffle(seed=1)
    assert look(make_table(day=shuffled)).about("sequence") == []


def test_repeated_measurements_and_groups_are_said_to_be_unsupported() -> None:
    patients = [f"P{i // 8:03d}" for i in range(N)]
    days = [dt.date(2020, 1, 1) + dt.timedelta(7 * (i % 8) + i // 8) for i in range(N)]
    result = look(make_table(patient_id=patients, day=days))
    assert "'patient_id'" in result.about("sequence")[0].sentence
    assert result.about("foreign key")[0].columns == ["patient_id"]
    assert "not supported yet" in result.about("foreign key")[0].sentence


def test_what_single_columns_show() -> None:
    frame = make_table(
        coded=[9999 if i % 40 == 0 else i % 90 for i in range(N)],
        mark=["?" if i % 9 == 0 else "ab"[i % 2] for i in range(N)],
        same=["x"] * N,
        empty=[None if i % 3 else float(i) for i in range(N)],
        tail=[10_000.0 if i == 7 else i % 50 / 7 for i in range(N)],
        key=[f"K-{i:04d}" for i in range(N)],
        story=[f"once upon a time there was a number {i * 7}" for i in range(N)],
        many=[f"c{i % 150 if i % 2 else 0}" for i in range(N)],
    )
    result = look(frame)
    by_topic = {
        topic: [f.columns[0] for f in result.about(topic)]
        for topic in (
            *("sentinel code", "constant column", "many missing values", "long tail"),
            *("identifier", "free text", "copied values"),
        )
    }
    assert by_topic == {
        "sentinel code": ["coded", "mark"],
        "constant column": ["same"],
        "many missing values": ["empty"],
        "long tail": ["tail"],
        "identifier": ["key"],
        "free text": ["story"],
        "copied values": ["many"],
    }
    counted = {column.name: column.sentinels for column in result.columns}
    assert counted["coded"] == {"9999": 10}
    assert counted["mark"] == {"?": 45}


def test_what_the_target_shows() -> None:
    classes = ["rare" if i < 4 else "big" if i % 5 else "small" for i in range(N)]
    result = look(make_table(label=[None, *classes[1:]]), "label")
    assert "--balance fill" in result.about("class imbalance")[0].sentence
    assert "'rare'" in result.about("rare class")[0].sentence
    assert "1 rows" in result.about("missing target")[0].sentence


def test_missing_header_is_found(tmp_path: Path) -> None:
    make_table().write_csv(tmp_path / "t.csv", include_header=False)
    assert look(tmp_path / "t.csv").about("missing header")[0].severity == "warning"
    assert look(make_table()).about("missing header") == []


def test_twin_columns_are_found() -> None:
    frame = make_table().with_columns(
        code=pl.col("city").replace_strict({"Rome": "IT", "Oslo": "NO", "Lima": "PE"})
    )
    assert look(frame).about("twin columns")[0].columns == ["city", "code"]


def test_rows_that_this_program_wrote_are_told(tmp_path: Path) -> None:
    days = pl.Series("day", [f"{i % 28 + 1}/3/2021" for i in range(N)])
    real = make_table().with_columns(days)
    created = real[::-1].with_columns(pl.col("bmi") + 0.003)
    write_rows([created], tmp_path / "made.csv", Origin(method="trees", n_real_rows=N))
    pl.concat([real, created]).write_csv(tmp_path / "mixed.csv")
    result = look(tmp_path / "mixed.csv", path=tmp_path / "mixed.csv")
    assert result.synthetic_share == 0.5
    assert result.findings[0].topic == "synthetic rows"
    assert look(make_table()).synthetic_share is None


def test_profile_is_json_and_data_are_no_markup(tmp_path: Path) -> None:
    frame = make_table(odd=["[red]\x1b[31mevil[/red]", "b", "c", "c"] * (N // 4))
    result = look(frame)
    assert Profile.model_validate_json(result.to_json()) == result
    console = Console(record=True, width=120, file=(tmp_path / "out").open("w"))
    print_profile(result, console)
    text = console.export_text()
    console.file.close()
    assert "[red]" in text
    assert "\x1b" not in text


def test_command_writes_what_it_found(tmp_path: Path) -> None:
    make_table().write_csv(tmp_path / "t.csv")
    arguments = [str(tmp_path / "t.csv"), "--target", "sick"]
    arguments += ["--json", str(tmp_path / "p.json"), "--write-schema", str(tmp_path / "s.yaml")]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "400 rows, 4 columns" in done.output
    assert json.loads((tmp_path / "p.json").read_text())["n_rows"] == N
    again = [str(tmp_path / "t.csv"), "--schema", str(tmp_path / "s.yaml"), "--quiet"]
    again += ["--write-schema", str(tmp_path / "sdv.json")]
    done = CliRunner().invoke(command, again, catch_exceptions=False)
    assert done.output == ""
    assert json.loads((tmp_path / "sdv.json").read_text())["METADATA_SPEC_VERSION"] == "V2"


@pytest.mark.parametrize(
    ("extra", "error", "said"),
    [
        (["--target", "sicc"], SchemaError, "did you mean 'sick'"),
        (["--schema", "absent.yaml"], InputError, "no such file"),
        (["--manifest", "absent.json"], InputError, "no such manifest"),
        (["--json", "absent/p.json"], InputError, "the folder absent does not exist"),
    ],
)
def test_command_with_bad_options(
    tmp_path: Path, extra: list[str], error: type[Exception], said: str
) -> None:
    make_table().write_csv(tmp_path / "t.csv")
    done = CliRunner().invoke(command, [str(tmp_path / "t.csv"), *extra])
    assert isinstance(done.exception, error)
    assert said in str(done.exception)


def test_profile_shows_how_a_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i},{i % 10}5;${i},234.5{i % 10};{'ab'[i % 2]}" for i in range(1, 61)]
    path.write_text("\n".join(["x;price;y", *rows]) + "\n")
    table = load_table(path)
    result = profile(table.frame, table.schema, path)
    assert result.dialect is not None
    assert (result.dialect["separator"], result.dialect["encoding"]) == (";", "utf-8")
    assert {c.name: c.format for c in result.columns} == {
        "x": "0,00",
        "price": "$#,##0.00",
        "y": None,
    }
