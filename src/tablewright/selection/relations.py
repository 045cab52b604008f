"""Cells that do not go with the others of their row: each in its range, and together not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.selection.feature_space import RealRows, normal_scores
from tablewright.selection.mixture import Mixture
from tablewright.threads import one_thread

MIN_ROWS, MIN_ROWS_ALONE = 40, 20
"""Real rows below which nothing goes: where pools are judged too, and where rows are alone."""

_MAX_ROWS, _MAX_COLUMNS = 2000, 40
_N_TREES = 60
_TAIL = 0.99
_MIN_SPREAD = 0.15
"""Minimum conditional spread, in standard deviations: no forest predicts a cell exactly."""

Of = Literal["all", "features", "target"]


class Relations:
    """Drop rows with a cell that the other cells of the row make implausible.

    Forests of the real rows predict every column from all others: numbers as ranks (normal
    scores) with their conditional spread, categories by probability. The score of a cell is its
    error over the spread, or minus the log of its probability, in units of what one real cell in
    a hundred exceeds; that of a row its largest. A row goes where its score is beyond `factor`
    times the one that one real row in a hundred exceeds, each predicted by trees that did not
    see it.

    Noise passes that limit too where columns depend little on each other. So the pool is taken as
    a mixture of real rows and of real rows with shuffled columns (`Mixture`), and rows go that
    are likelier to be of the second kind.

    With `false_alarms` each row is judged alone, whatever pool it came with: it goes beyond the
    score that this share of the real rows exceeds, of those that repeat no other, and this share
    of its class, so that no class is lost that is hard to predict.

    Parameters
    ----------
    factor : float, default=1.1
        At least 1; larger lets more rows pass.
    false_alarms : float or None, default=None
        Share of sound rows that may go, above 0 and below 1; None judges as above.
    of : {"all", "features", "target"}, default="all"
        Which cells are judged. Where it is not all, the target is predicted from the features and
        predicts none of them, so that a wrong label is no fault of a feature.

    Attributes
    ----------
    limit_ : float
        Score beyond which a row goes; infinite below 40 real rows (20 with `false_alarms`), where
        nothing goes.
    limits_ : ndarray of float
        With `false_alarms` those of each class, none of them below `limit_`.
    false_alarms_ : float
        Share of the real rows beyond it, out of bag.
    sound_ : float
        Share of sound rows in the last pool, 0 to 1: the upper end of a 90 % interval.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(0, 1, 200)
    >>> real = pl.DataFrame({"x": x, "z": x + rng.normal(0, 0.1, 200)})
    >>> schema = Schema.build({"x": "continuous", "z": "continuous"})
    >>> rows = pl.DataFrame({"x": [-1.0, 1.0], "z": [-1.0, -1.0]})
    >>> Relations().fit(real, schema, rng).judge(rows, rng).keep.tolist()
    [True, False]
    """

    name = "relations"

    def __init__(
        self, factor: float = 1.1, *, of: Of = "all", false_alarms: float | None = None
    ) -> None:
        if not factor >= 1:
            raise InputError(f"factor is at least 1, not {factor!r}")
        if false_alarms is not None and not 0 < false_alarms < 1:
            raise InputError(f"false_alarms is above 0 and below 1, not {false_alarms!r}")
        if of not in get_args(Of):
            raise InputError(f"of is 'all', 'features' or 'target', not {of!r}")
        self.factor, self.false_alarms = factor, false_alarms
        self.of = of

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn what each column is like given the others from typed real rows."""
        self.real_rows_ = RealRows.fit(train, schema)
        real = self.real_rows_.real.cut(_MAX_ROWS, rng)
        self.columns_: list[_Column] = []
        self.limit_, self.limits_, self.false_alarms_ = np.inf, np.zeros(0), 0.0
        n_min = MIN_ROWS if self.false_alarms is None else MIN_ROWS_ALONE
        if len(real) < n_min or len(real.features) < 2:
            return self
        target = self.real_rows_.target
        aside = {target} if target is not None and self.of != "all" else set()
        with one_thread():
            self.columns_ = [
                column
                for j in self._judged(real)
                if (column := _Column.fit(real, j, aside, n_min, int(rng.integers(2**31))))
                is not None
            ]
        if self.columns_:
            own = np.array([column.own for column in self.columns_])
            self._set_limits(real, own.max(axis=0))
            if self.false_alarms is None:
                mixed = self._scores(real.shuffled(rng))
                self.mixture_ = Mixture.of(self._of_features(own), self._of_features(mixed))
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is that of the least plausible cell, 1 being unusual."""
        if not rows.height or not self.columns_:
            return Judgement.all_pass(rows.height)
        encoded = self.real_rows_.rows(rows)
        scores = self._scores(encoded)
        worst, score = scores.argmax(axis=0), scores.max(axis=0)
        names = [self.real_rows_.encoder.features[column.index].name for column in self.columns_]
        reasons = [
            f"{names[k]} does not go with the other cells ({value:.1f} times as unusual as one "
            "real cell in a hundred)"
            for k, value in zip(worst, score, strict=True)
        ]
        keep, notes = score <= self._limits_of(encoded), list[str]()
        if self.false_alarms is None:
            keep, reasons, notes = self._judge_pool(self._of_features(scores), keep, reasons)
        elif not keep.all():
            notes = [
                "rows whose cells do not go together as in real rows are rejected; so would "
                f"{self.false_alarms_:.0%} of the real rows be, by trees that have not seen them"
            ]
        return Judgement.of(keep, reasons, score, notes)

    def _judge_pool(
        self, features: Floats, keep: Mask, reasons: list[str]
    ) -> tuple[Mask, list[str], list[str]]:
        """Take out the rows that are likelier to be of those whose columns are shuffled."""
        self.sound_ = self.mixture_.sound_share(features)
        note = (
            f"in at most {self.sound_:.0%} of the candidates the cells go together as in real "
            "rows: the rows that are likelier to be of the others go"
        )
        doubtful = keep & (features > self.mixture_.limit(self.sound_))
        reasons = [note if out else why for out, why in zip(doubtful, reasons, strict=True)]
        return keep & ~doubtful, reasons, [note] if doubtful.any() else []

    def _set_limits(self, real: EncodedRows, scores: Floats) -> None:
        """Put the limits where the scores of real rows put them; count what they would reject."""
        if self.false_alarms is None:
            self.limit_ = self.factor * float(np.quantile(scores, 0.99, method="higher"))
        else:
            codes = self._classes_of(real)
            single = real.frame.is_unique().to_numpy()
            if single.sum() >= MIN_ROWS_ALONE:  # what repeats is easily predicted, and never fresh
                real, scores, codes = real.take(single), scores[single], codes[single]
            self.limit_ = _exceeded_by(self.false_alarms, scores)
            self.limits_ = np.array([
                max(self.limit_, _exceeded_by(self.false_alarms, scores[codes == code]))
                for code in range(self.real_rows_.seen)
            ])  # fmt: skip
        self.false_alarms_ = float((scores > self._limits_of(real)).mean())

    def _limits_of(self, rows: EncodedRows) -> Floats:
        """Return the limit of each row: that of its class, none where no real row is of it."""
        limits = np.full(len(rows), self.limit_)
        if len(self.limits_):
            codes = self._classes_of(rows)
            unseen = codes >= len(self.limits_)
            known = (codes >= 0) & ~unseen
            limits[known], limits[unseen] = self.limits_[codes[known]], np.inf
        return limits

    def _classes_of(self, rows: EncodedRows) -> NDArray[np.intp]:
        """Return the class of each row, -1 where it has none."""
        if not self.real_rows_.classifies or self.real_rows_.target is None:
            return np.full(len(rows), -1)
        codes = rows.values[:, self.real_rows_.target]
        return np.where(np.isnan(codes), -1, codes).astype(np.intp)

    def _judged(self, real: EncodedRows) -> list[int]:
        """Return the columns that are judged."""
        target = self.real_rows_.target
        varied = [j for j in range(len(real.features)) if len(np.unique(real.values[:, j])) > 1]
        wanted = {"all": varied, "features": [j for j in varied if j != target]}
        return wanted.get(self.of, [j for j in varied if j == target])[:_MAX_COLUMNS]

    def _scores(self, rows: EncodedRows) -> Floats:
        with one_thread():
            return np.array([column.score(rows) for column in self.columns_])

    def _of_features(self, scores: Floats) -> Floats:
        """Return the largest score of each row, the target left aside: its check is another."""
        features = [column.index != self.real_rows_.target for column in self.columns_]
        return np.asarray(scores[features].max(axis=0, initial=0.0))


@dataclass(frozen=True)
class _Column:
    """What one column is like given the others."""

    index: int
    inputs: list[int]
    knots: Floats
    """Known real values, ascending; empty for a discrete column."""
    models: tuple[Any, ...]
    unit: float
    own: Floats
    """Scores of the real rows, out of bag."""

    @classmethod
    def fit(
        cls, real: EncodedRows, index: int, aside: set[int], n_min: int, seed: int
    ) -> Self | None:
        values = real.values[:, index]
        columns = [j for j in range(len(real.features)) if j != index and j not in aside]
        known, inputs = ~np.isnan(values), real.values[:, columns]
        if known.sum() < n_min or not columns:
            return None
        options = {"n_estimators": _N_TREES, "oob_score": True, "random_state": seed, "n_jobs": 1}
        own = np.zeros(len(values))
        if real.features[index].levels is not None:
            model = RandomForestClassifier(min_samples_leaf=3, **options)
            model.fit(inputs[known], values[known])
            models: tuple[Any, ...] = (model,)
            knots = np.zeros(0)
            oob = np.nan_to_num(model.oob_decision_function_, nan=1.0)
            own[known] = _surprise(model.classes_, oob, values[known])
        else:
            knots = np.sort(values[known])
            ranks = normal_scores(values[known], knots)
            mean = RandomForestRegressor(min_samples_leaf=3, **options).fit(inputs[known], ranks)
            errors = np.abs(ranks - mean.oob_prediction_)
            spread = RandomForestRegressor(min_samples_leaf=5, **options)
            spread.fit(inputs[known], errors)
            models = (mean, spread)
            own[known] = errors / np.maximum(spread.oob_prediction_, _MIN_SPREAD)
        unit = float(np.quantile(own[known], _TAIL)) or 1.0
        own[known] /= _quantiles_of_others(own[known])
        return cls(index, columns, knots, models, unit, own)

    def score(self, rows: EncodedRows) -> Floats:
        """Score cells; 0 where one is missing."""
        values, inputs = rows.values[:, self.index], rows.values[:, self.inputs]
        known, score = ~np.isnan(values), np.zeros(len(values))
        if not known.any():
            return score
        inputs = inputs[known]
        if not len(self.knots):
            model = self.models[0]
            score[known] = _surprise(model.classes_, model.predict_proba(inputs), values[known])
        else:
            mean, spread = (model.predict(inputs) for model in self.models)
            errors = np.abs(normal_scores(values[known], self.knots) - mean)
            score[known] = errors / np.maximum(spread, _MIN_SPREAD)
        return score / self.unit


def _exceeded_by(share: float, scores: Floats) -> float:
    """Return the limit that a further score exceeds with this probability at most.

    The largest score where there are too few for less, and none where there are none.

    Examples
    --------
    >>> _exceeded_by(0.2, np.arange(1.0, 10.0)), _exceeded_by(0.2, np.array([3.0]))
    (8.0, 3.0)
    """
    if not len(scores):
        return np.inf
    rank = min(len(scores), int(np.ceil((1 - share) * (len(scores) + 1))))
    return float(np.sort(scores)[rank - 1])


def _quantiles_of_others(scores: Floats) -> Floats:
    """Return for each score the unit that the others give: new rows have no part in theirs.

    Examples
    --------
    >>> scores = np.array([3.0, 1.0, 9.0, 2.0])
    >>> bool(_quantiles_of_others(scores)[2] == np.quantile([3.0, 1.0, 2.0], 0.99))
    True
    """
    rank, ascending = scores.argsort().argsort(), np.sort(scores)
    position = (len(scores) - 2) * _TAIL
    below, above = int(np.floor(position)), int(np.ceil(position))
    low, high = (ascending[at + (rank <= at)] for at in (below, above))
    units = low + (position - below) * (high - low)
    return np.where(units > 0, units, 1.0)


def _surprise(classes: Floats, probabilities: Floats, values: Floats) -> Floats:
    """Minus the log of the probability of each value; 0 where no real row has it."""
    own = np.searchsorted(classes, values)
    seen = np.isin(values, classes)
    p = probabilities[np.arange(len(values)), np.where(seen, own, 0)]
    return np.where(seen, -np.log(np.maximum(p, 0.01)), 0.0)
