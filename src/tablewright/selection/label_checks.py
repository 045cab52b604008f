"""Whether labels are right: by the candidates' own majority, by the real rows, or by both."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.crossfit import Added, CrossFit, out_of_fold, stratified_folds
from tablewright.metrics.learners import Design, Task
from tablewright.metrics.outcomes import MIN_PROBABILITY, rank_scores
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.selection.feature_space import RealRows
from tablewright.selection.label_levels import Ints, LabelLevels, averaged
from tablewright.selection.mixture import Mixture
from tablewright.selection.relations import Relations

Trust = Literal["auto", "data", "generator"]

MIN_REAL_ROWS = 30
"""Real rows under which they cannot be asked by folds what helps to predict them."""

_N_FOLDS, _N_REPEATS = 5, 3
_N_WRONG = 10
"""Labels of other rows that each real row is given, to learn what wrong labels look like."""
_MIN_ERROR = 0.01
_MAX_ROWS = 2000
"""Real rows that are asked for agreement at most."""


def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to `low`, 1 from `high` on, and what lies on the line between."""
    return float(np.clip((value - low) / (high - low), 0, 1))


class LabelPlausibility:
    """Drop the labels that are rather wrong than right, by what the other rows say.

    Each row is predicted by models of the other folds of real rows and candidates together: how
    many times as likely is its label as for any row (`LabelLevels.ratios`)? Real rows have
    unlikely labels too, where features do not tell the label. So the pool is taken as a mixture
    of rows like the real ones and of rows with the label of another row (`Mixture`), and the rows
    go that are likelier to be of the second kind. It presumes that most candidates are right: a
    pool that is wrong as a whole looks consistent to itself.

    Parameters
    ----------
    share : float, default=1.0
        Part of the candidates that is dropped at most, 0 to 1.

    Attributes
    ----------
    sound_ : float
        Share of the last pool that is right, at most.

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
    >>> rows = pl.DataFrame({"x": [-2.1, -1.9, 2.1, 1.9] * 5, "y": ["a", "a", "b", "a"] * 5})
    >>> LabelPlausibility().fit(real, schema, rng).judge(rows, rng).keep[:4].tolist()
    [True, True, True, False]
    """

    name = "label plausibility"

    def __init__(self, share: float = 1.0) -> None:
        if not 0 <= share <= 1:
            raise InputError(f"share lies between 0 and 1, not {share!r}")
        self.share = share

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Read typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.levels_ = LabelLevels(RealRows.labelled(train, schema, "the plausibility of labels"))
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the plausibility, larger being better."""
        if not rows.height:
            return Judgement.all_pass(0)
        levels, n_real = self.levels_, len(self.levels_.real)
        pool = levels.design(rows)
        ratios = self._predicted(levels.real.join(pool), rng)
        own, score = levels.of(ratios[:n_real], levels.real), levels.of(ratios[n_real:], pool)
        wrong = at_other_labels(ratios[:n_real], levels.codes(levels.real.y), rng)
        mixture = Mixture.of(-own, -wrong)
        self.sound_ = mixture.sound_share(-score) if len(wrong) else 1.0
        beyond = -score > mixture.limit(self.sound_)
        keep = np.ones(rows.height, dtype=bool)
        n_dropped = min(int(self.share * len(score)), int(beyond.sum()))
        keep[np.argsort(score, kind="stable")[:n_dropped]] = False
        reasons = [f"its label is {x:.2f} times as likely as for any row, by the other rows"
                   for x in score]  # fmt: skip
        return Judgement.of(keep, reasons, score)

    def _predicted(self, rows: Design, rng: np.random.Generator) -> Floats:
        """Predict each row out of fold, averaged over repeats."""

        def predict(train: Mask, test: Mask) -> Floats:
            return self.levels_.ratios(rows.take(train), rows.take(test), rng)

        repeats = [
            out_of_fold(stratified_folds(rows.y, _N_FOLDS, rng, rows.row_keys), predict)
            for _ in range(_N_REPEATS)
        ]
        return np.asarray(np.mean(repeats, axis=0))


def at_other_labels(ratios: Floats, codes: Ints, rng: np.random.Generator) -> Floats:
    """Look up for each row labels of other rows that differ from its own.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> at_other_labels(np.array([[1.8, 0.2], [0.4, 1.6]]), np.array([0, 1]), rng).max().item()
    0.4
    """
    drawn = np.array([rng.permutation(codes) for _ in range(_N_WRONG)])
    rows, other = np.broadcast_to(np.arange(len(codes)), drawn.shape), drawn != codes
    return np.asarray(ratios[rows[other], drawn[other]])


class RealAgreement:
    """Rank the rows whose labels a model of the real rows agrees with, and keep what helps.

    Only the real rows are believed. The model agrees with a label that it finds at least as
    likely for the row as for any row. The real rows then say how many of these stay, the
    likeliest first: they are predicted fold by fold, with and without what the other folds agree
    with. None stay where that is no better, or where there are fewer than 30 real rows; all where
    it is better by two standard errors; and a share in between.

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
    >>> levels = LabelLevels(RealRows.fit(rows[:40], schema))
    >>> judgement = RealAgreement(levels).judge(wrong, rng)
    >>> bool(judgement.keep.mean() < 0.2)
    True
    """

    name = "real agreement"

    def __init__(self, levels: LabelLevels) -> None:
        self.levels = levels

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the rank, 0 the best, 1 where there is no agreement."""
        if not rows.height:
            return Judgement.all_pass(0)
        pool = self.levels.design(rows)
        if len(self.levels.real) < MIN_REAL_ROWS:
            few = f"{len(self.levels.real)} real rows do not tell which other rows help"
            return Judgement.of(np.zeros(len(pool), dtype=bool), few, np.ones(len(pool)), [few])
        self.gain_, self.error_ = self._gain(pool, rng)
        share = _ramp(self.gain_, 0, 2 * self.error_) if self.error_ > 0 else 0.0
        merit = self._merit(pool, self.levels.real, rng)
        rank = np.where(merit >= 1, _ranks(merit, merit >= 1), 1.0)
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
        pool = self.levels.design(rows)
        return _ranks(self._merit(pool, self.levels.real, rng), np.ones(len(pool), dtype=bool))

    def _gain(self, pool: Design, rng: np.random.Generator) -> tuple[float, float]:
        def agreed(known: Design) -> Design:
            return pool.take(self._merit(pool, known, np.random.default_rng(0)) >= 1)

        real = self.levels.real
        return _gain(real, self.levels.task(len(real)), agreed, rng)

    def _merit(self, pool: Design, known: Design, rng: np.random.Generator) -> Floats:
        """How many times as likely as for any row each label is, by a model of known rows."""
        return self.levels.of(self.levels.ratios(known, pool, rng), pool)


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
        np.mean([rank_scores(real.y, averaged(p)) for p in crossfit.predict(rows)], axis=0)
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
      all. Where the real rows do not know each other's labels, it is no fault not to know them.
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
    >>> test, pool = PoolTest(LabelLevels(RealRows.fit(rows[:60], schema))), rows[60:]
    >>> all_rows = np.ones(200, dtype=bool)
    >>> wrong = pool.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))
    >>> test.weigh(pool, all_rows, rng), test.weigh(wrong, all_rows, rng)
    (1.0, 0.0)
    """

    def __init__(self, levels: LabelLevels) -> None:
        self.levels = levels
        self.z_ = self.gain_ = 0.0
        self.error_ = np.inf

    def weigh(self, rows: pl.DataFrame, plausible: Mask, rng: np.random.Generator) -> float:
        """Return the weight of typed rows, 0 to 1; `evidence` puts it in words.

        All rows are asked for agreement, since rows that were chosen by the real ones would agree
        with them; what is gained is that of the plausible ones.
        """
        self.z_ = self.agree(rows, rng)
        self.gain_, self.error_ = self.gain(rows.filter(plausible), rng)
        harm = -self.gain_ / max(self.error_, _MIN_ERROR)
        knows = _ramp(self.z_, 0.5, 2.5)
        if knows < 1 and self.z_ > -1.645 and len(self.levels.real) >= MIN_REAL_ROWS:
            knows = max(knows, 1 - _ramp(self._own_z(rng), 0.5, 2.5))
        return knows * (1 - _ramp(harm, 1.645, 3.29))

    def _own_z(self, rng: np.random.Generator) -> float:
        """Return how well real rows know each other's labels, out of fold, as a z-score."""
        real = self.levels.real

        def predict(train: Mask, test: Mask) -> Floats:
            return self.levels.ratios(real.take(train), real.take(test), rng)

        folds = stratified_folds(real.y, _N_FOLDS, rng, real.row_keys)
        likely = np.log(np.maximum(out_of_fold(folds, predict), MIN_PROBABILITY))
        return _shuffled_z(likely[:, self.levels.codes(real.y)])

    @property
    def evidence(self) -> str:
        """Both answers of the last pool in words."""
        return (
            f"a model of the pool knows real labels with z = {self.z_:.1f}, and adding it changes "
            f"their prediction by {self.gain_:+.3f} ± {self.error_:.3f}"
        )

    def agree(self, rows: pl.DataFrame, rng: np.random.Generator) -> float:
        """Return how much likelier real labels are than shuffled ones, as a z-score."""
        real, pool = self.levels.real, self.levels.design(rows)
        if not len(pool) or len(real) < 3:
            return 0.0
        if len(real) > _MAX_ROWS:
            real = real.take(rng.permutation(len(real))[:_MAX_ROWS])
        ratios = self.levels.ratios(pool, real, rng)
        likely = np.log(np.maximum(ratios, MIN_PROBABILITY))
        return _shuffled_z(likely[:, self.levels.codes(real.y)])

    def gain(self, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[float, float]:
        """Return by how much typed rows better the prediction of real ones, with its error."""
        real, pool = self.levels.real, self.levels.design(rows)
        if not len(pool) or len(real) < 3:
            return 0.0, np.inf
        return _gain(real, self.levels.task(len(real)), pool, rng, 2)


def _shuffled_z(likely: Floats) -> float:
    """Return the z-score of the trace of a matrix under permutations of its columns."""
    centred = likely - likely.mean(axis=0) - likely.mean(axis=1, keepdims=True) + likely.mean()
    variance = float((centred**2).sum() / (len(likely) - 1))
    return float(np.trace(centred) / np.sqrt(variance)) if variance > 1e-12 else 0.0


class LabelCheck:
    """Judge labels by the candidates' own majority, by the real rows alone, or by a part of each.

    A label goes where `Relations` finds it out of all relation to the features. Of the others
    random faults are best found by the pool itself together with the real rows, systematic ones
    by the real rows only. With ``trust="auto"`` `PoolTest` weighs the pool. Of the rows that
    `LabelPlausibility` lets pass this share stays, those first that a model of the real rows
    agrees with; and so does, beside them, what `RealAgreement` keeps.

    Parameters
    ----------
    trust : {"auto", "data", "generator"}, default="auto"
        Whom to believe: what the test says; the real rows, a weight of 0; or the generator, 1.
    share : float, default=1.0
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
    >>> x = rng.normal(0, 1, 140)
    >>> rows = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(0, 0.5, 140) > 0, "b", "a")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> check = LabelCheck().fit(rows[:40], schema, rng)
    >>> bool(check.judge(rows[40:], rng).keep.mean() > 0.9), check.taken_
    (True, 'generator')
    >>> wrong = rows[40:].with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))
    >>> bool(check.judge(wrong, rng).keep.mean() < 0.2), check.taken_
    (True, 'data')
    """

    name = "labels"

    def __init__(self, trust: Trust = "auto", *, share: float = 1.0) -> None:
        if trust not in get_args(Trust):
            raise InputError(f"trust is 'auto', 'data' or 'generator', not {trust!r}")
        self.trust: Trust = trust
        self.plausibility = LabelPlausibility(share)
        self.relation = Relations(of="target")

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn from typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.plausibility.fit(train, schema, rng)
        self.relation.fit(train, schema, rng)
        self.test = PoolTest(self.plausibility.levels_)
        self.agreement = RealAgreement(self.plausibility.levels_)
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge a pool of typed rows; the score is the plausibility, or the rank of agreement."""
        related = self.relation.judge(rows, rng)
        plausible = self.plausibility.judge(rows, rng)
        sound = related.keep & plausible.keep
        self.weight_, why = self._weigh(rows, sound, rng)
        self.taken_ = "generator" if self.weight_ > 0.5 else "data"
        note = f"the {self.taken_} {'are' if self.taken_ == 'data' else 'is'} trusted: {why}"
        notes, keep, score, others = [note], sound, plausible.score, [""] * rows.height
        if self.weight_ < 1 and rows.height:
            agreed = self.agreement.judge(rows, rng)
            inside = self.agreement.order(rows, rng) < self.weight_
            keep = (sound & inside) | (agreed.keep & related.keep)
            notes, others = [note, *agreed.notes], agreed.reasons
            score = score if self.taken_ == "generator" else agreed.score
        reasons = [first or second or third for first, second, third in
                   zip(related.reasons, plausible.reasons, others, strict=True)]  # fmt: skip
        return Judgement.of(keep, reasons, score, notes)

    def _weigh(
        self, rows: pl.DataFrame, sound: Mask, rng: np.random.Generator
    ) -> tuple[float, str]:
        if self.trust != "auto":
            return float(self.trust == "generator"), "as requested"
        weight = self.test.weigh(rows, sound, rng)
        return weight, f"{self.test.evidence}: the pool weighs {weight:.0%}"
