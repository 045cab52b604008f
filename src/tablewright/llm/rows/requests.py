"""Ask a model for rows, batch by batch, and again only for what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from tablewright.errors import ContextLengthError, InputError, ModelError
from tablewright.llm.endpoint.base import LLM, Prompt, Reply, Usage, complete_all
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import sharing_of
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.llm.rows.parser import FORMATS, Parsed, ParsedRow, parse_rows
from tablewright.llm.rows.raw_rows import LostRow, RowFormat, lost
from tablewright.llm.rows.task import SPLIT, RowRequest, RowTask, row_prompt


@dataclass
class RowsWritten:
    """What a model wrote.

    Attributes
    ----------
    n_requested : int
    rows : dict of int to ParsedRow
        By their index among the rows asked for, from 0.
    lost : list of LostRow
        What was not usable, with the reason; a row that was lost may have come later.
    row_format : str
        Format that the rows were asked for in.
    usage : Usage
        Tokens of the replies that were used.
    replies : list of Reply
        Those replies, in the order of their requests.
    failures : list of ModelError
        Requests without a reply.
    stopped : ModelError or None
        What ended the requests before their time: a cap, or an endpoint that cannot be used.
    """

    n_requested: int
    rows: dict[int, ParsedRow] = field(default_factory=dict)
    lost: list[LostRow] = field(default_factory=list)
    row_format: str = ""
    usage: Usage = field(default_factory=Usage)
    replies: list[Reply] = field(default_factory=list)
    failures: list[ModelError] = field(default_factory=list)
    stopped: ModelError | None = None

    @property
    def missing(self) -> list[int]:
        """Indices that have no row."""
        return [index for index in range(self.n_requested) if index not in self.rows]

    @property
    def cells(self) -> list[dict[str, Cell]]:
        """The rows in the order of their indices."""
        return [self.rows[index].cells for index in sorted(self.rows)]

    def frame(self, task: RowTask) -> pl.DataFrame:
        """Return the rows as a frame, with the data types of their kinds."""
        return rows_to_frame(self.cells, task.schema)

    def reasons(self) -> Mapping[str, int]:
        """Count the reasons that rows were lost for, most frequent first."""
        return dict(Counter(row.reason for row in self.lost).most_common())


@dataclass
class _Batch:
    """Rows that are asked for together, by their indices."""

    index: int
    open: list[int]
    n_examples: int | None = None
    round: int = 0
    was_slow: bool = False


def request_rows(
    llm: LLM,
    task: RowTask,
    n_rows: int | None = None,
    *,
    seed: int = 0,
    batch_size: int = 20,
    row_format: RowFormat | str = "json",
    rounds: int = 3,
    on_progress: Callable[[int], None] | None = None,
) -> RowsWritten:
    r"""Ask a model for rows.

    Parameters
    ----------
    llm : LLM
        The model. What `connect` returns also says what may leave the machine.
    task : RowTask
        What is to be written.
    n_rows : int or None, default=None
        Rows to write; None takes one for each of the task's given rows.
    seed : int, default=0
        The same seed and the same replies give the same rows, in whatever order replies come.
    batch_size : int, default=20
        Rows asked for in one call.
    row_format : RowFormat or {"json", "csv", "lists"}, default="json"
        ``"json"`` is held to a schema where the endpoint can.
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
    >>> llm = Scripted(['{"rows": [{"age": 31}, {"age": "x"}]}', '{"rows": [{"age": 47}]}'])
    >>> written = request_rows(llm, RowTask(Schema.build({"age": "integer"})), 2)
    >>> written.cells, written.reasons()
    ([{'age': 31}, {'age': 47}], {"column 'age': 'x' is no number": 1})
    """
    run = _Run(llm, task, n_rows, seed, batch_size, row_format, rounds)
    return _together(llm, [run], on_progress)[0]


def request_together(
    llm: LLM, tasks: Sequence[RowTask], n_rows: Sequence[int], **options: Any
) -> list[RowsWritten]:
    """Ask a model for the rows of several tasks at once.

    Each task gets the rows that `request_rows` would get for it alone, with the same options;
    `n_rows` has the number of rows of each task.
    """
    pairs = zip(tasks, n_rows, strict=True)
    return _together(llm, [_Run(llm, task, n, **options) for task, n in pairs])


def _together(
    llm: LLM, runs: Sequence[_Run], on_progress: Callable[[int], None] | None = None
) -> list[RowsWritten]:
    while any(turns := [run.turn() for run in runs]):
        parts = [run.prompts(turn) for run, turn in zip(runs, turns, strict=True)]
        results = iter(complete_all(llm, [prompt for part in parts for prompt in part]))
        for run, turn in zip(runs, turns, strict=True):
            run.learn(turn, [next(results) for _ in turn])
        if on_progress:
            on_progress(sum(len(run.written.rows) for run in runs))
    return [run.written for run in runs]


class _Run:
    """The requests for one task: what is asked next, and what has come."""

    def __init__(
        self,
        llm: LLM,
        task: RowTask,
        n_rows: int | None,
        seed: int = 0,
        batch_size: int = 20,
        row_format: RowFormat | str = "json",
        rounds: int = 3,
    ) -> None:
        n_each = len(task.given) if n_rows is None else n_rows
        if n_each < 1 or (task.given and n_each != len(task.given)) or batch_size < 1:
            raise InputError(
                f"n_rows has to be above 0 and equal to the number of given rows, not {n_rows}"
            )
        self.task, self.seed, self.rounds = task, seed, rounds
        self.form = FORMATS[row_format] if isinstance(row_format, str) else row_format
        self.written = RowsWritten(n_each, row_format=self.form.name)
        self.batches = [
            _Batch(index, list(range(first, min(first + batch_size, n_each))))
            for index, first in enumerate(range(0, n_each, batch_size))
        ]
        self.sharing = sharing_of(llm)
        if task.given_level is not None:
            self.sharing.need(task.given_level, "filling in your rows")

    def turn(self) -> list[_Batch]:
        """Return the batches to ask for now."""
        if self.written.stopped is not None:
            return []
        return [b for b in self.batches if b.open and b.round < self.rounds]

    def prompts(self, turn: Sequence[_Batch]) -> list[Prompt]:
        """Write a prompt for each batch."""
        return [self._prompt(batch, self._request(batch)) for batch in turn]

    def learn(self, turn: Sequence[_Batch], results: Sequence[Reply | ModelError]) -> None:
        """Read the replies."""
        for batch, result in zip(turn, results, strict=True):
            request = self._request(batch)
            batch.round += 1
            parts = self._learn(batch, request, result)
            if parts != [batch]:
                at = self.batches.index(batch)
                self.batches[at : at + 1] = parts

    def _request(self, batch: _Batch) -> RowRequest:
        given = tuple(self.task.given[index] for index in batch.open) if self.task.given else ()
        return RowRequest(
            self.task, self.sharing, self.form, batch.index, len(batch.open), given,
            batch.n_examples,
        )  # fmt: skip

    def _prompt(self, batch: _Batch, request: RowRequest) -> Prompt:
        prompt = (self.task.build or row_prompt)(request)
        seed = (self.seed * 1_000_003 + batch.index * 1_009 + batch.round) % 2**31
        return prompt.but(seed=seed, accept=lambda text: _refuse(text, request))

    def _learn(
        self, batch: _Batch, request: RowRequest, result: Reply | ModelError
    ) -> list[_Batch]:
        if isinstance(result, ModelError):
            return self._fail(batch, request, result)
        parsed = read_reply(result.text, request)
        self.written.lost.extend(parsed.lost)
        self.written.usage += result.usage
        self.written.replies.append(result)
        filled = {
            batch.open[row.index if self.task.given else at]: row
            for at, row in enumerate(parsed.rows[: len(batch.open)])
        }
        self.written.rows |= filled
        batch.open = [index for index in batch.open if index not in filled]
        return [batch]

    def _fail(self, batch: _Batch, request: RowRequest, error: ModelError) -> list[_Batch]:
        self.written.failures.append(error)
        if error.fatal:
            self.written.stopped = error
            return []
        if isinstance(error, ContextLengthError):
            return self._split(batch, request, error)
        if error.ask_smaller and not batch.was_slow:  # once: halves of halves would cost too much
            batch.was_slow = True
            return self._split(batch, request, error)
        return [batch]

    def _split(self, batch: _Batch, request: RowRequest, error: ModelError) -> list[_Batch]:
        """Ask for half as many rows with half as many examples; say what is too wide at the end."""
        examples = 0 if request.example_frame is None else request.example_frame.height
        if len(batch.open) == 1 and examples == 0:
            if not isinstance(error, ContextLengthError):
                return [batch]
            raise InputError(_too_wide(request)) from error
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


def read_reply(text: str, request: RowRequest) -> Parsed:
    """Read the rows of a reply to a request: those that are no echo and belong to a given row.

    Where rows were given, the index of a row is that of the given one.
    """
    task = request.task
    known = tuple(request.given[0]) if request.given else ()
    parsed = parse_rows(text, task.schema, request.row_format, known, task.margin, task.bad_cells)
    if request.echoes:
        parsed = _without(parsed, lambda row: tuple(row.cells.values()) in request.echoes,
                          "it is an example of the prompt")  # fmt: skip
    return _joined(parsed, request, text) if request.given else parsed


def _without(parsed: Parsed, is_wrong: Callable[[ParsedRow], bool], reason: str) -> Parsed:
    rows = [row for row in parsed.rows if not is_wrong(row)]
    dropped = [lost(reason, str(row.cells)) for row in parsed.rows if is_wrong(row)]
    return Parsed(rows, [*parsed.lost, *dropped])


def _joined(parsed: Parsed, request: RowRequest, text: str) -> Parsed:
    """Join rows to the given ones: by what they repeat of them, else by position.

    Positions say nothing where there are more or fewer rows than were asked for, unless the end
    of the reply is cut off.
    """
    n_given = len(request.given)
    cut = parsed.n_rows < n_given and text.rstrip(" \n`")[-1:] not in ("]", "}")
    sound = cut or parsed.n_rows == n_given
    free = set(range(n_given))
    rows, dropped = [], []
    for row in parsed.rows:
        index = next(_candidates(row, request.given, free, sound), None)
        if index is None:
            dropped.append(lost("it belongs to none of the rows that were begun", str(row.cells)))
            continue
        free.discard(index)
        rows.append(replace(row, index=index))
    return Parsed(rows, [*parsed.lost, *dropped])


def _candidates(
    row: ParsedRow, given: Sequence[Mapping[str, Cell]], free: set[int], sound: bool
) -> Iterator[int]:
    """Yield the given rows that a row may belong to, the one at its own position first."""
    own = [row.index] if row.index in free else []
    if not row.given:
        yield from own if sound else []
        return
    order = [*own, *sorted(free - set(own))] if set(row.given) == set(given[0]) else own * sound
    yield from (at for at in order if _agree(row.given, given[at]))


def _agree(repeated: Mapping[str, object], given: Mapping[str, Cell]) -> bool:
    return all(_spelled(value) == _spelled(given[name]) for name, value in repeated.items())


def _spelled(value: object) -> str:
    text = "" if value is None else str(value).strip().casefold()
    return text.removesuffix(".0")


def _refuse(text: str, request: RowRequest) -> str | None:
    parsed = read_reply(text, request)
    if parsed.rows:
        return None
    why = f": {parsed.lost[0].reason}" if parsed.lost else ""
    return f"no usable row in the reply{why}"


def _too_wide(request: RowRequest) -> str:
    """Name the column that takes the most room in a prompt for one row."""
    given = request.given
    widths = {
        name: estimate_tokens(name) + max([estimate_tokens(str(row.get(name))) for row in given],
                                          default=0)
        for name in (given[0] if given else request.task.schema.names)
    }  # fmt: skip
    widest = max(widths, key=lambda name: widths[name])
    return (
        f"even one row is too long for the model; column {widest!r} is the widest with about "
        f"{widths[widest]} tokens: leave it out or shorten it, or take a "
        "model with a longer context"
    )
