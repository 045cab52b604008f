"""Nearest rows of a mixed table, a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from tablewright.generators.base import Bools, Floats
from tablewright.tables.encoding import Field, Matrix

__all__ = ["Space"]

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
        points, marks = self._embed(rows, columns)
        base_points, base_marks = self._embed(base, columns)
        codes, base_codes = _recode(marks, base_marks)
        found = np.empty((len(rows), k), dtype=np.intp)
        block = max(1, _BLOCK // max(len(base), 1))
        for start in range(0, len(rows), block):
            part = slice(start, start + block)
            gaps = cdist(points[part], base_points, "sqeuclidean")
            gaps += _differences(codes[:, part], base_codes)
            if skip_self:
                gaps[np.arange(len(gaps)), np.arange(start, start + len(gaps))] = np.inf
            found[part] = _smallest(gaps, k)
        return found

    def _embed(self, rows: Floats, columns: Sequence[int] | NDArray[np.intp]) -> _Embedded:
        """Numbers with 0 for missing; codes and, where needed, whether a number is missing."""
        wanted = np.asarray(columns, dtype=np.intp)
        discrete = np.array([field.discrete for field in self.fields])[wanted]
        numbers, codes = wanted[~discrete], wanted[discrete]
        points = (rows[:, numbers] - self.centre[numbers]) / self.scale[numbers]
        gone: Bools = np.isnan(points)
        points[gone] = 0.0
        marks = np.column_stack([np.nan_to_num(rows[:, codes], nan=-1.0), gone])
        # An empty set of numbers still has to give distances of zero.
        return (points if points.shape[1] else np.zeros((len(rows), 1))), marks


_Embedded = tuple[Floats, Floats]


def _recode(marks: Floats, base: Floats) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Small whole numbers for codes, shape (n_columns, n_rows): quick to compare."""
    both = np.vstack([marks, base])
    codes = np.empty((both.shape[1], len(both)), dtype=np.int32)
    for j in range(both.shape[1]):
        codes[j] = np.unique(both[:, j], return_inverse=True)[1]
    kind = np.int8 if codes.size and codes.max() < 128 else np.int32
    return codes[:, : len(marks)].astype(kind), codes[:, len(marks) :].astype(kind)


def _differences(
    codes: NDArray[np.int32], base: NDArray[np.int32]
) -> NDArray[np.uint8] | NDArray[np.uint16]:
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
