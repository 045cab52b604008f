"""Ask a model for rows, batch by batch, and again only for what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from tablewright.errors import ContextLengthError, InputError, ModelError
from tablewright.llm.endpoint.base import LLM, Prompt, Reply, Usage, complete_all
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.sharing import Cell, Sharing
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.llm.rows.parser import FORMATS, Parsed, ParsedRow, parse_rows
from tablewright.llm.rows.raw_rows import LostRow, RowFormat
from tablewright.llm.rows.task import SPLIT, Ask, RowTask, row_prompt

__all__ = ["RowsWritten", "request_rows", "request_together"]

_GOOD_SHARE = 0.7
"""Share of the first batch that has to be usable for CSV to be kept to."""


@dataclass
class RowsWritten:
    """What a model wrote.

    Attributes
    ----------
    rows : dict of int to ParsedRow
        By their place among the rows asked for, from 0.
    lost : list of LostRow
        What was not usable, with the reason; a row that was lost may have come later.
    n_wanted : int
        Rows asked for.
    row_format : str
        Format that the rows were asked for in, at last.
    usage : Usage
        Tokens of the replies that were used.
    failures : list of ModelError
        Requests without a reply.
    stopped : ModelError or None
        What ended the requests before their time: a cap, or an endpoint that cannot be used.
    """

    n_wanted: int
    rows: dict[int, ParsedRow] = field(default_factory=dict)
    lost: list[LostRow] = field(default_factory=list)
    row_format: str = ""
    usage: Usage = field(default_factory=Usage)
    failures: list[ModelError] = field(default_factory=list)
    stopped: ModelError | None = None

    @property
    def missing(self) -> list[int]:
        """Places that have no row."""
        return [place for place in range(self.n_wanted) if place not in self.rows]

    @property
    def cells(self) -> list[dict[str, Cell]]:
        """The rows in the order of their places."""
        return [self.rows[place].cells for place in sorted(self.rows)]

    def frame(self, task: RowTask) -> pl.DataFrame:
        """Return the rows as a frame, with the data types of their kinds."""
        return rows_to_frame(self.cells, task.schema)

    def reasons(self) -> Mapping[str, int]:
        """Count the reasons that rows were lost for, most frequent first."""
        counted: dict[str, int] = {}
        for row in self.lost:
            counted[row.reason] = counted.get(row.reason, 0) + 1
        return dict(sorted(counted.items(), key=lambda item: -item[1]))


@dataclass
class _Batch:
    """Rows that are asked for together; numbers in it run from 1."""

    index: int
    first: int
    open: list[int]
    n_examples: int | None = None
    round: int = 0


def request_rows(
    llm: LLM,
    task: RowTask,
    n_rows: int | None = None,
    *,
    seed: int = 0,
    batch_size: int = 20,
    row_format: RowFormat | Literal["auto", "csv", "json", "lists"] = "auto",
    rounds: int = 3,
    on_progress: Callable[[int], None] | None = None,
) -> RowsWritten:
    r"""Ask a model for rows.

    Parameters
    ----------
    llm : LLM
        The model. What `connect` returns also says what may leave the machine.
    task : RowTask
        What is wanted.
    n_rows : int or None, default=None
        Rows wanted; None takes one for each of the task's given rows.
    seed : int, default=0
        The same seed and the same replies give the same rows, in whatever order replies come.
    batch_size : int, default=20
        Rows asked for in one call.
    row_format : RowFormat or {"auto", "csv", "json", "lists"}, default="auto"
        ``"auto"`` asks for the first batch in CSV and goes on in JSON, held to a schema,
        where less than 70 % of it is usable.
    rounds : int, default=3
        How often a row is asked for at most.
    on_progress : callable, optional
        Called with the number of rows so far.

    Returns
    -------
    RowsWritten
        With the rows so far where a cap was reached: see its `stopped`.

    Raises
    ------
    InputError
        If `n_rows` does not fit, or a column is too wide for the model.

    Examples
    --------
    >>> from tablewright.llm.endpoint.scripted import Scripted
    >>> from tablewright.schema import Schema
    >>> llm = Scripted(["_row,age\n1,31\n2,x", "_row,age\n2,47"])
    >>> written = request_rows(llm, RowTask(Schema.build({"age": "integer"})), 2)
    >>> written.cells, written.reasons()
    ([{'age': 31}, {'age': 47}], {"column 'age': 'x' is no number": 1})
    """
    return request_together(
        llm,
        [task],
        n_rows,
        seed=seed,
        batch_size=batch_size,
        row_format=row_format,
        rounds=rounds,
        on_progress=on_progress,
    )[0]


def request_together(
    llm: LLM,
    tasks: Sequence[RowTask],
    n_rows: int | None = None,
    *,
    seed: int = 0,
    batch_size: int = 20,
    row_format: RowFormat | Literal["auto", "csv", "json", "lists"] = "auto",
    rounds: int = 3,
    on_progress: Callable[[int], None] | None = None,
) -> list[RowsWritten]:
    """Ask a model for the rows of several tasks at once.

    Each task gets the rows that `request_rows` would get for it alone. Parameters are those
    of `request_rows`; `n_rows` is the number of rows of each task.

    Returns
    -------
    list of RowsWritten
        One for each task.
    """
    runs = []
    for task in tasks:
        wanted = len(task.given) if n_rows is None else n_rows
        if wanted < 1 or (task.given and wanted != len(task.given)) or batch_size < 1:
            raise InputError(
                f"n_rows has to be above 0 and equal to the number of given rows, not {n_rows}"
            )
        runs.append(_Run(llm, task, seed, wanted, batch_size, row_format, rounds))
    while any(turns := [run.turn() for run in runs]):
        parts = [run.prompts(turn) for run, turn in zip(runs, turns, strict=True)]
        results = iter(complete_all(llm, [prompt for part in parts for prompt in part]))
        for run, turn in zip(runs, turns, strict=True):
            run.learn(turn, [next(results) for _ in turn])
        if on_progress:
            on_progress(sum(len(run.written.rows) for run in runs))
    return [run.written for run in runs]


def _format(row_format: RowFormat | str) -> RowFormat:
    return FORMATS[row_format] if isinstance(row_format, str) else row_format


class _Run:
    """The requests for one task: what is asked next, and what has come."""

    def __init__(
        self,
        llm: LLM,
        task: RowTask,
        seed: int,
        n_rows: int,
        batch_size: int,
        row_format: RowFormat | str,
        rounds: int,
    ) -> None:
        self.task, self.seed, self.rounds = task, seed, rounds
        self.form: RowFormat = FORMATS["csv"] if row_format == "auto" else _format(row_format)
        self.written = RowsWritten(n_rows, row_format=self.form.name)
        self.batches = [
            _Batch(index, first, list(range(1, min(batch_size, n_rows - first) + 1)))
            for index, first in enumerate(range(0, n_rows, batch_size))
        ]
        self.trying = row_format == "auto"
        sharing = getattr(llm, "sharing", None)
        self.sharing = sharing if isinstance(sharing, Sharing) else Sharing("rows")
        if task.given_is_real:
            self.sharing.need("rows", "filling in your rows")

    def turn(self) -> list[_Batch]:
        """Return the batches to ask for now; the first one alone, where it is to find the form."""
        if self.written.stopped is not None:
            return []
        open_batches = [b for b in self.batches if b.open and b.round < self.rounds]
        return open_batches[:1] if self.trying else open_batches

    def prompts(self, turn: Sequence[_Batch]) -> list[Prompt]:
        """Write a prompt for each batch."""
        return [self._prompt(batch, self._ask(batch)) for batch in turn]

    def learn(self, turn: Sequence[_Batch], results: Sequence[Reply | ModelError]) -> None:
        """Take in the replies."""
        n_rows = sum(len(batch.open) for batch in turn)
        for batch, result in zip(turn, results, strict=True):
            ask = self._ask(batch)
            batch.round += 1
            parts = self._learn(batch, ask, result)
            if parts != [batch]:
                at = self.batches.index(batch)
                self.batches[at : at + 1] = parts
        if self.trying and turn:
            self.trying = False
            if turn[0] in self.batches and len(turn[0].open) > (1 - _GOOD_SHARE) * n_rows:
                self.form = FORMATS["json"]
                self.written.row_format = self.form.name

    def _ask(self, batch: _Batch) -> Ask:
        places = [batch.first + number - 1 for number in batch.open]
        given = tuple(self.task.given[place] for place in places) if self.task.given else ()
        return Ask(
            self.task, self.sharing, self.form, batch.index, tuple(batch.open),
            given, batch.n_examples,
        )  # fmt: skip

    def _prompt(self, batch: _Batch, ask: Ask) -> Prompt:
        prompt = (self.task.build or row_prompt)(ask)
        seed = (self.seed * 1_000_003 + batch.index * 1_009 + batch.round) % 2**31
        return prompt.but(seed=seed, accept=lambda text: self._refuse(text, ask))

    def _refuse(self, text: str, ask: Ask) -> str | None:
        parsed = self._parse(text, ask)
        if parsed.rows:
            return None
        why = f": {parsed.lost[0].reason}" if parsed.lost else ""
        return f"no usable row in the reply{why}"

    def _parse(self, text: str, ask: Ask) -> Parsed:
        numbers = ask.numbers if self.task.numbered else None
        return parse_rows(
            text, self.task.schema, ask.row_format, numbers, self.task.margin, self.task.bad_cells
        )

    def _learn(self, batch: _Batch, ask: Ask, result: Reply | ModelError) -> list[_Batch]:
        if isinstance(result, ModelError):
            return self._fail(batch, ask, result)
        parsed = self._parse(result.text, ask)
        self.written.lost.extend(parsed.lost)
        self.written.usage += result.usage
        for row in parsed.rows:
            number = row.number if row.number is not None else next(iter(batch.open), None)
            if number in batch.open:
                batch.open.remove(number)
                self.written.rows[batch.first + number - 1] = row
        return [batch]

    def _fail(self, batch: _Batch, ask: Ask, error: ModelError) -> list[_Batch]:
        self.written.failures.append(error)
        if error.fatal:
            self.written.stopped = error
            return []
        if isinstance(error, ContextLengthError):
            return self._split(batch, ask, error)
        return [batch]

    def _split(self, batch: _Batch, ask: Ask, error: ContextLengthError) -> list[_Batch]:
        """Ask for half as many rows with half as many examples; say what is too wide at the end."""
        examples = len(ask.shown_examples())
        if len(batch.open) == 1 and examples == 0:
            raise InputError(_too_wide(ask)) from error
        half = -(-len(batch.open) // 2)
        parts = [part for part in (batch.open[:half], batch.open[half:]) if part]
        batch.round -= 1
        # Halves are numbered as a binary heap, so that no two parts ever share a number.
        depth, origin = divmod(batch.index, SPLIT)
        return [
            replace(
                batch,
                open=part,
                n_examples=examples // 2,
                index=origin + SPLIT * (2 * depth + 1 + side),
            )
            for side, part in enumerate(parts)
        ]


def _too_wide(ask: Ask) -> str:
    """Name the column that takes the most room in a prompt for one row."""
    widths = {
        name: estimate_tokens(name) + max(estimate_tokens(str(row.get(name))) for row in ask.given)
        if ask.given
        else estimate_tokens(name)
        for name in (ask.given[0] if ask.given else ask.task.schema.names)
    }
    widest = max(widths, key=lambda name: widths[name])
    return (
        f"even one row is too long for the model; column {widest!r} is the widest with about "
        f"{widths[widest]} tokens: leave it out or shorten it, or take a "
        "model with a longer context"
    )
