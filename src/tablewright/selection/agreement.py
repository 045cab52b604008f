"""Rows that a model of the real rows agrees with, as many as the real rows have use for."""

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
from tablewright.selection.predictions import Predictor, gain_of, merits

__all__ = ["RealAgreement"]


class RealAgreement:
    """Keep the rows whose labels a model of the real rows agrees with, if they help.

    Only the real rows are believed. The model agrees with a label that it finds at least as
    likely for the row as for any row, and with a number within one standard deviation of its
    errors. How many of these rows stay, the likeliest first, is asked of the real rows: fold by
    fold, models are fitted on the other folds and on what these would keep of the candidates, and
    the level that predicts the folds left out best is taken. Where none is better than real rows
    alone, nothing is kept.

    Parameters
    ----------
    levels : tuple of float, default=(1.0, 0.5)
        Shares of the rows agreed with that may stay, each above 0 and at most 1.
    n_folds : int, default=5

    Attributes
    ----------
    gains_ : dict of float to (float, float)
        Gain in the prediction of real rows (`tablewright.selection.predictions.merits`) and its
        standard error by level, of the last candidates.

    Raises
    ------
    InputError
        If a level is no share.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 240)
    >>> rows = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(0, 0.5, 240) > 0, "b", "a")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> wrong = rows[40:].with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))
    >>> found = RealAgreement().fit(rows[:40], schema, rng).judge(wrong, rng)
    >>> bool(found.keep.mean() < 0.2)
    True
    """

    name = "real agreement"

    def __init__(self, levels: tuple[float, ...] = (1.0, 0.5), *, n_folds: int = 5) -> None:
        if not levels or not all(0 < level <= 1 for level in levels):
            raise InputError(f"levels are shares above 0 and at most 1, not {levels!r}")
        self.levels = levels
        self.n_folds = n_folds

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take the typed real rows in.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.ground_ = Ground.labelled(train, schema, "agreement with real labels")
        self.real_ = self.ground_.design(self.ground_.real)
        self.error_ = self._error(rng)
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the rank, 0 the best, 1 where there is no agreement."""
        if not rows.height:
            return Judgement.all_pass(0)
        pool = self.ground_.design(self.ground_.rows(rows))
        predictor = Predictor(self.ground_, rng)
        self.gains_ = self._gains(pool, predictor, rng)
        level = max(self.gains_, key=lambda share: self.gains_[share][0])
        said = "; ".join(
            f"{share:.0%} of them change it by {gain:+.3f} ± {error:.3f}"
            for share, (gain, error) in self.gains_.items()
        )
        note = f"prediction of real rows with rows that a model of them agrees with: {said}"
        helps = self.gains_[level][0] > 0
        rank = self._ranks(pool, self.real_, predictor)
        reasons = [
            "a model of the real rows does not agree with its label"
            if place >= 1
            else "rows that a model of the real rows agrees with do not help it"
            if not helps
            else f"it is not among the {level:.0%} that a model of the real rows agrees with most"
            for place in rank
        ]
        return Judgement.of((rank < level) & helps, reasons, rank, [note])

    def _gains(
        self, pool: Design, predictor: Predictor, rng: np.random.Generator
    ) -> dict[float, tuple[float, float]]:
        """Gain in the prediction of real rows by level, with its standard error."""
        real = self.real_
        folds = stratified_folds(real.y, self.n_folds, rng)

        def predict(train: Mask, test: Mask) -> Floats:
            known, asked = real.take(train), real.take(test)
            rank = self._ranks(pool, known, predictor)
            sets = [known, *(known.join(pool.take(rank < level)) for level in self.levels)]
            return np.stack([predictor(rows, asked) for rows in sets], axis=1)

        predicted = out_of_fold(folds, predict)
        alone, *others = (merits(real.y, predicted[:, k]) for k in range(1 + len(self.levels)))
        return {
            level: gain_of(with_pool - alone)
            for level, with_pool in zip(self.levels, others, strict=True)
        }

    def _ranks(self, pool: Design, real: Design, predictor: Predictor) -> Floats:
        """Rank the candidates that a model of real rows agrees with from 0 to 1; 1 the others."""
        predicted = predictor(real, pool)
        if predicted.ndim == 1:
            merit, least = -np.abs(pool.y - predicted), -self.error_
        else:
            codes = pool.y.astype(np.intp)
            shares = np.bincount(real.y.astype(np.intp), minlength=predicted.shape[1]) / len(real)
            own = predicted[np.arange(len(codes)), codes]
            merit, least = own / np.maximum(shares[codes], 1e-9), 1.0
        agreed = np.flatnonzero(merit >= least)
        ranks = np.ones(len(merit))
        order = agreed[np.argsort(-merit[agreed], kind="stable")]
        ranks[order] = np.arange(len(order)) / max(1, len(order))
        return ranks

    def _error(self, rng: np.random.Generator) -> float:
        """Return the standard deviation of the errors of a numeric target, out of fold."""
        if self.ground_.classifies or len(self.real_) < 2:
            return 0.0
        real, predictor = self.real_, Predictor(self.ground_, rng)
        folds = stratified_folds(real.y, self.n_folds, rng)
        predicted = out_of_fold(
            folds, lambda train, test: predictor(real.take(train), real.take(test))
        )
        return float((real.y - predicted).std())
