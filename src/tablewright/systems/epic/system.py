"""EPIC: a table in groups of classes, balanced, that a model goes on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.endpoint.metering import Metered
from tablewright.random_state import Stream
from tablewright.synthesizer.parameters import OneOf, Whole
from tablewright.systems.common.base import System
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.coreset import EXAMPLES, Coreset
from tablewright.systems.common.examples import Indices
from tablewright.systems.common.label_draws import LabelDrawer, RelabellingWriter
from tablewright.systems.common.partition import (
    QuantilePartition,
    TargetPartition,
    target_partition,
)
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import RowWriter
from tablewright.systems.epic.class_groups import group_letter
from tablewright.systems.epic.prompts import Layout
from tablewright.systems.epic.value_tokens import MAPPINGS, ValueTokens


@dataclass(frozen=True)
class _Variant:
    """What the two presets differ in."""

    rows_per_class: int | None
    sets: int
    mapping: str
    strict: bool


_VARIANTS = {
    "published": _Variant(15, 4, "all", strict=False),
    "default": _Variant(None, 2, "repetitive", strict=True),
}


@dataclass(eq=False, repr=False)
class EPIC(System):
    """Rows for every class alike, from a prompt that is a balanced table in groups of classes.

    A prompt holds no task: a header, rows of each class in a group of its own, as many of each,
    the same again with other rows, and a bare header, from which the model goes on. Without a
    model a local generator draws as many rows of each class.

    Parameters
    ----------
    target : str or None, default=None
        The label. A number is cut into classes at its quantiles, in the default variant.
    llm : LLM, mapping of str to LLM or None, default=None
        The model of the role ``"writer"``. It is shown whole rows.
    schema : Schema, mapping, path or None, default=None
        See `Synthesizer`; columns with a meaning are described at the top of the prompt.
    variant : {"default", "published"}, default="default"
        ``"published"`` does what the reference implementation does: 15 rows of each class in
        each of 4 sets, drawn with replacement where a class is small, tokens for all
        categories, no quotas, copies kept. ``"default"`` shows about 32 rows, none twice in a
        set and each as often as any other, and gives tokens to values that columns share; it
        checks values, ranges and classes, repairs tokens with one wrong letter, drops copies, and
        writes the same number of rows of each class.
    rows_per_class, sets : int or None, default=None
        Rows of each class in a set, and sets in a prompt; see `variant` for None.
    mapping : {"none", "repetitive", "all"} or None, default=None
        Which categories get tokens; see `variant` for None.
    examples : {"random", "coreset"}, default="random"
        Which real rows are shown: any, or those near the border of their class and those that
        stand for many others; see `Coreset`.
    labels : {"written", "probabilities"}, default="written"
        ``"probabilities"`` replaces the label that the model wrote with a row by one that is drawn
        from probabilities: what the model holds of each label, updated by the real rows.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    classes_ : Partition
        The classes, in the order of their groups.
    tokens_ : ValueTokens
        What stands for values in prompts.
    result_ : Result
        What became of the last call.

    Raises
    ------
    InputError
        If there is no target, or it has one class; if rows or all columns may not leave.

    References
    ----------
    .. [1] Kim, Kim and Choo, "EPIC: Effective Prompting for Imbalanced-Class Data Synthesis in
       Tabular Data Classification via Large Language Models", NeurIPS 2024, section 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pl.DataFrame({"dose": rng.normal(9, 2, 40), "ill": ["no"] * 32 + ["yes"] * 8})
    >>> system = EPIC("ill", random_state=0).fit(table)
    >>> system.sample(10)["ill"].value_counts(sort=True)["count"].to_list()
    [5, 5]
    """

    name = "epic"
    roles: ClassVar[tuple[str, ...]] = ("writer",)
    parameter_constraints: ClassVar = {
        "variant": OneOf("default", "published"),
        "examples": OneOf(*EXAMPLES),
        "labels": OneOf("written", "probabilities"),
        "mapping": OneOf(None, *MAPPINGS),
        "rows_per_class": Whole(optional=True),
        "sets": Whole(optional=True),
    }

    target: str | None = None
    _: KW_ONLY
    llm: Any = None
    schema: Any = None
    variant: str = "default"
    rows_per_class: int | None = None
    sets: int | None = None
    mapping: str | None = None
    examples: str = "random"
    labels: str = "written"
    sampling_strategy: Any = "auto"
    random_state: Any = None

    presets: ClassVar[Any] = _VARIANTS

    def _prepare(self) -> None:
        self.preset_ = self.presets[self.variant]
        real = self.train_.select(self.writable_.names)
        self.classes_ = self._grouped(real)
        self._prepare_writer(real)

    def _prepare_writer(self, real: pl.DataFrame) -> None:
        """Deal out the rows to show and the tokens, or fit what writes without a model."""
        self.members_ = self._members(real)
        rng = np.random.default_rng([self.seed_, Stream.EPIC_TOKENS])
        mapping = self.mapping or self.preset_.mapping
        self.tokens_ = ValueTokens.draw(real, self.writable_, mapping, rng)  # type: ignore[arg-type]  # checked
        model = self.model("writer")
        if model is not None:
            self._may_show(model)
        else:
            self.fit_generator()

    def _grouped(self, real: pl.DataFrame) -> TargetPartition:
        target, who = self.writable_.target, self.name.upper()
        if target is None or target not in self.writable_:
            raise InputError(
                f"{who} puts rows in groups by their class: name the target (target=...), and it "
                "may not be a constant or an identifier"
            )
        kind = self.writable_[target].kind
        if not (kind.is_discrete or kind.is_numeric):
            raise InputError(f"{who} needs classes, and the target {target!r} is {kind.value}")
        if kind.is_numeric and self.variant == "published":
            raise InputError(
                f"{who} as published needs classes, and the target {target!r} is {kind.value}: "
                "take variant='default', which cuts it at its quantiles, or say "
                "'kind: categorical' in the schema"
            )
        return target_partition(real, self.writable_)

    def _members(self, real: pl.DataFrame) -> list[Indices]:
        """Return the rows of each class that may be shown."""
        if self.examples == "coreset":
            return Coreset.learn(real, self.writable_, self.classes_, self.seed_).members
        codes = self.classes_.of(real)
        return [np.flatnonzero(codes == code) for code in range(len(self.classes_))]

    def _may_show(self, model: Metered) -> None:
        model.sharing.check(self.schema_)
        model.sharing.need("rows", self.name.upper())
        hidden = [name for name in model.sharing.redact if name in self.writable_]
        if hidden:
            raise InputError(
                f"{self.name.upper()} shows whole rows, and column {hidden[0]!r} is redacted: "
                "leave it out of the table, or take another method"
            )

    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        strict = self.preset_.strict
        pool = self.pool(
            replace(request, quotas=self._quotas_of(request)),
            result,
            partition=self.classes_,
            copies="none" if self.dry_run_ else "near" if strict else "shown",
            misplaced=self._misplaced if strict else None,
            check=self.row_check() if strict else None,
        )
        yield from pool.fill(self._writer(request, result))

    def _writer(self, request: SampleRequest, result: Result) -> RowWriter:
        model = self.model("writer")
        if model is None:
            return self.generator_writer(result, self.classes_)
        writer = Layout(self, request).writer(model)
        if self.labels == "written":
            return writer
        return RelabellingWriter(writer, LabelDrawer(model, self.writable_, self.train_))

    def _quotas_of(self, request: SampleRequest) -> Mapping[Any, int] | None:
        """Return rows of each class: as asked for, else the same number of each."""
        if request.quotas is not None or not self.preset_.strict:
            return request.quotas
        names = self._possible(request)
        parts = np.array_split(np.arange(request.n_rows), len(names))
        return {name: len(part) for name, part in zip(names, parts, strict=True)}

    def _possible(self, request: SampleRequest) -> list[Any]:
        """Return the classes that rows may have under the condition that was asked for."""
        every, target = list(self.classes_.names), self.classes_.column
        domain = None if request.where is None else request.where.domain(target)
        if domain is None:
            return every
        values = self.train_.select(pl.col(target).drop_nulls().unique(maintain_order=True))
        allowed = values.filter(pl.Series([value in domain for value in values[target].to_list()]))
        return [every[code] for code in sorted(set(self.classes_.of(allowed).tolist()))] or every

    def _misplaced(self, batch: RowBatch) -> list[str]:
        """Compare the class of each row with the group that it stood in.

        Bins of a number are ours, and no prompt says where they end: a row belongs to its own.
        """
        if isinstance(self.classes_, QuantilePartition):
            return [""] * batch.rows.height
        letters = batch.groups or [""] * batch.rows.height
        codes = self.classes_.of(batch.rows).tolist()
        return [
            f"stands in group {letter} and is of another class"
            if letter and (code < 0 or letter != group_letter(code))
            else ""
            for letter, code in zip(letters, codes, strict=True)
        ]
