"""Checks that anybody can run on parts of their own: do they keep the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tablewright.llm.base import LLM, Prompt, Reply
from tablewright.llm.raw_rows import NUMBER, RawRow, RowFormat
from tablewright.llm.sharing import Cell

__all__ = ["check_llm", "check_row_format"]

_NAMES = ["age", 'home, "town"', "年齢", "_x y"]
_ROWS: Sequence[Mapping[str, Cell]] = [
    {NUMBER: 1, "age": 31, 'home, "town"': "Ulm, Donau", "年齢": None, "_x y": "'a'"},
    {NUMBER: 2, "age": -4.5, 'home, "town"': '"quoted"', "年齢": "九", "_x y": True},
]


def check_llm(llm: LLM) -> None:
    """Check that a language model keeps the contract of `tablewright.llm.LLM`.

    Raises
    ------
    AssertionError
        Says what is not as it should be.

    Examples
    --------
    >>> from tablewright.llm import Scripted
    >>> check_llm(Scripted(["blue"]))
    """
    reply = llm.complete(Prompt.ask("Name a colour.", max_tokens=50))
    assert isinstance(reply, Reply), "complete() has to return a Reply"
    assert isinstance(reply.text, str), "a reply's text is a str"
    assert reply.finish in ("stop", "length", "refusal"), "finish is stop, length or refusal"
    assert reply.usage.prompt_tokens >= 0, "tokens are not negative"
    assert reply.cost is None or reply.cost >= 0, "a cost is not negative"


def check_row_format(form: RowFormat) -> None:
    """Check that a row format reads what it writes, and any other text without an error.

    Raises
    ------
    AssertionError
        Says what is not as it should be.

    Examples
    --------
    >>> from tablewright.llm.csv_rows import CsvRows
    >>> check_row_format(CsvRows())
    """
    text = form.write(_ROWS, _NAMES)
    for dressed in (text, f"Here you are:\n```\n{text}\n```\nDone."):
        found = [row for row in form.read(dressed, _NAMES, True) if isinstance(row, RawRow)]
        assert [str(row.number) for row in found] == ["1", "2"], "row numbers have to survive"
        assert set(found[0].cells) == set(_NAMES), "column names have to survive"
        assert found[0].cells['home, "town"'] == "Ulm, Donau", "cells have to survive"
    for hostile in ("", "no rows here", "{[<\x00", text[: len(text) // 2]):
        list(form.read(hostile, _NAMES, True))
