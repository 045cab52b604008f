"""Whether generated rows can be used, are faithful, and are safe."""

from __future__ import annotations

import time as clock
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright import __version__
from tablewright.errors import InputError
from tablewright.metrics import detection, fidelity, privacy
from tablewright.metrics.preparation import Preparation, Rows
from tablewright.metrics.scores import Score
from tablewright.metrics.trials import Task, Trials, run_trials
from tablewright.metrics.utility import (
    Maker,
    control_arms,
    main_arms,
    task_of,
    usable,
    utility_scores,
)
from tablewright.metrics.verdict import Verdict, Word, judge
from tablewright.outcome import Report
from tablewright.schema import Schema

__all__ = ["Effort", "evaluate"]


@dataclass(frozen=True)
class Effort:
    """How much work an evaluation does.

    Attributes
    ----------
    n_halves : int
        Random halves on which every arm is fitted again: the degrees of freedom of intervals.
    n_trees : int
        Rounds of boosting.
    max_rows : int
        Rows of each side of the detection test, and of learning.
    controls : bool
        Whether the arms beyond real, generated, both and resampled are run.
    """

    n_halves: int
    n_trees: int
    max_rows: int
    controls: bool


EFFORTS = {
    "quick": Effort(8, 40, 2000, False),
    "full": Effort(16, 100, 20_000, True),
}


def evaluate(
    train: pl.DataFrame,
    synthetic: pl.DataFrame,
    holdout: pl.DataFrame,
    schema: Schema,
    *,
    groups: str | None = None,
    measure: str | None = None,
    effort: Literal["quick", "full"] = "full",
    more_real: pl.DataFrame | None = None,
    controls: Mapping[str, Maker] | None = None,
    provenance: Mapping[str, Any] | None = None,
    random_state: int = 0,
) -> Report:
    """Judge generated rows against the real rows they were learned from and against others.

    Parameters
    ----------
    train : polars DataFrame
        The real rows that the generator saw.
    synthetic : polars DataFrame
        The rows it wrote.
    holdout : polars DataFrame
        Real rows that it did not see.
    schema : Schema
        Kinds of the columns; its target, if any, is what models are asked to predict.
    groups : str or None, default=None
        Column that names the group (patient, household) of a real row: intervals are made from
        whole groups. It is not judged itself.
    measure : str or None, default=None
        What the verdict is about; macro-F1 for classes and R2 for numbers by default.
    effort : {"quick", "full"}, default="full"
        Quick leaves out the controls beyond resampling and takes wider intervals.
    more_real : polars DataFrame or None, default=None
        Real rows beyond the training rows: what as many more of them would have brought.
    controls : mapping of str to Maker or None, default=None
        Other methods that make rows of training rows, run as further arms.
    provenance : mapping or None, default=None
        What made the rows; stands in the report as it is.
    random_state : int, default=0
        Seed of all chance.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If a table lacks a column or has no rows, or an option is unknown.
    """
    if effort not in EFFORTS:
        raise InputError(f"effort is 'quick' or 'full', not {effort!r}")
    started = clock.perf_counter()
    ruler = Preparation.fit(train, _without(schema, groups))
    tables = _Tables(
        ruler.rows(train, "training"), ruler.rows(synthetic), ruler.rows(holdout, "holdout")
    )
    _check(tables)
    settings = _Settings(
        EFFORTS[effort],
        measure,
        None if more_real is None else ruler.rows(more_real, "more_real"),
        controls or {},
        None if groups is None else (_groups(train, groups), _groups(holdout, groups)),
    )
    verdict, sections, arms = _judge(tables, settings, random_state)
    facts = {
        "rows": {"train": train.height, "synthetic": synthetic.height, "holdout": holdout.height},
        "columns": len(schema),
        "target": schema.target,
        "effort": effort,
        "random_state": random_state,
        "tablewright": __version__,
        "seconds": round(clock.perf_counter() - started, 2),
        "provenance": dict(provenance or {}),
    }
    return Report(verdict, sections, arms, facts, _notices(tables, groups, settings))


@dataclass(frozen=True)
class _Tables:
    real: Rows
    synthetic: Rows
    holdout: Rows


@dataclass(frozen=True)
class _Settings:
    effort: Effort
    measure: str | None
    more: Rows | None
    makers: Mapping[str, Maker]
    groups: tuple[NDArray[np.str_], NDArray[np.str_]] | None


ArmTable = list[dict[str, Any]]


