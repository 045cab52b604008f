"""Tables that the benchmarks make: narrow and wide, drawn from a seed."""

from __future__ import annotations

import numpy as np
import polars as pl

from tablewright.schema import Schema
from tablewright.tables.inference.infer import infer_schema


def narrow(n_rows: int, seed: int) -> tuple[pl.DataFrame, Schema]:
    """Five columns of mixed kinds, with names and cells that need quoting."""
    rng = np.random.default_rng(seed)
    towns = ["Ulm", "Bad Urach", "Köln", "Halle, Saale"]
    frame = pl.DataFrame(
        {
            "home, town": rng.choice(towns, n_rows),
            "pay": np.round(rng.gamma(9.0, 4_000.0, n_rows), 2),
            "age": rng.integers(18, 90, n_rows),
            "married": rng.random(n_rows) < 0.5,
            "risk": rng.choice(["low", "middle", "high"], n_rows, p=[0.7, 0.2, 0.1]),
        }
    ).with_columns(pl.when(pl.col("age") % 11 > 0).then("age").alias("age"))
    return frame, infer_schema(frame, target="risk")


def wide(n_rows: int, seed: int) -> tuple[pl.DataFrame, Schema]:
    """Thirty columns: twenty numbers, nine flags, a label."""
    rng = np.random.default_rng(seed)
    numbers = {f"measure_{index}": np.round(rng.normal(50, 9, n_rows), 1) for index in range(20)}
    flags = {f"flag_{index}": rng.choice(["t", "f"], n_rows) for index in range(9)}
    label = {"class": rng.choice(["sick", "negative"], n_rows)}
    frame = pl.DataFrame({**numbers, **flags, **label})
    return frame, infer_schema(frame, target="class")
