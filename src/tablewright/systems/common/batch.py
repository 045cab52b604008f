"""What one call of a writer gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.tables.encoding.row_digests import row_digests


@dataclass
class RowBatch:
    """Rows that were written together.

    Attributes
    ----------
    rows : DataFrame
        Typed rows.
    groups : list
        What each row belongs to: the group of the prompt it stood in, or its batch; empty where
        there are no groups.
    parse_errors : Counter
        Why rows of replies could not be read, and how many.
    failures : list of ModelError
        Prompts without a reply.
    stopped : ModelError or None
        What ended the work before its time: a cap, or an endpoint that failed.
    exhausted : str
        Why the writer may not go on by its own limits, as a sentence; "" where it may.
    shown : list of DataFrame
        Real rows that stood in its prompts: none of them is kept.
    """

    rows: pl.DataFrame
    groups: list[Any] = field(default_factory=list)
    parse_errors: Counter[str] = field(default_factory=Counter)
    failures: list[ModelError] = field(default_factory=list)
    stopped: ModelError | None = None
    exhausted: str = ""
    shown: list[pl.DataFrame] = field(default_factory=list)

    def extend(self, other: RowBatch) -> RowBatch:
        """Put another batch below this one, rows of other columns aside; return this one."""
        if other.rows.columns == self.rows.columns:
            self.rows = pl.concat([self.rows, other.rows])
            self.groups += other.groups
        self.parse_errors.update(other.parse_errors)
        self.failures += other.failures
        self.stopped = self.stopped or other.stopped
        self.exhausted = self.exhausted or other.exhausted
        self.shown += other.shown
        return self


class ShownRows:
    """The real rows that stood in prompts, known by the columns that were shown.

    Examples
    --------
    >>> shown = ShownRows()
    >>> shown.add([pl.DataFrame({"age": [31], "city": ["Ulm"]})])
    >>> shown.among(pl.DataFrame({"age": [31, 32], "city": ["Ulm", "Ulm"], "pay": [1, 1]})).tolist()
    [True, False]
    """

    def __init__(self) -> None:
        self._digests: dict[tuple[str, ...], set[int]] = {}

    def add(self, frames: Sequence[pl.DataFrame]) -> None:
        """Remember rows."""
        for frame in frames:
            known = self._digests.setdefault(tuple(sorted(frame.columns)), set())
            known.update(row_digests(frame).tolist())

    def among(self, rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Mark the rows that equal one that was shown."""
        marked = np.zeros(rows.height, dtype=np.bool_)
        for columns, known in self._digests.items():
            if columns and set(columns) <= set(rows.columns):
                marked |= np.isin(row_digests(rows.select(columns)), list(known))
        return marked
