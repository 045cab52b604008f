"""Tell the rows of a process from real ones, and say by what they were told.

The published discriminator is a logistic regression that is updated batch by batch; it sees
margins alone, so that real rows with shuffled columns pass it. Here the learners see pairs of
columns, every real row is scored by a model that did not see it, and all processes are judged on
the same folds and the same resamples of the real rows, so that two of them are compared in pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from tablewright.metrics.associations import associations
from tablewright.metrics.crossfit import stratified_folds
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.learners import Design, Task, leaf_size
from tablewright.schema import Schema
from tablewright.threads import one_thread

Floats = NDArray[np.float64]
Kind = Literal["both", "pairs", "boosted", "linear"]
KINDS: tuple[Kind, ...] = ("both", "pairs", "boosted", "linear")

_N_FOLDS = 5
_N_TREES = 40
_N_RESAMPLES = 100
_MAX_PAIRED = 24
"""Columns of the linear design whose products are taken, those of the widest spread."""


@dataclass(frozen=True)
class Judgement:
    """How far the rows of one process are from the real ones.

    Attributes
    ----------
    auc : float
        Of the discriminator; below one half it is chance, no merit.
    margins, pairs : float
        Mean total variation distance to the real rows of the columns, and of pairs of columns.
    resampled : ndarray of shape (n_resamples,)
        The loss on resampled rows; resamples of the real rows are the same for all processes.
    evidence : tuple of Evidence
        What gave the rows away, the worst first.
    """

    auc: float
    margins: float
    pairs: float
    resampled: Floats
    evidence: tuple[Evidence, ...] = ()

    @property
    def loss(self) -> float:
        """AUC, at least one half, with the errors of columns and of pairs added."""
        return max(0.5, self.auc) + self.margins + self.pairs

    def gain_over(self, before: Judgement) -> tuple[float, float]:
        """Return how much lower the loss is than before, and the standard error of that."""
        paired = before.resampled - self.resampled
        return before.loss - self.loss, float(paired.std(ddof=1))


@dataclass(frozen=True)
class Evidence:
    """One thing that differs: the values of a column, or how two columns go together.

    Attributes
    ----------
    columns : tuple of one or two str
    real, generated : float
        Mean and mean in real standard deviations of a column, or the association of two.
    size : float
        What the list is ordered by.
    """

    columns: tuple[str, ...]
    real: float
    generated: float
    size: float

    @property
    def words(self) -> str:
        """What differs, without a number of the real rows."""
        if len(self.columns) == 2:
            more = "less" if self.generated < self.real else "more"
            return f"{self.columns[0]} and {self.columns[1]} go together {more} than in real rows"
        return f"{self.columns[0]} is too {'low' if self.generated < self.real else 'high'}"

    def __str__(self) -> str:
        if len(self.columns) == 2:
            return f"{self.words} ({self.generated:.2f}, real {self.real:.2f})"
        return f"{self.words} ({abs(self.size):.2f} standard deviations)"


class Discriminator:
    """Judges rows of processes on common folds of the real rows.

    Parameters
    ----------
    real : DataFrame
        Typed real rows.
    schema : Schema
    kind : {"both", "pairs", "boosted", "linear"}, default="both"
        A logistic regression with products of columns, boosted trees, the mean of these two; or
        a linear model as in the paper, which is blind to relations.
    seed : int, default=0

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=300)
    >>> real = pl.DataFrame({"x": x, "y": x + 0.1 * rng.normal(size=300)})
    >>> schema = Schema.build({"x": "continuous", "y": "continuous"})
    >>> apart = real.with_columns(pl.col("y").shuffle(seed=0))
    >>> discriminator = Discriminator(real, schema)
    >>> discriminator.judge(apart).loss > 0.75
    True
    >>> print(discriminator.judge(apart).evidence[0])
    x and y go together less than in real rows (..., real ...)
    """

    def __init__(
        self, real: pl.DataFrame, schema: Schema, kind: Kind = "both", seed: int = 0
    ) -> None:
        self.kind, self.seed = kind, seed
        self.encoder = FeatureEncoder.fit(real, schema)
        self.real = self.encoder.rows(real, "training")
        design = Design.of(self.real, np.zeros(len(self.real)))
        rng = np.random.default_rng([seed, 0])
        self.keys = design.row_keys
        self.folds = stratified_folds(np.zeros(len(self.real)), _N_FOLDS, rng, self.keys)

    def judge(self, frame: pl.DataFrame) -> Judgement:
        """Judge typed rows."""
        rows = self.encoder.rows(frame, "generated")
        by_real, by_row = self._by_auc(rows)
        weights = [
            np.random.default_rng([self.seed, 3]).multinomial(n, np.full(n, 1 / n), _N_RESAMPLES)
            / n
            for n in (len(by_real), len(by_row))
        ]
        auc = float(by_real.mean())
        aucs = weights[0] @ by_real + weights[1] @ by_row - auc
        errors = self._errors(rows, [np.full(len(by_real), 1 / len(by_real))],
                              [np.full(len(by_row), 1 / len(by_row))])[0]  # fmt: skip
        resampled = np.maximum(0.5, aucs) + self._errors(rows, *weights).sum(axis=1)
        return Judgement(auc, float(errors[0]), float(errors[1]), resampled, self._evidence(rows))

    def _by_auc(self, rows: EncodedRows) -> tuple[Floats, Floats]:
        """Return for each row the share of the other side on its wrong side (DeLong 1988).

        The mean of either is the AUC.
        """
        real_side = Design.of(self.real, np.zeros(len(self.real)))
        other = Design.of(rows, np.ones(len(rows)))
        fold_of = dict(zip(self.keys, self.folds.tolist(), strict=True))
        rng = np.random.default_rng([self.seed, 1])
        spare = rng.integers(0, self.folds.max() + 1, len(rows))
        # A generated row that equals a real one is scored by the model that has not seen either.
        other_folds = np.array(
            [fold_of.get(key, int(k)) for key, k in zip(other.row_keys, spare, strict=True)],
            dtype=np.intp,
        )
        design, folds = real_side.join(other), np.concatenate([self.folds, other_folds])
        kinds = ("pairs", "boosted") if self.kind == "both" else (self.kind,)
        parts = [self._placed(design, folds, kind) for kind in kinds]
        return np.mean([part[0] for part in parts], axis=0), np.mean([p[1] for p in parts], axis=0)

    def _errors(self, rows: EncodedRows, ours: Any, theirs: Any) -> Floats:
        """Return the errors of columns and of pairs for each pair of row weights."""
        bins = np.vstack([self.real.binned, rows.binned])
        sizes = bins.max(axis=0, initial=0) + 1
        ends = np.concatenate([[0], np.cumsum(sizes)])
        ones = np.zeros((len(bins), int(ends[-1])))
        for j in range(bins.shape[1]):
            ones[np.arange(len(bins)), ends[j] + bins[:, j]] = 1.0
        owner = np.repeat(np.arange(len(sizes)), sizes)
        apart = owner[:, None] < owner[None, :]
        n_pairs = max(1, len(sizes) * (len(sizes) - 1) // 2)
        real, made = ones[: len(self.real)], ones[len(self.real) :]
        found = []
        for one, other in zip(ours, theirs, strict=True):
            gap = np.abs((real * one[:, None]).T @ real - (made * other[:, None]).T @ made)
            margins = float(gap.diagonal().sum()) / 2 / max(1, len(sizes))
            found.append((margins, float(gap[apart].sum()) / 2 / n_pairs))
        return np.array(found)

    def _placed(self, design: Design, folds: NDArray[np.intp], kind: str) -> tuple[Floats, Floats]:
        """Score each row by a model that did not see it, and place it among the other side."""
        n_real = len(self.real)
        by_real, by_row = np.full(n_real, 0.5), np.full(len(design) - n_real, 0.5)
        for fold in np.unique(folds).tolist():
            test = folds == fold
            rng = np.random.default_rng([self.seed, 2, fold])
            scores = _fit(kind, design.take(np.flatnonzero(~test)), rng)(design)
            real, other = test[:n_real], test[n_real:]
            # Scores of two models have no common scale: a row is placed within its own fold.
            by_real[real] = _above(scores[:n_real][real], scores[n_real:][other])
            by_row[other] = 1 - _above(scores[n_real:][other], scores[:n_real][real])
        return by_real, by_row

    def _evidence(self, rows: EncodedRows, n_items: int = 6) -> tuple[Evidence, ...]:
        found = []
        for j, feature in enumerate(self.real.features):
            real, other = self.real.values[:, j], rows.values[:, j]
            spread = float(np.nanstd(real))
            if feature.levels is None and spread > 0 and not np.isnan(other).all():
                mean, shifted = float(np.nanmean(real)), float(np.nanmean(other))
                found.append(Evidence((feature.name,), mean, shifted, (shifted - mean) / spread))
        first, second = associations(self.real), associations(rows)
        names = [feature.name for feature in self.real.features]
        for i, j in combinations(range(len(names)), 2):
            one, two = float(first[i, j]), float(second[i, j])
            found.append(Evidence((names[i], names[j]), one, two, two - one))
        found.sort(key=lambda item: -abs(item.size))
        return tuple(found[:n_items])


def _above(scores: Floats, others: Floats) -> Floats:
    """Return for each score the share of others above it, equal ones counting half."""
    if not len(others):
        return np.full(len(scores), 0.5)
    ordered = np.sort(others)
    above = len(ordered) - np.searchsorted(ordered, scores, side="right")
    equal = np.searchsorted(ordered, scores, side="right") - np.searchsorted(ordered, scores)
    return np.asarray((above + 0.5 * equal) / len(ordered))


def _fit(kind: str, train: Design, rng: np.random.Generator) -> Callable[[Design], Floats]:
    """Fit a discriminator; it gives each row of a design the chance of being generated."""
    if kind == "boosted":
        model = Task(2, 1, leaf_size(len(train)), _N_TREES).fit(
            "boosted trees", train, rng, balanced=True
        )
        return lambda design: model(design)[:, 1]
    if kind == "linear":
        with one_thread():
            linear = LogisticRegression(class_weight="balanced", max_iter=300)
            linear.fit(train.linear, train.y)
        return lambda design: np.asarray(linear.decision_function(design.linear))
    widest = np.argsort(-train.linear.std(axis=0), kind="stable")[:_MAX_PAIRED]
    products = PolynomialFeatures(2, interaction_only=True, include_bias=False)
    scaler = StandardScaler()

    def inputs(design: Design, *, learn: bool = False) -> Floats:
        pairs = products.fit_transform(design.linear[:, widest])
        both = np.hstack([pairs, np.square(design.linear[:, widest])])
        return np.asarray(scaler.fit_transform(both) if learn else scaler.transform(both))

    logistic = LogisticRegression(C=0.05, class_weight="balanced", max_iter=300)
    with one_thread():
        logistic.fit(inputs(train, learn=True), train.y)
    return lambda design: np.asarray(logistic.decision_function(inputs(design)))
