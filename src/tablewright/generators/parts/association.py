"""How much columns tell about each other, and which of them to draw a column from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats

_ROWS = 5000
_SCREENED = 2000
_CLASSES = 10

_WIDE = 300
"""Columns up to which every two are counted in all their classes: memory grows with the square."""


def mutual_information(ranks: Floats, levels: dict[int, int], rng: np.random.Generator) -> Floats:
    """Mutual information of every two columns, in nats, from 5,000 rows at most.

    Numbers are cut into ten classes of about the same size. What chance alone brings is taken
    off (Miller 1955), so that a column of many codes is not favoured.

    Parameters
    ----------
    ranks : ndarray of shape (n_rows, n_columns)
        Codes, and ranks of numbers, without gaps.
    levels : dict from int to int
        Number of codes of each discrete column.
    rng : numpy Generator
        Takes the rows.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.permutation(1000) * 1.0
    >>> found = mutual_information(np.column_stack([x, -x, rng.permutation(x)]), {}, rng)
    >>> found.round(1)[0].tolist()
    [2.3, 2.3, 0.0]
    """
    if len(ranks) > _ROWS:
        ranks = ranks[np.sort(rng.choice(len(ranks), _ROWS, replace=False))]
    parts = [_indicators(ranks[:, j], levels.get(j)) for j in range(ranks.shape[1])]
    edges = np.cumsum([0, *(part.shape[1] for part in parts)])
    whole = np.hstack(parts)
    counts = (whole.T @ whole).astype(np.float64)
    result = np.zeros((len(parts), len(parts)))
    for i in range(len(parts)):
        for j in range(i, len(parts)):
            joint = counts[edges[i] : edges[i + 1], edges[j] : edges[j + 1]]
            result[i, j] = result[j, i] = _information(joint)
    return result


def _indicators(column: Floats, levels: int | None) -> NDArray[np.float32]:
    if levels is None:
        inner = np.unique(np.quantile(column, np.linspace(0, 1, _CLASSES + 1)[1:-1]))
        codes = np.searchsorted(inner, column)
    else:
        codes = column.astype(np.intp)
    _, codes = np.unique(codes, return_inverse=True)
    result = np.zeros((len(codes), int(codes.max(initial=0)) + 1), dtype=np.float32)
    result[np.arange(len(codes)), codes] = 1.0
    return result


def _information(joint: Floats) -> float:
    total = float(joint.sum())
    if total == 0:
        return 0.0
    share = joint / total
    expected = share.sum(axis=1, keepdims=True) * share.sum(axis=0)
    inside = share > 0
    result = float((share[inside] * np.log(share[inside] / expected[inside])).sum())
    n_levels, n_others = joint.shape
    return result - float((n_levels - 1) * (n_others - 1)) / (2 * total)


def associations(ranks: Floats, levels: dict[int, int], target: int | None, seed: int) -> Floats:
    """Return the mutual information of every two columns, infinite for that with the target.

    In a table of more than 300 columns it is their squared correlation.

    Parameters
    ----------
    ranks, levels
        As for `mutual_information`.
    target : int or None
        The column that is always among the strongest.
    seed : int
    """
    measure = mutual_information if ranks.shape[1] <= _WIDE else correlations
    result = measure(ranks, levels, np.random.default_rng(seed))
    if target is not None:
        result[:, target] = np.inf
    return result


def correlations(ranks: Floats, levels: dict[int, int], rng: np.random.Generator) -> Floats:
    """Squared correlation of every two columns, from 2,000 rows at most.

    Cheap enough for thousands of columns. A number counts as its rank and its distance from the
    middle, a code as whether it is each of the three most frequent; the strongest pair decides.

    Parameters
    ----------
    ranks, levels, rng
        As for `mutual_information`.

    Returns
    -------
    ndarray of shape (n_columns, n_columns)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.permutation(1000) * 1.0
    >>> found = correlations(np.column_stack([x, -x, abs(x - 500), rng.permutation(x)]), {}, rng)
    >>> found.round(1)[0].tolist(), found.round(1)[2].tolist()
    ([1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0])
    """
    if len(ranks) > _SCREENED:
        ranks = ranks[np.sort(rng.choice(len(ranks), _SCREENED, replace=False))]
    parts = [_views(ranks[:, j], j in levels) for j in range(ranks.shape[1])]
    starts = np.cumsum([0, *(part.shape[1] for part in parts[:-1])])
    whole = np.hstack(parts)
    rows = [np.maximum.reduceat(np.square(part.T @ whole).max(axis=0), starts) for part in parts]
    return np.array(rows, dtype=np.float64)


def _views(column: Floats, is_coded: bool) -> NDArray[np.float32]:
    """Lay out a column as one to three columns of mean 0 and length 1."""
    if is_coded:
        codes, counts = np.unique(column, return_counts=True)
        views = [column == code for code in codes[np.argsort(-counts, kind="stable")[:3]]]
    else:
        order = np.argsort(np.argsort(column, kind="stable"), kind="stable")
        views = [order, np.abs(order - (len(order) - 1) / 2)]
    result = np.column_stack(views).astype(np.float64)
    result -= result.mean(axis=0)
    lengths = np.linalg.norm(result, axis=0)
    return np.asarray(result / np.where(lengths > 1e-9, lengths, 1.0), dtype=np.float32)


def strongest(association: Floats, candidates: Iterable[int], most: int | None) -> list[int]:
    """Take the candidates that tell most of a column, ascending by position.

    Parameters
    ----------
    association : ndarray of shape (n_columns,)
        What each column tells of the one in question; infinite where it is always taken.
    candidates : iterable of int
    most : int or None
        How many to take; all where None.
    """
    positions = np.sort(np.fromiter(candidates, dtype=np.intp))
    ranked = positions[np.argsort(-association[positions], kind="stable")]
    return sorted(ranked[:most].tolist())
