"""Nearest rows by Gower's distance, block by block: memory stays linear in the rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats32 = NDArray[np.float32]

_QUERIES, _REFERENCES = 64, 4096


def distance_blocks(query: Floats32, reference: Floats32) -> Iterator[tuple[slice, Floats32]]:
    """Distances of some query rows at a time to all reference rows.

    Parameters
    ----------
    query, reference : ndarray of shape (n_rows, n_features)
        `EncodedRows.gower`: a difference of 1 or more in a column counts as 1.

    Yields
    ------
    tuple of slice and ndarray of shape (n_queries, n_references)
        Which queries, and their mean distance over columns, from 0 to 1. The array is used
        again for the next block.
    """
    whole = np.empty((_QUERIES, len(reference)), dtype=np.float32)
    cell = np.empty((_QUERIES, min(_REFERENCES, len(reference))), dtype=np.float32)
    columns = np.ascontiguousarray(reference.T)
    for start in range(0, len(query), _QUERIES):
        rows = slice(start, min(start + _QUERIES, len(query)))
        block = whole[: rows.stop - start]
        for left in range(0, len(reference), _REFERENCES):
            _fill(block, cell, query[rows], columns, left)
        block /= max(query.shape[1], 1)
        yield rows, block


def _fill(block: Floats32, cell: Floats32, query: Floats32, columns: Floats32, left: int) -> None:
    right = min(left + _REFERENCES, block.shape[1])
    total, one = block[:, left:right], cell[: len(query), : right - left]
    total[:] = 0
    for j in range(query.shape[1]):
        np.subtract(query[:, j, None], columns[j, None, left:right], out=one)
        np.abs(one, out=one)
        np.minimum(one, 1, out=one)
        total += one


def nearest(
    query: Floats32, reference: Floats32, k: int = 1, same: bool = False
) -> tuple[Floats32, NDArray[np.int64]]:
    """Return distances to the k nearest reference rows, ascending, and which they are.

    Parameters
    ----------
    query, reference : ndarray of shape (n_rows, n_features)
    k : int, default=1
        At most the number of reference rows.
    same : bool, default=False
        Whether query and reference are one table; a row is then no neighbour of itself.

    Returns
    -------
    distances, indices : ndarray of shape (n_queries, k)

    Examples
    --------
    >>> points = np.array([[0.0], [0.25], [1.0]], dtype=np.float32)
    >>> nearest(points, points, same=True)[0].ravel()
    array([0.25, 0.25, 0.75], dtype=float32)
    """
    distances = np.empty((len(query), k), dtype=np.float32)
    indices = np.empty((len(query), k), dtype=np.int64)
    for rows, block in distance_blocks(query, reference):
        if same:
            block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = np.inf
        result = np.argpartition(block, k - 1, axis=1)[:, :k] if k > 1 else block.argmin(1)[:, None]
        values = np.take_along_axis(block, result, axis=1)
        order = np.argsort(values, axis=1)
        distances[rows] = np.take_along_axis(values, order, axis=1)
        indices[rows] = np.take_along_axis(result, order, axis=1)
    return distances, indices
