"""Replies as models spoil them: mutations whose effect on every row is known.

Some leave each row's meaning as it was (a fence, another separator, a unit); others destroy
rows (a missing field, a cut). So a test can say which rows have to be found again and that
no other may be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.csv_rows import split_line, write_line
from tablewright.llm.rows.parser import FORMATS, parse_rows
from tablewright.schema import Column, Kind, Schema

NUMBER = "_row"
"""A column of its own, by which a row is known again whatever happens to the reply."""

_PROSE = (
    "Sure! Here are the rows you asked for, as CSV, in order:",
    "Note: all values, e.g. 3,5 and 7, are synthetic.",
    "I hope this helps; let me know, please, if you need more!",
    "<think>\nThe user wants rows, so I write rows.\n</think>",
)


@dataclass
class Spoilt:
    """A reply, what it was made of, and what became of it.

    Attributes
    ----------
    text : str
        The reply.
    rows : dict of int to mapping
        Cells by row number, before anything happened.
    destroyed : set of int
        Numbers of rows that cannot be read any more.
    done : list of str
        Mutations, in order.
    """

    text: str
    rows: dict[int, Mapping[str, Cell]]
    schema: Schema
    form: str
    destroyed: set[int] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    @property
    def salvageable(self) -> dict[int, Mapping[str, Cell]]:
        """The rows that can still be read."""
        return {n: row for n, row in self.rows.items() if n not in self.destroyed}


def numbered(schema: Schema) -> Schema:
    """Return the columns of a spoilt reply."""
    return Schema(columns=[Column(name=NUMBER, kind=Kind.INTEGER), *schema.columns])


def read(text: str, schema: Schema, form: str) -> dict[int, dict[str, Cell]]:
    """Read the rows of a spoilt reply by their numbers."""
    rows = [row.cells for row in parse_rows(text, numbered(schema), form).rows]
    return {int(cells.pop(NUMBER) or 0): cells for cells in rows}


def spoil(
    rows: Sequence[Mapping[str, Cell]],
    schema: Schema,
    form: str,
    rng: np.random.Generator,
    n_mutations: int = 3,
) -> Spoilt:
    """Write rows in a format and spoil the text.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "city": "text"})
    >>> reply = spoil([{"age": 31, "city": "Ulm"}], schema, "csv", np.random.default_rng(0))
    >>> len(reply.done)
    3
    """
    written = [{NUMBER: number, **row} for number, row in enumerate(rows, 1)]
    text = FORMATS[form].write(written, [NUMBER, *schema.names])
    reply = Spoilt(text, dict(enumerate(rows, 1)), schema, form)
    possible = [name for name, (forms, _) in MUTATIONS.items() if form in forms]
    chosen = rng.choice(possible, size=min(n_mutations, len(possible)), replace=False)
    dressings = [name for name in chosen if name in _DRESSINGS]
    for name in sorted(set(chosen) - set(dressings[1:]), key=list(MUTATIONS).index):
        MUTATIONS[str(name)][1](reply, rng)
        reply.done.append(str(name))
    return reply


def _row_lines(reply: Spoilt) -> dict[int, int]:
    """Find the line of each row that is still whole."""
    result: dict[int, int] = {}
    for at, line in enumerate(reply.text.splitlines()):
        number = re.match(rf'\s*(?:\{{"{NUMBER}": )?(\d+),', line)
        if number and int(number[1]) not in reply.destroyed:
            result.setdefault(int(number[1]), at)
    return result


def _edit(reply: Spoilt, number: int, change: Callable[[str], str]) -> None:
    lines = reply.text.splitlines()
    at = _row_lines(reply)[number]
    lines[at] = change(lines[at])
    reply.text = "\n".join(lines)


def _some(reply: Spoilt, rng: np.random.Generator) -> list[int]:
    """Choose rows whose lines can be found, about a third of them."""
    return [number for number in _row_lines(reply) if rng.random() < 0.34]


def _cells(reply: Spoilt, number: int, change: Callable[[list[str]], list[str]]) -> None:
    _edit(reply, number, lambda line: write_line(change(split_line(line))))


def _short_row(reply: Spoilt, rng: np.random.Generator) -> None:
    for number in _some(reply, rng):
        if reply.form == "csv":
            _cells(reply, number, lambda cells: cells[:-1])
        else:
            _edit(reply, number, _without_last_key)
        reply.destroyed.add(number)


def _without_last_key(line: str) -> str:
    row = json.loads(line.rstrip(","))
    row.popitem()
    return json.dumps(row, ensure_ascii=False) + line[len(line.rstrip(",")) :]


def _long_row(reply: Spoilt, rng: np.random.Generator) -> None:
    for number in _some(reply, rng):
        _cells(reply, number, lambda cells: [*cells, "surplus", "cells"])
        reply.destroyed.add(number)


def _invented_category(reply: Spoilt, rng: np.random.Generator) -> None:
    names = [column.name for column in reply.schema.each() if column.categories]
    if names and reply.form == "csv":
        at = reply.schema.names.index(names[0]) + 1
        for number in _some(reply, rng):
            _cells(reply, number, lambda cells: [*cells[:at], "Atlantis", *cells[at + 1 :]])
            reply.destroyed.add(number)


def _other_case(reply: Spoilt, rng: np.random.Generator) -> None:
    names = [column.name for column in reply.schema.each() if column.categories]
    for number in _some(reply, rng):
        value = str(reply.rows[number][names[0]]) if names else ""
        # mypy does not infer lambdas that bind a loop variable by default
        _edit(reply, number, lambda line, value=value: line.replace(value, value.upper()))  # type: ignore[misc]


def _dress_number(reply: Spoilt, rng: np.random.Generator, dress: Callable[[float], str]) -> None:
    """Write the cells of one numeric column in another way."""
    kinds = (Kind.CONTINUOUS, Kind.INTEGER)
    names = [column.name for column in reply.schema.each() if column.kind in kinds]
    if not names:
        return
    at = reply.schema.names.index(names[0]) + 1
    for number in _some(reply, rng):
        cell = reply.rows[number][names[0]]
        if cell is not None:
            text = dress(float(cell))
            # mypy does not infer lambdas that bind a loop variable by default
            _cells(reply, number, lambda cells, text=text: [*cells[:at], text, *cells[at + 1 :]])  # type: ignore[misc]


def _thousands(reply: Spoilt, rng: np.random.Generator) -> None:
    _dress_number(reply, rng, lambda value: f"{value:,.15g}" if value >= 1000 else f"{value:.15g}")


def _bare_thousands(reply: Spoilt, rng: np.random.Generator) -> None:
    """Separate thousands and forget the quotes, so that the line seems to have more fields."""
    _thousands(reply, rng)
    reply.text = re.sub(r'(?<=,)"(\d{1,3}(?:,\d{3})+(?:\.\d+)?)"(?=,)', r"\1", reply.text)


def _unit(reply: Spoilt, rng: np.random.Generator) -> None:
    _dress_number(reply, rng, lambda value: f"{value:.15g} kg")


def _decimal_comma(reply: Spoilt, rng: np.random.Generator) -> None:
    _dress_number(reply, rng, lambda value: f"{value:.15g}".replace(".", ","))


def _shuffle(reply: Spoilt, rng: np.random.Generator) -> None:
    head, *lines = reply.text.splitlines()
    reply.text = "\n".join([head, *(lines[index] for index in rng.permutation(len(lines)))])


def _repeat_header(reply: Spoilt, rng: np.random.Generator) -> None:
    lines = reply.text.splitlines()
    lines.insert(1 + int(rng.integers(0, len(lines))), lines[0])
    reply.text = "\n".join(lines)


def _repeat_rows(reply: Spoilt, rng: np.random.Generator) -> None:
    lines = reply.text.splitlines()
    reply.text = "\n".join([*lines, *lines[1:3]])


def _bullets(reply: Spoilt, rng: np.random.Generator) -> None:
    reply.text = "\n".join(f"- {line}" for line in reply.text.splitlines())


def _semicolons(reply: Spoilt, rng: np.random.Generator) -> None:
    lines = (split_line(line) for line in reply.text.splitlines())
    if not any(";" in cell for line in lines for cell in line):
        cells = [split_line(line) for line in reply.text.splitlines()]
        reply.text = "\n".join(";".join(line) for line in cells)


def _single_quotes(reply: Spoilt, rng: np.random.Generator) -> None:
    if "'" not in reply.text and "\\" not in reply.text:
        reply.text = reply.text.replace('"', "'")


def _python_literals(reply: Spoilt, rng: np.random.Generator) -> None:
    for json_word, word in (("true", "True"), ("false", "False"), ("null", "None")):
        reply.text = re.sub(rf"(?<=: ){json_word}(?=[,}}])", word, reply.text)


def _trailing_commas(reply: Spoilt, rng: np.random.Generator) -> None:
    reply.text = re.sub(r"\}(?=,?$)", ",}", reply.text, flags=re.MULTILINE)


def _prose(reply: Spoilt, rng: np.random.Generator) -> None:
    before, after = rng.choice(len(_PROSE), size=2)
    reply.text = f"{_PROSE[before]}\n{reply.text}\n{_PROSE[after]}"


def _fence(reply: Spoilt, rng: np.random.Generator) -> None:
    reply.text = f"```{reply.form}\n{reply.text}\n```"


def _blank_lines(reply: Spoilt, rng: np.random.Generator) -> None:
    reply.text = reply.text.replace("\n", "\n\n")


def _cut(reply: Spoilt, rng: np.random.Generator) -> None:
    """Cut the text off; the row that the cut goes through may lose a part of its last cell."""
    keep = int(len(reply.text) * rng.uniform(0.3, 0.95))
    kept = reply.text[:keep]
    whole = kept if reply.form != "csv" and kept.endswith(("}", "},")) else _full_lines(kept)
    for number, row in reply.rows.items():
        if number not in reply.destroyed and not _holds(whole, reply, number, row):
            reply.destroyed.add(number)
    reply.text = kept if reply.form != "csv" else whole


def _full_lines(text: str) -> str:
    return text.rsplit("\n", 1)[0] + "\n"


def _holds(text: str, reply: Spoilt, number: int, row: Mapping[str, Cell]) -> bool:
    pattern = rf"""(?m)^\W*(?:["']?{NUMBER}["']?: )?{number}[,;].*$"""
    return re.search(pattern, text) is not None


_DRESSINGS = ("thousands separators", "thousands separators, no quotes", "units", "decimal commas")
"""Of these one at a time: a number is written in one way."""

_CSV, _JSON, _ANY = ("csv",), ("json",), ("csv", "json")
MUTATIONS: dict[str, tuple[tuple[str, ...], Callable[[Spoilt, np.random.Generator], None]]] = {
    "a field is missing": (_ANY, _short_row),
    "surplus fields": (_CSV, _long_row),
    "an invented category": (_CSV, _invented_category),
    "categories in other case": (_CSV, _other_case),
    "thousands separators": (_CSV, _thousands),
    "thousands separators, no quotes": (_CSV, _bare_thousands),
    "units": (_CSV, _unit),
    "decimal commas": (_CSV, _decimal_comma),
    "rows in another order": (_CSV, _shuffle),
    "semicolons": (_CSV, _semicolons),
    "a repeated header": (_CSV, _repeat_header),
    "repeated rows": (_CSV, _repeat_rows),
    "bullets": (_CSV, _bullets),
    "Python's literals": (_JSON, _python_literals),
    "trailing commas": (_JSON, _trailing_commas),
    "single quotes": (_JSON, _single_quotes),
    "blank lines": (_ANY, _blank_lines),
    "cut off": (_ANY, _cut),
    "prose around it": (_ANY, _prose),
    "a code fence": (_ANY, _fence),
}
"""By name: the formats that it is for, and what it does; applied in this order."""
