"""Four tables with a rare class and relations that are planted, and written down.

    python -m benchmarks.rddg.simulators "health metrics" --rows 2000 --seed 0 > health.csv

The paper's four synthetic tables (consumer behaviour, health metrics, real estate, social network)
were not published; these have their topics. Each comes with the relations that every row keeps, as
expressions of the rule language; they are written to the error stream.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.measure import options

Rng = np.random.Generator


@dataclass(frozen=True)
class Simulator:
    """A table that can be drawn.

    Attributes
    ----------
    draw : callable
        From a number of rows and a source of chance to a frame.
    target, rare : str
    relations : tuple of str
        What every row keeps.
    """

    draw: Callable[[int, Rng], pl.DataFrame]
    target: str
    rare: str
    relations: tuple[str, ...]


def _rare(score: np.ndarray, share: float, rng: Rng) -> np.ndarray:
    """Mark about a share of the rows, those of a high score rather."""
    noisy = score + rng.normal(0, 0.5 * score.std(), len(score))
    return noisy > np.quantile(noisy, 1 - share)


def consumer(n_rows: int, rng: Rng) -> pl.DataFrame:
    """Spending is visits times basket; no discount without a card; the tier goes with spending."""
    visits = rng.poisson(12, n_rows) + 1
    basket = np.round(rng.gamma(4, 9, n_rows) + 3, 2)
    spend = np.round(visits * basket, 2)
    card = rng.random(n_rows) < 0.6
    tier = np.select([spend < 200, spend < 600], ["basic", "silver"], "gold")
    age = rng.integers(18, 80, n_rows)
    leaves = _rare(-visits + 0.05 * age - 3 * card, 0.08, rng)
    return pl.DataFrame(
        {
            "age": age, "visits": visits, "basket": basket, "spend": spend,
            "card": np.where(card, "yes", "no"),
            "discount": np.where(card, rng.choice([5, 10, 15], n_rows), 0),
            "tier": tier, "churn": np.where(leaves, "yes", "no"),
        }
    )  # fmt: skip


def health(n_rows: int, rng: Rng) -> pl.DataFrame:
    """Pulse pressure is a difference, a dose a product; who does not smoke has no pack-years."""
    diastolic = np.round(rng.normal(78, 9, n_rows))
    pulse = np.round(np.abs(rng.normal(42, 10, n_rows))) + 10
    weight = np.round(rng.normal(76, 13, n_rows), 1)
    per_kg = rng.choice([0.5, 1.0, 1.5, 2.0], n_rows)
    smokes = rng.random(n_rows) < 0.3
    packs = np.where(smokes, rng.integers(1, 50, n_rows), 0)
    ill = _rare(diastolic / 9 + weight / 13 + packs / 20, 0.07, rng)
    return pl.DataFrame(
        {
            "diastolic": diastolic, "systolic": diastolic + pulse, "pulse_pressure": pulse,
            "weight": weight, "per_kg": per_kg, "dose": np.round(weight * per_kg, 1),
            "smokes": np.where(smokes, "yes", "no"), "pack_years": packs,
            "stroke": np.where(ill, "yes", "no"),
        }
    )  # fmt: skip


def estate(n_rows: int, rng: Rng) -> pl.DataFrame:
    """A price is area times price of a metre; a district has one tax; renovated after built."""
    district = rng.choice(["hill", "port", "old town", "park"], n_rows, p=[0.4, 0.3, 0.2, 0.1])
    tax = pl.Series(district).replace_strict({"hill": 11, "port": 9, "old town": 14, "park": 17})
    area = rng.integers(30, 220, n_rows)
    metre = np.round(rng.normal(2500 + 100 * tax.to_numpy(), 300, n_rows))
    built = rng.integers(1900, 2015, n_rows)
    garage = rng.random(n_rows) < 0.5
    luxury = _rare(area * metre, 0.06, rng)
    return pl.DataFrame(
        {
            "district": district, "tax": tax, "area": area, "price_per_metre": metre,
            "price": area * metre, "built": built,
            "renovated": np.minimum(built + rng.integers(0, 60, n_rows), 2024),
            "garage": np.where(garage, "yes", "no"),
            "spaces": np.where(garage, rng.integers(1, 4, n_rows), 0),
            "sold_fast": np.where(luxury, "yes", "no"),
        }
    )  # fmt: skip


def network(n_rows: int, rng: Rng) -> pl.DataFrame:
    """Reactions are a sum; verified accounts have followers; a kind of account has one limit."""
    kind = rng.choice(["private", "creator", "business"], n_rows, p=[0.7, 0.2, 0.1])
    limit = pl.Series(kind).replace_strict({"private": 50, "creator": 200, "business": 500})
    verified = rng.random(n_rows) < 0.2
    followers = np.round(rng.lognormal(5, 1.2, n_rows)) + np.where(verified, 1000, 0)
    likes, shares = rng.poisson(0.1 * followers), rng.poisson(0.02 * followers)
    comments = rng.poisson(8, n_rows)
    bot = _rare(shares - 2.0 * comments, 0.05, rng)
    return pl.DataFrame(
        {
            "kind": kind, "daily_limit": limit, "verified": np.where(verified, "yes", "no"),
            "followers": followers.astype(int), "likes": likes, "shares": shares,
            "comments": comments, "reactions": likes + shares + comments,
            "bot": np.where(bot, "yes", "no"),
        }
    )  # fmt: skip


SIMULATORS = {
    "consumer behaviour": Simulator(consumer, "churn", "yes", (
        "abs(spend - visits * basket) <= 0.01",
        "card = 'yes' OR discount = 0",
        "tier <> 'basic' OR spend < 200",
        "tier <> 'gold' OR spend >= 600",
    )),
    "health metrics": Simulator(health, "stroke", "yes", (
        "systolic - diastolic = pulse_pressure",
        "systolic > diastolic",
        "abs(dose - weight * per_kg) <= 0.1",
        "smokes = 'yes' OR pack_years = 0",
    )),
    "real estate": Simulator(estate, "sold_fast", "yes", (
        "abs(price - area * price_per_metre) <= 1",
        "built <= renovated",
        "district <> 'park' OR tax = 17",
        "garage = 'yes' OR spaces = 0",
    )),
    "social network": Simulator(network, "bot", "yes", (
        "reactions = likes + shares + comments",
        "verified = 'no' OR followers >= 1000",
        "kind <> 'business' OR daily_limit = 500",
    )),
}  # fmt: skip


def main() -> None:
    parser = options(__doc__ or "")
    parser.add_argument("table", choices=SIMULATORS)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    one = SIMULATORS[args.table]
    one.draw(args.rows, np.random.default_rng(args.seed)).write_csv(sys.stdout.buffer)
    sys.stderr.write("\n".join([f"{one.target} is {one.rare}: rare", *one.relations, ""]))


if __name__ == "__main__":
    main()
