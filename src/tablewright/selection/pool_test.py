"""Whether a pool as a whole says of the real rows what they are."""

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
from tablewright.selection.predictions import LEAST, Predictor, gain_of, merits

__all__ = ["PoolGate"]

_MOST = 2000
"""Real rows that are asked for agreement."""


class PoolGate:
    """Keep a pool if a model of it knows the real labels, and adding it does not hurt.

    Two questions are asked of the real rows, and both have to be answered well:

    - Agreement: does a model of the pool alone give the real rows their own labels with more
      likelihood than labels shuffled among them? The answer is a z-score, from the exact mean
      and variance under shuffling (Hoeffding 1951).
    - Gain: real rows are predicted out of fold, by models of the other folds and by models of
      these and the pool. With the pool they must not be predicted worse
      (`tablewright.selection.predictions.merits`) by more than `slack` standard errors of the mean
      difference.

    A pool whose labels all follow a wrong rule is found here, and only here: it looks consistent
    to itself. To ask for a gain of one standard error instead is less sharp: at 60 real rows a
    sound pool passes that in one case of two.

    Parameters
    ----------
    agreement : float, default=1.645
        Least z-score; 1.645 is passed by chance in one case of twenty.
    slack : float, default=0.5
        Standard errors by which the prediction may become worse.
    n_repeats : int, default=2
        Cross-validations that are averaged.
    n_folds : int, default=5

    Raises
    ------
    InputError
        If an option is out of its range.

    References
    ----------
    Hoeffding: A combinatorial central limit theorem, Annals of Mathematical Statistics 1951.

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

    def __init__(
        self,
        agreement: float = 1.645,
        slack: float = 0.5,
        *,
        n_repeats: int = 2,
        n_folds: int = 5,
    ) -> None:
        if n_repeats < 1 or n_folds < 2:
            raise InputError(
                f"n_repeats is at least 1 and n_folds at least 2, not {n_repeats} and {n_folds}"
            )
        self.agreement = agreement
        self.slack = slack
        self.n_repeats = n_repeats
        self.n_folds = n_folds

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take the typed real rows in.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.ground_ = Ground.labelled(train, schema, "the gate of a pool")
        self.real_ = self.ground_.design(self.ground_.real)
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Keep all typed rows or none; every row has the z-score of agreement as its score."""
        opens, z, said = self.ask(rows, rows, rng)
        keep = np.full(rows.height, opens)
        return Judgement.of(keep, said, np.full(rows.height, z), [f"pool gate: {said}"])

    def ask(
        self, rows: pl.DataFrame, added: pl.DataFrame, rng: np.random.Generator
    ) -> tuple[bool, float, str]:
        """Ask both questions of a pool.

        Parameters
        ----------
        rows : DataFrame
            The typed pool, of which agreement is asked.
        added : DataFrame
            The part of it that would be added, of which the gain is asked.
        rng : numpy Generator

        Returns
        -------
        opens : bool
        z : float
            Agreement.
        said : str
            Both answers in words.
        """
        z = self.agree(rows, rng)
        said = f"a model of the pool knows real labels with z = {z:.1f}"
        if not z > self.agreement:
            return False, z, f"{said} (needs {self.agreement})"
        gain, error = self.gain(added, rng)
        said += f", and adding it changes their prediction by {gain:+.3f} ± {error:.3f}"
        return gain > -self.slack * error, z, said

    def agree(self, rows: pl.DataFrame, rng: np.random.Generator) -> float:
        """Return how much likelier real labels are than shuffled ones, as a z-score."""
        real, pool = self.real_, self.ground_.design(self.ground_.rows(rows))
        if not len(pool) or len(real) < 3:
            return 0.0
        if len(real) > _MOST:
            real = real.take(rng.permutation(len(real))[:_MOST])
        predicted = Predictor(self.ground_, rng)(pool, real)
        if self.ground_.classifies:
            likely = np.log(np.clip(predicted, LEAST, 1.0))[:, real.y.astype(np.intp)]
        else:
            likely = -((predicted[:, None] - real.y[None, :]) ** 2)
        return _shuffled_z(likely)

    def gain(self, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[float, float]:
        """Return by how much typed rows better the prediction of real ones, with its error."""
        pool = self.ground_.design(self.ground_.rows(rows))
        if not len(pool) or len(self.real_) < 3:
            return 0.0, np.inf
        return gain_of(np.mean([self._gains(pool, rng) for _ in range(self.n_repeats)], axis=0))

    def _gains(self, pool: Design, rng: np.random.Generator) -> Floats:
        """Gain in the prediction of each real row, out of fold."""
        real, predictor = self.real_, Predictor(self.ground_, rng)
        folds = stratified_folds(real.y, self.n_folds, rng)

        def predict(train: Mask, test: Mask) -> Floats:
            known, asked = real.take(train), real.take(test)
            return np.stack([predictor(r, asked) for r in (known, known.join(pool))], axis=1)

        predicted = out_of_fold(folds, predict)
        return merits(real.y, predicted[:, 1]) - merits(real.y, predicted[:, 0])


def _shuffled_z(likely: Floats) -> float:
    """Return the z-score of the trace of a matrix under permutations of its columns."""
    centred = likely - likely.mean(axis=0) - likely.mean(axis=1, keepdims=True) + likely.mean()
    variance = float((centred**2).sum() / (len(likely) - 1))
    return float(np.trace(centred) / np.sqrt(variance)) if variance > 1e-12 else 0.0
