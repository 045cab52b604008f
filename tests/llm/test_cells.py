"""A cell is read as its column means it, or refused with the reason."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.llm.rows.cells import CellError, read_cell
from tablewright.llm.rows.numbers import readings
from tablewright.schema import Column, Kind


def column(kind: str, **fields: Any) -> Column:
    return Column(name="c", kind=Kind(kind), **fields)


INCOME = column("continuous", minimum=0, maximum=200_000, decimals=2)
HEIGHT = column("continuous", minimum=1.2, maximum=2.1)
CITY = column("categorical", categories=["New York", "Ulm", "n/a", "São Paulo"])


@pytest.mark.parametrize(
    ("raw", "where", "value"),
    [
        ("52,000", INCOME, 52000.0),
        ("52.000,50 €", INCOME, 52000.5),
        ("$52K", INCOME, 52000.0),
        ("1 234 567", column("integer"), 1234567),
        ("1'234", column("integer"), 1234),
        ("1,85 m", HEIGHT, 1.85),
        ("1.85m", HEIGHT, 1.85),
        ("−3", column("integer"), -3),
        ("~40 years", column("integer"), 40),
        ('"39.0"', column("integer"), 39),
        (1e3, column("integer"), 1000),
        ("2.5e3", column("continuous"), 2500.0),
        ("45%", column("continuous", minimum=0, maximum=1), 0.45),
        ("45%", column("continuous", minimum=0, maximum=100), 45.0),
        (-999, column("integer", minimum=0, maximum=9, sentinels=[-999]), -999),
        ("new york", CITY, "New York"),
        ("New_York", CITY, "New York"),
        ("'Ulm'", CITY, "Ulm"),
        ("SÃO PAULO", CITY, "São Paulo"),
        ("n/a", CITY, "n/a"),
        ("2.0", column("ordinal", categories=[1, 2, 3]), 2),
        ("Yes", column("boolean", categories=[False, True]), True),
        (True, column("boolean", categories=[False, True]), True),
        ("31.12.2020", column("date"), "2020-12-31"),
        ("2020-12-31T10:00:00", column("date"), "2020-12-31"),
        ("2020-12-31 10:30", column("datetime"), "2020-12-31T10:30:00"),
        ("NA", column("continuous", nullable=True), None),
        ("unknown", column("integer", nullable=True), None),
        (None, column("categorical", categories=["a"], nullable=True), None),
        ("=cmd|' /C calc'!A0", column("text"), "=cmd|' /C calc'!A0"),
    ],
)
def test_what_can_be_meant_in_one_way_is_read(raw: object, where: Column, value: object) -> None:
    assert read_cell(raw, where) == value


@pytest.mark.parametrize(
    ("raw", "where", "why"),
    [
        ("", INCOME, "is empty"),
        ("thirty", INCOME, "'thirty' is no number"),
        ("30 to 40", INCOME, "is no number"),
        ("Q7X", INCOME, "is no number"),
        ("1e999", INCOME, "is no number"),
        (float("nan"), INCOME, "is empty"),
        (900_000, INCOME, "900000 lies outside of 0 to 200000"),
        (True, INCOME, "no number"),
        ("39.5", column("integer"), "39.5 is no whole number"),
        ("Paris", CITY, "'Paris' is not among its values"),
        ([1, 2], CITY, "holds a list"),
        ("string", column("text"), "stands for a value"),
        ("<city>", column("text"), "stands for a value"),
        ("31.02.2020", column("date"), "is no date"),
        ("1999-01-01", column("date", minimum="2020-01-01"), "lies outside"),
        ("\x1b[31mred", CITY, r"'\\x1b\[31mred' is not among"),
    ],
)
def test_what_cannot_is_refused_with_the_reason(raw: object, where: Column, why: str) -> None:
    with pytest.raises(CellError, match=why):
        read_cell(raw, where)


def test_a_category_that_could_be_two_is_refused() -> None:
    with pytest.raises(CellError):
        read_cell("AB", column("categorical", categories=["ab", "Ab"]))


@given(st.text(max_size=40), st.sampled_from(list(Kind)))
def test_no_text_escapes_as_another_error(text: str, kind: Kind) -> None:
    for where in (column(kind.value), column(kind.value, nullable=True, minimum=0, maximum=9)):
        with suppress(CellError):
            read_cell(text, where)


@given(st.integers(-(10**12), 10**12))
def test_numbers_with_separators_keep_their_value(number: int) -> None:
    assert readings(f"{number:,}")[0] == number
    assert readings(f"{number:_}".replace("_", " "))[0] == number
    assert readings(str(number)) == [number]


@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_numbers_as_python_writes_them_are_read_exactly(number: float) -> None:
    assert read_cell(repr(number), column("continuous")) == number
