"""pandas frames in and out, column by column through numpy, so that pyarrow need not be there."""

from __future__ import annotations

import base64
import datetime
import decimal
import importlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError


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
        # named last, since polars takes a name such as ^a.*$ for a pattern while it reads
        series.append(_to_series(column, str(name)).alias(str(name)))
    return pl.DataFrame({column.name: column for column in series}), facts


def _facts(column: Any, name: Any) -> dict[str, Any]:
    dtype = column.dtype
    plain = name.item() if isinstance(name, np.generic) else name
    facts: dict[str, Any] = {}
    facts["name"] = plain if isinstance(plain, bool | int | float | str) else str(plain)
    facts["dtype"] = "category" if hasattr(dtype, "categories") else str(dtype)
    if facts["dtype"] == "string":
        facts["dtype"] = f"string[{dtype.storage}]"
    if hasattr(dtype, "pyarrow_dtype"):
        pyarrow = import_or_none("pyarrow")
        facts["arrow"] = schema_to_text(pyarrow.schema([("x", dtype.pyarrow_dtype)]))
    if facts["dtype"] == "object":
        facts |= _offset(column) | _pandas_objects(column)
    if facts["dtype"] == "category":
        values = dtype.categories
        facts |= {"categories": values.tolist(), "ordered": bool(dtype.ordered)}
        facts["of"] = str(values.dtype)
        if values.dtype.kind not in "OifbUT" and facts["of"] not in ("string", "str"):
            facts["categories"] = [str(value) for value in values]
    return facts


def schema_to_text(schema: Any) -> str:
    """Write an Arrow schema as text that JSON can hold."""
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def schema_from_text(text: str) -> Any:
    """Read what `schema_to_text` wrote; nothing in it is run."""
    plain = base64.b64decode(text)
    if b"py_extension_type" in plain:  # versions of pyarrow before 14.0.1 would unpickle it
        raise InputError("the model's Arrow schema holds Python objects, which are not loaded")
    pyarrow = import_or_none("pyarrow")
    return pyarrow.ipc.read_schema(pyarrow.py_buffer(plain))


def arrow_to_series(array: Any, name: str) -> pl.Series:
    """Take an Arrow column; the values of an ordered dictionary keep their order."""
    kind = array.type
    if str(kind).startswith("dictionary") and kind.ordered and "string" in str(kind.value_type):
        chunks = array.unify_dictionaries().chunks if hasattr(array, "chunks") else [array]
        values = chunks[0].dictionary.to_pylist() if chunks else []
        return pl.Series(name, array.to_pylist(), dtype=pl.Enum(values))
    if str(kind) == "halffloat":
        return pl.Series(name, array.to_pylist(), dtype=pl.Float32)
    try:
        return pl.Series(name, array.cast(_plain_type(kind)))
    except (Exception, pl.exceptions.PanicException) as error:  # of Rust, of Arrow, of either
        raise InputError(
            f"column {name!r} has the Arrow type {kind}; turn it into numbers, text or dates"
        ) from error


def _plain_type(kind: Any) -> Any:
    """Return the Arrow type whose values polars reads: no dictionary, no offset for a zone."""
    pyarrow = import_or_none("pyarrow")
    if str(kind).startswith("dictionary"):
        is_text = "string" in str(kind.value_type)
        return kind if is_text else _plain_type(kind.value_type)
    if str(kind).startswith("timestamp") and str(kind.tz or "")[:1] in ("+", "-"):
        return pyarrow.timestamp(kind.unit, "UTC")
    if str(kind).startswith("decimal256"):
        return pyarrow.decimal128(38, kind.scale)
    return kind


def merge_cells(column: Any, filled: Any, mask: pl.Series) -> Any:
    """Return a pandas column with the cells of another one where `mask` is true."""
    if not hasattr(column.dtype, "pyarrow_dtype"):
        return column.where(~mask.to_numpy(), filled)
    pyarrow, pandas = import_or_none("pyarrow"), import_or_none("pandas")
    chunks = [chunk for part in (column, filled) for chunk in part.array.__arrow_array__().chunks]
    rows = np.arange(len(mask)) + len(mask) * mask.to_numpy()
    both = pyarrow.chunked_array(chunks, column.dtype.pyarrow_dtype)
    try:
        merged = both.take(pyarrow.array(rows))
    except pyarrow.ArrowNotImplementedError:  # a type that Arrow takes no rows of
        values = both.to_pylist()
        merged = pyarrow.array([values[row] for row in rows], both.type)
    return pandas.Series(pandas.arrays.ArrowExtensionArray(merged), index=column.index)


