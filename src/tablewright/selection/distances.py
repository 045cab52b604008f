"""Distances to the real rows: copies and near-copies, and rows where no real row is near."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.neighbours import distance_blocks, nearest
from tablewright.metrics.row_keys import row_keys
from tablewright.schema import Schema
from tablewright.selection.check import Judgement
from tablewright.selection.feature_space import RealRows

Keys = NDArray[np.uint64]
Features = NDArray[np.float32]


class NearDuplicates:
    """Drop rows that are as good as equal to a real row or to an earlier candidate.

    A row is a copy where every cell equals, at the schema's precision, that of a real row or of
    an earlier kept candidate. It is a near-duplicate where its features, the target left aside,
    are nearer to such a row than real rows come to each other: below a low quantile of the
    distances of real rows to their nearest other. A distance is the mean over columns of
    differences in units of the real range, 1 for different categories (Gower). Columns alone
    decide, so a real row with another label is found too.

    Parameters
    ----------
    quantile : float, default=0.01
        Of the distances of real rows to their nearest other real row. Where real rows repeat
        each other it is 0, and copies alone are dropped.

    Attributes
    ----------
    cut_ : float
        That distance, 0 to 1. With m candidates beside n real rows n / (n + m) of it is taken:
        of more rows some come nearer to each other by chance.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": [0.0, 1.0, 5.0, 9.0], "y": ["a", "a", "b", "b"]})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> rows = pl.DataFrame({"x": [5.0, 3.0, 3.1, 7.0], "y": ["b", "a", "b", "b"]})
    >>> NearDuplicates().fit(real, schema, rng).judge(rows, rng).reasons
    ['equals a real row', '', 'nearly equals candidate 1', '']
    """

    name = "near-duplicates"

    def __init__(self, quantile: float = 0.01) -> None:
        if not 0 <= quantile <= 1:
            raise InputError(f"quantile lies between 0 and 1, not {quantile!r}")
        self.quantile = quantile

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn how near typed real rows come to each other."""
        self.real_rows_ = RealRows.fit(train, schema)
        real = self.real_rows_.encoder.rows(train, "training")
        self.real_, self.keys_ = feature_distances(real), row_keys(real)
        self.cut_ = 0.0
        if len(real) > 1 and self.real_.shape[1]:
            apart = nearest(self.real_, self.real_, same=True)[0][:, 0]
            self.cut_ = float(np.quantile(apart, self.quantile))
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows in their order; the score is the distance to the nearest real row."""
        placed = self.real_rows_.rows(rows)
        if not len(placed):
            return Judgement.all_pass(0)
        features, keys = feature_distances(placed), row_keys(placed)
        apart = nearest(features, self.real_)[0][:, 0].astype(float)
        cut = self.cut_ * len(self.real_) / (len(self.real_) + len(placed))
        reasons = [""] * len(placed)
        for row in np.flatnonzero(apart < cut):
            reasons[row] = "nearly equals a real row"
        for row in np.flatnonzero(np.isin(keys, self.keys_)):
            reasons[row] = "equals a real row"
        _find_repeats(keys, _close(features, cut), reasons)
        return Judgement.of(np.array([not r for r in reasons]), reasons, apart)


def _close(features: Features, cut: float) -> list[list[int]]:
    """For each row the earlier ones that are nearer than the cut."""
    result: list[list[int]] = []
    for part, block in distance_blocks(features, features):
        near = block < cut
        result += [
            np.flatnonzero(near[offset, : part.start + offset]).tolist()
            for offset in range(part.stop - part.start)
        ]
    return result


def _find_repeats(keys: Keys, close: list[list[int]], reasons: list[str]) -> None:
    """Give a reason to rows that repeat an earlier one that is kept."""
    first: dict[int, int] = {}
    for row, key in enumerate(keys.tolist()):
        if reasons[row]:
            continue
        if key in first:
            reasons[row] = f"equals candidate {first[key]}"
            continue
        near = next((other for other in close[row] if not reasons[other]), None)
        if near is not None:
            reasons[row] = f"nearly equals candidate {near}"
            continue
        first[key] = row


def feature_distances(rows: EncodedRows) -> Features:
    """Return the coordinates of rows for Gower's distance, without the target."""
    target = rows.encoder.target
    kept = [j for j in range(len(rows.features)) if j != target]
    return np.ascontiguousarray(rows.gower[:, kept])


class Outliers:
    """Drop rows that are much farther from the real rows than real rows are from each other.

    The distance is Gower's on the features, the target left aside. A row goes where its nearest
    real row is farther than `factor` times the 99 % point of the distances of real rows to their
    nearest other. New rows from where the real ones come from hardly ever are.

    Parameters
    ----------
    factor : float, default=1.25
        Above 0; larger lets more rows pass. Of n real rows 1 + 2 / sqrt(n) is taken where that is
        more: few rows do not show how far apart they come.
    min_rows : int, default=5
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

    def __init__(self, factor: float = 1.25, *, min_rows: int = 5) -> None:
        if not factor > 0:
            raise InputError(f"factor is above 0, not {factor!r}")
        self.factor = factor
        self.min_rows = min_rows

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn how far typed real rows are from each other."""
        self.real_rows_ = RealRows.fit(train, schema)
        self.real_ = feature_distances(self.real_rows_.encoder.rows(train, "training"))
        self.limit_ = np.inf
        if len(self.real_) >= self.min_rows and self.real_.shape[1]:
            apart = nearest(self.real_, self.real_, same=True)[0][:, 0]
            factor = max(self.factor, 1 + 2 / np.sqrt(len(apart)))
            self.limit_ = factor * float(np.quantile(apart, 0.99))
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the distance to the nearest real row, 0 to 1."""
        if not rows.height:
            return Judgement.all_pass(0)
        features = feature_distances(self.real_rows_.rows(rows))
        apart = nearest(features, self.real_)[0][:, 0].astype(float)
        declared = [
            f"its nearest real row is at {distance:.3f}, beyond {self.limit_:.3f}"
            for distance in apart
        ]
        return Judgement.of(apart <= self.limit_ + 1e-7, declared, apart)
