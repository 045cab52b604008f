"""EPIC: a table in groups of classes, balanced, that a model goes on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.endpoint.metering import Metered
from tablewright.systems.common.base import System, Wanted
from tablewright.systems.common.candidate_pool import Pool
from tablewright.systems.common.classes import Classes
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import (
    LocalWriter,
    RowWriter,
    Written,
)
from tablewright.systems.epic.class_groups import group_letter
from tablewright.systems.epic.prompts import Layout
from tablewright.systems.epic.value_tokens import MAPPINGS, ValueTokens

__all__ = ["EPIC"]

_TOKENS = 21
"""Stream of chance."""


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
        checks values, ranges and classes, mends tokens with one wrong letter, drops copies, and
        writes the same number of rows of each class.
    rows_per_class, sets : int or None, default=None
        Rows of each class in a set, and sets in a prompt; see `variant` for None.
    mapping : {"none", "repetitive", "all"} or None, default=None
        Which categories get tokens; see `variant` for None.
    n_bins : int, default=4
        Classes of a numeric target.
    parallel : int, default=20
        Prompts sent at once, at most.
    temperature, top_p : float or None, default=None
        Sampling parameters; None leaves the provider's own.
    max_prompts : int, default=500
        Prompts sent in one call of `sample`.
    patience : int, default=3
        Rounds without a new row after which no more are asked for.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills.
    random_state : int, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    classes_ : Classes
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
    roles = ("writer",)

    def __init__(
        self,
        target: str | None = None,
        *,
        llm: Any = None,
        schema: Any = None,
        variant: str = "default",
        rows_per_class: int | None = None,
        sets: int | None = None,
        mapping: str | None = None,
        n_bins: int = 4,
        parallel: int = 20,
        temperature: float | None = None,
        top_p: float | None = None,
        max_prompts: int = 500,
        patience: int = 3,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.target = target
        self.llm = llm
        self.schema = schema
        self.variant = variant
        self.rows_per_class = rows_per_class
        self.sets = sets
        self.mapping = mapping
        self.n_bins = n_bins
        self.parallel = parallel
        self.temperature = temperature
        self.top_p = top_p
        self.max_prompts = max_prompts
        self.patience = patience
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _prepare(self) -> None:
        self._check()
        self._preset = _VARIANTS[self.variant]
        real = self.train_.select(self.writable_.names)
        self.classes_ = self._grouped(real)
        rng = np.random.default_rng([self.seed_, _TOKENS])
        mapping = self.mapping or self._preset.mapping
        self.tokens_ = ValueTokens.draw(real, self.writable_, mapping, rng)  # type: ignore[arg-type]  # checked
        model = self.model("writer")
        self._local = LocalWriter(real, self.writable_, self.seed_) if model is None else None
        if model is not None:
            self._may_show(model)

    def _check(self) -> None:
        if self.variant not in _VARIANTS:
            raise InputError(f"variant is 'default' or 'published', not {self.variant!r}")
        if self.mapping is not None and self.mapping not in MAPPINGS:
            raise InputError(f"mapping is one of {', '.join(MAPPINGS)}, not {self.mapping!r}")
        for name in ("rows_per_class", "sets", "n_bins", "parallel", "max_prompts", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is a whole number above 0, not {value!r}")

    def _grouped(self, real: pl.DataFrame) -> Classes:
        target = self.writable_.target
        if target is None or target not in self.writable_:
            raise InputError(
                "EPIC puts rows in groups by their class: name the target (target=...), and it "
                "may not be a constant or an identifier"
            )
        kind = self.writable_[target].kind
        if not (kind.is_discrete or kind.is_numeric):
            raise InputError(f"EPIC needs classes, and the target {target!r} is {kind.value}")
        if kind.is_numeric and self.variant == "published":
            raise InputError(
                f"EPIC as published needs classes, and the target {target!r} is {kind.value}: take "
                "variant='default', which cuts it at its quantiles, or say 'kind: categorical' "
                "in the schema"
            )
        return Classes.learn(real, self.writable_, self.n_bins)

    def _may_show(self, model: Metered) -> None:
        model.sharing.check(self.schema_)
        model.sharing.need("rows", "EPIC")
        hidden = [name for name in model.sharing.redact if name in self.writable_]
        if hidden:
            raise InputError(
                f"EPIC shows whole rows, and column {hidden[0]!r} is redacted: leave it out of the "
                "table, or take another method"
            )

    def _write(self, wanted: Wanted, result: Result) -> Iterator[pl.DataFrame]:
        model = self.model("writer")
        pool = Pool(
            self, wanted, result, self.classes_, self._quotas_of(wanted),
            copies=not self._preset.strict, patience=self.patience,
            misplaced=self._misplaced if self._preset.strict else None,
        )  # fmt: skip
        yield from pool.fill(self._local_writer(wanted, result) if model is None else
                             Layout(self, wanted).writer(model))  # fmt: skip

    def _local_writer(self, wanted: Wanted, result: Result) -> RowWriter:
        assert self._local is not None
        result.note(self._local.says)
        return self._local.asked(wanted, self.classes_)

    def _quotas_of(self, wanted: Wanted) -> dict[int, int] | None:
        """Return rows of each class: as asked for, else the same number of each."""
        if wanted.quotas is not None:
            return self.classes_.quotas(wanted.quotas)
        if not self._preset.strict:
            return None
        places = self._possible(wanted)
        parts = np.array_split(np.arange(wanted.n_rows), len(places))
        return {place: len(part) for place, part in zip(places, parts, strict=True)}

    def _possible(self, wanted: Wanted) -> list[int]:
        """Return the classes that rows may have under the condition that was asked for."""
        every = list(range(len(self.classes_)))
        target = self.classes_.target
        domain = None if wanted.where is None else wanted.where.domain(target)
        if domain is None:
            return every
        values = self.train_.select(pl.col(target).drop_nulls().unique(maintain_order=True))
        allowed = values.filter(pl.Series([value in domain for value in values[target].to_list()]))
        return sorted(set(self.classes_.of(allowed).tolist())) or every

    def _misplaced(self, written: Written) -> list[str]:
        """Compare the class of each row with the group that it stood in."""
        letters = written.groups or [""] * written.rows.height
        places = self.classes_.of(written.rows).tolist()
        return [
            f"stands in group {letter} and is of another class"
            if letter and (place < 0 or letter != group_letter(place))
            else ""
            for letter, place in zip(letters, places, strict=True)
        ]
