"""Judge a way of making rows: learn from four fifths of a table, compare with the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from sklearn.base import clone

from tablewright.api import evaluate
from tablewright.errors import InputError
from tablewright.tables.inference.casting import typed

if TYPE_CHECKING:
    from tablewright.cli.request import Learner, Request
    from tablewright.evaluation.evaluate import Report

__all__ = ["hold_out", "judge"]

PART = 5
"""One row in so many is set aside."""
FEWEST_ROWS = 20
MOST_ROWS = 20_000
"""Rows that are judged at most: more of them change no verdict."""


def judge(rows: pl.DataFrame, learner: Learner, request: Request, seed: int) -> Report:
    """Make the rows that were asked for from four fifths of a table, and judge them.

    Parameters
    ----------
    rows : DataFrame
        The table as it was read.
    learner : Synthesizer or System
        Not fitted; its schema is a whole `Schema`.

    Raises
    ------
    InputError
        If the table is too short for a verdict.
    """
    if rows.height < FEWEST_ROWS:
        raise InputError(
            f"a report needs at least {FEWEST_ROWS} rows, of which one fifth is set aside; the "
            f"table has {rows.height}: leave --report out"
        )
    schema = learner.schema
    rng = np.random.default_rng(seed)
    train, holdout = hold_out(rows, typed(rows, schema), schema.target, rng)
    n_rows = None if request.n_rows is None else min(request.n_rows, MOST_ROWS)
    pieces = replace(request, n_rows=n_rows).batches(clone(learner).fit(train), seed)
    synthetic = pl.concat(list(pieces))
    return evaluate(train, synthetic, holdout, schema=schema, random_state=seed)


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
