"""Names of data types, and forms of identifiers: written and read again."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import SchemaError
from tablewright.tables.encoding.patterns import find_pattern, parse_pattern, write_pattern
from tablewright.tables.io.dtypes import dtype_from_text, dtype_to_text

DTYPES: list[tuple[Any, str]] = [
    (pl.Int8(), "Int8"),
    (pl.UInt64(), "UInt64"),
    (pl.Float32(), "Float32"),
    (pl.Boolean(), "Boolean"),
    (pl.String(), "String"),
    (pl.Date(), "Date"),
    (pl.Time(), "Time"),
    (pl.Datetime("us"), "Datetime[us]"),
    (pl.Datetime("ns", "Europe/Rome"), "Datetime[ns, Europe/Rome]"),
    (pl.Duration("ms"), "Duration[ms]"),
    (pl.Decimal(10, 2), "Decimal[10, 2]"),
]


@pytest.mark.parametrize(("dtype", "text"), DTYPES, ids=str)
def test_dtypes_are_named_and_read_again(dtype: Any, text: str) -> None:
    assert dtype_to_text(dtype) == text
    assert dtype_from_text(text) == dtype


def test_an_enum_takes_its_values_from_the_categories() -> None:
    assert dtype_to_text(pl.Enum(["b", "a"])) == "Enum"
    assert dtype_from_text("Enum", ["b", "a"]) == pl.Enum(["b", "a"])
    assert dtype_from_text("Enum") == pl.String


@pytest.mark.parametrize(
    "text",
    ["Int7", "Datetime[years]", "Datetime[us", "Decimal[1]", "List(Int64)", "", "Duration[]"],
)
def test_other_names_are_refused_with_the_name(text: str) -> None:
    with pytest.raises(SchemaError, match="is not a data type that polars has") as caught:
        dtype_from_text(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["C-001", "C-017", "C-142"], "C-[0-9]{3}"),
        (["a1", "b2", "c3"], "[a-z][0-9]"),
        (["7", "12", "345"], None),
        (["US-001", "DE-0002", "US-003", "DE-0004"], None),
        (["one two", "three four"], None),
        (["cook", "clerk"], None),
    ],
)
def test_forms_that_are_found_match_every_value(values: list[str], pattern: str | None) -> None:
    found = find_pattern(pl.Series(values))
    if pattern is not None:
        assert found == pattern
    if found is not None:
        assert pl.Series(values).str.contains(f"^(?:{found})$").all()


places = st.sampled_from(["[0-9]", "[A-Z]", "[a-z]", "x", "-", "[0-9A-F]", "[ab]", r"\."])
forms = st.lists(st.tuples(places, st.integers(1, 4)), min_size=1, max_size=5)


@settings(deadline=None)
@given(st.lists(forms, min_size=1, max_size=3))
def test_patterns_are_written_and_read_again(drawn: list[list[tuple[str, int]]]) -> None:
    text = "|".join("".join(f"{place}{{{n}}}" for place, n in form) for form in drawn)
    read = parse_pattern(text)
    assert parse_pattern(write_pattern(read)) == read
    assert [len(form.positions) for form in read] == [sum(n for _, n in form) for form in drawn]


@pytest.mark.parametrize(
    ("text", "rest"),
    [("A(b)", "(b)"), ("[0-9]+[0-9]+", "[0-9]+"), ("[A-Z]+", "[A-Z]+"), ("a*", "*"), ("a{2", "{2")],
)
def test_what_is_no_pattern_is_named(text: str, rest: str) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_pattern(text)
    assert f"pattern {text!r}: {rest!r} is not understood" in str(caught.value)


def test_a_class_that_leaves_letters_out_is_refused() -> None:
    with pytest.raises(SchemaError, match="list the letters meant"):
        parse_pattern("[^a]")
