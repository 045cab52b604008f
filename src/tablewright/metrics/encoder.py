"""From frames to numbers, by an encoder that is fitted on real rows alone.

Levels, ranges, means and bins all come from the training rows: an encoder fitted on both tables
would hide a shift, one made from generated rows would move with the candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.schema import Column, Kind, Schema, suggest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

N_BINS = 10
MAX_LEVELS = 30
"""Levels of one column that get an indicator of their own; the rarer ones share one."""

_FAR = -1e6


@dataclass(frozen=True)
class Feature:
    """One encoded column.

    Attributes
    ----------
    column : Column
        What the schema says of it.
    dtype : polars data type
        That of the real rows.
    levels : tuple of str or None
        Values of a discrete column, most frequent first; None for a numeric one. A value that
        is not among them has the code ``len(levels)``.
    low, high, mean, scale : float
        Of the real values.
    edges : ndarray
        Inner edges of the bins of a numeric column, at most 9.
    ranks : ndarray of shape (n_levels,) or None
        Where each level of an ordinal column stands among its categories; None for others.
    """

    column: Column
    dtype: pl.DataType
    levels: tuple[str, ...] | None
    low: float
    high: float
    mean: float
    scale: float
    edges: Floats
    ranks: Floats | None = None

    @property
    def name(self) -> str:
        """Name of the column."""
        return self.column.name

    @property
    def decimals(self) -> int:
        """Decimals that numbers are compared at."""
        if self.column.kind == Kind.INTEGER:
            return 0
        return 9 if self.column.decimals is None else self.column.decimals

    @property
    def n_bins(self) -> int:
        """Bins or levels, with one for unseen values and one for missing ones."""
        size = len(self.levels) + 1 if self.levels is not None else len(self.edges) + 1
        return size + 1

    def codes(self, series: pl.Series) -> Floats:
        """Return the values as floats: numbers, or codes of levels; NaN where missing."""
        if self.levels is None:
            return _numbers(series, self.column.kind, self.dtype)
        text = _labels(series, self.dtype)
        codes = text.cast(pl.Enum(self.levels), strict=False).to_physical().cast(pl.Float64)
        unseen = (text.is_not_null() & codes.is_null()).to_numpy()
        return np.where(unseen, float(len(self.levels)), codes.fill_null(np.nan).to_numpy())

    def binned(self, codes: Floats) -> Integers:
        """Return the bin of each value; the last bin holds the missing ones."""
        missing = np.isnan(codes)
        filled = np.where(missing, 0.0, codes)
        bins = filled if self.levels is not None else np.searchsorted(self.edges, filled, "right")
        return np.where(missing, self.n_bins - 1, bins).astype(np.int64)

    def indicators(self, codes: Floats) -> Floats:
        """One column per frequent level, one for other levels, one for missing."""
        assert self.levels is not None
        width = min(len(self.levels), MAX_LEVELS) + 1
        index = np.where(np.isnan(codes), width, np.minimum(codes, width - 1)).astype(int)
        return np.asarray(np.eye(width + 1)[index], dtype=float)

    def standardised(self, codes: Floats) -> Floats:
        """Columns for a linear model: standard scores, of ranks if ordinal, or indicators."""
        if self.ranks is not None:
            unseen = codes >= len(self.ranks)
            known = np.where(np.isnan(codes) | unseen, 0, codes).astype(int)
            codes = np.where(np.isnan(codes) | unseen, np.nan, self.ranks[known])
        elif self.levels is not None:
            return self.indicators(codes)
        missing = np.isnan(codes)
        scores = np.clip((np.where(missing, self.mean, codes) - self.mean) / self.scale, -20, 20)
        return np.column_stack([scores, missing.astype(float)])

    def embedded(self, codes: Floats) -> Floats:
        """Columns for Euclidean distances: each feature spans about one unit."""
        if self.levels is not None:
            return np.asarray(self.indicators(codes) / np.sqrt(2.0))
        missing = np.isnan(codes)
        unit = np.clip(self.unit(np.where(missing, self.mean, codes)), -5, 6)
        return np.column_stack([unit, missing.astype(float)])

    def unit(self, values: Floats) -> Floats:
        """Return numbers with the real range mapped to 0..1."""
        return (values - self.low) / ((self.high - self.low) or 1.0)

    def gower(self, codes: Floats) -> Floats:
        """One column whose absolute differences, cut at 1, are Gower's distances."""
        scaled = codes if self.levels is not None else self.unit(codes)
        return np.where(np.isnan(codes), _FAR, scaled)


