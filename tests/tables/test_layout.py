"""Rows put together from what a generator drew, constants and fresh identifiers."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.inference.infer import infer_schema
from tests.people import people


def learned(frame: pl.DataFrame) -> Layout:
    return Layout.learn(frame, infer_schema(frame))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_rows_that_are_taken_apart_and_put_together_are_the_same() -> None:
    frame = people(80)
    layout = learned(frame)
    back = layout.assemble(layout.encode(frame).values, rng())
    assert_frame_equal(back.drop("patient_id"), frame.drop("patient_id"))
    assert not set(back["patient_id"]) & set(frame["patient_id"])


def test_fixed_cells_win() -> None:
    frame = people(30)
    layout = learned(frame)
    fixed = frame.with_columns(age=pl.when(pl.int_range(30) < 9).then(None).otherwise("age"))
    result = layout.assemble(layout.encode(frame[::-1]).values, rng(), fixed=fixed)
    assert result["patient_id"].equals(frame["patient_id"])
    assert result["age"].to_list() == frame["age"][::-1][:9].to_list() + frame["age"][9:].to_list()


def test_parts_of_a_table_have_identifiers_of_their_own() -> None:
    frame = people(40)
    layout = learned(frame)
    values = layout.encode(frame).values
    whole = layout.assemble(values, rng())
    parts = [layout.assemble(values[at : at + 16], rng(), start=at) for at in (0, 16, 32)]
    assert_frame_equal(pl.concat(parts), whole)


def test_a_stored_layout_is_the_same() -> None:
    frame = people(60)
    layout = learned(frame)
    facts, arrays, frames = layout.state()
    again = Layout.restore(json.loads(json.dumps(facts)), arrays, frames)
    values = layout.encode(frame).values
    np.testing.assert_array_equal(again.encode(frame).values, values)
    assert_frame_equal(again.assemble(values, rng()), layout.assemble(values, rng()))


def test_a_constant_is_the_value_that_occurs() -> None:
    schema = Schema.build({"n": "integer", "unit": "constant", "void": "constant"})
    frame = pl.DataFrame({"n": [1, 2], "unit": [None, "kg"], "void": [None, None]})
    result = Layout.learn(frame, schema).assemble(np.array([[5.0]]), rng())
    assert result.row(0) == (5, "kg", None)


def test_nothing_to_learn_is_said() -> None:
    schema = Schema.build({"unit": "constant"})
    with pytest.raises(InputError, match="nothing to learn; add a column"):
        Layout.learn(pl.DataFrame({"unit": ["kg", "kg"]}), schema)
