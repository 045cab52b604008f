"""Send batches through checks one after the other, and write down what became of each row."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.markup import listing, panel, points
from tablewright.schema import Schema
from tablewright.selection.check import Check, Floats, Judgement, Mask

Ints = NDArray[np.intp]

_STREAM = 71
"""Of the chance of judging; see `tablewright.synthesizer.synthesizer` for those of making rows."""


@dataclass(frozen=True)
class Trimmed:
    """What became of candidates.

    Attributes
    ----------
    candidates : DataFrame of shape (n_rows, n_columns)
        Typed rows, all of them.
    keep : ndarray of bool, shape (n_rows,)
    stage : list of str
        The check that rejected a row; "" where it is kept.
    reason : list of str
        Why, in words; "" where it is kept.
    score : ndarray of float, shape (n_rows,)
        What that check measured; for a kept row what the last check did that measures rows.
    added : DataFrame
        Real rows that were taken over with the kept ones; the published band alone does so.
    counts : list of (str, int, int)
        For each check the rows that came to it and those that passed.
    notes : list of str
        What is to be known of the judgement as a whole.
    trust : str
        ``"data"`` or ``"generator"``, whichever was believed; "" where the question did not come
        up.

    Examples
    --------
    >>> rows = pl.DataFrame({"x": [1, 2]})
    >>> found = Trimmed(rows, np.array([True, False]), ["", "sanity"], ["", "x: 2 is above 1"],
    ...                 np.array([0.0, 1.0]), rows.clear(), [("sanity", 2, 1)])
    >>> found.rows()["x"].to_list(), found.summary()["reasons"].to_list()
    ([1], ['1 × x: … is above …'])
    """

    candidates: pl.DataFrame
    keep: Mask
    stage: list[str]
    reason: list[str]
    score: Floats
    added: pl.DataFrame
    counts: list[tuple[str, int, int]]
    notes: list[str] = field(default_factory=list)
    trust: str = ""

    @property
    def n_kept(self) -> int:
        """Candidates that are kept."""
        return int(self.keep.sum())

    def rows(self) -> pl.DataFrame:
        """Return the kept rows, typed, and below them the real rows taken over."""
        kept = self.candidates.filter(self.keep)
        if not self.added.height:
            return kept
        return pl.concat([kept, self.added.select(kept.columns)], how="vertical_relaxed")

    def frame(self) -> pl.DataFrame:
        """Return all candidates with the columns ``_keep``, ``_stage``, ``_reason``, ``_score``."""
        return self.candidates.with_columns(
            pl.Series("_keep", self.keep),
            pl.Series("_stage", self.stage, dtype=pl.String),
            pl.Series("_reason", self.reason, dtype=pl.String),
            pl.Series("_score", self.score).fill_nan(None),
        )

    def summary(self, n_reasons: int = 3) -> pl.DataFrame:
        """Return a row for each check: what came, what passed, the most frequent reasons."""
        declared: dict[str, Counter[str]] = {name: Counter() for name, _, _ in self.counts}
        for stage, reason in zip(self.stage, self.reason, strict=True):
            if stage:
                declared[stage][_without_values(reason)] += 1
        rows = [
            {
                "stage": name,
                "in": n_in,
                "out": n_out,
                "reasons": "; ".join(
                    f"{n} × {reason}" for reason, n in declared[name].most_common(n_reasons)
                ),
            }
            for name, n_in, n_out in self.counts
        ]
        columns = {"stage": pl.String, "in": pl.Int64, "out": pl.Int64, "reasons": pl.String}
        return pl.DataFrame(rows, schema=columns)

    def _repr_html_(self) -> str:
        believed = f"whose labels were believed: {self.trust}" if self.trust else ""
        return panel(
            f"{self.n_kept:,} of {len(self.keep):,} candidates kept",
            listing(("check", "came", "passed", "why rows were rejected"), self.summary().rows()),
            *filter(None, [believed, points(self.notes)]),
        )


def _without_values(reason: str) -> str:
    """Put dots for numbers and quoted values, so that alike reasons count together."""
    return re.sub(r"(?<![\w.])[-+]?\d[\w.+-]*|'[^']*'", "…", reason)


def fit_checks(
    checks: Sequence[Check], train: pl.DataFrame, schema: Schema, seed: int
) -> list[Check]:
    """Fit each check to typed real rows."""
    rngs = (np.random.default_rng([seed, _STREAM, index]) for index in range(len(checks)))
    return [check.fit(train, schema, rng) for check, rng in zip(checks, rngs, strict=True)]


def split_batches(n_rows: int, batches: Ints | None, batch_size: int | None) -> list[Ints]:
    """Return the rows of each batch, in the order of the batches' numbers.

    Parameters
    ----------
    n_rows : int
    batches : ndarray of int, shape (n_rows,), or None
        The batch of each row.
    batch_size : int or None
        Rows of a batch where `batches` does not say; all are one batch where None.
    """
    if batches is None:
        size = batch_size or max(1, n_rows)
        batches = np.arange(n_rows) // size
    return [np.flatnonzero(batches == number) for number in np.unique(batches)]


def run_checks(
    checks: Sequence[Check], rows: pl.DataFrame, batches: Sequence[Ints], seed: int,
    unreadable: Sequence[str] | None = None,
) -> Trimmed:  # fmt: skip
    """Judge batches in sequence; what a batch leaves is known when the next one is judged.

    A check may have, beside `fit` and `judge`, ``prepare(batches)``, which shows it all batches
    beforehand; ``learn(rows)``, which is told what was accepted; and ``reads_added``, if it wants
    to see the real rows that an earlier check took over. All checks of a batch start from the
    same chance, so that two that draw real rows draw the same ones. Rows that cannot be read, each
    with the reason, are in no batch.
    """
    checks = [copy.copy(check) for check in checks]
    for check in checks:
        if hasattr(check, "prepare"):
            check.prepare([rows[batch] for batch in batches])
    books = _Books.open(rows, [check.name for check in checks])
    if unreadable is not None:
        books.counts = {"reading": [0, 0], **books.counts}
        readable = np.array([not reason for reason in unreadable], dtype=bool)
        books.enter("reading", np.arange(rows.height), Judgement.of(readable, unreadable))
    for number, batch in enumerate(batches):
        accepted, added = _run_batch(checks, rows, batch, [seed, _STREAM, 0, number], books)
        if accepted.height:
            books.added.append(added)
            whole = _together(accepted, added)
            for check in checks:
                if hasattr(check, "learn"):
                    check.learn(whole)
    trust = next((str(c.taken_) for c in checks if hasattr(c, "taken_")), "")
    return books.close(trust)


def _run_batch(
    checks: Sequence[Check], rows: pl.DataFrame, alive: Ints, seed: list[int], books: _Books
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that pass all checks, and the real rows taken over with them."""
    added = rows.clear()
    for check in checks:
        given = rows[alive]
        if getattr(check, "reads_added", False):
            given = _together(given, added)
        result = check.judge(given, np.random.default_rng(seed))
        if result.added is not None:
            added = result.added
        alive = books.enter(check.name, alive, result)
    return rows[alive], added


