"""A written file is whole or not there, and what was there before stays."""

from __future__ import annotations

import datetime as dt
import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.tables.io.files import read_frame
from tablewright.tables.io.writing import TableWriter, atomic_file, write_frame
from tablewright.tables.table import load_table

ENDS = ["csv", "tsv", "parquet", "arrow", "feather"]
FRAME = pl.DataFrame({"a": ["1", None, "3"], "b": ["x", "y", "z,\n"]})


@pytest.mark.parametrize("end", ENDS)
def test_chunks_make_the_same_table(tmp_path: Path, end: str) -> None:
    with TableWriter(tmp_path / f"t.{end}") as writer:
        for row in range(3):
            writer.write(FRAME[row : row + 1])
    assert writer.n_rows == 3
    assert read_frame(tmp_path / f"t.{end}").equals(FRAME)
    assert [path.name for path in tmp_path.iterdir()] == [f"t.{end}"]


@pytest.mark.parametrize("end", ENDS)
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"t.{end}"
    path.write_text("old")

    def fail() -> None:
        with TableWriter(path) as writer:
            writer.write(FRAME)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no/t.csv", "the folder .*no does not exist; make it first"),
        ("t.xlsx", "must end in .csv, .tsv, .parquet, .arrow or .feather"),
        ("t", "must end in"),
        ("", "is a folder; name a file in it"),
    ],
)
def test_place_that_cannot_be_written(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        write_frame(FRAME, tmp_path / name)


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "writing is not permitted")],
)
def test_errors_of_the_disk_are_told(tmp_path: Path, code: int, said: str) -> None:
    def fail() -> None:
        with atomic_file(tmp_path / "t.csv"):
            raise OSError(code, "no")

    with pytest.raises(InputError, match=said):
        fail()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_full_disk(tmp_path: Path, end: str) -> None:
    """A limit on the size of files stands for the disk: writing fails half-way."""
    path = tmp_path / f"t.{end}"
    path.write_text("old")
    code = f"""
        import resource, signal
        import polars as pl
        from tablewright.errors import InputError
        from tablewright.tables.io.writing import write_frame
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            write_frame(pl.select(a=pl.int_range(100_000).hash()), {str(path)!r})
        except InputError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert "was not written" in done.stdout
    assert done.stdout.count("\n") == 1
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_every_type_goes_to_csv_and_is_known_again(tmp_path: Path) -> None:
    n = 40
    frame = pl.DataFrame(
        {
            "span": [dt.timedelta(minutes=7 * i, microseconds=i) for i in range(n)],
            "at": [dt.datetime(2020, 1, 1) + dt.timedelta(minutes=7 * i) for i in range(n)],
            "day": [dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(n)],
            "hour": [dt.time(i % 24, 30, 5) for i in range(n)],
            "sex": pl.Series(["m", "f"] * (n // 2), dtype=pl.Categorical),
            "truth": [i % 3 == 0 for i in range(n)],
            "price": pl.Series([i * 7 for i in range(n)]).cast(pl.Decimal(10, 2)),
        }
    )
    write_frame(frame, tmp_path / "t.csv")
    before, after = load_table(frame), load_table(tmp_path / "t.csv")
    kinds = [column.kind for column in before.schema.each()]
    kinds[-1] = after.schema["price"].kind
    assert [column.kind for column in after.schema.each()] == kinds
    for name in ("span", "at", "day", "hour", "truth"):
        assert after.frame[name].to_list() == before.frame[name].to_list()


def test_marks_are_kept_in_parquet(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "t.parquet", {"mark": "here"})
    assert pl.read_parquet_metadata(tmp_path / "t.parquet")["mark"] == "here"
