"""From a reply to rows: keep what is good, and say of every lost row why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.cells import CellError, read_cell
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.json_rows import JsonRows, ListRows
from tablewright.llm.rows.numbers import readings
from tablewright.llm.rows.raw_rows import LostRow, RawRow, RowFormat, lost
from tablewright.schema import Schema

__all__ = ["FORMATS", "Parsed", "ParsedRow", "parse_rows"]

FORMATS: dict[str, RowFormat] = {form.name: form for form in (CsvRows(), JsonRows(), ListRows())}
"""The formats that rows are asked for in, cheapest first."""

_LONGEST = 1_000_000
"""Characters of a reply that are read."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row whose cells are all of their columns' kinds.

    Attributes
    ----------
    number : int or None
        Its number; None where none were asked for.
    cells : dict
        From column name to value, in the order of the schema.
    group : str
        Letter of the group that it stood in, for formats that have groups.
    """

    number: int | None
    cells: dict[str, Cell]
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


def parse_rows(
    text: str,
    schema: Schema,
    row_format: RowFormat | str = "csv",
    numbers: Collection[int] | None = None,
    margin: float | None = 0.1,
    bad_cells: str = "lose",
) -> Parsed:
    r"""Read the rows of a reply.

    Parameters
    ----------
    text : str
        The reply: truncated, fenced, with prose around it, or not what was asked for.
    schema : Schema
        The columns that were asked for.
    row_format : RowFormat or {"csv", "json", "lists"}, default="csv"
        The format that was asked for; where it finds nothing, the others are tried.
    numbers : collection of int or None, default=None
        The row numbers that were asked for; others are lost, and so is a number's second
        row. None where rows carry no numbers.
    margin : float or None, default=0.1
        How far beyond its range a number may lie; see `read_cell`.
    bad_cells : {"lose", "missing"}, default="lose"
        Whether a cell that cannot be read costs the row or is missing in it.

    Returns
    -------
    Parsed

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "city": "text"})
    >>> found = parse_rows("Sure!\n_row,age,city\n1,31,Ulm\n2,old,Bonn", schema, numbers=[1, 2])
    >>> found.rows[0].cells, found.lost[0].reason
    ({'age': 31, 'city': 'Ulm'}, "column 'age': 'old' is no number")
    """
    asked = FORMATS[row_format] if isinstance(row_format, str) else row_format
    best: Parsed | None = None
    for form in [asked, *(other for other in FORMATS.values() if other.name != asked.name)]:
        found = _parse(text[:_LONGEST], schema, form, numbers, margin, bad_cells)
        if found.rows:
            return found
        if best is None or (found.lost and not best.lost):
            best = found
    return best or Parsed()


def _parse(
    text: str,
    schema: Schema,
    form: RowFormat,
    numbers: Collection[int] | None,
    margin: float | None,
    bad_cells: str,
) -> Parsed:
    parsed = Parsed()
    open_numbers = None if numbers is None else set(numbers)
    for raw in form.read(text, schema.names, numbers is not None):
        row = _read(raw, schema, open_numbers, margin, bad_cells)
        if isinstance(row, LostRow):
            parsed.lost.append(row)
            continue
        parsed.rows.append(row)
        if open_numbers is not None and row.number is not None:
            open_numbers.discard(row.number)
    return parsed


def _read(
    raw: RawRow | LostRow,
    schema: Schema,
    numbers: set[int] | None,
    margin: float | None,
    bad_cells: str,
) -> ParsedRow | LostRow:
    if isinstance(raw, LostRow):
        return raw
    number = None
    if numbers is not None:
        number = _whole(raw.number)
        if number is None:
            return lost("no row number", raw.source)
        if number not in numbers:
            return lost(f"row number {number} was not asked for, or came twice", raw.source, number)
    cells: dict[str, Cell] = {}
    for column in schema.each():
        try:
            cells[column.name] = read_cell(raw.cells[column.name], column, margin)
        except CellError as error:
            if bad_cells == "lose":
                return lost(f"column {column.name!r}: {error}", raw.source, number)
            cells[column.name] = None
    return ParsedRow(number, cells, raw.group)


def _whole(number: object) -> int | None:
    if isinstance(number, bool) or number is None:
        return None
    found = readings(str(number))
    return int(found[0]) if found and found[0] == int(found[0]) else None
