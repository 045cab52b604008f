"""Identifiers and constants around the columns that are learned."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import polars as pl

from tablewright.tables.table import load_table
from tablewright.tables.unmodelled import Unmodelled

N = 40
RAW = pl.DataFrame(
    {
        "id": [f"C-{i:03d}" for i in range(N)],
        "age": [str(20 + i * i % 50) for i in range(N)],
        "row": list(range(N)),
        "country": ["NO"] * N,
        "wave": [3] * N,
        "day": [dt.date(2020, 5, 1)] * N,
        "at": [dt.datetime(2020, 5, 1, 3, 4)] * N,
        "span": [dt.timedelta(hours=3)] * N,
        "hour": [dt.time(10, 30)] * N,
        "right": [True] * N,
        "empty": [""] * N,
        "city": ["a", "b"] * (N // 2),
    }
)


def test_columns_come_back_in_order_with_the_types_that_were_read() -> None:
    table = load_table(RAW, overrides={"empty": "constant"})
    made = Unmodelled(table.frame, table.schema).add(
        table.frame.select("age", "city")[:3], np.random.default_rng(0)
    )
    back = table.restore(made)
    assert back.schema == RAW.schema
    assert back["id"].to_list() == ["C-040", "C-041", "C-042"]
    assert back["row"].to_list() == [40, 41, 42]
    assert back.drop("id", "row", "empty").equals(RAW[:3].drop("id", "row", "empty"))


def test_saved_and_loaded_adds_the_same() -> None:
    table = load_table(RAW, overrides={"empty": "constant"})
    first = Unmodelled(table.frame, table.schema)
    facts, arrays = first.state()
    again = Unmodelled.restore(table.schema, json.loads(json.dumps(facts)), arrays)
    rows = table.frame.select("age", "city")
    rng = np.random.default_rng
    assert again.add(rows, rng(1), 7).equals(first.add(rows, rng(1), 7))
