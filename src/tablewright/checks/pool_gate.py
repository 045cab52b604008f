"""Whether a pool as a whole helps to predict the real rows."""

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

__all__ = ["PoolGate"]


class PoolGate:
    """Keep a pool if adding it lowers the loss on real rows by more than its standard error.

    Real rows are predicted out of fold, by models of the other folds and by models of these and
    the pool; the loss is the log loss of the label, or half the squared standardised error of a
    number. The standard error is that of the mean difference over real rows, each averaged over
    the repeats first. A pool whose labels all follow a wrong rule is found here, and only here.

    Parameters
    ----------
    margin : float, default=1.0
        Standard errors by which the loss has to fall.
    n_repeats : int, default=5
        Cross-validations that are averaged.
    n_folds : int, default=5

    Attributes
    ----------
    gain_, error_ : float
        Mean fall of the loss in nats and its standard error, of the last pool.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 260)
    >>> rows = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(0, 0.5, 260) > 0, "b", "a")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> gate, pool = PoolGate().fit(rows[:60], schema, rng), rows[60:]
    >>> wrong = pool.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))
    >>> bool(gate.judge(pool, rng).keep.all()), bool(gate.judge(wrong, rng).keep.any())
    (True, False)
    """

    name = "pool gate"

    def __init__(self, margin: float = 1.0, *, n_repeats: int = 5, n_folds: int = 5) -> None:
        if n_repeats < 1 or n_folds < 2:
            raise InputError(
                f"n_repeats is at least 1 and n_folds at least 2, not {n_repeats} and {n_folds}"
            )
        self.margin = margin
        self.n_repeats = n_repeats
        self.n_folds = n_folds

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take the typed real rows in.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.ground_ = Ground.fit(train, schema)
        if self.ground_.target is None:
            raise InputError("the gate of a pool needs a target: name it")
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Keep all typed rows or none; every row has the gain as its score."""
        gain, error = self.gain(rows, rng)
        self.gain_, self.error_ = gain, error
        opens = gain > self.margin * error
        said = f"adding the pool changes the loss on real rows by {-gain:+.3f} ± {error:.3f}"
        return Judgement.of(
            np.full(rows.height, opens), said, np.full(rows.height, gain), [f"pool gate: {said}"]
        )

    def gain(self, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[float, float]:
        """Return by how much a pool of typed rows lowers the loss, and the standard error."""
        real = self.ground_.design(self.ground_.real)
        pool = self.ground_.design(self.ground_.rows(rows))
        highest = max(real.y.max(), pool.y.max(initial=0.0))
        n_classes = int(highest) + 1 if self.ground_.classifies else 0
        if not len(pool) or len(real) < 2 or (n_classes and len(np.unique(real.y)) < 2):
            return 0.0, np.inf
        falls = np.mean([self._falls(real, pool, n_classes, rng) for _ in range(self.n_repeats)], 0)
        error = float(falls.std(ddof=1) / np.sqrt(len(falls)))
        return float(falls.mean()), error

    def _falls(
        self, real: Design, pool: Design, n_classes: int, rng: np.random.Generator
    ) -> Floats:
        """Fall of the loss of each real row, out of fold."""
        folds = stratified_folds(real.y, self.n_folds, rng)
        spread = float(real.y.std()) or 1.0

        def predict(train: Mask, test: Mask) -> Floats:
            known, asked = real.take(train), real.take(test)
            return np.column_stack(
                [
                    _loss(asked, fit("linear", rows, n_classes, rng)(asked), spread)
                    for rows in (known, known.join(pool))
                ]
            )

        losses = out_of_fold(folds, predict)
        return np.asarray(losses[:, 0] - losses[:, 1])


def _loss(rows: Design, predicted: Floats, spread: float) -> Floats:
    if predicted.ndim == 1:
        return np.asarray(((rows.y - predicted) / spread) ** 2 / 2)
    own = predicted[np.arange(len(rows)), rows.y.astype(np.intp)]
    return np.asarray(-np.log(np.clip(own, 1e-3, 1.0)))
