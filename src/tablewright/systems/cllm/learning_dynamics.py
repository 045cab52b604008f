"""Curation by learning dynamics: rows whose label a model of the real rows steadily denies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier

from tablewright.errors import InputError
from tablewright.generators.boosted import import_xgboost
from tablewright.metrics.crossfit import out_of_fold, stratified_folds
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.learners import Design
from tablewright.metrics.outcomes import classification
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.selection.feature_space import RealRows
from tablewright.synthesizer.parameters import OneOf, Whole, check_parameters
from tablewright.threads import one_thread

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "published": {
        "uncertainty": "published",
        "n_checkpoints": 99,
        "unseen": "drop",
        "max_removed": 1.0,
        "min_auc": None,
    },
    "guarded": {},
}
"""Settings as in the paper, and as we found them to be better."""


@dataclass
class LearningDynamics:
    """Drop rows whose label is confidently and steadily denied while a model learns.

    Boosted trees are fitted on the real rows; every prefix of the trees is a checkpoint. A row
    whose own label has a low mean probability over the checkpoints, with little uncertainty, is
    hard and dropped; easy and ambiguous rows stay. The guarded settings guard against a model
    that knows nothing: it abstains unless it beats chance out of fold, and never drops more
    than a set share.

    Parameters
    ----------
    confidence : float, default=0.2
        A hard row has at most this mean probability (t_c of the paper).
    uncertainty : float or "published", default=0.2
        A hard row has at most this mean of P(1 - P) over the checkpoints (t_al): a number, or 0.75
        of the spread over the rows judged. A number judges a row whatever the others are; as
        P(1 - P) is at most c(1 - c) for a mean c of P, 0.2 leaves it to the confidence alone.
    n_checkpoints : int, default=100
        Trees, and as many prefixes.
    unseen : {"keep", "drop"}, default="keep"
        What happens to a class that no real row has: the model cannot know it.
    max_removed : float, default=0.3
        Largest share of the rows judged that is dropped, the least confident ones.
    min_auc : float or None, default=0.6
        Out-of-fold AUC on the real rows below which nothing is dropped; None never abstains.
    trees : {"scikit-learn", "xgboost"}, default="scikit-learn"
        Whose boosted trees; XGBoost's, as in the paper, need the extra ``xgboost``.

    Attributes
    ----------
    auc_ : float
        Out-of-fold macro AUC of the model on the real rows; NaN where it was not asked for.

    Raises
    ------
    InputError
        If an option is out of its range.

    References
    ----------
    Seedat, Huynh, van Breugel, van der Schaar: Curated LLM, ICML 2024, section 3.2; the
    dynamics are those of Data-IQ (Seedat, Crabbé, Bica, van der Schaar, NeurIPS 2022).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": np.r_[rng.normal(-3, 1, 40), rng.normal(3, 1, 40)],
    ...                      "y": ["a"] * 40 + ["b"] * 40})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> check = LearningDynamics().fit(real, schema, rng)
    >>> rows = pl.DataFrame({"x": [-3.0, -2.5, 3.0, 2.5], "y": ["a", "a", "b", "a"]})
    >>> check.judge(rows, rng).keep.tolist()
    [True, True, True, False]
    """

    name: ClassVar[str] = "learning dynamics"

    confidence: float = 0.2
    uncertainty: float | Literal["published"] = 0.2
    _: KW_ONLY
    n_checkpoints: int = 100
    unseen: Literal["keep", "drop"] = "keep"
    max_removed: float = 0.3
    min_auc: float | None = 0.6
    trees: Literal["scikit-learn", "xgboost"] = "scikit-learn"

    def __post_init__(self) -> None:
        check_parameters(self, {
            "unseen": OneOf("keep", "drop"), "n_checkpoints": Whole(),
            "trees": OneOf("scikit-learn", "xgboost"),
        })  # fmt: skip
        for name, also in (("confidence", ""), ("max_removed", ""), ("uncertainty", "published")):
            value = getattr(self, name)
            if value != also and (isinstance(value, str) or not 0 <= value <= 1):
                either = f" or is {also!r}" if also else ""
                raise InputError(f"{name} lies between 0 and 1{either}, not {value!r}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> Self:
        """Make it with the settings of a preset, ``"published"`` or ``"guarded"``.

        Raises
        ------
        InputError
            If there is no such preset.
        """
        if name not in PRESETS:
            raise InputError(f"presets of the curation are {', '.join(PRESETS)}, not {name!r}")
        return cls(**{**PRESETS[name], **changes})

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Fit the boosted trees on typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.real_rows_ = RealRows.fit(train, schema)
        if self.real_rows_.target is None:
            raise InputError("curation judges labels: name the target")
        real = self.real_rows_.design(self.real_rows_.real)
        self.edges_ = self._edges(real.y)
        self.auc_, self.model_ = np.nan, None
        y = self._classes(real.y)
        if len(np.unique(y)) > 1:
            seed = int(rng.integers(2**31))
            if self.min_auc is not None:
                self.auc_ = self._own_auc(real, y, rng, seed)
            self.model_ = self._boosted(real, y, seed)
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the confidence in the row's own label, 0 to 1."""
        result = self.dynamics(rows)
        score = result["confidence"].fill_null(np.nan).to_numpy()
        if note := self._abstains():
            return Judgement.all_pass(rows.height, note, score=score)
        dropped = _at_most((result["group"] == "hard").to_numpy(), score, self.max_removed)
        lost = (result["group"] == "unseen").to_numpy() & (self.unseen == "drop")
        reasons = [
            f"no real row has the class {label}"
            if removed
            else f"the model of the real rows gives its label {p:.2f}"
            for label, removed, p in zip(result["label"], lost, score, strict=True)
        ]
        return Judgement.of(~(dropped | lost), reasons, score)

    def dynamics(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return what the checkpoints say of typed rows.

        Returns
        -------
        DataFrame
            Columns ``label``, ``confidence``, ``aleatoric``, ``epistemic``, ``correctness``
            (share of checkpoints that give the label more than one half), and ``group``:
            "easy", "ambiguous", "hard", or "unseen" where no real row has the class.
        """
        placed = self.real_rows_.rows(rows)
        paths = self._own_label(placed)
        known: Mask = np.asarray(~np.isnan(paths).any(axis=0))
        measured = {
            "confidence": paths.mean(axis=0),
            "aleatoric": (paths * (1 - paths)).mean(axis=0),
            "epistemic": paths.std(axis=0),
            "correctness": (paths > 0.5).mean(axis=0),
        }
        hard, easy = self._groups(measured["confidence"], measured["aleatoric"], known)
        group = np.select([~known, hard, easy], ["unseen", "hard", "easy"], "ambiguous")
        label = rows[str(self.real_rows_.encoder.schema.target)].cast(pl.String)
        return pl.DataFrame({"label": label, **measured, "group": group}).with_columns(
            pl.col(*measured).fill_nan(None)
        )

    def _groups(self, confidence: Floats, spread: Floats, known: Mask) -> tuple[Mask, Mask]:
        """Mark hard and easy rows; borders belong to them."""
        limit = self.uncertainty
        if limit == "published":
            limit = 0.75 * float(np.ptp(spread[known])) if known.any() else 0.0
        steady = known & (spread <= limit)
        return steady & (confidence <= self.confidence), steady & (
            confidence >= 1 - self.confidence
        )

    def _own_label(self, rows: EncodedRows) -> Floats:
        """Probability of each row's own label at each checkpoint; NaN where it has no sense."""
        design = self.real_rows_.design(rows)
        y = self._classes(design.y)
        paths = np.full((self.n_checkpoints, len(rows)), np.nan)
        if self.model_ is None or not len(rows):
            return paths
        index = {label: k for k, label in enumerate(self.model_.classes_)}
        column = np.array([index.get(label, -1) for label in y])
        known = np.flatnonzero(column >= 0)
        if len(known):
            with one_thread():
                stages = self.model_.staged_predict_proba(design.trees[known])
                for k, probabilities in enumerate(stages):
                    paths[k, known] = probabilities[np.arange(len(known)), column[known]]
        return paths

    def _edges(self, y: Floats) -> Floats | None:
        if self.real_rows_.classifies:
            return None
        n_bins = int(np.clip(len(y) // 20, 2, 5))
        return np.unique(np.quantile(y, np.linspace(0, 1, n_bins + 1)[1:-1]))

    def _classes(self, y: Floats) -> Floats:
        """Return codes of classes: as they are, or of the bins of a number."""
        if self.edges_ is None:
            return y
        return np.where(np.isnan(y), np.nan, np.searchsorted(self.edges_, y, "right"))

    def _own_auc(self, real: Design, y: Floats, rng: np.random.Generator, seed: int) -> float:
        folds = stratified_folds(y, 5, rng, real.row_keys)

        def predict(train: Mask, test: Mask) -> Floats:
            model = self._boosted(real.take(train), y[train], seed)
            result = np.zeros((int(test.sum()), int(y.max()) + 1))
            with one_thread():
                result[:, model.classes_.astype(int)] = model.predict_proba(real.trees[test])
            return result

        result = out_of_fold(folds, predict)
        return classification(y.astype(np.int64), result, 0)["auroc"]

    def _boosted(self, real: Design, y: Floats, seed: int) -> Any:
        kind = _Xgboost if self.trees == "xgboost" else _hist
        with one_thread():
            return kind(real, self.n_checkpoints, seed).fit(real.trees, y)

    def _abstains(self) -> str:
        if self.model_ is None:
            return "learning dynamics: nothing was judged, since real rows have one class only"
        if self.min_auc is not None and not self.auc_ >= self.min_auc:
            return (
                f"learning dynamics: nothing was dropped, since the model of the real rows is "
                f"right out of fold with AUC {self.auc_:.2f} only (needs {self.min_auc:.2f})"
            )
        return ""


def _hist(real: Design, n_trees: int, seed: int) -> Any:
    """Make scikit-learn's trees with the settings of XGBoost."""
    return HistGradientBoostingClassifier(
        max_iter=n_trees,
        learning_rate=0.3,
        max_depth=6,
        min_samples_leaf=1,
        l2_regularization=1.0,
        early_stopping=False,
        categorical_features=real.categorical if real.categorical.any() else None,
        random_state=seed,
    )


class _Xgboost:
    """XGBoost's classifier with its own settings, with prefixes of its trees and any classes."""

    def __init__(self, real: Design, n_trees: int, seed: int) -> None:
        self.model = import_xgboost().XGBClassifier(
            n_estimators=n_trees, random_state=seed, n_jobs=1, enable_categorical=True,
            feature_types=["c" if listed else "q" for listed in real.categorical],
        )  # fmt: skip
        self.n_trees = n_trees

    def fit(self, x: Floats, y: Floats) -> Self:
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.model.fit(x, codes)
        return self

    def predict_proba(self, x: Floats) -> Floats:
        return np.asarray(self.model.predict_proba(x), dtype=np.float64)

    def staged_predict_proba(self, x: Floats) -> Iterator[Floats]:
        for k in range(1, self.n_trees + 1):
            found = self.model.predict_proba(x, iteration_range=(0, k))
            yield np.asarray(found, dtype=np.float64)


def _at_most(hard: Mask, confidence: Floats, share: float) -> Mask:
    """Keep the mark on the least confident rows, if there are more than a share of all."""
    allowed = int(share * len(hard))
    marked = np.flatnonzero(hard)
    if len(marked) <= allowed:
        return hard
    kept = np.zeros(len(hard), dtype=bool)
    kept[marked[np.argsort(confidence[marked], kind="stable")[:allowed]]] = True
    return kept
