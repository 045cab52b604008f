"""The role "writer": whoever writes whole rows, a language model or a local generator.

Both bodies answer the same request, so that a system does not ask which one it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl

from tablewright.llm.endpoint.base import LLM
from tablewright.llm.endpoint.metering import Speed
from tablewright.llm.prompts.sharing import Cell, Sharing
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.llm.rows.raw_rows import RowFormat
from tablewright.llm.rows.requests import RowsWritten, request_rows
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.partition import Partition
from tablewright.systems.common.request import SampleRequest
from tablewright.tables.inference.casting import typed

_ROUND = 1000
"""Rows that a generator draws at once: they are compared with each other."""

_CHANCES = 20
"""Rows that are drawn at least where chance has to fill a part, which one row would seldom hit."""

TaskMaker = Callable[[int, SampleRequest, Guidance | None], RowTask]


_LOWEST_SHARE = 0.25
"""Share of the rows that is taken to be kept at least: at most four times as many are asked for."""

_REPLY_SECONDS = 20.0
"""How long a reply shall be written."""

_WORTH = 0.5
"""Tokens that a reply shall have, in those of its prompt, where that takes longer: a prompt of
1,500 tokens for two rows costs more than the rows that come too many."""

_MAX_TIMES = 1.5
"""Prompts that are sent at most, in those that an estimate counts."""

_MIN_PROMPTS = 3
"""Prompts that may be sent however few an estimate counts."""


class RowWriter(Protocol):
    """Writes whole rows."""

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Write about as many rows as are requested; each call writes others."""


@dataclass
class Pace:
    """How many rows a model writes in the time that one reply shall take.

    Replies count in the order of their requests, so that a run is replayed by the same requests.
    """

    speed: Speed = field(default_factory=Speed)
    tokens_a_row: float = 0.0
    tokens_a_prompt: float = 0.0

    def learn(self, written: RowsWritten) -> None:
        """Learn from replies."""
        for reply in written.replies:
            self.speed.learn(reply)
        usage = written.usage
        if written.rows:
            self.tokens_a_row = usage.completion_tokens / len(written.rows)
        if written.replies:
            self.tokens_a_prompt = usage.prompt_tokens / len(written.replies)

    def n_rows(self) -> int | None:
        """Return the rows of a reply; None: not known. A long prompt is worth a long reply."""
        reading = self.tokens_a_prompt / self.speed.read if self.speed.read else 0.0
        tokens = self.speed.tokens_in(max(_REPLY_SECONDS, reading))
        if not tokens or not self.tokens_a_row:
            return None
        return max(1, int(max(tokens, _WORTH * self.tokens_a_prompt) / self.tokens_a_row))


@dataclass
class LanguageModelWriter:
    """The body that is a language model: prompt after prompt, many at once.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        Of the rows as they are written.
    task : callable
        Makes the task of the prompts from a number on, of a request and guidance.
    row_format : RowFormat or "json"
    per_prompt : int
        Rows that are taken from a reply at most.
    parallel, max_prompts : int
        Prompts sent at once, and in all, at most.
    usual : int, default=0
        Rows that a reply usually holds, where its prompt decides that; 0 where a prompt asks for a
        number of rows, at most `per_prompt`.
    fixed : bool, default=False
        Whether every prompt asks for the same, whatever is missing and however slow the model is.
    loss : float, default=0.0
        Share of the rows that a dry run counts as lost; its own rows are all kept. With one, no
        more prompts are sent than 1.5 times its rows take.
    names : mapping of str to str, optional
        From names in prompts to those of the table, where they differ.
    sent : int, default=0
        Prompts sent so far.
    """

    llm: LLM
    schema: Schema
    task: TaskMaker
    row_format: RowFormat | Literal["json"]
    per_prompt: int
    parallel: int
    max_prompts: int
    usual: int = 0
    fixed: bool = False
    loss: float = 0.0
    names: Mapping[str, str] = field(default_factory=dict)
    sent: int = 0
    _pace: Pace = field(default_factory=Pace)
    _n_first: int = 0
    _n_written: int = 0

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Ask for rows once; what cannot be read is not asked for again, as any row will do."""
        self._n_first = self._n_first or request.n_rows
        request = request if self.fixed else self._with_losses(request)
        n_prompts, each = self._sizes(request.n_rows)
        if n_prompts < 1:
            limit = self._limit()
            why = ", the most that a request of so many rows takes"
            why = why if limit < self.max_prompts else ""
            exhausted = f"{self.sent} of {limit} prompts are used up{why}"
            rows = rows_to_frame([], self.schema).rename(self.names)
            return RowBatch(rows, exhausted=exhausted)
        whole = self.fixed or self.usual
        recorder = ExampleRecorder(self.task(self.sent, request, guidance))
        written = request_rows(
            self.llm,
            recorder.task,
            n_prompts * each if whole else min(n_prompts * each, request.n_rows),
            seed=request.seed + self.sent,
            batch_size=each,
            row_format=self.row_format,
            rounds=1,
        )
        self.sent += n_prompts
        self._n_written += len(written.rows)
        self._pace.learn(written)
        batch = batch_of(written, self.schema, recorder.shown_by(self.llm, self.names))
        batch.rows = batch.rows.rename(self.names)
        return batch

    def _with_losses(self, request: SampleRequest) -> SampleRequest:
        """Return a request for more rows than are missing, by the share that is kept."""
        expected = 1 / (1 - self.loss)
        if self._n_written:
            kept = (self._n_first - request.n_rows) / self._n_written
            factor = 1 / min(1.0, max(_LOWEST_SHARE, kept))
        elif getattr(self.llm, "dry_run", False):
            factor = expected
        else:  # no prompt more for losses that may not come, but those that go out are filled
            each = self._reply()
            room = ceil(request.n_rows / each) * each
            factor = max(1.0, min(expected, room / request.n_rows))
        if request.quotas is None:
            return request.part(ceil(request.n_rows * factor))
        quotas = {name: ceil(n_rows * factor) for name, n_rows in request.quotas.items()}
        return request.part(sum(quotas.values()), quotas)

    def _sizes(self, n_rows: int) -> tuple[int, int]:
        """Return how many prompts to send, and how many rows to take from each."""
        each = self.per_prompt if self.fixed or self.usual else min(self._reply(), n_rows)
        n_prompts = -(-n_rows // (self.usual or each))
        return min(self.parallel, n_prompts, self._limit() - self.sent), each

    def _reply(self) -> int:
        """Return how many rows a reply shall hold, of a model as slow as this one."""
        return self.usual or min(self.per_prompt, self._pace.n_rows() or self.per_prompt)

    def _limit(self) -> int:
        """Return the prompts that may be sent: for half as many more rows as an estimate counts."""
        if self.fixed or not self.loss:
            return self.max_prompts
        counted = ceil(self._n_first / (1 - self.loss) / self._reply())
        return min(self.max_prompts, max(_MIN_PROMPTS, int(_MAX_TIMES * counted)))


class ExampleRecorder:
    """A task whose examples are written down as they are shown."""

    def __init__(self, task: RowTask) -> None:
        self.shown: list[pl.DataFrame] = []
        self._examples = task.examples
        self.task = task if task.examples is None else replace(task, examples=self._show)

    def shown_by(self, llm: LLM, names: Mapping[str, str] | None = None) -> list[pl.DataFrame]:
        """Return what was shown, by the table's names and without what is redacted."""
        frames = [frame.rename(names or {}, strict=False) for frame in self.shown]
        redacted = getattr(getattr(llm, "sharing", None), "redact", ())
        return [frame.drop(redacted, strict=False) for frame in frames]

    def _show(self, batch: int) -> pl.DataFrame:
        assert self._examples is not None
        self.shown.append(self._examples(batch))
        return self.shown[-1]


