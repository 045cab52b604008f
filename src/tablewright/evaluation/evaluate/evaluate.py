"""Judge generated rows against the rows they were learned from, and against others."""

from __future__ import annotations

import datetime as dt
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright import __version__
from tablewright.arguments import teaching
from tablewright.errors import ArgumentError, InputError
from tablewright.evaluation.evaluate.augmentation import measure_augmentation
from tablewright.evaluation.evaluate.origins import MAX_TRACED, written_by_us
from tablewright.evaluation.evaluate.plot_data import plot_data
from tablewright.evaluation.evaluate.report import Report
from tablewright.evaluation.evaluate.split_checks import check_split, nearer_to_holdout
from tablewright.evaluation.evaluate.tables import EFFORTS, Effort, Tables, without_groups
from tablewright.evaluation.evaluate.warnings import sampled, unjudged, warnings_of
from tablewright.metrics import copies, detection, fidelity, logic, privacy, support
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.imputation import imputation_error
from tablewright.metrics.scores import Score
from tablewright.metrics.texts import shared_texts
from tablewright.metrics.utility import Maker
from tablewright.progress import each
from tablewright.rules import Rules, as_rules
from tablewright.rules.language import Align
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.inference.casting import typed_series, untyped
from tablewright.tables.io.loading import load_to_learn
from tablewright.tables.io.sampling import Sample, draw_rows, large_source
from tablewright.tables.table import load_raw

_MAX_ROWS = 20_000
"""Rows of each table that fidelity is measured on."""
_MAX_OF_SHAPES = 200_000
"""The same of single columns, which are sorted alone."""


