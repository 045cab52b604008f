"""``tablewright rules write`` against a stand-in model on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tablewright.cli.rules import rules
from tablewright.errors import BudgetError, InputError, TablewrightError
from tablewright.rules import Source, read_rules
from tablewright.testing import Served, StandIn, serve
from tests.cli.running import put, visits


@pytest.fixture
def endpoint() -> Iterator[Served]:
    known = pl.concat([visits(), visits(800, seed=1)])
    with serve(StandIn(known, target="ill")) as served:
        yield served


def call(train: Path, endpoint: Served | None, *more: object) -> Result:
    out = train.parent / "rules.yaml"
    options = ["write", str(train), "--out", str(out), "--target", "ill"]
    if endpoint is not None:
        options += ["--model", "stand-in", "--base-url", endpoint.url]
        options += ["--run", str(train.parent / "run")]
    return CliRunner().invoke(rules, [*options, *map(str, more)])


def test_rules_are_written_measured_and_told(endpoint: Served, tmp_path: Path) -> None:
    train = put(tmp_path)
    done = call(train, endpoint)
    assert done.exit_code == 0, done.output
    result = read_rules(tmp_path / "rules.yaml")
    assert [(rule.kind, rule.source) for rule in result] == [("range", Source.LLM)] * 2
    assert all(rule.support == 200 and rule.violation_rate == 0 for rule in result)
    assert all(rule.why == "all known values lie there" for rule in result)
    assert "2 rules kept; 3 calls" in done.output
    assert "votes" in done.output
    assert len(endpoint.requests) == 3

    again = call(train, endpoint, "--quiet", "--replay")
    assert (again.exit_code, again.output) == (0, "")
    assert len(endpoint.requests) == 3


def test_only_names_and_kinds_leave_where_that_is_said(endpoint: Served, tmp_path: Path) -> None:
    done = call(put(tmp_path), endpoint, "--share", "schema", "--samples", 1)
    assert done.exit_code == 0, done.output
    sent = json.dumps(endpoint.requests)
    assert "pulse" in sent
    assert not any(value in sent for value in ("north", "quantiles", "association\\"))


def test_json_is_written_where_the_file_says_so(endpoint: Served, tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    done = call(put(tmp_path), endpoint, "--out", out, "--samples", 1, "--quiet")
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text())["rules"][0]["source"] == "llm"


def test_a_dry_run_calls_nobody_and_writes_nothing(endpoint: Served, tmp_path: Path) -> None:
    done = call(put(tmp_path), endpoint, "--dry-run")
    assert "estimate: 3 calls" in done.output
    assert endpoint.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]


@pytest.mark.parametrize(
    ("more", "error"),
    [(["--max-calls", 1], BudgetError), (["--out", "no/where/rules.yaml"], InputError)],
)
def test_nothing_is_written_by_halves(
    endpoint: Served, tmp_path: Path, more: list[object], error: type[TablewrightError]
) -> None:
    done = call(put(tmp_path), endpoint, *more)
    assert isinstance(done.exception, error)
    assert not list(tmp_path.glob("*.yaml*"))


def test_a_cap_after_the_majority_writes_the_rules_and_says_so(
    endpoint: Served, tmp_path: Path
) -> None:
    done = call(put(tmp_path), endpoint, "--max-calls", 2)
    assert isinstance(done.exception, BudgetError)
    assert done.exception.exit_code == 3
    assert len(read_rules(tmp_path / "rules.yaml")) == 2
    assert "2 of 3 replies came" in done.output


def test_without_a_model_the_miner_is_named(tmp_path: Path) -> None:
    done = call(put(tmp_path), None)
    assert isinstance(done.exception, InputError)
    assert "'tablewright rules mine' finds rules without one" in str(done.exception)
