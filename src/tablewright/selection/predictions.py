"""Predictions of labels that the checks rest on, and how good they are row by row."""

from __future__ import annotations

import numpy as np

from tablewright.metrics.learners import LEARNERS, Design, fit
from tablewright.selection.check import Floats
from tablewright.selection.feature_space import Ground

__all__ = ["LEAST", "Predictor", "gain_of", "merits"]

LEAST = 1e-2
"""Probabilities below count as this: one row shall not decide."""
N_TREES = 40
FEWEST_FOR_TREES = 100


class Predictor:
    """Predicts by boosted trees and a linear model, averaged; by the latter below 100 real rows.

    Parameters
    ----------
    ground : Ground
        Says which classes there are.
    rng : numpy Generator
        Seeds the learners.
    """

    def __init__(self, ground: Ground, rng: np.random.Generator) -> None:
        self.n_classes = len(ground.classes) + 1 if ground.classifies else 0
        self.learners = LEARNERS if len(ground.real) >= FEWEST_FOR_TREES else ("linear",)
        self.rng = rng

    def __call__(self, known: Design, asked: Design) -> Floats:
        """Return probabilities of shape (n_asked, n_classes), or numbers of shape (n_asked,)."""
        leaf = max(3, min(20, len(known) // 20))
        found = [
            fit(name, known, self.n_classes, self.rng, leaf=leaf, n_trees=N_TREES)(asked)
            for name in self.learners
        ]
        return np.asarray(np.mean(found, axis=0))


def merits(y: Floats, predicted: Floats) -> Floats:
    """Return how well each row is predicted; larger is better.

    For classes it is the mean of two things: whether the row's own class is the likeliest, and the
    share of rows of other classes that have less of its probability, weighted so that each
    class counts the same. Neither looks at how sure a model is of itself: adding rows that were
    chosen for being plausible makes it surer than it should be, which a log loss would punish
    though the ranking improves. For numbers it is minus half the squared error, in units of
    the standard deviation of `y`.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    predicted : ndarray of shape (n_rows, n_classes) or (n_rows,)

    Examples
    --------
    >>> merits(np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.6, 0.4]]))
    array([1. , 0.5])
    """
    if predicted.ndim == 1:
        return np.asarray(-(((y - predicted) / (float(y.std()) or 1.0)) ** 2) / 2)
    codes = y.astype(np.intp)
    hits = predicted.argmax(axis=1) == codes
    placed = np.zeros(len(y))
    classes, counts = np.unique(codes, return_counts=True)
    for code, count in zip(classes, counts, strict=True):
        own, others = predicted[codes == code, code], np.sort(predicted[codes != code, code])
        if len(others):
            below = np.searchsorted(others, own) + np.searchsorted(others, own, "right")
            placed[codes == code] = below / (2 * len(others)) * len(y) / (len(classes) * count)
    return np.asarray((hits + placed) / 2)


def gain_of(differences: Floats) -> tuple[float, float]:
    """Return the mean of differences row by row, and its standard error."""
    return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
