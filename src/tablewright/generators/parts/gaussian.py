"""One Gaussian copula over the columns of a matrix, for `GaussianCopula` to combine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tablewright.generators.base import Floats
from tablewright.generators.parts.marginals import (
    Discrete,
    Domain,
    Marginal,
    Numeric,
    includes,
    learn,
    pack,
    unpack,
)
from tablewright.generators.parts.truncated_normal import (
    Bounds,
    block_means,
    correlate,
    repair,
    shrink,
)
from tablewright.tables.encoding.codec import Matrix

_POINT = 1e-9


def with_missing_code(matrix: Matrix) -> Matrix:
    """Give missing values of discrete columns a code of their own, after the others."""
    values = matrix.values.copy()
    fields = list(matrix.fields)
    for j, field in enumerate(fields):
        if field.discrete:
            values[np.isnan(values[:, j]), j] = field.levels
            fields[j] = replace(field, levels=field.levels + 1)
    return Matrix(values, tuple(fields))


@dataclass(frozen=True)
class NormalPart:
    """Distributions of columns, and the correlation of the normal variables behind them.

    Attributes
    ----------
    marginals : tuple of Marginal
        One per column.
    gaps : tuple of int
        Numeric columns with missing values: for each a further variable, low where the
        value is missing.
    correlation, variance : ndarray of shape (n_variables, n_variables)
        Variables are the columns, then the gaps.
    n_rows : int
        Rows learned from.
    """

    marginals: tuple[Marginal, ...]
    gaps: tuple[int, ...]
    correlation: Floats
    variance: Floats
    n_rows: int

    @classmethod
    def learn(
        cls, coded: Matrix, orders: Mapping[int, NDArray[np.intp]], gaps: tuple[int, ...]
    ) -> NormalPart:
        """Learn from rows whose discrete columns have no missing code."""
        marginals = []
        for j, field in enumerate(coded.fields):
            marginal = learn(coded.values[:, j], field)
            if isinstance(marginal, Discrete) and j in orders:
                marginal = replace(marginal, order=orders[j])
            marginals.append(marginal)
        scores = [_scores(marginal, coded.values[:, j]) for j, marginal in enumerate(marginals)]
        scores += [_gap_scores(np.isnan(coded.values[:, j])) for j in gaps]
        correlation, variance = correlate(np.column_stack(scores))
        return cls(tuple(marginals), gaps, correlation, variance, len(coded.values))

    def shrunk(self, towards: Floats) -> NormalPart:
        """Return it with correlations moved towards others, and made positive definite."""
        return replace(self, correlation=repair(shrink(self.correlation, self.variance, towards)))

    @cached_property
    def reach(self) -> Floats:
        """How far around a number to count rows for the share of a class, by column."""
        return np.array([self._reach(marginal) for marginal in self.marginals])

    def _reach(self, marginal: Marginal) -> float:
        if not isinstance(marginal, Numeric) or marginal.empty:
            return 0.0
        deviation = marginal.quantile((np.arange(200) + 0.5) / 200).std()
        return float(deviation * max(self.n_rows, 2) ** -0.2)

    def known(self, column: int, values: Floats, reach: float) -> dict[int, Bounds]:
        """Bounds of the variables of a column whose values are given, all or none missing.

        Parameters
        ----------
        column : int
            Position of the column.
        values : ndarray of shape (n_rows,)
            The values given.
        reach : float
            How far around a number to count rows; the same for the parts compared.
        """
        bounds = {}
        dropped = bool(np.isnan(values[0]))
        if column in self.gaps:
            bounds[self._gap(column)] = self._gap_bounds(column, dropped)
        if not dropped:
            bounds[column] = self._cell_bounds(self.marginals[column], values, reach)
        return bounds

    def _cell_bounds(self, marginal: Marginal, values: Floats, reach: float) -> Bounds:
        floor = 0.5 / self.n_rows
        low, high = marginal.cell(values)
        width = high - low
        share = marginal.share(values, reach) if isinstance(marginal, Numeric) else width
        point = width < _POINT
        middle = np.clip((low + high) / 2, floor, 1 - floor)
        return Bounds(
            ndtri(np.where(point, middle, low))[:, None],
            ndtri(np.where(point, middle, high))[:, None],
            np.log(np.where(point, 1.0, width)),
            np.log(share + floor),
        )

    def within(self, column: int, domain: Domain) -> dict[int, Bounds] | None:
        """Bounds of the variables of a column cut to a domain; None where nothing is left."""
        marginal, gap = self.marginals[column], column in self.gaps
        if domain is None:
            return {}
        low, high = marginal.pieces(domain)
        if gap and includes(domain, np.array([np.nan]))[0]:
            # A value in the domain or none at all is no box; candidates are checked instead.
            return {} if len(low) else {self._gap(column): self._gap_bounds(column, True)}
        if not len(low) or marginal.missing >= 1:
            return None
        bounds = {column: Bounds(ndtri(low)[None], ndtri(high)[None])}
        if gap:
            bounds[self._gap(column)] = self._gap_bounds(column, False)
        return bounds

    def _gap(self, column: int) -> int:
        return len(self.marginals) + self.gaps.index(column)

    def _gap_bounds(self, column: int, gone: bool) -> Bounds:
        """Bounds of the variable that is low where a number is missing."""
        floor = 0.5 / self.n_rows
        edge = ndtri(np.clip(self.marginals[column].missing, floor, 1 - floor))
        low, high = (-np.inf, edge) if gone else (edge, np.inf)
        return Bounds(np.array([[low]]), np.array([[high]]))

    def variables(self, columns: Sequence[int]) -> list[int]:
        """Variables behind some columns."""
        return [*columns, *(self._gap(j) for j in columns if j in self.gaps)]

    def rows(
        self, z: Mapping[int, Floats], columns: Sequence[int], *, complete: bool = False
    ) -> Floats:
        """Turn normal variables into coded rows of which some columns are filled."""
        n_rows = len(z[columns[0]]) if columns else 0
        rows = np.full((n_rows, len(self.marginals)), np.nan)
        for j in columns:
            marginal = self.marginals[j]
            rows[:, j] = marginal.quantile(ndtr(z[j]))
            if j in self.gaps and not complete:
                rows[ndtr(z[self._gap(j)]) < marginal.missing, j] = np.nan
        return rows

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what `restore` needs."""
        size = np.array([self.n_rows])
        return {"correlation": self.correlation, "n_rows": size, **pack(self.marginals)}

    @classmethod
    def restore(
        cls, arrays: Mapping[str, NDArray[Any]], gaps: tuple[int, ...], n_columns: int
    ) -> NormalPart:
        """Make it again from its arrays."""
        correlation = arrays["correlation"]
        variance, n_rows = np.zeros_like(correlation), int(arrays["n_rows"][0])
        return cls(tuple(unpack(arrays, n_columns)), gaps, correlation, variance, n_rows)


def _scores(marginal: Marginal, values: Floats) -> Floats:
    """Give the normal scores of the values of a column."""
    scores = np.full(len(values), np.nan)
    seen = ~np.isnan(values)
    scores[seen] = block_means(*marginal.cell(values[seen]))
    return scores


def _gap_scores(gone: NDArray[np.bool_]) -> Floats:
    """Give the normal scores of whether a value is missing."""
    share = np.full(len(gone), gone.mean())
    return block_means(np.where(gone, 0.0, share), np.where(gone, share, 1.0))
