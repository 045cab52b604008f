"""Small tables with something wrong: classes that are rare or missing, labels that are flipped.

Every case draws a training table, 500 test rows, and a population for the stand-in model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.model_selection import train_test_split

from benchmarks.recipes import compas as compas_recipe
from benchmarks.recipes import drug as drug_recipe
from benchmarks.tables import ADULT, Source, read
from benchmarks.trim import diabetes
from tablewright.schema import Schema
from tablewright.tables.table import Table, load_table

N_TEST, N_POPULATION = 500, 1000

COMPAS = Source.of(compas_recipe.RECIPE)


@dataclass(frozen=True)
class Drawn:
    """The tables of one seed."""

    train: pl.DataFrame
    test: pl.DataFrame
    population: pl.DataFrame
    schema: Schema


Draw = Callable[[int], Drawn]
"""From a seed to its tables."""


@dataclass(frozen=True)
class Case:
    """One deficient table.

    Attributes
    ----------
    batches, batch : int
        Batches of the team, and rows in each.
    """

    name: str
    draw: Draw
    batches: int
    batch: int
    topic: str

    @property
    def n_rows(self) -> int:
        """Rows that a batch-wise method writes."""
        return self.batches * self.batch


# simulated ---------------------------------------------------------------------------------


def _rngs(seed: int, n: int = 3) -> list[np.random.Generator]:
    return [np.random.default_rng([2024, seed, k]) for k in range(n)]


def _diabetes(n: int, quotas: Callable[[int, np.random.Generator], pl.DataFrame]) -> Draw:
    def draw(seed: int) -> Drawn:
        train, test, population = _rngs(seed)
        rows = diabetes.draw(N_POPULATION, population)
        return Drawn(quotas(n, train), diabetes.draw(N_TEST, test), rows, diabetes.schema())

    return draw


def _binary(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw the features of the Diabetes table with a label of two values."""
    rows = diabetes.draw(n, rng)
    score = sum(f.weight * (rows[f.name].to_numpy() - f.mean) for f in diabetes.FEATURES)
    ill = score + rng.normal(0, diabetes.NOISE, n) > 0
    return rows.drop(diabetes.TARGET).with_columns(pl.Series("Outcome", ill.astype(int)))


def _flipped_diabetes(share: float, n: int) -> Draw:
    def draw(seed: int) -> Drawn:
        train, test, population = _rngs(seed)
        schema = diabetes.schema()
        label = {"name": "Outcome", "kind": "categorical", "categories": [0, 1]}
        columns = [column for column in schema.each() if column.name != diabetes.TARGET]
        schema = Schema.build([*columns, label], target="Outcome")
        rows = flip(_binary(n, train), "Outcome", share, train)
        return Drawn(rows, _binary(N_TEST, test), _binary(N_POPULATION, population), schema)

    return draw


