"""One number per row, and which numbers occur elsewhere: exact over millions of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.metrics.encoder import EncodedRows

Keys = NDArray[np.uint64]


def row_keys(rows: EncodedRows) -> Keys:
    """One number per row, equal for rows whose cells are equal at the schema's precision."""
    columns = [rows.take_column(j).alias(str(j)) for j in range(len(rows.features))]
    return np.asarray(pl.DataFrame(columns).hash_rows(seed=0).to_numpy())


def keys_without_each(rows: EncodedRows) -> Iterator[Keys]:
    """Yield, column by column, keys that are equal for rows that are equal in all others."""
    total = np.zeros(len(rows), dtype=np.uint64)
    for j in range(len(rows.features)):
        total += _cell_keys(rows, j)
    # Cells are hashed a second time: all of them at once are gigabytes where rows are millions.
    for j in range(len(rows.features)):
        yield total - _cell_keys(rows, j)


def _cell_keys(rows: EncodedRows, index: int) -> Keys:
    return np.asarray(rows.take_column(index).alias("x").hash(seed=index).to_numpy())


def among(keys: Keys, known: Keys) -> NDArray[np.bool_]:
    """Mark the keys that are known; numpy's `isin` takes fifty times as long for a million.

    Examples
    --------
    >>> among(np.array([1, 2], dtype=np.uint64), np.array([2, 3], dtype=np.uint64)).tolist()
    [False, True]
    """
    return np.asarray(pl.Series(keys).is_in(pl.Series(known).implode()).to_numpy(), dtype=bool)


def n_kinds(keys: Keys) -> int:
    """Return how many different keys there are."""
    return int(pl.Series(keys).n_unique())


def repeated(keys: Keys) -> NDArray[np.bool_]:
    """Mark the keys that occur more than once."""
    return np.asarray(pl.Series(keys).is_duplicated().to_numpy(), dtype=bool)
