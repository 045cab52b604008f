"""Plain data behind the plots of what models predicted: curves, confusion, predicted numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from tablewright.evaluation.evaluate.bins import bins_of
from tablewright.evaluation.evaluate.plot_data import density, n_cells_of
from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.learners import LEARNERS
from tablewright.metrics.outcomes import DIRECTIONS, auc
from tablewright.metrics.scores import Direction
from tablewright.metrics.trials import Trials

ARMS = ("real", "augmented", "synthetic")
MAX_CLASSES = 10
MAX_POINTS = 60


def prediction_data(trials: Trials, holdout: EncodedRows, measure: str) -> dict[str, Any]:
    """Return what the learner predicted that does better on real rows alone.

    Returns
    -------
    dict
        ``"learner"``; of classes ``"curves"`` of the rarest one against all others, and
        ``"confusion"`` of up to ten; of numbers ``"fit"``: rows by true and predicted value.
    """
    sign = 1 if DIRECTIONS[measure] is Direction.HIGHER else -1
    reached = {name: sign * trials.value("real", measure, name) for name in LEARNERS}
    learner = max(reached, key=lambda name: reached[name])
    arms = {arm: trials.predictions[arm][learner] for arm in ARMS}
    target = holdout.features[holdout.encoder.target or 0]
    shared = {"learner": learner, "rows": len(trials.y)}
    if target.levels is None:
        bins = bins_of(target, [trials.y], n_cells_of(len(trials.y)), 0)
        fits = {
            arm: density(trials.y, each.values, bins, bins) / len(trials.y)
            for arm, each in arms.items()
        }
        fit = {arm: np.round(shares, 4).tolist() for arm, shares in fits.items()}
        return {**shared, "fit": {"column": target.name, **bins.to_dict(), "shares": fit}}
    y = trials.y.astype(np.int64)
    values = {arm: each.values for arm, each in arms.items()}
    chosen = {arm: each.chosen for arm, each in arms.items()}
    return {
        **shared,
        "curves": _curves(y, values, trials.task.rare, target.levels),
        "confusion": _confusion(y, chosen, target.levels),
    }


def _curves(
    y: np.ndarray[Any, Any], values: dict[str, Floats], rare: int, levels: tuple[str, ...]
) -> dict[str, Any] | None:
    """Return both curves of the rarest class; None where the holdout has none or no other."""
    truth = y == rare
    if truth.all() or not truth.any():
        return None
    lines = {}
    for arm, probabilities in values.items():
        scores = probabilities[:, rare]
        wrong, found, _ = roc_curve(truth, scores)
        precision, recall, _ = precision_recall_curve(truth, scores)
        lines[arm] = {
            "auc": round(auc(scores[~truth], scores[truth]), 4),
            "roc": _thinned(wrong, found),
            "precision": _thinned(recall[::-1], precision[::-1]),
        }
    return {"class": levels[rare], "share": float(truth.mean()), "lines": lines}


def _thinned(x: Floats, y: Floats) -> list[list[float]]:
    """Return the corners of a line, evenly chosen where there are many."""
    index = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).round().astype(int))
    return np.round(np.column_stack([x[index], y[index]]), 4).tolist()  # type: ignore[no-any-return]  # numpy


def _confusion(
    y: np.ndarray[Any, Any], chosen: dict[str, Any], levels: tuple[str, ...]
) -> dict[str, Any] | None:
    """Return counts of true and chosen classes; None where there are too many to be read."""
    codes = np.unique(np.concatenate([y, *chosen.values()]))
    if len(codes) > MAX_CLASSES:
        return None
    return {
        "classes": [levels[code] for code in codes],
        "counts": {
            arm: confusion_matrix(y, each, labels=codes).tolist() for arm, each in chosen.items()
        },
    }
