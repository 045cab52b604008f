"""Databases: read by query, written whole or not at all, and no password anywhere."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest

from tablewright.display import public_arguments
from tablewright.errors import InputError, MissingExtraError
from tablewright.tables.io.databases import DatabaseTable, Query, writing_table
from tablewright.tables.io.provenance import Origin, write_rows_to_database
from tests.cli.running import Runner, visits

pytest.importorskip("sqlalchemy", reason="the extra [sql] is not installed")

KINDS = pl.DataFrame(
    {
        "n": [1, None],
        "x": [0.5, -2.0],
        "word": ["a'; DROP TABLE t; --", None],
        "odd %(name)s: [x]": [True, False],
        "day": [dt.date(2020, 2, 29), None],
        "moment": [dt.datetime(2020, 2, 29, 12, 30), None],
        "span": [dt.timedelta(hours=30), None],
    }
)
ORIGIN = Origin(method="trees", n_real_rows=2, seed=1)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(capsys)


@pytest.fixture
def place(tmp_path: Path) -> DatabaseTable:
    return DatabaseTable.parse(f"sqlite:///{tmp_path}/shop.db/rows")


def read(place: DatabaseTable) -> pl.DataFrame:
    return pl.concat(Query(place.url, f'SELECT * FROM "{place.table}"').batches(100))


def write_half(place: DatabaseTable) -> None:
    with writing_table(place) as writer:
        writer.write(KINDS)
        raise InputError("no more")


def test_written_rows_come_back(place: DatabaseTable) -> None:
    write_rows_to_database([KINDS[:1], KINDS[1:]], place, ORIGIN)
    rows = read(place)
    assert rows.columns == KINDS.columns
    assert rows["word"].to_list() == KINDS["word"].to_list()
    assert rows["n"].to_list() == [1, None]
    assert rows["span"].to_list() == ["30:00:00", None]
    assert str(rows["moment"][0]).startswith("2020-02-29 12:30")


def test_manifest_stands_in_the_database(place: DatabaseTable) -> None:
    write_rows_to_database([KINDS], place, ORIGIN)
    found = next(Query(place.url, "SELECT * FROM tablewright_manifest").batches(10))
    assert found["table_name"].to_list() == ["rows"]
    manifest = json.loads(found["manifest"][0])
    assert (manifest["n_rows"], manifest["origin"]["seed"]) == (2, 1)


def test_table_that_is_there_is_refused_and_left(place: DatabaseTable) -> None:
    write_rows_to_database([KINDS], place, ORIGIN)
    with pytest.raises(InputError, match="rows is there already; name another table"):
        write_rows_to_database([KINDS[:1]], place, ORIGIN)
    assert read(place).height == 2


def test_rows_that_fail_midway_leave_nothing(place: DatabaseTable, tmp_path: Path) -> None:
    def failing() -> Iterator[pl.DataFrame]:
        yield KINDS
        raise InputError("no more rows")

    with pytest.raises(InputError, match="no more rows"):
        write_rows_to_database(failing(), place, ORIGIN)
    assert list(tmp_path.iterdir()) == []


def test_failure_rolls_back_in_a_database_that_was_there(
    place: DatabaseTable, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as other:
        other.execute("CREATE TABLE mine (n)")
    with pytest.raises(InputError, match="no more"):
        write_half(place)
    with sqlite3.connect(tmp_path / "shop.db") as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("sqlite:///shop.db", "names no table"),
        ("postgresql://me:secret@host/shop", "postgresql://host/shop names no table"),
    ],
)
def test_address_without_a_table_is_refused(address: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        DatabaseTable.parse(address)
    assert "secret" not in str(refused.value)


def test_query_that_fails_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    with pytest.raises(InputError, match="no such table: visits"):
        list(Query.of(f"sqlite:///{tmp_path}/shop.db/visits").batches(10))


def test_database_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*shop.db"):
        list(Query.of(f"sqlite:///{tmp_path}/shop.db/visits").batches(10))
    assert not (tmp_path / "shop.db").exists()


def test_server_that_does_not_answer_is_told_without_the_password() -> None:
    address = "postgresql://me:hush%20hush@127.0.0.1:9/shop/visits"
    with pytest.raises(InputError, match=r"postgresql://127\.0\.0\.1:9/shop") as refused:
        list(Query.of(address).batches(10))
    assert "hush" not in str(refused.value)
    assert refused.value.__suppress_context__
    assert "hush" not in repr(Query.of(address))


@pytest.mark.parametrize("password", ["hush", "a/hush", "a@hush", "a?hush"])
def test_command_line_is_kept_without_a_password(password: str) -> None:
    arguments = ["fit", f"postgresql://me:{password}@host/shop/visits", "--out", "m.tw"]
    assert public_arguments(arguments)[1] == "postgresql://host/shop/visits"


def test_counts_are_those_of_all_rows(place: DatabaseTable) -> None:
    rows = pl.DataFrame({"city": ["a"] * 3 + ["b"], "n": range(4)})
    write_rows_to_database([rows], place, ORIGIN)
    values, n_rows = Query(place.url, "SELECT * FROM rows WHERE n < 3").counts("city")
    assert (values.to_list(), n_rows.to_list()) == (["a"], [3])


def test_duckdb_reads_a_query_over_files(tmp_path: Path) -> None:
    pl.DataFrame({"a": range(5), "b": list("vwxyz")}).write_parquet(tmp_path / "part.parquet")
    query = Query.of("duckdb://", f"SELECT * FROM '{tmp_path}/*.parquet' WHERE a > 1;")
    rows = pl.concat(query.batches(2))
    assert rows["b"].to_list() == ["x", "y", "z"]
    assert query.counts("b")[1].sum() == 3


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    monkeypatch.setitem(__import__("sys").modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"extra \[sql\]: pip install '"):
        list(Query.of(f"sqlite:///{tmp_path}/shop.db/rows").batches(10))


# on the command line -----------------------------------------------------------------------


def test_table_of_a_database_is_learned_and_one_written(run: Runner, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/clinic.db"
    write_rows_to_database([visits()], DatabaseTable(database, "visits"), ORIGIN)
    model = tmp_path / "model.tw"
    fitted = run("fit", f"{database}/visits", "--target", "ill", "--out", model, "--seed", 1)
    assert (fitted.code, "learned from 200 rows" in fitted.err) == (0, True)
    written = run("sample", model, "-n", 30, "--out", f"{database}/made", "--seed", 2)
    assert (written.code, "manifest in the table tablewright_manifest" in written.err) == (0, True)
    made = read(DatabaseTable(database, "made"))
    assert (made.height, made.columns) == (30, visits().columns)
    again = run("sample", model, "-n", 30, "--out", f"{database}/made")
    assert (again.code, "is there already" in again.err) == (2, True)


def test_query_chooses_the_rows_that_are_learned(run: Runner, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/clinic.db"
    write_rows_to_database([visits()], DatabaseTable(database, "visits"), ORIGIN)
    out = tmp_path / "rows.csv"
    sql = "SELECT age, clinic FROM visits WHERE age < 40"
    outcome = run("generate", database, "--query", sql, "-n", 20, "--out", out)
    assert outcome.code == 0, outcome.err
    rows = pl.read_csv(out)
    assert rows.columns == ["age", "clinic"]
    assert rows["age"].max() < 40  # type: ignore[operator]  # ages are numbers


def test_query_without_a_database_is_refused(run: Runner, tmp_path: Path) -> None:
    outcome = run("fit", "visits.csv", "--query", "SELECT 1", "--out", tmp_path / "model.tw")
    assert (outcome.code, "--query goes with a database" in outcome.err) == (2, True)


# a server -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server of Debian's package, started for these tests."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql)")
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_postgres and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    with TemporaryDirectory() as name:  # those of pytest are closed to other users
        yield from _running(found[-1].parent, Path(name), as_postgres)


def _running(programs: Path, folder: Path, as_postgres: list[str]) -> Iterator[str]:
    """Start a server whose files stand in a folder; stop it afterwards."""
    password, data = folder / "password", folder / "data"
    password.write_text("hush")
    if as_postgres:
        for path in (folder, password):
            shutil.chown(path, "postgres")

    def call(program: str, *arguments: str) -> None:
        command = [*as_postgres, str(programs / program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    call("initdb", "-U", "me", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    call("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", options)
    try:
        yield f"postgresql://me:hush@/postgres?host={folder}"
    finally:
        call("pg_ctl", "stop", "-m", "immediate")


@pytest.mark.postgres
def test_postgresql_keeps_rows_rolls_back_and_hides_the_password(
    server: str, tmp_path: Path, run: Runner
) -> None:
    database, _, options = server.partition("?")
    place = DatabaseTable.parse(f"{database}/rows?{options}")
    assert "hush" not in str(place)
    write_rows_to_database([KINDS], place, ORIGIN)
    back = read(place)
    assert back["moment"].to_list() == KINDS["moment"].to_list()
    with pytest.raises(InputError, match="no more"):
        write_half(DatabaseTable(server, "half"))
    with pytest.raises(InputError, match='relation "half" does not exist'):
        list(Query(server, "SELECT * FROM half").batches(10))
    wrong = server.replace("hush", "wrong-one")
    with pytest.raises(InputError, match="password authentication failed") as refused:
        list(Query(wrong, "SELECT 1").batches(10))
    assert "wrong-one" not in str(refused.value)
    write_rows_to_database([visits()], DatabaseTable(server, "visits"), ORIGIN)
    model, address = tmp_path / "model.tw", f"{database}/visits?{options}"
    assert run("fit", address, "--out", model).code == 0
    outcome = run("sample", model, "-n", 20, "--out", f"{database}/made?{options}")
    assert outcome.code == 0, outcome.err
    texts = [outcome.err, Path(f"{model}.manifest.json").read_text()]
    texts += read(DatabaseTable(server, "tablewright_manifest"))["manifest"].to_list()
    assert not any("hush" in text for text in texts)
