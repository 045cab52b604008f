"""Cells of a few columns, how often each is to occur, and rows drawn cell by cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.expressions import Expression
from tablewright.rules.expressions.tree import (
    And,
    Call,
    Comparison,
    IsNull,
    Literal,
    Name,
    Node,
    Not,
    columns_of,
)
from tablewright.systems.htdbu.projection import Constraint
from tablewright.tables.encoding.layout import Layout

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

_ROUNDING = 0.01
_REPORTED = 0.005


@dataclass(frozen=True)
class Axis:
    """A column of few values, or a question about rows.

    Attributes
    ----------
    name : str
        The column, or the question's text.
    size : int
        Values, a missing one among them; 2 for a question: no, yes.
    question : Expression or None
    """

    name: str
    size: int
    question: Expression | None = None


@dataclass(frozen=True)
class Skeleton:
    """Cells, and how often each is to occur.

    Attributes
    ----------
    axes : tuple of Axis
        The target first.
    cells : ndarray of int, shape (n_cells, n_axes)
        Codes along the axes, ascending.
    real : ndarray of shape (n_cells,)
        Shares among the real rows.
    shares : ndarray of shape (n_cells,)
        Shares wanted.
    handled : frozenset of str
        Rules about shares, and soft rules about the cells alone, that it brings about.
    bands : tuple of Constraint
        What drawn numbers of rows have to meet.
    notes : tuple of str
        What was left out or gave way, a sentence each.
    """

    layout: Layout
    axes: tuple[Axis, ...]
    cells: Ints
    real: Floats
    shares: Floats
    handled: frozenset[str] = frozenset()
    bands: tuple[Constraint, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def effect(self) -> float:
        """Total variation distance from the real shares: what the rules change."""
        return 0.5 * float(np.abs(self.real - self.shares).sum())

    @property
    def intended(self) -> list[str]:
        """What rules change on purpose, so that it is not taken for an error of the texture."""
        if self.effect < _REPORTED:
            return []
        axes = ", ".join(axis.name for axis in self.axes)
        return [f"the rules change {self.effect:.1%} of the table on purpose, by its {axes}"]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are fixed before all others."""
        return tuple(axis.name for axis in self.axes if axis.question is None)

    @property
    def questions(self) -> tuple[Axis, ...]:
        """The axes that are questions, which come after the columns."""
        return tuple(axis for axis in self.axes if axis.question is not None)

    def cell_of_each_row(self, frame: pl.DataFrame) -> Ints:
        """Return the cell of each row."""
        return cell_of_each_row(self.axes, frame, self.layout)

    def shares_of(self, frame: pl.DataFrame) -> Floats:
        """Return the share of each cell among rows."""
        counts = np.bincount(self.cell_of_each_row(frame), minlength=len(self.cells))
        return np.asarray(counts / max(frame.height, 1))

    def distance(self, frame: pl.DataFrame) -> float:
        """Return the total variation distance of rows from the shares wanted."""
        return 0.5 * float(np.abs(self.shares_of(frame) - self.shares).sum())

    @property
    def values(self) -> pl.DataFrame:
        """The cells as rows of their columns, with the columns that are constant."""
        return cell_frame(self.axes, self.cells, self.layout)

    def frame(self) -> pl.DataFrame:
        """Return the cells with their values, real shares and shares wanted."""
        reported = self.values.select(self.columns)
        for axis in self.questions:
            answer = self.cells[:, self.axes.index(axis)].astype(bool)
            reported = reported.with_columns(pl.Series(axis.name, answer))
        return reported.with_columns(pl.Series("real", self.real), pl.Series("wanted", self.shares))

    # drawing ----------------------------------------------------------------------

    def counts(self, n_rows: int, rng: np.random.Generator) -> Ints:
        """Return whole numbers of rows of the cells: systematic sampling, one random number.

        Each cell, and each run of cells such as a class of the target, is off by less than one
        row, and right on average. Quotas are then met to the row.
        """
        edges = np.round(np.cumsum(self.shares) / self.shares.sum() * n_rows, 9)
        edges = np.floor(np.concatenate([[0.0], edges]) + rng.random())
        result: Ints = np.diff(edges).astype(np.intp)
        return _settled(result, self.shares * n_rows, self.bands, n_rows)

    def broken(self, counts: Ints) -> set[str]:
        """Return the names of bands that numbers of rows of the cells miss: quotas by a row."""
        n_rows = max(int(counts.sum()), 1)
        result = set()
        for band in self.bands:
            _, requested = band.wanted(counts / n_rows)
            off = np.abs(band.groups @ counts - requested * n_rows).max(initial=0.0)
            if off >= (1.0 if len(band.groups) == 1 else 1.0 + _ROUNDING * n_rows):
                result.add(band.name)
        return result

    def blocks(self, counts: Ints, size: int, rng: np.random.Generator) -> Iterator[Ints]:
        """Yield the cells of rows in random order, block by block; together they are `counts`."""
        left = counts
        while left.sum():
            now = rng.multivariate_hypergeometric(left, min(size, left.sum()), method="marginals")
            left = left - now
            yield rng.permutation(np.repeat(np.arange(len(now)), now))

    def condition(self, pattern: Sequence[int]) -> Expression | None:
        """Return what rows meet that answer the questions in one way; None without questions."""
        trees = [
            as_tree(a, code, self.layout) for a, code in zip(self.questions, pattern, strict=True)
        ]
        if not trees:
            return None
        tree = trees[0] if len(trees) == 1 else And(tuple(trees))
        return Expression(tree, self.layout.schema)


