"""No copies: how often rows may equal a real one, and which rows do so too often.

A row that stood in a prompt of its own run is never kept. Where real rows repeat each other, a
row may equal another real one as often as a held-out real row does, which the repeats among the
real rows tell: of the rows of a combination that occurs k times, a held-out one has k - 1 equals
left (a leave-one-out estimate; halves would understate it, as half the rows have fewer
combinations). In tables whose rows hardly repeat, no equal row is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binom

from tablewright.systems.common.batch import ShownRows
from tablewright.tables.encoding.row_digests import row_digests

REPEATS = 0.05
"""Share of real rows that repeat another one, up to which no row may equal a real one."""

_LEVEL = 0.95
"""A combination may occur as often as it does in so many of all samples of held-out rows."""

SHOWN = "stood in a prompt of this run"
EQUAL = "equals a real row"
TOO_MANY = "equals a real row more often than held-out real rows do"


class CopyGate:
    """Rejects rows that equal real ones more often than held-out real rows do.

    Parameters
    ----------
    real : DataFrame
        All real rows, with the columns of candidates.
    met : DataFrame or None, default=None
        Those of them that meet the request; all where None.
    part_of : callable or None, default=None
        From rows to the part of each, such as `Partition.of`. Limits are those of a row's part,
        so that parts may have other shares than among the real rows.

    Attributes
    ----------
    shown : ShownRows
        Real rows that stood in prompts.
    n_rows, n_copies : int
        Rows that were let through so far, and those of them that equal a real one.

    Examples
    --------
    >>> gate = CopyGate(pl.DataFrame({"x": [0, 1, 2, 3]}))
    >>> gate.forbidden(pl.DataFrame({"x": [7, 3]}))
    ['', 'equals a real row']
    """

    def __init__(
        self,
        real: pl.DataFrame,
        met: pl.DataFrame | None = None,
        part_of: Callable[[pl.DataFrame], NDArray[np.intp]] | None = None,
    ) -> None:
        self.columns, met = real.columns, real if met is None else met
        self._part_of = part_of
        self.shown = ShownRows()
        self._real = set(row_digests(real).tolist())
        parts = self._parts(met)
        self._of_part = Counter(parts)
        self._of_row = Counter(zip(parts, self._digests(met), strict=True))
        repeated: Counter[int] = Counter()
        for (part, _), n in self._of_row.items():
            repeated[part] += n if n > 1 else 0
        self._rates = {part: repeated[part] / n for part, n in self._of_part.items()}
        self.repeating = real.height - len(self._real) > REPEATS * real.height
        self.reset()

    def reset(self) -> None:
        """Forget the rows that were let through."""
        self.n_rows = self.n_copies = 0
        self._expected = 0.0
        self._rows: Counter[int] = Counter()
        self._copies: Counter[tuple[int, int]] = Counter()

    @property
    def rate(self) -> float:
        """Share of the rows let through that equal a real one."""
        return self.n_copies / self.n_rows if self.n_rows else 0.0

    @property
    def reference(self) -> float:
        """Share of held-out real rows of the same parts that equal another real one."""
        return self._expected / self.n_rows if self.n_rows else 0.0

    def observe(self, rows: pl.DataFrame) -> None:
        """Count rows that are returned, whatever they are."""
        self._count(Counter(self._parts(rows)))
        self.n_copies += sum(digest in self._real for digest in self._digests(rows))

    def forbidden(self, rows: pl.DataFrame, *, equal: bool = True) -> list[str]:
        """Return why rows may not be kept at all; "" where they may.

        Parameters
        ----------
        equal : bool, default=True
            Whether rows count that equal a real one without others like it.
        """
        reasons = [SHOWN if seen else "" for seen in self.shown.among(rows)]
        if not equal:
            return reasons
        keys = zip(self._parts(rows), self._digests(rows), strict=True)
        for index, key in enumerate(keys):
            alone = key[1] in self._real and not (self.repeating and self._of_row[key] > 1)
            reasons[index] = reasons[index] or (EQUAL if alone else "")
        return reasons

    def excess(self, rows: pl.DataFrame) -> list[str]:
        """Let rows through; return why others are not: there are enough copies.

        Rows that equal no real one go first: a copy is judged by all rows that it stands among.
        """
        keys = list(zip(self._parts(rows), self._digests(rows), strict=True))
        copies = [index for index, key in enumerate(keys) if key[1] in self._real]
        limits = self._limits(keys, copies)
        fresh = Counter(part for part, _ in keys)
        fresh.subtract(keys[index][0] for index in copies)
        self._count(fresh)
        reasons = [""] * len(keys)
        for index in copies:
            part, _ = key = keys[index]
            expected = self._expected + self._rates.get(part, 0.0)
            if self._copies[key] >= limits[key] or self.n_copies >= np.ceil(expected - 1e-9):
                reasons[index] = TOO_MANY
                continue
            self._count(Counter([part]))
            self._copies[key] += 1
            self.n_copies += 1
        return reasons

    def _limits(
        self, keys: list[tuple[int, int]], copies: list[int]
    ) -> dict[tuple[int, int], float]:
        """Return how often each combination may occur, the rows at hand among all rows."""
        n_rows = self._rows + Counter(part for part, _ in keys)
        result = list(dict.fromkeys(keys[index] for index in copies))
        shares = [self._of_row[key] / max(self._of_part[key[0]], 1) for key in result]
        maximum = binom.ppf(_LEVEL, [n_rows[part] for part, _ in result], shares)
        return {
            key: max(n, 1) if self.repeating and self._of_row[key] > 1 else 0
            for key, n in zip(result, np.atleast_1d(maximum).tolist(), strict=True)
        }

    def _count(self, parts: Counter[int]) -> None:
        for part, n in parts.items():
            self.n_rows += n
            self._rows[part] += n
            self._expected += n * self._rates.get(part, 0.0)

    def _parts(self, rows: pl.DataFrame) -> list[int]:
        return [0] * rows.height if self._part_of is None else self._part_of(rows).tolist()

    def _digests(self, rows: pl.DataFrame) -> list[int]:
        return row_digests(rows.select(self.columns)).tolist() if rows.height else []
