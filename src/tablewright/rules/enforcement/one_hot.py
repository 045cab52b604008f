"""Columns of 0 and 1 of which one is 1 in every row: which one is chosen where rows break that.

Drawing a broken row again until it keeps such a rule loses rare columns, whose rows are broken
most often. Choosing one column for the row keeps the share of each as it was drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.language import Linear
from tablewright.schema import Column, Schema


def is_one_hot(rule: Any, schema: Schema) -> bool:
    """Whether a rule says that exactly one of several columns of 0 and 1 is 1."""
    return (
        isinstance(rule, Linear)
        and (rule.op, rule.value) == ("=", 1.0)
        and rule.tolerance < 1.0
        and len(rule.terms) > 1
        and set(rule.terms.values()) == {1.0}
        and all(_is_binary(schema[name]) for name in rule.terms)
    )


def _is_binary(column: Column) -> bool:
    if column.categories:
        return set(column.categories) == {0, 1} and not isinstance(column.categories[0], bool)
    return column.kind.is_numeric and (column.minimum, column.maximum, column.decimals) == (0, 1, 0)


def with_one_chosen(
    frame: pl.DataFrame,
    columns: Sequence[str],
    rows: NDArray[np.intp],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Return those rows with one of the columns at 1: one that was, where there was any.

    Columns that too few of the other rows have, by their share in the whole frame, come first.
    """
    drawn = frame.select(pl.col(name).cast(pl.Float64) for name in columns).fill_null(0.0)
    values = drawn.to_numpy() > 0.5
    intact = np.delete(values, rows, axis=0)
    total = values.sum(axis=0)
    lacking = total / max(total.sum(), 1) * len(values) - intact.sum(axis=0)
    chosen = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for at in rng.permutation(len(rows)):
        open_columns = values[rows[at]] if values[rows[at]].any() else total > 0
        weights = np.where(open_columns, np.maximum(lacking, 1e-9), 0.0)
        member = rng.choice(len(columns), p=weights / weights.sum())
        chosen[at, member] = 1
        lacking[member] -= 1
    part = frame[rows]
    return part.with_columns(
        pl.Series(name, chosen[:, k]).cast(frame.schema[name]) for k, name in enumerate(columns)
    )
