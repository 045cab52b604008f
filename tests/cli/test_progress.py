"""How far it is: lines without a terminal, a bar on one, nothing when quiet."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tablewright import progress as bars
from tablewright.cli import model_options
from tablewright.cli import progress as module
from tablewright.cli.progress import progress
from tablewright.llm import Prompt
from tablewright.llm.endpoint.metering import Activity
from tests.cli.running import Runner, put, visits


def test_lines_have_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    with progress("writing", 1000) as advance:
        advance(400)
        advance(600)
    first, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"writing: 400 of 1,000 rows, [\d,]+ a second, 0 s left", first)
    assert last.startswith("writing: 1,000 of 1,000 rows, ")


def test_quiet(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    with progress("writing", 10, quiet=True) as advance:
        advance(10)
    assert capsys.readouterr().err == ""


def test_bar_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress("writing", 10) as advance:
        advance(4)
    shown = capsys.readouterr().err
    assert "4/10" in shown
    assert "a second" in shown


@pytest.mark.parametrize(("quiet", "shown"), [([], True), (["--quiet"], False)])
def test_fitting_and_judging_show_how_far_they_are_unless_the_command_is_quiet(
    quiet: list[str], shown: bool, run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(bars, "SECONDS_BEFORE_BAR", 0.0)
    real = put(tmp_path, visits(60))
    held = put(tmp_path, visits(50, seed=1), "held.csv")
    fitted = run("fit", real, "--target", "ill", "--out", tmp_path / "model", *quiet)
    assert (" columns, " in fitted.err) == shown
    judged = run(
        "evaluate", "--train", real, "--synthetic", real, "--holdout", held, "--target", "ill",
        "--quick", *quiet,
    )  # fmt: skip
    assert (" models, " in judged.err) == shown


def test_calls_tokens_and_time_left_are_shown_before_the_first_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = module.Calls()
    state = Activity(in_flight=2)
    calls.sources.append(lambda: state)
    calls.expected_tokens = 100
    assert calls.text(10.0) == "2 calls in flight, waiting for the first token"
    state = Activity(in_flight=2, tokens=1)
    assert calls.text(11.0) == "2 calls in flight, 1 tokens"
    state = Activity(in_flight=1, tokens=20)
    declared = "1 call in flight, 20 tokens, 10 a second, about 8 s left by the estimate"
    assert calls.text(13.0) == declared
    monkeypatch.setattr(module, "CALLS", calls)
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    with progress("writing", 30) as advance:
        advance(0)
    assert "writing: 0 of 30 rows; 1 call in flight, 20 tokens" in capsys.readouterr().err


def test_what_is_said_holds_no_control_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    module.say("rule \x1b[31mred\x9b2J of\na file")
    module.show("\u202eabc")
    out, err = capsys.readouterr()
    assert err == "rule \\x1b[31mred\\x9b2J of\na file\n"
    assert out == "\\u202eabc\n"


def test_an_estimate_before_the_calls_does_not_hide_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = module.Calls()
    monkeypatch.setattr(model_options, "CALLS", calls)
    options = model_options.ModelOptions({"": "any"}, "http://localhost:9/v1", run=tmp_path / "run")
    client = options.connect()
    options.announce(lambda dry: dry.connect().complete(Prompt.ask("?")))
    assert calls.sources == [client.activity]
    options.close()
    assert calls.sources == []