def _judge(
    tables: _Tables, settings: _Settings, random_state: int
) -> tuple[Verdict, dict[str, list[Score]], ArmTable]:
    rngs = np.random.default_rng(random_state).spawn(3)
    verdict, utility, arms = _utility(tables, settings, rngs[0])
    sections = {
        "utility": utility,
        "fidelity": _fidelity(tables, settings.effort, rngs[1]),
        "privacy": _privacy(tables, rngs[2]),
    }
    return verdict, sections, arms


def _groups(frame: pl.DataFrame, name: str) -> NDArray[np.str_]:
    """Names of groups; a row without one is a group of its own."""
    own = pl.Series([f"row {i}" for i in range(frame.height)])
    return (
        frame[name].cast(pl.String).zip_with(frame[name].is_not_null(), own).to_numpy().astype(str)
    )


def _without(schema: Schema, groups: str | None) -> Schema:
    if groups is None:
        return schema
    schema[groups]
    columns = [column for column in schema.each() if column.name != groups]
    return schema.model_copy(update={"columns": columns})


def _check(tables: _Tables) -> None:
    for name, rows in (("synthetic", tables.synthetic), ("holdout", tables.holdout)):
        if not len(rows):
            raise InputError(f"the {name} table has no rows: there is nothing to judge")


def _fidelity(tables: _Tables, effort: Effort, rng: np.random.Generator) -> list[Score]:
    real, synthetic, holdout = (
        rows.cut(20_000, rng) for rows in (tables.real, tables.synthetic, tables.holdout)
    )
    measures = (
        fidelity.column_shapes,
        fidelity.association_difference,
        fidelity.contingency_similarity,
        fidelity.missing_difference,
        fidelity.range_adherence,
    )
    scores = [measure(real, synthetic, holdout, rng) for measure in measures]
    return scores + [
        detection.detection(real, synthetic, holdout, rng, learner, effort.max_rows)
        for learner in detection.NAMES
    ]


def _privacy(tables: _Tables, rng: np.random.Generator) -> list[Score]:
    measures = (
        privacy.exact_copies,
        privacy.near_copies,
        privacy.internal_duplicates,
        privacy.distance_share,
        privacy.membership_inference,
    )
    return [measure(tables.real, tables.synthetic, tables.holdout, rng) for measure in measures]


def _utility(
    tables: _Tables, settings: _Settings, rng: np.random.Generator
) -> tuple[Verdict, list[Score], ArmTable]:
    effort = settings.effort
    task = task_of(tables.real, effort.n_trees)
    if isinstance(task, str):
        return Verdict(Word.NO_EVIDENCE, f"no evidence: {task}"), [], []
    masks = [usable(rows) for rows in (tables.real, tables.synthetic, tables.holdout)]
    for name, mask in zip(("training", "synthetic", "holdout"), masks, strict=True):
        if not mask.any():
            sentence = f"no evidence: no {name} row has a known value of the target"
            return Verdict(Word.NO_EVIDENCE, sentence), [], []
    pools = {"synthetic": tables.synthetic.take(masks[1])}
    if settings.more is not None and usable(settings.more).any():
        pools["more real rows"] = settings.more.take(usable(settings.more))
    arms = main_arms()
    if effort.controls:
        arms |= control_arms(settings.makers, "more real rows" in pools)
    groups = settings.groups
    trials = run_trials(
        arms,
        tables.real.take(masks[0]),
        pools,
        tables.holdout.take(masks[2]),
        task,
        rng,
        n_halves=effort.n_halves,
        groups=None if groups is None else groups[1][masks[2]],
    )
    verdict = judge(trials, _measure(settings.measure, trials, task))
    return verdict, utility_scores(trials, int(masks[1].sum())), _arm_table(trials)


def _measure(measure: str | None, trials: Trials, task: Task) -> str:
    if measure is None:
        return "macro_f1" if task.n_classes else "r2"
    if measure not in trials.measures:
        raise InputError(f"no measure {measure!r} here; there are {', '.join(trials.measures)}")
    return measure


def _arm_table(trials: Trials) -> list[dict[str, Any]]:
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


def _notices(tables: _Tables, groups: str | None, settings: _Settings) -> list[str]:
    """Say what weakens the numbers, a sentence each."""
    notices = []
    if len(tables.holdout) < 100:
        notices.append(
            f"the holdout has {len(tables.holdout)} rows: below 100, detection and distances "
            "cannot tell generators apart"
        )
    if settings.groups is not None:
        shared = np.intersect1d(*settings.groups)
        if len(shared):
            notices.append(
                f"{len(shared)} groups of {groups!r} have training and holdout rows: scores are "
                "too good; split by group"
            )
    return notices
