"""Methods that learn nothing, which generated rows have to beat to be worth their price."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from tablewright.generators.base import Given
from tablewright.generators.smotenc import SmoteNC
from tablewright.metrics.encoder import EncodedRows, Feature
from tablewright.metrics.utility import Maker
from tablewright.tables.encoding.codec import Field, Matrix


def default_controls(real: EncodedRows, rng: np.random.Generator) -> dict[str, Maker]:
    """Return SMOTE-NC fitted on training rows, where there are classes of two rows or more.

    Parameters
    ----------
    real : EncodedRows
        Training rows whose target is known.
    rng : numpy Generator
        Chooses the rows that it keeps of large classes.
    """
    target = real.encoder.target
    if target is None or real.features[target].levels is None:
        return {}
    if min(np.unique(real.values[:, target], return_counts=True)[1]) < 2:
        return {}
    fields = tuple(_field(f, j == target) for j, f in enumerate(real.features))
    return {"SMOTE-NC": _smote(Matrix(_filled(real), fields), target, rng)}


def _field(feature: Feature, target: bool) -> Field:
    levels = 0 if feature.levels is None else max(len(feature.levels), 1)
    return Field(feature.name, levels, target=target)


def _filled(real: EncodedRows) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Values, with 0 in columns that hold none: there is nothing to interpolate."""
    return np.where(np.isnan(real.values).all(axis=0), 0.0, real.values)


class PlainSmoteNC(SmoteNC):
    """SMOTE-NC as published: small classes are interpolated too, where ours are widened."""

    few_below = 3


def _smote(matrix: Matrix, target: int, rng: np.random.Generator) -> Maker:
    fitted = PlainSmoteNC().fit(matrix, rng)

    def make(real: EncodedRows, counts: Mapping[int, int], rng: np.random.Generator) -> EncodedRows:
        labels = np.repeat(list(counts), list(counts.values())).astype(float)
        values = np.full((len(labels), len(matrix.fields)), np.nan)
        values[:, target] = labels
        known = np.zeros(values.shape, dtype=bool)
        known[:, target] = True
        rows = fitted.sample(len(labels), rng, given=Given(values, known))
        return EncodedRows(real.encoder, rows, pl.DataFrame())

    return make