@dataclass(frozen=True)
class FeatureEncoder:
    """How every column becomes numbers, fitted on real rows.

    Attributes
    ----------
    features : tuple of Feature
        All columns but identifiers, in the order of the schema.
    schema : Schema
        The schema it was fitted with.

    Examples
    --------
    >>> real = pl.DataFrame({"age": [20, 40, None], "city": ["a", "b", "a"]})
    >>> schema = Schema.build({"age": "integer", "city": "categorical"})
    >>> encoder = FeatureEncoder.fit(real, schema)
    >>> encoder.rows(pl.DataFrame({"age": [30.5], "city": ["c"]})).values
    array([[30.5,  2. ]])
    """

    features: tuple[Feature, ...]
    schema: Schema

    @classmethod
    def fit(cls, real: pl.DataFrame, schema: Schema) -> Self:
        """Learn levels, ranges and bins from real rows.

        Raises
        ------
        InputError
            If there are no rows, or a column of the schema is not in the frame.
        """
        if not real.height:
            raise InputError("the training table has no rows: nothing can be judged against it")
        _check_columns(real, schema.names, "training")
        columns = [column for column in schema.each() if column.kind != Kind.IDENTIFIER]
        return cls(tuple(_feature(real[c.name], c) for c in columns), schema)

    @property
    def judged(self) -> list[str]:
        """Names of the features that rows must have; constants need not be there."""
        return [f.name for f in self.features if f.column.kind is not Kind.CONSTANT]

    @property
    def target(self) -> int | None:
        """Position of the target among the features."""
        names = [feature.name for feature in self.features]
        return names.index(self.schema.target) if self.schema.target in names else None

    def rows(self, frame: pl.DataFrame, what: str = "synthetic") -> EncodedRows:
        """Encode a frame.

        Parameters
        ----------
        frame : polars DataFrame
            Rows with the columns of the schema in any order; identifiers and constants need not
            be there. Values that cannot be read as the kind of their column count as missing.
        what : str, default="synthetic"
            Name of the table in messages.

        Raises
        ------
        InputError
            If a column is missing.
        """
        _check_columns(frame, self.judged, what)
        absent = [f for f in self.features if f.name not in frame.columns]
        frame = frame.with_columns(pl.lit((f.levels or (None,))[0]).alias(f.name) for f in absent)
        matrix = np.zeros((frame.height, len(self.features)))
        for j, feature in enumerate(self.features):
            matrix[:, j] = feature.codes(frame[feature.name])
        there = [name for name in self.schema.names if name in frame.columns]
        return EncodedRows(self, matrix, frame.select(there))


