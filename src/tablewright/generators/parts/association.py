"""How much columns tell about each other, and which of them to draw a column from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Floats

_ROWS = 5000
_CLASSES = 10


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

    Parameters
    ----------
    ranks, levels
        As for `mutual_information`.
    target : int or None
        The column that is always among the strongest.
    seed : int
    """
    result = mutual_information(ranks, levels, np.random.default_rng(seed))
    if target is not None:
        result[:, target] = np.inf
    return result


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
    ranked = sorted(candidates, key=lambda j: (-association[j], j))
    return sorted(ranked if most is None else ranked[:most])
