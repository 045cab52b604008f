"""A population to draw tables from, so that the truth about added rows is known."""

from __future__ import annotations

import numpy as np
import polars as pl

from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "x1": "continuous",
        "x2": "continuous",
        "x3": "continuous",
        "x4": "continuous",
        "site": "categorical",
        "flag": "boolean",
        "y": "categorical",
    },
    target="y",
)


def draw(n_rows: int, rng: np.random.Generator, rare: float = 0.3) -> pl.DataFrame:
    """Draw rows: two informative numbers, an interaction, a site effect, 5 % missing cells."""
    x = rng.normal(size=(n_rows, 4))
    site = rng.choice(["a", "b", "c"], n_rows, p=[0.5, 0.3, 0.2])
    flag = rng.random(n_rows) < 0.4
    score = x[:, 0] + 0.8 * x[:, 1] * flag + 0.7 * (site == "c") + 0.6 * rng.logistic(size=n_rows)
    border = 0.3 + {0.3: 0.45, 0.1: 1.75}[rare]
    x[:, 1] += 0.5 * x[:, 2]
    columns = {f"x{j + 1}": np.where(rng.random(n_rows) < 0.05, np.nan, x[:, j]) for j in range(4)}
    frame = pl.DataFrame({**columns, "site": site, "flag": flag}).fill_nan(None)
    return frame.with_columns(pl.Series("y", np.where(score > border, "yes", "no")))


def flip(frame: pl.DataFrame, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Turn the labels of a share of the rows round."""
    chosen = pl.Series(rng.random(frame.height) < share)
    other = pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return frame.with_columns(pl.when(chosen).then(other).otherwise(pl.col("y")).alias("y"))
