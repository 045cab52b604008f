"""RDDG: coreset, relations, rows in batches with feedback from batch to batch, calibration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tablewright.generators.parts.posterior import Posterior
from tablewright.random_state import Stream
from tablewright.synthesizer.auto import choose_method
from tablewright.synthesizer.parameters import OneOf, Whole
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.coreset import EXAMPLES, Coreset
from tablewright.systems.common.partition import TargetPartition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import RowWriter
from tablewright.systems.epic.system import EPIC
from tablewright.systems.rddg.feedback import Feedback
from tablewright.systems.rddg.prompts import GuidedLayout
from tablewright.systems.rddg.published import PublishedRounds
from tablewright.systems.rddg.relations import RelationPrompts, Relations, mined
from tablewright.systems.rddg.relevance import tails
from tablewright.systems.rddg.writers import CalibratedWriter, GuidedRounds
from tablewright.tables.io.model_file import Artefact

_WIDTHS = (0.5, 1.0, 2.0)
"""Of the neighbourhoods of the local generator, by what it takes without any; see `Calibrated`."""


@dataclass(frozen=True)
class _Variant:
    """What the two presets differ in."""

    rows_per_class: int | None
    sets: int
    mapping: str
    strict: bool
    coreset_rows: int


_VARIANTS = {
    "published": _Variant(15, 4, "all", strict=False, coreset_rows=60),
    "default": _Variant(None, 2, "repetitive", strict=True, coreset_rows=15),
}


class RDDG(EPIC):
    """Rows for rare classes: relations are verified, and each batch tells the next what is off.

    A coreset shows the border and the middle of each class; from it a model, or else a miner,
    finds relations, and those that the real rows keep are kept by every row. Rows come in
    batches, for every class alike. Each batch is held against real rows of its class that were
    not shown, and what lies beyond noise becomes orders for the model, the choice of the rows to
    show, the chance of a row to be taken, or corrections of the local generator. It is built on
    EPIC: its layout of prompts, its tokens and its parser.

    Parameters
    ----------
    target : str or None, default=None
        The label. Of a number the rare rows are its tails, by a relevance function.
    llm : LLM, mapping of str to LLM or None, default=None
        Models of the roles ``"relations"`` and ``"writer"``; both are shown whole rows. The
        miner, and a calibrated generator, work without.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the reference implementation does: EPIC's published prompts, 20
        at once, relations as free text that nobody checks, its feedback, no quotas, copies kept.
    examples : {"random", "coreset"}, default="random"
        Which real rows are shown when rows are written; those for relations are the coreset.
    relations, feedback, calibrate : bool, default=True
        Parts of the system, each of which can be left out.
    rows_per_class, sets : int or None, default=None
        Rows of each class in a set, and sets in a prompt; see `EPIC`.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    coreset_ : Coreset
    relations_ : Relations
        With support and share of each.
    classes_, tokens_
        See `EPIC`.
    posterior_ : Posterior or None
        What is believed of the corrections of the local generator.
    result_ : Result
        What became of the last call; ``details["batches"]`` has the divergence of each batch from
        the real rows, and what the next one was told.

    Raises
    ------
    InputError
        If there is no target, or it has one class; if rows or all columns may not leave.

    References
    ----------
    .. [1] "Self-Reinforcing Controllable Synthesis of Rare Relational Data via Bayesian
       Calibration", Findings of ACL 2026, arXiv 2604.16817.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pl.DataFrame({"dose": rng.normal(9, 2, 60), "ill": ["no"] * 45 + ["yes"] * 15})
    >>> table = table.with_columns((pl.col("dose") * 2).alias("twice"))
    >>> system = RDDG("ill", random_state=0).fit(table)
    >>> [(one.rule.kind, one.support, one.share) for one in system.relations_.found if one.holds]
    [('linear', 60, 1.0)]
    >>> system.sample(10)["ill"].value_counts(sort=True)["count"].to_list()
    [5, 5]
    """

    name = "rddg"
    roles = ("relations", "writer")
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "examples": OneOf(*EXAMPLES),
        "relations": OneOf(True, False),
        "feedback": OneOf(True, False),
        "calibrate": OneOf(True, False),
        "rows_per_class": Whole(optional=True),
        "sets": Whole(optional=True),
    }
    mapping = None
    labels = "written"

    def __init__(
        self,
        target: str | None = None,
        *,
        llm: Any = None,
        schema: Any = None,
        variant: str = "default",
        examples: str = "random",
        relations: bool = True,
        feedback: bool = True,
        calibrate: bool = True,
        rows_per_class: int | None = None,
        sets: int | None = None,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.llm = llm
        self.schema = schema
        self.variant = variant
        self.examples = examples
        self.relations = relations
        self.feedback = feedback
        self.calibrate = calibrate
        self.rows_per_class = rows_per_class
        self.sets = sets
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    presets: ClassVar[Any] = _VARIANTS
    rounds: ClassVar[type[GuidedRounds] | None] = None
    """The loop, where a subclass has another one than that of the variant."""

    # learning: coreset, relations, a calibrated generator --------------------------------

    def _prepare(self) -> None:
        self._learn_all(None)

    def _learn_all(self, relations: Relations | None) -> None:
        self.preset_ = self.presets[self.variant]
        real = self.train_.select(self.writable_.names)
        self.classes_ = self._grouped(real)
        self.coreset_ = Coreset.learn(
            real, self.writable_, self.classes_, self.seed_,
            hard_share=0.5 if self.preset_.strict else 1.0,
        )  # fmt: skip
        self.relations_ = self._find_relations(real) if relations is None else relations
        self._prepare_writer(real)

    def _grouped(self, real: pl.DataFrame) -> TargetPartition:
        classes = super()._grouped(real)
        if self.writable_[classes.column].kind.is_numeric:
            return tails(real, classes.column)
        return classes

    def _find_relations(self, real: pl.DataFrame) -> Relations:
        if not self.relations:
            return Relations()
        model, schema = self.model("relations"), self.writable_
        if model is None:
            if not self.preset_.strict:
                return Relations(notes=["relations as published are the text of a model"])
            rng = np.random.default_rng([self.seed_, Stream.RDDG_RELATIONS])
            return mined(real, schema, rng, self.classes_)
        model.sharing.check(self.schema_)
        chosen = np.concatenate(self.coreset_.top(self.preset_.coreset_rows))
        shown = real[np.unique(chosen)]
        if model.sharing.allows("rows"):
            self.shown_.append(shown.drop(model.sharing.redact, strict=False))
        prompts = RelationPrompts(model, schema, real, shown, self.classes_)
        return prompts.ask(self.seed_) if self.preset_.strict else prompts.ask_freely(self.seed_)

    def fit_generator(self) -> Synthesizer:
        """Return the local generator, calibrated on disjoint batches of the real rows."""
        if not (self.calibrate and self.preset_.strict):
            return super().fit_generator()
        if self.generator_ is None:
            real, schema = self.train_.select(self.writable_.names), self.writable_
            rng = np.random.default_rng([self.seed_, Stream.SYNTHESIZER_CHOOSE])
            options = {
                "generator": choose_method(real, schema, rng).method,
                "firm": self.relations_.firm,
                "widths": _WIDTHS,
            }
            self.generator_ = Synthesizer(
                "calibrated", schema=schema, target=schema.target, options=options,
                random_state=self.seed_,
            ).fit(real)  # fmt: skip
        return self.generator_

    @property
    def posterior_(self) -> Posterior | None:
        """What is believed of the local generator; None where there is no calibrated one."""
        inner = None if self.generator_ is None else self.generator_.generator_
        return getattr(inner, "posterior_", None)

    # writing: batch after batch, each told of the ones before ----------------------------

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        for note in (*self.coreset_.notes, *self.relations_.notes):
            result.note(note)
        strict = self.preset_.strict
        request = replace(
            request,
            quotas=self._quotas_of(request),
            rules=request.rules + self.relations_.rules,
        )
        pool = self.pool(
            request,
            result,
            partition=self.classes_,
            copies="near" if strict else "shown",
            misplaced=self._misplaced if strict else None,
        )
        rounds = self._rounds(request, result)
        for rows in pool.fill(rounds, rounds.guide):
            rounds.measure(rows)
            yield rows

    def _rounds(self, request: SampleRequest, result: Result) -> GuidedRounds:
        real = self.train_.select(self.writable_.names)
        model = self.model("writer")
        layout = None if model is None else GuidedLayout(self, request)
        writer: RowWriter
        if model is None or layout is None:
            writer = CalibratedWriter(
                self.fit_generator(), self.writable_, self.classes_, self.relations_, real
            )
            result.note(writer.description)
            codec = writer.synthesizer.layout_.codec
        else:
            writer, codec = layout.writer(model), self.layout_.codec
        kind = self.rounds or (GuidedRounds if self.preset_.strict else PublishedRounds)
        return kind(
            writer,
            Feedback(real, self.writable_, self.classes_, codec),
            request,
            result,
            members=self.members_,
            n_shown=0 if layout is None else 2 * layout.n_rows * layout.n_sets,
            speak=None if layout is None else layout.speak,
            active=self.feedback,
        )

    # storing ------------------------------------------------------------------------------

    def _state(self) -> Artefact:
        stored = super()._state()
        facts = {**stored.facts, "relations": self.relations_.to_dict()}
        return Artefact(facts, stored.arrays, stored.frames)

    def _restore(self, stored: Artefact) -> None:
        self._restore_generator(stored)
        self._learn_all(Relations.from_dict(stored.facts["relations"]))
