"""What groups of candidate rows are worth to a model, read off small random sets of them.

DATE (arXiv 2512.21915), module 3. A group is an arm, a pull adds a random set of arms to the real
rows and scores real rows that the models did not see. A group is worth its mean marginal gain
over the sets that it was in, which sees pairs that help only together; arms that are not worth
their rows leave phase by phase (successive rejects).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tablewright.progress import Advance

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

Reward = Callable[[Sequence[int]], Floats]
"""From a set of arms to the score of each judging row, larger being better."""

_RIDGE = 1.0
_MIN_PULLS = 24
_PULLS_PER_ARM = 4
_TRIES = 20
_HOPE = 2.0
"""Standard errors, over rows and sets, by which an arm that leaves early is below nothing."""
_SET_SIZE = 0.35
"""Share of the arms that a set holds."""


@dataclass(frozen=True)
class ArmValues:
    """What each arm adds.

    Attributes
    ----------
    value, error : ndarray of shape (n_arms,)
        Mean marginal gain, and its standard error over the judging rows.
    set_error : ndarray of shape (n_arms,)
        Its standard error over the sets, whose gains are no plain sums of their arms'.
    n_pulls : ndarray of int, shape (n_arms,)
        Sets that each arm was in.
    """

    value: Floats
    error: Floats
    set_error: Floats
    n_pulls: Ints


class Pulls:
    """Random sets of arms and what they gained, as they come in.

    Parameters
    ----------
    n_arms : int
    reward : callable
        See `Reward`.
    final : callable or None, default=None
        The same of as many rows of the arms as are wanted; `reward` where None.
    """

    def __init__(self, n_arms: int, reward: Reward, final: Reward | None = None) -> None:
        self.n_arms, self.reward, self.final = n_arms, reward, final or reward
        self.base = reward([])
        self.sets: list[frozenset[int]] = []
        self.gains: list[Floats] = []
        nothing = {frozenset[int](): np.zeros_like(self.base)}
        self._known, self._final = nothing, dict(nothing)

    def gain(self, arms: Sequence[int]) -> Floats:
        """Return what a set gains over no candidate at all, row by row; each is scored once."""
        return self._scored(arms, self.reward, self._known)

    def taken(self, arms: Sequence[int]) -> Floats:
        """Return what a set gains of which only as many rows are taken as are wanted."""
        return self._scored(arms, self.final, self._final)

    def _scored(
        self, arms: Sequence[int], reward: Reward, known: dict[frozenset[int], Floats]
    ) -> Floats:
        key = frozenset(arms)
        if key not in known:
            known[key] = reward(sorted(key)) - self.base
        return known[key]

    def pull(self, arms: Sequence[int]) -> None:
        """Score one set."""
        self.sets.append(frozenset(arms))
        self.gains.append(self.gain(arms))

    def values(self, rows: Ints | None = None) -> ArmValues:
        """Return each arm's mean marginal gain, judged by some rows (all where None).

        The gain of a set is taken as the sum of its arms' and an offset, by ridge regression:
        an arm's share is then its marginal gain averaged over the sets it was in.
        """
        member = np.array(
            [[arm in drawn for arm in range(self.n_arms)] for drawn in self.sets], float
        )
        design = np.column_stack([member, np.ones(len(member))])
        penalty = np.diag([_RIDGE] * self.n_arms + [1e-6])
        solve = np.linalg.solve(design.T @ design + penalty, design.T)
        gains = np.array(self.gains) if rows is None else np.array(self.gains)[:, rows]
        by_row: Floats = solve @ gains
        n_rows = by_row.shape[1]
        error = by_row.std(axis=1, ddof=1) / n_rows**0.5 if n_rows > 1 else by_row[:, 0] + np.inf
        values = by_row.mean(axis=1)
        residuals = gains.mean(axis=1) - design @ values
        freedom = max(1.0, len(member) - float(np.trace(design @ solve)))
        set_error = np.sqrt((residuals**2).sum() / freedom * (solve**2).sum(axis=1))
        arms = slice(self.n_arms)
        n_pulls = member.sum(axis=0).astype(np.intp)
        return ArmValues(values[arms], error[arms], set_error[arms], n_pulls)


def draw_set(arms: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Draw a small random set, one arm at least."""
    size = max(1, min(len(arms), int(rng.binomial(len(arms), _SET_SIZE))))
    return sorted(int(arm) for arm in rng.choice(np.asarray(arms), size, replace=False))


