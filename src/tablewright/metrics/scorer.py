"""One scorer of rows for every loop: whether they help a model, and whether they look real."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from tablewright.errors import InputError
from tablewright.metrics.crossfit import CrossFit
from tablewright.metrics.detection import MIN_ROWS, Detected, discriminate
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.learners import LEARNERS, MIN_ROWS_FOR_TREES, Design, Task
from tablewright.metrics.outcomes import auc, classification, proper_scores, regression
from tablewright.metrics.utility import task_of, usable
from tablewright.schema import Schema
from tablewright.threads import one_thread

_CUT, _FIT, _DETECT, _RESAMPLE = range(4)
_N_RESAMPLES = 60


@dataclass(frozen=True)
class Gain:
    """One utility minus another, better being positive.

    Attributes
    ----------
    value, error : float
        Mean over the real rows that were predicted, and its standard error.
    interval : tuple of two floats
        95 %.
    """

    value: float
    error: float
    interval: tuple[float, float]

    @property
    def helps(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.interval[0] > 0


@dataclass(frozen=True)
class Utility:
    """How well models of some rows predict real rows that they did not see.

    Attributes
    ----------
    value : float
        Mean of `scores`.
    scores : ndarray of shape (n_predicted,)
        A proper score of each real row, mean over learners; larger is better; see
        `outcomes.proper_scores`.
    measures : mapping of str to float
        Measures of `outcomes.classification` or `outcomes.regression`, mean over learners; the
        AUC is an average over folds. NaN where one is not defined.
    predictions : mapping of str to ndarray
        By learner: probabilities of classes, or numbers.
    """

    value: float
    scores: NDArray[np.float64]
    measures: Mapping[str, float]
    predictions: Mapping[str, NDArray[np.float64]]


class Scorer:
    """Judges generated rows by real ones; equal rows are never on both sides of a fold.

    Utility is the quality of models fitted on rows, asked about real rows: those of `holdout`,
    or the training rows themselves, fold by fold. Every call uses the same folds and seeds, so
    that two sets of rows are compared row by row (`gain`). Detection is the AUC of a classifier
    between generated and real rows. All of it depends on the data and the seed alone.

    Parameters
    ----------
    train : DataFrame or EncodedRows
        Typed real rows.
    schema : Schema or None
        Of a DataFrame; its target is what models predict. Without one there is detection only.
    holdout : DataFrame or EncodedRows or None, default=None
        Real rows to judge by; cross-fitted training rows where None.
    seed : int, default=0
    n_folds : int, default=5
    n_trees : int, default=50
        Rounds of boosting.
    max_rows : int, default=4000
        Rows of each table that are used at most, drawn at random.
    learners : tuple of str or None, default=None
        Which of `learners.LEARNERS` judge; the linear model alone below 100 training rows where
        None.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=400)
    >>> rows = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(size=400) > 0, "a", "b")})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> scorer = Scorer(rows[:40], schema, seed=0)
    >>> noise = rows[40:].with_columns(pl.col("y").shuffle(seed=0))
    >>> scorer.utility(rows[40:]).value > scorer.utility(noise).value
    True
    >>> scorer.gain(noise, over=rows[40:]).interval[1] < 0
    True
    >>> 0.5 <= scorer.detection(rows[40:]).value < 0.7
    True
    """

    def __init__(
        self,
        train: pl.DataFrame | EncodedRows,
        schema: Schema | None = None,
        *,
        holdout: pl.DataFrame | EncodedRows | None = None,
        seed: int = 0,
        n_folds: int = 5,
        n_trees: int = 50,
        max_rows: int = 4000,
        learners: tuple[str, ...] | None = None,
    ) -> None:
        self.seed, self.max_rows, self.n_folds = seed, max_rows, n_folds
        if isinstance(train, pl.DataFrame):
            if schema is None:
                raise InputError("a frame is judged by a schema: give one")
            train = FeatureEncoder.fit(train, schema).rows(train, "training")
        self.encoder = train.encoder
        self.real = self._cut(train)
        self.holdout = None if holdout is None else self._cut(self._encoded(holdout, "holdout"))
        task = task_of(train, n_trees)
        self.task: Task | None = None
        self.reason = task if isinstance(task, str) else ""
        """Why there is no utility; empty where there is."""
        if isinstance(task, Task):
            few = len(self.real) < MIN_ROWS_FOR_TREES
            self.task = replace(task, learners=learners or (LEARNERS[1:] if few else LEARNERS))
            self._fit(self.task)
        self._cache: dict[str, Utility] = {}

    def utility(
        self, rows: pl.DataFrame | EncodedRows | None = None, *, alone: bool = False
    ) -> Utility:
        """Return how well models of the real rows and some rows predict real rows.

        Parameters
        ----------
        rows : DataFrame, EncodedRows or None, default=None
            Typed rows that are added to the real ones; none where None.
        alone : bool, default=False
            Learn from these rows alone.

        Raises
        ------
        InputError
            If there is nothing to predict; `reason` says why.
        """
        if self.task is None:
            raise InputError(f"utility is not defined: {self.reason}")
        if rows is None and "real" in self._cache:
            return self._cache["real"]
        added = None if rows is None else self._design(rows)
        with one_thread():
            predicted = self.crossfit.predict(added, alone)[0]
        result = self._measured(predicted, self.task)
        if rows is None:
            self._cache["real"] = result
        return result

    def gain(
        self,
        rows: pl.DataFrame | EncodedRows | Utility,
        *,
        over: pl.DataFrame | EncodedRows | Utility | None = None,
        measure: str | None = None,
    ) -> Gain:
        """Return by how much rows added to the real ones better a model, with an interval.

        Parameters
        ----------
        rows : DataFrame, EncodedRows or Utility
        over : DataFrame, EncodedRows, Utility or None, default=None
            What they are held against; the real rows alone where None.
        measure : str or None, default=None
            One of `Utility.measures`, its error by resampling real rows; the proper score, row by
            row, where None.
        """
        first = rows if isinstance(rows, Utility) else self.utility(rows)
        second = over if isinstance(over, Utility) else self.utility(over)
        if measure is None:
            return self.paired(first.scores - second.scores)
        value = first.measures[measure] - second.measures[measure]
        return _between(value, self._resampled(first, second, measure), self._n_keys)

    def paired(self, differences: NDArray[np.float64]) -> Gain:
        """Return the mean of a difference of scores, row by row; equal rows count as one draw."""
        value, n = float(differences.mean()), self._n_keys
        if n < 2:
            return Gain(value, np.inf, (-np.inf, np.inf))
        sums = np.bincount(self.keys, weights=differences - value)
        error = float(np.sqrt((sums**2).sum() * n / (n - 1)) / len(differences))
        return _between(value, error, n)

    def detection(
        self, rows: pl.DataFrame | EncodedRows, learner: str = "boosted trees"
    ) -> Detected:
        """Return the AUC of telling rows from real ones, and how generated each row looks.

        Parameters
        ----------
        rows : DataFrame or EncodedRows
        learner : str, default="boosted trees"
            Or ``"linear"``.

        Raises
        ------
        InputError
            If there are fewer than 10 rows on a side.
        """
        rows = self._encoded(rows, "generated")
        real = self.real if self.holdout is None else self.holdout
        size = min(len(real), len(rows), self.max_rows)
        if size < MIN_ROWS:
            raise InputError(f"{size} rows are too few to tell apart: it needs {MIN_ROWS}")
        rng = self._rng(_DETECT)
        chosen = np.sort(rng.permutation(len(rows))[:size])
        with one_thread():
            result = discriminate(real.cut(size, rng), rows.take(chosen), learner, rng)
            scores = result.score(rows)
        scores[chosen] = result.rows
        return replace(result, rows=scores)

    def _fit(self, task: Task) -> None:
        real = Design.of(self.real.take(usable(self.real)))
        test = None
        if self.holdout is not None:
            test = Design.of(self.holdout.take(usable(self.holdout)))
        seed = [self.seed, _FIT]
        self.crossfit = CrossFit(real, task, seed, n_folds=self.n_folds, test=test)
        numbers: dict[bytes, int] = {}
        keys = self.crossfit.test.row_keys
        self.keys = np.array([numbers.setdefault(key, len(numbers)) for key in keys])
        self._n_keys = len(numbers)

    def _measured(self, predicted: Mapping[str, Any], task: Task) -> Utility:
        y = self.crossfit.test.y
        scores = np.mean([proper_scores(y, values) for values in predicted.values()], axis=0)
        each = [self._measures(y, values, task) for values in predicted.values()]
        measures = {name: float(np.mean([result[name] for result in each])) for name in each[0]}
        return Utility(float(scores.mean()), scores, measures, predicted)

    def _measures(self, y: Any, predicted: Any, task: Task) -> dict[str, float]:
        if not task.n_classes:
            return regression(y, predicted)
        labels = y.astype(np.int64)
        result = classification(labels, predicted, task.rare)
        if self.crossfit.folds:
            # scores of two folds come from two models and have no common scale
            result["auroc"] = _auc_by_fold(labels, predicted, self.crossfit.folds[0])
        return result

    def _resampled(self, first: Utility, second: Utility, measure: str) -> float:
        """Return the standard error of a difference of measures, from resampled real rows."""
        assert self.task is not None
        y, rng = self.crossfit.test.y, self._rng(_RESAMPLE)
        groups = [np.flatnonzero(self.keys == key) for key in range(self._n_keys)]
        differences = []
        for _ in range(_N_RESAMPLES):
            drawn = np.concatenate([groups[g] for g in rng.integers(len(groups), size=len(groups))])
            values = [
                np.mean([self._one(y, p, drawn, measure) for p in result.predictions.values()])
                for result in (first, second)
            ]
            differences.append(values[0] - values[1])
        return float(np.nanstd(differences))

    def _one(self, y: Any, predicted: Any, rows: NDArray[np.intp], measure: str) -> float:
        assert self.task is not None
        if not self.task.n_classes:
            return regression(y[rows], predicted[rows])[measure]
        return classification(y[rows].astype(np.int64), predicted[rows], self.task.rare)[measure]

    def _design(self, rows: pl.DataFrame | EncodedRows) -> Design:
        rows = self._cut(self._encoded(rows, "generated"))
        return Design.of(rows.take(usable(rows)))

    def _encoded(self, rows: pl.DataFrame | EncodedRows, what: str) -> EncodedRows:
        return self.encoder.rows(rows, what) if isinstance(rows, pl.DataFrame) else rows

    def _cut(self, rows: EncodedRows) -> EncodedRows:
        return rows.cut(self.max_rows, self._rng(_CUT))

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])


def _between(value: float, error: float, n_keys: int) -> Gain:
    width = float(stats.t.ppf(0.975, max(n_keys - 1, 1))) * error
    return Gain(value, error, (value - width, value + width))


def _auc_by_fold(y: NDArray[np.int64], predicted: Any, folds: NDArray[np.intp]) -> float:
    """Macro one-vs-rest AUC; that of a class is the average over folds, by their pairs of rows."""
    each = []
    for label in np.unique(y):
        values, weights = [], []
        for fold in np.unique(folds):
            own = predicted[(folds == fold) & (y == label), label]
            others = predicted[(folds == fold) & (y != label), label]
            if len(own) and len(others):
                values.append(auc(others, own))
                weights.append(len(own) * len(others))
        if values:
            each.append(np.average(values, weights=weights))
    return float(np.mean(each)) if len(each) > 1 else float("nan")
