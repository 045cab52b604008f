"""Climbing by trial: simultaneous perturbation, for knobs that have no explicit score.

Spall, "Multivariate stochastic approximation using a simultaneous perturbation gradient
approximation", IEEE Trans. Automatic Control 1992.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_REACH, _REACH_DECAY = 0.5, 0.101
_STEP, _DELAY, _DECAY = 0.8, 2.0, 0.7
"""Sums of steps diverge; those of their squares, and of (step / reach) squared, do not."""


@dataclass
class Perturbation:
    """A setting in a box, moved towards where an objective is higher that can only be tried.

    All knobs go to either side at once, each by chance up or down; the difference of the two
    values says of every knob which way to go. A step is at most the step size in units of `scale`,
    so that a steep objective does not throw the setting about.

    Attributes
    ----------
    start, low, high : ndarray of shape (n_knobs,)
    scale : ndarray of shape (n_knobs,)
        What is a large change of each knob, such as the standard deviation of its prior.
    steps : list of ndarray
        Settings so far.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> climb = Perturbation(np.zeros(2), np.full(2, -1.0), np.ones(2), np.full(2, 0.5))
    >>> for _ in range(200):
    ...     climb.step(lambda at: -4 * float(((at - [0.3, -0.2]) ** 2).sum()), rng)
    >>> climb.mean.round(1).tolist()
    [0.3, -0.2]
    """

    start: Floats
    low: Floats
    high: Floats
    scale: Floats
    steps: list[Floats] = field(default_factory=list)

    @property
    def setting(self) -> Floats:
        """The latest setting."""
        return self.steps[-1] if self.steps else self.start

    @property
    def mean(self) -> Floats:
        """Mean of the settings after half of the steps (Polyak and Ruppert)."""
        if not self.steps:
            return self.start
        return np.asarray(np.mean(self.steps[len(self.steps) // 2 :], axis=0))

    def step(self, objective: Callable[[Floats], float], rng: np.random.Generator) -> None:
        """Try a setting on either side, and go a step on."""
        batch = len(self.steps) + 1
        sides = rng.choice([-1.0, 1.0], len(self.start))
        reach = _REACH * batch**-_REACH_DECAY * self.scale * sides
        ends = [np.clip(self.setting + side * reach, self.low, self.high) for side in (1, -1)]
        apart = ends[0] - ends[1]
        change = objective(ends[0]) - objective(ends[1])
        gradient = np.divide(change, apart, out=np.zeros_like(apart), where=apart != 0)
        size = _STEP / (batch + _DELAY) ** _DECAY
        move = size * self.scale * np.clip(self.scale * gradient, -1.0, 1.0)
        self.steps.append(np.clip(self.setting + move, self.low, self.high))
