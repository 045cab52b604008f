"""Rows as JSON: objects with all column names, or lists without any."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.llm.rows.raw_rows import NUMBER, LostRow, RawRow, lost, match_names
from tablewright.schema import Column, Kind, Schema

__all__ = ["JsonRows", "ListRows"]


@dataclass(frozen=True)
class JsonRows:
    r"""A list of objects, one per row; the form that a schema can hold a model to.

    Examples
    --------
    >>> form = JsonRows()
    >>> text = form.write([{"_row": 1, "home town": "Ulm"}], ["home town"])
    >>> text
    '{"rows": [\n{"_row": 1, "home town": "Ulm"}\n]}'
    >>> [row.cells for row in form.read("Sure: {'_row': 1, 'Home_Town': 'Ulm',}, {", ["home town"],
    ...     numbered=True)]
    [{'home town': 'Ulm'}]
    """

    name: str = "json"

    def request(self, names: Sequence[str], numbered: bool) -> str:
        """Say in a prompt how rows are to be written."""
        heads = [NUMBER, *names] if numbered else list(names)
        keys = ", ".join(json.dumps(name, ensure_ascii=False) for name in heads)
        return (
            'Reply with JSON only: {"rows": [...]} with one object per row, each with the keys '
            f"{keys}."
        )

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows as objects."""
        heads = [NUMBER, *names]
        objects = [{name: row[name] for name in heads if name in row} for row in rows]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in objects)
        return '{"rows": [\n' + lines + "\n]}"

    def read(self, text: str, names: Sequence[str], numbered: bool) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply."""
        at = 0
        for value, start, end in find_containers(text, "{"):
            yield from _cut_off(text[at:start], names)
            for row in _objects(value, names):
                yield _row(row, names, text[start:end])
            at = end
        yield from _cut_off(text[at:], names)

    def schema(self, schema: Schema, numbered: bool) -> Mapping[str, Any] | None:
        """Return a JSON Schema of the reply."""
        fields = {column.name: _field(column) for column in schema.each()}
        if numbered:
            fields = {NUMBER: {"type": "integer"}, **fields}
        return _closed({"rows": {"type": "array", "items": _closed(fields)}})


@dataclass(frozen=True)
class ListRows:
    """A list of lists without column names.

    Examples
    --------
    >>> [row.cells for row in ListRows().read("[[31, 'Ulm'], [47, 'Bonn']", ["age", "city"], False)]
    [{'age': 31, 'city': 'Ulm'}, {'age': 47, 'city': 'Bonn'}]
    """

    name: str = "lists"

    def request(self, names: Sequence[str], numbered: bool) -> str:
        """Say in a prompt how rows are to be written."""
        heads = [NUMBER, *names] if numbered else list(names)
        order = json.dumps(heads, ensure_ascii=False)
        return (
            f"Reply with a JSON list of lists only, one inner list per row, in the order {order}."
        )

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows as lists."""
        numbered = any(NUMBER in row for row in rows)
        heads = [NUMBER, *names] if numbered else list(names)
        return json.dumps([[row.get(name) for name in heads] for row in rows], ensure_ascii=False)

    def read(self, text: str, names: Sequence[str], numbered: bool) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply."""
        heads = [NUMBER, *names] if numbered else list(names)
        for value, start, end in find_containers(text, "["):
            for cells in _flat_lists(value):
                if [str(cell) for cell in cells] == heads:
                    continue
                if len(cells) != len(heads):
                    yield lost(f"{len(cells)} values instead of {len(heads)}", text[start:end])
                    continue
                row = dict(zip(heads, cells, strict=True))
                yield RawRow(row.pop(NUMBER, None), row, source=str(cells))

    def schema(self, schema: Schema, numbered: bool) -> Mapping[str, Any] | None:
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


def _row(found: Mapping[str, Any], names: Sequence[str], source: str) -> RawRow | LostRow:
    meant = match_names([str(key) for key in found], [NUMBER, *names])
    cells = {meant[str(key)]: value for key, value in found.items() if str(key) in meant}
    number = cells.pop(NUMBER, None)
    missing = [name for name in names if name not in cells]
    if missing:
        return lost(f"column {missing[0]!r} is missing", source)
    return RawRow(number, cells, source=source)


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
    """Describe a cell; ranges and patterns are left out, since servers skip them silently."""
    if column.categories is not None and column.kind.is_discrete:
        values = list(column.categories) + ([None] if column.nullable else [])
        return {"enum": values}
    kinds = {Kind.INTEGER: "integer", Kind.CONTINUOUS: "number", Kind.TIMEDELTA: "number"}
    kind = kinds.get(column.kind, "string")
    return {"type": [kind, "null"] if column.nullable else kind}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