def series_to_arrow(series: pl.Series, kind: Any) -> Any:
    """Make an Arrow column of a type."""
    pyarrow = import_or_none("pyarrow")
    if not str(kind).startswith("dictionary"):
        array = series.to_arrow()
        if str(kind) == "halffloat":
            floats = series.cast(pl.Float32).fill_null(0).to_numpy().astype(np.float16)
            return pyarrow.array(floats, mask=series.is_null().to_numpy())
        return array.cast(kind)
    if isinstance(series.dtype, pl.Enum):
        codes, values = series.to_physical().to_arrow(), series.dtype.categories.to_arrow()
    else:
        named = series.dtype == pl.Categorical
        plain = (series.cast(pl.String) if named else series).to_arrow().cast(kind.value_type)
        codes, values = (encoded := plain.dictionary_encode()).indices, encoded.dictionary
    return pyarrow.DictionaryArray.from_arrays(
        codes.cast(kind.index_type), values.cast(kind.value_type), ordered=kind.ordered
    )


def _offset(column: Any) -> dict[str, Any]:
    """Note the offset of moments in an object column that have one without a zone."""
    moments = [v for v in column if isinstance(v, datetime.datetime) and v == v and v.tzinfo]
    offsets = {moment.utcoffset() for moment in moments}
    if len(offsets) != 1 or any(hasattr(m.tzinfo, "key") for m in moments):
        return {}
    (offset,) = offsets
    return {} if offset is None else {"offset": offset.total_seconds()}


def _pandas_objects(column: Any) -> dict[str, Any]:
    """Note whether an object column holds Timestamps or Timedeltas of pandas."""
    names = {type(value).__name__ for value in column[column.notna().to_numpy()]}
    return {"objects": names.pop()} if names in ({name} for name in _OBJECTS) else {}


def _to_series(column: Any, name: str) -> pl.Series:
    dtype = column.dtype
    text = str(dtype)
    if text.startswith(("Sparse", "period", "interval", "complex")):
        raise InputError(
            f"column {name!r} has the pandas dtype {text}; turn it into numbers, dates or text"
        )
    if hasattr(dtype, "pyarrow_dtype"):
        return arrow_to_series(column.array.__arrow_array__(), name)
    if hasattr(dtype, "categories"):
        return _from_category(column, name)
    if dtype.kind == "M":
        return _from_moments(column, name)
    if dtype.kind == "m":
        return pl.Series("", column.to_numpy().astype("timedelta64[us]"))
    if dtype.kind in "iufb":
        return _from_numbers(column, name)
    return _from_objects(column, name)


def _from_category(column: Any, name: str) -> pl.Series:
    values = column.cat.categories
    plain = column.astype(values.dtype) if not column.isna().any() else column.astype(object)
    if column.cat.ordered and all(isinstance(value, str) for value in values):
        return pl.Series("", _with_none(column), dtype=pl.Enum(list(values)))
    return _to_series(plain, name)


def _from_moments(column: Any, name: str) -> pl.Series:
    zone = getattr(column.dtype, "tz", None)
    if zone is None:
        return pl.Series("", column.to_numpy().astype("datetime64[us]"))
    utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    series = pl.Series("", utc).dt.replace_time_zone("UTC")
    return series.dt.convert_time_zone(str(zone)) if "UTC" not in str(zone) else series


def _from_numbers(column: Any, name: str) -> pl.Series:
    if isinstance(column.dtype, np.dtype):
        numbers = np.ascontiguousarray(column.to_numpy())
        if numbers.dtype not in (np.float32, np.float64) and numbers.dtype.kind == "f":
            numbers = numbers.astype(np.float32 if numbers.itemsize == 2 else np.float64)
        values = pl.Series("", numbers)
        return values.fill_nan(None) if values.dtype.is_float() else values
    plain = column.to_numpy(dtype=column.dtype.numpy_dtype, na_value=False)
    return pl.Series("", plain).set(pl.Series(column.isna().to_numpy()), None)


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
        return _from_decimals(values, name)
    if "moments" in kinds:
        return _from_datetimes(values, name)
    dtype = pl.String if not kinds or "text" in kinds else None
    return pl.Series("", values, dtype=dtype, strict=False)


