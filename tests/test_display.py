"""Foreign text is shown as it is: it moves no cursor, colours nothing and is no markup."""

from __future__ import annotations

import unicodedata
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from tablewright.display import (
    console,
    printable,
    public_arguments,
    public_url,
    redact,
    shown,
    spreadsheet_runs,
    spreadsheet_safe,
)


def is_harmless(text: str) -> bool:
    return all(
        c in "\n\t" or (unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029") for c in text
    )


@given(st.text())
def test_printable_text_holds_no_control_character(text: str) -> None:
    seen = printable(text)
    assert is_harmless(seen)
    assert printable(seen) == seen
    assert "\n" not in shown(text)


@given(st.text(max_size=30))
def test_a_table_of_rich_shows_foreign_cells_as_they_are(text: str) -> None:
    file = StringIO()
    table = Table("rule", title=text)
    table.add_row(text)
    plain = console(file=file, width=200, no_color=True, force_terminal=False)
    plain.print(table, Text(text), text)
    assert is_harmless(file.getvalue())


@pytest.mark.parametrize("text", ["[red]x[/red]", "[/]", "[link=http://x]y", ":smile:", "[b"])
def test_markup_in_a_value_is_text(text: str) -> None:
    file = StringIO()
    table = Table("rule")
    table.add_row(text)
    console(file=file, width=100).print(table)
    assert text in file.getvalue()


@pytest.mark.parametrize(
    ("cell", "runs"),
    [
        ("=1+1", True), ("@SUM(A1)", True), ("+cmd|' /C calc'!A0", True), ("-2+3", True),
        (" =1", True), ("\t=1", True), ("-3.5", False), ("+49", False), ("-1e-5", False),
        ("-1.234,50", False), ("+3 %", False),
        ("a=1", False), ("", False), (None, False), (-3, False),
    ],
)  # fmt: skip
def test_cells_that_a_spreadsheet_would_run_are_known(cell: object, runs: bool) -> None:
    assert spreadsheet_runs(cell) is runs
    if isinstance(cell, str):
        assert not spreadsheet_runs(spreadsheet_safe(cell))
        assert spreadsheet_safe(cell).endswith(cell)


def test_secrets_of_addresses_are_left_out_of_a_command_line() -> None:
    given_line = ["--base-url", "https://a:b@host:1/v1?key=c&d=", "-n", "5", "x@y"]
    assert public_arguments(given_line) == [
        "--base-url", "https://host:1/v1?key=...&d=...", "-n", "5", "x@y",
    ]  # fmt: skip
    assert public_url("http://[::1") == "(an address that cannot be read)"


def test_each_secret_is_replaced() -> None:
    assert redact("a sk-1 b sk-2 sk-1", ["sk-1", "sk-2"]) == "a [key] b [key] [key]"
