"""The role "label" by probabilities: labels are drawn from what a model knows and the rows say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tablewright.errors import ModelError
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.label_draws import LabelDrawer
from tablewright.systems.team_then_trim.workers import Turn


@dataclass(eq=False)
class ProbabilityWorker:
    """Gives each row a label drawn from its probabilities."""

    drawer: LabelDrawer

    def write(self, turns: Sequence[Turn], n_rows: int, seed: int) -> list[RowBatch]:
        """Label the rows that the other workers wrote."""
        return [self._label(turn, n_rows, seed) for turn in turns]

    def _label(self, turn: Turn, n_rows: int, seed: int) -> RowBatch:
        try:
            labels = self.drawer.draw(turn.given, seed)
        except ModelError as error:
            none = pl.DataFrame(
                schema={self.drawer.target: self.drawer.train.schema[self.drawer.target]}
            )
            return RowBatch(none, stopped=error, shown=self.drawer.shown)
        return RowBatch(labels.to_frame(), groups=list(range(n_rows)), shown=self.drawer.shown)
