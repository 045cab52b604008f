"""Where methods stand over tables and seeds, by their intervals, and what that says in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
import polars as pl
from scipy import stats


@dataclass(frozen=True)
class Standing:
    """Where a method stands over tables, and on how many of them by its interval over seeds."""

    method: str
    mean: float
    width: float
    tables: int
    above: int
    below: int

    @property
    def shown(self) -> str:
        return f"{self.mean:+.3f} ± {self.width:.3f}"


def interval(values: list[float]) -> tuple[float, float]:
    """Return mean and half width of its 95 % interval over seeds; infinite for one seed."""
    n = len(values)
    if n < 2:
        return float(np.mean(values)), np.inf
    width = stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return float(np.mean(values)), float(width)


def values_of(runs: pl.DataFrame, task: str, table: str, method: str) -> dict[int, float]:
    """Return what a method reached on a table, by seed."""
    mine = runs.filter((pl.col("table") == table) & (pl.col("method") == method))
    return dict(mine.select("seed", task).drop_nulls().iter_rows())


def _standing(runs: pl.DataFrame, task: str, methods: Sequence[str]) -> list[Standing]:
    """Return where each method stands over the tables it ran on, the best first."""
    result = []
    for method in methods:
        cells = [
            [*values_of(runs, task, table, method).values()]
            for table in runs["table"].unique(maintain_order=True)
        ]
        cells = [cell for cell in cells if cell]
        if len(cells) > 1:
            bounds = [interval(cell) for cell in cells]
            mean, width = interval([float(np.mean(cell)) for cell in cells])
            up = sum(middle - half > 0 for middle, half in bounds)
            down = sum(middle + half < 0 for middle, half in bounds)
            result.append(Standing(method, mean, width, len(cells), up, down))
    return sorted(result, key=lambda one: -one.mean)


def _on_tables(standings: list[Standing], count: Callable[[Standing], int]) -> str:
    """Name methods with the number of tables on which each stands so."""
    named = [f"{one.method} on {count(one)} of {one.tables}" for one in standings if count(one)]
    return ", ".join(named) or "none on any"


def _gains(runs: pl.DataFrame, task: str, methods: Sequence[str]) -> str:
    """Say which methods are above and below 0, over all tables and on how many of them."""
    all_of = _standing(runs, task, methods)
    above = [f"{one.method} ({one.shown})" for one in all_of if one.mean - one.width > 0]
    below = [f"{one.method} ({one.shown})" for one in all_of if one.mean + one.width < 0]
    return (
        f"over all tables above 0: {', '.join(above) or 'none'}; below 0: "
        f"{', '.join(below) or 'none'}. Single tables, above 0: "
        f"{_on_tables(all_of, lambda one: one.above)}; below 0: "
        f"{_on_tables(all_of, lambda one: one.below)}."
    )


def reading(runs: pl.DataFrame, methods: Sequence[str]) -> str:
    """Say in words what the rows of the tables hold, by their intervals alone."""
    others = [method for method in methods if method != "class weights"]
    base = runs.filter(pl.col("method") == "class weights")
    base = base.select("table", "seed", weights=pl.col("rare F1"))
    less = runs.join(base, on=["table", "seed"]).with_columns(pl.col("rare F1") - pl.col("weights"))
    half = runs.with_columns(pl.col("DCR share") - 0.5)
    near = [
        f"{one.method} ({100 * (one.mean + 0.5):.0f} %)"
        for one in _standing(half, "DCR share", methods)[::-1]
        if one.mean - one.width <= 0
    ]
    seconds = _standing(runs, "10,000 rows", methods)[::-1]
    quick = [f"{one.method} ({one.mean:.2f})" for one in seconds[:3]]
    lines = {
        "Rows beside all real ones": _gains(runs, "added", methods),
        "Rows in place of real ones": _gains(runs, "in place", methods),
        "The rarest class filled up": _gains(runs, "rare F1", methods),
        "The same less class weights": _gains(less, "rare F1", others),
        "No nearer to training rows than to others, by the interval over tables": (
            f"{', '.join(near) or 'none'}."
        ),
        "Least CPU seconds for 10,000 rows": (
            f"{', '.join(quick)}; most: {seconds[-1].method} ({seconds[-1].mean:.2f})."
        ),
    }
    words = "\n".join(
        fill(f"- **{name}:** {text}", 100, subsequent_indent="  ", break_on_hyphens=False)
        for name, text in lines.items()
    )
    return f"Reading, computed from the tables below:\n\n{words}"
