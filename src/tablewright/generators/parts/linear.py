"""Linear models of one column: how likely each of its bins is, given other columns.

Codes by multinomial logistic regression. Numbers by ridge regression of their normal scores, with
normal residuals cut at the bins: an ordered probit whose thresholds are known, since the scores
are those of the column's own shares.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from tablewright.generators.base import Floats

Ints = NDArray[np.intp]

_STRENGTHS = np.logspace(-1, 3, 13)
_SHRINK = 0.3  # inverse strength of the logistic penalty on standardised columns


@dataclass(frozen=True)
class Design:
    """Other columns as standardised inputs: normal scores of numbers, indicators of codes.

    Attributes
    ----------
    columns : ndarray of int
        The columns asked.
    levels : tuple of int
        Number of codes of each, missing included; 0 for a number.
    tops : ndarray of shape (n_asked,)
        Largest rank of each number.
    centre, scale : ndarray of shape (n_inputs,)
    """

    columns: Ints
    levels: tuple[int, ...]
    tops: Floats
    centre: Floats
    scale: Floats

    @classmethod
    def learn(cls, ranks: Floats, columns: Ints, levels: Mapping[int, int]) -> Design:
        """Take means and deviations from training rows."""
        kinds = tuple(levels.get(int(j), 0) for j in columns)
        blank = np.zeros(0)
        raw = cls(columns, kinds, ranks[:, columns].max(axis=0), blank, blank)._raw(ranks)
        scale = raw.std(axis=0)
        return cls(columns, kinds, ranks[:, columns].max(axis=0), raw.mean(axis=0), scale)

    def inputs(self, ranks: Floats) -> Floats:
        """Lay rows out; shape (n_rows, n_inputs). An input that never varied is 0."""
        varied = self.scale > 0
        gap = self._raw(ranks) - self.centre
        return np.divide(gap, self.scale, out=np.zeros_like(gap), where=varied)

    def _raw(self, ranks: Floats) -> Floats:
        parts = []
        for column, levels, top in zip(self.columns, self.levels, self.tops, strict=True):
            values = ranks[:, column]
            if levels:
                parts.append((values[:, None] == np.arange(levels)) * 1.0)
                continue
            dropped = values < 0
            last = max(float(top), 0.0)
            scores = ndtri((np.clip(values, 0, last) + 0.5) / (last + 1))
            parts.append(np.column_stack([np.where(dropped, 0.0, scores), dropped]))
        return np.hstack(parts) if parts else np.zeros((len(ranks), 0))


@dataclass(frozen=True)
class LinearChances:
    """Chances of the bins of one column.

    Attributes
    ----------
    design : Design
    weights : ndarray of shape (n_inputs, n_outputs)
    bias : ndarray of shape (n_outputs,)
    edges : ndarray of shape (n_bins - 1,) or empty
        Normal scores between the bins of a number; empty for codes.
    spread : float
        Standard deviation of a number's residual.
    missing : float
        Share of missing numbers, whose bin is the last; 0 where there are none.
    """

    design: Design
    weights: Floats
    bias: Floats
    edges: Floats
    spread: float
    missing: float

    def __call__(self, ranks: Floats) -> Floats:
        """Give each row a chance for each bin; shape (n_rows, n_bins)."""
        scores = self.design.inputs(ranks) @ self.weights + self.bias
        if self.spread == 0:
            return np.asarray(softmax(scores, axis=1))
        below = ndtr((self.edges - scores) / self.spread)
        whole = np.column_stack([np.zeros(len(ranks)), below, np.ones(len(ranks))])
        probabilities = np.diff(whole, axis=1)
        if self.missing in (0, 1):
            return probabilities
        dropped = np.full((len(ranks), 1), self.missing)
        return np.hstack([(1 - self.missing) * probabilities, dropped])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays that `from_arrays` reads."""
        design = self.design
        return {
            "columns": design.columns,
            "levels": np.array(design.levels, dtype=np.intp),
            "tops": design.tops,
            "centre": design.centre,
            "scale": design.scale,
            "weights": self.weights,
            "bias": self.bias,
            "edges": self.edges,
            "residual": np.array([self.spread, self.missing]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> LinearChances:
        """Make the model again."""
        design = Design(
            np.asarray(arrays["columns"], dtype=np.intp),
            tuple(int(n) for n in arrays["levels"]),
            arrays["tops"],
            arrays["centre"],
            arrays["scale"],
        )
        spread, missing = (float(x) for x in arrays["residual"])
        return cls(design, arrays["weights"], arrays["bias"], arrays["edges"], spread, missing)


def learn_chances(
    ranks: Floats, column: int, bins: Ints, features: Ints, levels: Mapping[int, int]
) -> LinearChances:
    """Learn the bins of one column from others.

    Parameters
    ----------
    ranks : ndarray of shape (n_rows, n_columns)
        Codes, and ranks of numbers, missing ones below 0.
    column : int
    bins : ndarray of int, shape (n_rows,)
        Bin of each row; see `tablewright.generators.parts.bins.cut`.
    features : ndarray of int
        Columns to learn from.
    levels : mapping from int to int
        Number of codes of each discrete column, missing included.
    """
    design = Design.learn(ranks, features, levels)
    inputs = design.inputs(ranks)
    if column in levels:
        weights, bias = _logistic(inputs, bins)
        return LinearChances(design, weights, bias, np.zeros(0), 0.0, 0.0)
    dropped = ranks[:, column] < 0
    shares = np.bincount(bins[~dropped]) / max(1, (~dropped).sum())
    edges = ndtri(np.cumsum(shares)[:-1])
    index = _mid_ranks(ranks[~dropped, column])
    slopes, level, spread = _ridge(inputs[~dropped], ndtri(index))
    missing = float(dropped.mean())
    return LinearChances(design, slopes[:, None], np.array([level]), edges, spread, missing)


def _mid_ranks(values: Floats) -> Floats:
    """Share of rows below each value, those that share it counted half."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return np.asarray(middle[inverse] / max(1, len(values)))


def _logistic(inputs: Floats, bins: Ints) -> tuple[Floats, Floats]:
    shares = np.bincount(bins) / len(bins)
    if inputs.shape[1] == 0 or len(shares) == 1 or 2 * len(shares) > len(bins):
        return np.zeros((inputs.shape[1], len(shares))), np.log(shares)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly there is good enough
        fitted = LogisticRegression(C=_SHRINK, max_iter=300).fit(inputs, bins)
    weights, bias = fitted.coef_.T, fitted.intercept_
    if len(shares) == 2:
        weights = np.column_stack([np.zeros(len(weights)), weights])
        bias = np.concatenate([[0.0], bias])
    return np.asarray(weights), np.asarray(bias)


def _ridge(inputs: Floats, response: Floats) -> tuple[Floats, float, float]:
    """Ridge regression, its strength and its residual by leaving out one row at a time."""
    if len(response) < 3 or inputs.shape[1] == 0:
        return np.zeros(inputs.shape[1]), float(response.mean() if len(response) else 0.0), 1.0
    centre, mean = inputs.mean(axis=0), float(response.mean())
    left, sizes, right = np.linalg.svd(inputs - centre, full_matrices=False)
    along = left.T @ (response - mean)
    best: tuple[float, Floats] | None = None
    for strength in _STRENGTHS:
        shrink = sizes**2 / (sizes**2 + strength)
        fit = left @ (shrink * along)
        lever = np.minimum((left**2) @ shrink + 1 / len(response), 0.999)
        error = float((((response - mean - fit) / (1 - lever)) ** 2).mean())
        if best is None or error < best[0]:
            best = (error, right.T @ (along * sizes / (sizes**2 + strength)))
    assert best is not None
    weights = best[1]
    return weights, float(mean - centre @ weights), max(float(np.sqrt(best[0])), 1e-3)
