"""Labelled partitions of rows: classes of a target, bins of a number.

Pools and writers count rows by any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.schema import Schema

Codes = NDArray[np.intp]


class Partition(Protocol):
    """Says which part each row is in."""

    @property
    def names(self) -> tuple[Any, ...]:
        """The parts, in order: a class label, or a description of the part."""

    def __len__(self) -> int:
        """Return the number of parts."""

    def of(self, rows: pl.DataFrame) -> Codes:
        """Return the index of each row's part; -1 where it is in none."""

    def cells(self, name: Any) -> Mapping[str, Any] | None:
        """Return cells that put a row into a part; None where no cells alone do."""


@dataclass(frozen=True)
class ClassPartition:
    """Rows by the value of a discrete column.

    Examples
    --------
    >>> classes = ClassPartition("ill", ("no", "yes"))
    >>> classes.of(pl.DataFrame({"ill": ["yes", None, "no"]})).tolist()
    [1, -1, 0]
    """

    column: str
    names: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.names)

    def of(self, rows: pl.DataFrame) -> Codes:
        """Return the index of each row's class."""
        index = {name: code for code, name in enumerate(self.names)}
        return np.array([index.get(value, -1) for value in rows[self.column]], dtype=np.intp)

    def cells(self, name: Any) -> Mapping[str, Any] | None:
        """Return the cell of a class."""
        return {self.column: name}


@dataclass(frozen=True)
class QuantilePartition:
    """Rows by bins of a numeric column: the first bin whose edge the value does not exceed.

    Examples
    --------
    >>> bins = QuantilePartition.learn(pl.DataFrame({"pay": range(8)}), "pay", n_bins=2)
    >>> bins.names, bins.of(pl.DataFrame({"pay": [2, 7, None]})).tolist()
    (('to 3.5', 'above 3.5'), [0, 1, -1])
    """

    column: str
    edges: tuple[float, ...]

    @classmethod
    def learn(cls, frame: pl.DataFrame, column: str, n_bins: int = 4) -> QuantilePartition:
        """Cut a column at its quantiles; into fewer bins where it has few values."""
        numbers = _numbers(frame[column].drop_nulls())
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, n_bins + 1)[1:-1]))
        edges = edges[edges < numbers.max()] if len(numbers) else edges
        return cls(column, tuple(edges.tolist()))

    @property
    def names(self) -> tuple[str, ...]:
        """The range of each bin."""
        ends = [f"{edge:g}" for edge in self.edges]
        if not ends:
            return ("all",)
        middle = [f"{low} to {high}" for low, high in pairwise(ends)]
        return (f"to {ends[0]}", *middle, f"above {ends[-1]}")

    def __len__(self) -> int:
        return len(self.edges) + 1

    def of(self, rows: pl.DataFrame) -> Codes:
        """Return the index of each row's bin; -1 where the number is missing."""
        numbers = _numbers(rows[self.column])
        codes = np.searchsorted(np.array(self.edges), np.nan_to_num(numbers), side="left")
        return np.where(np.isnan(numbers), -1, codes).astype(np.intp)

    def cells(self, name: Any) -> Mapping[str, Any] | None:
        """Return None: a bin is no single value."""
        return None


TargetPartition = ClassPartition | QuantilePartition


def target_partition(frame: pl.DataFrame, schema: Schema, n_bins: int = 4) -> TargetPartition:
    """Return the classes of a target that rows have, in the schema's order, or its bins."""
    name = str(schema.target)
    if schema[name].kind.is_numeric:
        return QuantilePartition.learn(frame, name, n_bins)
    present = set(frame[name].drop_nulls().to_list())
    listed = schema[name].categories or sorted(present, key=str)
    return ClassPartition(name, tuple(label for label in listed if label in present))


def _numbers(series: pl.Series) -> NDArray[np.float64]:
    if series.dtype == pl.Duration:
        series = series.dt.total_microseconds()
    elif series.dtype.is_temporal():
        series = series.cast(pl.Datetime("us")).dt.epoch("us")
    numbers: NDArray[np.float64] = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return numbers
