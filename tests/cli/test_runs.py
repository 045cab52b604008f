"""Runs from the command line: the options, the estimate, the bill, the resumption."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import polars as pl
import pytest
from click.testing import CliRunner, Result

from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.probe import probe
from tablewright.cli.runs import runs
from tablewright.cli.spending_text import spending_text
from tablewright.errors import InputError
from tablewright.llm import Prompt, RowTask, Usage, request_rows
from tablewright.llm.endpoint.ledger import Caps, Ledger
from tablewright.llm.endpoint.runs import spending
from tablewright.schema import Schema
from tablewright.testing import Faults, Served, StandIn, serve

PEOPLE = pl.DataFrame({"age": list(range(20, 70)), "city": ["Ulm", "Bonn"] * 25})
TASK = RowTask(Schema.build({"age": "integer"}), "People.", role="writer")


@click.group()
def program() -> None:
    """Stand for the whole program."""


@program.command()
@model_options
def write(llm: ModelOptions) -> None:
    """Write 40 rows."""

    def work(options: ModelOptions) -> int:
        written = request_rows(options.connect("writer"), TASK, 40)
        if written.stopped:
            raise written.stopped
        return len(written.rows)

    if llm.dry_run:
        click.echo(llm.estimate(work))
        return
    try:
        n_rows = work(llm)
        llm.connect("writer").rows_kept(n_rows)
        llm.close(finished=True)
    finally:
        llm.close()
    click.echo(f"{n_rows} rows")


program.add_command(runs)
program.add_command(probe)


@pytest.fixture
def endpoint() -> Iterator[Served]:
    with serve(StandIn(PEOPLE, faults=Faults(memorised=1.0))) as served:
        yield served


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr(sys, "argv", ["tablewright", *arguments])
    return CliRunner().invoke(program, list(arguments))


def test_a_run_is_made_shown_resumed_and_exported(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "run", tmp_path / "calls.jsonl"
    options = ["--model", "stand-in", "--base-url", endpoint.url, "--run", str(folder)]
    capped = call(monkeypatch, "write", *options, "--max-calls", "1")
    assert isinstance(capped.exception, Exception)
    assert getattr(capped.exception, "exit_code", 0) == 3
    assert "cap reached" in call(monkeypatch, "runs", "list", str(tmp_path)).output

    assert call(monkeypatch, "write", *options).output == "40 rows\n"
    assert len(endpoint.requests) == 2
    resumed = call(monkeypatch, "runs", "resume", str(folder), "--yes")
    assert resumed.stdout == "40 rows\n"
    assert f"with the endpoint {endpoint.url}" in resumed.stderr
    assert call(monkeypatch, "write", *options, "--replay").output == "40 rows\n"
    assert len(endpoint.requests) == 2

    shown = call(monkeypatch, "runs", "show", str(folder)).output
    assert f"{folder}: finished" in shown
    assert "stand-in  writer/rows: 2 calls (2 answered" in shown
    assert "rows kept: 40" in shown
    assert "cells sent: none" in shown

    assert (
        "2 calls written"
        in call(monkeypatch, "runs", "export", str(folder), "--out", str(out)).output
    )
    calls = [json.loads(line) for line in out.read_text().splitlines()]
    assert [item["outcome"] for item in calls] == ["ok", "ok"]
    assert calls[0]["prompt"][0][0] == "user"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    again = call(monkeypatch, "runs", "export", str(folder), "--out", str(out))
    assert "exists" in str(again.exception)


def test_a_dry_run_says_what_it_would_cost_and_calls_nobody(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(
        monkeypatch, "write", "--model", "gpt-4o-mini", "--dry-run", "--base-url",
        "https://api.openai.com/v1",
    )  # fmt: skip
    assert "estimate: 2 calls" in result.output
    assert "price: api.openai.com, table of 20" in result.output
    assert list(tmp_path.iterdir()) == []
    assert endpoint.requests == []


def test_an_estimate_is_announced_where_the_run_may_cost_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ModelOptions({"": "gpt-4o-mini"}, "https://api.openai.com/v1")
    for threshold in (0.000_01, 10.0):
        monkeypatch.setattr("tablewright.cli.model_options._ANNOUNCED", threshold)
        options.announce(lambda dry: request_rows(dry.connect(), TASK, 40))
    assert capsys.readouterr().err.count("estimate: 2 calls") == 1


def test_an_estimate_counts_as_if_there_were_no_caps_and_names_them() -> None:
    def work(dry: ModelOptions) -> None:
        request_rows(dry.connect(), TASK, 40)

    caps = {"max_calls": 1, "max_cost": 2.5, "concurrency": 3}
    capped = ModelOptions({"": "gpt-4o-mini"}, "https://api.openai.com/v1", more=caps)
    text = capped.estimate(work, {"if it rains": work})
    assert text.count("estimate: 2 calls") == 2
    assert "\nif it rains: estimate: 2 calls" in text
    assert text.endswith("\nit ends sooner at --max-calls 1 or --max-cost 2.5")


def test_a_run_without_a_folder_gets_one(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(monkeypatch, "write", "--model", "stand-in", "--base-url", endpoint.url)
    assert "run folder: tablewright-runs/" in result.stderr
    assert len(list(tmp_path.glob("tablewright-runs/*/ledger.sqlite"))) == 1


def test_roles_have_models_of_their_own() -> None:
    options = ModelOptions({"": "small", "manager": "large"}, "http://localhost:1/v1", dry_run=True)
    assert options.connect("manager").settings.model == "large"
    assert options.connect("worker").settings.model == "small"
    assert options.connect("worker") is options.connect("label")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["write"], "say --model writer=NAME"),
        (["write", "--model", "m", "--replay"], "nothing to replay"),
        (["runs", "show", "."], "is no run folder"),
        (["runs", "resume", "."], "is no run folder"),
    ],
)
def test_what_is_missing_is_named(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in str(call(monkeypatch, *arguments).exception)


def test_a_folder_without_runs_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no runs below" in call(monkeypatch, "runs", "list", str(tmp_path)).output


def test_a_probe_finds_a_table_that_is_known_by_heart(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PEOPLE.write_csv(tmp_path / "people.csv")
    table = str(tmp_path / "people.csv")
    options: list[Any] = ["--model", "stand-in", "--base-url", endpoint.url, "--run", str(tmp_path)]
    output = call(monkeypatch, "probe", table, *options).output
    assert "next rows exact: 100 %" in output
    assert "seems to know this table by heart" in output
    silent = call(monkeypatch, "probe", table, *options, "--share", "schema").output
    assert "not asked (--share rows)" in silent


def made(endpoint: Served, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--model", "stand-in", "--base-url", endpoint.url, "--run", str(folder)]
    assert call(monkeypatch, "write", *options).exit_code == 0


def test_a_resumption_is_asked_for_first(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(endpoint, tmp_path / "run", monkeypatch)
    monkeypatch.setattr(sys, "argv", ["tablewright", "runs", "resume"])
    words = ["runs", "resume", str(tmp_path / "run")]
    refused = CliRunner().invoke(program, words, input="n\n")
    assert refused.exit_code != 0
    assert f"with the endpoint {endpoint.url}" in refused.output
    assert "40 rows" not in refused.output
    assert "40 rows" in CliRunner().invoke(program, words, input="y\n").output


def test_the_command_of_anothers_folder_is_not_given_again(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written by another user or machine; written by us and changed; by an older version."""
    made(endpoint, tmp_path / "run", monkeypatch)
    n_calls = len(endpoint.requests)
    path = tmp_path / "run" / "ledger.sqlite"
    facts = {"command": json.dumps(["write", "--model", "x", "--base-url", "http://evil/v1"])}
    for name, change in {
        "changed": "UPDATE meta SET value = :command WHERE name = 'command'",
        "moved": "UPDATE meta SET value = '\"/elsewhere\"' WHERE name = 'directory'",
        "older": "DELETE FROM meta WHERE name = 'signature'",
        "no text": "UPDATE meta SET value = '[1, {}]' WHERE name = 'command'",
    }.items():
        other = tmp_path / name
        shutil.copytree(tmp_path / "run", other)
        with sqlite3.connect(other / path.name) as database:
            database.execute(change, facts)
        database.close()
        outcome = call(monkeypatch, "runs", "resume", str(other), "--yes")
        assert isinstance(outcome.exception, InputError), name
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    outcome = call(monkeypatch, "runs", "resume", str(tmp_path / "run"), "--yes")
    assert "was not given by you on this machine" in str(outcome.exception)
    assert "not yours" in call(monkeypatch, "runs", "show", str(tmp_path / "run")).output
    assert len(endpoint.requests) == n_calls


