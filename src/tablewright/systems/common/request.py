"""What one call of `sample` asks for, and what of it is still missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tablewright.random_state import Stream
from tablewright.rules.expressions import Expression
from tablewright.rules.language import Quota, Rule, Rules


@dataclass(frozen=True)
class SampleRequest:
    """Rows that are asked for.

    Attributes
    ----------
    n_rows : int
    quotas : mapping or None
        Rows of each part of a `Partition`, by its name; they add up to `n_rows`. None where any
        row will do.
    where : Expression or None
        Condition that every row meets.
    rules : Rules
        Rules that every row keeps, `where` among them under that name.
    seed : int
    n_before : int
        Identifiers that were given out by calls which this one goes on from.
    """

    n_rows: int
    quotas: Mapping[Any, int] | None = None
    where: Expression | None = None
    rules: Rules = field(default_factory=lambda: Rules(rules=[]))
    seed: int = 0
    n_before: int = 0

    def rng(self, stream: Stream | int, *more: int) -> np.random.Generator:
        """Return the random generator of one use."""
        return np.random.default_rng([self.seed, int(stream), *more])

    @property
    def own_rules(self) -> Rules:
        """The rules that were asked for beside `where`."""
        return Rules(rules=[rule for rule in self.rules.rules if rule.name != "where"])

    def part(self, n_rows: int, quotas: Mapping[Any, int] | None = None) -> SampleRequest:
        """Return the request for some of the rows, with their share of least numbers of rows."""
        rules = self.rules
        if any(isinstance(rule, Quota) and rule.min_rows for rule in rules.rules):
            rules = Rules(rules=[_spread(rule, n_rows, self.n_rows) for rule in rules.rules])
        return replace(self, n_rows=n_rows, quotas=quotas, rules=rules)

    def at_most(self, n_rows: int) -> SampleRequest:
        """Return a smaller request, with the same share of each part.

        Examples
        --------
        >>> SampleRequest(300, {"no": 200, "yes": 100}).at_most(3).quotas
        {'no': 2, 'yes': 1}
        """
        if self.n_rows <= n_rows or self.quotas is None:
            return self.part(min(n_rows, self.n_rows), self.quotas)
        parts = {name: -(-n * n_rows // self.n_rows) for name, n in self.quotas.items()}
        return self.part(sum(parts.values()), parts)


def _spread(rule: Rule, n_rows: int, total: int) -> Rule:
    """Ask of some rows for as much of a least number of rows as all of them have to hold."""
    if not isinstance(rule, Quota) or not rule.min_rows or not total:
        return rule
    share = rule.min_rows / total
    enough = math.ceil(share * n_rows - 1e-9)
    if share <= rule.share[1]:
        enough = min(enough, math.floor(rule.share[1] * n_rows + 1e-9))
    return rule.model_copy(update={"min_rows": enough})
