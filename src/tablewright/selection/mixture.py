"""A pool as a mixture of rows like real ones and rows like wrong ones, by a score of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from tablewright.selection.check import Floats

_Z = 1.3
"""Standard errors that the share of sound rows is given in addition: in doubt a row stays."""

_NOISE = 1.22
"""Times the square root of 1/n + 1/m: two samples differ by as much in 1 of 20 cases by chance
(Smirnov). Where real and wrong rows differ by no more, their scores tell nothing."""


@dataclass(frozen=True)
class Mixture:
    """Scores of real rows, and of rows that are known to be wrong; larger is more suspicious.

    Attributes
    ----------
    real, wrong : ndarray of float
        Ascending.

    Examples
    --------
    >>> mixture = Mixture.of(np.linspace(0, 1, 200), np.linspace(1, 4, 200))
    >>> pool = np.concatenate([np.linspace(0, 1, 120), np.linspace(1, 4, 80)])
    >>> share = mixture.sound_share(pool)
    >>> round(share, 2), round(mixture.limit(share), 2), mixture.limit(1.0)
    (0.64, 1.0, inf)
    """

    real: Floats
    wrong: Floats

    @classmethod
    def of(cls, real: Floats, wrong: Floats) -> Self:
        """Sort the scores."""
        return cls(np.sort(real), np.sort(wrong))

    def sound_share(self, scores: Floats) -> float:
        """Return how much of a pool is like real rows at most.

        Shares are compared at the score at which real and wrong rows differ most; to what that
        gives a standard error is added, which allows for the chance in all shares.
        """
        real, wrong = self._shares(self.real)
        best = int(np.argmax(real - wrong))
        apart, n, m = float(real[best] - wrong[best]), len(self.real), len(scores)
        if not m or apart <= _NOISE * np.sqrt(2 / n):
            return 1.0
        share = float((scores <= self.real[best]).mean())
        variances = [p[best] * (1 - p[best]) / n for p in (real, wrong)]
        error = np.sqrt(sum(variances) + max(share * (1 - share), 1 / m) / m)
        return float(np.clip((share + _Z * error - wrong[best]) / apart, 0, 1))

    def limit(self, sound: float) -> float:
        """Return the score beyond which a row of a pool is rather a wrong one than a sound one.

        The limit with the fewest rows on the wrong side of it, sound ones and others together.
        """
        real, wrong = self._shares(self.real)
        n = len(self.real)
        beyond = (n * (1 - real) + 1) / (n + 1)  # the next real row may exceed all that were seen
        costs = np.append(sound * beyond + (1 - sound) * wrong, 1 - sound)
        return float(np.append(self.real, np.inf)[len(costs) - 1 - int(np.argmin(costs[::-1]))])

    def _shares(self, marks: Floats) -> tuple[Floats, Floats]:
        """Return the shares of real and of wrong rows up to each mark."""
        shares = [
            np.searchsorted(one, marks, "right") / len(one) for one in (self.real, self.wrong)
        ]
        return shares[0], shares[1]
