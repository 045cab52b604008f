"""A made-up table with every kind of column, and chances that can be worked out."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl


def people(n_rows: int = 600, seed: int = 0) -> pl.DataFrame:
    """Ward leads to illness, illness to fever and stay; every kind of column, some cells empty."""
    rng = np.random.default_rng(seed)
    ward = rng.choice(["north", "south", "west"], n_rows, p=[0.5, 0.3, 0.2])
    risk = np.select([ward == "north", ward == "south"], [0.1, 0.3], 0.6)
    ill = rng.random(n_rows) < risk
    age = np.clip(rng.normal(50 + 10 * ill, 15, n_rows), 0, 99).round().astype(int)
    fever = np.round(rng.normal(36.8 + 1.2 * ill, 0.4, n_rows), 1)
    days = rng.integers(0, 900, n_rows)
    came = [date(2020, 1, 1) + timedelta(days=int(d)) for d in days]
    minutes = rng.integers(30, 5000, n_rows) * (1 + ill)
    frame = pl.DataFrame(
        {
            "patient_id": [f"P-{i:05d}" for i in rng.permutation(n_rows) * 3],
            "ward": ward,
            "age": age,
            "fever": fever,
            "came": came,
            "seen": [datetime(2020, 1, 1) + timedelta(minutes=int(m)) for m in minutes * 7],
            "stay": [timedelta(minutes=int(m)) for m in minutes],
            "smokes": rng.random(n_rows) < 0.3,
            "note": rng.choice([f"seen by doctor {k} in the morning" for k in range(40)], n_rows),
            "unit": ["clinic"] * n_rows,
            "dose": rng.gamma(2, 3, n_rows),
            "state": np.where(ill, "ill", "well"),
        }
    )
    gaps = pl.Series(rng.random(n_rows) < 0.15)
    more = pl.Series(rng.random(n_rows) < 0.1)
    return frame.with_columns(
        dose=pl.when(gaps).then(None).otherwise("dose"),
        ward=pl.when(more).then(None).otherwise("ward"),
        stay=pl.when(more & gaps).then(None).otherwise("stay"),
    )


def ks_bound(n: int, m: int, alpha: float = 1e-4) -> float:
    """Distance that two samples of one distribution exceed with probability `alpha` at most."""
    return float(np.sqrt(-np.log(alpha / 2) / 2 * (n + m) / (n * m)))


def ks(first: pl.Series, second: pl.Series) -> float:
    """Largest difference of two cumulative distributions; text in alphabetical order."""
    values = pl.concat([first, second]).drop_nulls().unique().sort()
    sums = []
    for sample in (first.drop_nulls(), second.drop_nulls()):
        counts = sample.value_counts()
        result = pl.DataFrame({sample.name: values}).join(counts, on=sample.name, how="left")
        sums.append(result["count"].fill_null(0).cum_sum().to_numpy() / max(1, len(sample)))
    return float(np.abs(sums[0] - sums[1]).max())
