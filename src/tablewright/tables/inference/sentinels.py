"""Codes that stand for something else than a value: ``"?"``, ``"unknown"``, -1, 999."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MISSING_TEXTS", "VAGUE_TEXTS", "find_numeric_sentinels"]

MISSING_TEXTS = frozenset({"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null"})
"""Texts (folded to lower case) that say "missing" wherever they stand."""

VAGUE_TEXTS = frozenset({"unknown", "none", "missing", "-", "--", ".", "not available", "refused"})
"""Texts that say "missing" among numbers or dates, and are a value of their own among words."""

_HIGH = (9, 99, 999, 9999, 99999, 999999, 9999999, 99999999)
_LOW = (-1, -9, -99, -999, -9999, -99999, -999999, -8, -7, -2)


def find_numeric_sentinels(values: NDArray[np.float64]) -> list[float]:
    """Find codes among numbers.

    A code is one of the usual ones (-1, -9, -99, ..., 9, 99, 999, ...), occurs at least
    twice, and either is the smallest or largest value and stands further from the rest than
    half of their range, or is negative where all negative values (three at most) are codes
    and there are more than ten others.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Numbers without NaN.

    Returns
    -------
    list of float
        The codes, ascending.

    Examples
    --------
    >>> find_numeric_sentinels(np.array([0.0, 3, 5, 9, 14, 999, 999]))
    [999.0]
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 4:
        return []
    n_low = _count_low(distinct, counts)
    codes = list(distinct[:n_low])
    if distinct[-1] in _HIGH and counts[-1] >= 2 and _is_apart(distinct[n_low:][::-1]):
        codes.append(distinct[-1])
    return [float(code) for code in codes]


def _count_low(distinct: NDArray[np.float64], counts: NDArray[np.int64]) -> int:
    """Count the codes at the lower end."""
    n_negative = int((distinct < 0).sum())
    usual = np.isin(distinct[:n_negative], _LOW) & (counts[:n_negative] >= 2)
    if 1 <= n_negative <= 3 and usual.all() and len(distinct) > n_negative + 10:
        return n_negative
    return int(distinct[0] in _LOW and counts[0] >= 2 and _is_apart(distinct))


def _is_apart(outward: NDArray[np.float64]) -> bool:
    """Tell whether the first value is further from the rest than half of their range."""
    rest = abs(outward[1] - outward[-1])
    return bool(abs(outward[0] - outward[1]) > max(rest / 2, 1.0))
