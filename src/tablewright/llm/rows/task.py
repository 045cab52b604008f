"""What rows are wanted of a model, and the prompt that asks for some of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tablewright.errors import InputError
from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.delimiters import DATA_NOTE, fenced
from tablewright.llm.prompts.sharing import Cell, Shared, Sharing, count_cells
from tablewright.llm.rows.raw_rows import NUMBER, RowFormat
from tablewright.schema import Column, Kind, Schema

__all__ = ["SPLIT", "Ask", "RowTask", "placeholder", "row_prompt"]

Row = Mapping[str, Cell]

SPLIT = 100_003
"""Batch numbers from here on are parts of a batch that was too long: its number modulo this."""


@dataclass(frozen=True)
class RowTask:
    """Rows that a model is to write.

    Parameters
    ----------
    schema : Schema
        The columns to write, in the order to write them in.
    instructions : str, default=""
        What the rows are about; plain text, put into the prompt as it is.
    system : str, default=""
        What the model is told to be.
    others : Schema or None, default=None
        Columns of the table that are not to be written, described so that rows fit them.
    table : DataFrame or None, default=None
        The user's table: described in the prompt as far as it may leave the machine.
    examples : callable or None, default=None
        Rows of the table to show, as a frame, for the number of a batch. They are left out
        where rows may not leave.
    given : sequence of mapping, default=()
        For each row wanted, cells that are fixed; the model is shown them and writes the rest.
    given_is_real : bool, default=False
        Whether those are the user's cells, so that they count as sent.
    stage, role : str
        For the ledger and the bill.
    temperature, top_p : float or None, default=None
        Sampling parameters.
    numbered : bool, default=True
        Whether rows carry numbers; published formats have none.
    margin : float or None, default=0.1
        How far beyond its range a number may lie; see `read_cell`.
    bad_cells : {"lose", "missing"}, default="lose"
        What a cell costs that cannot be read.
    build : callable or None, default=None
        Makes the prompt of an `Ask`; None takes `row_prompt`.
    """

    schema: Schema
    instructions: str = ""
    system: str = ""
    others: Schema | None = None
    table: pl.DataFrame | None = None
    examples: Callable[[int], pl.DataFrame] | None = None
    given: Sequence[Row] = ()
    given_is_real: bool = False
    stage: str = "rows"
    role: str = ""
    temperature: float | None = None
    top_p: float | None = None
    numbered: bool = True
    margin: float | None = 0.1
    bad_cells: str = "lose"
    build: Callable[[Ask], Prompt] | None = None

    def __post_init__(self) -> None:
        if NUMBER in self.schema or any(NUMBER in row for row in self.given):
            raise InputError(f"column {NUMBER!r} is the name of our row numbers; rename yours")
        if self.given and not self.numbered:
            raise InputError("rows with given cells need numbers: they are joined by them")


@dataclass(frozen=True)
class Ask:
    """One request for some rows of a task.

    Attributes
    ----------
    task : RowTask
        What is wanted in all.
    sharing : Sharing
        What may leave the machine.
    row_format : RowFormat
        How rows are to be written.
    batch : int
        Number of the batch, from 0; draws the examples.
    numbers : tuple of int
        Numbers of the rows wanted, from 1 inside of the batch.
    given : tuple of mapping
        For each of them its given cells; empty where there are none.
    n_examples : int or None
        Examples to show at most; None shows all that are drawn.
    """

    task: RowTask
    sharing: Sharing
    row_format: RowFormat
    batch: int
    numbers: tuple[int, ...]
    given: tuple[Row, ...] = ()
    n_examples: int | None = None

    def shown_examples(self) -> list[dict[str, Cell]]:
        """Return the rows that may be shown."""
        if self.task.examples is None or not self.sharing.allows("rows"):
            return []
        frame = self.task.examples(self.batch)
        return self.sharing.cells(frame if self.n_examples is None else frame.head(self.n_examples))

    def shown_given(self) -> list[dict[str, Cell]]:
        """Return the given cells that may be shown."""
        hidden = set(self.sharing.redact) if self.task.given_is_real else set()
        return [
            {name: cell for name, cell in row.items() if name not in hidden} for row in self.given
        ]


def row_prompt(ask: Ask) -> Prompt:
    """Make the prompt that asks for rows.

    What stays the same from call to call stands first, so that providers can cache it.
    """
    task, form = ask.task, ask.row_format
    examples, given = ask.shown_examples(), ask.shown_given()
    described = ask.sharing.describe(task.schema, task.table)
    others = Shared("")
    if task.others is not None:
        others = ask.sharing.describe(task.others, task.table, briefly=True)
    parts = [
        task.instructions,
        "The columns:\n" + fenced(described.text),
        "Other columns of the table:\n" + fenced(others.text) if others.text else "",
        DATA_NOTE,
        _examples(examples, form),
        _wanted(ask, given, form),
        form.request(task.schema.names, task.numbered),
    ]
    sent = Counter(described.cells)
    sent.update(others.cells)
    sent.update(count_cells(examples))
    sent.update(count_cells(given) if task.given_is_real else {})
    expected = expected_reply(ask)
    return Prompt.ask(
        "\n\n".join(part for part in parts if part),
        system=task.system,
        temperature=task.temperature,
        top_p=task.top_p,
        stage=task.stage,
        role=task.role,
        schema=form.schema(ask.sharing.told(task.schema), task.numbered),
        max_tokens=256 + 2 * estimate_tokens(expected),
        expected=expected,
        sent=dict(sent),
    )


def _examples(examples: Sequence[Row], form: RowFormat) -> str:
    if not examples:
        return ""
    names = list(examples[0])
    return "Rows of the table, as examples. Write new rows like them; do not copy them.\n" + fenced(
        form.write(examples, names)
    )


def _wanted(ask: Ask, given: Sequence[Row], form: RowFormat) -> str:
    if not ask.task.numbered:
        return f"Write {len(ask.numbers)} new rows."
    if not given:
        return f"Write {len(ask.numbers)} new rows, numbered {_ranges(ask.numbers)}."
    numbered = [{NUMBER: number, **row} for number, row in zip(ask.numbers, given, strict=True)]
    return (
        f"These {len(given)} rows are begun. Keep their numbers, and write for each of them only "
        "the columns asked for, so that they fit what is given.\n"
        + fenced(form.write(numbered, list(given[0])))
    )


def _ranges(numbers: Sequence[int]) -> str:
    """Write numbers briefly.

    Examples
    --------
    >>> _ranges([1, 2, 3, 7])
    '1 to 3, 7'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def expected_reply(ask: Ask) -> str:
    """Write rows of usual values: what a reply is expected to look like, and to cost."""
    row = {column.name: placeholder(column) for column in ask.task.schema.each()}
    numbered = [{NUMBER: number, **row} if ask.task.numbered else row for number in ask.numbers]
    return ask.row_format.write(numbered, ask.task.schema.names)


def placeholder(column: Column) -> Cell:
    """Return a usual value of a column, such as the middle of its range.

    Examples
    --------
    >>> placeholder(Column(name="age", kind=Kind.INTEGER, minimum=18, maximum=90))
    54
    """
    if column.categories:
        return column.categories[len(column.categories) // 2]
    low, high = column.minimum, column.maximum
    if column.kind in (Kind.DATE, Kind.DATETIME):
        usual = "2020-06-15" if column.kind is Kind.DATE else "2020-06-15T12:00:00"
        return low if isinstance(low, str) else usual
    if column.kind.is_numeric:
        ends = [float(end) for end in (low, high) if isinstance(end, int | float)]
        middle = sum(ends) / len(ends) if ends else 12.0
        return int(middle) if column.kind is Kind.INTEGER else round(middle, column.decimals or 2)
    return True if column.kind is Kind.BOOLEAN else "some words"
