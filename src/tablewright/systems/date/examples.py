"""The real rows of a part from which a prompt draws those that it shows."""

from __future__ import annotations

import numpy as np
import polars as pl

from tablewright.rules.expressions import parse
from tablewright.systems.common.coreset import Coreset
from tablewright.systems.common.partition import Partition
from tablewright.systems.date.rounds import Rounds

SHOWN = ("stratified", "coreset")


class ShownRows:
    """Rows of each rule of each part; of a coreset of them where a size is given.

    Parameters
    ----------
    rounds : Rounds
    classes : Partition
        What a coreset is balanced by.
    seed : int
    size : int or None
        Rows of each class in a coreset; None for all rows.
    """

    def __init__(self, rounds: Rounds, classes: Partition, seed: int, size: int | None) -> None:
        self.rounds, self.classes, self.seed, self.size = rounds, classes, seed, size
        self._known: dict[tuple[int, str], pl.DataFrame] = {}

    def __call__(self, part: int, rule: str) -> pl.DataFrame:
        """Return the rows of a part that meet one of its rules; "" is met by all."""
        if (part, rule) not in self._known:
            rows: pl.DataFrame = self.rounds.rows[part]
            if rule:
                rows = rows.filter(np.asarray(parse(rule, self.rounds.schema).holds(rows)))
            self._known[part, rule] = self._chosen(rows)
        return self._known[part, rule]

    def _chosen(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self.size is None or not rows.height:
            return rows
        schema = self.rounds.schema
        coreset = Coreset.learn(rows, schema, self.classes, self.seed, size=self.size)
        chosen: list[int] = np.sort(np.concatenate(coreset.members)).tolist()
        return rows[chosen]
