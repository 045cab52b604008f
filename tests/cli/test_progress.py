"""How far it is: lines without a terminal, a bar on one, nothing when quiet."""

from __future__ import annotations

import sys

import pytest

from tablewright.cli import progress as module
from tablewright.cli.progress import progress


def test_lines_have_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([0.0, 2.0, 6.0, 7.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))
    with progress("writing", 1000) as advance:
        for n in (100, 200, 700):
            advance(n)
    err = capsys.readouterr().err
    assert err == "writing: 300 of 1,000 rows, 50 a second, 14 s left\n"


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
