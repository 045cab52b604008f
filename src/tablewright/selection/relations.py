"""Cells that do not go with the others of their row: each in its range, and together not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from scipy import stats
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement
from tablewright.selection.feature_space import Ground
from tablewright.threads import one_thread

MIN_ROWS = 40
_MAX_ROWS, _MAX_COLUMNS = 2000, 40
_N_TREES = 60
_MIN_SPREAD = 0.15
"""Least conditional spread, in standard deviations of the column: no cell is told to a hair."""


class Relations:
    """Drop rows with a cell that the other cells of the row make implausible.

    Forests of the real rows predict every column from all others: numbers as ranks (normal
    scores) with their conditional spread, categories by probability. The score of a cell is its
    error over the spread, or minus the log of its probability, in units of what one real cell in
    a hundred exceeds; that of a row its largest. A row goes where its score is beyond `factor`
    times the one that one real row in a hundred exceeds, each predicted by trees that did not
    see it.

    Parameters
    ----------
    factor : float, default=1.1
        At least 1; larger lets more rows pass.

    Attributes
    ----------
    limit_ : float
        Score beyond which a row goes; infinite below 40 real rows, where nothing goes.
    false_alarms_ : float
        Share of the real rows beyond it, out of bag.

    Raises
    ------
    InputError
        If `factor` is below 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 200)
    >>> real = pl.DataFrame({"x": x, "z": x + rng.normal(0, 0.1, 200)})
    >>> schema = Schema.build({"x": "continuous", "z": "continuous"})
    >>> rows = pl.DataFrame({"x": [-1.0, 1.0], "z": [-1.0, -1.0]})
    >>> Relations().fit(real, schema, rng).judge(rows, rng).keep.tolist()
    [True, False]
    """

    name = "relations"

    def __init__(self, factor: float = 1.1) -> None:
        if not factor >= 1:
            raise InputError(f"factor is at least 1, not {factor!r}")
        self.factor = factor

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn what each column is like given the others from typed real rows."""
        self.ground_ = Ground.fit(train, schema)
        real = self.ground_.real.cut(_MAX_ROWS, rng)
        self.columns_: list[_Column] = []
        self.limit_, self.false_alarms_ = np.inf, 0.0
        if len(real) < MIN_ROWS or len(real.features) < 2:
            return self
        with one_thread():
            self.columns_ = [
                column
                for j in _judged(real)
                if (column := _Column.fit(real, j, int(rng.integers(2**31)))) is not None
            ]
        if self.columns_:
            scores = np.max([column.own for column in self.columns_], axis=0)
            self.limit_ = self.factor * float(np.quantile(scores, 0.99, method="higher"))
            self.false_alarms_ = float((scores > self.limit_).mean())
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is that of the least plausible cell, 1 being unusual."""
        if not rows.height or not self.columns_:
            return Judgement.all_pass(rows.height)
        encoded = self.ground_.rows(rows)
        with one_thread():
            scores = np.array([column.score(encoded) for column in self.columns_])
        worst, score = scores.argmax(axis=0), scores.max(axis=0)
        names = [self.ground_.ruler.features[column.index].name for column in self.columns_]
        reasons = [
            f"{names[k]} does not go with the other cells ({value:.1f} times as unusual as one "
            "real cell in a hundred)"
            for k, value in zip(worst, score, strict=True)
        ]
        return Judgement.of(score <= self.limit_, reasons, score)


def _judged(real: EncodedRows) -> list[int]:
    varied = [j for j in range(len(real.features)) if len(np.unique(real.values[:, j])) > 1]
    return varied[:_MAX_COLUMNS]


def _inputs(rows: EncodedRows, index: int) -> Floats:
    return np.delete(rows.values, index, axis=1)


@dataclass(frozen=True)
class _Column:
    """What one column is like given the others."""

    index: int
    knots: Floats
    """Known real values, ascending; empty for a discrete column."""
    models: tuple[Any, ...]
    unit: float
    own: Floats
    """Scores of the real rows, out of bag."""

    @classmethod
    def fit(cls, real: EncodedRows, index: int, seed: int) -> Self | None:
        values = real.values[:, index]
        known, inputs = ~np.isnan(values), _inputs(real, index)
        if known.sum() < MIN_ROWS:
            return None
        options = {"n_estimators": _N_TREES, "oob_score": True, "random_state": seed, "n_jobs": 1}
        own = np.zeros(len(values))
        if real.features[index].levels is not None:
            model = RandomForestClassifier(min_samples_leaf=3, **options)
            model.fit(inputs[known], values[known])
            models: tuple[Any, ...] = (model,)
            knots = np.zeros(0)
            oob = np.nan_to_num(model.oob_decision_function_, nan=1.0)
            own[known] = _surprise(model.classes_, oob, values[known])
        else:
            knots = np.sort(values[known])
            ranks = _normal_scores(values[known], knots)
            mean = RandomForestRegressor(min_samples_leaf=3, **options).fit(inputs[known], ranks)
            errors = np.abs(ranks - mean.oob_prediction_)
            spread = RandomForestRegressor(min_samples_leaf=5, **options)
            spread.fit(inputs[known], errors)
            models = (mean, spread)
            own[known] = errors / np.maximum(spread.oob_prediction_, _MIN_SPREAD)
        unit = float(np.quantile(own[known], 0.99)) or 1.0
        return cls(index, knots, models, unit, own / unit)

    def score(self, rows: EncodedRows) -> Floats:
        """Score cells; 0 where one is missing."""
        values, inputs = rows.values[:, self.index], _inputs(rows, self.index)
        known, score = ~np.isnan(values), np.zeros(len(values))
        if not known.any():
            return score
        inputs = inputs[known]
        if not len(self.knots):
            model = self.models[0]
            score[known] = _surprise(model.classes_, model.predict_proba(inputs), values[known])
        else:
            mean, spread = (model.predict(inputs) for model in self.models)
            errors = np.abs(_normal_scores(values[known], self.knots) - mean)
            score[known] = errors / np.maximum(spread, _MIN_SPREAD)
        return score / self.unit


def _surprise(classes: Floats, probabilities: Floats, values: Floats) -> Floats:
    """Minus the log of the probability of each value; 0 where no real row has it."""
    own = np.searchsorted(classes, values)
    seen = np.isin(values, classes)
    p = probabilities[np.arange(len(values)), np.where(seen, own, 0)]
    return np.where(seen, -np.log(np.maximum(p, 0.01)), 0.0)


def _normal_scores(values: Floats, knots: Floats) -> Floats:
    """Return the normal quantile of each value's rank among the knots."""
    below = np.searchsorted(knots, values) + np.searchsorted(knots, values, "right")
    return np.asarray(stats.norm.ppf((below / 2 + 0.5) / (len(knots) + 1)))
