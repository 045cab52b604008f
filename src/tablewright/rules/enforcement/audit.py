"""What enforcing rules did to the rows: per rule, and to the distribution of each column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.bound import BoundRule

Bools = NDArray[np.bool_]

METHODS = ("computed", "repaired", "projected", "redrawn")


@dataclass(frozen=True)
class RuleAudit:
    """What one rule did.

    Attributes
    ----------
    name, text : str
        The rule.
    drawn_right : int
        Rows that kept it as they were drawn.
    computed, repaired, projected, redrawn : int
        Rows that broke it and were brought to keep it: a computed column was filled in, some
        columns were drawn again given the others, numbers were moved the least possible, the
        whole row was drawn again.
    broken : int
        Rows that break it at the end: none for a hard rule.
    moved : dict
        For each of its columns how far the distribution moved because of the rows that broke
        it: total variation of categories, Kolmogorov-Smirnov distance of numbers.
    """

    name: str
    text: str
    drawn_right: int
    computed: int
    repaired: int
    projected: int
    redrawn: int
    broken: int
    moved: dict[str, float]


@dataclass(frozen=True)
class Audit:
    """What all rules did, rule by rule.

    Attributes
    ----------
    n_rows : int
        Rows that were asked for and returned.
    rules : list of RuleAudit
        In the order of the rules.
    """

    n_rows: int
    rules: list[RuleAudit]

    def __add__(self, other: Audit) -> Audit:
        """Return the audit of both blocks of rows; movements are averaged over the rows."""
        if not self.n_rows:
            return other
        total = self.n_rows + other.n_rows
        share = self.n_rows / total
        pairs = zip(self.rules, other.rules, strict=True)
        return Audit(total, [_both(mine, theirs, share) for mine, theirs in pairs])

    def __getitem__(self, name: str) -> RuleAudit:
        return next(rule for rule in self.rules if rule.name == name)

    @property
    def largest_move(self) -> float:
        """The farthest that any column moved because of one rule."""
        return max((move for rule in self.rules for move in rule.moved.values()), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON has it."""
        return {"n_rows": self.n_rows, "rules": [asdict(rule) for rule in self.rules]}


def _both(mine: RuleAudit, theirs: RuleAudit, share: float) -> RuleAudit:
    counts = {
        name: getattr(mine, name) + getattr(theirs, name)
        for name in ("drawn_right", "broken", *METHODS)
    }
    columns = dict.fromkeys((*mine.moved, *theirs.moved))
    moves = {
        name: share * mine.moved.get(name, 0.0) + (1 - share) * theirs.moved.get(name, 0.0)
        for name in columns
    }
    return replace(mine, moved=moves, **counts)


@dataclass
class Ledger:
    """Keeps account while rows are changed: how each row was last brought to keep the rules."""

    drawn: pl.DataFrame
    broke: dict[str, Bools]
    method: NDArray[np.int8] = field(init=False)

    def __post_init__(self) -> None:
        self.method = np.full(self.drawn.height, -1, dtype=np.int8)

    def note(self, rows: NDArray[Any], method: str) -> None:
        """Note how rows were changed; what went deeper counts."""
        self.method[rows] = np.maximum(self.method[rows], METHODS.index(method))

    def close(
        self,
        final: pl.DataFrame,
        rules: Sequence[BoundRule],
        broken: Callable[[BoundRule], Bools],
    ) -> Audit:
        """Return the audit of the finished rows; `broken` says which of them break a rule."""
        return Audit(final.height, [self._rule(rule, final, broken(rule)) for rule in rules])

    def _rule(self, rule: BoundRule, final: pl.DataFrame, at_end: Bools) -> RuleAudit:
        broke = self.broke[rule.name]
        counts = {
            name: int((broke & ~at_end & (self.method == i)).sum())
            for i, name in enumerate(METHODS)
        }
        rows = np.flatnonzero(broke)
        moves = {
            name: moved(self.drawn[name][rows], final[name][rows], final.height)
            for name in rule.columns
            if len(rows)
        }
        return RuleAudit(
            name=rule.name,
            text=rule.rule.described(),
            drawn_right=int((~broke).sum()),
            broken=int(at_end.sum()),
            moved=moves,
            **counts,
        )


def moved(before: pl.Series, after: pl.Series, n_rows: int) -> float:
    """Return how far a distribution moved: 0 for the same, 1 for nothing in common.

    Parameters
    ----------
    before, after : polars Series
        The cells that changed, and what they changed to.
    n_rows : int
        Rows of the whole table; the other cells are the same in both.

    Examples
    --------
    >>> moved(pl.Series(["b"]), pl.Series(["a"]), 4)
    0.25
    """
    values = pl.concat([before, after])
    signs = np.repeat([-1.0, 1.0], [len(before), len(after)])
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        numbers = values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
        distinct, index = np.unique(numbers, return_inverse=True)
        changes = np.cumsum(np.bincount(index, weights=signs, minlength=len(distinct)))
        return round(float(np.abs(changes).max(initial=0.0)) / n_rows, 6)
    index = values.cast(pl.String).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    return round(0.5 * float(np.abs(np.bincount(index, weights=signs)).sum()) / n_rows, 6)
