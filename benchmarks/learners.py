"""The four learners of the published comparison, with its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import GradientBoostingClassifier

Maker = Callable[[], Any]


def _xgboost() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(learning_rate=0.03, max_depth=4, n_jobs=1, random_state=0)


def _catboost() -> Any:
    from catboost import CatBoostClassifier

    quiet = {"verbose": 0, "allow_writing_files": False, "thread_count": 1}
    return CatBoostClassifier(learning_rate=0.003, depth=6, iterations=1000, random_seed=0, **quiet)


def _lightgbm() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(learning_rate=0.1, max_depth=3, n_jobs=1, random_state=0, verbose=-1)


LEARNERS: dict[str, Maker] = {
    "XGBoost": _xgboost,
    "CatBoost": _catboost,
    "LightGBM": _lightgbm,
    "gradient boosting": lambda: GradientBoostingClassifier(random_state=0),
}
