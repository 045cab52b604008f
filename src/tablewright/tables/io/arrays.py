"""Features and a target apart, as scikit-learn has them: arrays, lists, sparse matrices, frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import _safe_indexing

from tablewright.errors import InputError
from tablewright.schema import inner_name, outer_name
from tablewright.tables.io.frames import Restore, to_polars
from tablewright.tables.io.vectors import from_array, from_vector


class Target(NamedTuple):
    """One column to predict, and what pandas is to have of it again."""

    values: pl.Series
    facts: Mapping[str, Any]


def read_target(target: Any) -> Target:
    """Take in a column that stands apart.

    Parameters
    ----------
    target : series, array, list or frame of one column, of shape (n_rows,)

    Raises
    ------
    InputError
        If it is no such thing.
    """
    if nw.dependencies.is_pandas_series(target):
        target = target.to_frame("" if target.name is None else target.name)
    if isinstance(target, pl.Series):
        return Target(target, {})
    if hasattr(target, "columns"):
        frame, restore = to_polars(target)
        _check_single(frame.width)
        return Target(frame.to_series(), restore.columns.get(frame.columns[0], {}))
    values = np.asarray(target)
    if values.ndim == 2:
        _check_single(values.shape[1])
        values = values[:, 0]
    return Target(from_vector(values, ""), {})


def _check_single(n_columns: int) -> None:
    if n_columns != 1:
        raise InputError(f"y has {n_columns} columns; a target has one")


def join(features: Any, target: Target, name: str | None) -> tuple[pl.DataFrame, Restore, str]:
    """Put features and target into one frame, the target last.

    Parameters
    ----------
    features : frame, array, list of rows or sparse matrix of shape (n_rows, n_columns)
        Columns of what has no names are called x0, x1 and so on.
    target : Target of shape (n_rows,)
    name : str or None
        Name of the target's column; its own name, or ``"target"``, where None.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns + 1)
    restore : Restore
        Gives frames of the kind of `features`; polars where that is no frame.
    name : str
        Of the target's column; with ``_`` after it where a feature has that name.

    Raises
    ------
    InputError
        If `features` are no table, or the two differ in length.

    Examples
    --------
    >>> target = read_target(["a", "b"])
    >>> join(np.array([[1.0], [2.0]]), target, None)[0].to_dict(as_series=False)
    {'x0': [1.0, 2.0], 'target': ['a', 'b']}
    """
    frame, restore = _features(features)
    series, facts = target
    name = inner_name(name or outer_name(series.name) or "target")
    while name in frame.columns:
        name += "_"
    if len(series) != frame.height:
        raise InputError(f"X has {frame.height} rows and y has {len(series)}; they must agree")
    if restore.backend == "pandas":
        restore = Restore("pandas", {**restore.columns, name: {**facts, "name": name}})
    return frame.with_columns(series.alias(name)), restore, name


def _features(features: Any) -> tuple[pl.DataFrame, Restore]:
    if sparse.issparse(features):
        return from_array(features.toarray()), Restore()
    if isinstance(features, list | tuple):
        return from_array(np.array(features, dtype=object)), Restore()
    if isinstance(features, np.ndarray):
        return from_array(features), Restore()
    if nw.dependencies.is_pandas_dataframe(features):
        return to_polars(_dense(features))
    return to_polars(features)


def _dense(frame: Any) -> Any:
    """Fill the sparse columns of a pandas frame."""
    dense = {
        name: dtype.subtype
        for name, dtype in frame.dtypes.items()
        if str(dtype).startswith("Sparse")
    }
    return frame.astype(dense) if dense else frame


def take(rows: Any, positions: NDArray[np.intp]) -> Any:
    """Take some rows of anything that has rows; those of pandas are numbered anew."""
    taken = _safe_indexing(rows, positions)
    return taken.reset_index(drop=True) if hasattr(taken, "reset_index") else taken


def put_below(features: Any, frame: pl.DataFrame, restore: Restore) -> Any:
    """Put new rows below those of the user, who gets back the type that was given.

    Parameters
    ----------
    features : frame, array, list of rows or sparse matrix
        What `join` took in.
    frame : DataFrame
        New rows, with the columns of `features` and the data types that `join` gave them.
    restore : Restore
        What `join` gave.
    """
    if sparse.issparse(features):
        below = type(features)(_to_array(frame, features.dtype))
        return sparse.vstack([features, below], format=features.format)
    if isinstance(features, list | tuple):
        return type(features)([*features, *(type(features[0])(row) for row in frame.rows())])
    if isinstance(features, np.ndarray):
        return np.concatenate([features, _to_array(frame, features.dtype)])
    if nw.dependencies.is_pandas_dataframe(features):
        result = restore(frame).astype(features.dtypes.to_dict())
        return nw.dependencies.get_pandas().concat([features, result], ignore_index=True)
    if restore.backend == "pyarrow":
        return nw.concat([nw.from_native(features), nw.from_native(restore(frame))]).to_native()
    above, below = pl.DataFrame(features), restore(frame)
    # column by column: a mapping of names to types would be read as patterns
    return pl.concat([above, pl.DataFrame({s.name: below[s.name].cast(s.dtype) for s in above})])


def _to_array(frame: pl.DataFrame, dtype: Any) -> NDArray[Any]:
    array = np.empty(frame.shape, dtype=dtype)
    for j, series in enumerate(frame):
        empty = np.dtype(dtype).kind == "O" and series.dtype.is_float()
        array[:, j] = series.fill_null(np.nan).to_list() if empty else series.to_numpy()
    return array
