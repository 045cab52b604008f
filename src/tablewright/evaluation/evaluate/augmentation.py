"""Whether adding the generated rows helps a model: arms, controls, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.evaluation.evaluate.baselines import default_controls
from tablewright.evaluation.evaluate.prediction_data import prediction_data
from tablewright.evaluation.evaluate.tables import Effort, Tables
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.learners import Task
from tablewright.metrics.outcomes import choose_measure
from tablewright.metrics.scores import Score, label
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

MIN_SUBGROUP = 20
MIN_HOLDOUT = 10


@dataclass(frozen=True)
class Augmentation:
    """The verdict and what it rests on."""

    verdict: Verdict
    scores: list[Score] = field(default_factory=list)
    arms: list[dict[str, Any]] = field(default_factory=list)
    subgroups: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    predictions: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def unknown(cls, reason: str) -> Augmentation:
        """Return no evidence, and why."""
        return cls(Verdict(Word.NO_EVIDENCE, f"no evidence: {reason}"))


def measure_augmentation(
    tables: Tables,
    effort: Effort,
    rng: np.random.Generator,
    *,
    measure: str | None = None,
    subgroups: str | None = None,
    makers: Mapping[str, Maker] | None = None,
) -> Augmentation:
    """Run the arms and judge them; see `evaluate` for the options.

    Parameters
    ----------
    makers : mapping or None, default=None
        Controls beside SMOTE-NC, where the effort runs controls.
    """
    task = task_of(tables.real, effort.n_trees)
    if isinstance(task, str):
        return Augmentation.unknown(task)
    known = {"training": tables.real, "synthetic": tables.synthetic, "holdout": tables.holdout}
    known = {name: rows.take(usable(rows)) for name, rows in known.items()}
    if reason := _unjudgeable(known, task):
        return Augmentation.unknown(reason)
    groups = None if tables.groups is None else tables.groups[usable(tables.holdout)]
    n_held = len(known["holdout"])
    holdout, groups = _judged(known.pop("holdout"), groups, effort.test_rows, rng)
    cut = {name: rows.cut(effort.learn_rows, rng) for name, rows in known.items()}
    pools = {"synthetic": cut["synthetic"]}
    if tables.more is not None and usable(tables.more).any():
        pools["more real rows"] = tables.more.take(usable(tables.more))
    arms = main_arms()
    if effort.controls:
        controls = {**default_controls(cut["training"], rng), **(makers or {})}
        arms |= control_arms(controls, "more real rows" in pools)
    trials = run_trials(
        arms, cut["training"], pools, holdout, task, rng, n_halves=effort.n_halves, groups=groups
    )
    chosen = choose_measure(measure, bool(task.n_classes))
    cuts = [
        f"models learned from {effort.learn_rows:,} of {len(rows):,} {name} rows, drawn at random"
        for name, rows in known.items()
        if len(rows) > effort.learn_rows
    ]
    if n_held > len(holdout):
        cuts.append(
            f"models judged on {len(holdout):,} of {n_held:,} holdout rows, drawn at random"
        )
    return Augmentation(
        judge(trials, chosen),
        utility_scores(trials, len(cut["synthetic"])),
        arm_table(trials),
        _subgroups(trials, holdout, chosen, subgroups),
        [*_without_rows(trials, chosen), *cuts],
        prediction_data(trials, holdout, chosen),
    )


def _judged(
    holdout: EncodedRows, groups: NDArray[np.str_] | None, n_rows: int, rng: np.random.Generator
) -> tuple[EncodedRows, NDArray[np.str_] | None]:
    """Return at most so many holdout rows, and the groups of these."""
    if len(holdout) <= n_rows:
        return holdout, groups
    chosen = np.sort(rng.permutation(len(holdout))[:n_rows])
    return holdout.take(chosen), None if groups is None else groups[chosen]


def _without_rows(trials: Trials, measure: str) -> list[str]:
    """Name the treatments that need no rows and do as well as the generated ones."""
    result = []
    for arm in ("class weights", "threshold"):
        if arm not in trials.arms:
            continue
        own = trials.difference(arm, "real", measure)
        less = trials.difference("augmented", arm, measure)
        if own is not None and less is not None and own.interval[0] > 0 >= less.interval[0]:
            result.append(
                f"{arm} alone: {own.value:+.3f} in {label(measure)}, no worse than with generated "
                "rows, and none are needed"
            )
    return result


def _unjudgeable(known: Mapping[str, EncodedRows], task: Task) -> str:
    """Say why rows with known targets cannot be compared; empty where they can."""
    for name, rows in known.items():
        if not len(rows):
            return f"no {name} row has a known value of the target"
    holdout = known["holdout"]
    if len(holdout) < MIN_HOLDOUT:
        return (
            f"the holdout has {len(holdout)} rows with a known target, and a verdict needs "
            f"{MIN_HOLDOUT}: set more aside"
        )
    target = holdout.encoder.target
    assert target is not None
    values = np.unique(holdout.values[:, target])
    if len(values) < 2:
        feature = holdout.features[target]
        label = repr(feature.levels[int(values[0])]) if feature.levels else f"{values[0]:g}"
        return f"all holdout rows have the target {label}: a verdict needs two values"
    return ""


def arm_table(trials: Trials) -> list[dict[str, Any]]:
    """One row per arm: its measures, and the gain over real rows alone with an interval."""
    table = []
    for arm in trials.arms:
        values, gains = {}, {}
        for measure in trials.measures:
            values[measure] = _known(trials.value(arm, measure))
            result = trials.difference(arm, "real", measure) if arm != "real" else None
            gains[measure] = None if result is None else [result.value, *result.interval]
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
    index = names.index(column) if column is not None else target
    assert index is not None
    # Within one class only the share that is found can be measured.
    used = "balanced_accuracy" if index == target else measure
    bins = holdout.binned[:, index]
    table = []
    for code in np.unique(bins):
        asked = np.flatnonzero(bins == code)
        if len(asked) < MIN_SUBGROUP and index != target:
            continue
        values = {arm: _known(trials.among(asked, arm, used)) for arm in main_arms()}
        label = _bin_label(holdout, index, int(code))
        table.append({"column": names[index], "value": label, "rows": len(asked), "arms": values})
    return table


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def _bin_label(rows: EncodedRows, index: int, code: int) -> str:
    feature = rows.features[index]
    if code == feature.n_bins - 1:
        return "(missing)"
    if feature.levels is not None:
        return feature.levels[code] if code < len(feature.levels) else "(not in training)"
    edges = [feature.low, *feature.edges, feature.high]
    return f"{edges[code]:.4g} to {edges[code + 1]:.4g}"
