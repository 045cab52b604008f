"""What cells mean: texts that stand for missing, dates, large whole numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import SchemaError
from tablewright.schema import Kind
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.inference.times import dates_to_text, find_date_format, parse_dates
from tablewright.tables.table import load_table, structural_cells

N = 60


# missing --------------------------------------------------------------------------------------


def one(texts: list[str | None], **fields: object) -> tuple[pl.Series, str]:
    frame = pl.DataFrame({"x": texts, "y": [i % 2 for i in range(len(texts))]})
    table = load_table(frame, overrides={"x": fields} if fields else None)
    assert table.restore(table.frame).equals(frame) or table.frame["x"].null_count()
    return table.frame["x"], table.schema["x"].note


def test_na_is_namibia_among_codes_of_countries() -> None:
    read, note = one(["NA", "ZA", "BW", "ZM", None] * 12)
    assert read.null_count() == 12
    assert "Namibia" in note


def test_doubtful_texts_are_reported() -> None:
    read, note = one(["NA", "red", "blue", "green"] * 12)
    assert read.null_count() == 12
    assert "holds 'NA', read as missing" in note


@pytest.mark.parametrize("text", ["NA", "nan", "null", "None", "N/A", "Null"])
@pytest.mark.parametrize(
    "fields",
    [{"sentinels": []}, {"kind": "categorical", "categories": ["red", "TEXT"]}],
)
def test_declared_values_win(text: str, fields: dict[str, object]) -> None:
    if "categories" in fields:
        fields = {**fields, "categories": ["red", text]}
    frame = pl.DataFrame({"x": [text, "red", None] * 20, "n": [i * 1.5 for i in range(60)]})
    result = Synthesizer("trees", random_state=0, schema={"x": fields}).fit(frame)
    assert text in (result.schema_["x"].categories or ())
    filled = result.impute(frame)
    assert filled["x"].filter(frame["x"] == text).to_list() == [text] * 20
    assert filled["x"].null_count() == 0
    assert set(result.sample(10, where=f"x = '{text}'")["x"]) == {text}


def test_only_the_named_columns_are_filled() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(0, 1, N), "b": rng.normal(0, 1, N)})
    frame = frame.with_columns(
        pl.when(pl.int_range(N) % 3 == 0).then(None).otherwise(pl.all()).name.keep()
    )
    filled = Synthesizer("trees", random_state=0).fit(frame).impute(frame, columns=["a"])
    assert (filled["a"].null_count(), filled["b"].null_count()) == (0, 20)


def test_cells_empty_by_structure_can_be_left() -> None:
    rng = np.random.default_rng(0)
    married = np.where(np.arange(200) % 2 == 0, "yes", "no")
    income = pl.Series(rng.normal(50, 5, 200)).set(pl.Series(married == "no"), None)
    income = income.set(pl.Series(np.arange(200) % 10 == 0), None)
    frame = pl.DataFrame({"married": married, "income": income})
    (condition, _) = structural_cells(frame, infer_schema(frame))["income"]
    assert condition == "married = 'no'"
    filled = Synthesizer("trees", random_state=0).fit(frame).impute(frame, leave_structural=True)
    assert filled["income"].null_count() == 100
    assert filled.filter(pl.col("married") == "yes")["income"].null_count() == 0


# dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2023-01-20 16:16:00+02", "2023-07-20 06:16:00+02"], "%Y-%m-%d %H:%M:%S+02"),
        (["2023-01-20T16:16:00+05:30", "2023-07-20T06:16:00+05:30"], "%Y-%m-%dT%H:%M:%S+05:30"),
        (
            ["2023-01-20 16:16:00+01", "2023-07-20 06:16:00+02"],
            "%Y-%m-%d %H:%M:%S%:::z [Europe/Berlin]",
        ),
        (
            ["2023-01-20 16:16:00-05:00", "2023-07-20 06:16:00-04:00"],
            "%Y-%m-%d %H:%M:%S%:z [America/New_York]",
        ),
        (["5/6/2023", "12/31/2023"], "%-m/%-d/%Y"),
        (["18-Jul-23", "01-Feb-24"], "%d-%b-%y"),
        (["18-JUL-23", "01-FEB-24"], "%d-%^b-%y"),
        (["2023-05-10", "2023-05-11", "23/02/2022", "24/02/2022"], "%Y-%m-%d|%d/%m/%Y"),
        (
            ["2023-05-10 10:11:12.500000000", "2023-05-11 10:11:12.123456000"],
            "%Y-%m-%d %H:%M:%S%.9f",
        ),
    ],
)
def test_dates_are_written_as_they_were_read(texts: list[str], form: str) -> None:
    values = pl.Series(texts)
    result = find_date_format(values)
    assert result is not None
    assert result.text == form
    written = dates_to_text(parse_dates(values, form), form).to_list()
    if "|" in form:
        assert written == ["2023-05-10", "2023-05-11", "2022-02-23", "2022-02-24"]
        assert "mixes dates" in result.note
    else:
        assert written == texts


def test_nanoseconds_are_moments_and_a_note_says_what_is_written() -> None:
    texts = [f"2023-01-{day:02d}T16:16:00.12345678{day % 10}Z" for day in range(1, 29)]
    result = find_date_format(pl.Series(texts))
    assert result is not None
    assert result.note == "holds nanoseconds; rows are written in whole microseconds"
    moments = parse_dates(pl.Series(texts), result.text)
    assert moments[2] == dt.datetime(2023, 1, 3, 16, 16, 0, 123456)
    assert dates_to_text(moments, result.text)[2] == "2023-01-03T16:16:00.123456000Z"


def test_nanoseconds_that_begin_with_zeros_are_moments() -> None:
    texts = ["2023-01-20 16:16:00.012345677", "2023-01-21 16:16:00.000000009"]
    result = find_date_format(pl.Series(texts))
    assert result is not None
    assert result.text == "%Y-%m-%d %H:%M:%S%.9f"


def test_offsets_of_no_zone_are_one_sentence() -> None:
    values = pl.Series(["2023-01-20 16:16:00+01:00", "2023-01-20 16:16:00+09:30"] * 5)
    result = find_date_format(values)
    assert result is not None
    assert "all rows are written in UTC" in result.note


@given(st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2037, 1, 1)), min_size=3))
def test_moments_of_a_zone_survive(moments: list[dt.datetime]) -> None:
    utc = pl.Series(moments, dtype=pl.Datetime("us")).dt.truncate("1s").dt.replace_time_zone("UTC")
    texts = utc.dt.convert_time_zone("Europe/Berlin").dt.strftime("%Y-%m-%d %H:%M:%S%:z")
    result = find_date_format(texts)
    assert result is not None
    if not result.note:
        assert dates_to_text(parse_dates(texts, result.text), result.text).equals(texts)


# large whole numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_account_numbers_keep_their_digits(as_text: bool) -> None:
    rng = np.random.default_rng(0)
    ids = [10**17 + int(i) for i in rng.choice(10**6, 200, replace=False)]
    accounts = [4 * 10**17 + int(i) for i in rng.integers(0, 10**6, 40)]
    frame = pl.DataFrame({"id": ids, "account": accounts * 5, "y": ["a", "b"] * 100})
    frame = frame.with_columns(pl.col("id", "account").cast(pl.String)) if as_text else frame
    result = Synthesizer("trees", random_state=0).fit(frame)
    assert result.schema_["id"].kind is Kind.IDENTIFIER
    assert result.schema_["account"].kind is Kind.CATEGORICAL
    rows = result.sample(200)
    assert rows.schema == frame.schema
    assert rows["id"].n_unique() == 200
    assert not set(rows["id"]) & set(frame["id"])
    assert set(rows["account"]) <= set(frame["account"])


def test_number_that_would_lose_digits_is_refused() -> None:
    frame = pl.DataFrame({"x": [10**17 + i for i in range(N)], "y": ["a", "b"] * 30})
    with pytest.raises(SchemaError, match="lose digits when they are learned as numbers"):
        infer_schema(frame, overrides={"x": "integer"})
