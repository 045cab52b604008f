"""How the stand-in model writes rows: from the population, with its faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.cells import CellError, read_cell
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.schema import Column, Kind, Schema
from tablewright.testing.faults import Faults
from tablewright.testing.population import Population
from tablewright.testing.reading import Order

_TRIES = 25


def write_rows(
    order: Order, population: Population, faults: Faults, rng: np.random.Generator
) -> list[dict[str, Cell]]:
    """Write the rows that an order asks for: cells of the columns asked for."""
    writer = _Writer(order, population, faults, rng)
    rows = [writer.row(index) for index in range(order.n_rows)]
    return [{name: row[name] for name in order.columns if name in row} for row in rows]


class _Writer:
    def __init__(
        self, order: Order, population: Population, faults: Faults, rng: np.random.Generator
    ) -> None:
        self.order, self.population, self.faults, self.rng = order, population, faults, rng
        self.schema = population.schema
        self.target = population.target
        favourites = np.random.default_rng(0).integers(0, len(population.frame), size=3)
        self.favourites = [int(index) for index in favourites]

    def row(self, index: int) -> dict[str, Cell]:
        given = self._given(self.order.given[index] if self.order.given else {})
        if self.order.examples and self._happens(self.faults.copies):
            row = self._copy()
        elif self._happens(self.faults.collapse):
            index = self.favourites[int(self.rng.integers(0, 3))]
            row = {name: self.population.cells[name][index] for name in self.order.columns}
        else:
            row = self._lawful(given)
        return self._spoil({**row, **given})

    def _given(self, written: Mapping[str, Any]) -> dict[str, Cell]:
        cells = {}
        for name, raw in written.items():
            if name in self.schema:
                column = self.schema[name].model_copy(update={"nullable": True})
                with suppress(CellError):
                    cells[name] = read_cell(raw, column, margin=None)
        return cells

    def _copy(self) -> dict[str, Cell]:
        example = self.order.examples[int(self.rng.integers(0, len(self.order.examples)))]
        return {name: example[name] for name in self.order.columns if name in example}

    def _lawful(self, given: Mapping[str, Cell]) -> dict[str, Cell]:
        """Draw a row that keeps the rules of the prompt, as far as the model is obedient."""
        row = self._draw(given)
        rules = self.order.rules if self._happens(self.faults.obedience) else []
        for _ in range(_TRIES):
            if all(self._keeps(row, rule) for rule in rules):
                break
            row = self._draw(given)
        return row

    def _keeps(self, row: Mapping[str, Cell], rule: Any) -> bool:
        if any(name not in row for name in rule.columns):
            return True
        frame = rows_to_frame([row], _part(self.schema, list(rule.columns)))
        return bool(rule.holds(frame, null=True)[0])

    def _draw(self, given: Mapping[str, Cell]) -> dict[str, Cell]:
        row = dict(given)
        for name in self._ordered():
            if name not in row and name in self.schema:
                row[name] = self.population.draw(name, row, self._depends_on(name, row), self.rng)
        return row

    def _ordered(self) -> list[str]:
        """Put parents before children, where the prompt has a graph."""
        graph, done = self.order.parents or {}, list[str]()
        left = list(self.order.columns)
        while left:
            ready = [n for n in left if all(p not in left for p in graph.get(n, []))] or left[:1]
            done.append(ready[0])
            left.remove(ready[0])
        return done

    def _depends_on(self, name: str, row: Mapping[str, Cell]) -> list[str]:
        before = [other for other in row if other in self.schema and other != name]
        if self._happens(self.faults.obedience):
            if self.order.parents is not None and name in self.order.parents:
                return [parent for parent in self.order.parents[name] if parent in row]
            if self.order.given:
                return before
        return before if self._happens(self.faults.dependence) else []

    def _spoil(self, row: dict[str, Cell]) -> dict[str, Cell]:
        if self._happens(self.faults.hallucinated):
            self._change(row, _is_discrete, lambda column: f"Other-{self.rng.integers(1, 9)}")
        if self._happens(self.faults.out_of_range):
            self._change(row, _is_number, self._far_out)
        if self.target in row and self.target in self.order.columns and self._mislabels(row):
            row[str(self.target)] = self._wrong_label(row[str(self.target)])
        return row

    def _change(self, row: dict[str, Cell], which: Any, how: Any) -> None:
        names = [name for name in self.order.columns if name in row and which(self.schema[name])]
        if names:
            name = names[int(self.rng.integers(0, len(names)))]
            row[name] = how(self.schema[name])

    def _far_out(self, column: Column) -> Cell:
        numbers = [float(cell) for cell in self.population.cells[column.name] if cell is not None]
        low, high = min(numbers), max(numbers)
        value = high + (high - low + 1.0) * (1.0 + float(self.rng.random()))
        return round(value) if column.kind is Kind.INTEGER else round(value, 3)

    def _mislabels(self, row: Mapping[str, Cell]) -> bool:
        if self.faults.label_rule != "split":
            return self._happens(self.faults.wrong_labels)
        first = next((n for n in row if n in self.schema and _is_number(self.schema[n])), None)
        if first is None or row[first] is None or not self._happens(self.faults.wrong_labels):
            return False
        numbers = [float(cell) for cell in self.population.cells[first] if cell is not None]
        return float(row[first] or 0.0) > float(np.median(numbers))

    def _wrong_label(self, label: Cell) -> Cell:
        classes = sorted(set(self.population.cells[str(self.target)]), key=str)
        others = [value for value in classes if value != label]
        if not others:
            return label
        if self.faults.label_rule == "random":
            return others[int(self.rng.integers(0, len(others)))]
        index = classes.index(label) if label in classes else 0
        return classes[(index + 1) % len(classes)]

    def _happens(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def _is_discrete(column: Column) -> bool:
    return column.kind.is_discrete


def _is_number(column: Column) -> bool:
    return column.kind in (Kind.CONTINUOUS, Kind.INTEGER)


def _part(schema: Schema, names: Sequence[str]) -> Schema:
    return schema.model_copy(
        update={"columns": [column for column in schema.each() if column.name in names],
                "target": None}
    )  # fmt: skip
