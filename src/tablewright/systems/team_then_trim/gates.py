"""The gates of Team-then-Trim: what judges all candidates after every round.

The paper leaves open at which parameters the gain of information is taken, and of what its 30 %
of diversity are a share. Read as a share of the entropy no batch can pass; with parameters that
are fitted anew for each batch hardly one does. So the published gates take the parameters
of the real rows, no margin (c = 0), and the best 30 % of the batches: with this reading the
method keeps something. `Trim` has the other readings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.selection.diversity import Diversity
from tablewright.selection.information import InformationGain
from tablewright.selection.label_checks import MIN_REAL_ROWS, LabelCheck
from tablewright.selection.pipeline import Trimmed, fit_checks, run_checks
from tablewright.selection.trim import Trim
from tablewright.systems.common.candidate_pool import Judge, Verdict
from tablewright.systems.common.result import Result

Run = Callable[[pl.DataFrame, list[int]], Trimmed]

_PUBLISHED = {"diversity": "percentile", "c": 0.0, "update": "frozen"}

_OF_POOLS = (LabelCheck.name, InformationGain.name, Diversity.name)
"""Checks whose judgement of a row hangs on the pool that it came with."""


@dataclass(frozen=True)
class Gates:
    """The gates that the option `trim` names.

    Parameters
    ----------
    trim : {"auto"}, Trim, mapping, sequence of Check or None
    variant : {"default", "published"}
    real : DataFrame
    schema : Schema
    """

    trim: Any
    variant: str
    real: pl.DataFrame
    schema: Schema

    def __post_init__(self) -> None:
        if isinstance(self.trim, str) and self.trim != "auto":
            raise InputError(
                f"trim is 'auto', a Trim, its parameters, checks or None, not {self.trim!r}"
            )

    @property
    def is_doubtful(self) -> bool:
        """Whether there are too few real rows to weigh a pool by, and nobody said whom to trust."""
        few = self.schema.target is not None and self.real.height < MIN_REAL_ROWS
        return few and self._trusts_nobody and self._trim().variant == "default"

    @property
    def _trusts_nobody(self) -> bool:
        """Whether nobody said if the generator or the real rows are to be believed."""
        return self._is_trim and self._trim().trust == "auto"

    def judge(self, seed: int, result: Result) -> Judge | None:
        """Fit the gates to the real rows; the details of the result get their last word."""
        if self.trim is None:
            return None
        run = self._trimming(seed) if self._is_trim else self._checking(seed)

        def judge(rows: pl.DataFrame, batches: list[int]) -> Verdict:
            trimmed, doubt = run(rows, batches), ""
            if rows.height and not trimmed.n_kept and self._trusts_nobody:
                trimmed, doubt = _without_pool_checks(trimmed)
            result.details.update(trust=trimmed.trust, trimmed=trimmed)
            return Verdict(
                trimmed.keep, trimmed.stage, trimmed.reason, trimmed.score, trimmed.notes,
                trimmed.added, doubt,
            )  # fmt: skip

        return judge

    @property
    def _is_trim(self) -> bool:
        return isinstance(self.trim, str | Mapping | Trim)

    def _trim(self) -> Trim:
        if isinstance(self.trim, Trim):
            trim: Trim = clone(self.trim)
            return trim
        options = {"variant": self.variant, **({} if self.trim == "auto" else self.trim)}
        published = _PUBLISHED if options["variant"] == "published" else {}
        return Trim(**{**published, **options})

    def _trimming(self, seed: int) -> Run:
        trim = self._trim().set_params(random_state=seed)
        if self.is_doubtful:
            trim.set_params(trust="generator")
        trim.fit_typed(self.real, self.schema)
        by_batch = trim.variant == "published"
        return lambda rows, batches: trim.judge(rows, np.array(batches) if by_batch else None)

    def _checking(self, seed: int) -> Run:
        checks = fit_checks(list(self.trim), self.real, self.schema, seed)
        return lambda rows, _: run_checks(checks, rows, [np.arange(rows.height)], seed)


def _without_pool_checks(trimmed: Trimmed) -> tuple[Trimmed, str]:
    """Keep the rows that only checks of whole pools reject; say what is in doubt then."""
    passed = np.isin(trimmed.stage, _OF_POOLS)
    if not passed.any():
        return trimmed, ""
    first = int(passed.argmax())
    doubt = (
        f"the checks of the whole pool keep none of its {len(passed)} rows "
        f"({trimmed.stage[first]}: {trimmed.reason[first]}): "
        "whether it helps is in doubt; returned are the rows that pass the checks of single rows"
    )
    stages, reasons = (
        ["" if spared else mark for spared, mark in zip(passed, marks, strict=True)]
        for marks in (trimmed.stage, trimmed.reason)
    )
    notes = [note for note in trimmed.notes if not note.startswith("nothing was kept")]
    kept = replace(trimmed, keep=passed, stage=stages, reason=reasons, notes=notes)
    return kept, doubt
