"""Rare rows of a numeric target: those of its tails, by a relevance function.

Torgo and Ribeiro, "Utility-based regression", PKDD 2007; Branco, Torgo and Ribeiro, "SMOGN",
LIDTA 2017: relevance is 0 at the median and 1 from the whiskers of a box plot on, and a monotone
cubic lies between them.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from tablewright.systems.common.partition import QuantilePartition

RELEVANT = 0.8
"""Relevance from which on a row is rare."""
_WHISKER = 1.5


def relevance(values: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how relevant numbers are, from 0 to 1; 0 on a side without outliers.

    Examples
    --------
    >>> values = np.r_[np.arange(100.0), 1000.0]
    >>> relevance(values, np.array([0.0, 50.0, 1000.0])).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    ends = low - _WHISKER * (high - low), high + _WHISKER * (high - low)
    inside = values[(values >= ends[0]) & (values <= ends[1])]
    points, heights = [middle], [0.0]
    for outlying, whisker in ((values < ends[0], inside.min()), (values > ends[1], inside.max())):
        if outlying.any() and whisker != middle:
            points.append(whisker)
            heights.append(1.0)
    if len(points) < 2:
        return np.zeros(len(at))
    order = np.argsort(points)
    curve = PchipInterpolator(np.array(points)[order], np.array(heights)[order])
    ends = min(points), max(points)
    return np.asarray(curve(np.clip(at, *ends)))


def tails(frame: pl.DataFrame, column: str) -> QuantilePartition:
    """Part rows into the rare tails of a number and the others; into tenths without outliers.

    Examples
    --------
    >>> pay = pl.DataFrame({"pay": [*range(100), *range(300, 310)]})
    >>> tails(pay, "pay").of(pl.DataFrame({"pay": [50, 305]})).tolist()
    [0, 1]
    """
    values = frame[column].drop_nulls().cast(pl.Float64).to_numpy()
    distinct = np.unique(values)
    rare = relevance(values, distinct) >= RELEVANT
    middle = np.median(values)
    edges = []
    if (rare & (distinct < middle)).any():
        edges.append(float(distinct[rare & (distinct < middle)].max()))
    if (rare & (distinct > middle)).any():
        edges.append(float(distinct[~rare & (distinct < distinct[rare].max())].max()))
    if not edges:
        # An edge is a value of a row, so that no part is empty.
        edges = np.unique(np.quantile(values, [0.1, 0.9], method="lower")).tolist()
    return QuantilePartition(column, tuple(edge for edge in edges if edge < values.max()))
