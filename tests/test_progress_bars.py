"""Bars of Python calls: in a terminal and in a notebook, none elsewhere, never two at once."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

from tablewright import progress as module
from tablewright.progress import alone, bar, counted, in_notebook
from tests.people import people


def take_for_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(module, "_SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(module, "SECONDS_BEFORE_BAR", 0.0)


def test_a_terminal_shows_count_rate_time_left_and_method(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_for_terminal(monkeypatch)
    with bar("comparing", 10, "trials") as advance:
        advance(4, "trees")
    shown = capsys.readouterr().err
    for part in ("comparing", "4/10", "trials", "a second", "s left", "trees"):
        assert part in shown


def test_short_work_and_work_inside_other_work_show_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_for_terminal(monkeypatch)
    with alone("all"), bar("writing", 10) as advance:
        advance(10)
    monkeypatch.setattr(module, "SECONDS_BEFORE_BAR", 60.0)
    with bar("writing", 10) as advance:
        advance(10)
    assert capsys.readouterr().err == ""


def test_without_a_terminal_nothing_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("writing", 10) as advance:
        advance(10)
    assert list(counted([people(2), people(3)], 5, len))[1].height == 3
    assert capsys.readouterr().err == ""


def test_a_notebook_shows_a_bar_below_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class ZMQInteractiveShell:
        """The shell of a kernel, by its name."""

    class Handle:
        def update(self, html: str) -> None:
            shown.append(html)

    display: Any = types.ModuleType("IPython.display")
    display.HTML, display.display = str, lambda html, display_id: Handle()
    shell: Any = types.ModuleType("IPython")
    shell.get_ipython, shell.display = ZMQInteractiveShell, display
    monkeypatch.setattr(module, "SECONDS_BEFORE_BAR", 0.0)
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    assert in_notebook()
    with bar("comparing <trees>", 8, "trials") as advance:
        advance(2)
    first, last = shown
    assert "comparing &lt;trees&gt;: 2 of 8" in first
    assert '<progress max="8" value="2">' in first
    assert last == ""
