"""A team: workers that write the columns of rows one after the other, by a plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from tablewright.errors import ModelError
from tablewright.llm.rows.raw_rows import NUMBER
from tablewright.schema import Schema
from tablewright.systems.team_then_trim.plan import Component, Context, TeamPlan
from tablewright.systems.team_then_trim.workers import Piece, Turn, Worker

__all__ = ["LABEL", "Team", "TeamRows"]

LABEL = ""
"""Id of the last part, which writes the label; no component of a plan has it."""


@dataclass
class TeamRows:
    """What a team wrote.

    Attributes
    ----------
    rows : DataFrame
        Whole rows, typed.
    places : list of int
        Which of the rows begun they are, ascending.
    lost : Counter
        Why rows of replies could not be read; rows given up for lack of a column among them.
    failed : list of ModelError
        Requests without a reply.
    stopped : ModelError or None
        Why there will be no more.
    """

    rows: pl.DataFrame
    places: list[int] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    failed: list[ModelError] = field(default_factory=list)
    stopped: ModelError | None = None


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

    def write(self, n_rows: int, seed: int, labels: pl.Series | None = None) -> TeamRows:
        """Write rows.

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
        made = TeamRows(begun)
        levels = self._levels(label_last=labels is None)
        for place, level in enumerate(levels, 1):
            self._take_turns(level, made, seed, first=[] if labels is None else [labels.name])
            if made.stopped is not None and place < len(levels):
                made.rows = made.rows.clear()
            if not made.rows.height:
                break
        return self._whole(made, n_rows)

    def _levels(self, label_last: bool) -> list[list[Component]]:
        levels = [list(level) for level in self.plan.levels()]
        if label_last and self.schema.target is not None:
            levels.append([Component(LABEL, self.plan.label_role, (self.schema.target,))])
        return levels

    def _take_turns(
        self, level: Sequence[Component], made: TeamRows, seed: int, first: list[str]
    ) -> None:
        """Let all workers of a level write, and join what they wrote by row numbers."""
        numbers = made.rows[NUMBER]
        for worker in dict.fromkeys(self.workers[part.id] for part in level):
            parts = [part for part in level if self.workers[part.id] is worker]
            turns = [self._turn(part, made.rows, first) for part in parts]
            for piece in worker.write(turns, len(numbers), seed):
                self._join(made, piece, numbers)

    def _turn(self, part: Component, rows: pl.DataFrame, first: list[str]) -> Turn:
        if part.id == LABEL:
            given = [name for name in rows.columns if name != NUMBER]
        else:
            given = [*first, *self.plan.given(part.id, self.context)]
        real = bool(self.local & set(given))
        return Turn(part, "label" if part.id == LABEL else "worker", rows.select(given), real)

    def _join(self, made: TeamRows, piece: Piece, numbers: pl.Series) -> None:
        cells = piece.cells.cast({name: self.types[name] for name in piece.cells.columns})
        cells = cells.with_columns(numbers[piece.places].alias(NUMBER))
        made.rows = made.rows.join(cells, on=NUMBER, how="inner", maintain_order="left")
        made.lost.update(piece.lost)
        made.failed += piece.failed
        made.stopped = made.stopped or piece.stopped

    def _whole(self, made: TeamRows, n_rows: int) -> TeamRows:
        """Put the columns into their order; count the rows that were given up."""
        made.places = made.rows[NUMBER].to_list()
        if made.rows.height < n_rows and made.stopped is None:
            made.lost["given up: a worker did not write its columns"] += n_rows - made.rows.height
        blank = pl.DataFrame(schema={name: self.types[name] for name in self.schema.names})
        made.rows = made.rows.select(self.schema.names) if made.rows.height else blank
        return made