def batch_of(written: RowsWritten, schema: Schema, shown: list[pl.DataFrame]) -> RowBatch:
    """Make a batch of the rows that were read from replies."""
    parsed = [written.rows[index] for index in sorted(written.rows)]
    return RowBatch(
        rows_to_frame([row.cells for row in parsed], schema),
        [row.group for row in parsed],
        Counter(written.reasons()),
        [error for error in written.failures if error is not written.stopped],
        written.stopped,
        shown=shown,
    )


@dataclass
class GeneratorWriter:
    """The body without a model: a fitted local generator draws the same request.

    Parameters
    ----------
    synthesizer : Synthesizer
    schema : Schema
        Of the rows to write.
    partition : Partition or None
        What quotas are counted by.
    calls : int, default=0
        Rounds drawn so far.
    """

    synthesizer: Synthesizer
    schema: Schema
    partition: Partition | None = None
    calls: int = field(default=0)

    @staticmethod
    def fit(train: pl.DataFrame, schema: Schema, seed: int) -> Synthesizer:
        """Fit the generator that suits the table."""
        synthesizer = Synthesizer(schema=schema, target=schema.target, random_state=seed)
        return synthesizer.fit(train.select(schema.names))

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Draw a round of rows."""
        self.calls += 1
        request = request.at_most(_ROUND)
        rules = request.own_rules
        rows = self.synthesizer.sample(
            **self._selection(request),
            where=None if request.where is None else request.where.text,
            rules=rules if len(rules) else None,
            random_state=np.random.RandomState([request.seed % 2**32, self.calls]),
        )
        return RowBatch(typed(rows, self.schema))

    def _selection(self, request: SampleRequest) -> dict[str, Any]:
        """Ask for rows of each part where cells put a row into it; other parts fill by chance."""
        if request.quotas is None or self.partition is None:
            return {"n_samples": request.n_rows}
        names = [name for name in self.partition.names if name in request.quotas]
        cells = [self.partition.cells(name) for name in names]
        fixed = [
            cell
            for name, cell in zip(names, cells, strict=True)
            if cell is not None
            for _ in range(request.quotas[name])
        ]
        if None in cells:
            by_chance = request.n_rows * len(self.partition) // len(names)
            return {"n_samples": min(_ROUND, max(by_chance, _CHANCES))}
        if not fixed:
            return {"n_samples": request.n_rows}
        return {"seed_data": pl.DataFrame(fixed)}

    @property
    def description(self) -> str:
        """What wrote the rows, for a result."""
        return (
            "no model was named for the writer, so its rows were drawn on this machine, by "
            f"{self.synthesizer.method_}"
        )


def usual_rows(train: pl.DataFrame, n_rows: int, rng: np.random.Generator) -> list[dict[str, Cell]]:
    """Make rows of the length that replies have: every cell is real, no row is.

    For estimates only; they are not sent.
    """
    shuffled = [train[name][rng.integers(0, train.height, n_rows)] for name in train.columns]
    return Sharing("rows").cells(pl.DataFrame(shuffled))