def _new_set(pulls: Pulls, arms: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Draw a set that has not been scored, as a second score of the same rows tells nothing."""
    for _ in range(_TRIES):
        drawn = draw_set(arms, rng)
        if frozenset(drawn) not in pulls.sets:
            break
    return drawn


def n_sets(n_arms: int) -> int:
    """Return how many sets are scored of so many arms: 4 an arm, and 24 at least."""
    return max(_MIN_PULLS, _PULLS_PER_ARM * n_arms)


def play(
    pulls: Pulls,
    sizes: Ints,
    n_rows: int,
    rng: np.random.Generator,
    n_pulls: int | None = None,
    advance: Advance | None = None,
) -> list[int]:
    """Pull random sets, and drop the worst arms until the others fit the rows that are wanted.

    Parameters
    ----------
    pulls : Pulls
        Without a pull so far.
    sizes : ndarray of int, shape (n_arms,)
        Rows of each arm.
    n_rows : int
        Rows wanted at most.
    rng : numpy Generator
    n_pulls : int or None, default=None
        Sets scored in all; see `n_sets` for None.
    advance : callable or None, default=None
        Is told of each set.

    Returns
    -------
    list of int
        Arms that are still in, the best first.
    """
    alive = list(range(pulls.n_arms))
    n_pulls = n_pulls or n_sets(pulls.n_arms)
    n_phases = max(1, int(np.ceil(np.log2(max(len(alive), 2)))))
    for phase in range(n_phases):
        for _ in range(-(-n_pulls // n_phases)):
            pulls.pull(_new_set(pulls, alive, rng))
            if advance is not None:
                advance(1)
        values = pulls.values()
        ranked = sorted(alive, key=lambda arm: (-values.value[arm], arm))
        hopeless = values.value + _HOPE * np.hypot(values.error, values.set_error) < 0
        alive = [arm for arm in ranked if not hopeless[arm]]
        if phase < n_phases - 1 and sizes[alive].sum() > n_rows:
            alive = alive[: max(1, -(-3 * len(alive) // 4))]
        if not alive:
            return []
    return alive


def best(pulls: Pulls, sizes: Ints, n_rows: int, rows: Ints | None = None) -> list[int]:
    """Return the arms to take by some judging rows (all where None); none where none gain.

    Offered are the arms that fit and add up to most, a draw of all arms worth more than nothing,
    and a draw of all: arms are alike inside, so that few of them are no picture of the table.
    No arm has to be good by a margin, nor is any shut out that left the game: rows that have no
    part in the choice confirm it as a whole.
    """
    values = pulls.values(rows).value
    good = np.flatnonzero(values > 0).tolist()
    offers = [[], fitting(good, values, sizes, n_rows), good, list(range(pulls.n_arms))]
    judging = slice(None) if rows is None else rows
    return max(offers, key=lambda arms: float(pulls.taken(arms)[judging].mean()))


def held_out_gains(pulls: Pulls, sizes: Ints, n_rows: int, folds: Ints) -> Floats | None:
    """Return the gain of each judging row by what the other folds choose; None of one fold."""
    gains = np.zeros(len(folds))
    for own in np.unique(folds):
        choosing, judging = np.flatnonzero(folds != own), np.flatnonzero(folds == own)
        if len(choosing) < 2:
            return None
        gains[judging] = pulls.taken(best(pulls, sizes, n_rows, choosing))[judging]
    return gains


def fitting(arms: Sequence[int], values: Floats, sizes: Ints, n_rows: int) -> list[int]:
    """Return the arms whose values add up to most and whose rows fit into `n_rows`.

    The arm that is worth most need not be among them, where two smaller ones are worth more.

    Examples
    --------
    >>> fitting([0, 1, 2], np.array([0.2, 0.2, 0.3]), np.array([10, 10, 20]), 20)
    [0, 1]
    """
    best = np.zeros(n_rows + 1)  # the value that so many rows can have
    taken = np.zeros((len(arms), n_rows + 1), dtype=np.bool_)
    for k, arm in enumerate(arms):
        size = int(sizes[arm])
        if size <= n_rows:
            with_arm = best[: n_rows + 1 - size] + values[arm]
            taken[k, size:] = with_arm > best[size:]
            best[size:] = np.maximum(best[size:], with_arm)
    chosen, left = [], n_rows
    for k in reversed(range(len(arms))):
        if taken[k, left]:
            chosen.append(int(arms[k]))
            left -= int(sizes[arms[k]])
    return sorted(chosen, key=lambda arm: (-values[arm], arm))


def greedy(pulls: Pulls, sizes: Ints, n_rows: int) -> list[int]:
    """Add the arm that gains most, as long as one gains and fits (forward selection)."""
    taken: list[int] = []
    best, left = 0.0, n_rows
    while True:
        open_arms = [arm for arm in range(pulls.n_arms) if arm not in taken and sizes[arm] <= left]
        scored = [(float(pulls.gain([*taken, arm]).mean()), -arm) for arm in open_arms]
        if not scored or max(scored)[0] <= best:
            return taken
        best, arm = max(scored)
        taken.append(-arm)
        left -= int(sizes[-arm])
