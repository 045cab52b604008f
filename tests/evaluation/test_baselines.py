"""What the rows to be judged are compared with."""

from __future__ import annotations

import numpy as np

from tablewright.evaluation.evaluate.baselines import PlainSmoteNC
from tablewright.generators.base import Given
from tablewright.tables.encoding.codec import Field, Matrix


def test_the_control_interpolates_small_classes_as_published() -> None:
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(0, 1, 100), [10.0, 11.0, 13.0, 17.0]]
    rows = np.column_stack([x, np.r_[np.zeros(100), np.ones(4)]])
    fields = (Field("x"), Field("y", levels=2, target=True))
    fitted = PlainSmoteNC().fit(Matrix(rows, fields), rng)
    rare = np.column_stack([np.full(300, np.nan), np.ones(300)])
    made = fitted.sample(300, rng, given=Given(rare, np.array([[False, True]] * 300)))[:, 0]
    # rows that are widened lie beyond the real ones too; a line between two of them does not
    assert made.min() >= 10
    assert made.max() <= 17
    assert len(np.unique(made)) > 50