@teaching
def evaluate(
    train: Any,
    synthetic: Any,
    holdout: Any = None,
    target: str | None = None,
    *,
    schema: Any = None,
    drop: Sequence[str] | None = None,
    groups: str | None = None,
    time: str | None = None,
    rules: Any = None,
    text_attribute: str | None = None,
    labeller: logic.Labeller | None = None,
    measure: str | None = None,
    subgroups: str | None = None,
    effort: Literal["quick", "full"] = "full",
    balanced: bool | None = None,
    more_real: Any = None,
    controls: Mapping[str, Maker] | None = None,
    impute: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
    provenance: Mapping[str, Any] | None = None,
    random_state: int = 0,
) -> Report:
    """Judge synthetic rows: can they be used, are they faithful, are they safe.

    Parameters
    ----------
    train : frame or path
        The real rows that the synthetic ones were learned from.
    synthetic : frame or path
        The rows to judge.
    holdout : frame or path
        Real rows that nobody learned from: set some aside before rows are made. Identifiers,
        constants and columns that the training rows do not have need not be there, and are not
        judged.
    target : str or None, default=None
        The column that a model is to predict.
    schema
        See `Synthesizer`.
    drop : sequence of str or None, default=None
        Columns that are left out.
    groups : str or None, default=None
        Column that names the group (patient, household) of a real row: intervals are made from
        whole groups, and groups on both sides are reported. It is not judged itself.
    time : str or None, default=None
        Column of times: a holdout that is no later than the training rows is reported.
    rules : Rules, path, list or None, default=None
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
    balanced : bool or None, default=None
        Whether another class mix than the real one was requested: fidelity is then judged within
        classes, on generated rows cut to the real mix. Where None, read off `provenance`, or off
        classes that the generated rows make even, alone or with the training rows.
    more_real : frame, path or None, default=None
        Real rows beyond the training rows: what as many more of them would have brought.
    controls : mapping of str to Maker or None, default=None
        Further methods that make rows of training rows, as arms beside SMOTE-NC.
    impute : callable or None, default=None
        From a frame with empty cells to the same frame with them filled; judged on holdout
        cells that are emptied at random.
    provenance : mapping or None, default=None
        What made the rows; stands in the report as it is.
    random_state : int, default=0
        Random seed.

    Returns
    -------
    Report
        Its `alarms` say where the holdout is none.

    Raises
    ------
    InputError
        If a table lacks a column or has no rows, the holdout is the training rows, or an option
        is unknown.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=300)
    >>> real = pl.DataFrame({"x": x, "y": np.where(x + rng.normal(size=300) > 0, "a", "b")})
    >>> report = evaluate(real[:40], real[40:100], real[100:], "y", effort="quick")
    >>> report.verdict.word in ("helps", "no evidence", "harms"), report.alarms
    (True, [])
    """
    if effort not in EFFORTS:
        raise InputError(f"effort is 'quick' or 'full', not {effort!r}")
    if holdout is None or isinstance(holdout, int | float):
        _ask_for_holdout(train, None)
    if isinstance(holdout, str) and not Path(holdout).exists():
        _ask_for_holdout(train, holdout)
    started = clock.perf_counter()
    table = load_to_learn(train, schema, target, drop)
    # as text, a table takes as much memory again; its first rows tell who wrote it
    table = replace(table, raw=table.raw.head(MAX_TRACED))
    cuts = [] if table.sample is None else [table.sample.sentence("training rows")]
    read = {}
    for name, rows in (("synthetic", synthetic), ("holdout", holdout)):
        read[name], n_rows = read_leniently(rows, table.schema)
        if read[name].height < n_rows:
            cuts.append(Sample(n_rows, read[name].height).sentence(f"{name} rows"))
    encoder = FeatureEncoder.fit(table.frame, without_groups(table.schema, groups))
    synthetic_rows, held = (_encoded(encoder, rows, name) for name, rows in read.items())
    tables = Tables(encoder.rows(table.frame, "training"), synthetic_rows, held)
    if more_real is not None:
        more = _encoded(encoder, read_leniently(more_real, table.schema)[0], "more_real")
        tables = replace(tables, more=more)
    if groups is not None:
        tables = replace(tables, groups=_groups(read["holdout"], groups))
    work, kept = EFFORTS[effort], None if rules is None else as_rules(rules)
    rngs = np.random.default_rng(random_state).spawn(9)
    alarms = [
        *written_by_us("training", train, table.raw),
        *written_by_us("holdout", holdout, untyped(read["holdout"].head(MAX_TRACED), table.schema)),
        *check_split(*tables.three, rngs[7], tables.more),
    ]
    result = measure_augmentation(
        tables, work, rngs[0], measure=measure, subgroups=subgroups, makers=controls
    )
    alike, notes = _in_mix(tables, balanced, provenance or {}, rngs[8])
    facts: dict[str, Any] = {
        "table": Path(train).name if isinstance(train, str | Path) else None,
        "date": dt.date.today().isoformat(),
        "rows": dict(zip(("train", *read), map(len, tables.three), strict=True)),
        "columns": len(table.schema),
        "target": table.schema.target,
        "measure": result.verdict.measure or None,
        "effort": effort,
        "random_state": random_state,
        "tablewright": __version__,
        "provenance": dict(provenance or {}),
    }
    sections = {
        "utility": result.scores,
        "fidelity": _fidelity(alike, work, rngs[1]),
        "rules": [] if kept is None else [logic.rule_violations(kept, *tables.three, rngs[2])],
        "texts": _texts(text_attribute or _aligned(kept, table.schema), labeller, tables, rngs[6]),
        "imputation": [imputation_error(impute, tables.real, tables.holdout, rngs[5])]
        if impute
        else [],
        "privacy": _privacy(tables, rngs[3]),
    }
    alarms += nearer_to_holdout(
        {score.name: score for score in sections["privacy"]}["distance_share"]
    )
    drawn = plot_data(*tables.three, rngs[4])
    drawn |= {"predictions": result.predictions} if result.predictions else {}
    notes += warnings_of(*tables.three, table.frame, read["holdout"], groups, time)
    notes += unjudged(table.schema, groups, read)
    notes += [*cuts, *sampled(len(tables.synthetic), sections)]
    facts["seconds"] = round(clock.perf_counter() - started, 2)
    return Report(
        result.verdict,
        {name: scores for name, scores in sections.items() if scores},
        result.arms,
        facts,
        [*notes, *result.notes],
        result.subgroups,
        drawn,
        alarms,
    )


def _ask_for_holdout(train: Any, given: str | None) -> None:
    """Say how to set rows aside, where none are given, or a column is in their place."""
    named = ""
    if given is not None:
        if given not in load_raw(train)[0].columns:
            return
        named = f"; the column {given!r} goes to target={given!r}"
    raise ArgumentError(
        "evaluate needs a holdout, real rows that nobody learned from: train, holdout = "
        "sklearn.model_selection.train_test_split(table, test_size=0.2), make rows from train "
        f"alone, then evaluate(train, rows, holdout){named}"
    )


def _in_mix(
    tables: Tables,
    balanced: bool | None,
    provenance: Mapping[str, Any],
    rng: np.random.Generator,
) -> tuple[Tables, list[str]]:
    """Return the tables that fidelity is judged on, and what is to be said of it."""
    if balanced is None:
        asked = bool((provenance.get("options") or {}).get("balance"))
        balanced = asked or _is_balanced(tables)
    alike = tables.in_real_mix(rng) if balanced else None
    if alike is None:
        return tables, []
    return alike, [
        "the class mix was requested: fidelity is judged within classes, on "
        f"{len(alike.synthetic):,} generated rows in the mix of the real ones"
    ]


