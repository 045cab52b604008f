"""Predictions of labels that the checks rest on, and what an error in them costs."""

from __future__ import annotations

import numpy as np

from tablewright.checks.base import Floats
from tablewright.checks.ground import Ground
from tablewright.metrics.learners import LEARNERS, Design, fit

__all__ = ["Predictor", "losses"]

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


def losses(rows: Design, predicted: Floats, spread: float) -> Floats:
    """Return the log loss of each row, or half its squared error in units of `spread`.

    Examples
    --------
    >>> nothing = np.zeros((1, 0))
    >>> rows = Design(nothing, nothing, np.zeros(0, dtype=bool), np.array([1.0]))
    >>> losses(rows, np.array([[0.5, 0.5]]), 1.0).round(3), losses(rows, np.array([3.0]), 2.0)
    (array([0.693]), array([0.5]))
    """
    if predicted.ndim == 1:
        return np.asarray(((rows.y - predicted) / spread) ** 2 / 2)
    own = predicted[np.arange(len(rows)), rows.y.astype(np.intp)]
    return np.asarray(-np.log(np.clip(own, LEAST, 1.0)))
