"""How strongly two columns go together, whatever their kinds."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.stats import contingency

from tablewright.metrics.encoder import EncodedRows, Floats, Integers


def associations(rows: EncodedRows) -> Floats:
    """Association of every pair of columns.

    Spearman's correlation (-1..1) for two numbers, the correlation ratio (0..1) for a number
    and a category, corrected Cramér's V (0..1) for two categories; 0 where a column does not
    vary or a pair has fewer than three complete rows.

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    n = len(rows.features)
    numeric = [j for j in range(n) if rows.features[j].levels is None]
    listed = [j for j in range(n) if rows.features[j].levels is not None]
    matrix = np.eye(n)
    matrix[np.ix_(numeric, numeric)] = rank_correlations(rows.values[:, numeric])
    for j in listed:
        codes = _codes(rows.values[:, j])
        for k in numeric:
            matrix[j, k] = matrix[k, j] = correlation_ratio(codes, rows.values[:, k])
        for k in (k for k in listed if k < j):
            matrix[j, k] = matrix[k, j] = cramers_v(codes, _codes(rows.values[:, k]))
    return matrix


def _codes(values: Floats) -> Integers:
    return np.where(np.isnan(values), -1, values).astype(np.int64)


def rank_correlations(values: Floats) -> Floats:
    """Spearman's correlation of columns, each pair over the rows where both are known.

    Ranks are taken once per column; on incomplete pairs they are not ranked anew.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    ndarray of shape (n_columns, n_columns)

    Examples
    --------
    >>> rank_correlations(np.array([[1.0, 9.0], [2.0, 5.0], [30.0, 1.0]]))
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    known = ~np.isnan(values)
    ranks = np.column_stack([_ranks(values[:, j]) for j in range(values.shape[1])] or [values])
    mask = known.astype(float)
    count = mask.T @ mask
    safe = np.maximum(count, 1)
    sums, squares = ranks.T @ mask, (ranks**2).T @ mask
    covariance = ranks.T @ ranks / safe - sums * sums.T / safe**2
    variance = np.maximum(squares / safe - (sums / safe) ** 2, 0)
    norm = np.sqrt(variance * variance.T)
    defined = (norm > 1e-12) & (count >= 3)
    result = np.where(defined, covariance / np.where(defined, norm, 1), 0.0)
    return np.asarray(np.clip(np.round(result, 12), -1, 1))


def _ranks(column: Floats) -> Floats:
    known = ~np.isnan(column)
    ranks = np.zeros(len(column))
    if known.any():
        ranks[known] = stats.rankdata(column[known]) / known.sum() - 0.5
    return ranks


def correlation_ratio(codes: Integers, values: Floats) -> float:
    """Share of the spread of a number that a category explains, as a root (eta).

    Examples
    --------
    >>> correlation_ratio(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 2.0, 2.0]))
    1.0
    """
    known = (codes >= 0) & ~np.isnan(values)
    codes, values = codes[known], values[known]
    if len(values) < 3:
        return 0.0
    centred = values - values.mean()
    total = float(centred @ centred)
    counts = np.bincount(codes)
    sums = np.bincount(codes, weights=centred)
    between = float((sums**2 / np.maximum(counts, 1)).sum())
    return float(np.sqrt(min(between / total, 1.0))) if total > 1e-12 * len(values) else 0.0


def cramers_v(first: Integers, second: Integers) -> float:
    """Cramér's V of two coded columns with Bergsma's (2013) correction for chance.

    Examples
    --------
    >>> cramers_v(np.array([0, 0, 1, 1] * 5), np.array([0, 0, 1, 1] * 5))
    1.0
    """
    known = (first >= 0) & (second >= 0)
    table = contingency.crosstab(first[known], second[known]).count
    n, (rows, columns) = table.sum(), table.shape
    if n < 3 or min(rows, columns) < 2:
        return 0.0
    expected = contingency.expected_freq(table)
    phi = float(((table - expected) ** 2 / expected).sum() / n)
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    kept = [k - (k - 1) ** 2 / (n - 1) for k in (rows, columns)]
    smaller = min(kept) - 1
    return float(min(np.sqrt(phi / smaller), 1.0)) if smaller > 1e-12 else 0.0
