"""Utility as the paper measures it: learners fitted on written rows, asked of 200 real ones.

Weighted F1 of the best of four learners for classes, R2 of the best of three for numbers. The
best is taken on the test rows, as in the paper, for real and written rows alike.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import f1_score, r2_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

_BOOSTED = {"n_estimators": 100, "max_depth": 3, "learning_rate": 0.1, "n_jobs": 1}


def learners(classes: bool) -> dict[str, Any]:
    """Learners with the settings of the authors' program."""
    from xgboost import XGBClassifier, XGBRegressor

    if not classes:
        return {
            "linear": LinearRegression(),
            "tree": DecisionTreeRegressor(max_depth=3, random_state=0),
            "XGBoost": XGBRegressor(**_BOOSTED),
        }
    return {
        "logistic": LogisticRegression(max_iter=300),
        "forest": RandomForestClassifier(100, max_depth=3, random_state=0),
        "SVM": SVC(),
        "XGBoost": XGBClassifier(**_BOOSTED),
    }


def utility(made: pl.DataFrame, test: pl.DataFrame, target: str, classes: bool) -> float:
    """Return weighted F1 or R2 on test rows of the best learner."""
    made = made.drop_nulls(target)
    if not made.height:
        return 0.0
    truth = test[target].cast(pl.String if classes else pl.Float64).to_numpy()
    y = made[target].cast(pl.String if classes else pl.Float64).to_numpy()
    if classes and len(np.unique(y)) < 2:
        return float(f1_score(truth, np.full(len(truth), y[0]), average="weighted"))
    numeric = [n for n in test.columns if n != target and test[n].dtype.is_numeric()]
    listed = [n for n in test.columns if n != target and n not in numeric]
    x, z = (_inputs(frame, numeric, listed) for frame in (made, test))
    labels, codes = np.unique(y, return_inverse=True)
    scores = []
    for model in learners(classes).values():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = _pipeline(model, len(numeric), len(listed)).fit(x, codes if classes else y)
            answer = fitted.predict(z)
        scores.append(
            f1_score(truth, labels[answer.astype(int)], average="weighted")
            if classes
            else r2_score(truth, answer)
        )
    return float(max(scores))


def _inputs(frame: pl.DataFrame, numeric: list[str], listed: list[str]) -> NDArray[Any]:
    numbers = frame.select(*numeric, *listed).with_columns(pl.col(numeric).cast(pl.Float64))
    return numbers.with_columns(pl.col(listed).cast(pl.String).fill_null("")).to_numpy()


def _pipeline(model: Any, n_numeric: int, n_listed: int) -> Pipeline:
    numbers = list(range(n_numeric))
    words = list(range(n_numeric, n_numeric + n_listed))
    inputs = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()),
                numbers,
            ),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
        ]
    )
    return make_pipeline(inputs, model)
