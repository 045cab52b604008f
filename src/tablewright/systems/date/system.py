"""DATE: rows for each readable part of a table, a tree's reading as feedback, a bandit's choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import polars as pl

from tablewright.errors import InputError
from tablewright.selection.judges import names_of
from tablewright.selection.selector import STRATEGIES
from tablewright.synthesizer.parameters import OneOf, Whole
from tablewright.systems.common.base import System
from tablewright.systems.common.candidate_pool import CandidatePool
from tablewright.systems.common.partition import target_partition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.date.choice import choose
from tablewright.systems.date.examples import SHOWN, ShownRows
from tablewright.systems.date.pairs import Pairs, preference_pairs
from tablewright.systems.date.partition import Part, Parts, asked_columns, partition
from tablewright.systems.date.rounds import Rounds
from tablewright.systems.date.writers import LocalWriter, ModelWriter, PartWriter
from tablewright.tables.io.model_file import Artefact

_MIN_PART, _MAX_PARTS = 30, 6
_MORE_TURNS = 3
"""Rounds beyond those asked for, where fewer candidates came than rows are wanted."""


@dataclass(frozen=True)
class _Variant:
    """What the two presets differ in."""

    method: str
    max_error: float | None
    n_examples: int
    max_rules: int
    other_share: int
    tokens: int | None
    balance: float
    strict: bool


_VARIANTS = {
    "published": _Variant("rules", 0.2, 30, 10, 1, None, balance=0.5, strict=False),
    "default": _Variant("tree", None, 15, 3, 3, 1500, balance=0.0, strict=True),
}


class DATE(System):
    """Diversity-aware generator: rows part by part, and only the groups that prove their worth.

    The table is cut into parts that a rule describes. Each part is asked for rows of its own; a
    decision tree of the part reads the answer, groups it by path, and says what each group does
    to predictions of rows it did not see; the next round is told. In the end a bandit chooses
    among all groups, and may choose none. Without a model a local generator draws inside of the
    parts, and the same feedback moves what is drawn.

    Parameters
    ----------
    target : str or None, default=None
        The label or number that the parts are about. It is required.
    llm : LLM, mapping of str to LLM or None, default=None
        The model of the role ``"writer"``.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the reference program does: rule search with shared models and
        an error of 0.2, 30 rows of each of 10 rules in a prompt, the whole history, values not
        checked, copies kept, and its bandit, which accepts any rise of one tree's accuracy.
        ``"default"`` cuts by one tree, shows fewer rows, trims the history, checks values, drops
        copies, and chooses by `Selector`.
    topic : str or None, default=None
        What the table is about.
    parts : str, path or None, default=None
        File of parts, as ``tablewright partition`` writes it; cut anew where None.
    rounds : int, default=2
        Rounds of feedback after the first answers.
    candidates : int, default=2
        Candidate rows for each row that is wanted.
    feedback, new_rules : bool, default=True
        Whether a round is told of earlier ones; whether a model may write rules of its own.
    strategy : {"bandit", "greedy", "label-check", "none"}, default="bandit"
        How groups are chosen; see `Selector`. Where classes are asked for by number, groups are
        taken in the order of their worth, and none is refused.
    learners : str, sequence of str or None, default=None
        Models that judge groups; see `Selector`.
    examples : {"stratified", "coreset"}, default="stratified"
        Which real rows of a part a prompt shows: any, by label, or of each label those near its
        border and those that stand for many others; see `Coreset`.
    n_examples : int or None, default=None
        Real rows of the part in a prompt; 15, and 30 in the published variant, where None.
    rows_per_prompt : int, default=10
        Rows that a prompt asks for.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    parts_ : Parts
    result_ : Result
        What became of the last call; ``details`` has the rounds and the `Selection`.

    Raises
    ------
    InputError
        If there is no target of classes or numbers, or an option is out of its range.

    References
    ----------
    .. [1] "Exploring the Heterogeneity of Tabular Data: A Diversity-aware Data Generator via
       LLMs" (DATE), arXiv 2512.21915.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> table = pl.DataFrame({"dose": rng.normal(9, 2, 80)})
    >>> table = table.with_columns(ill=pl.when(pl.col("dose") > 9).then(1).otherwise(0))
    >>> system = DATE("ill", strategy="none", rounds=0, random_state=0).fit(table)
    >>> system.sample(10).shape
    (10, 2)
    """

    name = "date"
    roles = ("writer",)
    _stored_parts: Parts | None = None
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "strategy": OneOf(*STRATEGIES),
        "examples": OneOf(*SHOWN),
        "rounds": Whole(0),
        "candidates": Whole(),
        "n_examples": Whole(optional=True),
        "rows_per_prompt": Whole(),
    }

    def __init__(
        self,
        target: str | None = None,
        *,
        llm: Any = None,
        schema: Any = None,
        variant: str = "default",
        topic: str | None = None,
        parts: str | Path | None = None,
        rounds: int = 2,
        candidates: int = 2,
        feedback: bool = True,
        new_rules: bool = True,
        strategy: str = "bandit",
        learners: str | Sequence[str] | None = None,
        examples: str = "stratified",
        n_examples: int | None = None,
        rows_per_prompt: int = 10,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.llm = llm
        self.schema = schema
        self.variant = variant
        self.topic = topic
        self.parts = parts
        self.rounds = rounds
        self.candidates = candidates
        self.feedback = feedback
        self.new_rules = new_rules
        self.strategy = strategy
        self.learners = learners
        self.examples = examples
        self.n_examples = n_examples
        self.rows_per_prompt = rows_per_prompt
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    # 1. parts -----------------------------------------------------------------------------

    def _prepare(self) -> None:
        names_of(self.learners)
        self.preset_ = _VARIANTS[self.variant]
        target = self.writable_.target
        if target is None or target not in self.writable_:
            raise InputError(
                "DATE cuts a table by what it predicts: name the target (target=...), and it may "
                "not be a constant or an identifier"
            )
        real = self.train_.select(self.writable_.names)
        self.known_ = real.drop_nulls(target)
        self.classes_ = target_partition(real, self.writable_)
        model = self.model("writer")
        if model is None:
            self.fit_generator()
        else:
            model.sharing.check(self.schema_)
        self._hidden = () if model is None else tuple(model.sharing.redact)
        may_describe = model is None or model.sharing.allows("rows")
        self.parts_ = self._stored_parts or self._cut(may_describe)

    def _cut(self, may_describe: bool) -> Parts:
        """Cut the table; its rules are made of its rows, so they leave only where rows may."""
        if self.parts is not None:
            return Parts.load(self.parts, self.writable_)
        columns = [c for c in self.writable_.each() if c.name not in self._hidden or
                   c.name == self.writable_.target]  # fmt: skip
        schema = self.writable_.model_copy(update={"columns": columns})
        if not may_describe or not asked_columns(schema):
            return Parts((Part("all rows", (), self.known_.height),))
        min_rows = max(10, min(_MIN_PART, self.known_.height // 6))
        return partition(
            self.known_, schema, method=self.preset_.method,  # type: ignore[arg-type]  # a literal
            max_error=self.preset_.max_error, min_rows=min_rows, max_parts=_MAX_PARTS,
            seed=self.seed_, time_limit=float("inf"),
        )  # fmt: skip

    def _state(self) -> Artefact:
        state = super()._state()
        return replace(state, facts={**state.facts, "parts": self.parts_.to_list()})

    def _restore(self, stored: Artefact) -> None:
        self._stored_parts = Parts.from_list(stored.facts["parts"], self.writable_)
        super()._restore(stored)
        self._stored_parts = None

    # 2. rows of each part, round by round -------------------------------------------------

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        tokens = self.preset_.tokens
        self.rounds_ = Rounds(
            self.parts_, self.known_, self.writable_, self.seed_, tokens, self._hidden,
            self.preset_.balance,
        )  # fmt: skip
        self.shown_rows_ = ShownRows(self.rounds_, self.classes_, self.seed_, self._coreset_size())
        if request.where is not None:
            self.rounds_.allowed = request.where.domain(self.rounds_.target)
        pool = self.pool(
            self._wide(request),
            result,
            partition=self.classes_,
            copies="none" if self.dry_run_ else "near" if self.preset_.strict else "shown",
        )
        groups = self._filled(pool, self._writer(request, result), request.n_rows)
        result.details |= {"parts": self.parts_, "rounds": self.rounds_.summary()}
        if self.strategy == "none" or self.dry_run_ or not pool.rows.height:
            yield pool.rows
        else:  # 3. the choice
            yield choose(self, pool.rows, groups, request, result)

    @property
    def n_shown(self) -> int:
        """Real rows of the part that a prompt shows."""
        return self.n_examples or self.preset_.n_examples

    def _coreset_size(self) -> int | None:
        return self.n_shown if self.examples == "coreset" else None

    def _wide(self, request: SampleRequest) -> SampleRequest:
        """Ask for more candidates than rows, where there is a choice."""
        times, quotas = 1 if self.strategy == "none" else self.candidates, request.quotas
        if quotas is not None:
            quotas = {label: n * times for label, n in quotas.items()}
        return request.part(request.n_rows * times, quotas)

    def _writer(self, request: SampleRequest, result: Result) -> PartWriter:
        model = self.model("writer")
        if model is None:
            generator = self.generator_writer(result, self.classes_)
            return LocalWriter(generator, self, request, self.classes_, result)
        if not model.sharing.allows("rows"):
            result.note(
                f"only the {model.sharing.share} of the table may leave this machine, so prompts "
                "show no real rows and know no parts"
            )
        return ModelWriter(self, model, request)

    def _filled(self, pool: CandidatePool, writer: PartWriter, n_wanted: int) -> list[str]:
        """Ask each part, learn from the answers, ask again; return the group of each row."""
        groups: list[str] = []
        turns = self.rounds + 1
        for turn in range(turns + _MORE_TURNS):
            left = pool.missing
            if not left.n_rows or (turn >= turns and len(groups) >= n_wanted):
                break
            piece = left.at_most(-(-left.n_rows // max(turns - turn, 1)))
            batch = writer.write(self.rounds_.asks(piece, self.rounds_.open, writer.least))
            rows = pool.add(batch)
            names = self.rounds_.learn(rows, pool.groups[len(groups) :])
            groups += names
            if pool.ends(batch) or (turn >= turns and not rows.height):
                if batch.exhausted:
                    pool.result.note(batch.exhausted)
                break
            if not self.feedback:
                self.rounds_.forget()
        return groups

    # 4. pairs for preference tuning -------------------------------------------------------

    def preference_pairs(self, rows: Any, **options: Any) -> Pairs:
        """Make questions with a right and a wrong label of rows; see `preference_pairs`."""
        return preference_pairs(rows, self.writable_, **options)
