"""Correlated normal variables: estimate, repair, and draw within bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from tablewright.generators.base import Floats

_MOST_CORRECTED = 0.99
_LEAST_EIGENVALUE = 1e-6
_NARROW = 1e-7


def block_means(low: Floats, high: Floats) -> Floats:
    """Mean of a standard normal variable between two ranks.

    For a narrow block this is the normal score of its mid-rank. For a wide one the mean
    makes the correction in `correlate` exact to first order, which mid-ranks do not.

    Parameters
    ----------
    low, high : ndarray
        Ranks in [0, 1], ``low <= high``.
    """
    width = high - low
    middle = np.asarray(ndtri(np.clip((low + high) / 2, 1e-12, 1 - 1e-12)))
    wide = width > 1e-4
    density = _density(ndtri(low)) - _density(ndtri(high))
    return np.asarray(np.divide(density, width, out=middle, where=wide))


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))


def correlate(scores: Floats) -> tuple[Floats, Floats]:
    """Correlation of the normal variables behind scores, and its sampling variance.

    The correlation of two scores is divided by their standard deviations, which are below
    1 where values share a rank (discrete columns, point masses): otherwise discreteness
    would pass for lack of association.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, n_variables)
        NaN where a value is missing; pairs are compared where both are present.

    Returns
    -------
    correlation, variance : ndarray of shape (n_variables, n_variables)
    """
    seen = ~np.isnan(scores)
    filled, mark = np.where(seen, scores, 0.0), seen.astype(np.float64)
    count = np.maximum(mark.T @ mark, 1.0)
    mean = filled.T @ mark / count
    spread = np.maximum((filled**2).T @ mark / count - mean**2, 0.0)
    covariance = filled.T @ filled / count - mean * mean.T
    deviation = np.sqrt(spread * spread.T)
    raw = np.divide(covariance, deviation, out=np.zeros_like(covariance), where=deviation > 1e-9)
    scale = np.sqrt(np.diag(spread))
    loss = np.minimum(np.outer(scale, scale), 1.0)
    maximum = np.where(loss > 0.98, 1.0, _MOST_CORRECTED)
    corrected = np.divide(raw, loss, out=np.zeros_like(raw), where=loss > 1e-9)
    variance = np.divide(
        (1 - np.minimum(raw**2, 1.0)) ** 2,
        loss**2 * np.maximum(count - 3, 0.1),
        out=np.zeros_like(raw),
        where=loss > 1e-9,
    )
    return _unit(np.clip(corrected, -maximum, maximum)), variance


def shrink(correlation: Floats, variance: Floats, towards: Floats) -> Floats:
    """Move a correlation matrix towards another by as much as its noise calls for.

    References
    ----------
    .. [1] Schäfer and Strimmer, "A Shrinkage Approach to Large-Scale Covariance Matrix
       Estimation", Stat. Appl. Genet. Mol. Biol. 4(1), 2005, section 2.3.
    """
    off = ~np.eye(len(correlation), dtype=bool)
    distance = float(((correlation - towards)[off] ** 2).sum())
    part = min(1.0, float(variance[off].sum()) / distance) if distance > 0 else 0.0
    return (1 - part) * correlation + part * towards


def repair(correlation: Floats) -> Floats:
    """Make a symmetric matrix a positive definite correlation matrix."""
    values, vectors = np.linalg.eigh(correlation)
    fixed = (vectors * np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(fixed))
    return _unit(fixed / np.outer(scale, scale))


def _unit(matrix: Floats) -> Floats:
    even = (matrix + matrix.T) / 2
    np.fill_diagonal(even, 1.0)
    return even


@dataclass(frozen=True)
class Bounds:
    """Where one variable has to lie, per row.

    Attributes
    ----------
    low, high : ndarray of shape (n_rows, n_pieces) or (1, n_pieces)
        Closed pieces; a point where both are equal.
    log_mass : ndarray of shape (n_rows,) or float
        Log of the standard normal mass of all pieces, to divide by; 0 keeps the mass.
    log_share : ndarray of shape (n_rows,) or float
        Log of the share of rows that the bounds stand for, to multiply by.
    """

    low: Floats
    high: Floats
    log_mass: Floats | float = 0.0
    log_share: Floats | float = 0.0

    @property
    def is_point(self) -> bool:
        """Whether every row has one value only."""
        return bool((self.high - self.low < _NARROW).all())

    def rows(self, start: int, stop: int) -> Bounds:
        """Bounds of some rows."""
        return self._each(lambda part: part[start:stop])

    def repeat(self, times: int) -> Bounds:
        """Bounds with every row `times` times in a row."""
        return self._each(lambda part: np.repeat(part, times, axis=0))

    def _each(self, change: Callable[[Floats], Floats]) -> Bounds:
        """Change the parts that have a row per row; those with one row hold for all."""
        parts = (self.low, self.high, np.atleast_1d(self.log_mass), np.atleast_1d(self.log_share))
        return Bounds(*(change(part) if len(part) > 1 else part for part in parts))


def draw_within(
    root: Floats, bounds: Sequence[Bounds], n_rows: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw bounded normal variables, one given the ones before it.

    Parameters
    ----------
    root : ndarray of shape (n_variables, n_variables)
        Lower Cholesky factor of the correlation, the bounded variables first.
    bounds : sequence of Bounds
        Of the first variables.
    n_rows : int
        Rows to draw.
    rng : numpy Generator
        The only source of chance.

    Returns
    -------
    noise : ndarray of shape (n_rows, n_bounds)
        Independent parts; ``noise @ root[:n_bounds, :n_bounds].T`` lies within the bounds.
    log_weight : ndarray of shape (n_rows,)
        By which rows are to be resampled; for a point, the density over the standard
        normal one.

    References
    ----------
    .. [1] Geweke, "Efficient Simulation from the Multivariate Normal and Student-t
       Distributions Subject to Linear Constraints", 1991 (the GHK simulator).
    """
    noise = np.empty((n_rows, len(bounds)))
    weight = np.zeros(n_rows)
    for k, bound in enumerate(bounds):
        mean, deviation = noise[:, :k] @ root[k, :k], root[k, k]
        low = (bound.low - mean[:, None]) / deviation
        high = (bound.high - mean[:, None]) / deviation
        noise[:, k], log_mass = _truncated(low, high, rng)
        point = (bound.high - bound.low < _NARROW).all(axis=1)
        ratio = 0.5 * ((mean + deviation * noise[:, k]) ** 2 - noise[:, k] ** 2)
        weight += np.where(point, ratio - np.log(deviation), log_mass - bound.log_mass)
        weight += bound.log_share
    return noise, weight


def _truncated(low: Floats, high: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw standard normal values in one of several pieces, and the log mass of all pieces."""
    flip = low > -high
    # In the lower tail probabilities keep their precision.
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    below, above = ndtr(low), ndtr(high)
    mass = above - below
    total = np.cumsum(mass, axis=1)
    if mass.shape[1] == 1:
        piece = np.zeros(len(mass), dtype=np.intp)
    else:
        requested = rng.random(len(mass)) * total[:, -1]
        piece = np.minimum((total <= requested[:, None]).sum(axis=1), mass.shape[1] - 1)
    rows = np.arange(len(mass))
    low, high, flip = low[rows, piece], high[rows, piece], flip[rows, piece]
    below, above = below[rows, piece], above[rows, piece]
    z = ndtri(below + rng.random(len(rows)) * (above - below))
    z = np.clip(np.where(np.isfinite(z), z, high), low, high)
    none = total[:, -1] <= 0
    log_mass = np.where(none, log_ndtr(high), np.log(np.where(none, 1.0, total[:, -1])))
    return np.where(flip, -z, z), log_mass