def _from_decimals(values: list[Any], name: str) -> pl.Series:
    if any(value is not None and not value.is_finite() for value in values):
        raise InputError(f"column {name!r} holds infinite decimals; leave those cells empty")
    scales = [-int(value.as_tuple().exponent) for value in values if value is not None]
    try:
        return pl.Series("", values, dtype=pl.Decimal(38, max(0, *scales, 0)))
    except (pl.exceptions.PolarsError, RuntimeError, OverflowError, ValueError) as error:
        raise InputError(
            f"column {name!r} holds decimals of more than 38 digits; round them"
        ) from error


def _from_datetimes(values: list[Any], name: str) -> pl.Series:
    """Take moments, with one time zone or without."""
    zones = {value.tzinfo for value in values if value is not None}
    if None in zones and len(zones) > 1:
        raise InputError(
            f"column {name!r} mixes moments with and without a time zone; give all of them one"
        )
    if None in zones:
        return pl.Series("", values, strict=False)
    utc = [None if v is None else v.astimezone(datetime.UTC).replace(tzinfo=None) for v in values]
    series = pl.Series("", utc, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")
    keys = {getattr(zone, "key", "UTC") for zone in zones}
    return series.dt.convert_time_zone(keys.pop()) if len(keys) == 1 else series


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


_FACTS: dict[str, type | tuple[type, ...]] = {
    "name": (bool, int, float, str),
    "dtype": str,
    "arrow": str,
    "objects": str,
    "offset": (int, float),
    "categories": list,
    "ordered": bool,
    "of": str,
}
_OBJECTS = ("Timestamp", "Timedelta")
"""What of pandas may be made of cells: a file names it, and must not name a function to call."""


def check_facts(facts: Mapping[str, Any]) -> None:
    """Check what a file says of a column.

    Raises
    ------
    ValueError
        If `to_polars` cannot have noted it.
    """
    for name, value in facts.items():
        if not isinstance(value, _FACTS.get(name, object)):
            raise ValueError(f"{name} is of another type")
    if facts.get("objects", _OBJECTS[0]) not in _OBJECTS:
        raise ValueError("the kind of objects is unknown")


def from_polars(frame: pl.DataFrame, columns: Mapping[str, Any], index: Any = None) -> Any:
    """Make a pandas DataFrame with the dtypes and names that `to_polars` noted.

    Where pandas is not installed, the polars frame is given back.
    """
    pandas = import_or_none("pandas")
    if pandas is None:
        return frame
    data = {
        name: _to_pandas(pandas, frame[name].alias(""), columns.get(name, {}))
        for name in frame.columns
    }
    result = pandas.DataFrame(data, index=pandas.RangeIndex(frame.height))
    result.columns = pandas.Index([columns.get(n, {}).get("name", n) for n in frame.columns])
    return result if index is None else result.set_axis(index, axis=0)


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
    if "arrow" in facts and import_or_none("pyarrow") is not None:
        kind = schema_from_text(facts["arrow"]).field(0).type
        array = pandas.arrays.ArrowExtensionArray(series_to_arrow(series, kind))
        return pandas.Series(array)
    if dtype == "object":
        return pandas.Series(_to_objects(series, facts), dtype=object)
    if re.fullmatch(r"u?int\d+|bool", dtype) and series.null_count():
        dtype = "object" if dtype == "bool" else "float64"
    if series.dtype.is_numeric() and dtype.startswith("float"):
        return pandas.Series(series.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=dtype)
    if series.dtype.is_numeric() and not series.null_count():
        return pandas.Series(series.to_numpy(), dtype=dtype)
    return pandas.Series(pandas.array(series.to_list(), dtype=dtype))


def _to_objects(series: pl.Series, facts: Mapping[str, Any]) -> list[Any]:
    if "objects" in facts:
        of_pandas = getattr(import_or_none("pandas"), facts["objects"])
        return [of_pandas(value) for value in series]
    if "offset" not in facts or not isinstance(series.dtype, pl.Datetime):
        return series.to_list()
    zone = datetime.timezone(datetime.timedelta(seconds=float(facts["offset"])))
    return [None if value is None else value.astimezone(zone) for value in series]


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
        listed = _to_pandas(pandas, series, {"dtype": facts["of"]})
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
