"""Frames to matrices and back: no cell changes on the way."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from tablewright.errors import InputError
from tablewright.schema import Kind, Schema
from tablewright.tables.encoding.codec import Codec

MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
CELLS: dict[str, tuple[Any, Any]] = {
    "continuous": (pl.Float64, st.floats(allow_nan=False, allow_infinity=False)),
    "integer": (pl.Int64, st.integers(-(2**53), 2**53)),
    "ordinal": (pl.Int16, st.integers(-5, 5)),
    "categorical": (pl.String, st.text(max_size=5)),
    "text": (pl.String, st.text(max_size=20)),
    "boolean": (pl.Boolean, st.booleans()),
    "date": (pl.Date, st.dates(date(1, 1, 1), date(9999, 1, 1))),
    "datetime": (pl.Datetime("ms"), MOMENTS),
    "timedelta": (pl.Duration("us"), st.timedeltas(timedelta(-9999), timedelta(9999))),
}


@pytest.mark.parametrize("kind", list(CELLS))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_kind_of_cell_comes_back(kind: str, data: st.DataObject) -> None:
    dtype, cells = CELLS[kind]
    values = data.draw(st.lists(st.none() | cells, min_size=1, max_size=12))
    series = pl.Series("c", values, dtype=dtype)
    codec = Codec(Schema.build({"c": kind})).fit(series.to_frame())
    matrix = codec.encode(series.to_frame())
    assert (np.isnan(matrix.values[:, 0]) == series.is_null().to_numpy()).all()
    assert_series_equal(codec.decode(matrix.values)["c"], series, rel_tol=0, abs_tol=0)


@pytest.mark.parametrize(
    ("kind", "series"),
    [
        (
            "datetime",
            pl.Series("c", [datetime(2024, 3, 31, 1), None]).dt.replace_time_zone("Europe/Rome"),
        ),
        ("datetime", pl.Series("c", [date(2024, 1, 31), date(1960, 5, 1)])),
        ("ordinal", pl.Series("c", ["lo", "hi"], dtype=pl.Enum(["lo", "mid", "hi"]))),
        ("categorical", pl.Series("c", ["x", None, "y"], dtype=pl.Categorical)),
        ("continuous", pl.Series("c", [0.1, 2.5], dtype=pl.Float32)),
        ("integer", pl.Series("c", [1, 250], dtype=pl.UInt8)),
    ],
)
def test_data_types_come_back(kind: str, series: pl.Series) -> None:
    codec = Codec(Schema.build({"c": kind})).fit(series.to_frame())
    back = codec.decode(codec.encode(series.to_frame()).values)["c"]
    assert back.dtype == series.dtype
    assert back.to_list() == series.to_list()


def test_numbers_are_written_as_the_schema_says() -> None:
    schema = Schema.build({"pay": {"kind": "continuous", "decimals": 1}, "n": "integer"})
    codec = Codec(schema).fit(pl.DataFrame({"pay": [1.5, 2.0], "n": [1, 2]}))
    assert codec.decode(np.array([[1.2345, 1.6]])).row(0) == (1.2, 2)
    assert [field.step for field in codec.fields] == [0.1, 1.0]


def test_declared_categories_lead_the_codes() -> None:
    schema = Schema.build({"size": {"kind": "ordinal", "categories": ["S", "M", "L"]}})
    codec = Codec(schema).fit(pl.DataFrame({"size": ["L", "XS", "S"]}))
    assert codec.levels("size") == ["S", "M", "L", "XS"]
    assert codec.fields[0].ordered


def test_a_value_that_was_not_learned_is_named() -> None:
    codec = Codec(Schema.build({"c": Kind.CATEGORICAL})).fit(pl.DataFrame({"c": ["red", "blue"]}))
    with pytest.raises(InputError, match=r"'c', row 1: the value 'bleu' .* did you mean 'blue'"):
        codec.encode(pl.DataFrame({"c": ["red", "bleu"]}))


def test_an_absent_column_and_an_infinite_value_are_named() -> None:
    codec = Codec(Schema.build({"c": "continuous"})).fit(pl.DataFrame({"c": [1.0]}))
    with pytest.raises(InputError, match="no column 'c'; there are 'd'"):
        codec.encode(pl.DataFrame({"d": [1.0]}))
    with pytest.raises(InputError, match="'c', row 1: the value is infinite"):
        codec.encode(pl.DataFrame({"c": [1.0, float("inf")]}))
