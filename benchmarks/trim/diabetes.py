"""The simulated Diabetes table: eight features, three levels of risk, and ways to spoil it.

Features are independent normals and the score is linear in them, as in the public simulator of
Rauba et al. 2024 (Self-Healing ML); the levels of risk are cut at the 70 % and the 90 % point of
the noisy score. In this world more cholesterol and insulin mean less risk, against medicine:
rows that are labelled by knowledge of the real world are wrong here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import norm

from tablewright.schema import Schema

LEVELS = ("LR", "MR", "HR")
TARGET = "Risk"


@dataclass(frozen=True)
class Feature:
    name: str
    mean: float
    sd: float
    weight: float
    decimals: int = 0


FEATURES = (
    Feature("HbA1c", 5.7, 0.5, 0.3, 2),
    Feature("FastingGlucose", 100, 15, 0.0075),
    Feature("Age", 50, 12, -0.01),
    Feature("BMI", 25, 4, 0.05),
    Feature("BloodPressure", 120, 15, 0.04),
    Feature("Cholesterol", 200, 40, -0.03),
    Feature("Insulin", 85, 45, -0.02),
    Feature("PhysicalActivity", 3, 1, -0.1),
)
NOISE = 1.6
RANGE = 4.5
"""Declared ranges reach so many standard deviations from the mean."""


def schema() -> Schema:
    """What a dictionary of the table says: kinds, ranges and all three levels."""
    columns = {
        f.name: {
            "kind": "continuous" if f.decimals else "integer",
            "minimum": round(f.mean - RANGE * f.sd, f.decimals),
            "maximum": round(f.mean + RANGE * f.sd, f.decimals),
            "decimals": f.decimals,
        }
        for f in FEATURES
    }
    levels = {"kind": "categorical", "categories": list(LEVELS)}
    return Schema.build({**columns, TARGET: levels}, target=TARGET)


def draw(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw rows as they come: about 7 in 10 of low, 2 of middle, 1 of high risk."""
    values = {f.name: np.round(rng.normal(f.mean, f.sd, n), f.decimals) for f in FEATURES}
    score = sum(f.weight * values[f.name] for f in FEATURES) + rng.normal(0, NOISE, n)
    return _frame(values, _levels(score, [f.weight for f in FEATURES], NOISE))


def draw_quotas(quotas: Sequence[int], rng: np.random.Generator) -> pl.DataFrame:
    """Draw so many rows of low, middle and high risk; 0 leaves a level out."""
    kept, requested = [], dict(zip(LEVELS, quotas, strict=True))
    while any(requested.values()):
        rows = draw(200, rng)
        for level, missing in requested.items():
            result = rows.filter(pl.col(TARGET) == level).head(missing)
            requested[level] -= result.height
            kept.append(result)
    together = pl.concat(kept)
    return together[rng.permutation(together.height)]


def imbalanced(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw a real sample in 7:2:1."""
    return draw_quotas([n - round(0.2 * n) - round(0.1 * n), round(0.2 * n), round(0.1 * n)], rng)


def incomplete(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw a real sample in 8:2:0, without high risk."""
    return draw_quotas([n - round(0.2 * n), round(0.2 * n), 0], rng)


def flip(
    rows: pl.DataFrame, share: float, rng: np.random.Generator, levels: Sequence[str] = LEVELS
) -> pl.DataFrame:
    """Give a share of the rows another one of some levels."""
    labels = rows[TARGET].to_numpy().copy()
    known = np.array(levels)
    for index in rng.permutation(len(labels))[: round(share * len(labels))]:
        labels[index] = rng.choice(known[known != labels[index]])
    return rows.with_columns(pl.Series(TARGET, labels))


def stretch(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Put one value of every row out of its range."""
    columns = {f.name: rows[f.name].to_numpy().copy() for f in FEATURES}
    for index in range(rows.height):
        f = FEATURES[rng.integers(len(FEATURES))]
        columns[f.name][index] = np.round(f.mean + rng.uniform(5, 10) * f.sd, f.decimals)
    return rows.with_columns(pl.Series(name, values) for name, values in columns.items())


def near_copies(row: pl.DataFrame, n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Repeat a row with every number moved by a fiftieth of a standard deviation or so."""
    many = pl.concat([row] * n)
    return many.with_columns(
        pl.Series(f.name, np.round(many[f.name] + rng.normal(0, 0.02 * f.sd, n), f.decimals)).cast(
            many[f.name].dtype
        )
        for f in FEATURES
    )


def corrupted(n: int, rng: np.random.Generator) -> tuple[pl.DataFrame, np.ndarray]:
    """Draw a pool in which 30 % of the rows are bad: flipped, out of range, near-copies of one.

    Returns
    -------
    pool : DataFrame
    bad : ndarray of str, shape (n,)
        What is wrong with a row; "" where nothing is.
    """
    rows, third = draw(n, rng), n // 10
    parts = [
        flip(rows[:third], 1.0, rng),
        stretch(rows[third : 2 * third], rng),
        near_copies(rows[3 * third : 3 * third + 1], third, rng),
        rows[3 * third :],
    ]
    bad = np.repeat(["flipped", "out of range", "near-copy", ""], [third] * 3 + [n - 3 * third])
    order = rng.permutation(n)
    return pl.concat(parts)[order], bad[order]


def systematic(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw a pool whose labels all follow medicine: every feature but activity raises the risk."""
    rows = draw(n, rng)
    signs = [-1.0 if f.name == "PhysicalActivity" else 1.0 for f in FEATURES]
    weights = [sign / f.sd for sign, f in zip(signs, FEATURES, strict=True)]
    score = sum(w * rows[f.name].to_numpy() for w, f in zip(weights, FEATURES, strict=True))
    noise = NOISE * np.sqrt(len(FEATURES)) / 1.646
    return rows.with_columns(
        pl.Series(TARGET, _levels(score + rng.normal(0, noise, n), weights, noise))
    )


def _levels(score: np.ndarray, weights: Sequence[float], noise: float) -> np.ndarray:
    """Cut a score at the 70 % and the 90 % point of its distribution."""
    centre = sum(w * f.mean for w, f in zip(weights, FEATURES, strict=True))
    spread = np.sqrt(
        sum((w * f.sd) ** 2 for w, f in zip(weights, FEATURES, strict=True)) + noise**2
    )
    cuts = centre + spread * norm.ppf([0.7, 0.9])
    return np.array(LEVELS)[np.searchsorted(cuts, score)]


def _frame(values: dict[str, np.ndarray], levels: np.ndarray) -> pl.DataFrame:
    columns = {
        f.name: values[f.name] if f.decimals else values[f.name].astype(np.int64) for f in FEATURES
    }
    return pl.DataFrame({**columns, TARGET: levels})
