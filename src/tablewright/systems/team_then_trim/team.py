"""A team: workers that write the columns of rows one after the other, by a plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tablewright.llm.rows.raw_rows import NUMBER
from tablewright.random_state import Stream
from tablewright.schema import Schema
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.team_then_trim.plan import Component, Context, TeamPlan
from tablewright.systems.team_then_trim.workers import Turn, Worker

LABEL = ""
"""Id of the last part, which writes the label; no component of a plan has it."""

_WAVE = 8
"""Batches that are written at once: all that a cap can cost without a row."""


@dataclass(frozen=True)
class Team:
    """Writes rows part by part.

    Parameters
    ----------
    plan : TeamPlan
    schema : Schema
        The columns of a row, and the label.
    types : mapping of str to polars data type
        Of the typed real rows.
    workers : mapping of str to Worker
        For the id of each component, and for `LABEL`.
    local : frozenset of str
        Columns that are drawn on this machine from real cells.
    context : {"parents", "ancestors", "all_done"}, default="ancestors"
        What a worker is given of what is written.
    """

    plan: TeamPlan
    schema: Schema
    types: Mapping[str, pl.DataType]
    workers: Mapping[str, Worker]
    local: frozenset[str] = frozenset()
    context: Context = "ancestors"

    def write(self, n_rows: int, seed: int, labels: pl.Series | None = None) -> RowBatch:
        """Write rows; the groups of the batch are the indices of those that got all columns.

        Parameters
        ----------
        n_rows : int
        seed : int
        labels : Series or None, default=None
            The label of each row, where it comes first; it is given to every worker then.
        """
        begun = pl.DataFrame({NUMBER: range(n_rows)}, schema={NUMBER: pl.Int64})
        if labels is not None:
            begun = begun.with_columns(labels.alias(str(self.schema.target)))
        batch = RowBatch(begun)
        levels = self._levels(label_last=labels is None)
        for index, level in enumerate(levels, 1):
            self._take_turns(level, batch, seed, first=[] if labels is None else [labels.name])
            if batch.stopped is not None and index < len(levels):
                batch.rows = batch.rows.clear()
            if not batch.rows.height:
                break
        return self._whole(batch, n_rows)

    def _levels(self, label_last: bool) -> list[list[Component]]:
        levels = [list(level) for level in self.plan.levels()]
        if label_last and self.schema.target is not None:
            levels.append([Component(LABEL, self.plan.label_role, (self.schema.target,))])
        return levels

    def _take_turns(
        self, level: Sequence[Component], batch: RowBatch, seed: int, first: list[str]
    ) -> None:
        """Let all workers of a level write, and join what they wrote by row numbers."""
        numbers = batch.rows[NUMBER]
        for worker in dict.fromkeys(self.workers[part.id] for part in level):
            parts = [part for part in level if self.workers[part.id] is worker]
            turns = [self._turn(part, batch.rows, first) for part in parts]
            for columns in worker.write(turns, len(numbers), seed):
                self._join(batch, columns, numbers)

    def _turn(self, part: Component, rows: pl.DataFrame, first: list[str]) -> Turn:
        if part.id == LABEL:
            given = [name for name in rows.columns if name != NUMBER]
        else:
            given = [*first, *self.plan.given(part.id, self.context)]
        real = bool(self.local & set(given))
        return Turn(part, "label" if part.id == LABEL else "worker", rows.select(given), real)

    def _join(self, batch: RowBatch, columns: RowBatch, numbers: pl.Series) -> None:
        cells = columns.rows.cast({name: self.types[name] for name in columns.rows.columns})
        cells = cells.with_columns(numbers[columns.groups].alias(NUMBER))
        rows = batch.rows.join(cells, on=NUMBER, how="inner", maintain_order="left")
        batch.extend(columns)
        batch.rows = rows

    def _whole(self, batch: RowBatch, n_rows: int) -> RowBatch:
        """Put the columns into their order; count the rows that were given up."""
        batch.groups = batch.rows[NUMBER].to_list()
        if batch.rows.height < n_rows and batch.stopped is None:
            lost = n_rows - batch.rows.height
            batch.parse_errors["given up: a worker did not write its columns"] += lost
        blank = pl.DataFrame(schema={name: self.types[name] for name in self.schema.names})
        batch.rows = batch.rows.select(self.schema.names) if batch.rows.height else blank
        return batch


def assign(
    plan: TeamPlan,
    target: str | None,
    bodies: Mapping[str, Worker | None],
    drawer: Worker | None,
    local: frozenset[str],
) -> dict[str, Worker]:
    """Give each component its worker, and the label its own; local columns are drawn."""
    parts = {part.id: part.features for part in plan.components}
    parts |= {} if target is None else {LABEL: (target,)}
    workers: dict[str, Worker] = {}
    for name, features in parts.items():
        body = bodies["label" if name == LABEL else "worker"]
        if set(features) <= local or body is None:
            assert drawer is not None
            body = drawer
        workers[name] = body
    return workers


@dataclass
class TeamWriter:
    """A team as a writer: whole batches of rows, more of them where few were kept before.

    Parameters
    ----------
    team : Team
    request : SampleRequest
        The whole one.
    batch_size : int
        Rows of a batch; the groups of rows are the numbers of their batches.
    n_batches : int or None
        Batches of the first round; as many as the rows fill where None.
    max_batches : int
    labels : callable
        From what is missing, and a number of rows, to their labels where these come first.
    n_written : int, default=0
        Batches so far.
    """

    team: Team
    request: SampleRequest
    batch_size: int
    n_batches: int | None
    max_batches: int
    labels: Callable[[SampleRequest, int, np.random.Generator], pl.Series | None]
    n_written: int = 0

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Write batches, a few at a time where a cap may end it."""
        last = self.n_written + self._n_batches(request)
        local = len(self.team.local) == len(self.team.schema)
        whole: RowBatch | None = None
        while self.n_written < last and (whole is None or whole.stopped is None):
            n_now = min(last - self.n_written, last if local else _WAVE)
            n_rows, first = n_now * self.batch_size, self.n_written
            seed = int(self.request.rng(Stream.TEAM_BATCHES, first).integers(2**31))
            rng = self.request.rng(Stream.TEAM_LABELS, first)
            batch = self.team.write(n_rows, seed, self.labels(request, n_rows, rng))
            batch.groups = [first + index // self.batch_size for index in batch.groups]
            whole = batch if whole is None else whole.extend(batch)
            self.n_written += n_now
        assert whole is not None
        if self.n_written >= self.max_batches:
            whole.exhausted = f"{self.n_written} batches were written, the most for such a request"
        return whole

    def _n_batches(self, request: SampleRequest) -> int:
        """Return the batches that fill what is missing at the rate of rows kept so far."""
        if not self.n_written:
            return self.n_batches or -(-request.n_rows // self.batch_size)
        kept = self.request.n_rows - request.n_rows
        rate = max(0.1, kept / (self.n_written * self.batch_size))
        more = int(np.ceil(request.n_rows / rate / self.batch_size))
        return min(self.max_batches - self.n_written, self.n_written, more)
