"""From a reply to rows: keep what is good, and say of every lost row why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.cells import MARGIN, CellError, read_cell
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.json_rows import JsonRows, ListRows
from tablewright.llm.rows.raw_rows import LostRow, RawRow, RowFormat, lost
from tablewright.schema import Schema

FORMATS: dict[str, RowFormat] = {form.name: form for form in (CsvRows(), JsonRows(), ListRows())}
"""The formats that rows are asked for in, the first is the cheapest."""

_LONGEST = 1_000_000
"""Characters of a reply that are read."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row whose cells are all of their columns' kinds.

    Attributes
    ----------
    cells : dict
        From column name to value, in the order of the schema.
    index : int
        Its position among the rows of the reply, those that were lost included.
    given : mapping
        What the reply repeats of the cells that were given, as it was written.
    group : str
        Letter of the group that it stood in, for formats that have groups.
    """

    cells: dict[str, Cell]
    index: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True)
class Parsed:
    """What a reply holds.

    Attributes
    ----------
    rows : list of ParsedRow
        In the order of the reply.
    lost : list of LostRow
        What looked like a row and was none.
    """

    rows: list[ParsedRow] = field(default_factory=list)
    lost: list[LostRow] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        """Rows of the reply, lost ones included."""
        return len(self.rows) + len(self.lost)


def parse_rows(
    text: str,
    schema: Schema,
    row_format: RowFormat | str = "json",
    known: Sequence[str] = (),
    margin: float | None = MARGIN,
    bad_cells: str = "lose",
) -> Parsed:
    r"""Read the rows of a reply.

    Parameters
    ----------
    text : str
        The reply: truncated, fenced, with prose around it, or not what was asked for.
    schema : Schema
        The columns that were asked for.
    row_format : RowFormat or {"csv", "json", "lists"}, default="json"
        The format that was asked for; where it gives no row, the others are tried.
    known : sequence of str, default=()
        Other columns that rows of the reply may have too.
    margin : float or None, default=0.1
        How far beyond its range a number may lie; see `read_cell`.
    bad_cells : {"lose", "missing"}, default="lose"
        Whether a cell that cannot be read costs the row or is missing in it.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "city": "text"})
    >>> parsed = parse_rows("Sure!\nage,city\n31,Ulm\nold,Bonn", schema)
    >>> parsed.rows[0].cells, parsed.lost[0].reason
    ({'age': 31, 'city': 'Ulm'}, "column 'age': 'old' is no number")
    """
    text = text[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
    first = FORMATS[row_format] if isinstance(row_format, str) else row_format
    best: Parsed | None = None
    for form in [first, *(other for other in FORMATS.values() if other.name != first.name)]:
        parsed = Parsed()
        for raw in form.read(text, schema.names, known):
            row = _read(raw, parsed.n_rows, schema, margin, bad_cells)
            (parsed.lost if isinstance(row, LostRow) else parsed.rows).append(row)  # type: ignore[arg-type]  # each to its list
        if parsed.rows:
            return parsed
        if best is None or (parsed.lost and not best.lost):
            best = parsed
    return best or Parsed()


def _read(
    raw: RawRow | LostRow, index: int, schema: Schema, margin: float | None, bad_cells: str
) -> ParsedRow | LostRow:
    if isinstance(raw, LostRow):
        return raw
    cells: dict[str, Cell] = {}
    for column in schema.each():
        try:
            cells[column.name] = read_cell(raw.cells[column.name], column, margin)
        except CellError as error:
            if bad_cells == "lose":
                return lost(f"column {column.name!r}: {error}", raw.source)
            cells[column.name] = None
    return ParsedRow(cells, index, raw.given, raw.group)
