"""What a number would be for other rows, and how far chance alone moves it.

A score without a reference cannot be read: column shapes of 0.93 are poor at 10,000 rows and
perfect at 50. Every measure is therefore taken on as many rows of four kinds: generated rows,
real holdout rows, copies of training rows, and training rows shuffled column by column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.scores import Direction, Score

N_CUTS = 5
N_HALVES = 8


@dataclass(frozen=True)
class Measured:
    """A value or the reason why there is none, with the plain data beneath it."""

    value: float | None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


Measure = Callable[[EncodedRows, EncodedRows], Measured]
"""From the real rows and the rows to judge to a value."""


def referenced(
    name: str,
    measure: Measure,
    direction: Direction,
    meaning: str,
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows | None,
    rng: np.random.Generator,
    ideal: float | None = None,
    highest: float = 1.0,
    whole_tables: bool = False,
) -> Score:
    """Take a measure of generated rows and, on as many rows, of the three references.

    Parameters
    ----------
    name, direction, meaning, ideal
        As in `Score`.
    measure : callable
        ``measure(real, other)``.
    real, synthetic : EncodedRows
        Training rows and generated rows.
    holdout : EncodedRows or None
        Real rows that were not trained on; without them there is no real reference.
    rng : numpy Generator
        Draws the cuts.
    highest : float, default=1.0
        The largest value that is possible; the least is 0.
    whole_tables : bool, default=False
        Whether every table is measured with all its rows, where a measure does not depend on
        their number but for noise.

    Returns
    -------
    Score
        The value is the mean over cuts of the size of the holdout, so that it can be held
        against the references; the details are those of all generated rows.
    """
    whole = measure(real, synthetic)
    if whole.value is None:
        return Score.undefined(name, direction, whole.reason, meaning, len(synthetic))
    size = min(len(synthetic), len(real), len(holdout) if holdout else len(real))
    if whole_tables:
        size = max(len(synthetic), len(real), len(holdout) if holdout else 0)
    value, reference = whole.value, _references(measure, real, holdout, size, rng)
    if size < len(synthetic):
        over_cuts = _mean_over_cuts(measure, real, synthetic, size, rng)
        value = value if over_cuts is None else over_cuts
    interval = _interval(value, spread(measure, real, synthetic.cut(size, rng), rng))
    score = Score(
        name, value, direction, meaning, interval, reference, ideal, "", size, whole.details
    )
    return score.within(0.0, highest)


def _references(
    measure: Measure,
    real: EncodedRows,
    holdout: EncodedRows | None,
    size: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    result = {"copy": measure(real, real.cut(size, rng)).value}
    result["shuffled"] = measure(real, real.shuffled(rng).cut(size, rng)).value
    if holdout is not None and len(holdout):
        result["real"] = _mean_over_cuts(measure, real, holdout, size, rng)
    return {name: value for name, value in result.items() if value is not None}


def _mean_over_cuts(
    measure: Measure, real: EncodedRows, other: EncodedRows, size: int, rng: np.random.Generator
) -> float | None:
    n_cuts = N_CUTS if size < len(other) else 1
    values = [measure(real, other.cut(size, rng)).value for _ in range(n_cuts)]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def spread(
    measure: Measure,
    real: EncodedRows,
    other: EncodedRows,
    rng: np.random.Generator,
    n_halves: int = N_HALVES,
) -> float | None:
    """Return the standard error of a measure, from random halves of both tables.

    The variance of a mean over a random half, around the mean of the table, equals that of a
    mean over the table around the mean of the population: no scaling is needed, and nothing
    is drawn twice as a bootstrap would, which a measure of copies would see.

    Returns
    -------
    float or None
        None where fewer than four rows, or no value, are to be had.
    """
    if min(len(real), len(other)) < 4:
        return None
    halves = [
        measure(real.cut(len(real) // 2, rng), other.cut(len(other) // 2, rng)).value
        for _ in range(n_halves)
    ]
    known = [value for value in halves if value is not None]
    return float(np.std(known, ddof=1)) if len(known) > 2 else None


def _interval(value: float, error: float | None) -> tuple[float, float] | None:
    if error is None:
        return None
    width = float(stats.t.ppf(0.975, N_HALVES - 1)) * error
    return value - width, value + width
