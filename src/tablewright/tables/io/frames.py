"""The border: any eager frame in, a polars frame inside, the same kind of frame out.

pandas and pyarrow are never imported unless a frame of theirs comes in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Kind, inner_name, outer_name
from tablewright.tables.io import pandas_frames
from tablewright.tables.io.vectors import from_array


@dataclass(frozen=True)
class Restore:
    """Gives polars frames the kind that the user's frame had.

    Attributes
    ----------
    backend : str
        ``"polars"``, ``"pandas"`` or ``"pyarrow"``.
    columns : mapping
        What to restore per column, by its name as polars has it; plain data.
    index : object or None
        Row labels of the user's frame, for results that have the same rows.
    """

    backend: str = "polars"
    columns: Mapping[str, Any] = field(default_factory=dict)
    index: Any = field(default=None, compare=False, repr=False)

    def __call__(self, frame: pl.DataFrame, same_rows: bool = False) -> Any:
        """Turn a polars frame into the user's kind.

        Parameters
        ----------
        frame : DataFrame
            Columns that the user's frame did not have are kept as they are.
        same_rows : bool, default=False
            Whether the rows are the user's own; they get their labels back then. New rows
            are numbered from 0.
        """
        frame = frame.rename(outer_name)
        if self.backend == "pandas":
            return pandas_frames.from_polars(frame, self.columns, self.index if same_rows else None)
        if self.backend == "pyarrow":
            return _to_arrow(frame, self.columns)
        return frame

    def kinds(self) -> dict[str, Kind]:
        """Return the kinds of the columns that pandas has as categories of anything but text."""
        return {
            name: Kind.ORDINAL if facts["ordered"] else Kind.CATEGORICAL
            for name, facts in self.columns.items()
            if self.backend == "pandas"
            and facts.get("dtype") == "category"
            and not facts["of"].startswith(("str", "object"))
        }

    def to_dict(self) -> dict[str, Any]:
        """Give plain data from which `from_dict` makes it again, without the index."""
        return {"backend": self.backend, "columns": dict(self.columns)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Restore:
        """Make it again from what `to_dict` gave; in a stranger's file that may be anything."""
        backend, columns = data["backend"], dict(data["columns"])
        if backend not in ("polars", "pandas", "pyarrow"):
            raise ValueError("the kind of frame is unknown")
        if backend == "pandas":
            for facts in columns.values():
                pandas_frames.check_facts(facts)
        return cls(backend, columns)


def to_polars(data: Any) -> tuple[pl.DataFrame, Restore]:
    """Take in a frame of any library that we know.

    Parameters
    ----------
    data : DataFrame of polars or pandas, pyarrow Table, array, or an object that speaks Arrow

    Returns
    -------
    frame : polars DataFrame
    restore : Restore
        Gives frames of the same kind.

    Raises
    ------
    InputError
        If it is no eager frame, or a column cannot be taken in.

    Examples
    --------
    >>> frame, restore = to_polars(pl.DataFrame({"a": [1, 2]}))
    >>> restore(frame).equals(frame)
    True
    """
    frame, restore = _to_polars(data)
    return frame.rename(inner_name), restore


def _to_polars(data: Any) -> tuple[pl.DataFrame, Restore]:
    if nw.dependencies.is_narwhals_dataframe(data):
        return _to_polars(data.to_native())
    if isinstance(data, pl.DataFrame):
        return data, Restore()
    if nw.dependencies.is_pandas_dataframe(data):
        return _from_pandas(data)
    if nw.dependencies.is_pyarrow_table(data):
        return _from_arrow(data)
    if isinstance(data, pl.LazyFrame) or nw.dependencies.is_into_lazyframe(data):
        raise InputError(f"{type(data).__name__} is lazy; call .collect() or its like first")
    if isinstance(data, np.ndarray):
        return from_array(data), Restore()
    if hasattr(data, "__arrow_c_stream__"):
        return pl.DataFrame(data), Restore()
    raise InputError(
        f"a table is a DataFrame of pandas or polars, a pyarrow Table, an array of two dimensions "
        f"or a file, not {type(data).__module__}.{type(data).__qualname__}".replace(
            " builtins.", " "
        )
    )


def _from_pandas(data: Any) -> tuple[pl.DataFrame, Restore]:
    check_names([str(name) for name in data.columns])
    frame, columns = pandas_frames.to_polars(data)
    return frame, Restore("pandas", columns, data.index)


def check_names(names: list[str]) -> None:
    """Check that no name occurs twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5])
        raise InputError(f"the frame has {shown} more than once; rename the columns")


def _from_arrow(data: Any) -> tuple[pl.DataFrame, Restore]:
    check_names(data.column_names)
    names = zip(data.columns, data.column_names, strict=True)
    frame = pl.DataFrame({n: pandas_frames.arrow_to_series(column, n) for column, n in names})
    return frame, Restore("pyarrow", {"schema": pandas_frames.schema_to_text(data.schema)})


def _to_arrow(frame: pl.DataFrame, columns: Mapping[str, Any]) -> Any:
    pyarrow = pandas_frames.import_or_none("pyarrow")
    if pyarrow is None:
        return frame
    meant = pandas_frames.schema_from_text(columns["schema"])
    result = {
        series.name: pandas_frames.series_to_arrow(series, meant.field(series.name).type)
        if series.name in meant.names
        else series.to_arrow()
        for series in frame
    }
    fields = [
        meant.field(name) if name in meant.names else pyarrow.field(name, array.type)
        for name, array in result.items()
    ]
    return pyarrow.table(list(result.values()), schema=pyarrow.schema(fields))


def keep_cells(data: Any, filled: Any, mask: pl.DataFrame) -> Any:
    """Give filled rows the very cells of the user's frame wherever `mask` is false.

    Parameters
    ----------
    data : frame
        The user's rows.
    filled : frame of the same kind
        The same rows, with the columns of `mask`.
    mask : DataFrame of bool
        Which cells are new.
    """
    touched = {series.name for series in mask if series.any()}
    if nw.dependencies.is_pandas_dataframe(data) and hasattr(filled, "isetitem"):
        names = [inner_name(str(name)) for name in data.columns]
        for at, name in enumerate(mask.columns):
            column = data.iloc[:, names.index(name)]
            if name in touched:
                column = pandas_frames.merge_cells(column, filled.iloc[:, at], mask[name])
            filled.isetitem(at, column)
        filled.columns.name = data.columns.name
    elif nw.dependencies.is_pyarrow_table(data) and nw.dependencies.is_pyarrow_table(filled):
        for at, name in enumerate(mask.columns):
            if name not in touched:
                outer = outer_name(name)
                filled = filled.set_column(at, data.schema.field(outer), data[outer])
    return filled
