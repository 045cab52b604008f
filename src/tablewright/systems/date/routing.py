"""The paper's predictor: a model for each part, and each row to the part whose rule it meets."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from tablewright.schema import Schema
from tablewright.systems.date.partition import Parts, asked_columns
from tablewright.systems.date.questions import Questions


class RoutedPredictor:
    """Predict each row by the model of exactly one part; rows of none by a model of all.

    Parameters
    ----------
    parts : Parts
    schema : Schema
    model : scikit-learn estimator or None, default=None
        Copied for each part; one decision tree, as in the paper, where None.

    Examples
    --------
    >>> from tablewright.systems.date.partition import Part
    >>> schema = Schema.build({"x": "integer", "y": "categorical"}, target="y")
    >>> frame = pl.DataFrame({"x": range(8), "y": ["a", "b"] * 2 + ["b"] * 4})
    >>> parts = Parts((Part("low", ("x < 4",), 4), Part("rest", (), 4)))
    >>> RoutedPredictor(parts, schema).fit(frame).predict(frame).tolist()
    ['a', 'b', 'a', 'b', 'b', 'b', 'b', 'b']
    """

    def __init__(self, parts: Parts, schema: Schema, model: Any = None) -> None:
        self.parts, self.schema = parts, schema
        self.model = DecisionTreeClassifier(random_state=0) if model is None else model

    def fit(self, frame: pl.DataFrame) -> Self:
        """Learn typed rows."""
        target = str(self.schema.target)
        known = frame.drop_nulls(target)
        self.questions_ = Questions(known, self.schema, asked_columns(self.schema))
        y, of = known[target].to_numpy(), self.parts.of(known, self.schema)
        matrix = self.questions_.matrix
        self.whole_ = clone(self.model).fit(matrix, y)
        self.models_ = {
            int(part): clone(self.model).fit(matrix[of == part], y[of == part])
            for part in np.unique(of)
            if part >= 0
        }
        return self

    def predict(self, frame: pl.DataFrame) -> NDArray[Any]:
        """Predict typed rows."""
        matrix, of = self.questions_.answers(frame), self.parts.of(frame, self.schema)
        found = np.asarray(self.whole_.predict(matrix))
        for part, model in self.models_.items():
            own = of == part
            if own.any():
                found[own] = model.predict(matrix[own])
        return found
