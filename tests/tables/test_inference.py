"""What the columns of a table are taken for."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import InputError, SchemaError
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.inference.casting import typed, untyped
from tablewright.tables.inference.infer import infer_schema

N = 60
ROWS = range(N)


def infer(values: Any, name: str = "x", **options: Any) -> Column:
    column = values if isinstance(values, pl.Series) else pl.Series(values)
    other = pl.Series("other", ["a", "b"] * (len(column) // 2) + ["a"] * (len(column) % 2))
    return infer_schema(pl.DataFrame([column.alias(name), other]), **options)[name]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([i * 0.37 for i in ROWS], "continuous"),
        ([i * i for i in ROWS], "integer"),
        ([float(i * i) for i in ROWS], "integer"),
        ([str(i * i) for i in ROWS], "integer"),
        ([f"{i * 0.37:.2f}" for i in ROWS], "continuous"),
        ([i % 5 + 1 for i in ROWS], "ordinal"),
        ([i % 2 for i in ROWS], "boolean"),
        ([str(i % 2) for i in ROWS], "boolean"),
        ([bool(i % 2) for i in ROWS], "boolean"),
        (["True", "False"] * 30, "boolean"),
        (["yes", "no"] * 30, "categorical"),
        ([f"{i % 7:03d}" for i in ROWS], "categorical"),
        ([dt.date(2020, 1, 1) + dt.timedelta(i) for i in ROWS], "date"),
        ([dt.datetime(2020, 1, 1) + dt.timedelta(i) for i in ROWS], "date"),
        ([dt.datetime(2020, 1, 1) + dt.timedelta(hours=7 * i) for i in ROWS], "datetime"),
        ([f"{i % 28 + 1}.3.2021" for i in ROWS], "date"),
        ([f"2021-03-{i % 28 + 1:02d}T10:00:00Z" for i in ROWS], "datetime"),
        ([20210301 + i % 28 for i in ROWS], "date"),
        ([f"202103{i % 28 + 1:02d}" for i in ROWS], "date"),
        ([20219901 + i for i in ROWS], "identifier"),
        ([f"2021-{i % 28 + 1}-03" for i in ROWS], "date"),
        ([f"Mar {i % 28 + 1:02d} 2021" for i in ROWS], "date"),
        ([f"p{i % 50}@mail.org" for i in ROWS], "identifier"),
        ([f"+49 151 {i * 7919 % 10**6:06d}" for i in ROWS], "identifier"),
        ([dt.timedelta(seconds=i * 7) for i in ROWS], "timedelta"),
        ([f"{i % 24}:{i:02d}" for i in ROWS], "timedelta"),
        ([f"{i} days 03:00:{i:02d}" for i in ROWS], "timedelta"),
        ([f"250.{i % 7}" if i % 3 else f"V{i % 9}" for i in ROWS], "categorical"),
        ([f"the story of row number {i} is a long one" for i in ROWS], "text"),
        ([f"C-{i * 17:05d}" for i in ROWS], "identifier"),
        (list(ROWS), "identifier"),
        (["same"] * N, "constant"),
        ([3] * N, "constant"),
    ],
)
def test_kind(values: list[Any], kind: str) -> None:
    column = infer(values)
    assert column.kind.value == kind
    assert 0 < column.confidence <= 1
    assert column.reason


def test_year_counting_up_is_no_identifier() -> None:
    assert infer(list(range(1960, 2020)), "year").kind is Kind.INTEGER


@pytest.mark.parametrize(
    ("values", "sentinels"),
    [
        ([str(i * 3) for i in ROWS] + ["?"] * 3, ["?"]),
        ([str(i * 3) for i in ROWS] + ["unknown", "N/A"], ["N/A", "unknown"]),
        ([i * 3 for i in ROWS] + [9999] * 3, [9999]),
        ([i * 3 for i in ROWS] + [-1] * 3, [-1]),
        ([i * 0.3 for i in ROWS] + [-999.0] * 3, [-999.0]),
        (["x", "y", "?", "unknown"] * 9, ["?", "unknown"]),
        ([str(i * 3) for i in ROWS] + ["never"] * 4, ["never"]),
        ([i * 3 for i in ROWS], []),
        ([i - 30 for i in ROWS] * 2, []),
    ],
)
def test_sentinels_are_found(values: list[Any], sentinels: list[Any]) -> None:
    assert sorted(map(str, infer(values).sentinels)) == sorted(map(str, sentinels))


def test_numeric_sentinel_is_outside_the_range() -> None:
    column = infer([i * 3 for i in ROWS] + [9999] * 3)
    assert (column.minimum, column.maximum) == (0, 177)


def test_range_decimals_and_nullable() -> None:
    column = infer(["1.25", "", "3.5", "2.75"] * 9)
    assert (column.minimum, column.maximum, column.decimals) == (1.25, 3.5, 2)
    assert infer([1.5, None] + [i * 0.3 for i in ROWS]).nullable
    assert infer([1.5, math.nan] + [i * 0.3 for i in ROWS]).nullable


def test_ambiguous_dates_say_so() -> None:
    column = infer(["01/02/2020", "03/04/2020"] * 9)
    assert column.confidence <= 0.5
    assert "%d/%m/%Y" in column.reason


def test_fifty_thousand_values_stay() -> None:
    n = 100_000
    column = infer([f"shop {i % 50_000}" for i in range(n)])
    assert column.kind is Kind.CATEGORICAL
    assert column.categories is not None
    assert len(column.categories) == 50_000


def test_whole_number_target_is_a_class() -> None:
    assert infer([i % 3 for i in ROWS], target="x").kind is Kind.CATEGORICAL
    assert infer([i % 3 for i in ROWS]).kind is Kind.ORDINAL


def test_person_has_the_last_word() -> None:
    column = infer([i % 5 for i in ROWS], overrides={"x": "integer"})
    assert (column.kind, column.confidence, column.maximum) == (Kind.INTEGER, 1.0, 4)
    column = infer(
        ["lo", "hi"] * 30, overrides={"x": {"kind": "ordinal", "categories": ["lo", "hi"]}}
    )
    assert column.categories == ["lo", "hi"]
    column = infer(["1", "2", "x"] * 20, overrides={"x": {"kind": "integer", "sentinels": ["x"]}})
    assert (column.kind, column.nullable) == (Kind.INTEGER, True)
    assert infer([None] * N, overrides={"x": "constant"}).kind is Kind.CONSTANT


@pytest.mark.parametrize(
    ("values", "options", "error", "said"),
    [
        ([None] * N, {}, InputError, "column 'x' has no value in any row; remove the column"),
        ([""] * N, {}, InputError, "column 'x' has no value in any row"),
        ([1.5, math.inf] * 30, {}, InputError, "column 'x', row 1: the value is infinite"),
        (["1.5", "-inf"] * 30, {}, InputError, "column 'x', row 1: the value is infinite"),
        ([*map(str, ROWS), "12O"], {}, InputError, "mixes numbers and text: row 60 holds '12O'"),
        ([[1]] * N, {}, InputError, "column 'x' holds List"),
        ([5] * N, {"target": "x"}, InputError, "the target 'x' has the same value in every row"),
        (list(ROWS), {"target": "x"}, InputError, "the target 'x' is an identifier"),
        ([1, 2] * 30, {"target": "otter"}, SchemaError, "did you mean 'other'"),
        ([1, 2] * 30, {"overrides": {"y": "integer"}}, SchemaError, "names 'y', which the table"),
        ([1, 2] * 30, {"overrides": {"x": "intger"}}, SchemaError, "did you mean 'integer'"),
        (["a", "b"] * 30, {"overrides": {"x": "integer"}}, SchemaError, "row 0: 'a' is not a num"),
        (["1.5", "2"] * 30, {"overrides": {"x": "integer"}}, SchemaError, "row 0: 1.5 is not a wh"),
        ([1.5, 2] * 30, {"overrides": {"x": "integer"}}, SchemaError, "row 0: 1.5 is not a whole"),
        (["a", "b"] * 30, {"overrides": {"x": "date"}}, SchemaError, "no format says how"),
    ],
)
def test_bad_table_is_one_sentence(
    values: list[Any], options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        infer(pl.Series(values, strict=False), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame({"a": [1, 2]}), "the table has 1 column; at least two"),
        (pl.DataFrame({"a": [1], "b": [2]}), "the table has one row"),
        (pl.DataFrame({"a": [], "b": []}), "the table has no rows"),
    ],
)
def test_too_small_a_table(frame: pl.DataFrame, said: str) -> None:
    with pytest.raises(InputError, match=said):
        infer_schema(frame)


spellings = st.sampled_from(
    [
        st.integers(-(10**7), 10**7).map(lambda i: f"{i:,}"),
        st.floats(-1e6, 1e6).map(lambda x: f"{x:,.3f}"),
        st.floats(-1e6, 1e6).map(lambda x: f"{x:.2f}".replace(".", ",")),
        st.timedeltas(dt.timedelta(0), dt.timedelta(400)).map(str),
        st.times().map(str),
        st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)).map(str),
        st.dates(dt.date(1900, 1, 1), dt.date(2099, 1, 1)).map(lambda d: d.strftime("%Y%m%d")),
        st.dates(dt.date(1900, 1, 1), dt.date(2099, 1, 1)).map(lambda d: d.strftime("%d %b %Y")),
    ]
).flatmap(
    lambda spelled: st.lists(
        st.one_of(st.none(), spelled, st.sampled_from(["?", "NA"])), min_size=2, max_size=30
    )
)
texts = st.one_of(
    st.text(max_size=6),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_infinity=False).map(str),
    st.dates().map(str),
    st.sampled_from(["?", "NA", "unknown", "007", "true", "false", "1e5", "+3", ".5", " 4"]),
)


@settings(max_examples=300)
@given(st.one_of(st.lists(st.one_of(st.none(), texts), min_size=2, max_size=30), spellings))
def test_any_text_is_typed_or_one_sentence(values: list[str | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=pl.String), "y": range(len(values))})
    try:
        schema = infer_schema(frame)
    except InputError:
        return
    again = typed(untyped(typed(frame, schema), schema), schema)
    assert again.equals(typed(frame, schema))


@given(
    st.sampled_from([pl.Int8, pl.UInt16, pl.Int64, pl.Float32, pl.Float64]),
    st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=2, max_size=40),
)
def test_numbers_of_any_width_come_back(dtype: Any, values: list[int | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype), "y": range(len(values))})
    try:
        schema = infer_schema(frame)
    except InputError:
        assert set(values) == {None}
        return
    assert untyped(typed(frame, schema), schema).equals(frame)


def test_written_numbers_look_as_they_were_read() -> None:
    frame = pl.DataFrame(
        {
            "fixed": [f"{i * 0.25:.2f}" for i in ROWS],
            "short": [f"{i * 0.25:g}" for i in ROWS],
            "point": [f"{i * 7:.1f}" for i in ROWS],
            "marked": ["?" if i % 9 == 0 else str(i * 3) for i in ROWS],
            "day": [f"{i % 28 + 1:02d}.03.2021" for i in ROWS],
            "comma": [f"{i * 0.25:.2f}".replace(".", ",") for i in ROWS],
            "short comma": [f"{i * 0.25:g}".replace(".", ",") for i in ROWS],
            "groups": [f"{i * i * 900:,}" for i in ROWS],
            "groups and point": [f"{i * i * 90.5:,.2f}" for i in ROWS],
            "truth": ["TRUE", "FALSE"] * 30,
            "hour": [f"{i % 24:02d}:{i % 60:02d}" for i in ROWS],
            "span": [f"{i}:{i % 60:02d}:{i % 60:02d}.5" for i in ROWS],
            "days": [f"{i} days 03:00:00" for i in ROWS],
            "digits": [f"202103{i % 28 + 1:02d}" for i in ROWS],
        }
    )
    schema = infer_schema(frame)
    meant = typed(frame, schema)
    assert [str(dtype) for dtype in meant.dtypes] == [
        *("Float64", "Float64", "Int64", "Int64", "Date"),
        *("Float64", "Float64", "Int64", "Float64", "Boolean"),
        *["Duration(time_unit='us')"] * 3,
        "Date",
    ]
    assert untyped(meant, schema).equals(frame)


def test_dates_in_digits_come_back_as_numbers() -> None:
    frame = pl.DataFrame({"day": [20210301 + i % 28 for i in ROWS], "y": ROWS})
    schema = infer_schema(frame)
    assert (schema["day"].minimum, schema["day"].maximum) == ("2021-03-01", "2021-03-28")
    assert typed(frame, schema)["day"].dtype == pl.Date
    assert untyped(typed(frame, schema), schema).equals(frame)


def test_integers_keep_all_their_digits() -> None:
    values = [str(10**17 + i * i) for i in ROWS]
    frame = pl.DataFrame({"x": values, "y": ROWS})
    schema = infer_schema(frame)
    assert untyped(typed(frame, schema), schema)["x"].to_list() == values


def test_a_meaning_says_nothing_of_the_values() -> None:
    plain = infer([i * i for i in ROWS])
    reported = infer([i * i for i in ROWS], overrides={"x": {"meaning": "visits in a year"}})
    assert reported == plain.model_copy(update={"description": "visits in a year"})


@pytest.mark.parametrize(("old", "new"), [("why", "reason"), ("meaning", "description")])
def test_fields_under_their_old_names_are_read(old: str, new: str) -> None:
    text = f"columns: {{x: {{kind: integer, {old}: counted}}}}"
    (fields, *_) = Schema.overrides_from_yaml(text)
    assert fields["x"] == {"kind": "integer", new: "counted"}
    assert getattr(Schema.build({"x": {"kind": "integer", old: "counted"}})["x"], new) == "counted"
    assert getattr(infer([1, 5, 9] * 9, overrides={"x": {old: "counted"}}), new) == "counted"
    assert f"{new}: counted" in Schema.build({"x": {"kind": "integer", old: "counted"}}).to_yaml()
