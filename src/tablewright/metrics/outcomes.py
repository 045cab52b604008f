"""How good predictions are: one value per measure, NaN where it is not defined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tablewright.errors import InputError
from tablewright.metrics.encoder import Floats
from tablewright.metrics.scores import Direction

DIRECTIONS = {
    "macro_f1": Direction.HIGHER,
    "rare_f1": Direction.HIGHER,
    "balanced_accuracy": Direction.HIGHER,
    "sensitivity": Direction.HIGHER,
    "specificity": Direction.HIGHER,
    "auroc": Direction.HIGHER,
    "log_loss": Direction.LOWER,
    "r2": Direction.HIGHER,
    "rmse": Direction.LOWER,
    "mae": Direction.LOWER,
}

BOUNDS = {
    "r2": (-np.inf, 1.0),
    "log_loss": (0.0, np.inf),
    "rmse": (0.0, np.inf),
    "mae": (0.0, np.inf),
}
"""Where a measure is not held between 0 and 1."""


def choose_measure(measure: str | None, listed: bool) -> str:
    """Return the measure asked for, or macro-F1 for classes and R2 for numbers.

    Raises
    ------
    InputError
        If targets of this kind have no such measure.
    """
    known = [name for name in DIRECTIONS if (name in ("r2", "rmse", "mae")) != listed]
    if measure is None:
        return "macro_f1" if listed else "r2"
    if measure not in known:
        raise InputError(f"no measure {measure!r} here; there are {', '.join(known)}")
    return measure


MIN_PROBABILITY = 1e-2
"""Lower probabilities of the true class count as this: one row shall not decide."""


def auc(negative: Floats, positive: Floats) -> float:
    """Share of pairs in which the positive one scores higher; ties count one half.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4]), np.array([0.4, 0.9]))
    0.875
    """
    ranks = stats.rankdata(np.concatenate([negative, positive]))
    total = ranks[len(negative) :].sum() - len(positive) * (len(positive) + 1) / 2
    return float(total / (len(negative) * len(positive)))


def auc_error(negative: Floats, positive: Floats) -> float:
    """Return the standard error of `auc` (DeLong, DeLong and Clarke-Pearson 1988)."""
    together = stats.rankdata(np.concatenate([negative, positive]))
    above = (together[len(negative) :] - stats.rankdata(positive)) / len(negative)
    below = 1 - (together[: len(negative)] - stats.rankdata(negative)) / len(positive)
    parts = [x.var(ddof=1) / len(x) for x in (above, below) if len(x) > 1]
    return float(np.sqrt(sum(parts)))


def classification(
    y: NDArray[np.int64], probabilities: Floats, rare: int, chosen: NDArray[np.int64] | None = None
) -> dict[str, float]:
    """Measures of a classifier, over the classes that occur among the rows.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        True classes.
    probabilities : ndarray of shape (n_rows, n_classes)
    rare : int
        The class that sensitivity, specificity and `rare_f1` are about.
    chosen : ndarray of int or None
        Predicted classes; by default those of the highest probability.

    Examples
    --------
    >>> y, p = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    >>> found = classification(y, p, rare=1)
    >>> round(found["balanced_accuracy"], 2), round(found["rare_f1"], 2)
    (0.75, 0.67)
    """
    n_classes = probabilities.shape[1]
    chosen = probabilities.argmax(axis=1) if chosen is None else chosen
    table = np.bincount(y * n_classes + chosen, minlength=n_classes**2).reshape(n_classes, -1)
    hits, actual, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    present = actual > 0
    f1 = 2 * hits / np.maximum(actual + predicted, 1)
    recall = hits / np.maximum(actual, 1)
    has_rare, others = present[rare], actual.sum() - actual[rare]
    wrong = predicted[rare] - hits[rare]
    return {
        "macro_f1": float(f1[present].mean()),
        "rare_f1": float(f1[rare]) if has_rare else np.nan,
        "balanced_accuracy": float(recall[present].mean()),
        "sensitivity": float(recall[rare]) if has_rare else np.nan,
        "specificity": float(1 - wrong / others) if others else np.nan,
        "auroc": _macro_auc(y, probabilities, np.flatnonzero(present)),
        "log_loss": _log_loss(y, probabilities),
    }


def _macro_auc(y: NDArray[np.int64], probabilities: Floats, present: NDArray[np.int64]) -> float:
    if len(present) < 2:
        return float("nan")
    each = [auc(probabilities[y != c, c], probabilities[y == c, c]) for c in present]
    return float(np.mean(each))


def _log_loss(y: NDArray[np.int64], probabilities: Floats) -> float:
    own = np.clip(probabilities[np.arange(len(y)), y], 1e-6, 1.0)
    return float(-np.log(own).mean())


def regression(y: Floats, predicted: Floats) -> dict[str, float]:
    """Measures of a regression.

    Examples
    --------
    >>> regression(np.array([1.0, 3.0]), np.array([1.0, 2.0]))["r2"]
    0.5
    """
    errors = y - predicted
    total = float(((y - y.mean()) ** 2).sum())
    return {
        "r2": 1 - float((errors**2).sum()) / total if total > 0 else np.nan,
        "rmse": float(np.sqrt((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
    }


def proper_scores(y: Floats, predicted: Floats) -> Floats:
    """Return how well each row is predicted by a proper score; larger is better, 0 is best.

    For classes the logarithm of the probability of the true one, at least ``log(0.01)``; for
    numbers minus half the squared error in units of the variance of `y`.

    Examples
    --------
    >>> proper_scores(np.array([0.0, 1.0]), np.array([[1.0, 0.0], [1.0, 0.0]])).round(2)
    array([ 0.  , -4.61])
    >>> proper_scores(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([-0. , -0.5])
    """
    if predicted.ndim == 1:
        return np.asarray(-(((y - predicted) / (float(y.std()) or 1.0)) ** 2) / 2)
    own = predicted[np.arange(len(y)), y.astype(np.intp)]
    return np.asarray(np.log(np.maximum(own, MIN_PROBABILITY)))


def rank_scores(y: Floats, predicted: Floats) -> Floats:
    """Return how well each row is ranked, whatever the confidence of the model; larger is better.

    For classes the mean of two things: whether the row's own class is the likeliest, and the
    share of rows of other classes that have less of its probability, weighted so that each
    class counts the same. A log loss would punish a model for being surer than it should be, as
    rows make it that were chosen for being plausible, though its ranking improves. For numbers
    it is `proper_scores`.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    predicted : ndarray of shape (n_rows, n_classes) or (n_rows,)

    Examples
    --------
    >>> rank_scores(np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.6, 0.4]]))
    array([1. , 0.5])
    """
    if predicted.ndim == 1:
        return proper_scores(y, predicted)
    codes = y.astype(np.intp)
    hits = predicted.argmax(axis=1) == codes
    ranks = np.zeros(len(y))
    classes, counts = np.unique(codes, return_counts=True)
    for code, count in zip(classes, counts, strict=True):
        own, others = predicted[codes == code, code], np.sort(predicted[codes != code, code])
        if len(others):
            below = np.searchsorted(others, own) + np.searchsorted(others, own, "right")
            ranks[codes == code] = below / (2 * len(others)) * len(y) / (len(classes) * count)
    return np.asarray((hits + ranks) / 2)
