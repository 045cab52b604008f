"""The role "label" by probabilities: labels are drawn from what a model knows and the rows say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM
from tablewright.schema import Schema
from tablewright.selection.label_model import LabelModel
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.team_then_trim.workers import Turn


class ProbabilityWorker:
    """Draws the label of each row from its probabilities; see `LabelModel`.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        All columns of the rows, and the label.
    train : DataFrame
        Typed real rows.
    about : str, default=""
        What the table is about.

    Attributes
    ----------
    weight : float or None
        Share of the model in what was believed of the labels last; None before any.
    """

    def __init__(self, llm: LLM, schema: Schema, train: pl.DataFrame, about: str = "") -> None:
        assert schema.target is not None
        self.target, self.train = schema.target, train.select(schema.names)
        self.model = LabelModel(schema, schema.target, llm, about)
        self.weight: float | None = None

    def write(self, turns: Sequence[Turn], n_rows: int, seed: int) -> list[RowBatch]:
        """Label the rows; the real ones are asked about with the first of them."""
        return [self._label(turn, n_rows, seed) for turn in turns]

    def _label(self, turn: Turn, n_rows: int, seed: int) -> RowBatch:
        dtype = self.train.schema[self.target]
        try:
            if self.weight is None:
                self.model.fit(self.train)
            labels = self.model.predict(turn.given)
        except ModelError as error:
            return RowBatch(pl.DataFrame(schema={self.target: dtype}), stopped=error)
        self.weight = labels.weight
        drawn = labels.draw(np.random.default_rng(seed)).tolist()
        cells = pl.Series(self.target, drawn, strict=False).cast(dtype)
        return RowBatch(cells.to_frame(), groups=list(range(n_rows)))
