"""Candidates for the cells of a condition: real rows that comply, or marginals cut to fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Condition, Given
from tablewright.generators.parts.marginals import Domain, Marginal, Numeric, includes
from tablewright.generators.parts.neighbours import Space
from tablewright.tables.encoding.codec import Floats, Matrix

Proposal: TypeAlias = Callable[[Given, np.random.Generator], Floats]
"""One candidate, of shape (n_columns,), for each row of a `Given`; given cells are kept."""

_DONORS = 2000
_NEIGHBOURS = 10
_ENOUGH = 20
_WIDTHS = (0.02, 0.01, 0.005, 0.0)


def blank(n_rows: int, n_columns: int) -> Given:
    """Rows of which nothing is known."""
    shape = (n_rows, n_columns)
    return Given(np.full(shape, np.nan), np.zeros(shape, dtype=bool))


def patterns(known: Bools) -> Iterator[tuple[NDArray[np.intp], Bools]]:
    """Group rows by which cells are known: positions of the rows, and the pattern."""
    if not len(known):
        return
    if (known == known[0]).all():
        yield np.arange(len(known)), known[0]
        return
    packed = np.packbits(known, axis=1)
    keys = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group))
    for kind, rows in zip(known[first], np.split(order, ends[:-1]), strict=True):
        yield rows, kind


def from_rows(
    matrix: Matrix,
    condition: Condition,
    *,
    complete: bool = False,
    weights: Floats | None = None,
) -> Proposal | None:
    """Propose rows that comply; None if there are none.

    Numbers move a little in rank among the rows that comply, as long as the row still
    does; point masses stay. Where cells are given, the rows nearest to them are taken.
    """
    columns = list(condition.columns)
    keep = condition.holds(matrix.values)
    if complete:
        keep = keep & ~np.isnan(matrix.values[:, columns]).any(axis=1)
    donors = np.flatnonzero(keep)
    if not len(donors):
        return None
    probability = np.ones(len(donors)) if weights is None else weights[donors]
    pick = _Donors(matrix, donors, probability / probability.sum())
    jitter = _Jitter(matrix.take(donors) if len(donors) >= _ENOUGH else matrix, columns)

    def propose(given: Given, rng: np.random.Generator) -> Floats:
        rows = _overlay(matrix.values[pick(given, rng)], given)
        todo = np.arange(len(rows))
        for width in _WIDTHS:
            if not len(todo):
                break
            moved = jitter(rows[todo], given.known[todo], width, rng)
            good = condition.holds(moved)
            rows[todo[good]] = moved[good]
            todo = todo[~good]
        return rows

    return propose


def from_marginals(
    marginals: Mapping[int, Marginal],
    condition: Condition,
    columns: Sequence[int] | None = None,
    *,
    complete: bool = False,
) -> Proposal | None:
    """Propose values of each column by itself, cut to what the condition allows.

    Where nothing that was seen is allowed, values are spread evenly over what is allowed
    inside the learned range; None if there is nothing.
    """
    draws: dict[int, _Draw] = {}
    for j in condition.columns if columns is None else columns:
        draw = _cut(marginals[j], condition.allowed(j), complete)
        if draw is None:
            return None
        draws[j] = draw

    def propose(given: Given, rng: np.random.Generator) -> Floats:
        rows = np.full(given.values.shape, np.nan)
        for j, draw in draws.items():
            rows[:, j] = draw(len(rows), rng)
        return _overlay(rows, given)

    return propose


_Draw: TypeAlias = Callable[[int, np.random.Generator], Floats]


def _cut(marginal: Marginal, domain: Domain, complete: bool) -> _Draw | None:
    """Draw from a marginal inside a domain."""
    low, high = marginal.pieces(domain)
    gap = not complete and bool(includes(domain, np.array([np.nan]))[0])
    mass = np.append((high - low) * (1 - marginal.missing), marginal.missing * gap)
    if mass.sum() > 0:
        return lambda n, rng: _draw_pieces(marginal, (low, high), mass / mass.sum(), n, rng)
    if len(marginal.scatter(domain, 1, np.random.default_rng(0))):
        return lambda n, rng: marginal.scatter(domain, n, rng)
    return None


def _draw_pieces(
    marginal: Marginal,
    pieces: tuple[Floats, Floats],
    chance: Floats,
    n_rows: int,
    rng: np.random.Generator,
) -> Floats:
    """Draw a piece by its chance, then a value in it; the last piece is a missing value."""
    piece = rng.choice(len(chance), n_rows, p=chance)
    low, high = (np.append(edge, 0.0)[piece] for edge in pieces)
    values = marginal.quantile(low + rng.random(n_rows) * (high - low))
    return np.where(piece == len(chance) - 1, np.nan, values)


class _Donors:
    """Chooses a row per row: any, or one of those nearest to the given cells."""

    def __init__(self, matrix: Matrix, donors: NDArray[np.intp], chance: Floats) -> None:
        self.matrix, self.donors, self.chance = matrix, donors, chance

    def __call__(self, given: Given, rng: np.random.Generator) -> NDArray[np.intp]:
        if not given.known.any():
            return rng.choice(self.donors, len(given.values), p=self.chance)
        few = self.donors
        if len(few) > _DONORS:
            few = rng.choice(few, _DONORS, p=self.chance)
            weights = np.ones(_DONORS)
        else:
            weights = self.chance
        space, base = Space.learn(self.matrix), self.matrix.values[few]
        pick = np.empty(len(given.values), dtype=np.intp)
        for rows, known in patterns(given.known):
            columns, values = np.flatnonzero(known), given.values[rows]
            pick[rows] = few[space.choose_near(values, base, _NEIGHBOURS, columns, weights, rng)]
        return pick


class _Jitter:
    """Moves numbers a little in rank among the rows of a matrix."""

    def __init__(self, matrix: Matrix, columns: Sequence[int]) -> None:
        self.least = 0.5 / len(matrix.values)
        self.marginals = {
            j: Numeric.learn(matrix.values[:, j], matrix.fields[j].step)
            for j in columns
            if not matrix.fields[j].discrete
        }

    def __call__(
        self, rows: Floats, known: Bools, width: float, rng: np.random.Generator
    ) -> Floats:
        moved = rows.copy()
        reach = max(width, self.least)
        for j, marginal in self.marginals.items():
            at = np.flatnonzero(~known[:, j] & ~np.isnan(rows[:, j]))
            low, high = marginal.cell(rows[at, j])
            rank = (low + high) / 2 + rng.uniform(-reach, reach, len(at))
            drawn = marginal.quantile(1 - np.abs(1 - np.abs(rank)))
            shared = high - low > 3 * self.least
            moved[at, j] = np.where(shared, rows[at, j], drawn)
        return moved


def _overlay(rows: Floats, given: Given) -> Floats:
    return np.where(given.known, given.values, rows)
