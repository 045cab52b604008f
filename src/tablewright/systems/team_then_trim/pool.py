"""All that a team has written for one request, and which of it passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.bound import BoundRule
from tablewright.selection.pipeline import Trimmed
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.team_then_trim.team import TeamRows

__all__ = ["Judge", "TeamPool"]

Judge = Callable[[pl.DataFrame, NDArray[np.intp]], Trimmed]


class TeamPool:
    """Rows of one request; all of them are judged again when others have come.

    Parameters
    ----------
    blank : DataFrame
        No rows, typed.
    target : str or None
    wanted : Wanted
    result : Result
        Told what is lost and rejected.
    rules : sequence of BoundRule
        What every row of this request keeps.
    judge : callable or None
        Takes rows and their batches, and says what becomes of them.
    constants : DataFrame of at most one row
        Columns that rules may name and rows do not have.
    """

    def __init__(
        self,
        blank: pl.DataFrame,
        target: str | None,
        wanted: SampleRequest,
        result: Result,
        rules: Sequence[BoundRule],
        judge: Judge | None,
        constants: pl.DataFrame,
    ) -> None:
        self.rows, self.target = blank, target
        self.wanted, self.result = wanted, result
        self.rules, self._judge, self.constants = rules, judge, constants
        self.batches: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self.keep: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self.trimmed: Trimmed | None = None

    def add(self, made: TeamRows, batch_size: int, first_batch: int) -> None:
        """Take in what a team wrote; rows that break a rule of the request go at once."""
        result = self.result
        result.n_proposed += made.rows.height
        result.parse_errors.update(made.lost)
        result.stopped = result.stopped or made.stopped
        for error in made.failed[:1]:
            result.note(f"a prompt got no reply: {error}")
        reasons = self._broken(made.rows)
        keep = np.array([not reason for reason in reasons], dtype=np.bool_)
        result.reject(made.rows.filter(~keep), "rules", [reason for reason in reasons if reason])
        batches = first_batch + np.array(made.places, dtype=np.intp) // batch_size
        self.rows = pl.concat([self.rows, made.rows.filter(keep)])
        self.batches = np.concatenate([self.batches, batches[keep]])
        self.keep = np.concatenate([self.keep, np.zeros(keep.sum(), dtype=np.bool_)])

    def _broken(self, rows: pl.DataFrame) -> list[str]:
        reasons = [""] * rows.height
        whole = rows.join(self.constants, how="cross") if self.constants.height else rows
        for rule in self.rules if rows.height else ():
            for place in np.flatnonzero(rule.broken(whole)).tolist():
                reasons[place] = reasons[place] or f"breaks {rule.rule.described()}"
        return reasons

    def judge(self) -> None:
        """Say anew which rows pass."""
        self.keep = np.ones(self.rows.height, dtype=np.bool_)
        if self._judge is not None and self.rows.height:
            self.trimmed = self._judge(self.rows, self.batches)
            self.keep = np.asarray(self.trimmed.keep)

    @property
    def kept(self) -> pl.DataFrame:
        """The rows that pass, in the order in which they were written."""
        return self.rows.filter(self.keep)

    @property
    def added(self) -> pl.DataFrame:
        """Real rows that the published band takes over."""
        return self.rows.clear() if self.trimmed is None else self.trimmed.added

    @property
    def lacking(self) -> Counter[Any]:
        """Rows still wanted: of each class where classes were asked for, else under None."""
        quotas = self.wanted.quotas
        if quotas is None:
            return Counter({None: max(0, self.wanted.n_rows - int(self.keep.sum()))})
        have = Counter(self.kept[str(self.target)].to_list())
        return Counter({label: max(0, n - have[label]) for label, n in quotas.items()})

    def tell(self) -> None:
        """Put what did not pass into the result."""
        trimmed = self.trimmed
        if trimmed is None:
            return
        gone = ~self.keep
        stages = [stage for stage, out in zip(trimmed.stage, gone, strict=True) if out]
        reasons = [reason for reason, out in zip(trimmed.reason, gone, strict=True) if out]
        scores = np.asarray(trimmed.score)[gone].tolist()
        self.result.reject(self.rows.filter(gone), stages, reasons, scores)
        for note in trimmed.notes:
            self.result.note(note)
        self.result.details["trust"] = trimmed.trust
        self.result.details["trimmed"] = trimmed
