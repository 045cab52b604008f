"""The tables that benchmarks read: files under `--data`, scikit-learn's own, simulators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer

from benchmarks.recipes import adult, date_tables, insurance, sick, travel
from benchmarks.recipes.recipe import Recipe, digest


@dataclass(frozen=True)
class Source:
    """A file that is not ours, and how to know it."""

    path: str
    sha256: str

    @classmethod
    def of(cls, recipe: Recipe, number: int = 0) -> Source:
        """Return one of the files that a recipe makes."""
        return cls(*list(recipe.makes.items())[number])


ADULT = Source.of(adult.RECIPE)
SICK_TRAIN, SICK_TEST = Source.of(sick.RECIPE), Source.of(sick.RECIPE, 1)
TRAVEL, INSURANCE = Source.of(travel.RECIPE), Source.of(insurance.RECIPE)
BOSTON, HELOC = Source.of(date_tables.RECIPE, 2), Source.of(date_tables.RECIPE, 4)


def read(folder: Path, source: Source) -> pl.DataFrame:
    """Read a file as text cells, as a user's CSV would be; refuse another file of its name."""
    path = folder / source.path
    how = "'python -m benchmarks.recipes --list' says how to make it"
    if not path.exists():
        raise SystemExit(f"there is no {path}; {how}")
    if digest(source.path, path.read_bytes()) != source.sha256:
        raise SystemExit(f"{path} is not the file that the results were made with; {how}")
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
