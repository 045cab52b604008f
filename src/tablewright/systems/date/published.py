"""The selectors of DATE's reference program, for comparison: top-k, and its bandit (UCB).

Both judge by the accuracy of one decision tree on the validation rows, as the program does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tablewright.schema import Schema
from tablewright.systems.date.partition import asked_columns
from tablewright.systems.date.questions import Questions

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
ALPHA, GAMMA, C = 0.9, 0.1, 2.0
TOP, MAX_PULLS = 5, 100


class Judge:
    """One less the error of a tree that learned the real rows and some groups."""

    def __init__(
        self, train: tuple[Floats, Floats], validation: tuple[Floats, Floats],
        pool: tuple[Floats, Floats], arm_of: Ints, seed: int, classes: bool,
    ) -> None:  # fmt: skip
        self.train, self.validation, self.pool = train, validation, pool
        self.arm_of, self.seed, self.classes = arm_of, seed, classes
        self.n_calls = 0

    def score(self, arms: Sequence[int]) -> float:
        """Accuracy, or one less the squared error as a share of the variance."""
        self.n_calls += 1
        taken = np.isin(self.arm_of, arms)
        x = np.vstack([self.train[0], self.pool[0][taken]])
        y = np.concatenate([self.train[1], self.pool[1][taken]])
        kind = DecisionTreeClassifier if self.classes else DecisionTreeRegressor
        found = kind(random_state=self.seed).fit(x, y).predict(self.validation[0])
        if not self.classes:
            return 1 - float(
                ((found - self.validation[1]) ** 2).mean() / (self.validation[1].var() or 1.0)
            )
        return float((found == self.validation[1]).mean())


def minmax(values: Floats) -> Floats:
    """Scale values to 0 to 1."""
    spread = np.ptp(values)
    return (values - values.min()) / spread if spread else np.zeros_like(values)


def stand_alone(judge: Judge, n_arms: int) -> Floats:
    """Gain of each group alone."""
    base = judge.score([])
    return np.array([judge.score([arm]) - base for arm in range(n_arms)])


def top_k(judge: Judge, sizes: Ints, n_rows: int) -> list[int]:
    """Try the groups with the largest gains of their own, and keep what raises the score."""
    gains = stand_alone(judge, len(sizes))
    taken: list[int] = []
    best = judge.score([])
    for arm in np.argsort(-gains, kind="stable")[:TOP].tolist():
        if sizes[[*taken, arm]].sum() <= n_rows and (score := judge.score([*taken, arm])) > best:
            taken, best = [*taken, arm], score
    return taken


def ucb(judge: Judge, sizes: Ints, n_rows: int, support: Floats) -> list[int]:
    """Follow `test_UCB.py`: upper confidence bounds over groups not taken, accept any rise."""
    gains = stand_alone(judge, len(sizes))
    best = judge.score([])
    prior = ALPHA * minmax(ALPHA * (best + gains)) + GAMMA * support
    value, pulls = prior.copy(), np.zeros(len(sizes))
    taken: list[int] = []
    tried: set[int] = set()
    for turn in range(1, MAX_PULLS + 1):
        open_arms = [
            arm for arm in range(len(sizes))
            if arm not in taken and arm not in tried and sizes[[*taken, arm]].sum() <= n_rows
        ]  # fmt: skip
        if not open_arms:
            break
        bound = value + C * np.sqrt(np.log(turn) / np.maximum(pulls, 1))
        arm = max(open_arms, key=lambda one: (bound[one], -one))
        score = judge.score([*taken, arm])
        pulls[arm] += 1
        value[arm] += (score - best - value[arm]) / pulls[arm]
        if score > best:
            taken, best = [*taken, arm], score
            tried.clear()
            value = prior.copy()
        else:
            tried.add(arm)
    return taken


def published_choice(
    real: pl.DataFrame, rows: pl.DataFrame, groups: Sequence[str], schema: Schema, seed: int,
    n_rows: int,
) -> list[int]:  # fmt: skip
    """Choose rows as the reference program does; a quarter of the real rows validates."""
    target = str(schema.target)
    questions = Questions(real, schema, asked_columns(schema))
    matrix = questions.answers(pl.concat([real, rows.select(real.columns)]))
    joined = pl.concat([real[target], rows[target]])
    if schema[target].kind.is_discrete:
        y = joined.cast(pl.String).rank("dense").cast(pl.Float64).fill_null(0).to_numpy()
    else:
        y = joined.cast(pl.Float64).fill_null(joined.mean()).to_numpy()
    order = np.random.default_rng(seed).permutation(real.height)
    cut = real.height * 3 // 4
    names = list(dict.fromkeys(groups))
    arm_of = np.array([names.index(group) for group in groups], dtype=np.intp)
    first, last = order[:cut], order[cut:]
    pool = (matrix[real.height :], y[real.height :])
    judge = Judge((matrix[first], y[first]), (matrix[last], y[last]), pool, arm_of, seed,
                  schema[target].kind.is_discrete)  # fmt: skip
    gains = stand_alone(judge, len(names))
    accepted = np.flatnonzero(gains > 0)
    sizes = np.bincount(arm_of, minlength=len(names)).astype(np.intp)
    sizes[np.setdiff1d(np.arange(len(names)), accepted)] = n_rows + 1
    taken = ucb(judge, sizes, n_rows, np.ones(len(names)))
    return np.flatnonzero(np.isin(arm_of, taken)).tolist()
