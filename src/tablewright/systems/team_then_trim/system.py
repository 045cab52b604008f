"""Team-then-Trim: a team writes rows column by column, gates judge them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone

from tablewright.errors import InputError
from tablewright.llm.rows.raw_rows import NUMBER
from tablewright.rules.bound import BoundRule
from tablewright.schema import SAID, suggest
from tablewright.selection.label_check import FEW
from tablewright.selection.pipeline import fit_checks, run_checks
from tablewright.selection.trim import Trim
from tablewright.systems.common.base import System
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.team_then_trim.manager import ask_for_plan, plan_by_association
from tablewright.systems.team_then_trim.plan import Context, TeamPlan
from tablewright.systems.team_then_trim.plan_reading import read_plan
from tablewright.systems.team_then_trim.pool import Judge, TeamPool
from tablewright.systems.team_then_trim.team import LABEL, Team
from tablewright.systems.team_then_trim.workers import LocalWorker, ModelWorker, Worker
from tablewright.tables.table import Table

__all__ = ["TeamThenTrim"]

_LOCAL, _TRIM, _LABELS, _TEAM = 20, 22, 23, 24
"""Streams of chance; 21 draws examples."""

_WAVE = 8
"""Batches that are written at once: all that a cap can cost without a row."""

_MOST = 10
"""Times as many rows as wanted that are written at most."""


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
        See `Synthesizer`; the meanings of columns in it are told to the models.
    plan : TeamPlan, mapping, path or None, default=None
        The plan, where it need not be made; `plan_` of a fitted team can be changed and given.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the paper does: the order of the roles is total, as many rows
        are written as asked for and none in place of those that Trim rejects, and Trim is the
        published one.
    trim : {"auto"}, Trim, mapping, sequence of Check or None, default="auto"
        The gates: those of the variant; a `Trim` of your own, or its parameters; single checks
        of `tablewright.selection`; or None for the team alone.
    trust : {"auto", "data", "generator"}, default="auto"
        What to believe where real rows are too few to tell a sound pool from a wrong one; see
        `Trim`.
    topic : str or None, default=None
        What the table is about, such as ``"patients of a heart clinic"``.
    classes : sequence or None, default=None
        Labels that rows may have, those that no real row has among them; None stands for the
        labels of the real rows. Only a model can write a label that it has not seen.
    context : {"parents", "ancestors", "all_done"}, default="ancestors"
        What a worker is given of the columns that are there.
    local_columns : sequence of str, default=()
        Columns that are drawn from the real rows although there is a model.
    model_columns : sequence of str or None, default=None
        Columns that a model writes; all others are drawn. None leaves that to `local_columns`.
    generator : str, default="auto"
        What the bodies without a model draw with; see `Synthesizer`.
    n_examples : int, default=10
        Real rows that a prompt shows, each class among them.
    batch_size : int, default=10
        Rows of a prompt, and of a batch that Trim judges.
    n_batches : int or None, default=None
        Batches to write, instead of rows to keep; whatever passes is returned.
    temperature, top_p : float or None, default=None
        Sampling parameters of the workers.
    patience : int, default=3
        Rounds that bring no row to keep, after which no more are written.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    plan_ : TeamPlan
        Made once, when the table is learned.
    result_ : Result
        What became of the last call; its bill has a line for each role, ``details["plan"]`` the
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

    name = "team-then-trim"
    roles = ("manager", "worker", "label")

    def __init__(
        self,
        target: str | None = None,
        *,
        llm: Any = None,
        schema: Any = None,
        plan: Any = None,
        variant: str = "default",
        trim: Any = "auto",
        trust: str = "auto",
        topic: str | None = None,
        classes: Sequence[Any] | None = None,
        context: Context = "ancestors",
        local_columns: Sequence[str] = (),
        model_columns: Sequence[str] | None = None,
        generator: str = "auto",
        n_examples: int = 10,
        batch_size: int = 10,
        n_batches: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        patience: int = 3,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.llm = llm
        self.schema = schema
        self.plan = plan
        self.variant = variant
        self.trim = trim
        self.trust = trust
        self.topic = topic
        self.classes = classes
        self.context = context
        self.local_columns = local_columns
        self.model_columns = model_columns
        self.generator = generator
        self.n_examples = n_examples
        self.batch_size = batch_size
        self.n_batches = n_batches
        self.temperature = temperature
        self.top_p = top_p
        self.patience = patience
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    # learning -----------------------------------------------------------------

    def _learn(self, table: Table) -> TeamThenTrim:
        self._check_options()
        if self.classes is not None:
            table = _declare(table, self.classes)
        learned: TeamThenTrim = super()._learn(table)
        return learned

    def _check_options(self) -> None:
        words = {
            "variant": ("default", "published"),
            "context": ("parents", "ancestors", "all_done"),
        }
        for name, allowed in words.items():
            if getattr(self, name) not in allowed:
                said = ", ".join(map(repr, allowed))
                raise InputError(f"{name} is one of {said}, not {getattr(self, name)!r}")
        if isinstance(self.trim, str) and self.trim != "auto":
            raise InputError(
                f"trim is 'auto', a Trim, its parameters, checks or None, not {self.trim!r}"
            )
        counts = {"batch_size": self.batch_size, "patience": self.patience}
        counts |= {} if self.n_batches is None else {"n_batches": self.n_batches}
        for name, value in counts.items():
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"{name} is a whole number above 0, not {value!r}")
        if self.n_examples < 0:
            raise InputError(f"n_examples is at least 0, not {self.n_examples}")

    def _prepare(self) -> None:
        self._real = self.train_.select(self.writable_.names)
        features = [name for name in self.writable_.names if name != self.writable_.target]
        if NUMBER in self.schema_:
            raise InputError(f"column {NUMBER!r} is the name of our row numbers; rename yours")
        if not features:
            raise InputError("a team needs a column beside the target; there is none to write")
        self.local_ = self._local_columns()
        self.plan_ = self._plan(features)
        self._drawer: LocalWorker | None = None
        if self.local_:
            seed = int(np.random.default_rng([self.seed_, _LOCAL]).integers(2**31))
            self._drawer = LocalWorker(self._real, self.layout_.codec, seed, self.generator)

    def _plan(self, features: list[str]) -> TeamPlan:
        if self.plan is not None:
            return read_plan(self.plan, features, self.writable_.target)
        manager, published = self.model("manager"), self.variant == "published"
        if manager is None:
            plan = plan_by_association(self._real, self.writable_)
        else:
            plan = ask_for_plan(
                manager, self.writable_, about=self._about, table=self.train_, published=published
            )
        return plan.chained() if published else plan

    def _local_columns(self) -> frozenset[str]:
        """Find the columns that are drawn on this machine."""
        names, target = self.writable_.names, self.writable_.target
        for name in (*self.local_columns, *(self.model_columns or ())):
            if name not in names:
                raise InputError(f"no column {name!r} is written{suggest(name, names)}")
        local = set(self.local_columns)
        if self.model_columns is not None:
            local |= set(names) - set(self.model_columns)
        for name in names:
            if self.model("label" if name == target else "worker") is None:
                local.add(name)
        return frozenset(local)

    @property
    def _about(self) -> str:
        return f"The table is about {self.topic}." if self.topic else ""

    # writing ------------------------------------------------------------------

    def _count(self, n_samples: Any) -> int:
        if n_samples is None and self.n_batches is not None:
            return self.n_batches * self.batch_size
        return super()._count(n_samples)

    def _write(self, wanted: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        dry = self.dry_run_
        result.details["plan"] = self.plan_
        if self._keeps_nothing():
            result.note(
                f"with {self.n_rows_} real rows a wrong pool cannot be told from a sound one, so "
                "none was written: say trust='generator' if you trust whoever writes"
            )
            return
        rules, gates = self.row_rules(wanted, result), None if dry else self._gates(wanted)
        team = self._team(rules)
        pool = TeamPool(
            self._real.clear(), self.writable_.target, wanted, result, rules, gates,
            self.layout_.constants,
        )  # fmt: skip
        refill = self.n_batches is None and self.variant == "default" and not dry
        self._fill(team, pool, refill)
        pool.tell()
        self._note(result, pool, dry)
        yield pl.concat([pool.kept, pool.added.select(pool.rows.columns)])

    def _fill(self, team: Team, pool: TeamPool, refill: bool) -> None:
        """Write and judge, round after round, until there are enough rows or no more come."""
        wanted, result = pool.wanted, pool.result
        n_batches = -(-wanted.n_rows // self.batch_size)
        most, n_written, idle = (_MOST if refill else 1) * n_batches, 0, 0
        n_batches = n_batches if self.n_batches is None else self.n_batches
        most = max(most, n_batches)
        while True:
            n_written = self._round(team, pool, n_written, n_batches)
            before = pool.lacking.total()
            pool.judge()
            lacking = pool.lacking.total()
            idle = 0 if lacking < before else idle + 1
            if not lacking or not refill or result.stopped is not None:
                return
            if idle >= self.patience or n_written >= most:
                result.note(
                    f"stopped after {n_written} batches with {lacking} rows lacking: "
                    + (
                        f"{idle} rounds brought no row to keep"
                        if idle >= self.patience
                        else "that is ten times as many as the rows wanted fill"
                    )
                )
                return
            rate = max(0.1, (wanted.n_rows - lacking) / (n_written * self.batch_size))
            more = int(np.ceil(lacking / rate / self.batch_size))
            n_batches = min(most - n_written, n_written, more)

    def _round(self, team: Team, pool: TeamPool, first: int, n_batches: int) -> int:
        """Write batches, a few at a time where a cap may end it; return the next number."""
        wave = n_batches if len(self.local_) == len(self.writable_) else _WAVE
        last = first + n_batches
        while first < last and pool.result.stopped is None:
            n_now = min(wave, last - first)
            n_rows = n_now * self.batch_size
            seed = int(pool.wanted.rng(_TEAM, first).integers(2**31))
            made = team.write(n_rows, seed, self._labels(pool, n_rows, first))
            pool.add(made, self.batch_size, first)
            first += n_now
        return first

    def _labels(self, pool: TeamPool, n_rows: int, first: int) -> pl.Series | None:
        """Deal out the classes that are lacking, where classes were asked for and may be told."""
        if pool.wanted.quotas is None or not self._may_tell(pool.wanted.quotas):
            return None
        target = str(self.writable_.target)
        labels = list(pool.lacking.elements())
        rng = pool.wanted.rng(_LABELS, first)
        dealt = rng.permutation(np.resize(rng.permutation(len(labels)), n_rows))
        return pl.Series(target, [labels[place] for place in dealt], dtype=self._real[target].dtype)

    def _may_tell(self, quotas: Mapping[Any, int]) -> bool:
        """Whether the workers may be told of these classes."""
        model, target = self.model("worker"), str(self.writable_.target)
        if model is None or self.writable_[target].why == SAID:
            return True
        sharing = model.sharing
        counts = Counter(self._real[target].to_list())
        frequent = min(counts[label] for label in quotas) >= sharing.least
        return target not in sharing.redact and (
            sharing.allows("rows") or (sharing.allows("summary") and frequent)
        )

    def _team(self, rules: Sequence[BoundRule]) -> Team:
        """Give each component its worker, and the label its own."""
        plan = self.plan_.split(sorted(self.local_))
        told = [(set(rule.columns), rule.rule.described()) for rule in rules]
        bodies = {role: self._body(role, told) for role in ("worker", "label")}
        parts = {part.id: part.features for part in plan.components}
        target = self.writable_.target
        parts |= {} if target is None else {LABEL: (target,)}
        workers: dict[str, Worker] = {}
        for name, features in parts.items():
            body = bodies["label" if name == LABEL else "worker"]
            if set(features) <= self.local_ or body is None:
                assert self._drawer is not None
                body = self._drawer
            workers[name] = body
        types = dict(self._real.schema)
        return Team(plan, self.writable_, types, workers, self.local_, self.context)

    def _body(self, role: str, rules: list[tuple[set[str], str]]) -> Worker | None:
        model = self.model(role)
        if model is None:
            return None
        return ModelWorker(
            model,
            self.writable_,
            self.train_,
            about=self._about,
            n_examples=self.n_examples,
            batch_size=self.batch_size,
            rules=rules,
            temperature=self.temperature,
            top_p=self.top_p,
            new_classes=bool(self._unseen),
        )

    @property
    def _unseen(self) -> list[Any]:
        """Declared classes that no real row has."""
        target = self.writable_.target
        if target is None or not self.writable_[target].kind.is_discrete:
            return []
        seen = set(self._real[target].to_list())
        return [label for label in self.writable_[target].categories or [] if label not in seen]

    # trimming -----------------------------------------------------------------

    def _gates(self, wanted: SampleRequest) -> Judge | None:
        """Fit the gates to the real rows."""
        seed = int(wanted.rng(_TRIM).integers(2**31))
        if self.trim is None:
            return None
        if not isinstance(self.trim, str | Mapping | Trim):
            checks = fit_checks(list(self.trim), self._real, self.writable_, seed)
            return lambda rows, _: run_checks(checks, rows, [np.arange(rows.height)], seed)
        trim = self._trim().set_params(random_state=seed).fit_typed(self._real, self.writable_)
        by_batch = trim.variant == "published"
        return lambda rows, batches: trim.judge(rows, batches if by_batch else None)

    def _trim(self) -> Trim:
        if isinstance(self.trim, Trim):
            trim: Trim = clone(self.trim)
            return trim
        options = {} if self.trim == "auto" else dict(self.trim)
        return Trim(**{"variant": self.variant, "trust": self.trust, **options})

    def _keeps_nothing(self) -> bool:
        """Whether the data would be trusted, and are too few to judge by."""
        if self.trim is None or not isinstance(self.trim, str | Mapping | Trim):
            return False
        trim = self._trim()
        labelled = self.writable_.target is not None
        default = trim.variant == "default" and trim.trust != "generator"
        return labelled and default and self.n_rows_ < FEW

    def _note(self, result: Result, pool: TeamPool, dry: bool) -> None:
        if self._drawer is not None:
            drawn = (
                "all columns"
                if len(self.local_) == len(self.writable_)
                else (", ".join(name for name in self.writable_.names if name in self.local_))
            )
            result.note(f"{drawn}: drawn on this machine, by {self._drawer.method_}")
        if self._unseen and self.writable_.target in self.local_:
            result.note(
                f"no real row is of class {', '.join(map(repr, self._unseen))}, so a label worker "
                "without a model cannot write it; name a model for the role 'label'"
            )
        result.note(self.plan_.brief())
        for repair in self.plan_.repairs[:3]:
            result.note(f"plan, {repair}")
        if self.plan_.made == "fallback":
            result.note("the manager gave no usable plan: the columns were taken in table order")
        if dry:
            result.note("a dry run trims nothing; rows in place of rejected ones cost extra")


def _declare(table: Table, classes: Sequence[Any]) -> Table:
    """Add the classes that a label may have to those that it has."""
    schema, target = table.schema, table.schema.target
    if target is None or not schema[target].kind.is_discrete:
        raise InputError(
            "classes are named for a target that has classes; name the target, or say "
            "'kind: categorical' of it in the schema"
        )
    column = schema[target]
    known = list(dict.fromkeys([*(column.categories or []), *classes]))
    if len({type(value) for value in known}) > 1:
        raise InputError(
            f"classes: {classes[0]!r} is not of the type of the labels of {target!r}, such as "
            f"{known[0]!r}"
        )
    listed = table.restore_frame.to_dict()["columns"].get(target, {}).get("categories", known)
    if strange := [value for value in known if value not in listed]:
        raise InputError(
            f"the data type of {target!r} lists its values, and class {strange[0]!r} is none of "
            "them: add it to the categories of the column"
        )
    told: dict[str, Any] = {"categories": known}
    if set(column.categories or []) <= set(classes):
        told["why"] = SAID
    frame = table.frame
    if isinstance(frame.schema[target], pl.Enum):
        frame = frame.with_columns(pl.col(target).cast(pl.String))
    return replace(table, frame=frame, schema=schema.replace(column.model_copy(update=told)))