def _ldt_like(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Draw choices of travellers: an offer is taken where its use passes the own threshold."""
    delay, extra = rng.uniform(0, 60, n), rng.normal(5, 5, n)
    reward, flexible = rng.uniform(0, 10, n), rng.beta(2, 2, n)
    delay, extra, reward, flexible = (
        np.round(values, digits)
        for values, digits in ((delay, 1), (extra, 1), (reward, 2), (flexible, 2))
    )
    use = 0.6 * reward - 0.05 * delay - 0.08 * extra
    taken = (use > 1 - 4 * (flexible - 0.5)).astype(int)
    return pl.DataFrame(
        {"Delay": delay, "ExtraTime": extra, "Reward": reward, "Flexibility": flexible,
         "Accepts": taken}
    )  # fmt: skip


def _travel(share: float) -> Draw:
    def draw(seed: int) -> Drawn:
        train, test, population = _rngs(seed)
        known = _ldt_like(N_POPULATION, population)
        schema = load_table(known, {"Accepts": "categorical"}, "Accepts").schema
        rows = flip(_ldt_like(60, train), "Accepts", share, train)
        return Drawn(rows, _ldt_like(N_TEST, test), known, schema)

    return draw


def flip(rows: pl.DataFrame, target: str, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Turn the labels of a share of the rows, drawn over both classes alike."""
    labels = rows[target].cast(pl.Int64).to_numpy().copy()
    indices = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[indices] = 1 - labels[indices]
    return rows.with_columns(pl.Series(target, labels))


# real --------------------------------------------------------------------------------------


def _real(load: Callable[[Path], Table], folder: Path, n: int) -> Draw:
    """Draw a training table with as many rows of each class, and a population beside it."""

    def draw(seed: int) -> Drawn:
        frame, schema = load(folder).frame, load(folder).schema
        target = str(schema.target)
        rng = np.random.default_rng([2024, seed])
        shuffled = frame[rng.permutation(frame.height)]
        classes = [
            shuffled.filter(pl.col(target) == label) for label in schema[target].categories or ()
        ]
        train = pl.concat([rows[: n // len(classes)] for rows in classes])
        rest = pl.concat([rows[n // len(classes) :] for rows in classes])
        rest = rest[rng.permutation(rest.height)]
        return Drawn(
            train[rng.permutation(train.height)],
            rest[:N_TEST],
            rest[N_TEST : N_TEST + N_POPULATION],
            schema,
        )

    return draw


@cache
def compas(folder: Path) -> Table:
    """Read COMPAS."""
    return load_table(
        read(folder, COMPAS),
        {"two_year_recid": "categorical"},
        "two_year_recid",
    )


@cache
def adult(folder: Path) -> Table:
    """Read Adult, without its sampling weight."""
    return load_table(read(folder, ADULT).drop("fnlwgt"), {"salary": "categorical"}, "salary")


@cache
def drug(folder: Path, group: str) -> Table:
    """Read one group of the Drug table."""
    name = f"tabular/{group}.csv"
    source = Source(name, drug_recipe.RECIPE.makes[name])
    return load_table(read(folder, source), {"Smokes": "categorical"}, "Smokes")


HEALTH = "the risk of diabetes of patients"


def imbalanced(n: int) -> Case:
    """Diabetes, 7:2:1."""
    return Case(f"diabetes 7:2:1, n = {n}", _diabetes(n, diabetes.imbalanced), 10, 10, HEALTH)


def incomplete(n: int) -> Case:
    """Diabetes, 8:2:0."""
    return Case(f"diabetes 8:2:0, n = {n}", _diabetes(n, diabetes.incomplete), 10, 10, HEALTH)


def flipped(share: float, n: int) -> Case:
    """Diabetes with two classes, labels of a share turned; as many rows are written as real."""
    name = f"diabetes flipped {share:g}, n = {n}"
    return Case(name, _flipped_diabetes(share, n), max(1, n // 10), 10, HEALTH)


def travel(share: float) -> Case:
    """Travellers, labels of a share turned."""
    topic = "travellers who are offered incentives"
    return Case(f"travel flipped {share:g}, n = 60", _travel(share), 3, 20, topic)


def on_compas(folder: Path, n: int) -> Case:
    """COMPAS, as many rows of each class."""
    topic = "defendants and whether they reoffend"
    return Case(f"compas, n = {n}", _real(compas, folder, n), max(1, n // 20), 20, topic)


def on_drug(folder: Path, group: str, n: int) -> Case:
    """One group of the Drug table, drawn by its shares; 100 rows are tested."""

    def draw(seed: int) -> Drawn:
        table = drug(folder, group)
        rng = np.random.default_rng([2024, seed])
        parts = train_test_split(
            np.arange(table.frame.height), train_size=n, test_size=100,
            random_state=int(rng.integers(2**31)), stratify=table.frame["Smokes"].to_list(),
        )  # fmt: skip
        train, test = (table.frame[part] for part in parts)
        rest = np.setdiff1d(np.arange(table.frame.height), np.concatenate(parts))
        return Drawn(train, test, table.frame[rest], table.schema)

    topic = "what people consume and how they are"
    return Case(f"{group}, n = {n}", draw, max(1, n // 10), 10, topic)


def on_adult(folder: Path, n: int) -> Case:
    """Adult, as many rows of each class."""
    topic = "people of a census and what they earn"
    return Case(f"adult, n = {n}", _real(adult, folder, n), max(1, n // 20), 20, topic)
