"""The role "worker", and "label": whoever writes some columns of rows that others have begun.

Both bodies take the same turns, so that a team does not ask which of them it has, and may have
one for some columns and the other for the rest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.generators.base import Generator, Given
from tablewright.llm.endpoint.base import LLM
from tablewright.llm.prompts.builder import Condition
from tablewright.llm.rows.requests import request_together
from tablewright.llm.rows.task import SPLIT, RowTask
from tablewright.random_state import Stream
from tablewright.registry import resolve
from tablewright.schema import Schema
from tablewright.synthesizer.auto import choose_method
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.coreset import SAMPLERS, MakeSampler
from tablewright.systems.common.examples import NearestExamples
from tablewright.systems.common.label_draws import LabelDrawer
from tablewright.systems.common.row_writer import ExampleRecorder, batch_of
from tablewright.systems.team_then_trim.plan import Component
from tablewright.systems.team_then_trim.prompts import WorkerPrompts
from tablewright.tables.encoding.codec import Codec, Floats
from tablewright.threads import one_thread


@dataclass(frozen=True)
class Turn:
    """What one worker has to write.

    Attributes
    ----------
    part : Component
        Its columns.
    role : {"worker", "label"}
    given : DataFrame of shape (n_rows, n_given)
        Typed columns of the same rows that are there already; it may have none.
    is_real : bool
        Whether cells among them may be real ones, drawn on this machine.
    """

    part: Component
    role: Literal["worker", "label"]
    given: pl.DataFrame
    is_real: bool = False


class Worker(Protocol):
    """Writes columns."""

    def write(self, turns: Sequence[Turn], n_rows: int, seed: int) -> list[RowBatch]:
        """Take several turns on the same rows; the groups of a batch are its row indices."""


@dataclass(eq=False)
class ModelWorker:
    """The body that is a language model.

    Rows are joined by what a reply repeats of the given columns, else by their position, and
    missing ones are asked for twice more.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        All columns of the rows, and the label.
    train : DataFrame
        Typed real rows.
    about : str, default=""
        What the table is about.
    examples : str, default="stratified"
        Which real rows a prompt shows; see `SAMPLERS`.
    n_examples : int, default=10
        Real rows that a prompt shows, as far as they may leave.
    batch_size : int, default=10
        Rows of a prompt.
    rules : sequence of Condition, default=()
        Conditions that rows keep.
    new_classes : bool, default=False
        Whether the label has classes that the table lacks.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim, section on workers and their prompts.
    """

    llm: LLM
    schema: Schema
    train: pl.DataFrame
    about: str = ""
    examples: str = "stratified"
    n_examples: int = 10
    batch_size: int = 10
    rules: Sequence[Condition] = ()
    new_classes: bool = False

    def write(self, turns: Sequence[Turn], n_rows: int, seed: int) -> list[RowBatch]:
        """Ask for the columns of all turns at once."""
        recorders = [ExampleRecorder(self._task(turn, seed)) for turn in turns]
        written = request_together(
            self.llm,
            [recorder.task for recorder in recorders],
            [n_rows] * len(recorders),
            seed=seed,
            batch_size=self.batch_size,
        )
        batches = []
        for recorder, one in zip(recorders, written, strict=True):
            batch = batch_of(one, recorder.task.schema, recorder.shown_by(self.llm))
            batch.groups = sorted(one.rows)
            batches.append(batch)
        return batches

    @cached_property
    def _make_sampler(self) -> MakeSampler:
        return SAMPLERS[self.examples](self.train.select(self.schema.names), self.schema, 0)

    def _task(self, turn: Turn, seed: int) -> RowTask:
        prompts = WorkerPrompts(
            self.schema, self.train, self.about, self.rules, new_classes=self.new_classes
        )
        rows = self.train.select(self.schema.names)
        if self.examples == "nearest" and turn.given.columns:
            first = turn.given.gather_every(self.batch_size)
            near = NearestExamples(rows, self.schema, first)
            return prompts.task(
                turn, lambda batch: rows[near.sample(self.n_examples, batch % SPLIT)]
            )
        sampler = self._make_sampler((seed, Stream.TEAM_EXAMPLES))
        return prompts.task(turn, lambda batch: rows[sampler.sample(self.n_examples, batch)])


class LocalWorker:
    """The body without a model: draws a part's columns given the others, as real rows have them.

    Parameters
    ----------
    train : DataFrame
        Typed real rows.
    codec : Codec
        Of the table.
    seed : int
    method : str, default="auto"
        A generator.

    Attributes
    ----------
    method_ : str
        The generator that was taken.
    """

    def __init__(self, train: pl.DataFrame, codec: Codec, seed: int, method: str = "auto") -> None:
        self.codec = codec
        rng = np.random.default_rng([seed, 0])
        with one_thread():
            choice = choose_method(train, codec.schema, rng) if method == "auto" else None
            self.method_ = method if choice is None else choice.method
            matrix = codec.encode(train)
            self.generator: Generator = resolve("generators", self.method_)().fit(matrix, rng)
        codes = (set(column[~np.isnan(column)].tolist()) for column in matrix.values.T)
        self.seen = dict(zip(codec.positions, codes, strict=True))

    def write(self, turns: Sequence[Turn], n_rows: int, seed: int) -> list[RowBatch]:
        """Draw the columns of each turn."""
        return [self._draw(turn, n_rows, [seed, *turn.part.id.encode()]) for turn in turns]

    def note(self, local: Collection[str], schema: Schema) -> str:
        """Say for a result which columns are drawn, and by what."""
        names = [name for name in schema.names if name in local]
        drawn = "all columns" if len(names) == len(schema) else ", ".join(names)
        return f"{drawn}: drawn on this machine, by {self.method_}"

    def _draw(self, turn: Turn, n_rows: int, seed: list[int]) -> RowBatch:
        given = None if not turn.given.columns else self._given(turn.given)
        with one_thread():
            values = self.generator.sample(n_rows, np.random.default_rng(seed), given=given)
        return RowBatch(self.codec.decode(values, turn.part.features), list(range(n_rows)))

    def _given(self, frame: pl.DataFrame) -> Given:
        """Fix the cells that the generator has seen the like of; others tell it nothing."""
        values: Floats = np.full((frame.height, len(self.codec.columns)), np.nan)
        known = np.zeros(values.shape, dtype=np.bool_)
        for name, j in self.codec.positions.items():
            if name not in frame.columns:
                continue
            column = frame[name]
            if self.codec.fields[j].discrete:
                column = self._seen(column)
            values[:, j] = self.codec.encode_column(column)
            known[:, j] = ~np.isnan(values[:, j]) | frame[name].is_null().to_numpy()
        return Given(values, known)

    def _seen(self, series: pl.Series) -> pl.Series:
        levels = self.codec.levels(series.name)
        real = [levels[int(code)] for code in self.seen[series.name]]
        text = {str(value) for value in real}
        keep = pl.Series([str(value) in text for value in series.to_list()], dtype=pl.Boolean)
        return series.zip_with(
            keep, pl.Series(series.name, [None] * len(series), dtype=series.dtype)
        )


@dataclass(eq=False)
class ProbabilityWorker:
    """Gives each row a label drawn from its probabilities."""

    drawer: LabelDrawer

    def write(self, turns: Sequence[Turn], n_rows: int, seed: int) -> list[RowBatch]:
        """Label the rows that the other workers wrote."""
        return [self._label(turn, n_rows, seed) for turn in turns]

    def _label(self, turn: Turn, n_rows: int, seed: int) -> RowBatch:
        try:
            labels = self.drawer.draw(turn.given, seed)
        except ModelError as error:
            none = pl.DataFrame(
                schema={self.drawer.target: self.drawer.train.schema[self.drawer.target]}
            )
            return RowBatch(none, stopped=error, shown=self.drawer.shown)
        return RowBatch(labels.to_frame(), groups=list(range(n_rows)), shown=self.drawer.shown)