def column_axis(name: str, real: pl.DataFrame, layout: Layout) -> Axis:
    """Return the axis of a column; a missing value is a place on it where real rows have one."""
    levels = layout.codec.fields[layout.codec.positions[name]].levels
    return Axis(name, levels + bool(real[name].null_count()))


def _codes(axis: Axis, frame: pl.DataFrame, layout: Layout) -> Ints:
    if axis.question is not None:
        return axis.question.holds(frame).astype(np.intp)
    codes = layout.codec.encode_column(frame[axis.name])
    missing = layout.codec.fields[layout.codec.positions[axis.name]].levels
    return np.minimum(np.nan_to_num(codes, nan=missing), axis.size - 1).astype(np.intp)


def cell_of_each_row(axes: Sequence[Axis], frame: pl.DataFrame, layout: Layout) -> Ints:
    """Return the cell of each row."""
    if not axes:
        return np.zeros(frame.height, dtype=np.intp)
    codes = tuple(_codes(axis, frame, layout) for axis in axes)
    return np.asarray(np.ravel_multi_index(codes, [axis.size for axis in axes]), dtype=np.intp)


def cell_frame(axes: Sequence[Axis], cells: Ints, layout: Layout) -> pl.DataFrame:
    """Return the cells as rows of their columns, with the columns that are constant."""
    codec = layout.codec
    values = np.full((len(cells), len(codec.columns)), np.nan)
    names = [axis.name for axis in axes if axis.question is None]
    for k, axis in enumerate(axes):
        if axis.question is None:
            j = codec.positions[axis.name]
            missing = cells[:, k] == codec.fields[j].levels
            values[:, j] = np.where(missing, np.nan, cells[:, k])
    frame = codec.decode(values, names) if names else pl.DataFrame({"": np.zeros(len(cells))})
    for name in layout.constants.columns:
        frame = frame.with_columns(layout.constants[name].new_from_index(0, len(cells)))
    return frame


def as_tree(axis: Axis, code: int, layout: Layout) -> Node:
    """Return that a row is at one place of an axis, as an expression."""
    schema = layout.schema
    if axis.question is not None:
        tree = axis.question.tree
        if code == 1:
            return tree
        nullable = any(schema[name].nullable for name in columns_of(tree))
        return Not(Call("coalesce", (tree, Literal(False))) if nullable else tree)
    levels = layout.codec.levels(axis.name)
    if code == len(levels):
        return IsNull(Name(axis.name))
    return Comparison("=", Name(axis.name), Literal(levels[code]))


def _settled(counts: Ints, exact: Floats, bands: Sequence[Constraint], n_rows: int) -> Ints:
    """Move single rows between cells until quotas are met to the row."""
    result = counts.copy()
    for _ in range(8):
        moved = False
        for band in bands:
            if len(band.groups) != 1:
                continue
            group = band.groups[0]
            minimum = math.ceil(band.low[0] * n_rows - 1e-6)
            maximum = max(math.floor(band.high[0] * n_rows + 1e-6), minimum)
            missing = max(minimum - int(result[group].sum()), 0)
            surplus = max(int(result[group].sum()) - maximum, 0)
            moved |= bool(missing or surplus)
            _move(result, exact, ~group if missing else group, group if missing else ~group,
                  missing or surplus)  # fmt: skip
        if not moved:
            break
    return result


def _move(made: Ints, exact: Floats, giving: Bools, taking: Bools, n_rows: int) -> None:
    for _ in range(n_rows):
        over = np.where(giving & (made > 0), made - exact, -np.inf)
        under = np.where(taking & (exact > 0), exact - made, -np.inf)
        if np.isinf(over.max()) or np.isinf(under.max()):
            return
        made[int(over.argmax())] -= 1
        made[int(under.argmax())] += 1
