"""Keys put together from the values of their columns, where drawing gave too few different ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.bound import BoundRule
from tablewright.rules.enforcement.block import Block

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

MAX_KEYS = 100_000
"""Combinations of values that are looked through."""
N_TRIES = 30
"""Keys that a row is offered; under rules not every key goes with every row."""


def repeated(frame: pl.DataFrame, columns: Sequence[str], seen: pl.DataFrame | None) -> Bools:
    """Mark rows whose key is complete and stands in an earlier row, or among those seen."""
    keys = frame.select(columns)
    complete = keys.select(pl.all_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    again = ~keys.to_struct("key").is_first_distinct().to_numpy()
    if seen is not None:
        marked = keys.join(seen.unique().with_columns(pl.lit(True).alias("\0seen")),
                           on=list(columns), how="left", maintain_order="left")  # fmt: skip
        again |= marked["\0seen"].fill_null(False).to_numpy()
    return np.asarray(again & complete)


def offer_unused(
    block: Block,
    columns: Sequence[str],
    free: Sequence[str],
    seen: pl.DataFrame | None,
    hard: Sequence[BoundRule],
    rng: np.random.Generator,
) -> Ints:
    """Give rows whose key repeats one that no row has, of values that the columns have.

    Parameters
    ----------
    block : Block
        The rows; those that would break a hard rule with every key offered stay as they are.
    columns, free : sequence of str
        Columns of the key, and those among them that may change.
    seen : DataFrame or None
        Keys of earlier blocks.
    hard : sequence of BoundRule
    rng : numpy Generator

    Returns
    -------
    ndarray of int
        The rows that were changed.
    """
    values = [block.frame[name].drop_nulls().unique().sort().to_frame() for name in free]
    if not free or math.prod(frame.height for frame in values) > MAX_KEYS:
        return np.zeros(0, dtype=np.intp)
    pool, changed = values[0], []
    for frame in values[1:]:
        pool = pool.join(frame, how="cross")
    for _ in range(N_TRIES):
        rows = np.flatnonzero(repeated(block.frame, columns, seen))
        if not len(rows):
            break
        before = block.frame[rows]
        offered = pool[rng.integers(pool.height, size=len(rows))]
        block.put(rows, before.with_columns(_unless_given(offered, block, rows)))
        bad = repeated(block.frame, columns, seen) | block.broken_any(hard)
        worse = np.flatnonzero(bad[rows])
        block.put(rows[worse], before[worse])
        changed.append(np.delete(rows, worse))
    return np.concatenate([np.zeros(0, dtype=np.intp), *changed])


def _unless_given(offered: pl.DataFrame, block: Block, rows: Ints) -> pl.DataFrame:
    """Put back the cells that the user gave."""
    if block.fixed is None:
        return offered
    given = [name for name in offered.columns if name in block.fixed.columns]
    cells = [block.fixed[name][rows].cast(offered[name].dtype) for name in given]
    return offered.with_columns(s.zip_with(s.is_not_null(), offered[s.name]) for s in cells)
