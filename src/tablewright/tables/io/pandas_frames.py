"""pandas frames in and out, column by column through numpy, so that pyarrow need not be there."""

from __future__ import annotations

import datetime
import decimal
import importlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError

__all__ = ["from_polars", "import_or_none", "to_polars"]


def import_or_none(name: str) -> Any:
    """Import a package that the user may have."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def to_polars(data: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Take in a pandas DataFrame.

    Returns
    -------
    frame : polars DataFrame
    columns : dict
        Per column (its name as text): the pandas name, the pandas dtype as text, and the
        categories and their order; plain data.

    Raises
    ------
    InputError
        If column names have several levels, or a column cannot be taken in.
    """
    if getattr(data.columns, "nlevels", 1) > 1:
        raise InputError(
            "the frame's column names have several levels; join them into one, for instance "
            "by frame.columns = ['_'.join(map(str, c)) for c in frame.columns]"
        )
    series, facts = [], {}
    for position, name in enumerate(data.columns):
        column = data.iloc[:, position]
        facts[str(name)] = _facts(column, name)
        series.append(_to_series(column, str(name)))
    return pl.DataFrame(series), facts


def _facts(column: Any, name: Any) -> dict[str, Any]:
    dtype = column.dtype
    plain = name.item() if isinstance(name, np.generic) else name
    facts: dict[str, Any] = {}
    facts["name"] = plain if isinstance(plain, bool | int | float | str) else str(plain)
    facts["dtype"] = "category" if hasattr(dtype, "categories") else str(dtype)
    if facts["dtype"] == "string":
        facts["dtype"] = f"string[{dtype.storage}]"
    if facts["dtype"] == "category":
        values = dtype.categories
        facts |= {"categories": values.tolist(), "ordered": bool(dtype.ordered)}
        facts["of"] = str(values.dtype)
        if values.dtype.kind not in "OifbUT" and facts["of"] not in ("string", "str"):
            facts["categories"] = [str(value) for value in values]
    return facts


def _to_series(column: Any, name: str) -> pl.Series:
    dtype = column.dtype
    text = str(dtype)
    if text.startswith(("Sparse", "period", "interval", "complex")):
        raise InputError(
            f"column {name!r} has the pandas dtype {text}; turn it into numbers, dates or text"
        )
    if hasattr(dtype, "pyarrow_dtype"):
        return pl.Series(name, column.array.__arrow_array__())
    if hasattr(dtype, "categories"):
        return _from_category(column, name)
    if dtype.kind == "M":
        return _from_moments(column, name)
    if dtype.kind == "m":
        return pl.Series(name, column.to_numpy().astype("timedelta64[us]"))
    if dtype.kind in "iufb":
        return _from_numbers(column, name)
    return _from_objects(column, name)


def _from_category(column: Any, name: str) -> pl.Series:
    values = column.cat.categories
    plain = column.astype(values.dtype) if not column.isna().any() else column.astype(object)
    if column.cat.ordered and all(isinstance(value, str) for value in values):
        return pl.Series(name, _with_none(column), dtype=pl.Enum(list(values)))
    return _to_series(plain, name)


def _from_moments(column: Any, name: str) -> pl.Series:
    zone = getattr(column.dtype, "tz", None)
    if zone is None:
        return pl.Series(name, column.to_numpy().astype("datetime64[us]"))
    utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    series = pl.Series(name, utc).dt.replace_time_zone("UTC")
    return series.dt.convert_time_zone(str(zone)) if "UTC" not in str(zone) else series


def _from_numbers(column: Any, name: str) -> pl.Series:
    if isinstance(column.dtype, np.dtype):
        values = pl.Series(name, np.ascontiguousarray(column.to_numpy()))
        return values.fill_nan(None) if values.dtype.is_float() else values
    plain = column.to_numpy(dtype=column.dtype.numpy_dtype, na_value=False)
    return pl.Series(name, plain).set(pl.Series(column.isna().to_numpy()), None)


def _with_none(column: Any) -> list[Any]:
    values = column.astype(object)
    return list(values.where(column.notna().to_numpy(), None))


