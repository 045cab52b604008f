"""Choices that look at what a whole line of checks keeps: its threshold, and rows per class."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.metrics.crossfit import stratified_folds
from tablewright.metrics.learners import Design, fit
from tablewright.schema import Schema
from tablewright.selection.check import Check, Floats
from tablewright.selection.feature_space import RealRows
from tablewright.selection.information import InformationGain
from tablewright.selection.pipeline import Trimmed, fit_checks, run_checks

Ints = NDArray[np.intp]

COEFFICIENTS = (0.0, 1.0, 2.0, 3.0)
MIN_ROWS, MIN_OF_CLASS = 30, 5


def information_threshold(
    checks: Sequence[Check],
    train: pl.DataFrame,
    schema: Schema,
    rows: pl.DataFrame,
    batches: Sequence[Ints],
    seed: int,
) -> list[Check]:
    """Choose the threshold of the information gain by 5-fold cross-validation.

    For each coefficient the line is fitted without a fold of the real rows and trims the
    candidates; a model of the other real rows and what is kept predicts the fold. The one with
    the least log loss (squared error for a number) is taken, the smallest of equals. With fewer
    than 30 real rows, or 5 of a class, folds say nothing, and it is 0.

    Returns
    -------
    list of Check
        As given, with the coefficient set.
    """
    real_rows = RealRows.fit(train, schema)
    design = real_rows.design(real_rows.real)
    y = design.y
    best = 0.0
    if len(y) >= MIN_ROWS and _smallest_class(y, real_rows) >= MIN_OF_CLASS:
        folds = stratified_folds(y, 5, np.random.default_rng([seed, 5]), design.row_keys)
        real = real_rows.real.frame
        losses = np.mean(
            [
                _losses(checks, real, folds == k, schema, rows, batches, real_rows, seed)
                for k in range(5)
            ],
            axis=0,
        )
        best = COEFFICIENTS[int(np.argmin(np.round(losses, 9)))]
    return _with_coefficient(checks, best)


def _smallest_class(y: Floats, real_rows: RealRows) -> int:
    if not real_rows.classifies:
        return len(y)
    return int(np.unique(y, return_counts=True)[1].min())


def _losses(
    checks: Sequence[Check],
    real: pl.DataFrame,
    aside: NDArray[np.bool_],
    schema: Schema,
    rows: pl.DataFrame,
    batches: Sequence[Ints],
    real_rows: RealRows,
    seed: int,
) -> list[float]:
    """Loss on a fold for each coefficient."""
    train = real.filter(~aside)
    fitted = fit_checks([copy.copy(check) for check in checks], train, schema, seed)
    estimator = next(c.estimator for c in checks if isinstance(c, InformationGain))
    known, asked = (real_rows.design(real_rows.rows(part)) for part in (train, real.filter(aside)))
    result = []
    for c in COEFFICIENTS:
        kept = run_checks(_with_coefficient(fitted, c), rows, batches, seed).rows()
        both = known.join(real_rows.design(real_rows.rows(kept)))
        result.append(_loss(both, asked, real_rows, estimator))
    return result


def _loss(rows: Design, asked: Design, real_rows: RealRows, estimator: Any) -> float:
    n_classes = real_rows.n_codes
    predicted = fit(estimator, rows, n_classes, np.random.default_rng(0))(asked)
    if not n_classes:
        return float(((asked.y - predicted) ** 2).mean())
    own = predicted[np.arange(len(asked)), asked.y.astype(np.intp)]
    return float(-np.log(np.clip(own, 1e-3, 1.0)).mean())


def _with_coefficient(checks: Sequence[Check], c: float) -> list[Check]:
    result = [copy.copy(check) for check in checks]
    for check in result:
        if isinstance(check, InformationGain):
            check.c = c
    return result


def fill_quotas(found: Trimmed, quotas: Mapping[Any, int] | None, schema: Schema) -> Trimmed:
    """Keep the best rows of each class, as many as its quota says.

    The best are the most plausible ones where the generator was trusted, else those that a model
    of the real rows finds least costly; the first ones where nothing was measured.

    Parameters
    ----------
    found : Trimmed
    quotas : mapping of label to int, or None
    schema : Schema
        Names the target.
    """
    if not quotas:
        return found
    labels = found.candidates[str(schema.target)].cast(pl.String)
    merit = found.score if found.trust == "generator" else -found.score
    keep, stage, reason = found.keep.copy(), list(found.stage), list(found.reason)
    notes = list(found.notes)
    for label, quota in quotas.items():
        rows = np.flatnonzero(keep & (labels == str(label)).fill_null(False).to_numpy())
        if len(rows) < quota:
            notes.append(f"quota: {len(rows)} rows of class {label} are left of {quota} wanted")
        order = np.argsort(-np.nan_to_num(merit[rows], nan=-np.inf), kind="stable")
        for row in rows[order[quota:]].tolist():
            keep[row], stage[row] = False, "quotas"
            reason[row] = f"there are {quota} better rows of class {label}"
    counts = [*found.counts, ("quotas", found.n_kept, int(keep.sum()))]
    return replace(found, keep=keep, stage=stage, reason=reason, counts=counts, notes=notes)
