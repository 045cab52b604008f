"""Plain data behind the plots of a report: margins, pairs, a map of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import EncodedRows, Feature, Floats
from tablewright.threads import one_thread

N_BARS = 20
N_LABELS = 12
N_POINTS = 400
MAX_ROWS = 20_000


def plot_data(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what the plots of a report are drawn from.

    Parameters
    ----------
    real, synthetic, holdout : EncodedRows
    rng : numpy Generator
        Chooses the rows of the map.

    Returns
    -------
    dict
        ``"margins"``: per column the bars of training and generated rows; ``"pairs"``: the
        associations of both; ``"map"``: 400 rows of each in two principal components of the
        training rows.
    """
    real, synthetic = real.cut(MAX_ROWS, rng), synthetic.cut(MAX_ROWS, rng)
    margins = [
        _margin(feature, real.values[:, j], synthetic.values[:, j])
        for j, feature in enumerate(real.features)
    ]
    pairs = {
        "columns": [feature.name for feature in real.features],
        "real": _rounded(associations(real)),
        "synthetic": _rounded(associations(synthetic)),
    }
    return {"margins": margins, "pairs": pairs, "map": _map(real, synthetic, holdout, rng)}


def _rounded(values: Floats) -> list[Any]:
    return list(np.round(values, 3).tolist())


def _margin(feature: Feature, real: Floats, other: Floats) -> dict[str, Any]:
    bars = _bars_of_numbers if feature.levels is None else _bars_of_labels
    return {
        "column": feature.name,
        "kind": feature.column.kind.value,
        "missing": [float(np.isnan(x).mean()) if len(x) else 0.0 for x in (real, other)],
        **bars(feature, real[~np.isnan(real)], other[~np.isnan(other)]),
    }


def _bars_of_numbers(feature: Feature, real: Floats, other: Floats) -> dict[str, Any]:
    """Shares between even steps over the middle 98 % of training values, tails included."""
    if not len(real):
        return {"edges": [], "real": [], "synthetic": []}
    low, high = np.quantile(real, [0.01, 0.99])
    edges = np.linspace(low, high if high > low else low + 1, N_BARS + 1)
    shares = [_shares(np.searchsorted(edges[1:-1], x, "right"), N_BARS) for x in (real, other)]
    return {
        "edges": [float(edge) for edge in edges],
        "real": _rounded(shares[0]),
        "synthetic": _rounded(shares[1]),
    }


def _bars_of_labels(feature: Feature, real: Floats, other: Floats) -> dict[str, Any]:
    levels = feature.levels or ()
    shown = min(len(levels), N_LABELS)
    labels = [*levels[:shown], *(["(other)"] if len(levels) > shown else []), "(not in real)"]
    indices = [
        np.where(x >= len(levels), len(labels) - 1, np.minimum(x, shown)).astype(int)
        for x in (real, other)
    ]
    shares = [_rounded(_shares(index, len(labels))) for index in indices]
    return {"labels": labels, "real": shares[0], "synthetic": shares[1]}


def _shares(indices: np.ndarray[Any, Any], n: int) -> Floats:
    return np.bincount(indices, minlength=n) / max(len(indices), 1)


def _map(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows, rng: np.random.Generator
) -> dict[str, Any]:
    coordinates = real.embedded
    if min(coordinates.shape) < 2:
        return {}
    with one_thread():
        plane = PCA(2, svd_solver="covariance_eigh").fit(coordinates)
        points = {
            name: _rounded(plane.transform(rows.cut(N_POINTS, rng).embedded))
            for name, rows in (("real", holdout), ("synthetic", synthetic))
        }
    explained = plane.explained_variance_ratio_
    share = float(explained.sum()) if np.isfinite(explained).all() else 0.0
    return {**points, "explained": share}
