"""Plain data behind the plots of a report: margins, pairs, densities; no row of the table.

Everything is a share of rows in a bin. Of real rows, a cell of two columns counts from
`MIN_IN_CELL` rows on: which values two columns take together may name a person.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from tablewright.evaluation.evaluate.bins import Bins, bins_of
from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import EncodedRows, Feature, Floats
from tablewright.threads import one_thread

N_BARS = 20
N_LABELS = 10
N_PAIRS = 4
MAX_CELLS = 12
"""Bins of a column in a density."""
N_PAIR_LABELS = 8
ROWS_OF_CELL = 5
"""Real rows that a cell of a density has on average, at least."""
MIN_IN_CELL = 3
MAX_ROWS = 20_000


def plot_data(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what the plots of a report are drawn from.

    Parameters
    ----------
    real, synthetic, holdout : EncodedRows
    rng : numpy Generator
        Chooses rows where there are many.

    Returns
    -------
    dict
        ``"margins"``: per column the bars of training and generated rows; ``"pairs"``: the
        associations of both; ``"densities"``: the pairs whose association differs most;
        ``"map"``: holdout and generated rows in two principal components of the training rows.
    """
    real, synthetic = real.cut(MAX_ROWS, rng), synthetic.cut(MAX_ROWS, rng)
    margins = [
        _margin(feature, real.values[:, j], synthetic.values[:, j])
        for j, feature in enumerate(real.features)
    ]
    ties = associations(real), associations(synthetic)
    pairs = {
        "columns": [feature.name for feature in real.features],
        "real": _rounded(ties[0]),
        "synthetic": _rounded(ties[1]),
    }
    return {
        "margins": margins,
        "pairs": pairs,
        "densities": [_pair(real, synthetic, i, j) for i, j in _worst_pairs(*ties)],
        "map": _map(real, synthetic, holdout.cut(MAX_ROWS, rng)),
    }


def _rounded(values: Floats) -> list[Any]:
    return list(np.round(values, 4).tolist())


def _margin(feature: Feature, real: Floats, other: Floats) -> dict[str, Any]:
    known = [codes[~np.isnan(codes)] for codes in (real, other)]
    bins = bins_of(feature, known, N_BARS, N_LABELS)
    return {
        "column": feature.name,
        "kind": feature.column.kind.value,
        "missing": [float(np.isnan(x).mean()) if len(x) else 0.0 for x in (real, other)],
        **bins.to_dict(),
        "real": _rounded(_shares(bins.of(known[0]), len(bins))) if len(bins) else [],
        "synthetic": _rounded(_shares(bins.of(known[1]), len(bins))) if len(bins) else [],
    }


def _shares(indices: np.ndarray[Any, Any], n: int) -> Floats:
    return np.bincount(indices, minlength=n) / max(len(indices), 1)


def _worst_pairs(real: Floats, other: Floats) -> list[tuple[int, int]]:
    """Return the pairs whose association differs most."""
    upper = np.triu_indices(len(real), 1)
    worst = np.argsort(-np.abs(real - other)[upper], kind="stable")[:N_PAIRS]
    return [(int(upper[0][k]), int(upper[1][k])) for k in worst]


def _pair(real: EncodedRows, synthetic: EncodedRows, i: int, j: int) -> dict[str, Any]:
    """Return the shares of rows in cells of two columns, the second one upwards."""
    n_cells = n_cells_of(len(real))
    columns = {}
    for axis, k in (("x", i), ("y", j)):
        codes = [rows.values[:, k] for rows in (real, synthetic)]
        known = [values[~np.isnan(values)] for values in codes]
        labels = min(N_PAIR_LABELS, n_cells)
        columns[axis] = (codes, bins_of(real.features[k], known, n_cells, labels))
    (xs, across), (ys, up) = columns["x"], columns["y"]
    tables = [density(x, y, across, up) for x, y in zip(xs, ys, strict=True)]
    return {
        "x": {"column": real.features[i].name, **across.to_dict()},
        "y": {"column": real.features[j].name, **up.to_dict()},
        "real": _rounded(_hidden_few(tables[0])),
        "synthetic": _rounded(tables[1] / max(tables[1].sum(), 1)),
    }


def n_cells_of(n_rows: int) -> int:
    """Return how many cells a side of a density has, by the rows there are to fill them.

    Examples
    --------
    >>> n_cells_of(100), n_cells_of(10_000)
    (4, 12)
    """
    return int(np.clip(np.sqrt(n_rows / ROWS_OF_CELL), 4, MAX_CELLS))


def density(x: Floats, y: Floats, across: Bins, up: Bins) -> Floats:
    """Count rows with both values known by cell: a row of the result for each bin of `y`."""
    both = ~np.isnan(x) & ~np.isnan(y)
    if not len(across) or not len(up):
        return np.zeros((len(up), len(across)))
    cells = up.of(y[both]) * len(across) + across.of(x[both])
    counts = np.bincount(cells, minlength=len(up) * len(across))
    return counts.reshape(len(up), len(across)).astype(float)


def _hidden_few(counts: Floats) -> Floats:
    """Return shares of cells, 0 for those that hold too few real rows."""
    return np.asarray(np.where(counts < MIN_IN_CELL, 0.0, counts) / max(counts.sum(), 1))


def _map(real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows) -> dict[str, Any]:
    coordinates = real.embedded
    if min(coordinates.shape) < 2:
        return {}
    with one_thread():
        plane = PCA(2, svd_solver="covariance_eigh").fit(coordinates)
        learned, points, held = (
            plane.transform(rows.embedded) for rows in (real, synthetic, holdout)
        )
    ends = [np.quantile(learned[:, k], [0.005, 0.995]) for k in (0, 1)]
    n = n_cells_of(len(holdout)) * 3 // 2
    edges = [np.linspace(low, max(high, low + 1e-9), n + 1) for low, high in ends]
    across, up = (Bins(("",) * n, (), edge) for edge in edges)
    explained = plane.explained_variance_ratio_
    return {
        "real": _rounded(_hidden_few(density(held[:, 0], held[:, 1], across, up))),
        "synthetic": _rounded(
            density(points[:, 0], points[:, 1], across, up) / max(len(points), 1)
        ),
        "explained": float(explained.sum()) if np.isfinite(explained).all() else 0.0,
    }
