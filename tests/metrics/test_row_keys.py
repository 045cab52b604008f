"""Keys of rows: what equals what, looked up as numpy would."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.row_keys import among, keys_without_each, n_kinds, repeated, row_keys
from tablewright.schema import Schema

SCHEMA = Schema.build({"x": "integer", "y": "integer", "c": "categorical"})
NUMBERS = st.lists(st.integers(0, 9), max_size=30).map(lambda x: np.array(x, dtype=np.uint64))


def rows(*cells: tuple[int, int, str]) -> EncodedRows:
    real = pl.DataFrame({"x": [0, 9], "y": [0, 9], "c": ["a", "b"]})
    frame = pl.DataFrame(cells, schema={"x": pl.Int64, "y": pl.Int64, "c": pl.String}, orient="row")
    return FeatureEncoder.fit(real, SCHEMA).rows(frame)


@given(NUMBERS, NUMBERS)
def test_keys_are_known_repeated_and_counted_as_numpy_says(
    keys: np.ndarray[tuple[int], np.dtype[np.uint64]],
    known: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> None:
    assert among(keys, known).tolist() == np.isin(keys, known).tolist()
    values, index, counts = np.unique(keys, return_inverse=True, return_counts=True)
    assert n_kinds(keys) == len(values)
    assert repeated(keys).tolist() == (counts[index] > 1).tolist()


def test_a_key_without_a_column_is_that_of_rows_that_differ_there_alone() -> None:
    table = rows((1, 2, "a"), (1, 3, "a"), (2, 2, "a"), (1, 2, "b"))
    pairs = [
        [int(j) for j in range(1, 4) if keys[j] == keys[0]] for keys in keys_without_each(table)
    ]
    assert pairs == [[2], [1], [3]]
    assert n_kinds(row_keys(table)) == 4
