"""Whether labels are right: by the candidates' own majority, by the real rows, or by both."""

from __future__ import annotations

from typing import Any, Literal, Self, get_args

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.crossfit import Added, CrossFit, out_of_fold, stratified_folds
from tablewright.metrics.learners import (
    LEARNERS,
    MIN_ROWS_FOR_TREES,
    Design,
    Task,
    leaf_size,
)
from tablewright.metrics.outcomes import MIN_PROBABILITY, rank_scores
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.selection.feature_space import RealRows

Trust = Literal["auto", "data", "generator"]

MIN_REAL_ROWS = 30
"""Real rows under which a sound pool and one that is wrong as a whole cannot be told apart."""

_N_TREES = 40
_N_FOLDS = 5
_MIN_ERROR = 0.01
_MEDIAN_TO_STD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
_MAX_ROWS = 2000
"""Real rows that are asked for agreement at most."""


def label_task(real_rows: RealRows, n_rows: int) -> Task:
    """Return what the checks of labels predict: by the linear model alone below 100 real rows."""
    n_classes = len(real_rows.classes) + 1 if real_rows.classifies else 0
    few = len(real_rows.real) < MIN_ROWS_FOR_TREES
    return Task(n_classes, 0, leaf_size(n_rows), _N_TREES, LEARNERS[1:] if few else LEARNERS)


def _averaged(predicted: dict[str, Any]) -> Floats:
    return np.asarray(np.mean(list(predicted.values()), axis=0))


