"""The role "writer": whoever writes whole rows, a language model or a local generator.

Both bodies answer the same request, so that a system does not ask which one it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM
from tablewright.llm.prompts.sharing import Cell, Sharing
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.llm.rows.raw_rows import RowFormat
from tablewright.llm.rows.requests import request_rows
from tablewright.llm.rows.task import RowTask
from tablewright.rules.language import Rules
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.base import Wanted
from tablewright.systems.common.classes import Classes
from tablewright.tables.inference.casting import typed

__all__ = ["SPLIT", "LocalWriter", "Need", "PromptWriter", "RowWriter", "Written", "usual_rows"]

_ROUND = 1000
"""Rows that are drawn at once: they are compared with each other."""

SPLIT = 100_003
"""Batch numbers of `request_rows` beyond this are halves of a prompt that was too long."""


@dataclass(frozen=True)
class Need:
    """Rows that are still lacking.

    Attributes
    ----------
    n_rows : int
    by_class : mapping of int to int, or None
        Rows of each class, by its place among the classes; None where any will do.
    """

    n_rows: int
    by_class: Mapping[int, int] | None = None

    def at_most(self, n_rows: int) -> Need:
        """Return a part of it, of each class alike.

        Examples
        --------
        >>> Need(300, {0: 200, 1: 100}).at_most(3)
        Need(n_rows=3, by_class={0: 2, 1: 1})
        """
        if self.n_rows <= n_rows or self.by_class is None:
            return Need(min(n_rows, self.n_rows), self.by_class)
        parts = {k: -(-n * n_rows // self.n_rows) for k, n in self.by_class.items()}
        return Need(sum(parts.values()), parts)


@dataclass
class Written:
    """What a writer gave.

    Attributes
    ----------
    rows : DataFrame
        Typed rows.
    groups : list of str
        Letter of the group that each row stood in; "" where it stood in none.
    lost : Counter
        Why others could not be read.
    failed : list of ModelError
        Prompts without a reply.
    stopped : ModelError or None
        Why there will be no more.
    over : str
        Why the writer may not go on by its own limits, as a sentence; "" where it may.
    """

    rows: pl.DataFrame
    groups: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    failed: list[ModelError] = field(default_factory=list)
    stopped: ModelError | None = None
    over: str = ""


class RowWriter(Protocol):
    """Writes whole rows."""

    def write(self, need: Need) -> Written:
        """Write about as many rows as are lacking; each call writes others."""


@dataclass
class PromptWriter:
    """The body that is a language model: prompt after prompt, many at once.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        Of the rows as they are written.
    task : callable
        Makes the task of the prompts from a number on, for what is lacking.
    row_format : RowFormat or "json"
    per_prompt : int
        Rows that are taken from a reply at most.
    parallel : int
        Prompts sent at once, at most.
    max_prompts : int
        Prompts sent in all.
    seed : int
    usual : int, default=0
        Rows that a reply usually holds: what prompts are counted by; 0 stands for `per_prompt`.
    sent : int, default=0
        Prompts sent so far.
    """

    llm: LLM
    schema: Schema
    task: Callable[[int, Need], RowTask]
    row_format: RowFormat | Literal["json"]
    per_prompt: int
    parallel: int
    max_prompts: int
    seed: int
    usual: int = 0
    sent: int = 0

    def write(self, need: Need) -> Written:
        """Ask for rows once; what is lost is not asked for again, since any row will do."""
        n_prompts = min(self.parallel, -(-need.n_rows // (self.usual or self.per_prompt)))
        n_prompts = min(n_prompts, self.max_prompts - self.sent)
        if n_prompts < 1:
            over = f"{self.sent} of {self.max_prompts} prompts are used up (max_prompts)"
            return Written(rows_to_frame([], self.schema), over=over)
        got = request_rows(
            self.llm,
            self.task(self.sent, need),
            n_prompts * self.per_prompt,
            seed=self.seed + self.sent,
            batch_size=self.per_prompt,
            row_format=self.row_format,
            rounds=1,
        )
        self.sent += n_prompts
        parsed = [got.rows[place] for place in sorted(got.rows)]
        rows = rows_to_frame([row.cells for row in parsed], self.schema)
        groups = [row.group for row in parsed]
        failed = [error for error in got.failures if error is not got.stopped]
        return Written(rows, groups, Counter(got.reasons()), failed, got.stopped)


class LocalWriter:
    """The body without a model: the generator that suits the table draws the same request.

    Parameters
    ----------
    train : DataFrame
        Typed real rows.
    schema : Schema
        Of the rows to write.
    seed : int
    """

    def __init__(self, train: pl.DataFrame, schema: Schema, seed: int) -> None:
        self.schema = schema
        self.synthesizer = Synthesizer(schema=schema, target=schema.target, random_state=seed)
        self.synthesizer.fit(train.select(schema.names))

    def asked(self, wanted: Wanted, classes: Classes | None) -> RowWriter:
        """Return the writer of one request."""
        return _Drawing(self, wanted, classes)

    @property
    def says(self) -> str:
        """What wrote the rows, for a result."""
        return (
            "no model was named for the writer, so its rows were drawn on this machine, by "
            f"{self.synthesizer.method_}"
        )


@dataclass
class _Drawing:
    writer: LocalWriter
    wanted: Wanted
    classes: Classes | None
    calls: int = 0

    def write(self, need: Need) -> Written:
        self.calls += 1
        need = need.at_most(_ROUND)
        rules = [rule for rule in self.wanted.rules.rules if rule.name != "where"]
        where = self.wanted.where
        rows = self.writer.synthesizer.sample(
            **self._which(need),
            where=None if where is None else where.text,
            rules=Rules(rules=rules) if rules else None,
            random_state=np.random.RandomState([self.wanted.seed % 2**32, self.calls]),
        )
        return Written(typed(rows, self.writer.schema))

    def _which(self, need: Need) -> dict[str, Any]:
        """Ask for rows of each class; bins of a number fill by themselves."""
        if need.by_class is None or self.classes is None or self.classes.edges is not None:
            return {"n_samples": need.n_rows}
        labels = [
            self.classes.labels[place]
            for place, n_rows in sorted(need.by_class.items())
            for _ in range(n_rows if place >= 0 else 0)
        ]
        return {"seed_data": pl.DataFrame({self.classes.target: labels})}


def usual_rows(train: pl.DataFrame, n_rows: int, rng: np.random.Generator) -> list[dict[str, Cell]]:
    """Make rows of the length that replies have: every cell is real, no row is.

    For estimates only; they are not sent.
    """
    shuffled = [train[name][rng.integers(0, train.height, n_rows)] for name in train.columns]
    return Sharing("rows").cells(pl.DataFrame(shuffled))