def test_looking_at_runs_writes_into_no_file(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(endpoint, tmp_path / "run", monkeypatch)
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "ledger.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE accounts (name TEXT)")
        database.execute("PRAGMA user_version = 1")
    database.close()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "ledger.sqlite").write_text("age,city\n")
    (tmp_path / "folder" / "ledger.sqlite").mkdir(parents=True)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()}
    listed = call(monkeypatch, "runs", "list", str(tmp_path))
    call(monkeypatch, "runs", "show", str(tmp_path / "run"))
    assert "finished  2 calls" in listed.stdout
    assert listed.stderr.count("is not a ledger of tablewright") == 2
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()}
    assert after == before
    shown = call(monkeypatch, "runs", "show", str(tmp_path / "other"))
    assert "is not a ledger of tablewright" in str(shown.exception)
    begun = call(monkeypatch, "write", "--model", "m", "--run", str(tmp_path / "other"),
                 "--base-url", endpoint.url)  # fmt: skip
    assert "another program's database" in str(begun.exception)
    assert other.read_bytes() == before[other][0]


def test_a_ledger_of_an_older_version_is_read_and_gone_on_with(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(endpoint, tmp_path / "run", monkeypatch)
    with sqlite3.connect(tmp_path / "run" / "ledger.sqlite") as database:
        for name in ("logprobs", "first_token", "cached_tokens", "worst_case"):
            database.execute(f"ALTER TABLE calls DROP COLUMN {name}")
        database.execute("PRAGMA user_version = 1")
        database.execute("PRAGMA application_id = 0")
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    before = (tmp_path / "run" / "ledger.sqlite").read_bytes()
    assert "2 calls (2 answered" in call(monkeypatch, "runs", "show", str(tmp_path / "run")).output
    assert (tmp_path / "run" / "ledger.sqlite").read_bytes() == before
    made(endpoint, tmp_path / "run", monkeypatch)
    assert len(endpoint.requests) == 2


def test_no_secret_of_an_address_is_written_down_or_shown(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = endpoint.url.replace("http://", "http://me:pass-word@") + "?key=query-secret"
    options = ["--model", "stand-in", f"--base-url={url}", "--run", str(tmp_path / "run")]
    output = call(monkeypatch, "write", *options).output
    output += call(monkeypatch, "runs", "show", str(tmp_path / "run")).output
    assert f"--base-url={endpoint.url}?key=..." in output.replace("'", "")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())
    for secret in ("pass-word", "query-secret"):
        assert secret not in output
        assert secret.encode() not in stored


def test_names_of_strangers_reach_no_terminal_as_commands(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run\x1b[31m"
    made(endpoint, folder, monkeypatch)
    for words in (["list", str(tmp_path)], ["show", str(folder)]):
        output = call(monkeypatch, "runs", *words).output
        assert "\x1b" not in output
        assert "run\\x1b[31m" in output


def test_calls_without_an_answer_are_said_to_be_booked_at_their_worst() -> None:
    ledger = Ledger(None)
    maximum = Usage(100, 100, counted=False, worst_case=True)
    for counted in (Usage(8, 2), Usage(6, 4, counted=False), maximum):
        call_number = ledger.reserve("k", "m", Prompt.ask("?"), maximum, 0.0, Caps())
        ledger.settle(call_number, "ok", counted, 0.0)
    text = spending_text(spending(ledger))
    assert (
        "220 tokens (10 counted by the endpoint, 10 estimated, 200 the worst case of calls without "
        "an answer)" in text
    )


def test_a_probe_shows_what_was_answered_before_a_cap(
    endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PEOPLE.write_csv(tmp_path / "people.csv")
    outcome = call(monkeypatch, "probe", str(tmp_path / "people.csv"), "--model", "stand-in",
                   "--base-url", endpoint.url, "--run", str(tmp_path / "run"),
                   "--max-calls", "4", "--concurrency", "1")  # fmt: skip
    assert getattr(outcome.exception, "exit_code", 0) == 3
    assert "questions are without an answer" in outcome.output
    assert "next rows exact: 100 %" in outcome.output
