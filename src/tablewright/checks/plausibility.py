"""Whether a row's label is what its features say, by all other rows, real and generated."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl

from tablewright.checks.base import Floats, Judgement, Mask
from tablewright.checks.folds import out_of_fold, stratified_folds
from tablewright.checks.ground import Ground
from tablewright.errors import InputError
from tablewright.metrics.learners import Design, fit
from tablewright.schema import Schema

__all__ = ["LabelPlausibility"]


class LabelPlausibility:
    """Drop the rows whose label the other rows find least plausible.

    Each row is predicted by models of the other folds of real rows and candidates together. The
    plausibility of a class is its predicted probability as a multiple of its share of the rows,
    so that a rare class is not dropped for being rare; that of a number is minus its squared
    standardised residual. It presumes that most candidates are right: a pool that is wrong as a
    whole looks consistent to itself.

    Parameters
    ----------
    share : float, default=0.25
        Part of the candidates that is dropped, 0 to 1.
    n_repeats : int, default=5
        Cross-validations that are averaged.
    n_folds : int, default=5
    learners : tuple of str, default=("linear",)
        Of `tablewright.metrics.learners.LEARNERS`, averaged.

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
        n_repeats: int = 5,
        n_folds: int = 5,
        learners: tuple[str, ...] = ("linear",),
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
        self.learners = learners

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take the typed real rows in.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.ground_ = Ground.fit(train, schema)
        if self.ground_.target is None:
            raise InputError("the plausibility of labels needs a target: name it")
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the plausibility, larger being better."""
        score = self.plausibility(rows, rng)
        n_dropped = int(self.share * rows.height)
        keep = np.ones(rows.height, dtype=bool)
        keep[np.argsort(score, kind="stable")[:n_dropped]] = False
        return Judgement.of(keep, [self._reason(value) for value in score], score)

    def plausibility(self, rows: pl.DataFrame, rng: np.random.Generator) -> Floats:
        """Return the plausibility of the label of each typed row, shape (n_rows,)."""
        if not rows.height:
            return np.zeros(0)
        real = self.ground_.design(self.ground_.real)
        both = real.join(self.ground_.design(self.ground_.rows(rows)))
        n_classes = int(both.y.max()) + 1 if self.ground_.classifies else 0
        predicted = _predicted(both, n_classes, self, rng)[len(real) :]
        labels = both.y[len(real) :]
        if not n_classes:
            spread = float(both.y.std()) or 1.0
            return np.asarray(-(((labels - predicted) / spread) ** 2))
        codes = labels.astype(np.intp)
        shares = np.bincount(both.y.astype(np.intp), minlength=n_classes) / len(both)
        return np.asarray(predicted[np.arange(len(codes)), codes] / shares[codes])

    def _reason(self, value: float) -> str:
        if not self.ground_.classifies:
            return f"its target is {np.sqrt(-value):.1f} standard deviations from the prediction"
        return f"its label is {value:.2f} times as likely as for any row, by the other rows"


def _predicted(
    rows: Design, n_classes: int, check: LabelPlausibility, rng: np.random.Generator
) -> Floats:
    """Predict each row out of fold, averaged over repeats and learners."""
    found = []
    for _ in range(check.n_repeats):
        folds = stratified_folds(rows.y, check.n_folds, rng)
        for learner in check.learners:

            def predict(train: Mask, test: Mask, learner: str = learner) -> Floats:
                leaf = max(3, min(20, int(train.sum()) // 20))
                model = fit(learner, rows.take(train), n_classes, rng, leaf=leaf)
                return model(rows.take(test))

            found.append(out_of_fold(folds, predict))
    return np.asarray(np.mean(found, axis=0))
