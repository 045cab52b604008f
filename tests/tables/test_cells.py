"""Single cells: truth values, codes, durations, dates, and how numbers are written."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import SchemaError
from tablewright.schema import Column, Kind
from tablewright.tables.inference.casting import typed_series, untyped_series
from tablewright.tables.inference.cells import (
    NumberFormat,
    numbers_to_text,
    parse_booleans,
    parse_numbers,
    plain_format,
    read_number_format,
    spells_booleans,
    spells_code,
    spells_number,
    without_missing,
)
from tablewright.tables.inference.times import (
    dates_to_text,
    durations_to_text,
    find_date_format,
    find_duration_format,
    is_digit_date,
    parse_dates,
    parse_durations,
    parse_moment,
    times_from_iso,
    times_to_iso,
)


def text(*values: str | None) -> pl.Series:
    return pl.Series("x", values, dtype=pl.String)


# numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled", ["1", "-1", "+1", " 1 ", "1.", ".5", "1.5e3", "1E-4", "inf", "-Infinity"]
)
def test_what_is_a_number(spelled: str) -> None:
    assert spells_number(text(spelled))[0]


@pytest.mark.parametrize(
    "spelled", ["", ".", "1,5", "1 5", "0x1", "1e", "e5", "1e12345", "--1", "nan", "١"]
)
def test_what_is_no_number(spelled: str) -> None:
    assert not spells_number(text(spelled))[0]


@pytest.mark.parametrize(
    ("spelled", "is_code"),
    [
        *(
            ("007", True),
            ("-01", True),
            ("0", False),
            ("00", False),
            ("0.5", False),
            ("00.5", False),
        ),
        *(("10", False), ("9" * 18, False), ("9" * 19, True), ("0000000", False), (" 012 ", True)),
    ],
)
def test_digits_that_a_number_would_lose(spelled: str, is_code: bool) -> None:
    assert spells_code(text(spelled))[0] is is_code


def test_whole_numbers_are_integers_and_others_floats() -> None:
    whole, broken = (
        parse_numbers(text("+1", " 20 ", None), "x"),
        parse_numbers(text("1", "2.5"), "x"),
    )
    assert whole.to_list() == [1, 20, None]
    assert broken.to_list() == [1.0, 2.5]
    assert [whole.dtype, broken.dtype] == [pl.Int64, pl.Float64]
    with pytest.raises(
        SchemaError, match=r"'x', row 1: 'b' is not a number; correct.*sentinels: \[b\]"
    ):
        parse_numbers(text("1", "b"), "x")
    with pytest.raises(SchemaError, match=r"row 0: '1\.x' is not a number written as '0,0'"):
        parse_numbers(text("1.x"), "x", "0,0")


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        ("0.00", 1234.5, "1234.50"),
        ("#,##0.00", 1234567.891, "1,234,567.89"),
        ("#,##0", 999, "999"),
        ("#,##,##0", 123456789, "12,34,56,789"),
        ("#,##,##0", 12345, "12,345"),
        ("#,##,##0", 123, "123"),
        ("0.0##", 1.5, "1.5"),
        ("0.0##", 1.23456, "1.235"),
        ("0.00", -0.001, "0.00"),  # no minus before zero
        ("0.00", -0.005001, "-0.01"),
        ("$0.00;($0.00)", -2, "($2.00)"),
        ("$0.00;$-0.00", -2, "$-2.00"),
        ("0.00;0.00-", -2, "2.00-"),
        ("0 kr", -5, "-5 kr"),
        ("0.000E+00", 12345.0, "1.234E+04"),
        ("0.0e-0", 12345.0, "1.2e4"),
        ("0,0E+00", -0.00012, "-1,2E-04"),
    ],
)
def test_numbers_are_written_by_their_format(form: str, number: float, written: str) -> None:
    assert numbers_to_text(pl.Series([number, None]), form).to_list() == [written, None]


@pytest.mark.parametrize(
    ("form", "mark"),
    [("0.00", "."), ("0,00", ","), ("#,##0", "."), ("#.##0", ","), ("0", None), ("# ##0", None)],
)
def test_the_decimal_mark_that_a_format_shows(form: str, mark: str | None) -> None:
    assert NumberFormat.parse(form).decimal_mark == mark


@pytest.mark.parametrize(
    ("texts", "mark", "form", "rival"),
    [
        (["1,234"], None, "#,##0", "0,000"),
        (["1,234"], ",", "0,000", "#,##0"),
        (["1,234", "1,2"], None, "0,0##", None),
        (["1,234,567"], ",", "#,##0", None),
        (["12,34,567"], None, "#,##,##0", None),
        (["1.234,5", "6"], ".", "#.##0,#", None),
        (["-$5", "$6"], None, "$0", None),
        (["$-5", "$6"], None, "$0;$-0", None),
        (["5%"], None, "0%", None),
        (["€5", "$5"], None, None, None),
        (["5 €", "5"], None, None, None),
        (["$5 €"], None, None, None),
        (["5", "6"], None, None, None),
        (["1,23,4"], None, None, None),
        (["+1 234"], None, None, None),
        (["+1,5"], ",", "0,0", None),
    ],
)
def test_formats_of_numbers_are_found(
    texts: list[str], mark: str | None, form: str | None, rival: str | None
) -> None:
    reading = read_number_format(text(*texts), mark)
    seen = (
        (None, None)
        if reading is None
        else (str(reading.form), reading.rival and str(reading.rival))
    )
    assert seen == (form, rival)


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["1.0", "2.0"], "0.0"),
        (["1.", "2."], None),
        (["1", "2"], None),
        (["1.25", "2"], "0.##"),
        (["1e5", "2e6"], "0e-0"),
        (["1e5", "2E6"], None),
        (["1e5", "20"], None),
        (["1.5e+05", "1.25e+05"], None),
    ],
)
def test_plain_numbers_have_a_format_where_one_writes_them_all(
    texts: list[str], form: str | None
) -> None:
    assert plain_format(text(*texts)) == form


def test_what_a_format_does_not_read_stays_as_it_is() -> None:
    form = NumberFormat.parse("#,##0.00 EUR")
    assert form.to_plain(text("1,234.50 EUR", "7", "$5", "1.234,5 EUR", None)).to_list() == [
        *("1234.50", "7", "$5", "1.234,5 EUR", None)
    ]


# truth values and missing ones ----------------------------------------------------------------


def test_truth_values() -> None:
    assert spells_booleans(text("TRUE", "FALSE"))
    assert not spells_booleans(text("TRUE"))
    assert not spells_booleans(text("true", "FALSE", "TRUE"))
    assert parse_booleans(text("True", "FALSE", "x", None)).to_list() == [True, False, None, None]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, ["a", "unknown", "x", "Null"]),
        ({"vague": True}, ["a", "x"]),
        ({"missing": "empty"}, ["a", "NA", "unknown", "x", "null ", "Null"]),
        ({"missing": "listed", "also": ["X "]}, ["a", "NA", "unknown", "null ", "Null"]),
        ({"also": ["x"]}, ["a", "unknown", "Null"]),
        ({"kept": ["NA"]}, ["a", "NA", "unknown", "x", "Null"]),
        ({"also": [7]}, ["a", "unknown", "x", "Null"]),
    ],
)
def test_which_texts_are_missing(options: dict[str, Any], kept: list[str]) -> None:
    cells = text("a", "NA", "unknown", "", " ", "x", "null ", "Null", None)
    assert without_missing(cells, **options).drop_nulls().to_list() == kept


# times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelled", "form", "seconds"),
    [
        ("09:30", "HH:MM", 34_200),
        ("9:30", "H:MM", 34_200),
        ("-1:30", "H:MM", -5_400),
        ("100:00:01.5", "HH:MM:SS", 360_001.5),
        ("-00:00:00.000001", "HH:MM:SS", -1e-6),
        ("1 day 00:00:01", "D days HH:MM:SS", 86_401),
        ("12 days 23:59:59.25", "D days HH:MM:SS", 1_123_199.25),
    ],
)
def test_durations_are_read(spelled: str, form: str, seconds: float) -> None:
    assert find_duration_format(text(spelled)) == form
    assert parse_durations(text(spelled, None), form).to_list() == [
        dt.timedelta(seconds=seconds),
        None,
    ]


@pytest.mark.parametrize("spelled", ["9:60", "24", "1:2", "9:30 PM", "x", "1:00:60", "٠٩:٣٠"])
def test_what_is_no_duration(spelled: str) -> None:
    assert find_duration_format(text(spelled)) is None


@given(
    st.timedeltas(dt.timedelta(-400), dt.timedelta(400)), st.sampled_from(["HH:MM:SS", "H:MM:SS"])
)
def test_durations_survive(duration: dt.timedelta, form: str) -> None:
    written = durations_to_text(pl.Series([duration]), form)
    assert parse_durations(written, form)[0] == duration


@given(st.timedeltas(dt.timedelta(0), dt.timedelta(400)))
def test_durations_in_days_survive(duration: dt.timedelta) -> None:
    written = durations_to_text(pl.Series([duration]), "D days HH:MM:SS")
    assert parse_durations(written, "D days HH:MM:SS")[0] == duration
    assert written[0].startswith(f"{duration.days} days ")


@pytest.mark.parametrize(
    ("texts", "form", "rival"),
    [
        (["13/01/2020", "01/02/2020"], "%d/%m/%Y", None),
        (["01/13/2020", "01/02/2020"], "%m/%d/%Y", None),
        (["01/02/2020", "03/04/2020"], "%m/%d/%Y", "%d/%m/%Y"),
        (["05/05/2020", "06/06/2020"], "%m/%d/%Y", None),  # both read the same days
        (["2020-02-30"], None, None),
        (["31.12.99"], "%d.%m.%y", None),
        (["1.2.2020", "11.12.2020"], "%-d.%-m.%Y", None),
        (["January 5, 2020"], "%B %-d, %Y", None),
        (["Jan 5, 2020", "Feb 15, 2020"], "%b %-d, %Y", None),
        (["5 JAN 2020", "15 FEB 2020"], "%-d %^b %Y", None),
        (["2020-01-05 1:05 PM", "2020-01-05 11:05 AM"], "%Y-%m-%d %-I:%M %p", None),
        (["2020-01-05 9:05", "2020-01-05 19:05"], "%Y-%m-%d %-H:%M", None),
        (["0999-01-05"], None, None),
        (["10.5.3.1"], None, None),
    ],
)
def test_formats_of_dates_are_found(texts: list[str], form: str | None, rival: str | None) -> None:
    result = find_date_format(text(*texts))
    assert (result and result.text, result and result.rival) == (form, rival)
    if result is not None and "%y" not in result.text:
        written = dates_to_text(parse_dates(text(*texts), result.text), result.text).to_list()
        assert written == texts or result.text == "%b %-d, %Y"


def test_a_second_format_is_no_slip_of_the_pen() -> None:
    days = [f"2020-01-{day:02d}" for day in range(1, 29)]
    mixed = find_date_format(text(*days, "29/01/2020", "30/01/2020"))
    assert mixed is not None
    assert (mixed.text, mixed.is_moment) == ("%Y-%m-%d|%d/%m/%Y", False)
    assert find_date_format(text(*days, "29/01/2020")) is None, "once is a slip"
    hundred = [f"{year}-01-{day:02d}" for year in range(2000, 2005) for day in range(1, 29)]
    assert find_date_format(text(*hundred, "29/01/2020", "30/01/2020")) is None, "2 of 142"


@pytest.mark.parametrize(
    ("value", "is_date"),
    [
        (20240229, True),
        (20230229, False),
        (19000101, True),
        (18991231, False),
        (20991231, True),
        (21000101, False),
        (20240101.0, True),
        (2024010, False),
    ],
)
def test_digits_that_are_dates(value: float, is_date: bool) -> None:
    assert is_digit_date(pl.Series([value])) is is_date


@pytest.mark.parametrize(
    ("spelled", "form", "moment"),
    [
        ("2020-05-17", None, dt.datetime(2020, 5, 17)),
        ("17.5.2020", "%-d.%-m.%Y", dt.datetime(2020, 5, 17)),
        ("17.5.2020", "%d.%m.%Y|%Y-%m-%d", dt.datetime(2020, 5, 17)),
        ("10:11:12.5", "%H:%M:%S%.3f", dt.datetime(1900, 1, 1, 10, 11, 12, 500_000)),
        (
            "2020 +02:00",
            "%Y %:z",
            dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        ),
    ],
)
def test_single_moments(spelled: str, form: str | None, moment: dt.datetime) -> None:
    assert parse_moment(spelled, form) == moment


TIMES: dict[str, tuple[Any, Any]] = {
    "date": (pl.Date, st.dates(dt.date(1, 1, 1))),
    "time": (pl.Time, st.times()),
    "duration": (pl.Duration("us"), st.timedeltas(dt.timedelta(-999), dt.timedelta(999))),
    "moment": (pl.Datetime("us"), st.datetimes(dt.datetime(1000, 1, 1))),
    "zone": (
        pl.Datetime("us", "Europe/Rome"),
        st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC)),
    ),
}


@pytest.mark.parametrize("name", TIMES)
@given(data=st.data())
def test_times_survive_as_values_of_a_list(name: str, data: st.DataObject) -> None:
    dtype, strategy = TIMES[name]
    times = pl.Series("x", [data.draw(strategy), None], dtype=dtype)
    assert times_from_iso(times_to_iso(times), dtype).equals(times)


# columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "marker"),
    [
        ({"kind": "integer", "sentinels": ["refused"]}, "refused"),
        ({"kind": "integer", "sentinels": [999]}, None),
        ({"kind": "categorical", "sentinels": ["unknown"]}, None),  # a value among words
        ({"kind": "categorical", "sentinels": ["NA"]}, "NA"),
        ({"kind": "categorical", "sentinels": ["NA"], "categories": ["NA"]}, None),
        ({"kind": "categorical", "sentinels": ["gone"], "missing": "declared"}, "gone"),
        ({"kind": "integer", "sentinels": ["NA"], "missing": "empty"}, None),
        ({"kind": "ordinal", "sentinels": ["none"], "categories": [1, 2]}, "none"),
        ({"kind": "text", "sentinels": ["unknown", "?"]}, "?"),
    ],
)
def test_a_missing_cell_is_written_as_the_file_marks_it(
    fields: dict[str, Any], marker: str | None
) -> None:
    column = Column(name="x", dtype="String", **fields)
    dtype = pl.Int64 if fields["kind"] in ("integer", "ordinal") else pl.String
    assert untyped_series(pl.Series("x", [None], dtype=dtype), column)[0] == marker


@pytest.mark.parametrize(
    ("series", "kind", "values"),
    [
        (pl.Series([1.0, None]), "integer", [1, None]),
        (pl.Series([1.5, float("nan")]), "continuous", [1.5, None]),
        (pl.Series([20240229]), "date", [dt.date(2024, 2, 29)]),
        (pl.Series([dt.time(1, 2)]), "timedelta", [dt.timedelta(hours=1, minutes=2)]),
        (pl.Series([dt.datetime(2024, 2, 29, 5)]), "date", [dt.date(2024, 2, 29)]),
        (pl.Series([dt.date(2024, 2, 29)]), "categorical", ["2024-02-29"]),
    ],
)
def test_typed_columns(series: pl.Series, kind: str, values: list[Any]) -> None:
    assert typed_series(series.alias("x"), Column(name="x", kind=Kind(kind))).to_list() == values


def test_a_kind_that_the_values_cannot_have_is_one_sentence() -> None:
    with pytest.raises(
        SchemaError, match="'x' holds Date values, which are not timedelta; say another"
    ):
        typed_series(pl.Series("x", [1], dtype=pl.Date), Column(name="x", kind=Kind.TIMEDELTA))