def _together(rows: pl.DataFrame, added: pl.DataFrame) -> pl.DataFrame:
    if not added.height:
        return rows
    return pl.concat([rows, added.select(rows.columns)], how="vertical_relaxed")


@dataclass
class _Books:
    """What was written down of each row so far."""

    rows: pl.DataFrame
    keep: Mask
    stage: list[str]
    reason: list[str]
    score: Floats
    counts: dict[str, list[int]]
    notes: dict[str, None] = field(default_factory=dict)
    added: list[pl.DataFrame] = field(default_factory=list)

    @classmethod
    def open(cls, rows: pl.DataFrame, names: Sequence[str]) -> _Books:
        n = rows.height
        counts = {name: [0, 0] for name in names}
        return cls(rows, np.ones(n, dtype=bool), [""] * n, [""] * n, np.full(n, np.nan), counts)

    def enter(self, name: str, alive: Ints, found: Judgement) -> Ints:
        """Write down a judgement of some rows; return those that pass."""
        passed = found.keep[: len(alive)]
        self.counts[name][0] += len(alive)
        self.counts[name][1] += int(passed.sum())
        self.notes |= dict.fromkeys(found.notes)
        for index, row in enumerate(alive.tolist()):
            measured = found.score[index]
            if not passed[index]:
                self.keep[row], self.stage[row] = False, name
                self.reason[row], self.score[row] = found.reasons[index], measured
            elif not np.isnan(measured):
                self.score[row] = measured
        return alive[passed]

    def close(self, trust: str) -> Trimmed:
        added = [frame for frame in self.added if frame.height]
        return Trimmed(
            self.rows,
            self.keep,
            self.stage,
            self.reason,
            self.score,
            pl.concat(added) if added else self.rows.clear(),
            [(name, n_in, n_out) for name, (n_in, n_out) in self.counts.items()],
            list(self.notes),
            trust,
        )
