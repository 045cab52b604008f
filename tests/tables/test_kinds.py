"""The borders between kinds: where one more or one less value changes what a column is."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.schema import Column, Kind
from tablewright.tables.inference.infer import count_decimals, infer_schema
from tablewright.tables.inference.kinds import (
    Guess,
    find_numeric_sentinels,
    guess_numbers,
    guess_text,
    guess_values,
    is_named_like_a_key,
    read_as,
)


def numbers(values: list[Any], name: str = "x") -> Guess:
    return guess_numbers(pl.Series(name, values))


def words(values: list[Any], name: str = "x", **options: Any) -> Guess:
    return guess_text(pl.Series(name, values, dtype=pl.String), **options)


@pytest.mark.parametrize(
    ("name", "is_key"),
    [
        *(
            (name, True)
            for name in ("id", "patient_id", "ID", "rowid", "customer-no", "PassengerId")
        ),
        *((name, True) for name in ("a key", "guid", "order.nr", "idx", "userID")),
        *((name, False) for name in ("paid", "david", "monkey", "piano", "index_of", "Id2", "x")),
    ],
)
def test_names_of_keys(name: str, is_key: bool) -> None:
    assert is_named_like_a_key(name) is is_key


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([0, 3, 5, 9, 14, 999, 999], [999]),
        ([0, 3, 5, 9, 14, 999], []),  # once is an outlier
        ([0, 3, 5, 9, 14, 998, 998], []),  # no usual code
        ([0, 3, 5, 14, 21, 21, 999, 999, 990], []),  # stands near another value
        ([0, 300, 500, 666, 999, 999], []),  # not further than half of the range
        ([0, 300, 500, 665, 999, 999], [999]),
        ([0, 300, 500, 600, 999, 999], [999]),
        ([-99, -99, 0, 3, 5, 9], [-99]),
        ([-99, 0, 3, 5, 9], []),
        ([-99, -99, 0, 3, 5, 9, 99, 99], [-99, 99]),
        ([-1, -1, *range(11)], [-1]),
        ([-1, -1, *range(10)], []),  # ten others are too few
        ([-1, -1, -9, -9, -8, -8, *range(11)], [-9, -8, -1]),
        ([-1, -1, -9, -9, -8, -8, -7, -7, *range(11)], []),  # more than three
        ([-1, -1, -4, -4, *range(11)], []),  # another negative value
        ([999, 999, 5], []),
    ],
)
def test_codes_among_numbers(values: list[float], codes: list[float]) -> None:
    assert find_numeric_sentinels(np.array(values, dtype=float)) == codes


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([*range(10)] * 5, Kind.ORDINAL),
        ([*range(11)] * 5, Kind.INTEGER),  # more than ten grades
        (([*range(10)] * 5)[:-1], Kind.INTEGER),  # fewer than five rows for each
        ([*[0, 1, 2] * 20, 3], Kind.INTEGER),  # a grade of one row
        ([*[0, 1, 2] * 20, 3, 3], Kind.ORDINAL),
        ([*[0, 1, 2] * 500, 3, 3], Kind.INTEGER),  # rarer than 2 in 1,000
        ([1, 2] * 20, Kind.CATEGORICAL),
        ([0, 1] * 20, Kind.BOOLEAN),
        ([4] * 20, Kind.CONSTANT),
        ([4, None] * 20, Kind.INTEGER),
        ([0.5, 1.5, 2.5] * 20, Kind.ORDINAL),
        (([0.5, 1.5, 2.5] * 20)[:-1], Kind.CONTINUOUS),
        ([2**53, 2**53, 1, 1], Kind.CATEGORICAL),
        ([2**53, 2**53 + 1, 1], Kind.IDENTIFIER),
        ([2**53 - 1, 5, 1, 5], Kind.INTEGER),
        ([float(2**53), 5.0, 1.0, 1.0], Kind.CONTINUOUS),
    ],
)
def test_borders_between_kinds_of_numbers(values: list[Any], kind: Kind) -> None:
    assert numbers(values).kind in (kind, Kind.CATEGORICAL if len(set(values)) == 2 else kind)
    if None not in values:
        assert numbers(values).kind is kind


@pytest.mark.parametrize(
    ("values", "name", "kind"),
    [
        ([*range(7, 17)], "x", Kind.IDENTIFIER),  # counts up by one
        ([*range(7, 16)], "x", Kind.INTEGER),  # nine rows tell nothing
        ([*range(0, 20, 2)], "x", Kind.INTEGER),  # by two, and no name
        ([*range(0, 20, 2)], "row_id", Kind.IDENTIFIER),
        ([*range(17, 7, -1)], "x", Kind.IDENTIFIER),
        ([3, 1, 4, 15, 9, 2, 6, 5, 35, 8], "id", Kind.IDENTIFIER),
        ([3, 1, 4, 15, 9, 2, 6, 5, 35, 3], "id", Kind.INTEGER),  # one comes twice
        ([*range(1990, 2010)], "birth_year", Kind.INTEGER),
        ([*range(30, 50)], "age", Kind.INTEGER),
        ([10115, 80331, 20095, 10115], "zip", Kind.CATEGORICAL),
        ([10115, 80331, 20095, 10115], "postal", Kind.INTEGER),
        ([20240101, 20240229, 20231231], "x", Kind.DATE),
        ([20240101, 20230229, 20231231], "x", Kind.INTEGER),  # no such day
        ([19000101, 20991231, 20000101], "x", Kind.DATE),
        ([18991231, 20991231, 20000101], "x", Kind.INTEGER),
    ],
)
def test_names_and_counting_decide_on_identifiers(values: list[int], name: str, kind: Kind) -> None:
    assert numbers(values, name).kind is kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"w{i}x" for i in range(9)], Kind.CATEGORICAL),  # nine rows tell nothing
        ([f"word {chr(97 + i)}" for i in range(10)], Kind.TEXT),
        ([f"a{i:02d}" for i in range(10)], Kind.IDENTIFIER),
        ([f"one two three four {chr(97 + i)}" for i in range(10)], Kind.TEXT),
        (["a b c d e", *(f"a b c d {chr(97 + i)}" for i in range(20))], Kind.TEXT),
        (["x y", "x y", *(f"x {chr(97 + i)}" for i in range(20))], Kind.CATEGORICAL),
        ([*(f"{i}@x.org" for i in range(9)), "0@x.org"], Kind.IDENTIFIER),
        ([f"{i % 4}@x.org" for i in range(10)], Kind.CATEGORICAL),
        (["true", "false"] * 3, Kind.BOOLEAN),
        (["True", "true", "false"] * 3, Kind.CATEGORICAL),  # spelled in two ways
        (["true"] * 3 + [None], Kind.CATEGORICAL),
        (["true"] * 3, Kind.CONSTANT),
        (["12:30", "9:05"] * 3, Kind.TIMEDELTA),
        (["12:30", "9:65"] * 3, Kind.CATEGORICAL),
    ],
)
def test_borders_between_kinds_of_words(values: list[str | None], kind: Kind) -> None:
    assert words(values).kind is kind


def test_few_words_among_numbers_are_codes_or_slips() -> None:
    plain = [str(i * 3) for i in range(60)]
    guess = words([*plain, *["never", "refused"] * 3])
    assert (guess.kind, guess.confidence) == (Kind.INTEGER, 0.7)
    assert set(guess.sentinels) == {"never", "refused"}
    with pytest.raises(InputError, match=r"row 60 holds 'never'.*'sentinels: \[never\]'"):
        words([*plain, "never", "never"])
    many = [*plain, "a", "b", "c", "d"]
    assert words(many).kind is not Kind.INTEGER, "more than three are words among words"


@pytest.mark.parametrize(
    ("missing", "sentinels", "n_missing"),
    [("usual", (), 2), ("empty", (), 0), ("declared", ("x",), 3), ("usual", ("x",), 3)],
)
def test_texts_that_are_missing(missing: str, sentinels: tuple[str, ...], n_missing: int) -> None:
    values = ["NA", "NA", "a", "b", "x"]
    guess = words(values, missing=missing, sentinels=sentinels)
    assert guess.values is not None
    assert guess.values.null_count() == n_missing
    assert guess.missing == missing


@pytest.mark.parametrize(
    ("texts", "is_country"),
    [
        (["NA", "DE", "FR", "ZA"], True),
        (["NA", "DE", "FR"], False),
        (["NA", "DE", "FR", "QQ"], False),
    ],
)
def test_na_is_a_country_among_three_others(texts: list[str], is_country: bool) -> None:
    guess = words(texts * 3)
    assert guess.values is not None
    assert guess.values.null_count() == (0 if is_country else 3)
    assert ("Namibia" in guess.note) is is_country


@pytest.mark.parametrize(
    ("series", "kind", "confidence"),
    [
        (pl.Series([None] * 3), Kind.CONSTANT, 1.0),
        (pl.Series([True, True]), Kind.CONSTANT, 1.0),
        (pl.Series([True, None]), Kind.BOOLEAN, 1.0),
        (pl.Series(["a", "b"], dtype=pl.Categorical), Kind.CATEGORICAL, 1.0),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), Kind.ORDINAL, 0.8),
        (pl.Series([1, 2], dtype=pl.Duration("us")), Kind.TIMEDELTA, 1.0),
        (pl.Series([1, 2], dtype=pl.Time), Kind.TIMEDELTA, 1.0),
        (pl.Series([1, 2], dtype=pl.Date), Kind.DATE, 1.0),
        (pl.Series([0, 86_400_000], dtype=pl.Datetime("ms")), Kind.DATE, 0.95),
        (pl.Series([0, 86_400_001], dtype=pl.Datetime("ms")), Kind.DATETIME, 1.0),
    ],
)
def test_data_types_speak_for_kinds(series: pl.Series, kind: Kind, confidence: float) -> None:
    guess = guess_values(series)
    assert (guess.kind, guess.confidence) == (kind, confidence)


@pytest.mark.parametrize(
    ("kind", "texts", "values", "form"),
    [
        ("integer", ["1,234", "12"], [1234, 12], "#,##0"),
        ("continuous", ["1", "12"], [1.0, 12.0], "0"),
        ("continuous", ["1.50", "12.25"], [1.5, 12.25], "0.00"),
        ("categorical", ["1", "12"], [1, 12], None),
        ("categorical", ["01", "12"], ["01", "12"], None),
        ("ordinal", ["1.0", "2.5"], [1.0, 2.5], "0.0"),
        ("identifier", ["C-1", "C-2"], ["C-1", "C-2"], "C-[0-9]"),
        ("text", ["1", "unknown"], ["1", "unknown"], None),
        ("integer", ["1", "unknown"], [1, None], None),
    ],
)
def test_text_is_read_as_the_kind_that_is_named(
    kind: str, texts: list[str], values: list[Any], form: str | None
) -> None:
    guess = read_as(pl.Series("x", texts), Column(name="x", kind=Kind(kind)))
    assert guess.values is not None
    assert (guess.values.to_list(), guess.format) == (values, form)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([1.0, 2.0], 0),
        ([1.5, 2.25], 2),
        ([1e-10], 10),
        ([1e-11], None),
        ([1 / 3], None),
        ([1e300], 0),
    ],
)
def test_digits_after_the_point_are_counted(values: list[float], decimals: int | None) -> None:
    assert count_decimals(np.array(values)) == decimals


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1), st.integers(0, 6))
def test_as_many_digits_are_counted_as_were_written(cents: list[int], decimals: int) -> None:
    shown = [f"{cent / 10**decimals:.{decimals}f}" for cent in cents]
    longest = max(len(text.partition(".")[2].rstrip("0")) for text in shown)
    assert count_decimals(np.array([float(text) for text in shown])) == longest


@pytest.mark.parametrize(
    ("n_classes", "n_rows", "kind"),
    [(20, 40, "categorical"), (21, 42, "integer"), (5, 9, "integer"), (5, 10, "categorical")],
)
def test_a_target_of_few_whole_numbers_is_a_class(n_classes: int, n_rows: int, kind: str) -> None:
    frame = pl.DataFrame(
        {
            "y": [i % n_classes * 3 for i in range(n_rows)],
            "x": [i * 0.37 for i in range(n_rows)],
        }
    )
    assert infer_schema(frame, target="y")["y"].kind.value == kind
