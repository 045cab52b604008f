"""Who writes rows for parts: a language model, all parts at once, or a local generator."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import polars as pl

from tablewright.callers import warn
from tablewright.errors import ConditionError, RuleError
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.llm.endpoint.metering import Metered
from tablewright.llm.rows.frame import rows_to_frame
from tablewright.llm.rows.requests import request_together
from tablewright.rules.expressions import parse
from tablewright.rules.language import Conditional, Quota, Rule, Rules
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.partition import Partition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import ExampleRecorder, GeneratorWriter, batch_of
from tablewright.systems.date.prompts import Page, RuledRows
from tablewright.systems.date.rounds import Ask, condition_of, split

if TYPE_CHECKING:
    from tablewright.systems.date.system import DATE


class PartWriter(Protocol):
    """Writes rows for parts.

    Attributes
    ----------
    least : int
        Rows that a part is asked for at least, where fewer parts can be asked.
    """

    least: ClassVar[int]

    def write(self, asks: Sequence[Ask]) -> RowBatch:
        """Write about as many rows as are asked for, with the rule of each as its group."""


@dataclass
class ModelWriter:
    """The body that is a language model: a prompt a part, or several, all sent at once."""

    system: DATE
    model: Metered
    request: SampleRequest
    sent: int = 0
    least: ClassVar[int] = 4  # one row for a whole prompt is dear, and small models copy an example

    @property
    def form(self) -> RuledRows:
        """How replies are written."""
        return RuledRows(new_rules=self.system.new_rules)

    def write(self, asks: Sequence[Ask]) -> RowBatch:
        """Ask once; what cannot be read is not asked for again, as any row will do."""
        schema = self.system.writable_
        batch = RowBatch(rows_to_frame([], schema))
        most = self.system.rows_per_prompt
        turns = [(ask, n) for ask in asks for n in _prompts(ask.n_rows, most)]
        turns = turns[: self.system.max_prompts - self.sent]
        if not turns:
            batch.exhausted = f"{self.sent} of {self.system.max_prompts} prompts are used up"
            return batch
        recorders = [
            ExampleRecorder(Page(self.system, self.request, ask, self.sent + k).task(self.form))
            for k, (ask, _) in enumerate(turns)
        ]
        written = request_together(
            self.model, [recorder.task for recorder in recorders], [n for _, n in turns],
            seed=self.request.seed + self.sent, batch_size=most, row_format=self.form,
            rounds=1,
        )  # fmt: skip
        self.sent += len(turns)
        for one, recorder in zip(written, recorders, strict=True):
            batch.extend(batch_of(one, schema, recorder.shown_by(self.model)))
        return batch


@dataclass
class LocalWriter:
    """The body without a model: draws inside of each part, along the paths that gained.

    What a prompt says in words moves the draws here: rows of each rule (`Guidance.quotas`) and
    the shares of the labels (`Ask.labels`, which follow ``Guidance.parameters["balance"]``).
    """

    generator: GeneratorWriter
    system: DATE
    request: SampleRequest
    partition: Partition | None
    result: Result
    least: ClassVar[int] = 1

    def write(self, asks: Sequence[Ask]) -> RowBatch:
        """Draw the rows of each rule of each part."""
        real = self.system.train_.select(self.system.writable_.names)
        batch = RowBatch(real.clear())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for ask in asks:
                for rule, n_rows in ask.guidance.quotas.items():
                    drawn = self._drawn(ask, rule, n_rows)
                    drawn.rows = drawn.rows.select(
                        pl.col(name).cast(dtype) for name, dtype in real.schema.items()
                    )
                    batch.extend(drawn)
        others = {(str(one.message), one.category) for one in caught}
        for text, category in sorted(others, key=str):
            if category is not FewRowsWarning:
                warn(text, category)
        if any(category is FewRowsWarning for _, category in others):
            self.result.note(
                "some parts have few real rows of a label, and the rows drawn for it stay near them"
            )
        batch.groups = [""] * batch.rows.height
        return batch

    def _drawn(self, ask: Ask, rule: str, n_rows: int) -> RowBatch:
        """Draw rows of one rule."""
        own = condition_of(self.system.rounds_.parts.parts[ask.part])
        asked = "" if self.request.where is None else self.request.where.text
        texts = [f"({text})" for text in (asked, own, rule) if text]
        labels = None
        if ask.labels and rule == "":
            labels = _scaled(ask, n_rows)
        try:
            where = parse(" AND ".join(texts), self.system.schema_) if texts else None
            if where is not None:
                where.require_possible()
            return self.generator.write(replace(self._part(n_rows, labels), where=where))
        except (ConditionError, RuleError):  # of the part, or raised again without it
            return self._within_request(n_rows, labels)

    def _part(self, n_rows: int, labels: dict[Any, int] | None) -> SampleRequest:
        """Return the request for rows of one part, of which shares of the table say nothing."""
        part = self.request.part(n_rows, labels)
        rules: list[Rule] = [
            rule for rule in part.rules.rules if not isinstance(rule, Quota | Conditional)
        ]
        return replace(part, rules=Rules(rules=rules))

    def _within_request(self, n_rows: int, labels: dict[Any, int] | None) -> RowBatch:
        """Draw anywhere where a part has no such row: only the caller's condition stays."""
        self.result.note("some parts allow no row as asked for; others were drawn in their place")
        labels = None if self.request.quotas is None else labels
        return self.generator.write(self._part(n_rows, labels))


def _scaled(ask: Ask, n_rows: int) -> dict[Any, int]:
    """Return rows of each class for some of the rows of an ask."""
    counts = np.array(list(ask.labels.values()), dtype=float)
    return {
        label: n
        for label, n in zip(ask.labels, split(n_rows, counts / counts.sum()), strict=True)
        if n
    }


def _prompts(n_rows: int, at_most: int) -> list[int]:
    """Return the rows that each of the fewest prompts asks for, as alike as can be."""
    n_prompts = -(-n_rows // at_most)
    return split(n_rows, np.full(n_prompts, 1 / n_prompts))
