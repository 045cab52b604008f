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


@dataclass(frozen=True)
class Metric:
    """A measure of generated rows and, on as many rows, of the three references.

    Attributes
    ----------
    name, direction, meaning, ideal
        As in `Score`.
    measure : callable
        ``measure(real, other)``.
    highest : float
        The largest value that is possible; the least is 0.
    whole_tables : bool
        Whether every table is measured with all its rows, where a measure does not depend on
        their number but for noise.
    """

    name: str
    measure: Measure
    direction: Direction
    meaning: str
    ideal: float | None = None
    highest: float = 1.0
    whole_tables: bool = False

    def __call__(
        self,
        real: EncodedRows,
        synthetic: EncodedRows,
        holdout: EncodedRows | None,
        rng: np.random.Generator,
    ) -> Score:
        """Return the mean over cuts of the size of the holdout, which the references have too.

        Without real rows that were not trained on there is no real reference. The details are
        those of all generated rows.
        """
        whole = self.measure(real, synthetic)
        if whole.value is None:
            return self.undefined(whole.reason, len(synthetic))
        sizes = [len(rows) for rows in (real, synthetic, holdout) if rows]
        size = max(sizes) if self.whole_tables else min(sizes)
        value, reference = whole.value, _references(self.measure, real, holdout, size, rng)
        if size < len(synthetic):
            over_cuts = _mean_over_cuts(self.measure, real, synthetic, size, rng)
            value = value if over_cuts is None else over_cuts
        interval = _interval(value, spread(self.measure, real, synthetic.cut(size, rng), rng))
        score = Score(
            self.name,
            value,
            self.direction,
            self.meaning,
            interval,
            reference,
            self.ideal,
            rows=size,
            details=whole.details,
        )
        return score.within(0.0, self.highest)

    def undefined(self, reason: str, rows: int) -> Score:
        """Return the score of rows that cannot be measured."""
        return Score.undefined(self.name, self.direction, reason, self.meaning, rows)


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
    """Return the standard error of a measure, or None below four rows or three values.

    The variance of a mean over a random half, around the mean of the table, equals that of a
    mean over the table around the mean of the population: no scaling is needed, and nothing
    is drawn twice as a bootstrap would, which a measure of copies would see.
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
