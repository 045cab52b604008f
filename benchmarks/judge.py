"""What rows of any maker are worth: one ruler for ours and for the peers'."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.fidelity import column_shapes, contingency_similarity
from tablewright.metrics.privacy import distance_share, exact_copies, search
from tablewright.schema import Schema

Floats = NDArray[np.float64]

MOST_ROWS = 5000
"""Rows of each side of the detection test."""


def judge(
    train: pl.DataFrame, made: pl.DataFrame, holdout: pl.DataFrame, schema: Schema
) -> dict[str, Any]:
    """Return all measures of made rows; frames are typed as the schema says."""
    ruler = FeatureEncoder.fit(train, schema)
    real, other, rest = (ruler.rows(frame) for frame in (train, made, holdout))
    rng = np.random.default_rng(0)
    distance = distance_share(search(real, other, rest, rng))
    return {
        **_learned(other, rest),
        "detection AUC": detection(rest, other),
        **_shapes(rest, other, rng),
        "correlations": _correlations(rest, other),
        "pair TVD": 1 - (contingency_similarity(rest, other, None, rng).value or 0.0),
        "DCR share": distance.value,
        "copies": exact_copies(real, other, rest, rng).value,
    }


def detection(real: EncodedRows, made: EncodedRows, seed: int = 0) -> float:
    """AUC of boosted trees between as many real as made rows, five folds; 0.5 is ideal."""
    rng = np.random.default_rng(seed)
    size = min(len(real), len(made), MOST_ROWS)
    sides = [rows.cut(size, rng) for rows in (real, made)]
    x = np.vstack([rows.values for rows in sides])
    y = np.repeat([0, 1], size)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probability = cross_val_predict(_boosted(real), x, y, cv=folds, method="predict_proba")
    return float(roc_auc_score(y, probability[:, 1]))


def _boosted(rows: EncodedRows, without: int | None = None) -> HistGradientBoostingClassifier:
    listed = [f.levels is not None for j, f in enumerate(rows.features) if j != without]
    return HistGradientBoostingClassifier(categorical_features=listed, random_state=0)


def _learned(made: EncodedRows, holdout: EncodedRows) -> dict[str, float]:
    """AUROC on real rows of models that learned from made rows."""
    target = holdout.encoder.target
    assert target is not None
    x, y = (np.delete(rows.values, target, axis=1) for rows in (made, holdout))
    labels = [rows.values[:, target] for rows in (made, holdout)]
    listed = [f.levels is not None for j, f in enumerate(holdout.features) if j != target]
    linear = make_pipeline(
        ColumnTransformer(
            [
                ("codes", OneHotEncoder(handle_unknown="ignore"), np.flatnonzero(listed)),
                ("numbers", StandardScaler(), np.flatnonzero(~np.array(listed))),
            ]
        ),
        LogisticRegression(max_iter=1000),
    )
    result = {}
    for name, model in (("TSTR HGB", _boosted(holdout, target)), ("TSTR LR", linear)):
        probability = model.fit(x, labels[0]).predict_proba(y)[:, 1]
        result[name] = float(roc_auc_score(labels[1], probability))
    return result


def _shapes(
    real: EncodedRows, made: EncodedRows, rng: np.random.Generator
) -> dict[str, float | None]:
    """Mean distance of single columns, numbers and categories apart."""
    each = column_shapes(real, made, None, rng).details["columns"]
    kinds = {"KS": True, "TVD": False}
    return {
        name: _mean([1 - each[f.name] for f in real.features if (f.levels is None) == numeric])
        for name, numeric in kinds.items()
    }


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _correlations(real: EncodedRows, made: EncodedRows) -> float | None:
    """Mean absolute difference of the correlations of numbers."""
    numeric = [j for j, f in enumerate(real.features) if f.levels is None]
    if len(numeric) < 2:
        return None
    both = [np.nan_to_num(np.corrcoef(rows.values[:, numeric].T)) for rows in (real, made)]
    upper = np.triu_indices(len(numeric), 1)
    return float(np.abs(both[0] - both[1])[upper].mean())
