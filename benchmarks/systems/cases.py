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

from benchmarks.recipes import compas as compas_recipe
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


@dataclass(frozen=True)
class Case:
    """One deficient table.

    Attributes
    ----------
    batches, batch : int
        Batches of the team, and rows in each.
    published : str
        Name of the published figures that belong to it; "" where there are none.
    """

    name: str
    draw: Callable[[int], Drawn]
    batches: int
    batch: int
    topic: str
    published: str = ""

    @property
    def n_rows(self) -> int:
        """Rows that a batch-wise method writes."""
        return self.batches * self.batch


# simulated ---------------------------------------------------------------------------------


def _rngs(seed: int, n: int = 3) -> list[np.random.Generator]:
    return [np.random.default_rng([2024, seed, k]) for k in range(n)]


def _diabetes(n: int, quotas: Callable[[int, np.random.Generator], pl.DataFrame]) -> Callable:
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


def _flipped_diabetes(share: float) -> Callable:
    def draw(seed: int) -> Drawn:
        train, test, population = _rngs(seed)
        schema = diabetes.schema()
        label = {"name": "Outcome", "kind": "categorical", "categories": [0, 1]}
        columns = [column for column in schema.each() if column.name != diabetes.TARGET]
        schema = Schema.build([*columns, label], target="Outcome")
        rows = _flip(_binary(60, train), "Outcome", share, train)
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


def _travel(share: float) -> Callable:
    def draw(seed: int) -> Drawn:
        train, test, population = _rngs(seed)
        known = _ldt_like(N_POPULATION, population)
        schema = load_table(known, {"Accepts": "categorical"}, "Accepts").schema
        rows = _flip(_ldt_like(60, train), "Accepts", share, train)
        return Drawn(rows, _ldt_like(N_TEST, test), known, schema)

    return draw


def _flip(rows: pl.DataFrame, target: str, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """Turn the labels of a share of the rows, drawn over both classes alike."""
    labels = rows[target].to_numpy().copy()
    indices = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[indices] = 1 - labels[indices]
    return rows.with_columns(pl.Series(target, labels))


# real --------------------------------------------------------------------------------------


def _real(load: Callable[[Path], Table], folder: Path, n: int) -> Callable:
    """Draw a training table with as many rows of each class, and a population beside it."""

    def draw(seed: int) -> Drawn:
        frame, schema = load(folder).frame, load(folder).schema
        target = str(schema.target)
        rng = np.random.default_rng([2024, seed])
        shuffled = frame[rng.permutation(frame.height)]
        classes = [shuffled.filter(pl.col(target) == label) for label in schema[target].categories]
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


def cases(folder: Path | None) -> dict[str, Case]:
    """Return all cases; those on real tables where there is a folder of data."""
    health, travel = "the risk of diabetes of patients", "travellers who are offered incentives"
    result = [
        Case(f"diabetes 7:2:1, n = {n}", _diabetes(n, diabetes.imbalanced), 10, 10, health,
             "diabetes 7:2:1" if n == 10 else "")
        for n in (10, 60, 100)
    ]  # fmt: skip
    result += [
        Case("diabetes 8:2:0, n = 10", _diabetes(10, diabetes.incomplete), 10, 10, health,
             "diabetes 8:2:0")
    ]  # fmt: skip
    result += [
        Case(f"diabetes flipped {share:g}, n = 60", _flipped_diabetes(share), 6, 10, health,
             f"diabetes flipped {share:g}")
        for share in (0.2, 0.3, 0.4)
    ]  # fmt: skip
    result += [
        Case(f"travel flipped {share:g}, n = 60", _travel(share), 3, 20, travel,
             f"travel flipped {share:g}")
        for share in (0.0, 0.3, 0.4)
    ]  # fmt: skip
    if folder is not None:
        for n in (20, 60, 200):
            result.append(Case(f"compas, n = {n}", _real(compas, folder, n), n // 20, 20,
                              "defendants and whether they reoffend", "compas"))  # fmt: skip
        for n in (20, 60, 200):
            result.append(Case(f"adult, n = {n}", _real(adult, folder, n), n // 20, 20,
                              "people of a census and what they earn"))  # fmt: skip
    return {case.name: case for case in result}
