"""The gates of Team-then-Trim: what judges all candidates after every round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import clone

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.selection.label_checks import MIN_REAL_ROWS
from tablewright.selection.pipeline import Trimmed, fit_checks, run_checks
from tablewright.selection.trim import Trim
from tablewright.systems.common.candidate_pool import Judge, Verdict
from tablewright.systems.common.result import Result

Run = Callable[[pl.DataFrame, list[int]], Trimmed]


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
        if not self._is_trim:
            return False
        trim = self._trim()
        default = trim.variant == "default" and trim.trust == "auto"
        return self.schema.target is not None and default and self.real.height < MIN_REAL_ROWS

    def judge(self, seed: int, result: Result) -> Judge | None:
        """Fit the gates to the real rows; the details of the result get their last word."""
        if self.trim is None:
            return None
        run = self._trimming(seed) if self._is_trim else self._checking(seed)

        def judge(rows: pl.DataFrame, batches: list[int]) -> Verdict:
            trimmed = run(rows, batches)
            result.details.update(trust=trimmed.trust, trimmed=trimmed)
            return Verdict(
                trimmed.keep, trimmed.stage, trimmed.reason, trimmed.score, trimmed.notes,
                trimmed.added,
            )  # fmt: skip

        return judge

    @property
    def _is_trim(self) -> bool:
        return isinstance(self.trim, str | Mapping | Trim)

    def _trim(self) -> Trim:
        if isinstance(self.trim, Trim):
            trim: Trim = clone(self.trim)
            return trim
        options = {} if self.trim == "auto" else dict(self.trim)
        return Trim(**{"variant": self.variant, **options})

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