def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high` on, and what lies on the line between."""
    return float(np.clip((value - low) / (high - low), 0, 1))


def plausibility(y: Floats, predicted: Floats, n_real: int | None = None) -> Floats:
    """Return how plausible labels are: 1 is as likely as for any row, more is better.

    For classes the probability as a multiple of the share of rows that have the class, so that a
    rare class is not implausible for being rare; for numbers the standard deviation of the
    errors over the own error. That is the robust one of the first `n_real` rows, all where None:
    wrong labels do not widen it.

    Examples
    --------
    >>> plausibility(np.array([0.0, 1.0]), np.array([[0.8, 0.2], [0.8, 0.2]]))
    array([1.6, 0.4])
    """
    if predicted.ndim == 1:
        errors = np.abs(y - predicted)
        own = errors[:n_real]
        spread = float(_MEDIAN_TO_STD * np.median(own) or np.sqrt((own**2).mean()))
        return np.asarray(spread / np.maximum(errors, 1e-9 * spread + 1e-300))
    codes = y.astype(np.intp)
    shares = np.bincount(codes, minlength=predicted.shape[1]) / len(codes)
    return np.asarray(predicted[np.arange(len(codes)), codes] / shares[codes])


class LabelPlausibility:
    """Drop the labels that the other rows find implausible, as many as real rows have fewer of.

    Each row is predicted by models of the other folds of real rows and candidates together (see
    `plausibility`). Real rows have implausible labels too, where features do not tell the label:
    as many go as the candidates have more of, beyond chance, the least plausible ones. It
    presumes that most candidates are right: a pool that is wrong as a whole looks consistent to
    itself.

    Parameters
    ----------
    share : float, default=0.25
        Part of the candidates that is dropped at most, 0 to 1.
    n_repeats : int, default=3
        Cross-validations that are averaged.

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
    >>> real = pl.DataFrame({"x": np.r_[-5:-1:0.2, 1:5:0.2], "y": ["a"] * 20 + ["b"] * 20})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> rows = pl.DataFrame({"x": [-2.1, -1.9, 2.1, 1.9], "y": ["a", "a", "b", "a"]})
    >>> LabelPlausibility(0.25).fit(real, schema, rng).judge(rows, rng).keep.tolist()
    [True, True, True, False]
    """

    name = "label plausibility"

    def __init__(self, share: float = 0.25, *, n_repeats: int = 3) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"share lies between 0 and 1, not {share!r}")
        if n_repeats < 1:
            raise InputError(f"n_repeats is at least 1, not {n_repeats}")
        self.share = share
        self.n_repeats = n_repeats

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Read typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.real_rows_ = RealRows.labelled(train, schema, "the plausibility of labels")
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the plausibility, larger being better."""
        if not rows.height:
            return Judgement.all_pass(0)
        real = self.real_rows_.design(self.real_rows_.real)
        both = real.join(self.real_rows_.design(self.real_rows_.rows(rows)))
        scores = plausibility(both.y, self._predicted(both, rng), len(real))
        own, score = scores[: len(real)], scores[len(real) :]
        n_dropped = min(int(self.share * len(score)), excess(own, score))
        keep = np.ones(rows.height, dtype=bool)
        keep[np.argsort(score, kind="stable")[:n_dropped]] = False
        return Judgement.of(keep, [self._reason(value) for value in score], score)

    def _predicted(self, rows: Design, rng: np.random.Generator) -> Floats:
        """Predict each row out of fold, averaged over repeats."""
        task, keys = label_task(self.real_rows_, len(rows)), rows.row_keys

        def predict(train: Mask, test: Mask) -> Floats:
            return _averaged(task.predict(rows.take(train), rows.take(test), rng))

        repeats = [
            out_of_fold(stratified_folds(rows.y, _N_FOLDS, rng, keys), predict)
            for _ in range(self.n_repeats)
        ]
        return np.asarray(np.mean(repeats, axis=0))

    def _reason(self, value: float) -> str:
        if not self.real_rows_.classifies:
            return f"its target is {1 / value:.1f} standard deviations from what the other rows say"
        return f"its label is {value:.2f} times as likely as for any row, by the other rows"


def excess(real: Floats, candidates: Floats) -> int:
    """Return how many candidates have a low score beyond the share of real rows that have.

    The largest difference of the two shares below any score under 1, less its standard error.

    Examples
    --------
    >>> real = np.linspace(0.5, 2, 100)
    >>> excess(real, real), excess(real, np.r_[np.zeros(30), real[30:]])
    (0, 29)
    """
    levels = np.unique(candidates[candidates < 1])
    if not len(levels):
        return 0
    n, m = len(real), len(candidates)
    expected = (np.searchsorted(np.sort(real), levels, "right") + 0.5) / (n + 1)
    share = np.searchsorted(np.sort(candidates), levels, "right") / m
    error = np.sqrt(expected * (1 - expected) * (1 / n + 1 / m))
    return int(np.ceil(max(float((share - expected - error).max()), 0.0) * m))


class RealAgreement:
    """Rank the rows whose labels a model of the real rows agrees with, and keep what helps.

    Only the real rows are believed. The model agrees with a label that it finds at least as
    likely for the row as for any row, and with a number within one standard deviation of its
    errors. The real rows then say how many of these stay, the likeliest first: they are
    predicted fold by fold, with and without what the other folds agree with. None stay where that
    is no better, all where it is better by two standard errors, and a share in between.

    Attributes
    ----------
    gain_, error_ : float
        Gain in the prediction of real rows (`outcomes.rank_scores`) by the last candidates, and
        its standard error.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 240)
    >>> rows = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(0, 0.5, 240) > 0, "b", "a")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> wrong = rows[40:].with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))
    >>> judgement = RealAgreement().fit(rows[:40], schema, rng).judge(wrong, rng)
    >>> bool(judgement.keep.mean() < 0.2)
    True
    """

    name = "real agreement"

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Read typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.real_rows_ = RealRows.labelled(train, schema, "agreement with real labels")
        self.real_ = self.real_rows_.design(self.real_rows_.real)
        self.task_ = label_task(self.real_rows_, len(self.real_))
        self.spread_ = self._spread(rng)
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the rank, 0 the best, 1 where there is no agreement."""
        if not rows.height:
            return Judgement.all_pass(0)
        pool = self.real_rows_.design(self.real_rows_.rows(rows))
        self.gain_, self.error_ = self._gain(pool, rng)
        share = _ramp(self.gain_, 0, 2 * self.error_) if self.error_ > 0 else 0.0
        merit, limit = self._merit(pool, self.real_, rng)
        rank = np.where(merit >= limit, _ranks(merit, merit >= limit), 1.0)
        note = (
            "adding the rows that a model of the real rows agrees with changes their prediction "
            f"by {self.gain_:+.3f} ± {self.error_:.3f}: {share:.0%} of them stay"
        )
        reasons = [
            "a model of the real rows does not agree with its label"
            if index >= 1
            else f"it is not among the {share:.0%} that a model of the real rows agrees with most"
            for index in rank
        ]
        return Judgement.of(rank < share, reasons, rank, [note])

    def order(self, rows: pl.DataFrame, rng: np.random.Generator) -> Floats:
        """Rank typed rows by how much a model of the real rows agrees, from 0 (most) to 1."""
        pool = self.real_rows_.design(self.real_rows_.rows(rows))
        return _ranks(self._merit(pool, self.real_, rng)[0], np.ones(len(pool), dtype=bool))

    def _gain(self, pool: Design, rng: np.random.Generator) -> tuple[float, float]:
        def agreed(known: Design) -> Design:
            merit, limit = self._merit(pool, known, np.random.default_rng(0))
            return pool.take(merit >= limit)

        return _gain(self.real_, self.task_, agreed, rng)

    def _merit(self, pool: Design, known: Design, rng: np.random.Generator) -> tuple[Floats, float]:
        """How much a model of real rows agrees with each label, and from what value on it does."""
        predicted = _averaged(self.task_.predict(known, pool, rng))
        if predicted.ndim == 1:
            return -np.abs(pool.y - predicted), -self.spread_
        codes = pool.y.astype(np.intp)
        shares = np.bincount(known.y.astype(np.intp), minlength=predicted.shape[1]) / len(known)
        own = predicted[np.arange(len(codes)), codes]
        return own / np.maximum(shares[codes], 1e-9), 1.0

    def _spread(self, rng: np.random.Generator) -> float:
        """Return the standard deviation of the errors of a numeric target, out of fold."""
        if self.real_rows_.classifies or len(self.real_) < 2:
            return 0.0
        seed = [int(rng.integers(2**31))]
        predicted = _averaged(CrossFit(self.real_, self.task_, seed).predict()[0])
        return float((self.real_.y - predicted).std())


def _ranks(merit: Floats, chosen: Mask) -> Floats:
    """Rank the chosen from 0, the best, towards 1; 0 for the others."""
    ranks, index = np.zeros(len(merit)), np.flatnonzero(chosen)
    order = index[np.argsort(-merit[index], kind="stable")]
    ranks[order] = np.arange(len(order)) / max(1, len(order))
    return ranks


def _gain(
    real: Design, task: Task, added: Added, rng: np.random.Generator, n_repeats: int = 1
) -> tuple[float, float]:
    """Return by how much added rows better the prediction of real ones, and its standard error."""
    crossfit = CrossFit(real, task, [int(rng.integers(2**31))], n_repeats=n_repeats)
    merits = [
        np.mean([rank_scores(real.y, _averaged(p)) for p in crossfit.predict(rows)], axis=0)
        for rows in (added, None)
    ]
    difference = merits[0] - merits[1]
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))


class PoolTest:
    """Weigh a pool as a whole by what it says of the real rows, from 0 to 1.

    Two questions are asked of the real rows:

    - Agreement: does a model of the pool alone give the real rows their own labels with more
      likelihood than labels shuffled among them? The answer is a z-score, from the exact mean
      and variance under shuffling (Hoeffding 1951). Up to 0.5 the pool weighs nothing, from 2.5 on
      all.
    - Gain: real rows are predicted out of fold, by models of the other folds, alone and with the
      pool. Where the pool harms by 1.645 standard errors or less that is chance, and it weighs
      all; by twice as many nothing. An error counts as 0.01 at least: where real rows alone are
      predicted without fault, a hair less is no harm.

    The weight is the product. A pool whose labels all follow a wrong rule is found here, and only
    here: it looks consistent to itself.

    Attributes
    ----------
    z_, gain_, error_ : float
        Agreement, gain and its standard error, of the last pool.

    References
    ----------
    Hoeffding: A combinatorial central limit theorem, Annals of Mathematical Statistics 1951.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 260)
    >>> rows = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(0, 0.5, 260) > 0, "b", "a")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> test, pool = PoolTest().fit(rows[:60], schema, rng), rows[60:]
    >>> wrong = pool.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))
    >>> test.weigh(pool, rng), test.weigh(wrong, rng)
    (1.0, 0.0)
    """

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Read typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.real_rows_ = RealRows.labelled(train, schema, "the test of a pool")
        self.real_ = self.real_rows_.design(self.real_rows_.real)
        self.z_ = self.gain_ = 0.0
        self.error_ = np.inf
        return self

    def weigh(self, rows: pl.DataFrame, rng: np.random.Generator) -> float:
        """Return the weight of typed rows, 0 to 1; `evidence` puts it in words."""
        self.z_ = self.agree(rows, rng)
        self.gain_, self.error_ = self.gain(rows, rng)
        harm = -self.gain_ / max(self.error_, _MIN_ERROR)
        return _ramp(self.z_, 0.5, 2.5) * (1 - _ramp(harm, 1.645, 3.29))

    @property
    def evidence(self) -> str:
        """Both answers of the last pool in words."""
        return (
            f"a model of the pool knows real labels with z = {self.z_:.1f}, and adding it changes "
            f"their prediction by {self.gain_:+.3f} ± {self.error_:.3f}"
        )

    def agree(self, rows: pl.DataFrame, rng: np.random.Generator) -> float:
        """Return how much likelier real labels are than shuffled ones, as a z-score."""
        real, pool = self.real_, self.real_rows_.design(self.real_rows_.rows(rows))
        if not len(pool) or len(real) < 3:
            return 0.0
        if len(real) > _MAX_ROWS:
            real = real.take(rng.permutation(len(real))[:_MAX_ROWS])
        task = label_task(self.real_rows_, len(pool))
        predicted = _averaged(task.predict(pool, real, rng))
        if self.real_rows_.classifies:
            likely = np.log(np.clip(predicted, MIN_PROBABILITY, 1.0))[:, real.y.astype(np.intp)]
        else:
            likely = -((predicted[:, None] - real.y[None, :]) ** 2)
        return _shuffled_z(likely)

    def gain(self, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[float, float]:
        """Return by how much typed rows better the prediction of real ones, with its error."""
        pool = self.real_rows_.design(self.real_rows_.rows(rows))
        if not len(pool) or len(self.real_) < 3:
            return 0.0, np.inf
        return _gain(self.real_, label_task(self.real_rows_, len(self.real_)), pool, rng, 2)


def _shuffled_z(likely: Floats) -> float:
    """Return the z-score of the trace of a matrix under permutations of its columns."""
    centred = likely - likely.mean(axis=0) - likely.mean(axis=1, keepdims=True) + likely.mean()
    variance = float((centred**2).sum() / (len(likely) - 1))
    return float(np.trace(centred) / np.sqrt(variance)) if variance > 1e-12 else 0.0


class LabelCheck:
    """Judge labels by the candidates' own majority, by the real rows alone, or by a part of each.

    Random faults are best found by the pool itself together with the real rows, systematic ones
    by the real rows only. With ``trust="auto"`` `PoolTest` weighs the pool. Of the rows that
    `LabelPlausibility` lets pass this share stays, those first that a model of the real rows
    agrees with; and so does, beside them, what `RealAgreement` keeps. Below 30 real rows there is
    no telling, and nothing is kept.

    Parameters
    ----------
    trust : {"auto", "data", "generator"}, default="auto"
        Whom to believe: what the test says; the real rows, a weight of 0; or the generator, 1.
    share : float, default=0.25
        Part of the candidates that goes at most for implausible labels.

    Attributes
    ----------
    weight_ : float
        Of the last pool, 0 to 1.
    taken_ : str
        ``"generator"`` where it is over one half, else ``"data"``.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "a", "b", "b"]})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> check = LabelCheck().fit(real, schema, rng)
    >>> bool(check.judge(real, rng).keep.any()), check.taken_
    (False, 'data')
    """

    name = "labels"

    def __init__(self, trust: Trust = "auto", *, share: float = 0.25) -> None:
        if trust not in get_args(Trust):
            raise InputError(f"trust is 'auto', 'data' or 'generator', not {trust!r}")
        self.trust: Trust = trust
        self.plausibility = LabelPlausibility(share)
        self.test = PoolTest()
        self.agreement = RealAgreement()

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn from typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        for check in (self.plausibility, self.test, self.agreement):
            check.fit(train, schema, rng)
        self.n_real_ = train.height
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge a pool of typed rows; the score is the plausibility, or the rank of agreement."""
        plausible = self.plausibility.judge(rows, rng)
        few = self.n_real_ < MIN_REAL_ROWS
        self.weight_, why = self._weigh(rows.filter(plausible.keep), few, rng)
        self.taken_ = "generator" if self.weight_ > 0.5 else "data"
        note = f"the {self.taken_} {'are' if self.taken_ == 'data' else 'is'} trusted: {why}"
        if self.weight_ == 1:
            return Judgement(plausible.keep, plausible.score, plausible.reasons, (note,))
        if few or not rows.height:
            none = np.zeros(rows.height, dtype=bool)
            return Judgement.of(none, note, None, [note])
        agreed = self.agreement.judge(rows, rng)
        inside = self.agreement.order(rows, rng) < self.weight_
        keep = (plausible.keep & inside) | agreed.keep
        reasons = [
            mine or theirs for mine, theirs in zip(plausible.reasons, agreed.reasons, strict=True)
        ]
        score = plausible.score if self.taken_ == "generator" else agreed.score
        return Judgement.of(keep, reasons, score, (note, *agreed.notes))

    def _weigh(self, added: pl.DataFrame, few: bool, rng: np.random.Generator) -> tuple[float, str]:
        if self.trust == "generator" or (self.trust == "data" and not few):
            return float(self.trust == "generator"), "as requested"
        if few:
            z = self.test.agree(added, rng)
            why = f"with {self.n_real_} real rows a wrong pool cannot be told from a sound one"
            return 0.0, f"{why} (agreement z = {z:.1f})"
        weight = self.test.weigh(added, rng)
        return weight, f"{self.test.evidence}: the pool weighs {weight:.0%}"
