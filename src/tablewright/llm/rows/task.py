"""What rows a model is to write, and the prompt that asks for some of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import Condition, PromptBuilder
from tablewright.llm.prompts.sharing import Cell, Share, Sharing
from tablewright.llm.rows.cells import MARGIN
from tablewright.llm.rows.raw_rows import RowFormat
from tablewright.schema import Column, Kind, Schema

Row = Mapping[str, Cell]

SPLIT = 100_003
"""Batch numbers from here on are parts of a batch that was too long: its number modulo this."""

_WORDS = "some words"
_COPY = "Write new rows like these; do not copy them."


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
    conditions : sequence of Condition, default=()
        What every row keeps.
    given : sequence of mapping, default=()
        For each row to write, cells that are fixed; the model is shown them and writes the rest.
    given_level : {"schema", "summary", "rows"} or None, default=None
        What has to be shared for those to leave, where they are of the user's table; they count
        as sent then. None where a model wrote them.
    stage, role : str
        For the ledger and the usage by role.
    temperature, top_p : float or None, default=None
        Sampling parameters.
    margin : float or None, default=0.1
        How far beyond its range a number may lie; see `read_cell`.
    bad_cells : {"lose", "missing"}, default="lose"
        What a cell costs that cannot be read.
    build : callable or None, default=None
        Makes the prompt of a `RowRequest`; None takes `row_prompt`.
    """

    schema: Schema
    instructions: str = ""
    system: str = ""
    others: Schema | None = None
    table: pl.DataFrame | None = None
    examples: Callable[[int], pl.DataFrame] | None = None
    conditions: Sequence[Condition] = ()
    given: Sequence[Row] = ()
    given_level: Share | None = None
    stage: str = "rows"
    role: str = ""
    temperature: float | None = None
    top_p: float | None = None
    margin: float | None = MARGIN
    bad_cells: str = "lose"
    build: Callable[[RowRequest], Prompt] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether whole rows are written, not columns of rows that others have begun."""
        return not self.given and not self.others


@dataclass(frozen=True)
class RowRequest:
    """One request for some rows of a task.

    Attributes
    ----------
    task : RowTask
    sharing : Sharing
        What may leave the machine.
    row_format : RowFormat
        How rows are to be written.
    batch : int
        Number of the batch, from 0; draws the examples.
    n_rows : int
        Rows to write.
    given : tuple of mapping
        For each of them its given cells; empty where there are none.
    n_examples : int or None
        Examples to show at most; None shows all that are drawn.
    """

    task: RowTask
    sharing: Sharing
    row_format: RowFormat
    batch: int
    n_rows: int
    given: tuple[Row, ...] = ()
    n_examples: int | None = None

    @cached_property
    def example_frame(self) -> pl.DataFrame | None:
        """The rows to show; None where none may be shown."""
        if self.task.examples is None or not self.sharing.allows("rows"):
            return None
        frame = self.task.examples(self.batch)
        return frame if self.n_examples is None else frame.head(self.n_examples)

    @cached_property
    def echoes(self) -> frozenset[tuple[Cell, ...]]:
        """Whole rows and texts that stand in the prompt, so that they are no answer."""
        frame, names = self.example_frame, self.task.schema.names
        hidden = set(names) & set(self.sharing.redact)
        repeats = any(column.kind is not Kind.TEXT for column in self.task.schema.each())
        if frame is None or hidden or (repeats and not self.task.is_whole):
            return frozenset()  # cells of a few columns repeat in any table, texts do not
        return frozenset(tuple(row.values()) for row in self.sharing.cells(frame.select(names)))


def row_prompt(request: RowRequest) -> Prompt:
    """Make the prompt that asks for rows: what stays the same stands first."""
    task, form = request.task, request.row_format
    builder = PromptBuilder(request.sharing, task.table)
    builder.say(task.instructions).columns(task.schema, "Columns to write:")
    builder.columns(task.others or Schema(columns=[]), "Other columns of the table:", summary=False)
    builder.conditions(task.conditions, "Every row keeps these conditions:").note()
    given = builder.admit_given(request.given, task.given_level)
    if any(given):
        _add_given(builder, request, given)
    else:
        _add_examples(builder, request)
        builder.say(f"Write {request.n_rows} new rows.")
    builder.say(form.request(task.schema.names, request.n_rows))
    expected = expected_reply(request)
    return builder.prompt(
        task.system,
        temperature=task.temperature,
        top_p=task.top_p,
        stage=task.stage,
        role=task.role,
        schema=form.schema(builder.reply_columns(task.schema), request.n_rows),
        max_tokens=256 + 2 * estimate_tokens(expected),
        expected=expected,
    )


def _add_examples(builder: PromptBuilder, request: RowRequest) -> None:
    if request.example_frame is None:
        return
    names = request.task.schema.names
    kept = [name for name in names if name in request.example_frame.columns]
    rows = builder.admit(request.example_frame.select(kept))
    heading = f"Rows of the table, as examples. {_COPY}"
    builder.rows(rows, lambda shown: request.row_format.write(shown, list(shown[0])), heading)


def _add_given(
    builder: PromptBuilder, request: RowRequest, given: Sequence[Mapping[str, Cell]]
) -> None:
    """Show rows that are begun, one a line, below examples that are begun and completed."""
    names = request.task.schema.names
    if (frame := request.example_frame) is not None:
        known = [name for name in frame.columns if name in given[0]]
        rows = builder.admit(frame.select(*known, *(n for n in names if n in frame.columns)))
        heading = f"Examples: what is given of a row => what belongs to it. {_COPY}"
        builder.rows(rows, lambda shown: "\n".join(_pair(row, known) for row in shown), heading)
    builder.rows(
        given,
        lambda shown: "\n".join(_line(row) for row in shown),
        f"These {len(given)} rows are begun. For each of them, in this order, write the columns "
        f"asked for, so that they fit what is given:",
    )


def _pair(row: Row, known: Sequence[str]) -> str:
    own = {name: cell for name, cell in row.items() if name not in known}
    return f"{_line({n: row[n] for n in known if n in row})} => {_line(own)}"


def _line(row: Row) -> str:
    return json.dumps(dict(row), ensure_ascii=False)


def expected_reply(request: RowRequest) -> str:
    """Write rows of usual values: what a reply is expected to look like, and to cost."""
    row = {column.name: placeholder(column) for column in request.task.schema.each()}
    if (shown := request.example_frame) is not None:
        row |= {name: _usual_text(shown[name]) for name, cell in row.items()
                if cell == _WORDS and name in shown.columns and shown.height}  # fmt: skip
    return request.row_format.write([row] * request.n_rows, request.task.schema.names)


def _usual_text(series: pl.Series) -> str:
    """Return the words of the text of median length, the last one first: it is no example."""
    texts = sorted(series.drop_nulls().cast(pl.String).to_list(), key=len)
    words = texts[len(texts) // 2].split() if texts else []
    return " ".join(reversed(words)) if len(set(words)) > 1 else _WORDS


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
    return True if column.kind is Kind.BOOLEAN else _WORDS
