"""The two learner families that judge rows: boosted trees and a linear model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from tablewright.metrics.encoder import EncodedRows, Feature, Floats
from tablewright.threads import one_thread

LEARNERS = ("boosted trees", "linear")

_MAX_CATEGORIES = 250
_N_BINS = 255  # of boosted trees, at most
MIN_ROWS_FOR_TREES = 100


@dataclass(frozen=True)
class Design:
    """What learners see of rows.

    Attributes
    ----------
    trees : ndarray of shape (n_rows, n_features)
        Numbers and codes, NaN for missing.
    linear : ndarray of shape (n_rows, n_columns)
        Standard scores and indicators.
    categorical : ndarray of bool, shape (n_features,)
        Which columns of `trees` are codes.
    y : ndarray of shape (n_rows,)
        Codes of classes, or numbers.
    """

    trees: Floats
    linear: Floats
    categorical: NDArray[np.bool_]
    y: Floats

    def __len__(self) -> int:
        return len(self.y)

    @classmethod
    def of(cls, rows: EncodedRows, y: Floats | None = None) -> Design:
        """Take the target out of the features, or set another outcome beside all of them."""
        without = rows.encoder.target if y is None else None
        kept = [j for j in range(len(rows.features)) if j != without]
        outcome = rows.values[:, without] if without is not None else y
        assert outcome is not None
        categorical = np.array([_is_categorical(rows.features[j]) for j in kept], dtype=bool)
        return cls(rows.values[:, kept], rows.standardised(without), categorical, outcome)

    def take(self, index: NDArray[Any]) -> Design:
        """Return some of the rows."""
        return Design(self.trees[index], self.linear[index], self.categorical, self.y[index])

    def join(self, other: Design) -> Design:
        """Return these rows followed by others."""
        return Design(
            np.vstack([self.trees, other.trees]),
            np.vstack([self.linear, other.linear]),
            self.categorical,
            np.concatenate([self.y, other.y]),
        )

    @property
    def row_keys(self) -> list[bytes]:
        """One key per row, the same for rows whose features are equal; outcomes do not count."""
        values = np.ascontiguousarray(np.where(np.isnan(self.trees), np.inf, self.trees) + 0.0)
        return [row.tobytes() for row in values]


@dataclass(frozen=True)
class Task:
    """What is predicted, and by which models.

    Attributes
    ----------
    n_classes : int
        0 for regression.
    rare : int
        Code of the class with the fewest training rows.
    leaf : int
        Least rows in a leaf of a boosted tree.
    n_trees : int
        Rounds of boosting.
    learners : tuple of str
        Which of `LEARNERS` are asked.
    """

    n_classes: int
    rare: int
    leaf: int
    n_trees: int = 100
    learners: tuple[str, ...] = LEARNERS

    def fit(
        self, learner: Any, train: Design, rng: np.random.Generator, balanced: bool = False
    ) -> Callable[[Design], Floats]:
        """Fit a learner.

        Parameters
        ----------
        learner : str or estimator of scikit-learn
            One of `LEARNERS`; an estimator gets the columns of the linear one.
        train : Design
            Rows to fit on.
        rng : numpy Generator
            Seeds the learner.
        balanced : bool, default=False
            Whether classes weigh the same.

        Returns
        -------
        callable
            From a `Design` to probabilities of shape (n_rows, n_classes), 0 for a class without
            training rows; to numbers of shape (n_rows,) in regression.
        """
        weight = "balanced" if balanced and self.n_classes else None
        seed = int(rng.integers(2**31))
        if self.n_classes and len(np.unique(train.y)) < 2:
            certain = np.isin(np.arange(self.n_classes), train.y).astype(float)
            return lambda rows: np.tile(certain, (len(rows), 1))
        known = ~np.isnan(train.trees).all(axis=0)
        cuts = _cuts(train) if weight and learner == LEARNERS[0] else {}

        def inputs(rows: Design) -> Floats:
            if learner != LEARNERS[0]:
                return rows.linear
            trees = np.where(known, rows.trees, 0.0)
            for j, points in cuts.items():
                codes = np.searchsorted(points, trees[:, j])
                trees[:, j] = np.where(np.isnan(trees[:, j]), np.nan, codes)
            return trees

        if learner == "linear":
            model = _linear(self.n_classes, train.linear.shape[1], weight)
        elif learner == LEARNERS[0]:
            model = self._boosted(train.categorical, weight, seed)
        else:
            model = _seeded(clone(learner), seed)
        with warnings.catch_warnings(), one_thread():
            # separable classes do not converge, and their ranking is fine all the same
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            model.fit(inputs(train), train.y)
        return lambda rows: _outcome(model, inputs(rows), self.n_classes)

    def _boosted(self, categorical: NDArray[np.bool_], weight: str | None, seed: int) -> Any:
        common = {
            "max_iter": self.n_trees,
            "min_samples_leaf": self.leaf,
            "max_leaf_nodes": 15,
            "early_stopping": False,
            "categorical_features": categorical if categorical.any() else None,
            "random_state": seed,
        }
        if not self.n_classes:
            return HistGradientBoostingRegressor(**common)
        return HistGradientBoostingClassifier(class_weight=weight, **common)

    def predict(self, train: Design, test: Design, rng: np.random.Generator) -> dict[str, Floats]:
        """Predict rows by each learner, fitted on others; see `fit` for the shapes."""
        if len(train):
            return {name: self.fit(name, train, rng)(test) for name in self.learners}
        shape = (len(test), self.n_classes) if self.n_classes else (len(test),)
        return dict.fromkeys(
            self.learners, np.full(shape, 1 / self.n_classes if shape[1:] else 0.0)
        )


def _cuts(train: Design) -> dict[int, Floats]:
    """Return where to cut each number of many values into the bins that boosted trees have.

    Where rows weigh differently scikit-learn takes each weighted quantile by itself, which costs
    four fifths of a fit with few rows.
    """
    levels = np.linspace(0, 1, _N_BINS + 1)[1:-1]
    cuts = {}
    for j in np.flatnonzero(~train.categorical).tolist():
        values = train.trees[:, j]
        values = values[~np.isnan(values)]
        if len(np.unique(values)) > _N_BINS:
            cuts[j] = np.unique(np.quantile(values, levels))
    return cuts


def leaf_size(n_rows: int) -> int:
    """Return the least rows in a leaf of a boosted tree: a twentieth of all, from 3 to 20."""
    return max(3, min(20, n_rows // 20))


def _is_categorical(feature: Feature) -> bool:
    return feature.levels is not None and 2 < len(feature.levels) <= _MAX_CATEGORIES


def _seeded(model: Any, seed: int) -> Any:
    """Seed an estimator that takes a seed and has none."""
    parameters = model.get_params()
    if "random_state" in parameters and parameters["random_state"] is None:
        model.set_params(random_state=seed)
    return model


def fit(
    learner: Any, train: Design, n_classes: int, rng: np.random.Generator
) -> Callable[[Design], Floats]:
    """Fit a learner of `n_classes` classes, or of numbers where 0, as `Task.fit` does."""
    return Task(n_classes, 0, 20).fit(learner, train, rng)


def _outcome(model: Any, inputs: Floats, n_classes: int) -> Floats:
    with one_thread():
        if not n_classes:
            return np.asarray(model.predict(inputs), dtype=float)
        probabilities = np.zeros((len(inputs), n_classes))
        probabilities[:, model.classes_.astype(int)] = model.predict_proba(inputs)
        return probabilities


def _linear(n_classes: int, n_columns: int, weight: str | None) -> Any:
    if not n_classes:
        return Ridge(alpha=1.0)
    solver = "newton-cholesky" if n_columns * n_classes <= 150 else "lbfgs"
    return LogisticRegression(C=1.0, solver=solver, max_iter=200, class_weight=weight)
