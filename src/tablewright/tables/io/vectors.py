"""Arrays of NumPy as columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError


def from_array(array: NDArray[Any]) -> pl.DataFrame:
    """Return a table of the columns of an array, called x0, x1 and so on."""
    if array.ndim != 2:
        raise InputError(
            f"X is a table of rows and columns, not an array of shape {array.shape}; rows must "
            "have one length, and X.reshape(-1, 1) makes a column of single values"
        )
    return pl.DataFrame([from_vector(column, f"x{j}") for j, column in enumerate(array.T)])


def from_vector(values: NDArray[Any], name: str) -> pl.Series:
    """Return a column of an array's values; NaN is missing."""
    if values.dtype.kind == "f":
        return pl.Series(name, values.astype(np.float64)).fill_nan(None)
    if values.dtype.kind in "biuMm":
        return pl.Series(name, np.ascontiguousarray(values))
    plain = [None if value != value else value for value in values.tolist()]
    try:
        return pl.Series(name, plain)
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise InputError(f"column {name!r} mixes kinds of values; make them one kind") from error
