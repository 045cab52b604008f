"""The tables that benchmarks read: files under `--data`, scikit-learn's own, simulators."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer


@dataclass(frozen=True)
class Source:
    """A file that is not ours, and how to know it."""

    path: str
    sha256: str
    origin: str
    licence: str


ADULT = Source(
    "tabular/adult.csv",
    "f469e79833250fed4dce304984df7a96ed308be620c07f37a1169fea90586d0c",
    "UCI Adult (1994 census), first 20,000 rows of the training file, '?' as empty cells",
    "CC BY 4.0",
)
SICK_TRAIN = Source(
    "rddg/train.csv",
    "eb431b56d0b8684f829a7b752e4cbe449ff3789b257d040381149bff64714e48",
    "UCI thyroid disease 'sick' (OpenML 38) as prepared by the RDDG reference repository",
    "as UCI; none stated by the repository",
)
SICK_TEST = Source(
    "rddg/test.csv",
    "beb8255217b8d3cdf8ff65bf35fea647f43f785db614196b12a70dba8c18cea5",
    SICK_TRAIN.origin,
    SICK_TRAIN.licence,
)
TRAVEL = Source(
    "rddg/travel/full.csv",
    "62200de47169b8035ad3fbbc640c07cd16e396ff83a5c226eff2fa1a316c9019",
    "Tour & Travels Customer Churn Prediction (Kaggle), by way of ChanapatC/Customer-Analytics",
    "none stated",
)
HELOC = Source(
    "date/heloc/real.parquet",
    "f98b86f98e0cc48e9077486e8dc899178bf2bcf4b392aed5e96d04e0a56c7960",
    "FICO HELOC, 10,000 rows with as many of each class, of the DATE reference repository",
    "none stated",
)
BOSTON = Source(
    "date/boston/real.parquet",
    "702ef887017a514c8bb9588146693061a61fc7b609ba0da0dc8275dcf1b3b0d1",
    "Boston housing, 506 rows, of the DATE reference repository",
    "none stated",
)
SOURCES = (ADULT, SICK_TRAIN, SICK_TEST, TRAVEL, HELOC, BOSTON)


def read(folder: Path, source: Source) -> pl.DataFrame:
    """Read a file as text cells, as a user's CSV would be; refuse another file of its name."""
    path = folder / source.path
    if hashlib.sha256(path.read_bytes()).hexdigest() != source.sha256:
        raise SystemExit(f"{path} is not the file that the results were made with")
    if path.suffix == ".parquet":
        return pl.read_parquet(path).with_columns(pl.all().cast(pl.String))
    return pl.read_csv(path, infer_schema=False)


def breast_cancer() -> pl.DataFrame:
    """Return scikit-learn's table: 569 rows, 30 numbers, two classes."""
    data = load_breast_cancer()
    frame = pl.DataFrame(data.data, schema=[str(name) for name in data.feature_names])
    return frame.with_columns(
        pl.Series("diagnosis", data.target_names[data.target]).cast(pl.String)
    )


def simulated(n_rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw a table whose columns depend on each other: numbers, categories, gaps, a rare class."""
    age = rng.integers(18, 91, n_rows)
    region = rng.choice(["north", "south", "east", "west"], n_rows, p=[0.4, 0.3, 0.2, 0.1])
    member = rng.random(n_rows) < 0.2 + 0.5 * (age > 50)
    income = np.exp(rng.normal(9.5 + 0.02 * np.minimum(age, 60) + 0.3 * (region == "east"), 0.5))
    visits = rng.poisson(1 + 4 * member + 0.02 * age)
    spend = np.round(income * rng.beta(2, 30, n_rows) * (1 + member), 2)
    score = np.where(rng.random(n_rows) < 0.1, np.nan, np.round(rng.normal(visits, 2), 1))
    probability = 1 / (1 + np.exp(5.5 - 0.4 * visits - 0.8 * member))
    churn = np.where(rng.random(n_rows) < probability, "yes", "no")
    return pl.DataFrame(
        {
            "age": age,
            "region": region,
            "member": member,
            "income": np.round(income, 2),
            "visits": visits,
            "spend": spend,
            "score": score,
            "churn": churn,
        }
    ).with_columns(pl.col("score").fill_nan(None))
