"""``compare``: what is announced is what is spent, and the printed command makes the rows."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tablewright.cli.model_options import ModelOptions
from tablewright.evaluation.compare.compare import BALANCED_METHODS, DEFAULT_METHODS
from tablewright.testing import Served, StandIn, serve
from tests.cli.running import Outcome, Runner, put, visits


@pytest.fixture
def endpoint() -> Iterator[Served]:
    with serve(StandIn(visits(800, seed=1), target="ill")) as served:
        yield served


def call(run: Runner, folder: Path, endpoint: Served, *more: object) -> Outcome:
    return run(
        "compare", put(folder, visits(80)), "--target", "ill", "--methods", "cllm", "-n", 10,
        "--folds", 3, "--repeats", 1, "--model", "stand-in", "--base-url", endpoint.url, "--run",
        folder / "run", "--resume", folder / "trials.jsonl", *more,
    )  # fmt: skip


def calls_in(text: str) -> list[int]:
    return [int(n.replace(",", "")) for n in re.findall(r"estimate: ([\d,]+) calls", text)]


def test_compare_spends_the_calls_that_it_announces(
    run: Runner, endpoint: Served, tmp_path: Path
) -> None:
    announced = call(run, tmp_path, endpoint, "--dry-run")
    assert announced.code == 0, announced.err
    assert not endpoint.requests
    assert not (tmp_path / "trials.jsonl").exists()
    trials, report = calls_in(announced.out)
    assert "if cllm wins, its rows for the report: estimate: " in announced.out

    done = call(run, tmp_path, endpoint)
    assert done.code == 0, done.err
    expected = trials + (report if "winner: cllm" in done.out else 0)
    rejected = len(endpoint.requests) - expected  # rows asked for in place of those
    assert "more where replies are unusable" in announced.out
    assert 0 <= rejected <= trials / 3

    again = call(run, tmp_path, endpoint, "--dry-run")
    assert calls_in(again.out) == [0, report], "finished trials are not paid for again"


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("trees", []),
        ("cllm", ["--model=small", "--model=writer=big"]),
        ("team-then-trim", ["--model=small", "--model=manager=best"]),
    ],
)
def test_the_command_names_the_models_that_the_winner_has_a_role_for(
    method: str, expected: list[str]
) -> None:
    options = ModelOptions({"": "small", "writer": "big", "manager": "best"})
    assert options.arguments(method) == expected


def test_the_command_keeps_what_decides_the_replies_and_no_secret() -> None:
    options = ModelOptions(
        {"": "m"}, "http://me:secret@host/v1?key=abc", "rows", ("name", "street"),
        more={"temperature": 0.0, "allow_http": True, "key_env": "K", "max_cost": 2.0},
    )  # fmt: skip
    assert options.arguments("epic") == [
        "--model=m", "--base-url=http://host/v1?key=...", "--share=rows", "--temperature=0.0",
        "--allow-http", "--key-env=K", "--redact=name", "--redact=street",
    ]  # fmt: skip


def test_the_printed_command_makes_the_winners_rows(
    run: Runner, endpoint: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contest itself is luck; who wins is settled here, and the command is given as printed."""
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module("tablewright.evaluation.compare.compare")
    monkeypatch.setattr(module, "_winner", lambda entries: "cllm")
    (tmp_path / "my schema.yaml").write_text("columns: {pulse: continuous}\n")
    done = call(run, tmp_path, endpoint, "--schema", "my schema.yaml", "--encoding", "utf-8")
    command = shlex.split(next(line for line in done.out.splitlines() if "generate" in line))
    assert "--schema" in command
    assert command[command.index("--encoding") + 1] == "utf-8"
    assert run(*command[1:]).code == 0
    assert pl.read_csv("synthetic.csv").height == 10


def test_compare_says_where_it_goes_on_and_goes_on_there(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("compare", put(tmp_path, visits(80)), "--target", "ill", "--methods", "independent",
               "--folds", 3, "--repeats", 1)  # fmt: skip
    first = run(*command)
    kept = Path("tablewright-runs/compare/train.jsonl")
    assert f"finished trials go to {kept}; if this is stopped, the same command goes" in first.err
    lines = kept.read_text().splitlines()
    kept.write_text("\n".join(lines[:-2]) + "\n")  # as a kill would leave it
    again = run(*command)
    assert f"{len(lines) - 2} of {len(lines)} trials stood in {kept}" in again.err
    assert len(kept.read_text().splitlines()) == len(lines)
    assert again.out.splitlines()[-1] == first.out.splitlines()[-1]
    assert (kept.parent / ".gitignore").read_text() == "*\n"


def test_the_help_of_compare_names_the_methods_that_run(run: Runner) -> None:
    text = " ".join(run("compare", "--help").out.split())
    for name in (*DEFAULT_METHODS, *BALANCED_METHODS):
        assert name in text.replace("- ", "-")  # a line may break at a hyphen