@dataclass(frozen=True)
class EncodedRows:
    """Encoded rows.

    Attributes
    ----------
    encoder : FeatureEncoder
        What encoded them.
    values : ndarray of shape (n_rows, n_features)
        Numbers, codes of levels, NaN for missing.
    frame : polars DataFrame
        The same rows as they were given, in the same order; empty where rows are numbers alone.
    """

    encoder: FeatureEncoder
    values: Floats
    frame: pl.DataFrame

    def __len__(self) -> int:
        return len(self.values)

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns."""
        return self.encoder.features

    def take(self, index: Integers | NDArray[np.bool_] | Sequence[int]) -> EncodedRows:
        """Return some of the rows, in the order given."""
        if np.asarray(index).dtype == bool:
            if np.all(index):
                return self
            index = np.flatnonzero(index)
        indices = np.asarray(index)
        indices = indices.astype(np.int64)
        return EncodedRows(self.encoder, self.values[indices], self.frame[indices])

    def cut(self, n_rows: int, rng: np.random.Generator) -> EncodedRows:
        """Return `n_rows` rows drawn without replacement, or all where there are no more."""
        if n_rows >= len(self):
            return self
        return self.take(np.sort(rng.permutation(len(self))[:n_rows]))

    def take_column(self, index: int) -> pl.Series:
        """Cells of one column as they are compared for equality: numbers as they are written."""
        feature, values = self.features[index], self.values[:, index]
        if feature.column.kind == Kind.TEXT:
            return self.frame[feature.name].cast(pl.String, strict=False)
        if feature.levels is None:
            return pl.Series(np.round(values, feature.decimals) + 0.0).fill_nan(None)
        text = self.frame[feature.name].cast(pl.String, strict=False)
        known = pl.Series(values).fill_nan(None).cast(pl.String)
        return known.zip_with(pl.Series(values != len(feature.levels)), "unseen " + text)

    def shuffled(self, rng: np.random.Generator) -> EncodedRows:
        """Return the rows with every column shuffled on its own: margins stay, ties are cut."""
        orders = [rng.permutation(len(self)) for _ in self.features]
        values = self._blocks([self.values[order, j] for j, order in enumerate(orders)])
        frame = self.frame.with_columns(
            self.frame[feature.name][order]
            for feature, order in zip(self.features, orders, strict=True)
        )
        return EncodedRows(self.encoder, values, frame)

    @cached_property
    def binned(self) -> Integers:
        """Bins or levels, shape (n_rows, n_features); the last bin of each is "missing"."""
        columns = [f.binned(self.values[:, j]) for j, f in enumerate(self.features)]
        return self._blocks(columns).astype(np.int64)

    @cached_property
    def embedded(self) -> Floats:
        """Coordinates in which a Euclidean distance gives every feature the same weight."""
        return self._blocks([f.embedded(self.values[:, j]) for j, f in enumerate(self.features)])

    @cached_property
    def gower(self) -> NDArray[np.float32]:
        """One number per cell: absolute differences, cut at 1, are Gower's distances."""
        columns = [f.gower(self.values[:, j]) for j, f in enumerate(self.features)]
        return self._blocks(columns).astype(np.float32)

    def standardised(self, without: int | None = None) -> Floats:
        """Columns for linear models, without the feature at one position."""
        kept = [(j, f) for j, f in enumerate(self.features) if j != without]
        return self._blocks([f.standardised(self.values[:, j]) for j, f in kept])

    def _blocks(self, blocks: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.column_stack(blocks) if blocks else np.zeros((len(self), 0))


def _check_columns(frame: pl.DataFrame, names: Sequence[str], what: str) -> None:
    for name in names:
        if name not in frame.columns:
            raise InputError(
                f"the {what} table has no column {name!r}{suggest(name, frame.columns)}"
            )


def _feature(series: pl.Series, column: Column) -> Feature:
    listed = column.kind.is_discrete or column.kind == Kind.CONSTANT
    if listed:
        counts = _labels(series, series.dtype).drop_nulls().value_counts(sort=True, name="n")
        levels = tuple(counts.sort(["n", counts.columns[0]], descending=[True, False])[:, 0])
        feature = Feature(column, series.dtype, levels, 0.0, 1.0, 0.0, 1.0, np.zeros(0))
        return _ordinal(feature, series) if column.kind == Kind.ORDINAL and levels else feature
    numbers = _numbers(series, column.kind, series.dtype)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return Feature(column, series.dtype, None, 0.0, 1.0, 0.0, 1.0, np.zeros(0))
    edges = np.unique(np.quantile(known, np.linspace(0, 1, N_BINS + 1)[1:-1], method="higher"))
    spread = float(known.std()) or 1.0
    low, high = float(known.min()), float(known.max())
    return Feature(column, series.dtype, None, low, high, float(known.mean()), spread, edges)


def _ordinal(feature: Feature, series: pl.Series) -> Feature:
    """Give an ordinal feature the ranks of its levels, as declared, else in the order of values."""
    assert feature.levels is not None
    declared = feature.column.categories
    values = series.unique().drop_nulls().sort() if declared is None else pl.Series(declared)
    order = {label: rank for rank, label in enumerate(_labels(values, feature.dtype))}
    if any(level not in order for level in feature.levels):
        return feature
    ranks = np.array([order[level] for level in feature.levels], dtype=float)
    real = feature.codes(series)
    real = ranks[real[~np.isnan(real)].astype(int)]
    return replace(feature, ranks=ranks, mean=float(real.mean()), scale=float(real.std()) or 1.0)


def _numbers(series: pl.Series, kind: Kind, dtype: pl.DataType) -> Floats:
    """Numbers of a numeric column: as they are, days of dates and times, seconds of spans."""
    if kind == Kind.TEXT:
        lengths = series.cast(pl.String, strict=False).str.len_chars()
        return lengths.cast(pl.Float64).fill_null(np.nan).to_numpy()
    if dtype.is_temporal() and not series.dtype.is_temporal():
        series = _as_temporal(series, dtype)
    if series.dtype == pl.Date:
        series = series.cast(pl.Int32)
    elif series.dtype == pl.Duration:
        series = series.dt.total_microseconds() / 1e6
    elif series.dtype == pl.Time:
        series = series.cast(pl.Int64) / 86_400e9
    elif series.dtype == pl.Datetime:
        series = series.dt.epoch("us") / 86_400e6
    elif series.dtype == pl.String and kind in (Kind.DATE, Kind.DATETIME):
        series = _as_temporal(series, pl.Datetime("us")).dt.epoch("us") / 86_400e6
    elif series.dtype == pl.String:
        series = series.str.strip_chars()
    numbers = series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _as_temporal(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    if series.dtype != pl.String:
        return series.cast(dtype, strict=False)
    stamps = series.str.strip_chars().str.to_datetime(strict=False, time_unit="us", format=None)
    return stamps.cast(dtype, strict=False)


def _labels(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Values of a discrete column as text that does not depend on how they were stored."""
    if dtype.is_numeric():
        if series.dtype == pl.String:
            series = series.str.strip_chars()
        text = _plain(series.cast(pl.Float64, strict=False))
        unreadable = series.is_not_null() & text.is_null()
        return text.zip_with(~unreadable, series.cast(pl.String)).rename("label")
    if dtype == pl.Boolean:
        text = series.cast(pl.String, strict=False).str.strip_chars().str.to_lowercase()
        return text.replace({"1": "true", "0": "false", "1.0": "true", "0.0": "false"}).rename(
            "label"
        )
    if series.dtype.is_float():
        return _plain(series).rename("label")
    return series.cast(pl.String, strict=False).str.strip_chars().rename("label")


def _plain(numbers: pl.Series) -> pl.Series:
    text = numbers.fill_nan(None).cast(pl.String)
    return text.str.strip_suffix(".0")
