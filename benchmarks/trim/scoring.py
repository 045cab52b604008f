"""How good rows are to learn from: four learners of scikit-learn with their defaults."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.trim.diabetes import FEATURES, LEVELS, TARGET


def learners(seed: int) -> dict[str, Any]:
    return {
        "logistic regression": LogisticRegression(),
        "SVM": SVC(random_state=seed),
        "MLP": MLPClassifier(random_state=seed),
        "random forest": RandomForestClassifier(random_state=seed),
    }


def split(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels."""
    return rows.select(f.name for f in FEATURES).to_numpy().astype(float), rows[TARGET].to_numpy()


def class_aucs(train: pl.DataFrame, test: pl.DataFrame, seed: int) -> np.ndarray:
    """AUC of each level against the others in percent, mean of the four learners."""
    return np.mean([_aucs(model, train, test) for model in learners(seed).values()], axis=0)


def mean_auc(train: pl.DataFrame, test: pl.DataFrame, seed: int) -> float:
    """Mean of the AUCs of the levels, in percent."""
    return float(class_aucs(train, test, seed).mean())


def _aucs(model: Any, train: pl.DataFrame, test: pl.DataFrame) -> np.ndarray:
    (x, y), (test_x, test_y) = split(train), split(test)
    if len(np.unique(y)) < 2:
        return np.full(len(LEVELS), 50.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 200 rounds do not converge; defaults are what is asked
        fitted = make_pipeline(StandardScaler(), model).fit(x, y)
    scores = _scores(fitted, test_x)
    return np.array(
        [
            100 * roc_auc_score(test_y == level, scores[level]) if level in scores else 50.0
            for level in LEVELS
        ]
    )


def _scores(fitted: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """One score per level that the model knows."""
    if hasattr(fitted, "predict_proba"):
        result = fitted.predict_proba(x)
    else:
        result = fitted.decision_function(x)
        result = np.column_stack([-result, result]) if result.ndim == 1 else result
    return dict(zip(fitted.classes_, result.T, strict=True))
