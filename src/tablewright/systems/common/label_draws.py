"""Labels that are drawn from probabilities, for whoever writes rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM
from tablewright.random_state import Stream
from tablewright.schema import Schema
from tablewright.selection.label_model import LabelModel
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import RowWriter


class LabelDrawer:
    """Draws labels from what a model knows and the real rows say; see `LabelModel`.

    Parameters
    ----------
    llm : LLM
    schema : Schema
        All columns of the rows, and the target.
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

    def draw(self, rows: pl.DataFrame, seed: Any) -> pl.Series:
        """Return a label for each row; the real rows are asked about with the first of them.

        Raises
        ------
        ModelError
            If the model gives no answer.
        """
        if self.weight is None:
            self.model.fit(self.train)
        labels = self.model.predict(rows)
        self.weight = labels.weight
        drawn = labels.draw(np.random.default_rng(seed)).tolist()
        return pl.Series(self.target, drawn, strict=False).cast(self.train.schema[self.target])

    @property
    def shown(self) -> list[pl.DataFrame]:
        """The real rows that the model was asked about, without what is redacted."""
        rows: pl.DataFrame | None = getattr(self.model, "train_", None)
        redacted = getattr(getattr(self.model.llm, "sharing", None), "redact", ())
        return [] if rows is None else [rows.drop(redacted, strict=False)]

    @property
    def note(self) -> str:
        """What a result says of the labels."""
        if self.weight is None:
            return "labels: none was drawn"
        return (
            "labels: drawn from probabilities, in which the share of the model is "
            f"{self.weight:.2f} and that of the real rows the rest"
        )


class RelabellingWriter:
    """A writer whose rows get another label than the one that was written with them.

    Parameters
    ----------
    writer : RowWriter
    drawer : LabelDrawer
    """

    def __init__(self, writer: RowWriter, drawer: LabelDrawer) -> None:
        self.writer, self.drawer, self._n_batches = writer, drawer, 0

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        """Write rows, then draw their labels; without an answer there are no rows."""
        batch = self.writer.write(request, guidance)
        if not batch.rows.height:
            return batch
        self._n_batches += 1
        seed = [request.seed, Stream.SYSTEM_DRAWN_LABELS, self._n_batches]
        try:
            labels = self.drawer.draw(batch.rows.drop(self.drawer.target), seed)
        except ModelError as error:
            batch.rows, batch.stopped = batch.rows.clear(), error
        else:
            batch.rows = batch.rows.with_columns(labels)
        batch.shown += self.drawer.shown
        batch.groups = []  # a prompt's group says which class was written, not which was drawn
        return batch
