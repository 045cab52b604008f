"""Rows as they come in, until there are enough: new ones that keep the rules, class by class."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import ModelError
from tablewright.selection.near_duplicates import NearDuplicates
from tablewright.systems.common.base import System, Wanted
from tablewright.systems.common.classes import Classes
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import Need, RowWriter, Written
from tablewright.tables.encoding.row_digests import row_digests

__all__ = ["Pool"]

Mask = NDArray[np.bool_]

_COMPARED = 5000
"""Real rows that nearly equal ones are looked for among; equal ones are among all."""

_NEAR = 13
"""Stream of chance."""

_REPEATS = 0.05
"""Share of real rows that repeat another one, above which equal rows are no sign of copying."""


class Pool:
    """The rows of one request.

    Parameters
    ----------
    system : System
        Fitted; its real rows are what copies and rules are looked for in.
    wanted : Wanted
    result : Result
        Told what is rejected.
    classes : Classes or None, default=None
    quotas : mapping of int to int, or None, default=None
        Rows wanted of each class, by its place in `classes`; None takes rows as they come.
    copies : bool, default=False
        Whether rows count that equal a real row or an earlier one, or nearly do.
    surplus : bool, default=False
        Whether rows beyond those that are wanted are taken too, since others may yet be excluded.
    misplaced : callable or None, default=None
        Says of what a writer gave why a row stands in the wrong place; "" where it does not.
    patience : int, default=3
        Rounds without a row that was lacking, after which no more are asked for.
    """

    def __init__(
        self,
        system: System,
        wanted: Wanted,
        result: Result,
        classes: Classes | None = None,
        quotas: Mapping[int, int] | None = None,
        *,
        copies: bool = False,
        surplus: bool = False,
        misplaced: Callable[[Written], list[str]] | None = None,
        patience: int = 3,
    ) -> None:
        self.result, self.classes, self.misplaced = result, classes, misplaced
        self.surplus = surplus
        self.n_wanted, self.quotas, self.patience = wanted.n_rows, quotas, patience
        self.constants = system.layout_.constants
        real = system.train_.select(system.writable_.names)
        self.rules = system._row_rules(wanted, result)
        self.copies = copies or self._repeats(real)
        if not self.copies:
            self.known = dict.fromkeys(row_digests(real).tolist(), "equals a real row")
            some = real.sample(min(real.height, _COMPARED), seed=wanted.seed)
            self.near = NearDuplicates().fit(some, system.writable_, wanted.rng(_NEAR))
        self.rows = real.clear()
        self.excluded = np.zeros(0, dtype=bool)

    def _repeats(self, real: pl.DataFrame) -> bool:
        """Whether real rows repeat each other so often that equal rows are no sign of copying."""
        repeated = 1 - real.n_unique() / real.height
        if repeated > _REPEATS:
            self.result.note(
                f"{100 * repeated:.0f} % of the real rows repeat another one, so rows that equal "
                "real ones were kept"
            )
        return repeated > _REPEATS

    # what is lacking ---------------------------------------------------------

    @property
    def kept(self) -> pl.DataFrame:
        """The rows that count."""
        return self.rows.filter(~self.excluded)

    @property
    def need(self) -> Need:
        """What is lacking."""
        if self.quotas is None or self.classes is None:
            return Need(max(0, self.n_wanted - int((~self.excluded).sum())))
        have = np.bincount(self.classes.of(self.kept) + 1, minlength=len(self.classes) + 1)
        lacking = {k: n - int(have[k + 1]) for k, n in self.quotas.items() if n > have[k + 1]}
        return Need(sum(lacking.values()), lacking)

    def exclude(self, keep: Mask) -> None:
        """Say which of the rows count; others will be asked for in their place."""
        self.excluded = ~keep

    # taking rows in ----------------------------------------------------------

    def fill(self, writer: RowWriter) -> Iterator[pl.DataFrame]:
        """Ask for rows until there are enough, and yield them as they come."""
        idle = 0
        while (need := self.need).n_rows and idle < self.patience:
            written = writer.write(need)
            rows = self._take(written)
            idle = 0 if self.need.n_rows < need.n_rows else idle + 1
            if rows.height:
                yield rows
            if self._ends(written):
                return
        if idle:
            self.result.note(
                f"stopped after {idle} rounds in a row without a row that was lacking; "
                f"{need.n_rows} are lacking still"
            )

    def _ends(self, written: Written) -> bool:
        if written.failed:
            self.result.note(f"a prompt got no reply: {written.failed[0]}")
        if isinstance(written.stopped, ModelError):
            self.result.stopped = written.stopped
        if written.over:
            self.result.note(written.over)
        return written.stopped is not None or bool(written.over)

    def _take(self, written: Written) -> pl.DataFrame:
        """Take the rows that count; say of the others what was wrong with them."""
        rows = written.rows.select(
            pl.col(name).cast(dtype) for name, dtype in self.rows.schema.items()
        )
        self.result.n_proposed += rows.height
        self.result.lost.update(written.lost)
        wrong = [""] * rows.height if self.misplaced is None else self.misplaced(written)
        rows = self._without("group", rows, wrong)
        rows = self._without("rules", rows, self._rules(rows))
        rows = self._without(NearDuplicates.name, rows, self._copies(rows))
        if not self.surplus:
            rows = self._without("quota", rows, self._quota(rows))
        self.rows = pl.concat([self.rows, rows])
        self.excluded = np.concatenate([self.excluded, np.zeros(rows.height, dtype=bool)])
        return rows

    def _without(self, stage: str, rows: pl.DataFrame, reasons: list[str]) -> pl.DataFrame:
        keep = pl.Series([not reason for reason in reasons], dtype=pl.Boolean)
        self.result.reject(rows.filter(~keep), stage, [reason for reason in reasons if reason])
        return rows.filter(keep)

    def _rules(self, rows: pl.DataFrame) -> list[str]:
        reasons = [""] * rows.height
        if rows.height and self.constants.height:
            rows = rows.join(self.constants, how="cross")
        for rule in self.rules if rows.height else ():
            for place in np.flatnonzero(rule.broken(rows)).tolist():
                reasons[place] = reasons[place] or f"breaks {rule.rule.described()}"
        return reasons

    def _copies(self, rows: pl.DataFrame) -> list[str]:
        """Compare rows with real ones, with others of the round, and, if equal, with all before.

        Near-duplicates are not looked for among all rows before: of many rows some come near
        each other by chance.
        """
        if self.copies or not rows.height:
            return [""] * rows.height
        reasons = self.near.judge(rows, np.random.default_rng(0)).reasons
        reasons = [re.sub(r"candidate \d+$", "an earlier row", reason) for reason in reasons]
        for place, digest in enumerate(row_digests(rows).tolist()):
            reasons[place] = reasons[place] or self.known.get(digest, "")
            self.known.setdefault(digest, "equals an earlier row")
        return reasons

    def _quota(self, rows: pl.DataFrame) -> list[str]:
        """Take no more rows of a class than it lacks, and no more of all."""
        need = self.need
        if need.by_class is None or self.classes is None:
            return [
                "" if k < need.n_rows else "no more rows are wanted" for k in range(rows.height)
            ]
        left = dict(need.by_class)
        reasons = []
        for place in self.classes.of(rows).tolist():
            reasons.append("" if left.get(place, 0) > 0 else "no more rows of its class are wanted")
            left[place] = left.get(place, 0) - 1
        return reasons
