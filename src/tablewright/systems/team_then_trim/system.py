"""Team-then-Trim: a team writes rows column by column, gates judge them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from math import ceil
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.prompts.builder import Condition
from tablewright.llm.rows.raw_rows import NUMBER
from tablewright.random_state import Stream
from tablewright.rules.bound import BoundRule
from tablewright.schema import suggest
from tablewright.synthesizer.parameters import OneOf
from tablewright.systems.common.base import System
from tablewright.systems.common.coreset import SAMPLERS
from tablewright.systems.common.label_draws import LabelDrawer
from tablewright.systems.common.prompting import conditions_of
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.team_then_trim.classes import (
    dealt_labels,
    declare_classes,
    unseen_classes,
    unseen_notes,
)
from tablewright.systems.team_then_trim.gates import Gates
from tablewright.systems.team_then_trim.manager import ask_for_plan, plan_by_association
from tablewright.systems.team_then_trim.plan import Context, TeamPlan
from tablewright.systems.team_then_trim.plan_reading import read_plan
from tablewright.systems.team_then_trim.prompts import excerpt
from tablewright.systems.team_then_trim.team import Team, TeamWriter, assign
from tablewright.systems.team_then_trim.workers import (
    LocalWorker,
    ModelWorker,
    ProbabilityWorker,
    Worker,
)
from tablewright.tables.table import Table

MAX_TIMES = 10
"""Times as many rows as requested that are written at most, where no model writes them."""

MAX_MODEL_TIMES = 2.25
"""The same for a model, whose rows are paid for: 1.5 times what a dry run counts."""

_ESTIMATED_TIMES = 1.5
"""Times as many rows that a dry run writes, where Trim's losses are to be made good."""


