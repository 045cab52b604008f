"""How far it is: lines without a terminal, a bar on one, nothing when quiet."""

from __future__ import annotations

import re
import sys

import pytest

from tablewright.cli import progress as module
from tablewright.cli.progress import progress


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
