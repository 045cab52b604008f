"""CLLM: one prompt with real rows in it writes rows, learning dynamics curate them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.random_state import Stream
from tablewright.synthesizer.parameters import OneOf, Whole
from tablewright.systems.cllm.learning_dynamics import LearningDynamics
from tablewright.systems.cllm.prompts import Page
from tablewright.systems.common.base import System
from tablewright.systems.common.candidate_pool import Judge, Verdict
from tablewright.systems.common.coreset import SAMPLERS
from tablewright.systems.common.label_draws import LabelDrawer, RelabellingWriter
from tablewright.systems.common.partition import target_partition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import LanguageModelWriter, RowWriter

_LOSS = 0.5
"""Share of the rows that a model of 1.5B loses as copies, to the gate of relations and to curation,
which an estimate counts."""


@dataclass(frozen=True)
class _Variant:
    """What the two presets differ in."""

    rows_per_prompt: int
    max_tokens: int | None
    strict: bool
    refill: bool
    dynamics: str


_VARIANTS = {
    "published": _Variant(1000, 1000, strict=False, refill=False, dynamics="published"),
    "default": _Variant(20, None, strict=True, refill=True, dynamics="guarded"),
}


@dataclass(eq=False, repr=False)
class CLLM(System):
    """Curated LLM: rows from one prompt, and a model of the real rows that judges their labels.

    A prompt shows real rows, names the domain and asks for rows as JSON records. Of the rows
    that come back, those whose label a model of the real rows steadily denies while it learns
    are dropped. Without a model a local generator writes the rows, and they are curated alike.

    Parameters
    ----------
    target : str or None, default=None
        The label; without one nothing can be curated.
    llm : LLM, mapping of str to LLM or None, default=None
        The model of the role ``"writer"``.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`; the meanings of columns in it are told to the model.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the paper does: 1,000 rows asked for in a prompt and as many
        taken as come, examples drawn with replacement, rows with missing cells dropped, values
        not checked against the table, copies kept, no limit to what curation drops.
        ``"default"`` checks values and ranges, keeps missing cells, drops copies, curates only
        as far as the curator proves itself on the real rows, and asks for rows in place of
        those that were dropped.
    topic : str or None, default=None
        What the table is about, such as ``"patients of a heart clinic"``.
    curate : bool or mapping, default=True
        Whether rows are curated; False is the baseline "one prompt", a mapping changes parameters
        of `LearningDynamics`, such as ``{"trees": "xgboost"}``.
    examples : {"random", "stratified", "nearest", "coreset"}, default="random"
        Which real rows a prompt shows: any; some of each class, by its share; one and those
        nearest to it; or those near the border of their class and those that stand for many
        others (`Coreset`).
    n_examples : int, default=20
        Real rows that a prompt shows, at most.
    rows_per_prompt : int or None, default=None
        Rows that a prompt asks for; 20, and 1,000 in the published variant, where None.
    labels : {"written", "probabilities"}, default="written"
        ``"probabilities"`` replaces the label that the model wrote with a row by one that is drawn
        from probabilities: what the model holds of each label, updated by the real rows.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    curator_ : LearningDynamics or None
        The fitted curator.
    result_ : Result
        What became of the last call; ``details["curation"]`` has each row's dynamics.

    Raises
    ------
    InputError
        If an option is out of its range.

    References
    ----------
    .. [1] Seedat, Huynh, van Breugel and van der Schaar, "Curated LLM: Synergy of LLMs and Data
       Curation for tabular augmentation in low-data regimes", ICML 2024, sections 2 and 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pl.DataFrame({"dose": rng.normal(9, 2, 40), "ill": ["no"] * 32 + ["yes"] * 8})
    >>> system = CLLM("ill", random_state=0).fit(table)
    >>> system.sample(10).shape
    (10, 2)
    """

    completions: ClassVar[int] = 5
    """Replies to each prompt, at most."""

    context: ClassVar[bool] = True
    """Whether prompts have the names of the columns and the topic; False is the paper's ablation:
    ``feat_0``, ``feat_1``, ... and no topic."""

    name = "cllm"
    roles = ("writer",)
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "examples": OneOf(*SAMPLERS),
        "labels": OneOf("written", "probabilities"),
        "n_examples": Whole(0),
        "rows_per_prompt": Whole(optional=True),
    }

    target: str | None = None
    _: KW_ONLY
    llm: Any = None
    schema: Any = None
    variant: str = "default"
    topic: str | None = None
    curate: bool | Mapping[str, Any] = True
    examples: str = "random"
    n_examples: int = 20
    rows_per_prompt: int | None = None
    labels: str = "written"
    sampling_strategy: Any = "auto"
    random_state: Any = None

    def _prepare(self) -> None:
        self.preset_ = _VARIANTS[self.variant]
        real = self.train_.select(self.writable_.names)
        target = self.writable_.target
        labelled = target is not None and target in self.writable_
        self.classes_ = target_partition(real, self.writable_) if labelled else None
        self.curator_ = None
        if self.curate and self.classes_ is not None:
            rng = np.random.default_rng([self.seed_, Stream.CLLM_CURATION])
            known = real.drop_nulls(target)
            self.curator_ = self._curator().fit(known, self.writable_, rng)
        model = self.model("writer")
        if model is not None:
            model.sharing.check(self.schema_)
        else:
            self.fit_generator()

    def _curator(self) -> LearningDynamics:
        changes = self.curate if isinstance(self.curate, Mapping) else {}
        try:
            return LearningDynamics.preset(self.preset_.dynamics, **changes)
        except TypeError as error:
            raise InputError(f"curate: {error}") from error

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        pool = self.pool(
            request,
            result,
            partition=self.classes_,
            copies="none" if self.dry_run_ else "near" if self.preset_.strict else "shown",
            check=self.row_check() if self.preset_.strict else None,
            judge=self._judge(request, result),
            judge_when_full=True,
        )
        for _ in pool.fill(self._writer(request, result), refill=self.preset_.refill):
            pass
        pool.report()
        yield pool.kept

    def _writer(self, request: SampleRequest, result: Result) -> RowWriter:
        model = self.model("writer")
        if model is None:
            return self.generator_writer(result, self.classes_)
        if self.n_examples and not model.sharing.allows("rows"):
            result.note(
                f"only the {model.sharing.share} of the table may leave this machine, so the "
                "prompt shows no real rows"
            )
        page = Page(self, request)
        writer = LanguageModelWriter(
            model, page.schema, page.task, "json",
            per_prompt=self.rows_per_prompt or self.preset_.rows_per_prompt,
            parallel=self.completions, max_prompts=self.max_prompts,
            fixed=not self.preset_.strict, loss=_LOSS if self.preset_.strict else 0.0,
            names={new: old for old, new in page.names.items()},
        )  # fmt: skip
        if self.labels == "written" or self.classes_ is None:
            return writer
        return RelabellingWriter(
            writer, LabelDrawer(model, self.writable_, self.train_, self.topic or "")
        )

    def _judge(self, request: SampleRequest, result: Result) -> Judge | None:
        """Return the curation of all candidates so far; the details have the last word on each."""
        curator = self.curator_
        if self.dry_run_:
            return None
        if curator is None:
            if self.curate:
                result.note("without a target nothing was curated: name it (target=...)")
            return None

        def judge(rows: pl.DataFrame, _: list[Any]) -> Verdict:
            judged = curator.judge(rows, request.rng(Stream.CLLM_CURATION))
            result.details["curation"] = curator.dynamics(rows)
            stages = ["curation"] * rows.height
            return Verdict(judged.keep, stages, judged.reasons, judged.score, judged.notes)

        return judge
