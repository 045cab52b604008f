"""Nearest rows of a mixed table, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tablewright.generators.base import Bools, Floats
from tablewright.tables.encoding.codec import Field, Matrix

_BLOCK = 2**20


@dataclass(frozen=True)
class Space:
    """Distance between rows: numbers in standard deviations, 1 for each code that differs.

    The squared distance adds, over columns, the squared difference of the standardised
    numbers, or 1 where codes differ or only one of two numbers is missing: the distance
    of SMOTE-NC on standardised columns, whose median deviation is 1.

    Attributes
    ----------
    fields : tuple of Field
        What the columns are.
    centre, scale : ndarray of shape (n_columns,)
        Mean and standard deviation of the numeric columns; 0 and 1 for the others.

    References
    ----------
    .. [1] Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16,
       2002, section 6.1.
    """

    fields: tuple[Field, ...]
    centre: Floats
    scale: Floats

    @classmethod
    def learn(cls, matrix: Matrix) -> Space:
        """Take means and deviations from rows."""
        centre, scale = np.zeros(len(matrix.fields)), np.ones(len(matrix.fields))
        for j, field in enumerate(matrix.fields):
            present = matrix.values[~np.isnan(matrix.values[:, j]), j]
            if not field.discrete and len(present):
                centre[j], scale[j] = present.mean(), present.std() or 1.0
        return cls(matrix.fields, centre, scale)

    def nearest(
        self,
        rows: Floats,
        base: Floats,
        k: int,
        columns: Sequence[int] | NDArray[np.intp],
        *,
        skip_self: bool = False,
    ) -> NDArray[np.intp]:
        """Positions in `base` of the `k` rows nearest to each row, shape (n_rows, k).

        Parameters
        ----------
        rows, base : ndarray of shape (n, n_columns)
            Rows of the matrix.
        k : int
            Neighbours wanted; at most the rows that `base` has (less one with `skip_self`).
        columns : sequence of int
            The columns to compare.
        skip_self : bool, default=False
            Whether `rows` is `base` and a row is no neighbour of its own.
        """
        result = np.empty((len(rows), k), dtype=np.intp)
        for start, gaps in self._blocks(rows, base, columns):
            if skip_self:
                gaps[np.arange(len(gaps)), np.arange(start, start + len(gaps))] = np.inf
            result[start : start + len(gaps)] = _smallest(gaps, k)
        return result

    def choose_near(
        self,
        rows: Floats,
        base: Floats,
        k: int,
        columns: Sequence[int] | NDArray[np.intp],
        weights: Floats,
        rng: np.random.Generator,
    ) -> NDArray[np.intp]:
        """Choose by weight one of the `k` rows of `base` nearest to each row.

        Rows of the base that are as near as the last of them take part too: where codes
        are compared, many are.

        Parameters
        ----------
        rows, base, columns
            As for `nearest`.
        k : int
            Neighbours to choose among; all of the base where it has fewer.
        weights : ndarray of shape (n_base,)
            Of the rows of the base.
        rng : numpy Generator
            The only source of chance.
        """
        kinds, which, count = _distinct(rows, columns)
        order = np.argsort(which, kind="stable")
        ends, picked = np.cumsum(count), np.empty(len(rows), dtype=np.intp)
        last = min(k, len(base)) - 1
        for start, gaps in self._blocks(kinds, base, columns):
            bound = np.partition(gaps, last, axis=1)[:, last] + 1e-9
            for i, near in enumerate(gaps <= bound[:, None], start):
                few = np.flatnonzero(near)
                total = np.cumsum(weights[few])
                index = np.searchsorted(total, rng.random(count[i]) * total[-1], side="right")
                mine = order[ends[i] - count[i] : ends[i]]
                picked[mine] = few[np.minimum(index, len(few) - 1)]
        return picked

    def _blocks(
        self, rows: Floats, base: Floats, columns: Sequence[int] | NDArray[np.intp]
    ) -> Iterator[tuple[int, Floats]]:
        """Squared distances to the base, of some rows at a time, with the first of them."""
        points, codes = self._embed(rows, columns)
        base_points, base_codes = self._embed(base, columns)
        block = max(1, _BLOCK // max(len(base), 1))
        for start in range(0, len(rows), block):
            part = slice(start, start + block)
            gaps = cdist(points[part], base_points, "sqeuclidean")
            yield start, gaps + _differences(codes[:, part], base_codes)

    def _embed(self, rows: Floats, columns: Sequence[int] | NDArray[np.intp]) -> _Embedded:
        """Numbers with 0 for missing; codes by column, and whether a number is missing."""
        requested = np.asarray(columns, dtype=np.intp)
        discrete = np.array([field.discrete for field in self.fields])[requested]
        numbers, codes = requested[~discrete], requested[discrete]
        points = (rows[:, numbers] - self.centre[numbers]) / self.scale[numbers]
        dropped: Bools = np.isnan(points)
        points[dropped] = 0.0
        marks = np.vstack([np.nan_to_num(rows[:, codes].T, nan=-1.0), dropped.T])
        maximum = max((self.fields[j].levels for j in codes.tolist()), default=0)
        # Bytes are compared several times as fast as longer numbers.
        small: _Codes = marks.astype(np.int8) if maximum < 128 else marks.astype(np.int32)
        # An empty set of numbers still has to give distances of zero.
        return (points if points.shape[1] else np.zeros((len(rows), 1))), small


_Codes = NDArray[np.int8] | NDArray[np.int32]
_Embedded = tuple[Floats, _Codes]


def _differences(codes: _Codes, base: _Codes) -> NDArray[np.unsignedinteger]:
    """Count of codes that differ, shape (n_rows, n_base)."""
    shape = (codes.shape[1], base.shape[1])
    count = np.zeros(shape, dtype=np.uint8 if len(codes) < 256 else np.uint16)
    for mine, theirs in zip(codes, base, strict=True):
        count += mine[:, None] != theirs
    return count


def _smallest(gaps: Floats, k: int) -> NDArray[np.intp]:
    if k >= gaps.shape[1]:
        return np.argsort(gaps, axis=1, kind="stable")[:, :k]
    return np.argpartition(gaps, k - 1, axis=1)[:, :k]


def _distinct(
    rows: Floats, columns: Sequence[int] | NDArray[np.intp]
) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Rows that differ in some columns, which of them each row is, and how often each is."""
    if not len(columns):
        return rows[:1], np.zeros(len(rows), dtype=np.intp), np.array([len(rows)])
    keys = np.ascontiguousarray(np.nan_to_num(rows[:, columns], nan=np.inf))
    keys = keys.view(f"V{keys.shape[1] * keys.itemsize}").ravel()
    _, first, which, count = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return rows[first], which.ravel(), count
