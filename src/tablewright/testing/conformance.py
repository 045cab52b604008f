"""Checks that anybody can run on parts of their own: do they keep the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tablewright.errors import InputError
from tablewright.generators.base import Generator, Given, State
from tablewright.llm.endpoint.base import LLM, Prompt, Reply
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.raw_rows import RawRow, RowFormat
from tablewright.tables.encoding.codec import Field, Floats, Matrix

_NAMES = ["age", 'home, "town"', "年齢", "_x y"]
_ROWS: Sequence[Mapping[str, Cell]] = [
    {"age": 31, 'home, "town"': "Ulm, Donau", "年齢": None, "_x y": "'a'"},
    {"age": -4.5, 'home, "town"': '"quoted"', "年齢": "九", "_x y": True},
]


def check_generator(make: Callable[[], Generator]) -> None:
    """Check that a generator keeps the contract of `tablewright.generators.base.Generator`.

    It learns a small table of numbers, codes and gaps. What cannot be stored may say so by an
    `InputError`; that conditions are met is for tests of one's own.

    Parameters
    ----------
    make : callable
        Gives a generator that is not yet fitted, such as its class.

    Raises
    ------
    AssertionError
        Says what is not as it should be.

    Examples
    --------
    >>> from tablewright.generators.independent import Independent
    >>> check_generator(Independent)
    """
    matrix = _small_table()
    model = make().fit(matrix, np.random.default_rng(0))
    rows = model.sample(40, np.random.default_rng(1))
    assert rows.shape == (40, 4), "sample() has to return every row that is asked for"
    codes = rows[:, 2][~np.isnan(rows[:, 2])]
    assert np.isin(codes, [0.0, 1.0, 2.0]).all(), "codes have to be those of the table"
    again = model.sample(40, np.random.default_rng(1))
    assert np.array_equal(rows, again, equal_nan=True), "the same chance has to give the same rows"
    assert model.sample(0, np.random.default_rng(1)).shape == (0, 4), "no rows are no rows"
    known = np.random.default_rng(2).random((40, 4)) < 0.5
    given = Given(np.where(known, matrix.values[:40], np.nan), known)
    filled = model.sample(40, np.random.default_rng(1), given=given, complete=True)
    kept = np.array_equal(filled[known], matrix.values[:40][known], equal_nan=True)
    assert kept, "given cells have to stay as they are"
    assert not np.isnan(filled[~known]).any(), "with complete=True no drawn cell may be missing"
    _check_state(model, matrix, rows)


def _check_state(model: Any, matrix: Matrix, rows: Floats) -> None:
    try:
        state = model.state()
    except InputError:
        return
    facts = json.loads(json.dumps(dict(state.facts)))
    plain = all(array.dtype.kind in "biufU" for array in state.arrays.values())
    assert plain, "arrays of a state have to be of numbers or text"
    result = type(model).restore(matrix.fields, State(facts, dict(state.arrays)))
    again = result.sample(40, np.random.default_rng(1))
    assert np.array_equal(rows, again, equal_nan=True), "a restored model has to give the same rows"


def _small_table() -> Matrix:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 120).astype(np.float64)
    number = rng.normal(label, 1.0)
    count = rng.poisson(3, 120).astype(np.float64)
    code = np.digitize(number, [-0.5, 1.0]).astype(np.float64)
    code[rng.random(120) < 0.1] = np.nan
    fields = (Field("number"), Field("count", step=1.0), Field("code", levels=3))
    values = np.column_stack([number, count, code, label])
    return Matrix(values, (*fields, Field("label", levels=2, target=True)))


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
    finishes = ("stop", "length", "cut", "refusal")
    assert reply.finish in finishes, "finish is stop, length, cut or refusal"
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
    >>> from tablewright.llm.rows.csv_rows import CsvRows
    >>> check_row_format(CsvRows())
    """
    text = form.write(_ROWS, _NAMES)
    for dressed in (text, f"Here you are:\n```\n{text}\n```\nDone."):
        rows = [row for row in form.read(dressed, _NAMES) if isinstance(row, RawRow)]
        assert [str(row.cells["age"]) for row in rows] == ["31", "-4.5"], "rows have to survive"
        assert set(rows[0].cells) == set(_NAMES), "column names have to survive"
        assert rows[0].cells['home, "town"'] == "Ulm, Donau", "cells have to survive"
    for hostile in ("", "no rows here", "{[<\x00", text[: len(text) // 2]):
        list(form.read(hostile, _NAMES))
