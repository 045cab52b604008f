"""What the stand-in model knows: a table far larger than the one the user has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import contingency

from tablewright.llm.prompts.sharing import Cell, plain
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.inference.infer import infer_schema

Floats = NDArray[np.float64]
_ROWS = 4_000
_NEAREST = 20


class Population:
    """Draw cells as they stand in a population, given other cells of the row.

    A column is drawn from one of the population's rows that are nearest in the columns it is
    conditioned on; numbers lie between two of them, so that whole rows are not repeated.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        The population; of more than 4,000 rows an even selection is used.
    schema : Schema or None, default=None
        Inferred where not given.
    target : str or None, default=None
        The label, if the schema does not name one.
    """

    def __init__(
        self, frame: pl.DataFrame, schema: Schema | None = None, target: str | None = None
    ) -> None:
        step = max(1, len(frame) // _ROWS)
        self.frame = frame.gather_every(step)
        self.schema = schema or infer_schema(self.frame, target=target)
        self.target = target or self.schema.target

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Cell]], schema: Schema) -> Population:
        """Make a population of rows, such as the examples of a prompt."""
        return cls(rows_to_frame(rows, schema), schema)

    @cached_property
    def cells(self) -> dict[str, list[Cell]]:
        """The population's cells, column by column."""
        return {
            name: [plain(value) for value in self.frame[name].to_list()]
            for name in self.schema.names
        }

    @cached_property
    def _ranks(self) -> dict[str, Floats]:
        """Return a rank from 0 to 1 for each cell, or the code of a category."""
        return {column.name: self._ranks_of(column) for column in self.schema.each()}

    def _ranks_of(self, column: Column) -> Floats:
        cells = self.cells[column.name]
        if _is_number(column):
            return self._rank(column.name, np.array([_number(cell) for cell in cells]))
        codes = {cell: float(code) for code, cell in enumerate(dict.fromkeys(cells))}
        return np.array([codes[cell] for cell in cells])

    def _rank(self, name: str, numbers: Floats) -> Floats:
        """Return the share of the population below each number; -1 for a missing one."""
        order = self._sorted[name]
        return np.where(np.isnan(numbers), -1.0, np.searchsorted(order, numbers) / len(order))

    @cached_property
    def _sorted(self) -> dict[str, Floats]:
        names = [column.name for column in self.schema.each() if _is_number(column)]
        present = ((n, [x for c in self.cells[n] if not np.isnan(x := _number(c))]) for n in names)
        return {name: np.sort(numbers) for name, numbers in present}

    def draw(
        self, name: str, row: Mapping[str, Cell], given: Sequence[str], rng: np.random.Generator
    ) -> Cell:
        """Draw one cell.

        Parameters
        ----------
        name : str
            The column.
        row : mapping
            The cells of the row so far.
        given : sequence of str
            Columns of it that the cell depends on.
        """
        if not given:
            pool = rng.integers(0, len(self.frame), size=2)
        else:
            distances = sum(self._distance(other, row[other]) for other in given)
            distances = np.asarray(distances) + 1e-6 * rng.random(len(self.frame))
            nearest = np.argpartition(distances, min(_NEAREST, len(self.frame) - 1))[:_NEAREST]
            pool = rng.choice(nearest, size=2)
        return self._between(self.schema[name], int(pool[0]), int(pool[1]), rng)

    def _distance(self, name: str, cell: Cell) -> Floats:
        if not _is_number(self.schema[name]):
            return np.array([float(candidate != cell) for candidate in self.cells[name]])
        rank = self._rank(name, np.array(_number(cell)))
        return np.minimum(1.0, 2.0 * np.abs(self._ranks[name] - rank))

    def _between(self, column: Column, first: int, second: int, rng: np.random.Generator) -> Cell:
        """Take the first row's cell; a continuous one is moved a little towards the second's."""
        cells = self.cells[column.name]
        one, other = cells[first], cells[second]
        if column.kind is not Kind.CONTINUOUS or one is None or other is None:
            return one
        value = float(one) + 0.2 * float(rng.random()) * (float(other) - float(one))
        return round(value, 6 if column.decimals is None else column.decimals)

    def association(self, first: str, second: str) -> float:
        """How much two columns tell of each other, from 0 to 1 (Cramer's V on bins)."""
        counts = contingency.crosstab(self._bins(first), self._bins(second)).count
        return float(contingency.association(counts)) if min(counts.shape) > 1 else 0.0

    def _bins(self, name: str) -> NDArray[np.int64]:
        ranks = self._ranks[name]
        binned = np.floor(ranks * 4) + 1 if _is_number(self.schema[name]) else ranks
        bins: NDArray[np.int64] = np.clip(binned, 0, 7).astype(np.int64)
        return bins


def _is_number(column: Column) -> bool:
    return column.kind in (Kind.CONTINUOUS, Kind.INTEGER)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")
