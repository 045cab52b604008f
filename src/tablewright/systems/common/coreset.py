"""A coreset: the few real rows of each part that say most, for prompts that cannot hold all.

RDDG (arXiv 2604.16817), "coreset selection": rows whose prediction error moves much while a model
learns lie near the border of their class. Error variance alone picks mislabelled and odd rows
too, so that it is mixed with rows that stand for many others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier

from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.systems.common.examples import (
    BalancedExamples,
    ExampleSampler,
    Indices,
    NeighbourhoodExamples,
    ProportionalExamples,
    RandomExamples,
)
from tablewright.systems.common.partition import Partition, target_partition
from tablewright.threads import one_thread

EXAMPLES = ("random", "coreset")
"""Which real rows systems show."""

_STAGES = 100
_WINDOW = 10
_FEW = 10
"""Rows of a part below which no model can say which of them are hard."""
_MAX_ROWS = 5000


@dataclass(frozen=True)
class Coreset:
    """Real rows of each part, the most telling first.

    Attributes
    ----------
    members : list of ndarray of int
        Indices of the rows of each part; fewer than were asked for where a part has fewer.
    scores : ndarray of shape (n_rows,)
        Error variance of each row; NaN where none was learned.
    notes : list of str
    """

    members: list[Indices]
    scores: NDArray[np.float64]
    notes: list[str] = field(default_factory=list)

    @classmethod
    def learn(
        cls,
        real: pl.DataFrame,
        schema: Schema,
        partition: Partition,
        seed: int,
        *,
        size: int = 100,
        hard_share: float = 0.5,
    ) -> Self:
        """Choose rows.

        Parameters
        ----------
        real : DataFrame
            Typed rows.
        schema : Schema
            With a target.
        partition : Partition
            What rows are balanced by.
        seed : int
        size : int, default=100
            Rows of each part, at most.
        hard_share : float, default=0.5
            Share of them by error variance; the others stand for many rows.

        Examples
        --------
        >>> from tablewright.systems.common.partition import ClassPartition
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=200)
        >>> real = pl.DataFrame({"x": x, "y": np.where(x > 0, "a", "b")})
        >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
        >>> chosen = Coreset.learn(real, schema, ClassPartition("y", ("a", "b")), 0, size=5)
        >>> [len(rows) for rows in chosen.members]
        [5, 5]
        """
        codes = partition.of(real)
        encoded = FeatureEncoder.fit(real, schema).rows(real)
        scores = error_variance(Design.of(encoded), codes, seed)
        members, notes = [], []
        for part, name in enumerate(partition.names):
            rows = np.flatnonzero(codes == part)
            share = hard_share
            if len(rows) < _FEW or np.isnan(scores[rows]).any():
                share = 0.0
                notes.append(f"{name!r} has {len(rows)} rows, too few to say which are hard")
            hard = rows[np.argsort(-scores[rows], kind="stable")] if share else rows[:0]
            usual = rows[_representatives(encoded.gower[rows], size, seed)]
            members.append(_mixed(hard, usual, rows, size, share))
        return cls(members, scores, notes)

    def sampler(self, seed: tuple[int, ...]) -> BalancedExamples:
        """Return a sampler that shows each of its rows as often as any other of its part."""
        return BalancedExamples(self.members, seed)

    def top(self, n_rows: int) -> list[Indices]:
        """Return so many rows of each part, going round where a part has fewer."""
        return [rows[np.arange(n_rows) % len(rows)] if len(rows) else rows for rows in self.members]


def error_variance(design: Design, codes: Indices, seed: int) -> NDArray[np.float64]:
    """Return how much the error of each row moves while boosted trees learn the parts.

    The variance of the squared distance between predicted probabilities and the row's own part
    over the first and the last ten of 100 stages, each in units of its mean over rows: trees
    hardly move at last, so that the plain sum would be that of the early stages. NaN for rows
    that are in no part, and for all where there are fewer than two parts.
    """
    scores = np.full(len(codes), np.nan)
    known = np.flatnonzero(codes >= 0)
    if len(np.unique(codes[known])) < 2:
        return scores
    some = np.random.default_rng(seed).permutation(known)[:_MAX_ROWS]
    model = HistGradientBoostingClassifier(
        max_iter=_STAGES, early_stopping=False, min_samples_leaf=5, random_state=seed % 2**32,
        categorical_features=design.categorical if design.categorical.any() else None,
    )  # fmt: skip
    with one_thread():
        model.fit(design.trees[some], codes[some])
        column = np.searchsorted(model.classes_, codes[known])
        errors = [
            _distances(stage, column)
            for k, stage in enumerate(model.staged_predict_proba(design.trees[known]))
            if k < _WINDOW or k >= _STAGES - _WINDOW
        ]
    windows = np.array(errors[:_WINDOW]), np.array(errors[_WINDOW:])
    moved = [window.var(axis=0, ddof=1) for window in windows]
    scores[known] = sum(values / max(float(values.mean()), 1e-12) for values in moved)
    return scores


def _distances(chances: NDArray[Any], column: Indices) -> NDArray[np.float64]:
    """Squared distance of each row's probabilities to its own part, from 0 to 2."""
    own = chances[np.arange(len(column)), column]
    return np.asarray((chances**2).sum(axis=1) - 2 * own + 1)


def _representatives(points: NDArray[Any], n_rows: int, seed: int) -> Indices:
    """Return the rows nearest to the centres of clusters, large clusters first."""
    some = np.random.default_rng(seed).permutation(len(points))[:_MAX_ROWS]
    cells = np.nan_to_num(points[some].astype(np.float64))
    n_rows = min(n_rows, len(np.unique(cells, axis=0)))
    if n_rows < 1 or n_rows == len(points):
        return np.arange(len(points))
    with one_thread():
        found = KMeans(n_rows, n_init=1, max_iter=20, random_state=seed % 2**32)
        distances = found.fit_transform(cells)
    nearest = some[distances.argmin(axis=0)]
    sizes = np.bincount(found.labels_, minlength=n_rows)
    return np.asarray(list(dict.fromkeys(nearest[np.argsort(-sizes, kind="stable")].tolist())))


def _mixed(hard: Indices, usual: Indices, rows: Indices, size: int, share: float) -> Indices:
    """Take rows of both lists by their shares, then whatever is left."""
    n_hard = round(share * min(size, len(rows)))
    wanted = [*hard[:n_hard].tolist(), *usual.tolist(), *hard.tolist(), *rows.tolist()]
    order = list(dict.fromkeys(wanted))[:size]
    return np.array(order, dtype=np.intp)


Seed = tuple[int, ...]
MakeSampler = Callable[[Seed], ExampleSampler]


def _random(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    return lambda stream: RandomExamples(real.height, stream)


def _stratified(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    target = schema.target
    labels = [None] * real.height
    if target is not None and not real[target].dtype.is_float():
        labels = real[target].to_list()
    return lambda stream: ProportionalExamples(labels, stream)


def _nearest(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    return lambda stream: NeighbourhoodExamples(real, schema, stream)


def _coreset(real: pl.DataFrame, schema: Schema, seed: int) -> MakeSampler:
    if schema.target is None:
        return _random(real, schema, seed)
    return Coreset.learn(real, schema, target_partition(real, schema), seed).sampler


SAMPLERS: dict[str, Callable[[pl.DataFrame, Schema, int], MakeSampler]] = {
    "random": _random,
    "stratified": _stratified,
    "nearest": _nearest,
    "coreset": _coreset,
}
"""Each learns once from typed real rows, their schema and a seed; then draws for any stream."""
