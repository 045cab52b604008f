"""What rows add to a forest and a linear model, on held-out rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.real_models.tables import Split


def worth(split: Split, rows: pl.DataFrame | None = None) -> list[float]:
    """Return the AUC (a number: R2) of a forest and of a linear model, with more rows."""
    train = split.train if rows is None else pl.concat([split.train, rows], how="vertical_relaxed")
    features = [name for name in train.columns if name != split.target]
    text = [name for name in features if not train.schema[name].is_numeric()]
    numbers = [name for name in features if name not in text]
    y, truth = train[split.target].to_numpy(), split.test[split.target].to_numpy()
    is_number = train.schema[split.target].is_float()
    scores = []
    for learner in _learners(is_number):
        encoder = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), text), (StandardScaler(), numbers)
        )
        model = make_pipeline(encoder, learner)
        model.fit(train.select(features).to_pandas(), y)
        scores.append(_score(model, split.test.select(features).to_pandas(), truth, is_number))
    return scores


def text_worth(split: Split, rows: pl.DataFrame | None = None) -> list[float]:
    """Return the AUC of a logistic model and of naive Bayes on the words of texts."""
    train = split.train if rows is None else pl.concat([split.train, rows], how="vertical_relaxed")
    truth, scores = split.test[split.target].to_numpy(), []
    for learner in (LogisticRegression(max_iter=2000), MultinomialNB()):
        model = make_pipeline(TfidfVectorizer(sublinear_tf=True), learner)
        model.fit(train[split.text].to_list(), train[split.target].to_numpy())
        scores.append(_score(model, split.test[split.text].to_list(), truth, is_number=False))
    return scores


def _learners(is_number: bool) -> list[Any]:
    if is_number:
        return [RandomForestRegressor(300, random_state=0), Ridge()]
    return [RandomForestClassifier(300, random_state=0), LogisticRegression(max_iter=2000)]


def _score(model: Any, rows: Any, truth: Any, is_number: bool) -> float:
    if is_number:
        return round(float(r2_score(truth, model.predict(rows))), 3)
    shares = model.predict_proba(rows)
    if shares.shape[1] == 2:
        return round(float(roc_auc_score(truth == model.classes_[1], shares[:, 1])), 3)
    return round(float(np.mean([roc_auc_score(truth == c, shares[:, k])
                                for k, c in enumerate(model.classes_)])), 3)  # fmt: skip