@dataclass(eq=False, repr=False)
class TeamThenTrim(System):
    """A manager splits the columns, workers write them in turn, a last one the label; then Trim.

    Each role has a body that is a language model and one without: the manager groups
    associated columns, workers and label worker draw from the real rows given what is there
    already. Rows that gates reject are kept with the reason, and others are written in their
    place.

    Parameters
    ----------
    target : str or None, default=None
        The label. A number is predicted as one.
    llm : LLM, mapping of str to LLM or None, default=None
        The models of the roles ``"manager"``, ``"worker"`` and ``"label"``.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`; the meanings of columns in it are told to the models. A model can write
        a label that no real row has, where it is among the categories that are declared here.
    plan : TeamPlan, mapping, path or None, default=None
        The plan, where it need not be made; `plan_` of a fitted team can be changed and given.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the paper does: the order of the roles is total, as many rows
        are written as asked for and none in place of those that Trim rejects, and Trim is the
        published one.
    trim : {"auto"}, Trim, mapping, sequence of Check or None, default="auto"
        The gates: those of the variant; a `Trim` of your own, or its parameters; single checks
        of `tablewright.selection`; or None for the team alone.
    topic : str or None, default=None
        What the table is about, such as ``"patients of a heart clinic"``.
    examples : {"stratified", "random", "nearest", "coreset"}, default="stratified"
        Which real rows a model is shown: some of each class, by its share; any; those nearest to
        the rows that are begun; or those near the border of their class and those that stand for
        many others (`Coreset`).
    labels : {"written", "probabilities"}, default="written"
        What the model of the label worker does: write labels, or say how probable each is. Then
        they are drawn from these probabilities, which the real rows have updated; this pays
        where there are few rows and the model knows what the label means (say it in `topic`).
    local_columns : sequence of str, default=()
        Columns that are drawn from the real rows although there is a model.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    plan_ : TeamPlan
        Made once, when the table is learned.
    result_ : Result
        What became of the last call; its usage has a line for each role, ``details["plan"]`` the
        plan, ``details["trimmed"]`` what Trim says of each row.

    Raises
    ------
    InputError
        If an option is out of its range, or the plan does not fit the table.

    References
    ----------
    .. [1] Zhang, Lin, Bao and Huang, "Team, Then Trim: An Assembly-Line LLM Framework for
       High-Quality Tabular Data Generation".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> age = rng.integers(18, 90, 60)
    >>> table = pl.DataFrame({"age": age, "pulse": rng.integers(50, 90, 60), "ill": age > 60})
    >>> system = TeamThenTrim("ill", random_state=0).fit(table)
    >>> system.plan_.made, system.sample(10).shape
    ('local', (10, 3))
    """

    batch_size: ClassVar[int] = 10
    """Rows of a prompt, and of a batch that the published Trim judges."""

    n_batches: ClassVar[int | None] = None
    """Batches to write, instead of rows to keep; whatever passes is returned."""

    context: ClassVar[Context] = "ancestors"
    """What a worker is given of the columns that are there, by the plan."""

    name = "team-then-trim"
    roles = ("manager", "worker", "label")
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "labels": OneOf("written", "probabilities"),
        "examples": OneOf(*SAMPLERS),
    }

    target: str | None = None
    _: KW_ONLY
    llm: Any = None
    schema: Any = None
    plan: Any = None
    variant: str = "default"
    trim: Any = "auto"
    topic: str | None = None
    examples: str = "stratified"
    labels: str = "written"
    local_columns: Sequence[str] = ()
    sampling_strategy: Any = "auto"
    random_state: Any = None

    # learning -----------------------------------------------------------------

    def _learn(self, table: Table) -> Any:
        return super()._learn(declare_classes(table))

    def _prepare(self) -> None:
        self._real = self.train_.select(self.writable_.names)
        self._gates = Gates(self.trim, self.variant, self._real, self.writable_)
        features = [name for name in self.writable_.names if name != self.writable_.target]
        if NUMBER in self.schema_:
            raise InputError(f"column {NUMBER!r} is the name of our row numbers; rename yours")
        if not features:
            raise InputError("a team needs a column beside the target; there is none to write")
        self.local_ = self._local_columns()
        self.plan_ = self._plan(features)
        self._drawer: LocalWorker | None = None
        self._labels_drawn: LabelDrawer | None = None
        if self.local_:
            seed = int(np.random.default_rng([self.seed_, Stream.TEAM_LOCAL]).integers(2**31))
            self._drawer = LocalWorker(self._real, self.layout_.codec, seed)

    def _plan(self, features: list[str]) -> TeamPlan:
        if self.plan is not None:
            return read_plan(self.plan, features, self.writable_.target)
        manager, published = self.model("manager"), self.variant == "published"
        if manager is None:
            plan = plan_by_association(self._real, self.writable_)
        else:
            if manager.sharing.allows("rows"):
                self.shown_ = [excerpt(self._real).drop(manager.sharing.redact, strict=False)]
            plan = ask_for_plan(
                manager, self.writable_, about=self._about, table=self.train_, published=published
            )
        return plan.chained() if published else plan

    def _local_columns(self) -> frozenset[str]:
        """Find the columns that are drawn on this machine."""
        names, target = self.writable_.names, self.writable_.target
        for name in self.local_columns:
            if name not in names:
                raise InputError(f"no column {name!r} is written{suggest(name, names)}")
        roles = {name: "label" if name == target else "worker" for name in names}
        unwritten = {name for name, role in roles.items() if self.model(role) is None}
        return frozenset(unwritten | set(self.local_columns))

    def _stored_parameters(self, **changes: Any) -> dict[str, Any]:
        return super()._stored_parameters(plan=self.plan_.to_dict(), **changes)

    @property
    def _about(self) -> str:
        return f"The table is about {self.topic}." if self.topic else ""

    # writing ------------------------------------------------------------------

    def _count(self, n_samples: Any) -> int:
        if n_samples is None and self.n_batches is not None:
            return self.n_batches * self.batch_size
        return super()._count(n_samples)

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        result.details["plan"] = self.plan_
        dry = self.dry_run_
        seed = int(request.rng(Stream.TEAM_TRIM).integers(2**31))
        pool = self.pool(
            request,
            result,
            copies="none" if dry else "shown" if self.variant == "published" else "equal",
            judge=None if dry else self._gates.judge(seed, result),
        )
        refill = self.n_batches is None and self.variant == "default"
        writer = self._writer(request, pool.rules, refill)
        if dry and refill and self.trim is not None:
            writer.n_batches = ceil(_ESTIMATED_TIMES * request.n_rows / self.batch_size)
        for _ in pool.fill(writer, max_rounds=None if refill and not dry else 1):
            pass
        pool.report()
        self._note(result)
        yield pool.kept

    def _writer(
        self, request: SampleRequest, rules: Sequence[BoundRule], refill: bool
    ) -> TeamWriter:
        times = MAX_MODEL_TIMES if self.model("worker") is not None else MAX_TIMES
        n_usual = ceil((times if refill else 1) * request.n_rows / self.batch_size)
        maximum = max(n_usual, self.n_batches or 0)
        return TeamWriter(
            self._team(rules), request, self.batch_size, self.n_batches, maximum, self._labels
        )

    def _labels(
        self, request: SampleRequest, n_rows: int, rng: np.random.Generator
    ) -> pl.Series | None:
        """Deal out the classes that are missing, where classes were asked for and may be named."""
        if request.quotas is None:
            return None
        model, target = self.model("worker"), str(self.writable_.target)
        column = self.writable_[target]
        if model is not None and not model.sharing.admits(column, request.quotas, self._real):
            return None
        return dealt_labels(request.quotas, n_rows, self._real[target], rng)

    def _team(self, rules: Sequence[BoundRule]) -> Team:
        """Give each component its worker, and the label its own."""
        plan = self.plan_.split(sorted(self.local_))
        conditions = conditions_of(rules, self.schema_, self.train_)
        bodies = {role: self._body(role, conditions) for role in ("worker", "label")}
        workers = assign(plan, self.writable_.target, bodies, self._drawer, self.local_)
        types = dict(self._real.schema)
        return Team(plan, self.writable_, types, workers, self.local_, self.context)

    def _body(self, role: str, rules: list[Condition]) -> Worker | None:
        model = self.model(role)
        if model is None:
            return None
        if role == "label" and self.labels == "probabilities" and self.writable_.target:
            self._labels_drawn = LabelDrawer(model, self.writable_, self.train_, self._about)
            return ProbabilityWorker(self._labels_drawn)
        return ModelWorker(
            model,
            self.writable_,
            self.train_,
            about=self._about,
            batch_size=self.batch_size,
            rules=rules,
            examples=self.examples,
            new_classes=bool(unseen_classes(self._real, self.writable_)),
        )

    def _note(self, result: Result) -> None:
        if self._drawer is not None:
            result.note(self._drawer.note(self.local_, self.writable_))
        notes = unseen_notes(self._real, self.writable_, self.local_)
        if self._labels_drawn is not None:
            notes.append(self._labels_drawn.note)
        if self.dry_run_:
            notes.append(
                "a dry run trims nothing; it counts on half as many rows more, in place of those "
                "that Trim will reject"
            )
        for note in (*notes, *self.plan_.notes):
            result.note(note)
