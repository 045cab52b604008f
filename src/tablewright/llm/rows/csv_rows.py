"""Rows as CSV, the header once: the fewest tokens."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.raw_rows import LostRow, RawRow, lost, match_names
from tablewright.schema import Schema

_FENCE = re.compile(r"^\s*(```|~~~)")
_BULLET = re.compile(r"^\s*(?:[-*•>]\s+|\d+[.)]\s+(?=\S))")
_RULE = re.compile(r"^[\s|:+\-=]+$")
_GROUP = re.compile(r"^\s*([A-Z]\d*)\.\s*$")
_JOIN = 20
"""Lines that a quoted cell may run over."""


@dataclass(frozen=True)
class CsvRows:
    """Comma-separated lines below a header.

    Read as well: other separators, Markdown tables, repeated or reordered headers, bullets,
    quoted cells over several lines, thousands separators that were not quoted. Lines of
    group letters (``A.``) give the rows below them their group.

    Attributes
    ----------
    name : str
        ``"csv"``.

    Examples
    --------
    >>> form = CsvRows()
    >>> text = form.write([{"age": 31, "home, town": "Ulm"}], ["age", "home, town"])
    >>> print(text)
    age,"home, town"
    31,Ulm
    >>> [row.cells for row in form.read(text, ["age", "home, town"])]
    [{'age': '31', 'home, town': 'Ulm'}]
    """

    name: str = "csv"

    def request(self, names: Sequence[str], n_rows: int) -> str:
        """Say in a prompt how rows are to be written."""
        return (
            f"Reply with CSV only, without any other text: this header once, then {n_rows} lines. "
            f"Put a cell in double quotes if it holds a comma or a quote.\n{write_line(names)}"
        )

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows below one header."""
        lines = [write_line([row.get(name) for name in names]) for row in rows]
        return "\n".join([write_line(names), *lines])

    def read(
        self, text: str, names: Sequence[str], known: Sequence[str] = ()
    ) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply."""
        return _Reader(list(names), list(known)).read(text)

    def schema(self, schema: Schema, n_rows: int) -> Mapping[str, Any] | None:
        """Return None: CSV is not JSON."""
        return None


def write_line(cells: Sequence[object]) -> str:
    """Write one line of CSV; line breaks and other control characters become blanks."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([_text(cell) for cell in cells])
    return buffer.getvalue()


def split_line(line: str, separator: str = ",", quote: str = '"') -> list[str]:
    """Split one line of CSV; blanks around cells go."""
    try:
        fields = next(
            csv.reader([line], delimiter=separator, quotechar=quote, skipinitialspace=True)
        )
    except (csv.Error, StopIteration):
        fields = line.split(separator)
    return [field.strip() for field in fields]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    text = repr(cell) if isinstance(cell, float) else str(cell)
    return "".join(character if character.isprintable() else " " for character in text)


class _Reader:
    """Reads one reply, line by line."""

    def __init__(self, names: list[str], known: list[str]) -> None:
        self.names, self.known = names, known
        self.heads = names
        self.separator, self.group = ",", ""

    def read(self, text: str) -> Iterator[RawRow | LostRow]:
        lines = _lines(text)
        lines = lines[self._first_header(lines) :]
        at = 0
        while at < len(lines):
            row, used = self._row(lines, at)
            at += used
            if row is not None:
                yield row

    def _first_header(self, lines: Sequence[str]) -> int:
        """Find the header and its separator; what comes before it is prose.

        Without a header lines are read in the order asked for. Prose with a comma could pass for
        a row of one or two columns: these need a header.
        """
        for at, line in enumerate(lines):
            for separator in (",", ";", "\t", "|"):
                if self._header(split_line(_bare(line, separator), separator)):
                    self.separator = separator
                    return at
        return 0 if len(self.names) > 2 else len(lines)

    def _header(self, fields: Sequence[str]) -> list[str] | None:
        """Return the columns that a line names, in its order, if it is a header."""
        matched = match_names(fields, [*self.names, *self.known])
        n_named = sum(name in matched.values() for name in self.names)
        if not n_named or len(matched) < 0.6 * len(fields) or n_named < 0.6 * len(self.names):
            return None
        return [matched.get(field, "") for field in fields]

    def _row(self, lines: Sequence[str], at: int) -> tuple[RawRow | LostRow | None, int]:
        """Read the row that begins at a line, and say how many lines it takes."""
        if (group := _GROUP.match(lines[at])) is not None:
            self.group = group[1]
            return None, 1
        source, fields, used = self._fields(lines, at)
        if (heads := self._header(fields)) is not None:
            self.heads = heads
            return None, 1
        if len(fields) != len(self.heads):
            return self._repaired(source, fields), used
        return self._cells(fields, source), used

    def _fields(self, lines: Sequence[str], at: int) -> tuple[str, list[str], int]:
        """Split a line, with the next ones where a quoted cell runs on."""
        source = _bare(lines[at], self.separator)
        if source.count('"') % 2:
            for used in range(2, min(_JOIN, len(lines) - at) + 1):
                if not lines[at + used - 1].count('"') % 2:
                    continue
                joined = " ".join([source, *lines[at + 1 : at + used]])
                fields = split_line(joined, self.separator)
                if len(fields) == len(self.heads):
                    return joined, fields, used
                break
        fields = split_line(source, self.separator)
        if len(fields) != len(self.heads):
            single = split_line(source, self.separator, quote="'")
            fields = single if len(single) == len(self.heads) else fields
        return source, fields, 1

    def _cells(self, fields: Sequence[str], source: str) -> RawRow | LostRow:
        cells = {name: cell for name, cell in zip(self.heads, fields, strict=True) if name}
        missing = [name for name in self.names if name not in cells]
        if missing:
            return lost(f"column {missing[0]!r} is missing", source)
        own = {name: cells.pop(name) for name in self.names}
        return RawRow(own, cells, self.group, source)

    def _repaired(self, source: str, fields: list[str]) -> RawRow | LostRow | None:
        """Try to read a line with the wrong number of fields; prose is no row."""
        n_fields = len(self.heads)
        while len(fields) > n_fields and not fields[-1]:
            fields.pop()
        merged = _merge(fields, n_fields)
        if merged is not None:
            return self._cells(merged, source)
        is_json = source.lstrip().startswith(("{", "["))
        if is_json or len(fields) < max(2, n_fields / 2):
            return None
        return lost(f"{len(fields)} fields instead of {n_fields}", source)


def _lines(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and not _FENCE.match(line)]
    return [line for line in lines if not _RULE.match(line)]


def _bare(line: str, separator: str) -> str:
    """Take bullets and the pipes around a Markdown row away."""
    line = _BULLET.sub("", line)
    return line.strip().strip("|") if separator == "|" else line


def _merge(fields: Sequence[str], n_fields: int) -> list[str] | None:
    """Put numbers together that were split at thousands separators, if there is one way to."""
    excess = len(fields) - n_fields
    joints = {
        at
        for at in range(1, len(fields))
        if re.fullmatch(r"\d{3}(\.\d+)?", fields[at])
        and re.fullmatch(r"[^\d]?-?\d{1,3}|\d{3}", fields[at - 1])
        and at > 1
    }
    if excess < 1 or len(joints) != excess:
        return None
    merged: list[str] = []
    for at, field in enumerate(fields):
        if at in joints:
            merged[-1] += "," + field
        else:
            merged.append(field)
    return merged
