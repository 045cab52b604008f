"""How good rows are: what four learners gain by them, and how they look beside real ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from tablewright.metrics.detection import detection_auc
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.privacy import exact_copies
from tablewright.metrics.support import alpha_precision, beta_recall
from tablewright.schema import Column, Kind, Schema

UNKNOWN = 50.0
"""AUC in percent of a class that the learner was not shown."""


def learners(seed: int) -> dict[str, Any]:
    """Return the four learners with the settings of scikit-learn, the MLP with 100 rounds."""
    return {
        "logistic regression": LogisticRegression(),
        "SVM": SVC(random_state=seed),
        "MLP": MLPClassifier(max_iter=100, random_state=seed),
        "random forest": RandomForestClassifier(random_state=seed),
    }


def usefulness(
    train: pl.DataFrame, test: pl.DataFrame, schema: Schema, seed: int
) -> dict[str, float]:
    """Return AUC by class, accuracy, macro F1 and recall in percent: means of four learners."""
    target = str(schema.target)
    y, truth = (frame[target].cast(pl.String).to_numpy() for frame in (train, test))
    if len(set(y)) < 2:
        return {}
    result = [
        _scores(model, _features(train, schema), y, _features(test, schema), truth, schema)
        for model in learners(seed).values()
    ]
    return {name: float(np.mean([each[name] for each in result])) for name in result[0]}


def _is_listed(column: Column) -> bool:
    """Whether cells are names; ordinal numbers reach linear learners as numbers."""
    values = column.categories or [""]
    numbers = column.kind is Kind.ORDINAL and all(isinstance(v, int | float) for v in values)
    return column.kind.is_discrete and not numbers


def _features(frame: pl.DataFrame, schema: Schema) -> np.ndarray:
    columns = [
        frame[c.name].cast(pl.String).fill_null("missing").to_numpy().astype(object)
        if _is_listed(c)
        else frame[c.name].cast(pl.Float64).fill_null(np.nan).to_numpy().astype(object)
        for c in schema.modelled
        if c.name != schema.target
    ]
    return np.column_stack(columns)


def _scores(
    model: Any, x: np.ndarray, y: np.ndarray, test: np.ndarray, truth: np.ndarray, schema: Schema
) -> dict[str, float]:
    columns = [c for c in schema.modelled if c.name != schema.target]
    listed = [j for j, c in enumerate(columns) if _is_listed(c)]
    numbers = [j for j in range(len(columns)) if j not in listed]
    prepared = ColumnTransformer(
        [
            ("codes", OneHotEncoder(handle_unknown="ignore", sparse_output=False), listed),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 100 rounds of the MLP may not converge
        fitted = make_pipeline(prepared, model).fit(x, y)
        declared = fitted.predict(test)
        decided = hasattr(fitted, "predict_proba")
        probability = fitted.predict_proba(test) if decided else fitted.decision_function(test)
    if probability.ndim == 1:
        probability = np.column_stack([-probability, probability])
    known = dict(zip(fitted.classes_, probability.T, strict=True))
    labels = sorted(set(truth))
    aucs = {
        f"AUC {label}": 100 * float(roc_auc_score(truth == label, known[label]))
        if label in known
        else UNKNOWN
        for label in labels
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is never predicted counts as nought
        return {
            **aucs,
            "AUC": float(np.mean(list(aucs.values()))),
            "accuracy": 100 * float(accuracy_score(truth, declared)),
            "F1": 100 * float(f1_score(truth, declared, labels=labels, average="macro")),
            "recall": 100 * float(recall_score(truth, declared, labels=labels, average="macro")),
        }


def likeness(
    made: pl.DataFrame, train: pl.DataFrame, test: pl.DataFrame, schema: Schema, seed: int
) -> dict[str, float | None]:
    """Return measures of generated rows alone, in percent; None where they are too few."""
    rng = np.random.default_rng([seed, 1])
    schema = schema.model_copy(update={"columns": schema.modelled})
    ruler = FeatureEncoder.fit(test.select(schema.names), schema)
    real, other, shown = (ruler.rows(rows.select(schema.names)) for rows in (test, made, train))
    few = len(other) < 20
    alpha, beta = (
        None if few else measure(real, other, None, rng).value
        for measure in (alpha_precision, beta_recall)
    )
    return {
        "detection": None if few else 100 * detection_auc(real, other, rng),
        "alpha-precision": None if alpha is None else 100 * alpha,
        "beta-recall": None if beta is None else 100 * beta,
        "copies": 100 * (exact_copies(shown, other, None, rng).value or 0.0),
    }
