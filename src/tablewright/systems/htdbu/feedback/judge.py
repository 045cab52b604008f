"""Use and likeness of written rows, on validation rows that nothing was learned from."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tablewright.metrics.learners import LEARNERS
from tablewright.metrics.scorer import Scorer, Utility
from tablewright.schema import Schema


@dataclass(frozen=True)
class Judgement:
    """What written rows are good for; see `diagnostics.Readings` for the four values."""

    u_real: float
    u_syn: float
    u_error: float
    c: float


class Judge:
    """Scores written rows on validation rows, with the same random state in every call.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=600)
    >>> y = np.where(x + rng.normal(size=600) > 0, "a", "b")
    >>> rows, schema = pl.DataFrame({"x": x, "y": y}), Schema.build(
    ...     {"x": "continuous", "y": "categorical"}, target="y")
    >>> judge = Judge(rows[:300], rows[300:], schema, 0)
    >>> scores = judge.judge(rows[:300].with_columns(pl.col("y").shuffle(seed=0)))
    >>> scores.u_real > 0.75 > scores.u_syn
    True
    """

    def __init__(
        self, train: pl.DataFrame, validation: pl.DataFrame, schema: Schema, seed: int
    ) -> None:
        self.scorer = Scorer(train, schema, holdout=validation, seed=seed, learners=LEARNERS)
        self.ruler = self.scorer.encoder

    def judge(self, rows: pl.DataFrame) -> Judgement:
        """Score written rows."""
        c = self.scorer.detection(rows).value
        if self.scorer.task is None:
            return Judgement(0.5, 0.5, 0.0, c)
        measure = "auroc" if self.scorer.task.n_classes else "r2"
        real, written = self.scorer.utility(), self.scorer.utility(rows, alone=True)
        error = self.scorer.gain(written, over=real, measure=measure).error
        return Judgement(_use(real, measure), _use(written, measure), error, c)


def _use(utility: Utility, measure: str) -> float:
    """AUROC, 0.5 where it is not defined; or R², 0 where it is below."""
    value = utility.measures[measure]
    if measure == "r2":
        return max(value, 0.0)
    return 0.5 if value != value else value
