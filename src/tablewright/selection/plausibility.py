"""Whether a row's label is what its features say, by all other rows, real and generated."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.crossfit import out_of_fold, stratified_folds
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.selection.feature_space import Ground
from tablewright.selection.predictions import Predictor

__all__ = ["LabelPlausibility"]


class LabelPlausibility:
    """Drop the rows whose label the other rows find least plausible.

    Each row is predicted by models of the other folds of real rows and candidates together (a
    linear one, and boosted trees from 100 real rows on). The
    plausibility of a class is its predicted probability as a multiple of its share of the rows,
    so that a rare class is not dropped for being rare; that of a number is the standard deviation
    of the errors over its own error. What is 1 or more stays. It presumes that most candidates
    are right: a pool that is wrong as a whole looks consistent to itself.

    Parameters
    ----------
    share : float, default=0.25
        Part of the candidates that is dropped at most, the least plausible ones, 0 to 1.
    n_repeats : int, default=3
        Cross-validations that are averaged.
    n_folds : int, default=5

    Raises
    ------
    InputError
        If an option is out of its range.

    References
    ----------
    Northcutt, Jiang, Chuang: Confident learning, JAIR 2021, for ranking labels out of fold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": [-2.0, -1.0, 1.0, 2.0] * 5, "y": ["a", "a", "b", "b"] * 5})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> rows = pl.DataFrame({"x": [-2.1, -1.9, 2.1, 1.9], "y": ["a", "a", "b", "a"]})
    >>> LabelPlausibility(0.25).fit(real, schema, rng).judge(rows, rng).keep.tolist()
    [True, True, True, False]
    """

    name = "label plausibility"

    def __init__(
        self,
        share: float = 0.25,
        *,
        n_repeats: int = 3,
        n_folds: int = 5,
    ) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"share lies between 0 and 1, not {share!r}")
        if n_repeats < 1 or n_folds < 2:
            raise InputError(
                f"n_repeats is at least 1 and n_folds at least 2, not {n_repeats} and {n_folds}"
            )
        self.share = share
        self.n_repeats = n_repeats
        self.n_folds = n_folds

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take the typed real rows in.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.ground_ = Ground.labelled(train, schema, "the plausibility of labels")
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the plausibility, larger being better."""
        score = self.plausibility(rows, rng)
        n_dropped = int(self.share * rows.height)
        keep = np.ones(rows.height, dtype=bool)
        keep[np.argsort(score, kind="stable")[:n_dropped]] = False
        keep |= score >= 1
        return Judgement.of(keep, [self._reason(value) for value in score], score)

    def plausibility(self, rows: pl.DataFrame, rng: np.random.Generator) -> Floats:
        """Return the plausibility of the label of each typed row, shape (n_rows,)."""
        if not rows.height:
            return np.zeros(0)
        real = self.ground_.design(self.ground_.real)
        both = real.join(self.ground_.design(self.ground_.rows(rows)))
        predicted = self._predicted(both, rng)
        if not self.ground_.classifies:
            errors = np.abs(both.y - predicted)
            spread = float(np.sqrt((errors**2).mean()))
            return np.asarray(spread / np.maximum(errors[len(real) :], 1e-9 * spread + 1e-300))
        codes = both.y[len(real) :].astype(np.intp)
        shares = np.bincount(both.y.astype(np.intp), minlength=predicted.shape[1]) / len(both)
        return np.asarray(predicted[len(real) :][np.arange(len(codes)), codes] / shares[codes])

    def _predicted(self, rows: Design, rng: np.random.Generator) -> Floats:
        """Predict each row out of fold, averaged over repeats."""
        predictor = Predictor(self.ground_, rng)

        def predict(train: Mask, test: Mask) -> Floats:
            return predictor(rows.take(train), rows.take(test))

        found = [
            out_of_fold(stratified_folds(rows.y, self.n_folds, rng), predict)
            for _ in range(self.n_repeats)
        ]
        return np.asarray(np.mean(found, axis=0))

    def _reason(self, value: float) -> str:
        if not self.ground_.classifies:
            return f"its target is {1 / value:.1f} standard deviations from what the other rows say"
        return f"its label is {value:.2f} times as likely as for any row, by the other rows"