def _from_objects(column: Any, name: str) -> pl.Series:
    """Take in Python objects, which must all be of one type."""
    values = [v.item() if isinstance(v, np.generic) else v for v in _with_none(column)]
    kinds: dict[str, int] = {}
    for row, value in enumerate(values):
        if value is not None:
            kinds.setdefault(_kind(value, name, row), row)
    if len(kinds) > 1:
        (one, at), (other, there) = sorted(kinds.items(), key=lambda item: item[1])[:2]
        raise InputError(
            f"column {name!r} mixes {one} and {other}: row {at} holds {values[at]!r}, row {there} "
            f"holds {values[there]!r}; make them one type"
        )
    if "decimals" in kinds:
        values = [None if value is None else float(value) for value in values]
    dtype = pl.String if not kinds or "text" in kinds else None
    return pl.Series(name, values, dtype=dtype, strict=False)


def _kind(value: Any, name: str, row: int) -> str:
    for kind, types in _KINDS.items():
        if isinstance(value, types):
            return kind
    raise InputError(
        f"column {name!r}, row {row}: a {type(value).__name__} is no value of a table; turn the "
        "column into numbers, text or dates"
    )


_KINDS: dict[str, Any] = {
    "truth values": bool,
    "numbers": (int, float),
    "text": str,
    "decimals": decimal.Decimal,
    "moments": datetime.datetime,
    "dates": datetime.date,
    "spans of time": datetime.timedelta,
    "times of day": datetime.time,
}


def from_polars(frame: pl.DataFrame, columns: Mapping[str, Any], index: Any = None) -> Any:
    """Make a pandas DataFrame with the dtypes and names that `to_polars` noted.

    Where pandas is not installed, the polars frame is given back.
    """
    pandas = import_or_none("pandas")
    if pandas is None:
        return frame
    data = {name: _to_pandas(pandas, frame[name], columns.get(name, {})) for name in frame.columns}
    made = pandas.DataFrame(data, index=pandas.RangeIndex(frame.height))
    made.columns = pandas.Index([columns.get(n, {}).get("name", n) for n in frame.columns])
    return made if index is None else made.set_axis(index, axis=0)


def _to_pandas(pandas: Any, series: pl.Series, facts: Mapping[str, Any]) -> Any:
    dtype = facts.get("dtype")
    if dtype == "category":
        return _to_category(pandas, series, facts)
    if dtype is None:
        dtype = _usual_dtype(series.dtype)
    if dtype.startswith("datetime64"):
        return _to_moments(pandas, series, dtype)
    if dtype.startswith("timedelta64"):
        return pandas.Series(series.cast(pl.Duration("us")).to_numpy()).astype(dtype)
    if dtype == "object":
        return pandas.Series(series.to_list(), dtype=object)
    if re.fullmatch(r"u?int\d+|bool", dtype) and series.null_count():
        dtype = "object" if dtype == "bool" else "float64"
    if series.dtype.is_numeric() and dtype.startswith("float"):
        return pandas.Series(series.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=dtype)
    if series.dtype.is_numeric() and not series.null_count():
        return pandas.Series(series.to_numpy(), dtype=dtype)
    return pandas.Series(pandas.array(series.to_list(), dtype=dtype))


def _usual_dtype(dtype: pl.DataType) -> str:
    if dtype.is_temporal() and dtype in (pl.Datetime, pl.Date):
        return "datetime64[us]"
    if dtype == pl.Duration:
        return "timedelta64[us]"
    if dtype.is_integer():
        return "int64"
    if dtype.is_numeric():
        return "float64"
    return "bool" if dtype == pl.Boolean else "object"


def _to_category(pandas: Any, series: pl.Series, facts: Mapping[str, Any]) -> Any:
    values = pandas.Index(facts["categories"]).astype(facts["of"])
    if series.dtype.is_temporal():
        listed = _to_moments(pandas, series, facts["of"])
    else:
        plain = series.cast(pl.String) if series.dtype in (pl.Enum, pl.Categorical) else series
        listed = plain.to_list()
    return pandas.Series(pandas.Categorical(listed, categories=values, ordered=facts["ordered"]))


def _to_moments(pandas: Any, series: pl.Series, dtype: str) -> Any:
    if series.dtype == pl.Date:
        series = series.cast(pl.Datetime("us"))
    zone = getattr(series.dtype, "time_zone", None)
    if zone:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    plain = pandas.Series(series.cast(pl.Datetime("us")).to_numpy())
    if "," not in dtype:
        return plain.astype(dtype)
    return plain.dt.tz_localize("UTC").astype(dtype)
