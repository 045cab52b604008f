"""Arms against arms: sets of training rows, judged on the same real holdout rows.

The question is about one table: does adding rows of this kind to these training rows help on
new rows? The training rows are therefore as given. Every arm is judged on all holdout rows, and
again on random halves of them, each time fitted anew with a random half of the generated rows. A
difference between two arms moves from half to half as it would from one draw of both tables to
the next: the variance around a mean of a random half equals that of the mean of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.learners import LEARNERS, Design, Task
from tablewright.metrics.outcomes import DIRECTIONS, classification, regression
from tablewright.metrics.scores import Direction
from tablewright.progress import bar

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """The rows that the arms of one trial are made of.

    Attributes
    ----------
    train : Design
        Training rows.
    pools : mapping of str to Design
        Rows that may be added: ``"synthetic"``, the generated ones, and others by name.
    rows : EncodedRows
        The training rows once more, for controls that make rows of them.
    """

    train: Design
    pools: Mapping[str, Design]
    rows: EncodedRows

    @property
    def synthetic(self) -> Design:
        """The generated rows."""
        return self.pools["synthetic"]


@dataclass(frozen=True)
class Arm:
    """One way of preparing the training rows.

    Attributes
    ----------
    build : callable
        From a `Draw` and a numpy Generator to the rows to fit on.
    treatment : str
        ``"plain"``, ``"class weights"`` or ``"threshold"`` (moved by cross-validation).
    fixed : bool
        Whether the rows depend neither on the generated rows nor on chance: fitted once.
    """

    build: Callable[[Draw, np.random.Generator], Design]
    treatment: str = "plain"
    fixed: bool = False


@dataclass(frozen=True)
class Difference:
    """One arm minus another, better being positive.

    Attributes
    ----------
    value : float
    interval : tuple of two floats
        95 %.
    improved : float
        Share of halves in which the first arm was the better one.
    """

    value: float
    interval: tuple[float, float]
    improved: float


Outcomes = dict[str, dict[str, dict[str, float]]]
"""Arm, learner, measure: value."""


@dataclass(frozen=True)
class _Predicted:
    """Probabilities and chosen classes, or numbers and None, for all holdout rows."""

    values: Floats
    chosen: Integers | None


Predictions = dict[str, dict[str, _Predicted]]
"""Arm, learner: predictions."""


@dataclass(frozen=True)
class Trials:
    """What came of the arms.

    Attributes
    ----------
    whole : mapping
        On all rows: arm, learner, measure.
    halves : sequence of such mappings
        On random halves.
    predictions : mapping
        For all holdout rows: arm, learner.
    y : ndarray of shape (n_holdout,)
        What was to be predicted.
    task : Task
    """

    whole: Outcomes
    halves: Sequence[Outcomes]
    predictions: Predictions
    y: Floats
    task: Task

    @property
    def arms(self) -> list[str]:
        """Names of the arms."""
        return list(self.whole)

    @property
    def measures(self) -> list[str]:
        """Names of the measures."""
        return list(next(iter(self.whole[self.arms[0]].values())))

    def value(self, arm: str, measure: str, learner: str | None = None) -> float:
        """Return a measure on all rows, by default the mean over learners."""
        return _mean(self.whole, arm, measure, learner)

    def among(self, asked: Integers, arm: str, measure: str) -> float:
        """Return a measure on some of the holdout rows, the mean over learners."""
        result = _measure({arm: self.predictions[arm]}, self.y, asked, self.task)
        return _mean(result, arm, measure)

    def interval(self, arm: str, measure: str) -> tuple[float, float] | None:
        """95 % interval of a measure, averaged over learners."""
        return _interval(self.value(arm, measure), self._by_half(arm, measure))

    def _by_half(self, arm: str, measure: str, learner: str | None = None) -> Floats:
        return np.array([_mean(half, arm, measure, learner) for half in self.halves])

    def difference(
        self, arm: str, baseline: str, measure: str, learner: str | None = None
    ) -> Difference | None:
        """Compare two arms, paired by half; None where the measure is not defined."""
        sign = 1.0 if DIRECTIONS[measure] is Direction.HIGHER else -1.0
        value = sign * (self.value(arm, measure, learner) - self.value(baseline, measure, learner))
        first, second = (self._by_half(name, measure, learner) for name in (arm, baseline))
        halves = sign * (first - second)
        interval = _interval(value, halves)
        if interval is None:
            return None
        known = halves[~np.isnan(halves)]
        return Difference(value, interval, float(((known > 0) + (known == 0) / 2).mean()))


def _mean(outcomes: Outcomes, arm: str, measure: str, learner: str | None = None) -> float:
    learners = outcomes[arm]
    names = list(learners) if learner is None else [learner]
    return float(np.mean([learners[name][measure] for name in names]))


def _interval(value: float, halves: Floats) -> tuple[float, float] | None:
    known = halves[~np.isnan(halves)]
    if np.isnan(value) or len(known) < 3:
        return None
    width = float(stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1))
    return value - width, value + width


def run_trials(
    arms: Mapping[str, Arm],
    train: EncodedRows,
    pools: Mapping[str, EncodedRows],
    holdout: EncodedRows,
    task: Task,
    rng: np.random.Generator,
    *,
    n_halves: int = 10,
    groups: NDArray[np.str_] | None = None,
) -> Trials:
    """Fit every arm on all rows and on random halves, and judge it on the holdout.

    Parameters
    ----------
    arms : mapping of name to Arm
    train, holdout : EncodedRows
        Real rows, all with a known outcome.
    pools : mapping of str to EncodedRows
        Rows that arms may add, with ``"synthetic"`` among them; halved each on its own.
    task : Task
    rng : numpy Generator
    n_halves : int, default=10
    groups : ndarray of shape (n_holdout,) or None
        Group of each holdout row (patient, household): halves are made of whole groups.
    """
    draw = Draw(Design.of(train), {k: Design.of(rows) for k, rows in pools.items()}, train)
    test = Design.of(holdout)
    strata = _strata(test.y, task)
    varied = [name for name, arm in arms.items() if not arm.fixed]
    with bar("training", len(arms) + n_halves * len(varied), "models") as advance:

        def predict(name: str, rows: Draw) -> dict[str, _Predicted]:
            result = _predict(arms[name], rows, test, task, rng)
            advance(1, name)
            return result

        whole = {name: predict(name, draw) for name in arms}
        halves = []
        for _ in range(n_halves):
            halved = {name: _half(rows, task, rng) for name, rows in draw.pools.items()}
            part = replace(draw, pools=halved)
            asked = half(strata, rng, groups)
            result = whole | {name: predict(name, part) for name in varied}
            halves.append(_measure(result, test.y, asked, task))
    outcomes = _measure(whole, test.y, np.arange(len(test)), task)
    return Trials(outcomes, halves, whole, test.y, task)


def _half(rows: Design, task: Task, rng: np.random.Generator) -> Design:
    return rows.take(half(_strata(rows.y, task), rng))


def _strata(y: Floats, task: Task) -> Integers:
    return y.astype(np.int64) if task.n_classes else np.zeros(len(y), dtype=np.int64)


def half(
    strata: Integers, rng: np.random.Generator, groups: NDArray[np.str_] | None = None
) -> Integers:
    """Draw half of the rows of each stratum, or half of the groups; ascending positions.

    Of an odd number the odd one is kept or left by chance; a stratum of one row is kept.

    Examples
    --------
    >>> chosen = half(np.array([0, 0, 1, 1]), np.random.default_rng(0))
    >>> len(chosen), int((chosen < 2).sum())
    (2, 1)
    """
    if groups is not None and len(np.unique(groups)) > 3:
        names = np.unique(groups)
        chosen = rng.permutation(names)[: (len(names) + int(rng.integers(2))) // 2]
        return np.flatnonzero(np.isin(groups, chosen))
    indices = []
    for stratum in np.unique(strata):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        indices.append(rows[: max(1, (len(rows) + int(rng.integers(2))) // 2)])
    return np.sort(np.concatenate(indices)) if indices else np.zeros(0, dtype=np.int64)


def _predict(
    arm: Arm, draw: Draw, test: Design, task: Task, rng: np.random.Generator
) -> dict[str, _Predicted]:
    rows = arm.build(draw, rng)
    return {name: _ask(name, rows, test, arm.treatment, task, rng) for name in LEARNERS}


def _ask(
    learner: str, rows: Design, test: Design, treatment: str, task: Task, rng: np.random.Generator
) -> _Predicted:
    values = task.fit(learner, rows, rng, treatment == "class weights")(test)
    if not task.n_classes:
        return _Predicted(values, None)
    tilt = _tilt(learner, rows, task, rng) if treatment == "threshold" else np.ones(1)
    return _Predicted(values, (values / tilt).argmax(axis=1))


def _measure(predictions: Predictions, y: Floats, asked: Integers, task: Task) -> Outcomes:
    return {
        arm: {learner: _outcome(each, y, asked, task) for learner, each in learners.items()}
        for arm, learners in predictions.items()
    }


def _outcome(predicted: _Predicted, y: Floats, asked: Integers, task: Task) -> dict[str, float]:
    if predicted.chosen is None:
        return regression(y[asked], predicted.values[asked])
    labels = y[asked].astype(np.int64)
    return classification(labels, predicted.values[asked], task.rare, predicted.chosen[asked])


def _tilt(learner: str, train: Design, task: Task, rng: np.random.Generator) -> Floats:
    """Divisors of the class probabilities that had the best macro-F1 in three folds.

    The family is ``prior ** power``: with two classes a moved threshold, with more the same
    idea by one number.
    """
    y = train.y.astype(np.int64)
    prior = np.maximum(np.bincount(y, minlength=task.n_classes), 1) / len(y)
    folds = rng.permutation(len(y)) % 3
    probabilities = np.zeros((len(y), task.n_classes))
    for fold in range(3):
        model = task.fit(learner, train.take(folds != fold), rng)
        probabilities[folds == fold] = model(train.take(folds == fold))
    powers = np.linspace(0, 1.5, 16)
    scores = [
        classification(y, probabilities, task.rare, (probabilities / prior**p).argmax(axis=1))
        for p in powers
    ]
    best = max(range(len(powers)), key=lambda i: (scores[i]["macro_f1"], -i))
    return np.asarray(prior ** powers[best])
