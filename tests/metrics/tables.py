"""Tables that the tests of metrics share: mixed kinds, missing values, known dependence."""

from __future__ import annotations

import numpy as np
import polars as pl

from tablewright.metrics import privacy
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.scores import Score
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "age": {"kind": "integer", "decimals": 0},
        "income": {"kind": "continuous", "decimals": 2},
        "city": "categorical",
        "member": "boolean",
        "joined": "date",
        "label": "categorical",
    },
    target="label",
)


def draw(n_rows: int, seed: int) -> pl.DataFrame:
    """Draw rows of one population."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n_rows)
    city = rng.choice(["ash", "birch", "cedar"], n_rows, p=[0.6, 0.3, 0.1])
    income = np.exp(rng.normal(7 + age / 60 + 0.5 * (city == "ash"), 0.4))
    probability = 1 / (1 + np.exp(-(age - 60) / 8 - (city == "cedar") * 2))
    joined = np.datetime64("2015-01-01") + (90 - age) * 20 + rng.integers(0, 200, n_rows)
    frame = pl.DataFrame(
        {
            "age": age,
            "income": np.round(income, 2),
            "city": city,
            "member": rng.random(n_rows) < 0.3,
            "joined": joined.astype("datetime64[D]"),
            "label": np.where(rng.random(n_rows) < probability, "yes", "no"),
        }
    )
    empty = rng.random(n_rows) < 0.1
    return frame.with_columns(
        pl.when(pl.Series(~empty)).then(pl.col("income")).alias("income"),
        pl.when(pl.Series(np.roll(~empty, 3))).then(pl.col("city")).alias("city"),
    )


def noise(n_rows: int, seed: int) -> pl.DataFrame:
    """Draw every cell evenly from its range."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2015-01-01") + rng.integers(0, 1640, n_rows)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "income": np.round(rng.uniform(400, 20000, n_rows), 2),
            "city": rng.choice(["ash", "birch", "cedar"], n_rows),
            "member": rng.random(n_rows) < 0.5,
            "joined": days.astype("datetime64[D]"),
            "label": rng.choice(["yes", "no"], n_rows),
        }
    )


def three(
    n_train: int = 300, n_holdout: int = 200
) -> tuple[FeatureEncoder, EncodedRows, EncodedRows]:
    """Fit an encoder on training rows; return it with training and holdout rows."""
    train = draw(n_train, 1)
    encoder = FeatureEncoder.fit(train, SCHEMA)
    return encoder, encoder.rows(train), encoder.rows(draw(n_holdout, 2))


def near_copies(
    real: EncodedRows, made: EncodedRows, held: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Search neighbours and count the near copies."""
    return privacy.near_copies(privacy.search(real, made, held, rng))


def distance_share(
    real: EncodedRows, made: EncodedRows, held: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Search neighbours and compare the distances to training and holdout rows."""
    return privacy.distance_share(privacy.search(real, made, held, rng))


def distance_ratio(
    real: EncodedRows, made: EncodedRows, held: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Search neighbours and compare the nearest with the second nearest."""
    return privacy.distance_ratio(privacy.search(real, made, held, rng), rng)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def encoder_of(frame: pl.DataFrame, target: str | None = None, **kinds: object) -> FeatureEncoder:
    return FeatureEncoder.fit(frame, Schema.build(kinds, target=target))


def numeric(n_rows: int, seed: int, n_columns: int = 2) -> pl.DataFrame:
    return pl.DataFrame(rng(seed).normal(size=(n_rows, n_columns)), schema=[*"abcdef"][:n_columns])


def encoded(frame: pl.DataFrame, like: pl.DataFrame | None = None) -> EncodedRows:
    base = frame if like is None else like
    return encoder_of(base, **dict.fromkeys(base.columns, "continuous")).rows(frame)
