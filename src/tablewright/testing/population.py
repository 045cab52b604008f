"""What the stand-in model knows: a table far larger than the one the user has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

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
    def _places(self) -> dict[str, Floats]:
        """Where each cell stands: a rank from 0 to 1, or the code of a category."""
        return {column.name: self._place(column) for column in self.schema.each()}

    def _place(self, column: Column) -> Floats:
        cells = self.cells[column.name]
        if not _is_number(column):
            codes = {cell: float(code) for code, cell in enumerate(dict.fromkeys(cells))}
            return np.array([codes[cell] for cell in cells])
        order = self._sorted[column.name]
        numbers = np.array([_number(cell) for cell in cells])
        return np.where(np.isnan(numbers), -1.0, np.searchsorted(order, numbers) / len(order))

    @cached_property
    def _sorted(self) -> dict[str, Floats]:
        result = {}
        for column in self.schema.each():
            if _is_number(column):
                numbers = np.array([_number(cell) for cell in self.cells[column.name]])
                result[column.name] = np.sort(numbers[~np.isnan(numbers)])
        return result

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
        column, indices = self.schema[name], self._places[name]
        if not _is_number(column):
            same = [candidate == cell for candidate in self.cells[name]]
            return 1.0 - np.array(same, dtype=np.float64)
        number = _number(cell)
        order = self._sorted[name]
        index = -1.0 if np.isnan(number) else float(np.searchsorted(order, number) / len(order))
        return np.minimum(1.0, 2.0 * np.abs(indices - index))

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
        table = np.zeros((8, 8))
        np.add.at(table, (self._bins(first), self._bins(second)), 1.0)
        table = table[table.sum(1) > 0][:, table.sum(0) > 0]
        expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
        smallest = min(table.shape) - 1
        chi2 = float(((table - expected) ** 2 / expected).sum())
        return float(np.sqrt(chi2 / (table.sum() * smallest))) if smallest else 0.0

    def _bins(self, name: str) -> NDArray[np.int64]:
        indices = self._places[name]
        binned = np.floor(indices * 4) + 1 if _is_number(self.schema[name]) else indices
        bins: NDArray[np.int64] = np.clip(binned, 0, 7).astype(np.int64)
        return bins


def _is_number(column: Column) -> bool:
    return column.kind in (Kind.CONTINUOUS, Kind.INTEGER)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return float("nan")
