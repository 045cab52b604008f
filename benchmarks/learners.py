"""The four learners of the published comparison, with its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

Maker = Callable[[], Any]


def _xgboost(kind: str = "Classifier") -> Any:
    import xgboost

    make = getattr(xgboost, f"XGB{kind}")
    return make(learning_rate=0.03, max_depth=4, n_jobs=1, random_state=0)


def _catboost(kind: str = "Classifier") -> Any:
    import catboost

    quiet = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
    make = getattr(catboost, f"CatBoost{kind}")
    return make(learning_rate=0.003, depth=6, iterations=1000, random_seed=0, **quiet)


def _lightgbm(kind: str = "Classifier") -> Any:
    import lightgbm

    make = getattr(lightgbm, f"LGBM{kind}")
    return make(learning_rate=0.1, max_depth=3, n_jobs=1, random_state=0, verbose=-1)


LEARNERS: dict[str, Maker] = {
    "XGBoost": _xgboost,
    "CatBoost": _catboost,
    "LightGBM": _lightgbm,
    "gradient boosting": lambda: GradientBoostingClassifier(random_state=0),
}

REGRESSORS: dict[str, Maker] = {
    "XGBoost": lambda: _xgboost("Regressor"),
    "CatBoost": lambda: _catboost("Regressor"),
    "LightGBM": lambda: _lightgbm("Regressor"),
    "gradient boosting": lambda: GradientBoostingRegressor(random_state=0),
}
"""The same with numbers to learn."""
