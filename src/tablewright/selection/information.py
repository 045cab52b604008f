"""Information that rows bring on the parameters of a model, by Laplace's approximation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement
from tablewright.selection.feature_space import GrowingRows

Update = Literal["refit", "frozen"]
Form = Literal["auto", "full", "one-vs-rest", "diagonal"]

MOST = 2000
"""Parameters up to which the whole precision matrix is made."""


class InformationGain(GrowingRows):
    """Accept a batch if it tells more on the model's parameters than a bootstrap batch does.

    The gain of a batch S on top of rows D is the fall of the posterior entropy of a logistic (or
    linear) model, half the growth of the log determinant of its precision. A batch passes if its
    gain exceeds that of as many rows drawn with replacement from the real rows by more than
    `c` standard deviations of that difference between two bootstrap batches.

    The gain does not see whether labels are right: wrong ones flatten the predicted
    probabilities and raise it. It finds copies; use it beside a check of the labels.

    Parameters
    ----------
    c : float, default=0.0
        Standard deviations of the null.
    update : {"refit", "frozen"}, default="refit"
        Whether the model is fitted again with the batch, or the model of D judges both.
    n_null : int, default=1000
        Bootstrap batches for the null; not needed where `c` is 0, as its mean is 0 by symmetry.
    form : {"auto", "full", "one-vs-rest", "diagonal"}, default="auto"
        What of the precision is made: all; a block per class; its diagonal. ``"auto"`` makes all
        up to 2,000 parameters, blocks up to as many columns, else the diagonal.
    estimator : {"linear", "boosted trees"} or estimator of scikit-learn, default="linear"
        The downstream model. One that is not linear has no posterior of its own: the information
        is that on a linear model whose predictions are those of the estimator.

    Raises
    ------
    InputError
        If an option is none of these.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim, section on the objective-related cost. The
    approximation and the null are our reading.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = np.sort(rng.normal(0, 1, 40))
    >>> real = pl.DataFrame({"x": x, "y": np.where(x > 0, "b", "a")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> check = InformationGain().fit(real, schema, rng)
    >>> bool(check.judge(real[[0] * 10], rng).keep.any())  # the lowest row ten times
    False
    """

    name = "information gain"
    reads_added = True

    def __init__(
        self,
        c: float = 0.0,
        *,
        update: Update = "refit",
        n_null: int = 1000,
        form: Form = "auto",
        estimator: Any = "linear",
    ) -> None:
        if update not in ("refit", "frozen"):
            raise InputError(f"update is 'refit' or 'frozen', not {update!r}")
        if form not in ("auto", "full", "one-vs-rest", "diagonal"):
            raise InputError(f"form is 'auto', 'full', 'one-vs-rest' or 'diagonal', not {form!r}")
        if n_null < 2:
            raise InputError(f"n_null is at least 2, not {n_null}")
        self.c = c
        self.update = update
        self.n_null = n_null
        self.form = form
        self.estimator = estimator

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take the typed real rows in."""
        self.null_seed_ = int(rng.integers(2**31))
        self.spreads_: dict[int, float] = {}
        return super().fit(train, schema, rng)

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Accept all typed rows or none; the score is the gap of the gains, in nats."""
        if not rows.height:
            return Judgement.all_pass(0)
        # drawn first, so that the cost band of the same batch draws the same rows
        drawn = self.real_.take(rng.integers(len(self.real_), size=rows.height))
        batch = self.design(rows)
        gap = self.gain(batch, self.rows_) - self.gain(drawn, self.rows_)
        limit = self.c * self.spread(rows.height) if self.c else 0.0
        declared = f"the batch tells {gap:+.2f} nats more than real rows do (needs {limit:.2f})"
        return Judgement.of(np.full(rows.height, gap > limit), declared, np.full(rows.height, gap))

    def spread(self, n_rows: int) -> float:
        """Return the standard deviation of the gap between two bootstrap batches, in nats.

        It is found once for each size of a batch, whoever asks for it.
        """
        if n_rows not in self.spreads_:
            rng = np.random.default_rng([self.null_seed_, n_rows])
            real = self.real_
            drawn = (rng.integers(len(real), size=n_rows) for _ in range(self.n_null))
            model = self._frozen(real)
            gains = [self._log_determinant(real.join(real.take(index)), model) / 2
                     for index in drawn]  # fmt: skip
            # the gains of two batches are independent and alike
            self.spreads_[n_rows] = float(np.sqrt(2) * np.std(gains, ddof=1))
        return self.spreads_[n_rows]

    def gain(self, batch: Design, rows: Design) -> float:
        """Return the information that a batch adds to rows, in nats."""
        before = self._log_determinant(rows, self.fitted(rows))
        return (self._log_determinant(rows.join(batch), self._frozen(rows)) - before) / 2

    def fitted(self, rows: Design) -> Model:
        """Fit the model; its chance hangs on nothing else."""
        return Model(self.model(rows, np.random.default_rng(0)), rows)

    def _frozen(self, rows: Design) -> Model | None:
        """Return the model that judges whatever is added to rows; None where it is fitted anew."""
        return self.fitted(rows) if self.update == "frozen" else None

    def _log_determinant(self, rows: Design, model: Model | None) -> float:
        model = self.fitted(rows) if model is None else model
        return log_determinant(rows, model, self.real_rows_.n_codes, self.form)


@dataclass(frozen=True)
class Model:
    """A fitted model, and the rows that it was fitted on."""

    predict: Callable[[Design], Floats]
    source: Design


def log_determinant(rows: Design, model: Model, n_classes: int, form: Form = "auto") -> float:
    """Return the log determinant of the posterior precision of a linear model.

    Parameters
    ----------
    rows : Design
        What the posterior is of.
    model : Model
        Says where the curvature is taken.
    n_classes : int
        0 for regression. A class that no row has adds nothing.
    form : str, default="auto"
        See `InformationGain`.
    """
    z = np.column_stack([rows.linear, np.ones(len(rows))])
    if not n_classes:
        residual = model.source.y - model.predict(model.source)
        return _log_det(z / (float(residual.std()) or 1.0))
    p = model.predict(rows)
    p = p[:, p.max(axis=0) > 0]
    if p.shape[1] == 2:
        p = p[:, 1:]  # one logit says both
        form = "one-vs-rest" if form in ("auto", "full") else form
    if form == "auto":
        whole = p.shape[1] * z.shape[1] <= MOST
        form = "full" if whole else "one-vs-rest" if z.shape[1] <= MOST else "diagonal"
    weights = p * (1 - p)
    if form == "diagonal":
        return float(np.log1p(weights.T @ z**2).sum())
    if form == "one-vs-rest":
        return sum(_log_det(z * np.sqrt(w)[:, None]) for w in weights.T)
    return _multinomial(z, p)


def _log_det(z: Floats) -> float:
    """Log determinant of I + z'z."""
    precision = np.eye(z.shape[1]) + z.T @ z
    return float(2 * np.log(np.diag(np.linalg.cholesky(precision))).sum())


def _multinomial(z: Floats, p: Floats) -> float:
    n_classes, width = p.shape[1], z.shape[1]
    precision = np.eye(n_classes * width)
    for a in range(n_classes):
        for b in range(a + 1):
            weight = p[:, a] * ((a == b) - p[:, b])
            block = (z * weight[:, None]).T @ z
            rows, columns = (slice(k * width, (k + 1) * width) for k in (a, b))
            precision[rows, columns] += block
            if a != b:
                precision[columns, rows] += block.T
    return float(2 * np.log(np.diag(np.linalg.cholesky(precision))).sum())