def _is_balanced(tables: Tables) -> bool:
    """Whether generated rows, alone or with the training rows, are as many of each class."""
    target = tables.real.encoder.target
    levels = None if target is None else tables.real.features[target].levels
    if target is None or levels is None or len(levels) < 2:
        return False
    real, generated = (
        np.bincount(codes[~np.isnan(codes)].astype(int), minlength=len(levels))[: len(levels)]
        for codes in (rows.values[:, target] for rows in (tables.real, tables.synthetic))
    )
    even = [int(np.ptp(counts[real > 0])) <= 1 for counts in (real, generated, real + generated)]
    return not even[0] and generated.sum() > len(levels) and (even[1] or even[2])


def _groups(frame: pl.DataFrame, name: str) -> NDArray[np.str_]:
    """Names of groups; a row without one is a group of its own."""
    if name not in frame.columns:
        raise InputError(f"the holdout table has no column {name!r} to group by")
    own = pl.Series([f"row {i}" for i in range(frame.height)])
    names = frame[name].cast(pl.String).zip_with(frame[name].is_not_null(), own)
    return names.to_numpy().astype(str)


def _encoded(encoder: FeatureEncoder, frame: pl.DataFrame, name: str) -> EncodedRows:
    if not frame.height:
        raise InputError(f"the {name} table has no rows: there is nothing to judge")
    return encoder.rows(frame, name)


def read_leniently(data: Any, schema: Schema) -> tuple[pl.DataFrame, int]:
    """Read rows whose cells may be anything; a sample where there are many, and how many there are.

    Columns are typed as the schema says; one with a cell that is not of its kind stays as it was
    read, and such cells count as missing and are reported. Columns of no schema come last.
    """
    source = large_source(data)
    if source is None:
        raw = load_raw(data)[0]
        n_rows = raw.height
    else:
        raw, n_rows = draw_rows(source)
    there = [_typed(raw[c.name], c) for c in schema.each() if c.name in raw.columns]
    others = (series for series in raw if series.name not in schema)
    return pl.DataFrame([*there, *others]), n_rows


def _typed(series: pl.Series, column: Column) -> pl.Series:
    try:
        return typed_series(series, column)
    except InputError:
        return series


def _aligned(rules: Rules | None, schema: Schema) -> str | None:
    """Return the attribute that a rule aligns with the target."""
    aligned = (rule for rule in rules or () if isinstance(rule, Align))
    return next((rule.attribute for rule in aligned if rule.on == schema.target), None)


def _texts(
    attribute: str | None, labeller: logic.Labeller | None, tables: Tables, rng: np.random.Generator
) -> list[Score]:
    if attribute is None:
        return []
    three = tables.three
    names = [f.name for f in tables.real.features if f.column.kind is Kind.TEXT]
    shared = [shared_texts(*three, rng, name) for name in names]
    return [logic.xmodal(*three, rng, attribute, labeller), *shared]


def _fidelity(tables: Tables, effort: Effort, rng: np.random.Generator) -> list[Score]:
    real, synthetic, holdout = (rows.cut(_MAX_ROWS, rng) for rows in tables.three)

    def shapes(*_: Any) -> Score:
        many = [rows.cut(_MAX_OF_SHAPES, rng) for rows in tables.three]
        return fidelity.column_shapes(many[0], many[1], many[2], rng)

    measures: list[Callable[..., Score]] = [
        *(
            partial(detection.detection, learner=name, max_rows=effort.detect_rows)
            for name in detection.NAMES
        ),
        shapes,
        fidelity.association_difference,
        fidelity.contingency_similarity,
        fidelity.missing_difference,
        fidelity.range_adherence,
        support.alpha_precision,
        support.beta_recall,
        support.coverage,
        support.density,
        support.cluster_shares,
    ]
    shown = each(measures, "measuring fidelity", len(measures), "measures")
    return [measure(real, synthetic, holdout, rng) for measure in shown]


def _privacy(tables: Tables, rng: np.random.Generator) -> list[Score]:
    three = tables.three
    distances = privacy.search(*three, rng)
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
        privacy.near_copies(distances),
        privacy.distance_share(distances),
        privacy.distance_ratio(distances, rng),
        *(metric(*three, rng) for metric in measures),
    ]
