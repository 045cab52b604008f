"""Judge generated rows against the rows they were learned from, and against others."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright import __version__
from tablewright.errors import InputError
from tablewright.evaluation.evaluate.augmentation import Usefulness, judge_usefulness
from tablewright.evaluation.evaluate.plot_data import pictures
from tablewright.evaluation.evaluate.report import Report
from tablewright.evaluation.evaluate.warnings import notices_of
from tablewright.metrics import copies, detection, fidelity, logic, privacy, support
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.imputation import imputation_error
from tablewright.metrics.scores import Score
from tablewright.metrics.texts import shared_texts
from tablewright.metrics.utility import Maker
from tablewright.rules import Rules
from tablewright.rules.language import Align
from tablewright.schema import Kind, Schema

__all__ = ["EFFORTS", "Effort", "evaluate"]


@dataclass(frozen=True)
class Effort:
    """How much work an evaluation does.

    Attributes
    ----------
    n_halves : int
        Random halves on which arms are fitted again: the degrees of freedom of intervals.
    n_trees : int
        Rounds of boosting.
    learn_rows : int
        Training rows, and generated rows, that models learn from at most.
    detect_rows : int
        Rows of each side of the detection test at most.
    controls : bool
        Whether the arms beyond real, generated, both and resampled are run.
    """

    n_halves: int
    n_trees: int
    learn_rows: int
    detect_rows: int
    controls: bool


EFFORTS = {
    "quick": Effort(8, 40, 2_000, 2_000, False),
    "full": Effort(16, 60, 5_000, 5_000, True),
}


@dataclass(frozen=True)
class Tables:
    """The three tables on one ruler, and the groups of the holdout rows."""

    real: EncodedRows
    synthetic: EncodedRows
    holdout: EncodedRows
    more: EncodedRows | None = None
    groups: NDArray[np.str_] | None = None


def evaluate(
    train: pl.DataFrame,
    synthetic: pl.DataFrame,
    holdout: pl.DataFrame,
    schema: Schema,
    *,
    groups: str | None = None,
    time: str | None = None,
    rules: Rules | None = None,
    text_attribute: str | None = None,
    labeller: logic.Labeller | None = None,
    measure: str | None = None,
    subgroups: str | None = None,
    effort: Literal["quick", "full"] = "full",
    more_real: pl.DataFrame | None = None,
    controls: Mapping[str, Maker] | None = None,
    impute: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
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
        whole groups, and groups on both sides are reported. It is not judged itself.
    time : str or None, default=None
        Column of times: the holdout should be later than the training rows, else it is said.
    rules : Rules or None, default=None
        What rows have to keep.
    text_attribute : str or None, default=None
        Column with the attribute of a text, such as its sentiment, or of texts that `labeller`
        labels: does it go with the target as in real rows (XModal), and are texts real ones?
        The attribute of an `align` rule on the target where None.
    labeller : callable or None, default=None
        From a Series of texts to a Series of labels.
    measure : str or None, default=None
        What the verdict is about; macro-F1 for classes and R2 for numbers by default.
    subgroups : str or None, default=None
        Column by whose values the measure is broken down; the target where None.
    effort : {"quick", "full"}, default="full"
        Quick leaves out the controls beyond resampling and takes wider intervals.
    more_real : polars DataFrame or None, default=None
        Real rows beyond the training rows: what as many more of them would have brought.
    controls : mapping of str to Maker or None, default=None
        Further methods that make rows of training rows, as arms beside SMOTE-NC.
    impute : callable or None, default=None
        From a frame with empty cells to the same frame with them filled; judged on holdout
        cells that are emptied at random.
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
    ruler = FeatureEncoder.fit(train, _without(schema, groups))
    tables = Tables(
        ruler.rows(train, "training"),
        ruler.rows(synthetic),
        ruler.rows(holdout, "holdout"),
        None if more_real is None else ruler.rows(more_real, "more_real"),
        None if groups is None else _groups(holdout, groups),
    )
    _check(tables)
    rngs = np.random.default_rng(random_state).spawn(7)
    useful = _usefulness(tables, EFFORTS[effort], measure, subgroups, controls or {}, rngs[0])
    facts = {
        "rows": {"train": train.height, "synthetic": synthetic.height, "holdout": holdout.height},
        "columns": len(schema),
        "target": schema.target,
        "measure": useful.verdict.measure or None,
        "effort": effort,
        "random_state": random_state,
        "tablewright": __version__,
        "provenance": dict(provenance or {}),
    }
    sections = {
        "utility": useful.scores,
        "fidelity": _fidelity(tables, EFFORTS[effort], rngs[1]),
        "rules": [] if rules is None else [_rules(rules, tables, rngs[2])],
        "texts": _texts(text_attribute or _aligned(rules, schema), labeller, tables, rngs[6]),
        "imputation": [] if impute is None else [_imputation(impute, tables, rngs[5])],
        "privacy": _privacy(tables, rngs[3]),
    }
    drawn = pictures(tables.real, tables.synthetic, tables.holdout, rngs[4])
    notes = notices_of(tables.real, tables.synthetic, tables.holdout, train, holdout, groups, time)
    facts["seconds"] = round(clock.perf_counter() - started, 2)
    return Report(
        useful.verdict,
        {name: scores for name, scores in sections.items() if scores},
        useful.arms,
        facts,
        [*notes, *useful.notices],
        useful.subgroups,
        drawn,
    )


def _usefulness(
    tables: Tables,
    effort: Effort,
    measure: str | None,
    subgroups: str | None,
    makers: Mapping[str, Maker],
    rng: np.random.Generator,
) -> Usefulness:
    return judge_usefulness(
        tables.real,
        tables.synthetic,
        tables.holdout,
        rng,
        measure=measure,
        subgroups=subgroups,
        n_halves=effort.n_halves,
        n_trees=effort.n_trees,
        max_rows=effort.learn_rows,
        makers=makers if effort.controls else None,
        more=tables.more,
        groups=tables.groups,
    )


def _without(schema: Schema, groups: str | None) -> Schema:
    if groups is None:
        return schema
    schema[groups]
    if groups == schema.target:
        raise InputError(f"{groups!r} is the target: it cannot name the groups too")
    columns = [column for column in schema.each() if column.name != groups]
    return schema.model_copy(update={"columns": columns})


def _groups(frame: pl.DataFrame, name: str) -> NDArray[np.str_]:
    """Names of groups; a row without one is a group of its own."""
    if name not in frame.columns:
        raise InputError(f"the holdout table has no column {name!r} to group by")
    own = pl.Series([f"row {i}" for i in range(frame.height)])
    names = frame[name].cast(pl.String).zip_with(frame[name].is_not_null(), own)
    return names.to_numpy().astype(str)


def _check(tables: Tables) -> None:
    for name, rows in (("synthetic", tables.synthetic), ("holdout", tables.holdout)):
        if not len(rows):
            raise InputError(f"the {name} table has no rows: there is nothing to judge")


def _rules(rules: Rules, tables: Tables, rng: np.random.Generator) -> Score:
    return logic.rule_violations(rules, tables.real, tables.synthetic, tables.holdout, rng)


def _aligned(rules: Rules | None, schema: Schema) -> str | None:
    """Return the attribute that a rule aligns with the target."""
    aligned = (rule for rule in rules or () if isinstance(rule, Align))
    return next((rule.attribute for rule in aligned if rule.on == schema.target), None)


def _texts(
    attribute: str | None, labeller: logic.Labeller | None, tables: Tables, rng: np.random.Generator
) -> list[Score]:
    if attribute is None:
        return []
    three = tables.real, tables.synthetic, tables.holdout
    names = [f.name for f in tables.real.features if f.column.kind is Kind.TEXT]
    shared = [shared_texts(*three, rng, name) for name in names]
    return [logic.xmodal(*three, rng, attribute, labeller), *shared]


def _imputation(
    impute: Callable[[pl.DataFrame], pl.DataFrame], tables: Tables, rng: np.random.Generator
) -> Score:
    return imputation_error(impute, tables.real, tables.holdout, rng)


def _fidelity(tables: Tables, effort: Effort, rng: np.random.Generator) -> list[Score]:
    real, synthetic, holdout = (
        rows.cut(20_000, rng) for rows in (tables.real, tables.synthetic, tables.holdout)
    )
    measures = (
        fidelity.column_shapes,
        fidelity.association_difference,
        fidelity.contingency_similarity,
        fidelity.missing_difference,
        fidelity.range_adherence,
        support.alpha_precision,
        support.beta_recall,
        support.coverage,
        support.density,
        support.cluster_shares,
    )
    detected = [
        detection.detection(real, synthetic, holdout, rng, learner, effort.detect_rows)
        for learner in detection.NAMES
    ]
    return detected + [metric(real, synthetic, holdout, rng) for metric in measures]


def _privacy(tables: Tables, rng: np.random.Generator) -> list[Score]:
    three = tables.real, tables.synthetic, tables.holdout
    found = privacy.search(*three, rng)
    measures = (
        copies.one_off_copies,
        copies.shifted_copies,
        copies.rescaled_copies,
        privacy.internal_duplicates,
        privacy.membership_inference,
        privacy.density_inference,
        support.authenticity,
    )
    return [
        privacy.exact_copies(*three, rng),
        privacy.near_copies(*three, rng, found),
        privacy.distance_share(*three, rng, found),
        privacy.distance_ratio(*three, rng, found),
        *(metric(*three, rng) for metric in measures),
    ]
