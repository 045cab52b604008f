"""Shares of cells nearest to given ones that meet what is wanted of sums of them.

Iterative proportional fitting: constraints are met in turn by scaling, until all are met. For
bands the scaling of the round before is taken back first (Dykstra's scheme for the Kullback-Leibler
divergence), so that a band that is met in the end leaves no trace.

References
----------
Csiszár, I. (1975), I-divergence geometry of probability distributions and minimization problems,
section 3; Dykstra, R. L. (1985), An iterative procedure for obtaining I-projections onto the
intersection of convex sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROUNDS = 2_000
_PATIENCE = 25
_RUNAWAY = 1e60
EXACT = 1e-8
"""Share of all rows by which a constraint may be missed."""


@dataclass(frozen=True)
class Constraint:
    """Bands for the mass of disjoint groups of cells.

    Attributes
    ----------
    name : str
        Who wants it.
    groups : ndarray of bool, shape (n_groups, n_cells)
    low, high : ndarray of shape (n_groups,)
        Least and largest mass of each group, as shares of the mass of `inside`.
    inside : ndarray of bool, shape (n_cells,)
        The cells that mass is shared out among; all others stay.
    """

    name: str
    groups: Bools
    low: Floats
    high: Floats
    inside: Bools

    def wanted(self, shares: Floats) -> tuple[Floats, Floats]:
        """Return the mass of each group, and the nearest one that is wanted."""
        result = self.groups @ shares
        whole = shares[self.inside].sum()
        return result, np.clip(result, self.low * whole, self.high * whole)

    def factors(self, shares: Floats) -> Floats:
        """Return what each cell is multiplied with so that the bands are met."""
        result, requested = self.wanted(shares)
        created = np.ones(len(shares))
        for group, have, want in zip(self.groups, result, requested, strict=True):
            created[group] = want / have if have > 0 else 1.0
        rest = self.inside & ~self.groups.any(axis=0)
        left = shares[rest].sum()
        if left > 0:
            created[rest] = max(left + result.sum() - requested.sum(), 0.0) / left
        return created

    def missed(self, shares: Floats) -> float:
        """Return by how much the worst group misses its band."""
        result, requested = self.wanted(shares)
        return float(np.abs(result - requested).max(initial=0.0))


def project(
    shares: Floats, constraints: Sequence[Constraint], rounds: int = ROUNDS
) -> Floats | None:
    """Return the shares that meet all constraints, or None where that was not reached.

    Parameters
    ----------
    shares : ndarray of shape (n_cells,)
        Sum to 1; a cell of share 0 keeps it.
    constraints : sequence of Constraint
    rounds : int, default=2000
        Times that each constraint is met in turn.

    Examples
    --------
    >>> first = np.array([True, True, False])
    >>> half = Constraint("half", first[None], np.array([0.5]), np.array([1.0]), np.ones(3, bool))
    >>> project(np.array([0.1, 0.1, 0.8]), [half])
    array([0.25, 0.25, 0.5 ])
    """
    result, taken = shares.copy(), [np.ones(len(shares)) for _ in constraints]
    last = np.inf
    for step in range(rounds):
        for k, constraint in enumerate(constraints):
            before = np.divide(result, taken[k], out=np.zeros_like(result), where=taken[k] > 0)
            taken[k] = constraint.factors(before)
            result = before * taken[k]
            result = result / result.sum()
        missed = max((constraint.missed(result) for constraint in constraints), default=0.0)
        if max((factors.max() for factors in taken), default=1.0) > _RUNAWAY:
            return None
        if missed < EXACT:
            return result
        if step % _PATIENCE == _PATIENCE - 1:
            if missed > 0.99 * last:
                return None
            last = missed
    return None


def conflicting(
    shares: Floats, constraints: Sequence[Constraint], rounds: int = ROUNDS // 4
) -> list[str]:
    """Return the names of constraints of which none can be left out to make the rest possible."""
    kept = list(constraints)
    for constraint in constraints:
        rest = [other for other in kept if other is not constraint]
        if rest and project(shares, rest, rounds) is None:
            kept = rest
    return [constraint.name for constraint in kept]
