"""Tokens for values: what is encoded is decoded, and nothing else is taken for it."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.llm.rows.csv_rows import split_line, write_line
from tablewright.llm.rows.numbers import readings
from tablewright.schema import Schema
from tablewright.systems.epic.value_tokens import ValueTokens

WORDS = st.one_of(
    st.sampled_from(["t", "f", "a,b", 'say "x"', "None", "QX4", "A", "x\ny"]), st.text(min_size=1)
)


def drawn(table: pl.DataFrame, mapped: str = "all", seed: int = 0) -> ValueTokens:
    schema = Schema.build(dict.fromkeys(table.columns, "categorical"))
    return ValueTokens.draw(table, schema, mapped, np.random.default_rng(seed))  # type: ignore[arg-type]  # bad words are tested too


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=30), st.integers(0, 9))
def test_every_value_comes_back_through_a_line_of_csv(
    rows: list[tuple[str, str]], seed: int
) -> None:
    table = pl.DataFrame(rows, schema=["a", "b"], orient="row")
    tokens = drawn(table, seed=seed)
    for row in table.iter_rows(named=True):
        coded = tokens.encode(row)
        line = split_line(write_line([coded["a"], coded["b"]]))
        assert [tokens.decode("a", line[0]), tokens.decode("b", line[1])] == list(row.values())
        assert tokens.decode("b", line[0], repair=True) is None
        assert tokens.decode("a", line[1], repair=True) is None


@settings(deadline=None, max_examples=60)
@given(st.sets(WORDS, min_size=1, max_size=60), st.integers(0, 9))
def test_tokens_collide_with_nothing(words: set[str], seed: int) -> None:
    table = pl.DataFrame({"a": sorted(words), "b": sorted(words)})
    tokens = drawn(table, seed=seed).tokens
    every = [token for column in tokens.values() for token in column.values()]
    assert len(set(every)) == 2 * len(words)
    folded = {word.strip().casefold() for word in words}
    for token in every:
        assert re.fullmatch("[A-Z][A-Z0-9]{2,}", token)
        assert not re.fullmatch(r"[A-Z]\d*", token), "it looks like the letter of a group"
        assert token.casefold() not in folded
        assert not readings(token)


def test_any_two_tokens_differ_in_two_places() -> None:
    tokens = drawn(pl.DataFrame({"a": [str(n) for n in range(300)]})).tokens["a"].values()
    cut = [token[:at] + "*" + token[at + 1 :] for token in tokens for at in range(len(token))]
    assert len(cut) == len(set(cut))


@pytest.mark.parametrize("slip", [lambda t: t[:2], lambda t: t + "9", lambda t: "-" + t[1:]])
def test_one_wrong_letter_is_mended_where_one_value_alone_can_be_meant(slip: object) -> None:
    tokens = drawn(pl.DataFrame({"a": ["x", "y"]}))
    wrong = slip(tokens.tokens["a"]["x"])  # type: ignore[operator]  # a lambda above
    assert tokens.decode("a", wrong, repair=True) == "x"
    assert tokens.decode("a", wrong) is None
    assert tokens.decode("a", "???", repair=True) is None


def test_repetitive_columns_are_those_that_share_a_value() -> None:
    table = pl.DataFrame({"fever": ["t", "f"], "cough": ["F", "f"], "town": ["Ulm", "Bonn"]})
    assert set(drawn(table, "repetitive").tokens) == {"fever", "cough"}
    assert set(drawn(table, "all").tokens) == {"fever", "cough", "town"}
    assert not drawn(table, "none").tokens
    with pytest.raises(InputError, match="'none', 'repetitive' or 'all', not 'some'"):
        drawn(table, "some")


def test_missing_cells_and_numbers_stay_as_they_are() -> None:
    tokens = drawn(pl.DataFrame({"a": ["x", None]}))
    assert tokens.encode({"a": None, "age": 31}) == {"a": None, "age": 31}
