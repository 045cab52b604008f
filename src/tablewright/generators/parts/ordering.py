"""Put the codes of a column in an order in which they go along with other columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats
from tablewright.tables.encoding.codec import Matrix

_MOST_COLUMNS = 50
_MOST_LEVELS = 20


def profile(matrix: Matrix, *, within_classes: bool = False) -> Floats:
    """Standardised columns that the codes of the others are compared by.

    Parameters
    ----------
    matrix : Matrix
        Rows with codes from 0 and no missing code.
    within_classes : bool, default=False
        Take the numbers beside the target, as for rows that have the target in common.
        Otherwise it is the target alone. Without any of them it is all columns.

    Returns
    -------
    ndarray of shape (n_rows, n_profile_columns)
    """
    target = [j for j, field in enumerate(matrix.fields) if field.target]
    numbers = [j for j, field in enumerate(matrix.fields) if not field.discrete]
    first = sorted({*target, *numbers}) if within_classes or not target else target
    columns = (first or range(len(matrix.fields)))[:_MOST_COLUMNS]
    return np.column_stack([_indicators(matrix, j) for j in columns])


def _indicators(matrix: Matrix, j: int) -> Floats:
    values, levels = matrix.values[:, j], matrix.fields[j].levels
    if levels > _MOST_LEVELS and not matrix.fields[j].target:
        return np.zeros((len(values), 1))
    columns = (values[:, None] == np.arange(levels)) * 1.0 if levels else values[:, None]
    seen = ~np.isnan(columns)
    count = np.maximum(seen.sum(axis=0), 1)
    centred = np.where(seen, columns - np.where(seen, columns, 0).sum(axis=0) / count, 0.0)
    scale = np.sqrt((centred**2).sum(axis=0) / count)
    return np.asarray(np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 0))


def order_codes(codes: NDArray[np.intp], levels: int, columns: Floats) -> NDArray[np.intp]:
    """Sort codes by the first principal component of their mean profile.

    With a target of two classes, or a numeric one, that is the mean of the target.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,)
        From 0 to ``levels - 1``.
    levels : int
        Number of codes; those that do not occur come where the mean profile lies.
    columns : ndarray of shape (n_rows, n_columns)
        What `profile` gives.
    """
    count = np.bincount(codes, minlength=levels).astype(np.float64)
    sums = np.column_stack([np.bincount(codes, column, levels) for column in columns.T])
    mean = sums / np.maximum(count, 1.0)[:, None]
    _, _, axes = np.linalg.svd(mean * np.sqrt(count)[:, None], full_matrices=False)
    return np.argsort(mean @ axes[0], kind="stable")
