"""Judge a way of making rows: learn from four fifths of a table, compare with the rest."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.base import clone

from tablewright.api import evaluate
from tablewright.cli.output import origin_of
from tablewright.errors import InputError
from tablewright.evaluation.compare.splits import schema_of_training
from tablewright.systems import RowsWarning
from tablewright.tables.inference.casting import typed

if TYPE_CHECKING:
    from tablewright.cli.request import Learner, Request
    from tablewright.evaluation.evaluate import Report
    from tablewright.schema import Schema

PART = 5
"""One row in so many is set aside."""
MIN_ROWS = 20
MAX_ROWS = 20_000
"""Rows that are judged at most: more of them change no verdict."""


def judge(
    rows: pl.DataFrame,
    learner: Learner,
    request: Request,
    seed: int,
    source: Path | None = None,
) -> tuple[Report, Learner]:
    """Make the rows that were asked for from four fifths of a table, and judge them.

    Parameters
    ----------
    rows : DataFrame
        The table as it was read.
    learner : Synthesizer or System
        Not fitted; its schema is a whole `Schema`.
    source : Path or None, default=None
        The file of the table: the report is named after it.

    Returns
    -------
    report : Report
    fitted : Synthesizer or System
        The learner that made the judged rows.

    Raises
    ------
    InputError
        If the table is too short for a verdict.
    """
    if rows.height < MIN_ROWS:
        raise InputError(
            f"a report needs at least {MIN_ROWS} rows, of which one fifth is set aside; the "
            f"table has {rows.height}: leave --report out"
        )
    train, synthetic, holdout, fitted = made_from_part(rows, learner, request, seed)
    made_by = origin_of(fitted, seed, request.options(), source)
    report = evaluate(
        train,
        synthetic,
        holdout,
        schema=fitted.schema,
        balanced=request.balance is not None,
        provenance=made_by.model_dump(exclude_none=True),
        random_state=seed,
    )
    details = getattr(getattr(fitted, "result_", None), "details", {})
    own = {}
    if "process" in details:
        own["process"] = details["process"].as_data()
    if "parts" in details:
        own["parts"] = details["parts"].to_list()
    return replace(report, pictures={**report.pictures, **own}), fitted


def made_from_part(
    rows: pl.DataFrame, learner: Learner, request: Request, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, Learner]:
    """Return training rows, the rows made from them, rows set aside, and who made them."""
    train, holdout, schema = training_part(rows, learner, seed)
    fitted: Learner = clone(learner).set_params(schema=schema).fit(train)
    by_class = isinstance(request.balance, Mapping)
    n_rows = None if request.n_rows is None or by_class else min(request.n_rows, MAX_ROWS)
    pieces = replace(request, n_rows=n_rows).batches(fitted, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RowsWarning)  # `generate` says it beside the report
        return train, pl.concat(list(pieces)), holdout, fitted


def training_part(
    rows: pl.DataFrame, learner: Learner, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame, Schema]:
    """Return training rows, rows set aside, and the schema by the training rows alone."""
    schema = learner.schema
    values = typed(rows, schema)
    train, holdout = hold_out(rows, values, schema.target, np.random.default_rng(seed))
    seen, _ = hold_out(values, values, schema.target, np.random.default_rng(seed))
    return train, holdout, schema_of_training(schema, seen)


def hold_out(
    rows: pl.DataFrame, values: pl.DataFrame, target: str | None, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Set a fifth of the rows aside, spread evenly over the values of the target.

    Rows are ordered by the target, at random within equal values, and each fifth one is taken;
    so classes and numbers are treated alike.

    Parameters
    ----------
    rows : DataFrame
        The rows to part.
    values : DataFrame
        Where the target has its meaning, in the same order of rows.
    target : str or None
        Without one, rows are parted at random.

    Returns
    -------
    train, holdout : DataFrame
        In the order that the rows had.

    Examples
    --------
    >>> frame = pl.DataFrame({"y": ["a", "b", "b", "b", "b"] * 10})
    >>> _, holdout = hold_out(frame, frame, "y", np.random.default_rng(0))
    >>> sorted(holdout["y"].value_counts().rows())
    [('a', 2), ('b', 8)]
    """
    order = rng.permutation(rows.height)
    if target is not None:
        order = order[values[target][order].arg_sort().to_numpy()]
    aside = np.zeros(rows.height, dtype=np.bool_)
    aside[order[int(rng.integers(PART)) :: PART]] = True
    return rows.filter(~aside), rows.filter(aside)
