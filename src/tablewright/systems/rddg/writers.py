"""Who writes a batch, and what a batch is told: rounds of a few rows, guided by the ones before."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import RuleError
from tablewright.generators.calibrated import Calibrated
from tablewright.random_state import Stream
from tablewright.rules import Rules
from tablewright.rules.expressions import parse_where
from tablewright.rules.expressions.unparse import quote
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.batch import RowBatch, ShownRows
from tablewright.systems.common.candidate_pool import CandidatePool
from tablewright.systems.common.examples import Indices
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.partition import Partition, QuantilePartition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import GeneratorWriter, RowWriter
from tablewright.systems.rddg.feedback import Feedback
from tablewright.systems.rddg.relations import Relations

_ROUNDS, _SMALLEST = 10, 40
"""Rounds that the rows of a request are cut into, about, so that feedback comes early; and rows."""
_LOCAL_ROUNDS, _LOCAL_SMALLEST = 4, 250
"""Of a local generator, which was calibrated before: each round under rules costs a second."""
_LOST = 0.05
"""Share of a round that has to be lost for one reason before the next one is told."""
_YIELD = 0.25
"""Share of a round that is counted on at least, so that a bad round asks for no flood."""


class CalibratedWriter(GeneratorWriter):
    """The local body: draws each part on its own, by the setting that a round is told.

    Parameters
    ----------
    synthesizer, schema, partition
        See `GeneratorWriter`.
    relations : Relations
    real : DataFrame
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        schema: Schema,
        partition: Partition,
        relations: Relations,
        real: pl.DataFrame,
    ) -> None:
        own = copy.copy(synthesizer)
        own.generator_ = copy.copy(synthesizer.generator_)
        super().__init__(own, schema, partition)
        self._base = getattr(own.generator_, "setting_", None)
        self._couplings = np.array(getattr(own.generator_, "couplings_", [1.0]))
        self._relations, self._frame = relations, real
        self._settings: Mapping[Any, Any] = {}
        self._found = {rule.described() for rule in relations.rules}
        self._left_out: set[str] = set()

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Draw a round of rows."""
        self._settings = {} if guidance is None else guidance.parameters
        self._set(None)
        batch = self._drawn_by_rules(request)
        rng = request.rng(Stream.RDDG_RELATIONS, self.calls)
        batch.rows = self._decimals(self._relations.settle(batch.rows, self._frame, rng))
        return batch

    def _drawn_by_rules(self, request: SampleRequest) -> RowBatch:
        """Draw under all rules but relations that cannot be kept: the check of rows has those.

        A person's rule that cannot be kept ends the run; one that was found must not.
        """
        while True:
            rules = [rule for rule in request.rules if rule.described() not in self._left_out]
            try:
                return self._drawn(replace(request, rules=Rules(rules=rules)))
            except RuleError as error:
                found = [rule for rule in rules if rule.described() in self._found]
                if not found:
                    raise
                out = [rule for rule in found if rule.name == error.rule] or found
                self._left_out |= {rule.described() for rule in out}

    def _set(self, part: Any) -> None:
        """Correct the generator as a part of the rows needs; None stands for rows of classes."""
        if self._base is not None:
            setting, couplings = self._settings.get(part, (0.0, 1.0))
            generator: Any = self.synthesizer.generator_  # a Calibrated
            generator.setting_ = self._base + setting
            generator.couplings_ = (self._couplings * couplings).tolist()

    def _decimals(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Round numbers as the schema says that they are written."""
        decimals = {c.name: c.decimals for c in self.schema.each() if c.decimals is not None}
        return rows.with_columns(
            pl.col(name).round(n) for name, n in decimals.items() if rows[name].dtype.is_float()
        )

    def _drawn(self, request: SampleRequest) -> RowBatch:
        if not isinstance(self.partition, QuantilePartition) or request.quotas is None:
            return super().write(request)
        batches = []
        for name, n_rows in request.quotas.items():
            self._set(name)
            inside = _condition(self.partition, name)
            where = inside if request.where is None else f"({request.where.text}) AND {inside}"
            batches.append(self._draw(request.part(n_rows), where))
        return reduce(RowBatch.extend, batches)

    def _draw(self, request: SampleRequest, where: str) -> RowBatch:
        return super().write(replace(request, where=parse_where(where, self.schema)))


def _condition(bins: QuantilePartition, name: str) -> str:
    """Write a bin of a number as a condition."""
    column, code = quote(bins.column), bins.names.index(name)
    low = [] if code == 0 else [f"{column} > {bins.edges[code - 1]!r}"]
    high = [] if code == len(bins.edges) else [f"{column} <= {bins.edges[code]!r}"]
    return " AND ".join([*low, *high]) or f"{column} IS NOT NULL"


