"""Use and likeness of written rows, on validation rows that nothing was learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tablewright.metrics.detection import detection_auc
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder, Floats
from tablewright.metrics.learners import LEARNERS, Design, fit
from tablewright.metrics.outcomes import classification, regression
from tablewright.metrics.trials import Task
from tablewright.metrics.utility import task_of, usable
from tablewright.schema import Schema

__all__ = ["Judge", "Judgement"]

_RESAMPLES = 60
_TREES = 50
_MOST = 4_000


@dataclass(frozen=True)
class Judgement:
    """What written rows are good for.

    Attributes
    ----------
    u_real, u_syn, u_error, c : float
        See `tablewright.systems.htdbu.feedback.diagnostics.Readings`.
    """

    u_real: float
    u_syn: float
    u_error: float
    c: float


class Judge:
    """Judges written rows by real ones; the same chance in every call.

    Parameters
    ----------
    train, validation : DataFrame
        Real rows, typed.
    schema : Schema
    seed : int

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=600)
    >>> y = np.where(x + rng.normal(size=600) > 0, "a", "b")
    >>> rows, schema = pl.DataFrame({"x": x, "y": y}), Schema.build(
    ...     {"x": "continuous", "y": "categorical"}, target="y")
    >>> judge = Judge(rows[:300], rows[300:], schema, 0)
    >>> found = judge.judge(rows[:300].with_columns(pl.col("y").shuffle(seed=0)))
    >>> found.u_real > 0.75 > found.u_syn
    True
    """

    def __init__(
        self, train: pl.DataFrame, validation: pl.DataFrame, schema: Schema, seed: int
    ) -> None:
        self.seed = seed
        self.ruler = FeatureEncoder.fit(train, schema)
        self.validation = self.ruler.rows(validation, "validation")
        real = self.ruler.rows(train, "training")
        found = task_of(real, _TREES)
        self.task = None if isinstance(found, str) else found
        if self.task is not None:
            known = usable(self.validation)
            self.test = Design.of(self.validation.take(known))
            self.real = self._predictions(real, self.task)

    def judge(self, rows: pl.DataFrame) -> Judgement:
        """Judge written rows."""
        written = self.ruler.rows(rows)
        sides = (self._cut(self.validation), self._cut(written))
        c = max(detection_auc(*sides, self._rng(0)), 0.5)
        if self.task is None:
            return Judgement(0.5, 0.5, 0.0, c)
        made = self._predictions(written, self.task)
        u_real, u_syn = self._value(self.real, self.task), self._value(made, self.task)
        return Judgement(u_real, u_syn, self._error(made, self.task), c)

    def _cut(self, rows: EncodedRows) -> EncodedRows:
        return rows.cut(_MOST, self._rng(1))

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])

    def _predictions(self, rows: EncodedRows, task: Task) -> list[Floats]:
        """Predictions for the validation rows of models that learned some rows."""
        train = Design.of(rows.take(usable(rows)))
        return [
            fit(name, train, task.n_classes, self._rng(2), leaf=task.leaf, n_trees=_TREES)(
                self.test
            )
            for name in LEARNERS
        ]

    def _value(
        self, predictions: list[Floats], task: Task, rows: np.ndarray | slice = slice(None)
    ) -> float:
        y = self.test.y[rows]
        if not task.n_classes:
            return float(np.mean([max(regression(y, p[rows])["r2"], 0.0) for p in predictions]))
        labels = y.astype(np.int64)
        found = [classification(labels, p[rows], task.rare)["auroc"] for p in predictions]
        return float(np.nan_to_num(np.mean(found), nan=0.5))

    def _error(self, made: list[Floats], task: Task) -> float:
        """Return the standard error of the difference, over resampled validation rows."""
        rng, n = self._rng(3), len(self.test.y)
        found = []
        for _ in range(_RESAMPLES):
            rows = rng.integers(n, size=n)
            found.append(self._value(self.real, task, rows) - self._value(made, task, rows))
        return float(np.std(found))
