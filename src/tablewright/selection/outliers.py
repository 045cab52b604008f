"""Rows that lie where no real row is near: noise that every range lets through."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.neighbours import nearest
from tablewright.schema import Schema
from tablewright.selection.check import Judgement
from tablewright.selection.feature_space import Ground
from tablewright.selection.near_duplicates import feature_distances

__all__ = ["Outliers"]


class Outliers:
    """Drop rows that are much farther from the real rows than real rows are from each other.

    The distance is Gower's on the features, the target left aside. A row goes where its nearest
    real row is farther than `factor` times the 99 % point of the distances of real rows to their
    nearest other. New rows from where the real ones come from hardly ever are.

    Parameters
    ----------
    factor : float, default=1.25
        Above 0; larger lets more rows pass.
    fewest : int, default=5
        Real rows below which nothing is dropped.

    Attributes
    ----------
    limit_ : float
        Distance beyond which a row goes, 0 to 1.

    Raises
    ------
    InputError
        If `factor` is not above 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": [1.0, 2, 3, 4, 5], "z": [1.0, 2, 3, 4, 5]})
    >>> schema = Schema.build({"x": "continuous", "z": "continuous"})
    >>> rows = pl.DataFrame({"x": [2.5, 1.0], "z": [2.4, 5.0]})
    >>> Outliers().fit(real, schema, rng).judge(rows, rng).keep.tolist()
    [True, False]
    """

    name = "outliers"

    def __init__(self, factor: float = 1.25, *, fewest: int = 5) -> None:
        if not factor > 0:
            raise InputError(f"factor is above 0, not {factor!r}")
        self.factor = factor
        self.fewest = fewest

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn how far typed real rows are from each other."""
        self.ground_ = Ground.fit(train, schema)
        self.real_ = feature_distances(self.ground_.ruler.rows(train, "training"))
        self.limit_ = np.inf
        if len(self.real_) >= self.fewest and self.real_.shape[1]:
            apart = nearest(self.real_, self.real_, same=True)[0][:, 0]
            self.limit_ = self.factor * float(np.quantile(apart, 0.99))
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the distance to the nearest real row, 0 to 1."""
        if not rows.height:
            return Judgement.all_pass(0)
        features = feature_distances(self.ground_.rows(rows))
        apart = nearest(features, self.real_)[0][:, 0].astype(float)
        said = [
            f"its nearest real row is at {distance:.3f}, beyond {self.limit_:.3f}"
            for distance in apart
        ]
        return Judgement.of(apart <= self.limit_ + 1e-7, said, apart)
