"""Whether generated rows help a model that is then asked about real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.learners import LEARNERS, Design, Task, leaf_size
from tablewright.metrics.outcomes import BOUNDS, DIRECTIONS
from tablewright.metrics.scores import Score, label
from tablewright.metrics.trials import Arm, Draw, Trials

Maker = Callable[[EncodedRows, Mapping[int, int], np.random.Generator], EncodedRows]
"""A control that makes rows: training rows, rows wanted per class, chance."""


def usable(rows: EncodedRows) -> NDArray[np.bool_]:
    """Mark rows whose outcome is known, and not a class that no training row has."""
    target = rows.encoder.target
    assert target is not None
    y, feature = rows.values[:, target], rows.features[target]
    unseen = y >= len(feature.levels) if feature.levels is not None else np.zeros(len(y), bool)
    return np.asarray(~np.isnan(y) & ~unseen)


def task_of(train: EncodedRows, n_trees: int = 100) -> Task | str:
    """Return what is predicted, or a sentence why nothing can be."""
    target = train.encoder.target
    if target is None:
        return "no target was named"
    feature, y = train.features[target], train.values[:, target]
    y = y[~np.isnan(y)]
    leaf = leaf_size(len(y))
    if len(np.unique(y)) < 2:
        return f"the target {feature.name!r} has one value in the training rows"
    if feature.levels is None:
        return Task(0, 0, leaf, n_trees)
    counts = np.bincount(y.astype(np.int64), minlength=len(feature.levels))
    return Task(len(counts), int(np.argmin(counts)), leaf, n_trees)


def main_arms() -> dict[str, Arm]:
    """Real rows, generated rows, both, and the copies that every gain is held against."""
    return {
        "real": Arm(lambda draw, rng: draw.train, fixed=True),
        "synthetic": Arm(_synthetic_alone),
        "real at synthetic size": Arm(_real_at_size),
        "augmented": Arm(lambda draw, rng: draw.train.join(draw.synthetic)),
        "resampled": Arm(_resampled),
    }


def control_arms(makers: Mapping[str, Maker], more: bool = False) -> dict[str, Arm]:
    """Cheaper means to the same end.

    Parameters
    ----------
    makers : mapping of name to Maker
        Methods that make rows of training rows, such as SMOTE-NC.
    more : bool, default=False
        Whether the draws have a pool ``"more real rows"``.
    """
    arms = {
        "copies": Arm(_copies),
        "class weights": Arm(lambda draw, rng: draw.train, "class weights", fixed=True),
        "threshold": Arm(lambda draw, rng: draw.train, "threshold", fixed=True),
    }
    arms |= {name: Arm(_made(maker)) for name, maker in makers.items()}
    if more:
        arms["more real rows"] = Arm(_more)
    return arms


def _more(draw: Draw, rng: np.random.Generator) -> Design:
    """As many more real rows as there are generated ones, or as many as there are."""
    rows = draw.pools["more real rows"]
    return draw.train.join(rows.take(rng.permutation(len(rows))[: len(draw.synthetic)]))


def _synthetic_alone(draw: Draw, rng: np.random.Generator) -> Design:
    return draw.synthetic.take(rng.permutation(len(draw.synthetic))[: len(draw.train)])


def _real_at_size(draw: Draw, rng: np.random.Generator) -> Design:
    return draw.train.take(rng.permutation(len(draw.train))[: len(draw.synthetic)])


def _copies(draw: Draw, rng: np.random.Generator) -> Design:
    indices = rng.integers(len(draw.train), size=len(draw.synthetic))
    return draw.train.join(draw.train.take(indices))


def _resampled(draw: Draw, rng: np.random.Generator) -> Design:
    """Training rows and copies of them in the class mix of the generated rows."""
    if draw.rows.features[draw.rows.encoder.target or 0].levels is None:
        return _copies(draw, rng)
    indices = []
    for code, count in _mix(draw.synthetic).items():
        own = np.flatnonzero(draw.train.y == code)
        indices.append(rng.choice(own if len(own) else np.arange(len(draw.train)), size=count))
    return draw.train.join(draw.train.take(np.concatenate(indices))) if indices else draw.train


def _mix(rows: Design) -> dict[int, int]:
    labels, counts = np.unique(rows.y, return_counts=True)
    return {int(label): int(count) for label, count in zip(labels, counts, strict=True)}


def _made(maker: Maker) -> Callable[[Draw, np.random.Generator], Design]:
    def build(draw: Draw, rng: np.random.Generator) -> Design:
        return draw.train.join(Design.of(maker(draw.rows, _mix(draw.synthetic), rng)))

    return build


def utility_scores(trials: Trials, rows: int) -> list[Score]:
    """Return what models learned from generated rows reach, beside those from real rows.

    One score per measure: trained on generated rows (TSTR), with real rows of the same number
    (TRTR) and all real rows as references. The mean over learners; each learner in the details.
    """
    return [_tstr(trials, measure, rows) for measure in trials.measures]


def _tstr(trials: Trials, measure: str, rows: int) -> Score:
    name, direction = f"tstr_{measure}", DIRECTIONS[measure]
    meaning = f"{label(measure)} on real holdout rows of models trained on generated rows alone"
    value = trials.value("synthetic", measure)
    if np.isnan(value):
        reason = "the holdout does not hold the classes that it needs"
        return Score.undefined(name, direction, reason, meaning, rows)
    reference = {
        "real": trials.value("real at synthetic size", measure),
        "all real": trials.value("real", measure),
    }
    learners = {name: trials.value("synthetic", measure, name) for name in LEARNERS}
    interval = trials.interval("synthetic", measure)
    score = Score(
        name, value, direction, meaning, interval, reference, None, "", rows, {"learners": learners}
    )
    return score.within(*BOUNDS.get(measure, (0.0, 1.0)))
