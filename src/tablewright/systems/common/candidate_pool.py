"""Candidate rows as they come in, until there are enough: what is rejected, and what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import ModelError
from tablewright.random_state import Stream
from tablewright.rules.bound import BoundRule
from tablewright.rules.enforcement.computing import computations
from tablewright.schema import Schema
from tablewright.selection.check import Check
from tablewright.selection.distances import NearDuplicates
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.copy_gate import CopyGate
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.partition import Partition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import RowWriter
from tablewright.tables.encoding.row_digests import row_digests

Mask = NDArray[np.bool_]
Copies = Literal["near", "equal", "shown", "none"]

PATIENCE = 3
"""Rounds without a row that was missing, after which no more are asked for."""

COPIES = NearDuplicates.name
"""Stage at which copies are rejected."""

_COMPARED = 5000
"""Real rows that nearly equal ones are looked for among; equal ones are among all."""


@dataclass(frozen=True)
class Verdict:
    """What a judge says of all candidates.

    Attributes
    ----------
    keep : ndarray of bool
    stages, reasons : sequence of str
        Of each row that is not kept; "" for others.
    scores : ndarray of float
    notes : sequence of str
    added : DataFrame or None
        Rows that are returned beside the kept ones.
    doubt : str
        Why the kept rows may be of no use; "" where nothing speaks against them.
    """

    keep: Mask
    stages: Sequence[str]
    reasons: Sequence[str]
    scores: NDArray[np.float64]
    notes: Sequence[str] = field(default_factory=list)
    added: pl.DataFrame | None = None
    doubt: str = ""


Judge = Callable[[pl.DataFrame, list[Any]], Verdict]


class CandidatePool:
    """The candidate rows of one request.

    Parameters
    ----------
    real : DataFrame
        Typed real rows, with the columns of candidates.
    schema : Schema
        Of these columns.
    request : SampleRequest
        Its quotas are of the parts of `partition`.
    result : Result
        Gets what is rejected, with stage and reason, and notes.
    gate : CopyGate or None, default=None
        What counts copies; one of the real rows where None.
    partition : Partition or None, default=None
    rules : sequence of BoundRule, default=()
        What every row keeps. A cell that one of them determines is computed where it breaks it.
    constants : DataFrame of at most one row or None, default=None
        Columns that rules may name and candidates do not have.
    copies : {"near", "equal", "shown"}, default="near"
        What counts as a copy: rows nearly equal to a real or an earlier one; rows equal to a
        real one; or only those that stood in a prompt, which are never kept. ``"none"`` is for
        dry runs, whose rows are placeholders.
    misplaced : callable or None, default=None
        From a batch to the reason why each row stands in the wrong group; "" where it does not.
    check : Check or None, default=None
        Judges each row by itself, fitted to the real rows; its name is the stage.
    judge : callable or None, default=None
        From all candidates, and their groups, to a `Verdict`: judged again when others have
        come, so that surplus rows are taken too.
    judge_when_full : bool, default=False
        Judge only when no candidate is missing; otherwise after every round.
    """

    def __init__(
        self,
        real: pl.DataFrame,
        schema: Schema,
        request: SampleRequest,
        result: Result,
        *,
        gate: CopyGate | None = None,
        partition: Partition | None = None,
        rules: Sequence[BoundRule] = (),
        constants: pl.DataFrame | None = None,
        copies: Copies = "near",
        misplaced: Callable[[RowBatch], list[str]] | None = None,
        check: Check | None = None,
        judge: Judge | None = None,
        judge_when_full: bool = False,
    ) -> None:
        self.request, self.result, self.partition = request, result, partition
        self.rules, self.constants, self.misplaced = rules, constants, misplaced
        self.check, self.judge, self.judge_when_full = check, judge, judge_when_full
        self.rows, self.groups = real.clear(), list[Any]()
        self.excluded: Mask = np.zeros(0, dtype=np.bool_)
        self.verdict: Verdict | None = None
        self._excess: dict[int, str] = {}
        self._computations = computations(rules, rules[0].schema, schema.names) if rules else ()
        self.copies, self.gate = copies, CopyGate(real) if gate is None else gate
        if copies == "near":
            some = real.sample(min(real.height, _COMPARED), seed=request.seed)
            rng = request.rng(Stream.SYSTEM_NEAR_DUPLICATES)
            self._near = NearDuplicates().fit(some, schema, rng)
            self._earlier: set[int] = set()

    # what is missing ---------------------------------------------------------

    @property
    def kept(self) -> pl.DataFrame:
        """The rows that count, and those that the judge adds."""
        rows = self.rows.filter(~self.excluded)
        added = None if self.verdict is None else self.verdict.added
        return rows if added is None else pl.concat([rows, added.select(rows.columns)])

    @property
    def missing(self) -> SampleRequest:
        """The request for the rows that are missing."""
        counting = self.rows.filter(~self.excluded)
        quotas = self.request.quotas
        if quotas is None or self.partition is None:
            return self.request.part(max(0, self.request.n_rows - counting.height))
        codes = self.partition.of(counting).tolist()
        have = Counter(self.partition.names[code] for code in codes if code >= 0)
        left = {name: n - have[name] for name, n in quotas.items() if n > have[name]}
        return self.request.part(sum(left.values()), left)

    # rounds ------------------------------------------------------------------

    def fill(
        self,
        writer: RowWriter,
        guide: Callable[[CandidatePool], Guidance | None] | None = None,
        *,
        refill: bool = True,
        max_rounds: int | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Ask a writer for rows until there are enough, and yield new candidates as they come.

        Parameters
        ----------
        guide : callable or None, default=None
            From the pool before a round to what the writer is told.
        refill : bool, default=True
            Whether rows are asked for in place of those that the judge rejects.
        max_rounds : int or None, default=None
        """
        idle, request, n_rounds = 0, self.missing, 0
        while request.n_rows and idle < PATIENCE:
            n_rounds += 1
            batch = writer.write(request, None if guide is None else guide(self))
            rows = self.add(batch)
            if rows.height:
                yield rows
            ends, left = self.ends(batch) or n_rounds == max_rounds, self.missing
            idle = 0 if left.n_rows < request.n_rows else idle + 1
            if self._is_judged_now(left, ends or idle == PATIENCE):
                full = not left.n_rows
                self.rejudge()
                left = self.missing
                if not refill and (full or not self.judge_when_full):
                    return
                if not self.judge_when_full:
                    idle = 0 if left.n_rows < request.n_rows else idle + 1
            if ends:
                if batch.exhausted and left.n_rows:
                    self.result.note(f"{batch.exhausted}; {left.n_rows} rows are missing still")
                return
            request = left
        if request.n_rows:
            self.result.note(
                f"stopped after {idle} rounds in a row without a row that was missing; "
                f"{request.n_rows} are missing still"
            )

    def _is_judged_now(self, left: SampleRequest, is_last: bool) -> bool:
        if self.judge is None:
            return False
        return is_last or not left.n_rows or not self.judge_when_full

    def ends(self, batch: RowBatch) -> bool:
        """Note what went wrong with a batch; return whether no more may be asked for."""
        if batch.failures:
            self.result.note(f"a prompt got no reply: {batch.failures[0]}")
            self.result.failure = self.result.failure or batch.failures[0]
        if isinstance(batch.stopped, ModelError):
            self.result.stopped = batch.stopped
        return batch.stopped is not None or bool(batch.exhausted)

    # candidates --------------------------------------------------------------

    def add(self, batch: RowBatch) -> pl.DataFrame:
        """Take the candidates of a batch; say of the other rows why they are rejected."""
        batch.rows = rows = self._mended(
            batch.rows.select(pl.col(name).cast(dtype) for name, dtype in self.rows.schema.items())
        )
        self.result.n_proposed += rows.height
        self.result.parse_errors.update(batch.parse_errors)
        self.gate.shown.add(batch.shown)
        groups = np.array(batch.groups or [None] * rows.height, dtype=object)
        wrong = [""] * rows.height if self.misplaced is None else self.misplaced(batch)
        keep = np.ones(rows.height, dtype=np.bool_)
        stages: list[tuple[str, Callable[[pl.DataFrame], list[str]]]] = [
            ("group", lambda rows: wrong),
            ("rules", self._broken_rules),
            (COPIES, self._copies),
        ]
        if self.check is not None:
            stages.append((self.check.name, self._checked))
        if self.judge is None:
            stages.append(("quota", self._surplus))
            stages.append((COPIES, self._too_many_copies))
        for stage, reasons_of in stages:
            index = np.flatnonzero(keep)
            reasons = reasons_of(rows[index])
            self._reject(rows[index], stage, reasons)
            keep[index] = [not reason for reason in reasons]
        self.rows = pl.concat([self.rows, rows.filter(keep)])
        self.groups += groups[keep].tolist()
        self.excluded = np.concatenate([self.excluded, np.zeros(keep.sum(), dtype=np.bool_)])
        return rows.filter(keep)

    def _reject(self, rows: pl.DataFrame, stage: str, reasons: list[str]) -> None:
        rejected = pl.Series([bool(reason) for reason in reasons], dtype=pl.Boolean)
        self.result.reject(rows.filter(rejected), stage, [reason for reason in reasons if reason])

    def _mended(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Compute the cells that a broken rule determines: a model seldom multiplies well."""
        known = self._with_constants(rows)
        for one in self._computations if rows.height else ():
            if one.column in rows.columns and (broken := one.rule.broken(known)).any():
                value = one.value(known, {}).zip_with(pl.Series(broken), known[one.column])
                known = known.with_columns(value)
                self.result.note(
                    f"{one.column} was computed where a row broke {one.rule.rule.described()}"
                )
        return known.select(rows.columns)

    def _with_constants(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with the columns of one value, which rules may name."""
        if self.constants is None or not self.constants.height:
            return rows
        return rows.join(self.constants, how="cross")

    def _broken_rules(self, rows: pl.DataFrame) -> list[str]:
        reasons = [""] * rows.height
        rows = self._with_constants(rows)
        for rule in self.rules if rows.height else ():
            for index in np.flatnonzero(rule.broken(rows)).tolist():
                reasons[index] = reasons[index] or f"breaks {rule.rule.described()}"
        return reasons

    def _copies(self, rows: pl.DataFrame) -> list[str]:
        """Compare rows with real ones, with others of the round, and, if equal, with all before.

        Near-duplicates are not looked for among all rows before: of many rows some come near
        each other by chance. Where real rows repeat each other no distance is too small, so
        equal rows alone are looked for.
        """
        if self.copies == "none" or not rows.height:
            return [""] * rows.height
        reasons = self.gate.forbidden(rows, equal=self.copies != "shown")
        if self.copies != "near" or self.gate.repeating:
            return reasons
        near = self._near.judge(rows, np.random.default_rng(0)).reasons
        near = [re.sub(r"candidate \d+$", "an earlier row", reason) for reason in near]
        for index, digest in enumerate(row_digests(rows).tolist()):
            earlier = "equals an earlier row" if digest in self._earlier else ""
            reasons[index] = reasons[index] or near[index] or earlier
            self._earlier.add(digest)
        return reasons

    def _checked(self, rows: pl.DataFrame) -> list[str]:
        assert self.check is not None
        judged = self.check.judge(rows, self.request.rng(Stream.SYSTEM_RELATIONS))
        for note in judged.notes:
            self.result.note(note)
        return judged.reasons

    def _too_many_copies(self, rows: pl.DataFrame) -> list[str]:
        if self.copies in ("shown", "none") or not rows.height:
            return [""] * rows.height
        return self.gate.excess(rows)

    def _surplus(self, rows: pl.DataFrame) -> list[str]:
        """Take no more rows of a part than are missing, and no more of all."""
        missing = self.missing
        if missing.quotas is None or self.partition is None:
            n_rows = missing.n_rows
            return ["" if k < n_rows else "no more rows are wanted" for k in range(rows.height)]
        left = dict(missing.quotas)
        names = [*self.partition.names, None]
        reasons = []
        for code in self.partition.of(rows).tolist():
            requested = left.get(names[code], 0) > 0
            reasons.append("" if requested else "no more rows of its class are wanted")
            left[names[code]] = left.get(names[code], 0) - 1
        return reasons

    # judging -----------------------------------------------------------------

    def rejudge(self) -> None:
        """Let the judge say anew which candidates count, and hold those to the copies allowed."""
        if self.judge is None or not self.rows.height:
            return
        self.verdict = verdict = self.judge(self.rows, self.groups)
        self.excluded = ~np.asarray(verdict.keep)
        index = np.flatnonzero(verdict.keep)
        self.gate.reset()
        self._excess = dict(zip(index, self._too_many_copies(self.rows[index]), strict=True))
        self.excluded[[row for row, reason in self._excess.items() if reason]] = True

    def report(self) -> None:
        """Put into the result what the judge excludes at last, and its notes."""
        verdict = self.verdict
        if verdict is None:
            return
        self._reject(self.rows, COPIES, [self._excess.get(k, "") for k in range(self.rows.height)])
        out = np.flatnonzero(~np.asarray(verdict.keep)).tolist()
        stages = [verdict.stages[k] for k in out]
        reasons = [verdict.reasons[k] for k in out]
        scores = [float(verdict.scores[k]) for k in out]
        self.result.reject(self.rows[out], stages, reasons, scores)
        for note in verdict.notes:
            self.result.note(note)
        if verdict.doubt:
            self.result.warn(verdict.doubt)
