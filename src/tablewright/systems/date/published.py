"""The selectors of DATE's reference program and of its appendix, for comparison.

All judge by the accuracy of one decision tree on the validation rows, as the program does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import minmax_scale

from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.systems.date.questions import Floats, grow

Ints = NDArray[np.intp]
How = Literal["ucb", "successive rejects", "top-k", "forward", "backward"]

ALPHA, GAMMA, C = 0.9, 0.1, 2.0
TOP, MAX_PULLS = 5, 100


class Judge:
    """How well a tree that learned the real rows and some groups predicts the validation rows."""

    def __init__(
        self, train: Design, validation: Design, pool: Design, arm_of: Ints,
        classes: bool, seed: int,
    ) -> None:  # fmt: skip
        self.train, self.validation, self.pool = train, validation, pool
        self.arm_of, self.classes, self.seed = arm_of, classes, seed
        self.sizes = np.bincount(arm_of).astype(np.intp)

    def rewards(self, arms: Sequence[int], rng: np.random.Generator | None = None) -> Floats:
        """Return 1 for each row that is predicted, else 0; for numbers a share of the variance.

        Real rows are drawn anew, with replacement, where a generator is given.
        """
        real = self.train
        if rng is not None:
            real = real.take(rng.integers(len(real), size=len(real)))
        known = real.join(self.pool.take(np.isin(self.arm_of, arms)))
        known = known.take(~np.isnan(known.y))
        tree = grow(known.trees, known.y, self.classes, random_state=self.seed)
        predicted, y = tree.predict(self.validation.trees), self.validation.y
        if self.classes:
            return np.asarray(predicted == y, dtype=np.float64)
        return np.asarray(1 - (predicted - y) ** 2 / (y.var() or 1.0))

    def score(self, arms: Sequence[int]) -> float:
        """Return the accuracy, or one less the squared error as a share of the variance."""
        return float(self.rewards(arms).mean())

    def gains(self) -> Floats:
        """Return what each group adds alone."""
        base = self.score([])
        return np.array([self.score([arm]) for arm in range(len(self.sizes))]) - base


def published_choice(how: How, judge: Judge, n_rows: int, part_of: Ints | None = None) -> list[int]:
    """Choose groups as one of the published selectors does.

    Parameters
    ----------
    how : str
        ``"ucb"``, ``"forward"`` (groups in their order), ``"backward"`` (the newest first) and
        ``"top-k"`` are programs, ``"successive rejects"`` is the appendix.
    judge : Judge
    n_rows : int
        Rows wanted at most.
    part_of : ndarray of int or None, default=None
        Part of each validation row, for the weights of the appendix; all are in one where None.
    """
    arms = range(len(judge.sizes))
    if how == "ucb":
        return _ucb(judge, n_rows)
    if how == "successive rejects":
        if part_of is None:
            part_of = np.zeros(len(judge.validation), dtype=np.intp)
        return _successive_rejects(judge, n_rows, part_of)
    if how == "top-k":
        return _accept(judge, np.argsort(-judge.gains(), kind="stable")[:TOP].tolist(), n_rows)
    return _accept(judge, arms if how == "forward" else reversed(arms), n_rows)


def _accept(judge: Judge, order: Iterable[int], n_rows: int) -> list[int]:
    """Take each group in turn that fits and raises the score."""
    taken: list[int] = []
    best = judge.score([])
    for arm in order:
        if _fits(judge, taken, arm, n_rows) and (score := judge.score([*taken, arm])) > best:
            taken, best = [*taken, arm], score
    return taken


def _fits(judge: Judge, taken: Sequence[int], arm: int, n_rows: int) -> bool:
    return bool(judge.sizes[[*taken, arm]].sum() <= n_rows)


def _ucb(judge: Judge, n_rows: int) -> list[int]:
    """Follow `test_UCB.py`: upper confidence bounds over groups not taken, accept any rise.

    Groups are paths of one tree, so that their rows meet all predicates: support is 1.
    """
    best, gains = judge.score([]), judge.gains()
    prior = ALPHA * minmax_scale(ALPHA * (best + gains)) + GAMMA
    value, pulls = prior.copy(), np.zeros(len(gains))
    taken: list[int] = []
    tried: set[int] = set()
    for turn in range(1, MAX_PULLS + 1):
        shut = tried.union(taken)
        open_arms = [arm for arm in range(len(gains))
                     if arm not in shut and _fits(judge, taken, arm, n_rows)]  # fmt: skip
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


def part_weights(matrix: Floats, part_of: Ints) -> Floats:
    """Return the cosine of what the rows of each part are like on average and what all are.

    Examples
    --------
    >>> part_weights(np.array([[0.0, 1], [1, 0], [1, 0]]), np.array([0, 1, 1])).round(3)
    array([0.447, 0.894])
    """
    scaled = minmax_scale(np.nan_to_num(matrix))
    means = [scaled[part_of == part].mean(axis=0) for part in np.unique(part_of)]
    weights: Floats = cosine_similarity([scaled.mean(axis=0)], means)[0]
    return weights


def _successive_rejects(judge: Judge, n_rows: int, part_of: Ints) -> list[int]:
    """Pull groups over resampled real rows and drop the worst by phases, as the appendix does.

    An arm is worth the mean over parts of its gain there, weighted by the parts' cosine with the
    whole. The appendix looks for one arm; here those dropped last that gain fill the rows wanted.
    """
    rng = np.random.default_rng(judge.seed)
    weights = part_weights(judge.validation.trees, part_of)
    members = [part_of == part for part in np.unique(part_of)]

    def pull(arms: Sequence[int], drawn: np.random.Generator) -> float:
        rewards = judge.rewards(arms, drawn)
        return float(np.average([rewards[own].mean() for own in members], weights=weights))

    alive = list(range(len(judge.sizes)))
    value, pulls = np.zeros(len(alive)), np.zeros(len(alive))
    dropped: list[int] = []
    total = max(MAX_PULLS, 2 * len(alive))
    for n_pulls in pulls_by_phase(len(alive), total) or [total]:
        for arm in alive:
            while pulls[arm] < n_pulls:
                seed = int(rng.integers(2**31))
                gain = pull([arm], np.random.default_rng(seed)) - pull(
                    [], np.random.default_rng(seed)
                )
                pulls[arm] += 1
                value[arm] += (gain - value[arm]) / pulls[arm]
        worst = min(alive, key=lambda arm: (value[arm], -arm))
        alive.remove(worst)
        dropped.append(worst)
    taken: list[int] = []
    for arm in [*alive, *reversed(dropped)]:
        if value[arm] > 0 and _fits(judge, taken, arm, n_rows):
            taken.append(arm)
    return taken


def pulls_by_phase(n_arms: int, n_pulls: int) -> list[int]:
    """Return how often each arm that is left has been pulled at the end of each phase.

    Examples
    --------
    >>> pulls_by_phase(4, 40)
    [6, 8, 12]
    """
    log_bar = 0.5 + (1 / np.arange(2, n_arms + 1)).sum()
    left = n_arms + 1 - np.arange(1, n_arms)
    return [int(n) for n in np.ceil((n_pulls - n_arms) / (log_bar * left))]


def chosen_as_published(
    real: pl.DataFrame, rows: pl.DataFrame, groups: Sequence[str], schema: Schema, seed: int,
    n_rows: int,
) -> list[int]:  # fmt: skip
    """Choose rows as the reference program does; a quarter of the real rows validates.

    Groups that gain nothing alone are no candidates there.
    """
    encoder = FeatureEncoder.fit(real, schema)
    known = Design.of(encoder.rows(real, "training"))
    order = np.random.default_rng(seed).permutation(len(known))
    first, last = np.split(order, [len(known) * 3 // 4])
    names = list(dict.fromkeys(groups))
    arm_of = np.array([names.index(group) for group in groups], dtype=np.intp)
    classes = schema[str(schema.target)].kind.is_discrete
    pool = Design.of(encoder.rows(rows, "candidate"))
    judge = Judge(known.take(first), known.take(last), pool, arm_of, classes, seed)
    judge.sizes[judge.gains() <= 0] = n_rows + 1
    return np.flatnonzero(np.isin(arm_of, published_choice("ucb", judge, n_rows))).tolist()
