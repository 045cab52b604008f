"""What features say of labels before any belief: how alike rows are, and what a forest predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from tablewright.metrics.encoder import EncodedRows, Feature, FeatureEncoder, Floats
from tablewright.schema import Schema
from tablewright.selection.feature_space import normal_scores
from tablewright.selection.model_prior import likeness
from tablewright.threads import one_thread

N_TREES = 100
MIN_FOREST_ROWS = 6
_FAR = 3.0902
"""Normal score of one in a thousand: farther out a value counts no more."""
_SHRINK = 2.0
"""Rows of the mean that a prediction of the forest is mixed with."""


@dataclass(frozen=True)
class LabelFeatures:
    """Real rows and rows asked for, by their features.

    Attributes
    ----------
    real, asked : ndarray of shape (n_rows, n_columns)
        Standard scores and indicators.
    kernel : ndarray of shape (n_real + n_asked, n_real)
    variance : ndarray of shape (n_real + n_asked,)
        Likeness to the real rows, and of each row to itself.
    """

    real: Floats
    asked: Floats
    kernel: Floats
    variance: Floats

    @classmethod
    def of(cls, real: pl.DataFrame, asked: pl.DataFrame, schema: Schema) -> LabelFeatures:
        """Encode rows as the real ones are, once by values and once by ranks."""
        if not real.height:
            none = np.zeros((asked.height, 0))
            return cls(np.zeros((0, 0)), none, none, np.ones(asked.height))
        encoder = FeatureEncoder.fit(real, schema)
        first, second = encoder.rows(real), encoder.rows(asked)
        ranked = _ranked(first, first), _ranked(first, second)
        by_value = likeness(
            (first.standardised(), first.embedded), (second.standardised(), second.embedded)
        )
        by_rank = likeness((ranked[0], ranked[0]), (ranked[1], ranked[1]))
        return cls(
            first.standardised(), second.standardised(),
            (by_value[0] + by_rank[0]) / 2, (by_value[1] + by_rank[1]) / 2,
        )  # fmt: skip

    def class_logits(self, is_class: NDArray[np.bool_]) -> Floats:
        """Return logits of a forest less those of the class's share; of real rows out of bag."""
        n_real, share = len(is_class), float(is_class.mean()) if len(is_class) else 0.5
        if n_real < MIN_FOREST_ROWS or not 0 < share < 1:
            return np.zeros(n_real + len(self.asked))
        forest = RandomForestClassifier(N_TREES, min_samples_leaf=2, random_state=0)
        with one_thread():
            forest.fit(self.real, is_class)
            votes = [tree.predict_proba(self.real)[:, 1] for tree in forest.estimators_]
            asked = forest.predict_proba(self.asked)[:, 1]
        known = _out_of_bag(votes, forest.estimators_samples_, n_real, share)
        mixed = (np.concatenate([known, asked]) * n_real + share * _SHRINK) / (n_real + _SHRINK)
        return np.asarray(logit(np.clip(mixed, 0.02, 0.98)) - logit(share))

    def number_scores(self, scores: Floats) -> Floats:
        """Return what a forest predicts of normal scores; of real rows out of bag."""
        n_real = len(scores)
        if n_real < MIN_FOREST_ROWS:
            return np.zeros(n_real + len(self.asked))
        forest = RandomForestRegressor(N_TREES, min_samples_leaf=2, random_state=0)
        with one_thread():
            forest.fit(self.real, scores)
            votes = [tree.predict(self.real) for tree in forest.estimators_]
            asked = forest.predict(self.asked)
        known = _out_of_bag(votes, forest.estimators_samples_, n_real, float(scores.mean()))
        return np.concatenate([known, asked])


def _out_of_bag(
    votes: list[Floats], samples: list[NDArray[np.int_]], n_real: int, otherwise: float
) -> Floats:
    """Average for each row the trees that have not seen it."""
    unseen = np.ones((len(votes), n_real), dtype=bool)
    for row, sample in zip(unseen, samples, strict=True):
        row[sample] = False
    counts = unseen.sum(axis=0)
    sums = (np.array(votes) * unseen).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), otherwise)


def _ranked(real: EncodedRows, rows: EncodedRows) -> Floats:
    columns = [
        _feature_ranks(feature, real.values[:, j], rows.values[:, j])
        for j, feature in enumerate(real.features)
    ]
    return np.hstack(columns) if columns else np.zeros((len(rows), 0))


def _feature_ranks(feature: Feature, real: Floats, values: Floats) -> Floats:
    """Return normal scores of the rank among the real values, or centred indicators."""
    if feature.levels is not None:
        return np.asarray(feature.indicators(values) - feature.indicators(real).mean(axis=0))
    known = np.sort(real[~np.isnan(real)])
    if not len(known):
        return np.zeros((len(values), 1))
    scores = np.clip(normal_scores(values, known), -_FAR, _FAR)
    missing = np.isnan(values)
    absent = missing.astype(float) - float(np.isnan(real).mean())
    return np.column_stack([np.where(missing, 0.0, scores), absent])
