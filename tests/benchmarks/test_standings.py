"""The words beside the leaderboard say what its rows hold."""

from __future__ import annotations

import polars as pl
from benchmarks.standings import reading

MEASURES = ("added", "in place", "rare F1")
METHODS = ("good", "bad", "open", "class weights")


def runs() -> pl.DataFrame:
    """Three tables, three seeds: one method gains everywhere, one loses, one neither."""
    means = {"good": 0.1, "bad": -0.1, "open": 0.0, "class weights": 0.05}
    lines = [
        {
            "table": f"t{table}", "method": method, "seed": seed,
            **dict.fromkeys(MEASURES, mean + 0.01 * (seed - 1) + 0.001 * table),
            "DCR share": 0.5 if method == "open" else 0.9 + 0.01 * table,
            "10,000 rows": 1.0 + abs(mean),
        }
        for table in range(3) for method, mean in means.items() for seed in range(3)
    ]  # fmt: skip
    return pl.DataFrame(lines)


def test_reading_names_methods_by_their_intervals() -> None:
    said = " ".join(reading(runs(), METHODS).split())
    gains = said.split("**Rows beside all real ones:**")[1].split("**")[0]
    assert "above 0: good (+0.101 ± 0.002), class weights (+0.051 ± 0.002); below 0: bad" in gains
    assert "Single tables, above 0: good on 3 of 3, class weights on 3 of 3;" in gains
    assert "below 0: bad on 3 of 3." in gains
    assert "open" not in gains
    weights = said.split("**The same less class weights:**")[1].split("**")[0]
    assert "above 0: good (+0.050" in weights
    assert "below 0: open (-0.050 ± 0.000), bad (-0.150" in weights
    near = said.split("by the interval over tables:**")[1].split("**")[0]
    assert near.strip(" -") == "open (50 %)."
    assert "open (1.00), class weights (1.05)" in said
    assert "most: " in said


def test_reading_follows_the_rows() -> None:
    turned = runs().with_columns(-pl.col("added"))
    gains = reading(turned, METHODS).split("**Rows in place")[0]
    assert "above 0: bad" in gains
    assert "none" not in gains
    flat = runs().with_columns(added=0.0)
    assert "over all tables above 0: none; below 0: none" in reading(flat, METHODS)
