"""Rows as JSON: objects with all column names, or lists without any."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.cells import MARGIN
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.llm.rows.raw_rows import LostRow, RawRow, lost, match_names
from tablewright.schema import Column, Kind, Schema


@dataclass(frozen=True)
class JsonRows:
    r"""A list of objects, one per row; the form that a schema can hold a model to.

    Examples
    --------
    >>> form = JsonRows()
    >>> form.write([{"home town": "Ulm"}], ["home town"])
    '{"rows": [\n{"home town": "Ulm"}\n]}'
    >>> [row.cells for row in form.read("Sure: {'Home_Town': 'Ulm',}, {", ["home town"])]
    [{'home town': 'Ulm'}]
    """

    name: str = "json"

    def request(self, names: Sequence[str], n_rows: int) -> str:
        """Say in a prompt how rows are to be written."""
        keys = ", ".join(json.dumps(name, ensure_ascii=False) for name in names)
        return (
            f'Reply with JSON only: {{"rows": [...]}} with exactly {n_rows} '
            f"object{'s' * (n_rows != 1)}, each on one line, with the keys {keys}, in this order."
        )

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows as objects."""
        objects = [{name: row[name] for name in names if name in row} for row in rows]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in objects)
        return '{"rows": [\n' + lines + "\n]}"

    def read(
        self, text: str, names: Sequence[str], known: Sequence[str] = ()
    ) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply."""
        at = 0
        for value, start, end in find_containers(text, "{"):
            yield from _cut_off(text[at:start], names)
            for row in _objects(value, names):
                yield _row(row, names, known)
            at = end
        yield from _cut_off(text[at:], names)

    def schema(self, schema: Schema, n_rows: int) -> Mapping[str, Any] | None:
        """Return a JSON Schema of a reply of so many rows."""
        row = closed_object({column.name: _field(column) for column in schema.each()})
        rows = {"type": "array", "items": row, "minItems": n_rows, "maxItems": n_rows}
        return closed_object({"rows": rows})


@dataclass(frozen=True)
class ListRows:
    """A list of lists without column names.

    Examples
    --------
    >>> [row.cells for row in ListRows().read("[[31, 'Ulm'], [47, 'Bonn']", ["age", "city"], False)]
    [{'age': 31, 'city': 'Ulm'}, {'age': 47, 'city': 'Bonn'}]
    """

    name: str = "lists"

    def request(self, names: Sequence[str], n_rows: int) -> str:
        """Say in a prompt how rows are to be written."""
        order = json.dumps(list(names), ensure_ascii=False)
        return (
            f"Reply with a JSON list of {n_rows} lists only, one inner list per row, in the order "
            f"{order}."
        )

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows as lists."""
        return json.dumps([[row.get(name) for name in names] for row in rows], ensure_ascii=False)

    def read(
        self, text: str, names: Sequence[str], known: Sequence[str] = ()
    ) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply."""
        for value, _, _ in find_containers(text, "["):
            for cells in _flat_lists(value):
                if [str(cell) for cell in cells] == list(names):
                    continue
                if len(cells) != len(names):
                    yield lost(f"{len(cells)} values instead of {len(names)}", str(cells))
                    continue
                yield RawRow(dict(zip(names, cells, strict=True)), source=str(cells))

    def schema(self, schema: Schema, n_rows: int) -> Mapping[str, Any] | None:
        """Return None: servers do not hold lists to an order of types."""
        return None


def _objects(value: Any, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Find the objects that are rows inside of one that may wrap them."""
    if isinstance(value, list):
        for part in value:
            yield from _objects(part, names)
    elif isinstance(value, dict):
        if match_names(list(value), names):
            yield value
        else:
            yield from _objects(list(value.values()), names)


def _row(
    written: Mapping[str, Any], names: Sequence[str], known: Sequence[str]
) -> RawRow | LostRow:
    meant = match_names([str(key) for key in written], [*names, *known])
    cells = {meant[str(key)]: value for key, value in written.items() if str(key) in meant}
    missing = [name for name in names if name not in cells]
    if missing:
        return lost(f"column {missing[0]!r} is missing", str(written))
    own = {name: cells.pop(name) for name in names}
    return RawRow(own, cells, source=str(written))


def _cut_off(text: str, names: Sequence[str]) -> Iterator[LostRow]:
    """Say what was lost in a stretch that could not be read: an object that names a column."""
    quoted = "|".join(re.escape(name) for name in names)
    for piece in re.split(r"(?=\{)", text):
        if piece.startswith("{") and re.search(rf"""["'“]?(?:{quoted})["'”]?\s*[:=]""", piece):
            yield lost("the object is cut off or broken", piece)


def _flat_lists(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list):
        if value and not any(isinstance(part, list | dict) for part in value):
            yield value
        for part in value:
            yield from _flat_lists(part)


def _field(column: Column) -> dict[str, Any]:
    """Describe a cell; ranges of decimal numbers are left out, since servers skip them silently."""
    if column.categories is not None and column.kind.is_discrete:
        values = list(column.categories) + ([None] if column.nullable else [])
        return {"enum": values}
    kinds = {Kind.INTEGER: "integer", Kind.CONTINUOUS: "number", Kind.TIMEDELTA: "number"}
    kind = kinds.get(column.kind, "string")
    form = {"format": "date"} if column.kind is Kind.DATE else _bounds(column)
    return {"type": [kind, "null"] if column.nullable else kind, **form}


def _bounds(column: Column) -> dict[str, int]:
    """Return the range of whole numbers, as wide as cells are read with."""
    low, high = column.minimum, column.maximum
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    if column.kind is not Kind.INTEGER or not numbers or column.sentinels:
        return {}
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    slack = MARGIN * (high - low)
    lowest = math.floor(low - slack)
    return {"minimum": max(0, lowest) if low >= 0 else lowest, "maximum": math.ceil(high + slack)}


def closed_object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object that has these keys and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
