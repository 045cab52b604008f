"""Rows of one table that are rows of another but for rounding or noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import hypergeom

from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.neighbours import nearest
from tablewright.metrics.privacy import distance_ratios
from tablewright.metrics.row_keys import among, row_keys
from tablewright.schema import Kind

MIN_ROWS = 20
_MIN_ASKED = 5
_MAX_KNOWN, _MAX_ASKED = 20_000, 1_000
_CHANCE = 1e-7
_LEVELS = (0.5, 0.2, 0.05, 0.01)
_STEPS = range(9, -10, -1)


def count_near(known: EncodedRows, asked: EncodedRows, rng: np.random.Generator) -> tuple[int, int]:
    """Return how many asked rows stand alone beside a known one, and of how many looked at.

    A row that was slightly changed is much nearer to its origin than to the next row. How often
    that happens by chance, the known rows tell of each other: no scale and no density enters.
    Rows that are equal are left out, and each known row explains one asked row at most. No row is
    near where chance explains as many.
    """
    keys = row_keys(known)
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    drawn = np.sort(rng.permutation(len(first))[:_MAX_KNOWN])
    base, single = known.take(first[drawn]), known.take(first[drawn[counts[drawn] == 1]])
    asked = asked.take(~among(row_keys(asked), keys)).cut(min(_MAX_ASKED, len(base)), rng)
    if len(asked) < _MIN_ASKED or len(single) < MIN_ROWS:
        return 0, len(asked)
    single = single.cut(_MAX_ASKED, rng)
    own, partner = nearest(single.gower, base.gower, 3)  # the first of three is the row itself
    away, origin = nearest(asked.gower, base.gower, 2)
    usual, ratios = (distance_ratios(*near.T.astype(float)) for near in (own[:, 1:], away))
    for level in _LEVELS:
        border = np.quantile(usual, level, method="lower")
        by_chance = len(np.unique(partner[usual <= border, 1]))
        hits = len(np.unique(origin[ratios <= border, 0]))
        everyone = len(usual) + len(ratios), by_chance + hits, len(ratios)
        if hypergeom.sf(hits - 1, *everyone) < _CHANCE:
            return hits, len(ratios)
    return 0, len(ratios)


def rounded_like(known: EncodedRows, other: EncodedRows) -> EncodedRows | None:
    """Round the numbers of known rows as the other rows are; None where they already are."""
    values = known.values.copy()
    for j, feature in enumerate(known.features):
        if feature.levels is None and feature.column.kind is not Kind.TEXT:
            step = _step(other.values[:, j])
            values[:, j] = np.round(values[:, j] / step) * step
    changed = not np.allclose(values, known.values, rtol=1e-9, atol=0, equal_nan=True)
    return replace(known, values=values) if changed else None


def _step(values: Floats) -> float:
    """Return the greatest power of ten that all values are multiples of."""
    known = values[np.isfinite(values)]
    for exponent in _STEPS:
        multiples = known / 10.0**exponent
        whole = np.round(multiples)
        if whole.any() and (np.abs(multiples - whole) < 1e-6).all():
            return float(10.0**exponent)
    return float(10.0 ** _STEPS[-1])
