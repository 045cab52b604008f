"""Whether single columns, and pairs of them, are distributed as in real rows."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import EncodedRows, Feature, Floats, Integers
from tablewright.metrics.references import Measured, referenced
from tablewright.metrics.scores import Direction, Score
from tablewright.schema import Kind


def column_shapes(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Likeness of single columns: one minus the Kolmogorov-Smirnov or total variation distance.

    Missing values are left out here and compared by `missing_difference`. Values that no real
    row has count in full. Agrees with KSComplement and TVComplement of sdmetrics.
    """
    meaning = "mean over columns of 1 - KS (numbers) or 1 - TV (categories); 1 is alike"
    return referenced(
        "column_shapes",
        _shapes,
        Direction.HIGHER,
        meaning,
        real,
        synthetic,
        holdout,
        rng,
        whole_tables=True,
    )


def association_difference(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Mean absolute difference of the association of two columns, over all pairs.

    Spearman's rank correlation for two numbers, the correlation ratio for a number and a
    category, Cramér's V with Bergsma's correction for two categories. A column that does not
    vary in the generated rows has an association of 0, and so counts in full.
    """
    meaning = "mean over pairs of |association in real - in generated rows|; 0 is alike"
    return referenced(
        "association_difference", _trends, Direction.LOWER, meaning, real, synthetic, holdout, rng
    )


def contingency_similarity(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Likeness of two-way tables: one minus the total variation distance, over all pairs.

    Numbers are cut at the deciles of the real rows; missing values are a cell of their own.
    sdmetrics bins at equal widths and leaves missing values out, so that numbers differ there.
    Sparse tables are far below 1 for real rows too: read it beside its reference.
    """
    meaning = "mean over pairs of 1 - TV of the two-way table; 1 is alike"
    return referenced(
        "contingency_similarity",
        _contingency,
        Direction.HIGHER,
        meaning,
        real,
        synthetic,
        holdout,
        rng,
    )


def missing_difference(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Mean over columns of the absolute difference of the share of missing values."""
    meaning = "mean over columns of |share missing in real - in generated rows|; 0 is alike"
    return referenced(
        "missing_difference", _missing, Direction.LOWER, meaning, real, synthetic, holdout, rng
    )


def range_adherence(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Share of known cells within the range, or among the categories, of the training rows.

    A number with a fraction is outside of a column of whole numbers.
    """
    meaning = "share of cells within the real range or the real categories; 1 is all"
    return referenced(
        "range_adherence", _adherence, Direction.HIGHER, meaning, real, synthetic, holdout, rng
    )


def _empty(rows: EncodedRows) -> Measured | None:
    if not len(rows):
        return Measured(None, "there are no generated rows")
    if not rows.features:
        return Measured(None, "no column can be compared: all are identifiers")
    return None


def _shapes(real: EncodedRows, other: EncodedRows) -> Measured:
    if (undefined := _empty(other)) is not None:
        return undefined
    each = {
        feature.name: _shape(feature, real.values[:, j], other.values[:, j])
        for j, feature in enumerate(real.features)
    }
    known = [value for value in each.values() if value is not None]
    if not known:
        return Measured(None, "every column is missing throughout")
    return Measured(float(np.mean(known)), details={"columns": each})


def _shape(feature: Feature, real: Floats, other: Floats) -> float | None:
    real, other = real[~np.isnan(real)], other[~np.isnan(other)]
    if not len(real) or not len(other):
        return None if len(real) == len(other) else 0.0
    if feature.levels is None:
        return 1.0 - ks_distance(real, other)
    size = len(feature.levels) + 1
    shares = [np.bincount(x.astype(int), minlength=size) / len(x) for x in (real, other)]
    return 1.0 - float(np.abs(shares[0] - shares[1]).sum()) / 2


def ks_distance(first: Floats, second: Floats) -> float:
    """Return the largest distance of two empirical distribution functions.

    Examples
    --------
    >>> ks_distance(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    0.5
    """
    first, second = np.sort(first), np.sort(second)
    points = np.concatenate([first, second])
    below_first = np.searchsorted(first, points, "right") / len(first)
    below_second = np.searchsorted(second, points, "right") / len(second)
    return float(np.abs(below_first - below_second).max())


def _trends(real: EncodedRows, other: EncodedRows) -> Measured:
    if (undefined := _empty(other)) is not None:
        return undefined
    if len(real.features) < 2:
        return Measured(None, "there is one column: no pair")
    matrices = [associations(rows) for rows in (real, other)]
    difference = np.abs(matrices[0] - matrices[1])
    upper = difference[np.triu_indices(len(difference), 1)]
    details = {
        "columns": [feature.name for feature in real.features],
        "real": matrices[0].tolist(),
        "other": matrices[1].tolist(),
        "largest": float(upper.max()),
    }
    return Measured(float(upper.mean()), details=details)


def _contingency(real: EncodedRows, other: EncodedRows) -> Measured:
    if (undefined := _empty(other)) is not None:
        return undefined
    pairs = list(combinations(range(len(real.features)), 2))
    if not pairs:
        return Measured(None, "there is one column: no pair")
    each = [_two_way(real.features, real.binned, other.binned, a, b) for a, b in pairs]
    worst = sorted(zip(each, pairs, strict=True))[:10]
    names = [feature.name for feature in real.features]
    details = {"worst": [[names[a], names[b], value] for value, (a, b) in worst]}
    return Measured(float(np.mean(each)), details=details)


def _two_way(
    features: tuple[Feature, ...], real: Integers, other: Integers, a: int, b: int
) -> float:
    width = features[b].n_bins
    cells = [x[:, a] * width + x[:, b] for x in (real, other)]
    if features[a].n_bins * width > 4 * (len(real) + len(other)):
        _, together = np.unique(np.concatenate(cells), return_inverse=True)
        cells = [together[: len(real)], together[len(real) :]]
    size = int(max(cells[0].max(), cells[1].max())) + 1
    shares = [np.bincount(x, minlength=size) / len(x) for x in cells]
    return 1.0 - float(np.abs(shares[0] - shares[1]).sum()) / 2


def _missing(real: EncodedRows, other: EncodedRows) -> Measured:
    if (undefined := _empty(other)) is not None:
        return undefined
    rates = [np.isnan(rows.values).mean(axis=0) for rows in (real, other)]
    names = [feature.name for feature in real.features]
    each = {
        name: [float(a), float(b)] for name, a, b in zip(names, rates[0], rates[1], strict=True)
    }
    return Measured(float(np.abs(rates[0] - rates[1]).mean()), details={"columns": each})


def _adherence(real: EncodedRows, other: EncodedRows) -> Measured:
    if (undefined := _empty(other)) is not None:
        return undefined
    known = ~np.isnan(other.values)
    if not known.any():
        return Measured(None, "every generated cell is missing")
    inside = np.column_stack([_inside(f, other.values[:, j]) for j, f in enumerate(real.features)])
    each = {
        feature.name: float(inside[known[:, j], j].mean()) if known[:, j].any() else None
        for j, feature in enumerate(real.features)
    }
    return Measured(float(inside[known].mean()), details={"columns": each})


def _inside(feature: Feature, values: Floats) -> NDArray[np.bool_]:
    if feature.levels is not None:
        return np.asarray(values < len(feature.levels))
    slack = 1e-9 * max(abs(feature.low), abs(feature.high))
    inside = (values >= feature.low - slack) & (values <= feature.high + slack)
    return np.asarray(inside & ~fractional(feature, values))


def fractional(feature: Feature, values: Floats) -> NDArray[np.bool_]:
    """Mark numbers with a fraction in a column of whole numbers."""
    if feature.column.kind is not Kind.INTEGER:
        return np.zeros(len(values), dtype=bool)
    return np.asarray(~np.isnan(values) & (values != np.round(values)))
