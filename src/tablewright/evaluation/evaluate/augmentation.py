"""Whether adding the generated rows helps a model: arms, controls, verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.evaluation.evaluate.baselines import default_controls
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.learners import Task
from tablewright.metrics.scores import Score
from tablewright.metrics.trials import Trials, run_trials
from tablewright.metrics.utility import (
    Maker,
    control_arms,
    main_arms,
    task_of,
    usable,
    utility_scores,
)
from tablewright.metrics.verdict import Verdict, Word, judge

__all__ = ["Usefulness", "arm_table", "choose_measure", "judge_usefulness"]

MIN_SUBGROUP = 20


@dataclass(frozen=True)
class Usefulness:
    """The verdict and what it rests on."""

    verdict: Verdict
    scores: list[Score] = field(default_factory=list)
    arms: list[dict[str, Any]] = field(default_factory=list)
    subgroups: list[dict[str, Any]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    @classmethod
    def unknown(cls, reason: str) -> Usefulness:
        """Return no evidence, and why."""
        return cls(Verdict(Word.NO_EVIDENCE, f"no evidence: {reason}"))


def judge_usefulness(
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows,
    rng: np.random.Generator,
    *,
    measure: str | None,
    subgroups: str | None,
    n_halves: int,
    n_trees: int,
    max_rows: int,
    makers: Mapping[str, Maker] | None,
    more: EncodedRows | None,
    groups: NDArray[np.str_] | None,
) -> Usefulness:
    """Run the arms and judge them; see `tablewright.evaluation.evaluate.evaluate` for the options.

    Parameters
    ----------
    makers : mapping or None
        None runs the main arms alone; else SMOTE-NC and these are controls.
    max_rows : int
        Training rows, and generated rows, that are learned from at most.
    """
    task = task_of(real, n_trees)
    if isinstance(task, str):
        return Usefulness.unknown(task)
    asked = usable(holdout)
    kept = {"training": real.take(usable(real)), "synthetic": synthetic.take(usable(synthetic))}
    for name, rows in {**kept, "holdout": holdout.take(asked)}.items():
        if not len(rows):
            return Usefulness.unknown(f"no {name} row has a known value of the target")
    cut = {name: rows.cut(max_rows, rng) for name, rows in kept.items()}
    pools = {"synthetic": cut["synthetic"]}
    if more is not None and usable(more).any():
        pools["more real rows"] = more.take(usable(more))
    arms = main_arms()
    if makers is not None:
        controls = {**default_controls(cut["training"], rng), **makers}
        arms |= control_arms(controls, "more real rows" in pools)
    trials = run_trials(
        arms,
        cut["training"],
        pools,
        holdout.take(asked),
        task,
        rng,
        n_halves=n_halves,
        groups=None if groups is None else groups[asked],
    )
    chosen = choose_measure(measure, trials, task)
    return Usefulness(
        judge(trials, chosen),
        utility_scores(trials, len(cut["synthetic"])),
        arm_table(trials),
        _subgroups(trials, holdout.take(asked), chosen, subgroups),
        [
            _cut_notice(name, len(kept[name]), max_rows)
            for name in kept
            if len(kept[name]) > max_rows
        ],
    )


def _cut_notice(name: str, n_rows: int, max_rows: int) -> str:
    return f"models learned from {max_rows:,} of {n_rows:,} {name} rows, drawn at random"


def choose_measure(measure: str | None, trials: Trials, task: Task) -> str:
    """Return the measure asked for, or macro-F1 for classes and R2 for numbers.

    Raises
    ------
    InputError
        If the task has no such measure.
    """
    if measure is None:
        return "macro_f1" if task.n_classes else "r2"
    if measure not in trials.measures:
        raise InputError(f"no measure {measure!r} here; there are {', '.join(trials.measures)}")
    return measure


def arm_table(trials: Trials) -> list[dict[str, Any]]:
    """One row per arm: its measures, and the gain over real rows alone with an interval."""
    table = []
    for arm in trials.arms:
        values, gains = {}, {}
        for measure in trials.measures:
            value = trials.value(arm, measure)
            values[measure] = None if np.isnan(value) else value
            found = trials.difference(arm, "real", measure) if arm != "real" else None
            gains[measure] = None if found is None else [found.value, *found.interval]
        table.append({"arm": arm, "values": values, "gains": gains})
    return table


def _subgroups(
    trials: Trials, holdout: EncodedRows, measure: str, column: str | None
) -> list[dict[str, Any]]:
    """Measure of the main arms within each bin or level of a column, or recall by class."""
    if column is None and not trials.task.n_classes:
        return []
    target = holdout.encoder.target
    names = [feature.name for feature in holdout.features]
    if column is not None and column not in names:
        raise InputError(f"subgroups: no column {column!r} among {', '.join(names)}")
    place = names.index(column) if column is not None else target
    assert place is not None
    # Within one class only the share that is found can be measured.
    used = "balanced_accuracy" if place == target else measure
    bins = holdout.binned[:, place]
    table = []
    for code in np.unique(bins):
        asked = np.flatnonzero(bins == code)
        if len(asked) < MIN_SUBGROUP and place != target:
            continue
        values = {arm: _known(trials.among(asked, arm, used)) for arm in _shown(trials.arms)}
        label = _bin_label(holdout, place, int(code))
        table.append({"column": names[place], "value": label, "rows": len(asked), "arms": values})
    return table


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _shown(arms: Sequence[str]) -> list[str]:
    return [arm for arm in arms if arm in ("real", "synthetic", "augmented", "resampled")]


def _bin_label(rows: EncodedRows, place: int, code: int) -> str:
    feature = rows.features[place]
    if code == feature.n_bins - 1:
        return "(missing)"
    if feature.levels is not None:
        return feature.levels[code] if code < len(feature.levels) else "(not in training)"
    edges = [feature.low, *feature.edges, feature.high]
    return f"{edges[code]:.4g} to {edges[code + 1]:.4g}"
