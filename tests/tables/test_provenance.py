"""The manifest beside a table, and rows that are known again."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tablewright
from tablewright.errors import InputError
from tablewright.tables.encoding.row_digests import MAX_KEPT, RowSketch, row_digests
from tablewright.tables.io.files import read_frame
from tablewright.tables.io.frames import to_polars
from tablewright.tables.io.provenance import (
    Origin,
    manifest_path,
    read_manifest,
    trace_rows,
    write_rows,
)

ORIGIN = Origin(method="trees", n_real_rows=80, seed=7, command="tablewright generate t.csv")


def make_rows(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "bmi": rng.normal(25, 4, n).round(2),
            "sex": rng.choice(["m", "f"], n),
            "day": pl.Series(rng.integers(0, 9000, n).astype("int32")).cast(pl.Date),
            "flag": rng.random(n) < 0.5,
        }
    ).with_columns(bmi=pl.when(pl.col("age") < 25).then(None).otherwise("bmi"))


def test_manifest_says_what_made_the_rows(tmp_path: Path) -> None:
    rows = make_rows(50, 1)
    write_rows([rows[:20], rows[20:]], tmp_path / "out.csv", ORIGIN, real=make_rows(80, 2))
    declared = json.loads(manifest_path(tmp_path / "out.csv").read_text())
    assert declared["origin"]["method"] == "trees"
    assert declared["origin"]["n_real_rows"] == 80
    assert declared["origin"]["n_real_rows_alike"] == 0
    assert declared["origin"]["seed"] == 7
    assert declared["version"] == tablewright.__version__
    assert declared["n_rows"] == 50
    assert declared["sha256"] == hashlib.sha256((tmp_path / "out.csv").read_bytes()).hexdigest()
    assert any("synthetic" in sentence for sentence in declared["not_for"])


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_written_file_is_known(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"out.{end}"
    write_rows([make_rows(50, 1)], path, ORIGIN)
    result = trace_rows(read_frame(path), path)
    assert result.untouched
    assert result.share == 1
    assert "written by tablewright" in result.sentence()


def test_parquet_keeps_its_mark_without_the_manifest(tmp_path: Path) -> None:
    write_rows([make_rows(50, 1)], tmp_path / "out.parquet", ORIGIN)
    moved = (tmp_path / "out.parquet").rename(tmp_path / "moved.parquet")
    result = trace_rows(read_frame(moved), moved, manifests=[])
    assert result.marked
    assert result.share == 1


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_rows_are_known_among_real_ones(tmp_path: Path, end: str) -> None:
    created, real = make_rows(100, 1), make_rows(300, 2)
    manifest = write_rows([created], tmp_path / f"out.{end}", ORIGIN)
    raw = read_frame(tmp_path / f"out.{end}")
    real_raw = real.with_columns(pl.all().cast(pl.String)) if end == "csv" else real
    mixed = pl.concat([real_raw, raw]).sample(fraction=1, shuffle=True, seed=1)
    mixed = mixed.select(reversed(mixed.columns))
    result = trace_rows(mixed, manifests=[manifest])
    assert result.share == pytest.approx(0.25)
    assert "25.0% of the rows" in result.sentence()


def test_rows_are_known_after_a_trip_through_pandas(tmp_path: Path) -> None:
    manifest = write_rows([make_rows(100, 1)], tmp_path / "out.csv", ORIGIN)
    frame, _ = to_polars(pd.read_csv(tmp_path / "out.csv"))
    assert trace_rows(frame, manifests=[manifest]).share == 1


def test_real_rows_are_not_taken_for_ours(tmp_path: Path) -> None:
    manifest = write_rows([make_rows(2000, 1)], tmp_path / "out.csv", ORIGIN)
    result = trace_rows(make_rows(2000, 2), manifests=[manifest])
    assert result.share == 0
    assert "no row is one" in result.sentence()


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("3.4.2021", dt.date(2021, 4, 3)),
        ("2021-04-03T10:05:00.000Z", dt.datetime(2021, 4, 3, 10, 5)),
        ("2021-04-03 10:05", dt.datetime(2021, 4, 3, 10, 5)),
        ("2021-04-03 10:05:01.50", dt.datetime(2021, 4, 3, 10, 5, 1, 500_000)),
        ("2021-04-03 00:00:00", dt.date(2021, 4, 3)),
        ("2021-04-03", dt.datetime(2021, 4, 3)),
        ("TRUE", True),
        ("?", None),
        ("1.50", 1.5),
    ],
)
def test_spelling_does_not_change_a_digest(spelled: str, meant: object) -> None:
    one, other = pl.DataFrame({"x": [spelled]}), pl.DataFrame({"x": [meant]})
    assert row_digests(one) == row_digests(other)


def test_rows_of_two_files_are_not_counted_twice(tmp_path: Path) -> None:
    manifests = [write_rows([make_rows(100, 1)], tmp_path / f"{n}.csv", ORIGIN) for n in "ab"]
    manifests.append(write_rows([make_rows(100, 3)], tmp_path / "c.csv", ORIGIN))
    mixed = pl.concat([make_rows(100, 1), make_rows(100, 2), make_rows(100, 3), make_rows(100, 4)])
    assert trace_rows(mixed, manifests=manifests).share == 0.5


def test_without_manifest_nothing_is_claimed() -> None:
    assert "cannot be told" in trace_rows(make_rows(9, 1)).sentence()


def test_sketch_stays_small_and_shares_right() -> None:
    sketch = RowSketch()
    many = pl.DataFrame({"a": range(3 * MAX_KEPT)})
    for at in range(3):
        sketch.add(many[at * MAX_KEPT : (at + 1) * MAX_KEPT])
    plain = sketch.to_dict()
    assert len(plain["digests"]) < 8 * MAX_KEPT
    again = RowSketch.from_dict(json.loads(json.dumps(plain)))
    other = pl.DataFrame({"a": range(2 * MAX_KEPT, 4 * MAX_KEPT)})
    assert again.look_up(other).share == pytest.approx(0.5, abs=0.02)


@settings(max_examples=50)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_digest_survives_csv(values: list[float]) -> None:
    frame = pl.DataFrame({"x": values})
    text = pl.read_csv(frame.write_csv().encode(), infer_schema=False)
    assert (row_digests(frame) == row_digests(text)).all()


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"rows": 1}', "not json"],
)
def test_manifest_of_others_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.csv.manifest.json").write_text(content)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="is no manifest that tablewright wrote"):
        read_manifest(tmp_path / "t.csv.manifest.json")
    assert trace_rows(read_frame(tmp_path / "t.csv"), tmp_path / "t.csv").sightings == ()


def test_equal_rows_that_chance_brings_prove_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)

    def sparse(n: int) -> pl.DataFrame:
        empty = rng.random(n) < 0.3
        return pl.DataFrame(
            {"a": rng.choice(list("xy"), n), "b": rng.normal(0, 1, n)}
        ).with_columns(b=pl.when(pl.Series(empty)).then(None).otherwise("b"))

    for real in (sparse(300), None):
        manifest = write_rows([sparse(300)], tmp_path / "out.csv", ORIGIN, real=real)
        result = trace_rows(sparse(300), manifests=[manifest])
        assert result.share == 0
        assert not result.sentence().startswith("rows that tablewright wrote")


def test_big_numbers_are_told_apart(tmp_path: Path) -> None:
    ids = pl.DataFrame({"id": [4 * 10**17 + i for i in range(200)], "y": ["a", "b"] * 100})
    others = ids.with_columns(id=pl.col("id") + 1000)
    manifest = write_rows([ids], tmp_path / "out.csv", ORIGIN)
    assert trace_rows(others, manifests=[manifest]).share == 0
    assert trace_rows(others.cast(pl.String), manifests=[manifest]).share == 0
    assert trace_rows(ids.cast(pl.String), manifests=[manifest]).share == 1


def test_false_marks_are_below_the_stated_chance(tmp_path: Path) -> None:
    """Real tables of 60 rows, 40 possible rows: without a bound nearly each would be marked."""
    rng = np.random.default_rng(0)
    draw = lambda: pl.DataFrame({"a": rng.integers(0, 20, 60), "b": rng.choice(list("xy"), 60)})  # noqa: E731
    manifest = write_rows([draw()], tmp_path / "out.csv", ORIGIN)
    assert not any(trace_rows(draw(), manifests=[manifest]).share for _ in range(300))


def test_manifests_share_no_digest(tmp_path: Path) -> None:
    one, other = (write_rows([make_rows(20, 1)], tmp_path / f"{n}.csv", ORIGIN) for n in "ab")
    assert one.rows["digests"] != other.rows["digests"]
