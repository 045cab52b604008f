"""Whether single columns, and pairs of them, are distributed as in real rows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import EncodedRows, Feature, Floats, Integers
from tablewright.metrics.references import Measure, Measured, Metric
from tablewright.metrics.scores import Direction
from tablewright.schema import Kind


def _metric(
    direction: Direction, meaning: str, min_columns: int = 1, *, whole_tables: bool = False
) -> Callable[[Measure], Metric]:
    """Make a metric of a measure that needs rows and columns."""

    def decorated(measure: Measure) -> Metric:
        def guarded(real: EncodedRows, other: EncodedRows) -> Measured:
            if not len(other):
                return Measured(None, "there are no generated rows")
            if not real.features:
                return Measured(None, "no column can be compared: all are identifiers")
            if len(real.features) < min_columns:
                return Measured(None, "there is one column: no pair")
            return measure(real, other)

        return Metric(measure.__name__, guarded, direction, meaning, whole_tables=whole_tables)

    return decorated


@_metric(
    Direction.HIGHER,
    "mean over columns of 1 - KS (numbers) or 1 - TV (categories); 1 is alike",
    whole_tables=True,
)
def column_shapes(real: EncodedRows, other: EncodedRows) -> Measured:
    """Likeness of single columns: one minus the Kolmogorov-Smirnov or total variation distance.

    Missing values are left out here and compared by `missing_difference`. Values that no real
    row has count in full. Agrees with KSComplement and TVComplement of sdmetrics.
    """
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
        # only the statistic is used; the limit of its p-value is not defined for a row or two
        method = "exact" if min(len(real), len(other)) < 10 else "asymp"
        return 1 - float(stats.ks_2samp(real, other, method=method).statistic)
    return _likeness(real.astype(int), other.astype(int), len(feature.levels) + 1)


def _likeness(real: Integers, other: Integers, n_codes: int) -> float:
    """Return one minus the total variation distance of the shares of codes."""
    shares = [np.bincount(codes, minlength=n_codes) / len(codes) for codes in (real, other)]
    return 1 - float(np.abs(shares[0] - shares[1]).sum()) / 2


@_metric(
    Direction.LOWER, "mean over pairs of |association in real - in generated rows|; 0 is alike", 2
)
def association_difference(real: EncodedRows, other: EncodedRows) -> Measured:
    """Mean absolute difference of the association of two columns, over all pairs.

    Spearman's rank correlation for two numbers, the correlation ratio for a number and a
    category, Cramér's V with Bergsma's correction for two categories. A column that does not
    vary in the generated rows has an association of 0, and so counts in full.
    """
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


@_metric(Direction.HIGHER, "mean over pairs of 1 - TV of the two-way table; 1 is alike", 2)
def contingency_similarity(real: EncodedRows, other: EncodedRows) -> Measured:
    """Likeness of two-way tables: one minus the total variation distance, over all pairs.

    Numbers are cut at the deciles of the real rows; missing values are a cell of their own.
    sdmetrics bins at equal widths and leaves missing values out, so that numbers differ there.
    Sparse tables are far below 1 for real rows too: read it beside its reference.
    """
    pairs = list(combinations(range(len(real.features)), 2))
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
    size = features[a].n_bins * width
    if size > 4 * (len(real) + len(other)):  # a sparse table is counted by what occurs in it
        kinds, together = np.unique(np.concatenate(cells), return_inverse=True)
        cells, size = [together[: len(real)], together[len(real) :]], len(kinds)
    return _likeness(cells[0], cells[1], size)


@_metric(
    Direction.LOWER, "mean over columns of |share missing in real - in generated rows|; 0 is alike"
)
def missing_difference(real: EncodedRows, other: EncodedRows) -> Measured:
    """Mean over columns of the absolute difference of the share of missing values."""
    rates = [np.isnan(rows.values).mean(axis=0) for rows in (real, other)]
    names = [feature.name for feature in real.features]
    each = {
        name: [float(a), float(b)] for name, a, b in zip(names, rates[0], rates[1], strict=True)
    }
    return Measured(float(np.abs(rates[0] - rates[1]).mean()), details={"columns": each})


@_metric(Direction.HIGHER, "share of cells within the real range or the real categories; 1 is all")
def range_adherence(real: EncodedRows, other: EncodedRows) -> Measured:
    """Share of known cells within the range, or among the categories, of the training rows.

    A number with a fraction is outside of a column of whole numbers.
    """
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
