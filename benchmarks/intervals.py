"""Paired differences over repeated splits, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences, and the half widths of two 95 % intervals.

    Attributes
    ----------
    mean : float
    plain : float
        From the standard error, as if splits were independent. They share most of their
        rows, so this one is too narrow.
    corrected : float
        With the variance of Nadeau and Bengio (2003): 1/J + n_test/n_train in place of 1/J.
    """

    mean: float
    plain: float
    corrected: float

    def place(self, width: float) -> str:
        """Say where an interval of that half width lies."""
        if abs(self.mean) <= width:
            return "holds 0"
        return "above 0" if self.mean > 0 else "below 0"

    def cells(self) -> dict[str, str]:
        """Return cells for a table."""
        return {
            "difference": f"{self.mean:+.4f}",
            "corrected 95 %": f"± {self.corrected:.4f}, {self.place(self.corrected)}",
            "plain 95 %": f"± {self.plain:.4f}, {self.place(self.plain)}",
        }


def difference(
    first: NDArray[np.float64], second: NDArray[np.float64], test_to_train: float = 0.25
) -> Difference:
    """Compare two arms over the same splits.

    Parameters
    ----------
    first, second : ndarray of shape (n_splits,)
    test_to_train : float, default=0.25
        Test rows per training row of a split.
    """
    gaps = first - second
    n = len(gaps)
    if n < 2:
        return Difference(float(gaps.mean()), np.inf, np.inf)
    width = float(stats.t.ppf(0.975, n - 1) * gaps.std(ddof=1))
    return Difference(
        float(gaps.mean()), width * np.sqrt(1 / n), width * np.sqrt(1 / n + test_to_train)
    )
