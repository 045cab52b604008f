"""The objective-related cost: rows that are neither the easiest nor the hardest for a model."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.metrics.crossfit import out_of_fold, stratified_folds
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.selection.feature_space import GrowingRows


class CostBand(GrowingRows):
    """Keep rows whose cost for a model of the real rows lies within a band of ranks.

    The batch is mixed with as many real rows drawn with replacement. The cost of a row is one
    minus the probability that the model gives to its label; for a number 1 - exp(-e^2 / 2s^2)
    with its error e and the residual variance s^2 by cross-validation. By cost, ascending, the
    first ``ceil(2 m beta)`` of the 2m rows and those after the next ``2 (1 - alpha) m`` go.

    It is the one check that measures rows by the real rows alone, so it shields best from a pool
    that is wrong as a whole; but it drops the hardest two fifths of a sound pool as well.

    Parameters
    ----------
    beta : float, default=0.1
        Share of the mixture that is dropped as too easy; in (0, 0.5).
    alpha : float, default=0.5
        Share of the mixture that is dropped in all; larger than `beta`.
    include_bootstrap : bool, default=False
        Whether the real rows within the band are taken over with the batch, as published: then
        most of what is kept are copies of real rows.
    real_costs : {"out_of_fold", "in_sample"}, default="out_of_fold"
        Whether a model that has not seen a real row gives it its cost; published are those of
        the model that was fitted on it, which are low.
    estimator : {"linear", "boosted trees"} or estimator of scikit-learn, default="linear"
        The model of the real rows.

    Raises
    ------
    InputError
        If an option is out of its range.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim, section on the objective-related cost.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": np.arange(40.0), "y": ["a"] * 20 + ["b"] * 20})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> rows = pl.DataFrame({"x": [18.0, 19.0, 20.0, 0.0], "y": ["a", "a", "b", "b"]})
    >>> found = CostBand().fit(real, schema, rng).judge(rows, rng)
    >>> int(found.score.argmax()), found.reasons[3][:28]
    (3, 'its cost for a model of the ')
    """

    name = "cost band"

    def __init__(
        self,
        beta: float = 0.1,
        alpha: float = 0.5,
        *,
        include_bootstrap: bool = False,
        real_costs: Literal["out_of_fold", "in_sample"] = "out_of_fold",
        estimator: Any = "linear",
    ) -> None:
        if not 0 < beta < 0.5 or not beta <= alpha < 1:
            raise InputError(
                f"beta lies in (0, 0.5) and alpha in [beta, 1), not {beta!r} and {alpha!r}"
            )
        if real_costs not in ("out_of_fold", "in_sample"):
            raise InputError(f"real_costs is 'out_of_fold' or 'in_sample', not {real_costs!r}")
        self.beta = beta
        self.alpha = alpha
        self.include_bootstrap = include_bootstrap
        self.real_costs = real_costs
        self.estimator = estimator

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn the model from typed real rows."""
        super().fit(train, schema, rng)
        self.honest_ = self._predicted(self.real_, rng)
        if not self.real_rows_.classifies:
            self.variance_ = float(((self.real_.y - self.honest_) ** 2).mean()) or 1.0
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge a batch of typed rows; the score is the cost, 0 to 1."""
        m = rows.height
        if not m:
            return Judgement.all_pass(0)
        drawn = rng.integers(len(self.real_), size=m)
        batch = self.design(rows)
        model = self.model(self.rows_, rng)
        known = self.honest_ if self.real_costs == "out_of_fold" else model(self.real_)
        costs = self._costs(batch.y, model(batch))
        real = self._costs(self.real_.y, known)[drawn]
        inside, low, high = band(np.concatenate([costs, real]), self.beta, self.alpha)
        asked = f"outside of {low:.2f} to {high:.2f}"
        reasons = [f"its cost for a model of the real rows is {c:.2f}, {asked}" for c in costs]
        result = Judgement.of(inside[:m], reasons, costs)
        if not self.include_bootstrap:
            return result
        taken = self.real_rows_.real.frame[drawn[inside[m:]].tolist()]
        return Judgement(result.keep, result.score, result.reasons, result.notes, taken)

    def _predicted(self, rows: Design, rng: np.random.Generator) -> Floats:
        """Predictions of each real row by a model that has not seen it."""
        if len(rows) < 2:
            return np.asarray(self.model(rows, rng)(rows))
        folds = stratified_folds(rows.y, 5, rng, rows.row_keys)

        def predict(train: Mask, test: Mask) -> Floats:
            return np.asarray(self.model(rows.take(train), rng)(rows.take(test)))

        return out_of_fold(folds, predict)

    def _costs(self, y: Floats, predicted: Floats) -> Floats:
        if predicted.ndim == 1:
            return np.asarray(1 - np.exp(-((y - predicted) ** 2) / (2 * self.variance_)))
        return np.asarray(1 - predicted[np.arange(len(y)), y.astype(np.intp)])


def band(costs: Floats, beta: float, alpha: float) -> tuple[NDArray[np.bool_], float, float]:
    """Mark the costs within the band, by rank; ties by position.

    Returns
    -------
    inside : ndarray of bool, shape (n_costs,)
    low, high : float
        Smallest and largest cost inside.

    Examples
    --------
    >>> band(np.array([0.5, 0.1, 0.9, 0.3]), 0.1, 0.5)
    (array([ True, False, False,  True]), 0.3, 0.5)
    """
    n = len(costs)
    skipped = int(np.ceil(round(n * beta, 9)))
    stay = int(round(n * (1 - alpha), 9))
    chosen = np.argsort(costs, kind="stable")[skipped : skipped + stay]
    inside = np.zeros(n, dtype=bool)
    inside[chosen] = True
    if not len(chosen):
        return inside, np.nan, np.nan
    return inside, float(costs[chosen[0]]), float(costs[chosen[-1]])
