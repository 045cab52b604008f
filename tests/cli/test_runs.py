"""Runs from the command line: the options, the estimate, the bill, the resumption."""

from __future__ import annotations

import json
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
from tablewright.llm import RowTask, request_rows
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
    assert call(monkeypatch, "runs", "resume", str(folder)).output.endswith("40 rows\n")
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
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ModelOptions({"": "gpt-4o-mini"}, "https://api.openai.com/v1")
    for threshold in (0.000_01, 10.0):
        options.announce(lambda dry: request_rows(dry.connect(), TASK, 40), threshold)
    assert capsys.readouterr().err.count("estimate: 2 calls") == 1


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
