"""EPIC's layout of groups, and what is read of a reply that goes on with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.raw_rows import LostRow, RawRow
from tablewright.schema import Schema
from tablewright.systems.epic.class_groups import Deck, GroupRows, group_letter, lay_out
from tablewright.systems.epic.system import EPIC
from tablewright.systems.epic.value_tokens import ValueTokens

NAMES = ["y", "age", "fever"]
TOKENS = ValueTokens({"fever": {"t": "QX4", "f": "ZB7"}})


def read(text: str, repair: bool = True) -> list[RawRow | LostRow]:
    return list(GroupRows(TOKENS, repair).read(text, NAMES))


def cells(text: str, repair: bool = True) -> list[Any]:
    return [dict(row.cells) if isinstance(row, RawRow) else None for row in read(text, repair)]


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_no_two_groups_have_a_name(one: int, other: int) -> None:
    assert (group_letter(one) == group_letter(other)) is (one == other)


def test_sets_stand_below_each_other_with_what_is_said_above_and_below() -> None:
    sets = [{"A": ["no,31", "no,32"]}, {"A": ["no,33"], "B": []}]
    assert lay_out("y,age", sets, above="About people.", below="Go on.") == (
        "About people.\n\ny,age\nA.\nno,31\nno,32\n\n\ny,age\nA.\nno,33\n\nB.\n\n\nGo on.\n\ny,age"
    )
    assert lay_out("y", []) == "y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A.\nno,31,QX4\n\nB.\nyes,47,ZB7", [("no", "31", "t"), ("yes", "47", "f")]),
        ("y,age,fever\nA.\nno,31,QX4", [("no", "31", "t")]),
        ("fever,y,age\nQX4,no,31", [("no", "31", "t")]),
        ("A.\nno,31,", [("no", "31", "")]),
        ("A.\nno,31, QX4 ", [("no", "31", "t")]),
    ],
    ids=["groups", "a header again", "columns in another order", "an empty cell", "blanks"],
)
def test_rows_are_read_in_the_form_that_the_prompt_ends_in(
    text: str, expected: list[tuple[str, ...]]
) -> None:
    found = [tuple(str(row.get(name, "")).strip() for name in NAMES) for row in cells(text) if row]
    assert found == expected


def test_a_slip_in_a_token_is_read_where_that_is_asked_for() -> None:
    assert [row and row["fever"] for row in cells("A.\nno,31,QX5")] == ["t"]
    assert [row and row["fever"] for row in cells("A.\nno,31,qx4")] == ["t"]
    [lost] = read("A.\nno,31,QX5", repair=False)
    assert isinstance(lost, LostRow)
    assert "column 'fever': 'QX5' is no token of it" in lost.reason


def test_a_row_comes_back_as_it_was_written() -> None:
    form = GroupRows(TOKENS, repair=False)
    row: dict[str, Cell] = {"y": "no, thanks", "age": 31, "fever": "f"}
    line = form.line(row, NAMES)
    assert line == '"no, thanks",31,ZB7'
    assert form.write([row], NAMES).splitlines() == ["y,age,fever", line]
    assert form.request(NAMES, 9) == ""
    assert form.schema(Schema.build({"y": "categorical"}), 9) is None
    [back] = read(line)
    assert isinstance(back, RawRow)
    assert {name: str(value) for name, value in back.cells.items()} == {
        "y": "no, thanks", "age": "31", "fever": "f",
    }  # fmt: skip


@given(st.integers(1, 20), st.integers(1, 4), st.integers(1, 9), st.integers(0, 30))
def test_a_deck_deals_rows_of_its_class_and_the_same_for_the_same_prompt(
    n_members: int, n_sets: int, n_rows: int, prompt: int
) -> None:
    deck = Deck(np.arange(100, 100 + n_members), n_sets, n_rows, (3,))
    dealt = deck.deal(prompt)
    assert [len(rows) for rows in dealt] == [min(n_rows, n_members)] * n_sets
    assert all(set(rows.tolist()) <= set(range(100, 100 + n_members)) for rows in dealt)
    assert [rows.tolist() for rows in deck.deal(prompt)] == [rows.tolist() for rows in dealt]


@pytest.mark.parametrize(
    ("kind", "variant", "sentence"),
    [
        ("text", "default", "EPIC needs classes, and the target 'y' is text"),
        ("integer", "published", "take variant='default', which cuts it at its quantiles"),
    ],
)
def test_targets_without_classes_are_told_what_to_do(
    kind: str, variant: str, sentence: str
) -> None:
    table = pl.DataFrame({"x": range(40), "y": [f"{k:03d}" for k in range(40)]})
    table = table.with_columns(pl.col("y").cast(pl.Int64)) if kind == "integer" else table
    with pytest.raises(InputError, match=sentence):
        EPIC("y", schema={"y": kind}, variant=variant).fit(table)


def test_without_a_target_there_are_no_groups() -> None:
    with pytest.raises(InputError, match="in groups by their class: name the target"):
        EPIC().fit(pl.DataFrame({"x": range(40), "z": [1.5, 2.5] * 20}))