class GuidedRounds:
    """Both ends of the loop: the writer that is told, and the guide that tells it.

    Parameters
    ----------
    writer : RowWriter
    feedback : Feedback
    request : SampleRequest
    result : Result
        Gets the rows that were not accepted, and the record of the batches.
    members : list of ndarray of int
        Real rows of each class that may be shown.
    n_shown : int
        Of each class and round; 0 for a writer that is shown none.
    speak : callable
        From feedback to the text for prompts.
    active : bool
        Whether anything is told; without it batches are only recorded.
    """

    def __init__(
        self,
        writer: RowWriter,
        feedback: Feedback,
        request: SampleRequest,
        result: Result,
        *,
        members: list[Indices],
        n_shown: int,
        speak: Any,
        active: bool,
    ) -> None:
        self.inner, self.feedback, self.request, self.result = writer, feedback, request, result
        self.members, self.n_shown, self.speak, self.active = members, n_shown, speak, active
        n_rounds, smallest = (_ROUNDS, _SMALLEST) if n_shown else (_LOCAL_ROUNDS, _LOCAL_SMALLEST)
        self.size = max(smallest, -(-request.n_rows // n_rounds))
        self.shown = ShownRows()
        self.asked: Counter[Any] = Counter()
        self._n_rejected = self._n_unread = 0
        result.details["batches"] = feedback.batches

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Write one round: what was asked for, without the rows of which there are too many."""
        quotas = request.quotas if guidance is None or not guidance.quotas else guidance.quotas
        if quotas is not None:
            request = request.part(sum(quotas.values()), quotas)
            self.asked.update(quotas)
        batch = self.inner.write(request.at_most(self.size), guidance)
        self.shown = ShownRows()
        self.shown.add(batch.shown)
        if self.active and self.n_shown and batch.rows.height:
            self._accept(batch)
        return batch

    def _accept(self, batch: RowBatch) -> None:
        rng = self.request.rng(Stream.RDDG_ACCEPTANCE, len(self.feedback.batches))
        taken = self.feedback.accepted(batch.rows, rng)
        lost = batch.rows.filter(~taken)
        self.result.n_proposed += lost.height
        self.result.reject(lost, "feedback", ["there are too many like it"] * lost.height)
        batch.groups = [group for group, kept in zip(batch.groups, taken, strict=False) if kept]
        batch.rows = batch.rows.filter(taken)

    def measure(self, rows: pl.DataFrame) -> None:
        """Hold the rows of a round that were kept against real rows that were not shown."""
        self.feedback.observe(rows, self.shown.among(self.feedback.real))

    def guide(self, pool: CandidatePool) -> Guidance | None:
        """Say what follows from the rounds before."""
        losses = self._losses()
        if not self.active:
            return None
        rng = self.request.rng(Stream.RDDG_EXAMPLES, len(self.feedback.batches))
        examples = self.feedback.examples(self.n_shown, self.members, rng) if self.n_shown else None
        text = self.speak(self.feedback, losses) if self.n_shown else ""
        return Guidance(text, self._quotas(pool), examples, self._parameters())

    def _quotas(self, pool: CandidatePool) -> dict[Any, int]:
        """Ask for more of the parts of which much is lost."""
        missing = pool.missing.at_most(self.size)
        if missing.quotas is None or self.request.quotas is None:
            return {}
        left = pool.missing.quotas or {}
        asked = {}
        for name, n_rows in missing.quotas.items():
            kept = self.request.quotas[name] - left.get(name, 0)
            share = kept / self.asked[name] if self.asked[name] else 1.0
            asked[name] = int(np.ceil(n_rows / np.clip(share, _YIELD, 1.0)))
        return asked

    def _losses(self) -> list[str]:
        """Say what the rows of the round were lost for."""
        rejected, unread = self.result.rejected, self.result.parse_errors.total()
        new, n_unread = rejected[self._n_rejected :], unread - self._n_unread
        self._n_rejected, self._n_unread = rejected.height, unread
        kept = self.feedback.batches[-1].n_rows if self.feedback.batches else 0
        n_rows = max(new.height + n_unread + kept, 1)
        told = []
        copies = new.filter(pl.col("_stage").str.contains("duplicat|cop")).height
        if copies > _LOST * n_rows:
            told.append(f"{copies} of {n_rows} rows repeated a row from above: write new ones.")
        broken = new.filter(pl.col("_stage") == "rules")["_reason"]
        if broken.len() > _LOST * n_rows:
            worst = broken.mode()[0]
            told.append(f"{broken.len()} of {n_rows} rows broke a rule, most often: one {worst}.")
        if n_unread > _LOST * n_rows:
            told.append(f"{n_unread} of {n_rows} rows could not be read: keep to the form.")
        return told

    def _parameters(self) -> dict[Any, Any]:
        """Return corrections and couplings of a local generator: of all classes, or of each bin."""
        writer = self.inner
        if not isinstance(writer, CalibratedWriter):
            return {}
        generator, partition = writer.synthesizer.generator_, self.feedback.partition
        if not isinstance(generator, Calibrated):
            return {}
        space, couplings = generator.calibration_.space, self.feedback.calibration.couplings
        self.feedback.made_by = couplings
        if isinstance(partition, QuantilePartition):
            return {
                name: (self.feedback.setting_for(space, {0: code}), couplings[code])
                for code, name in enumerate(partition.names)
            }
        codec = self.feedback.codec
        names = pl.Series(generator.fields_[generator.target_ or 0].name, list(partition.names))
        codes = {int(code): at for at, code in enumerate(codec.encode_column(names))}
        own = [couplings[codes[k]] if k in codes else 1.0 for k in range(space.n_parts)]
        return {None: (self.feedback.setting_for(space, codes), np.array(own))}
