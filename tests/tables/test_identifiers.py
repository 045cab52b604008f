"""Identifiers are made fresh: of the same form, unique, never a real one."""

from __future__ import annotations

import json
import re
import uuid

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import SchemaError
from tablewright.tables.encoding.identifiers import Identifiers
from tablewright.tables.encoding.patterns import find_pattern, parse_pattern, write_pattern

RNG = np.random.default_rng(3)
SCATTERED = RNG.choice(100_000, 200, replace=False)

REAL = {
    "counting": [f"C-{i:05d}" for i in range(1, 201)],
    "unpadded": [f"row{i}" for i in range(1, 201)],
    "scattered": [f"C-{i:05d}" for i in SCATTERED],
    "uuid": [str(uuid.UUID(int=int(i) * 2**90 + 7, version=4)) for i in SCATTERED],
    "two forms": [f"US-{i:03d}" for i in range(100)] + [f"D{i:05d}x" for i in SCATTERED[:100]],
    "letters": [f"{chr(65 + i % 26)}{chr(65 + i // 26)}{i * 37 % 1000:03d}" for i in range(200)],
    "integers": list(range(1000, 1200)),
    "numbers": (SCATTERED + 100_000).tolist(),
    "tens": list(range(10, 2010, 10)),
    "addresses": [f"p{chr(97 + i % 26)}{'x' * (i // 26)}@mail.com" for i in range(200)],
}


@pytest.mark.parametrize("name", REAL)
def test_fresh_ones_are_unique_of_the_same_form_and_not_real(name: str) -> None:
    real = pl.Series("id", REAL[name])
    maker = Identifiers(real)
    result = maker.make(3000, np.random.default_rng(1))
    assert result.dtype == real.dtype
    assert result.n_unique() == 3000
    assert not set(result) & set(real)
    if name != "letters":
        lengths = {len(str(value)) for value in real}
        assert all(len(str(v)) >= min(lengths) for v in result)
    fits = re.compile(maker.pattern)
    assert sum(bool(fits.fullmatch(str(value))) for value in result) >= 0.3 * 3000


@pytest.mark.parametrize("name", REAL)
def test_chunks_of_any_size_give_the_same(name: str) -> None:
    maker = Identifiers(pl.Series("id", REAL[name]))
    whole = maker.make(700, np.random.default_rng(5)).to_list()
    parts: list[object] = []
    for size in (1, 299, 0, 400):
        parts += maker.make(size, np.random.default_rng(5), offset=len(parts)).to_list()
    assert parts == whole


@pytest.mark.parametrize("name", REAL)
def test_saved_and_loaded_makes_the_same(name: str) -> None:
    maker = Identifiers(pl.Series("id", REAL[name]))
    facts, arrays = maker.state()
    again = Identifiers.restore(json.loads(json.dumps(facts)), arrays)
    rng = np.random.default_rng
    assert again.make(50, rng(2)).to_list() == maker.make(50, rng(2)).to_list()


def test_counting_goes_on() -> None:
    rng = np.random.default_rng(0)
    assert Identifiers(pl.Series(REAL["tens"])).make(2, rng).to_list() == [2010, 2020]
    assert Identifiers(pl.Series(REAL["unpadded"])).make(2, rng).to_list() == ["row201", "row202"]


def test_seed_decides() -> None:
    maker = Identifiers(pl.Series(REAL["scattered"]))
    one, same, other = (maker.make(20, np.random.default_rng(s)).to_list() for s in (1, 1, 2))
    assert one == same != other


def test_shares_of_forms_are_kept() -> None:
    result = Identifiers(pl.Series(REAL["two forms"])).make(1000, np.random.default_rng(0))
    assert result.str.starts_with("US-").sum() == 500


def test_told_form_is_used() -> None:
    result = Identifiers(pl.Series(["a", "b"]), "P[0-9]{4}").make(9, np.random.default_rng(0))
    assert result.str.contains(r"^P\d{4}$").all()


@settings(max_examples=50)
@given(st.sets(st.integers(0, 99), max_size=99), st.integers(0, 10))
def test_every_free_text_is_used_before_a_longer_one(taken: set[int], seed: int) -> None:
    real = pl.Series("id", [f"{i:02d}" for i in taken] or ["00"])
    maker = Identifiers(real, "[0-9]{2}")
    free = 100 - real.n_unique()
    facts, _ = maker.state()
    if facts["counts"][0][1]:
        return
    result = maker.make(free + 5, np.random.default_rng(seed)).to_list()
    assert sorted(result[:free]) == sorted({f"{i:02d}" for i in range(100)} - set(real))
    assert all(len(text) == 3 for text in result[free:])
    assert len(set(result)) == free + 5


@pytest.mark.parametrize("bad", ["[0-9", "(a)", "a*", "[^a]", "A+", "a{1,2}", "[0-9]+[0-9]+"])
def test_pattern_that_is_not_understood(bad: str) -> None:
    with pytest.raises(SchemaError, match="is not understood"):
        parse_pattern(bad)


words = st.lists(
    st.text("abcXYZ019-_./|+é", min_size=1, max_size=6), min_size=2, max_size=12, unique=True
)


@given(words)
def test_found_pattern_fits_every_text(texts: list[str]) -> None:
    pattern = find_pattern(pl.Series(texts))
    if pattern is not None:
        assert all(re.fullmatch(pattern, text) for text in texts)
        assert write_pattern(parse_pattern(pattern)) == pattern


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([5 * 10**18 + 7 * i for i in range(60)], pl.Int64),
        ([5 * 10**18 + 7919 * i * i for i in range(60)], pl.Int64),
        ([9 * 10**18 + 10**15 * i * i for i in range(14)], pl.Int64),
        ([-5 * 10**18 - 7919 * i * i for i in range(60)], pl.Int64),
        ([18 * 10**18 + 7919 * i * i for i in range(60)], pl.UInt64),
        ([2 * 10**9 + 2001 * i * i for i in range(60)], pl.Int32),
        ([10**25 + 7919 * i * i for i in range(60)], pl.Int128),
        ([1_000 + (7919 * i * i) % 9_000 for i in range(60)], pl.Int64),
    ],
)
def test_numbers_as_identifiers_keep_their_digits(
    numbers: list[int], dtype: type[pl.DataType]
) -> None:
    real = pl.Series("id", numbers, dtype=dtype).unique()
    made = Identifiers(real).make(2_000, np.random.default_rng(0))
    assert made.dtype == dtype
    assert made.n_unique() == 2_000
    assert not made.is_in(real.implode()).any()
    assert set(made.cast(pl.String).str.len_chars()) == set(real.cast(pl.String).str.len_chars())
