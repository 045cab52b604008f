"""What class a row is of: a value of the target, or a stretch between two of its quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.schema import Schema

__all__ = ["Classes"]

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class Classes:
    """The classes of a target.

    Attributes
    ----------
    target : str
        Name of the column.
    labels : tuple
        Values of a discrete target that the table has, in the order of the schema; the names of
        its stretches where it is a number.
    edges : ndarray or None
        Where a numeric target is cut, ascending: a row is of the first stretch whose edge its
        value does not exceed.

    Examples
    --------
    >>> schema = Schema.build({"pay": "integer"}, target="pay")
    >>> bins = Classes.learn(pl.DataFrame({"pay": range(8)}), schema, n_bins=2)
    >>> bins.labels, bins.of(pl.DataFrame({"pay": [2, 7, None]})).tolist()
    (('to 3.5', 'above 3.5'), [0, 1, -1])
    """

    target: str
    labels: tuple[Any, ...]
    edges: NDArray[np.float64] | None = None

    @classmethod
    def learn(cls, frame: pl.DataFrame, schema: Schema, n_bins: int = 4) -> Self:
        """Read the classes off typed rows.

        Parameters
        ----------
        frame : DataFrame
        schema : Schema
            Whose target has classes, or is a number or a date.
        n_bins : int, default=4
            Stretches of a numeric target; fewer where it has few values.
        """
        name = str(schema.target)
        present = frame[name].drop_nulls()
        if schema[name].kind.is_numeric:
            numbers = _numbers(present)
            edges = np.unique(np.quantile(numbers, np.linspace(0, 1, n_bins + 1)[1:-1]))
            edges = edges[edges < numbers.max()] if len(numbers) else edges
            return cls(name, _stretches(edges), edges)
        listed = schema[name].categories or sorted(present.unique().to_list(), key=str)
        found = set(present.to_list())
        return cls(name, tuple(label for label in listed if label in found))

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, frame: pl.DataFrame) -> Codes:
        """Return the class of each row as a place in `labels`; -1 where it is none of them."""
        series = frame[self.target]
        if self.edges is not None:
            numbers = _numbers(series)
            places = np.searchsorted(self.edges, np.nan_to_num(numbers), side="left")
            return np.where(np.isnan(numbers), -1, places).astype(np.intp)
        places_of = {label: place for place, label in enumerate(self.labels)}
        return np.array([places_of.get(value, -1) for value in series.to_list()], dtype=np.intp)

    def quotas(self, asked: Mapping[Any, int]) -> dict[int, int]:
        """Turn rows wanted for each label into rows for each place, those of unknown ones at -1."""
        found: dict[int, int] = {}
        for label, n_rows in asked.items():
            place = self.labels.index(label) if label in self.labels else -1
            found[place] = found.get(place, 0) + n_rows
        return found


def _numbers(series: pl.Series) -> NDArray[np.float64]:
    if series.dtype == pl.Duration:
        series = series.dt.total_microseconds()
    elif series.dtype.is_temporal():
        series = series.cast(pl.Datetime("us")).dt.epoch("us")
    numbers: NDArray[np.float64] = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return numbers


def _stretches(edges: NDArray[np.float64]) -> tuple[str, ...]:
    ends = [f"{edge:g}" for edge in edges]
    if not ends:
        return ("all",)
    middle = [f"{low} to {high}" for low, high in pairwise(ends)]
    return (f"to {ends[0]}", *middle, f"above {ends[-1]}")
