"""What enforcing rules did to the rows: per rule, and to the distribution of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from tablewright.rules.bound import BoundRule

__all__ = ["Audit", "Ledger", "RuleAudit", "moved"]

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

    def close(self, final: pl.DataFrame, rules: Sequence[BoundRule]) -> Audit:
        """Return the audit of the finished rows."""
        return Audit(final.height, [self._rule(rule, final) for rule in rules])

    def _rule(self, rule: BoundRule, final: pl.DataFrame) -> RuleAudit:
        broke, at_end = self.broke[rule.name], rule.broken(final)
        counts = {
            name: int((broke & ~at_end & (self.method == i)).sum())
            for i, name in enumerate(METHODS)
        }
        mixed = {
            name: final[name].zip_with(pl.Series(broke), self.drawn[name])
            for name in rule.columns
            if broke.any()
        }
        return RuleAudit(
            name=rule.name,
            text=rule.rule.described(),
            drawn_right=int((~broke).sum()),
            broken=int(at_end.sum()),
            moved={name: moved(self.drawn[name], series) for name, series in mixed.items()},
            **counts,
        )


def moved(before: pl.Series, after: pl.Series) -> float:
    """Return how far a distribution moved: 0 for the same, 1 for nothing in common.

    Examples
    --------
    >>> moved(pl.Series(["a", "a", "b", "b"]), pl.Series(["a", "a", "a", "b"]))
    0.25
    """
    if before.dtype.is_numeric() or before.dtype.is_temporal():
        a, b = (
            s.to_physical().cast(pl.Float64).fill_nan(None).drop_nulls() for s in (before, after)
        )
        if len(a) == 0 or len(b) == 0:
            return 0.0 if len(a) == len(b) else 1.0
        return round(float(ks_2samp(a.to_numpy(), b.to_numpy(), method="asymp").statistic), 6)
    shares = [
        series.cast(pl.String).fill_null("\0").alias("value").value_counts(name=name)
        for name, series in (("before", before), ("after", after))
    ]
    both = shares[0].join(shares[1], on="value", how="full", coalesce=True).fill_null(0)
    apart = (both["before"] / len(before) - both["after"] / len(after)).abs().sum()
    return round(0.5 * float(apart), 6)
