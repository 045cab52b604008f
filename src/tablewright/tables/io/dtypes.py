"""polars data types as short text: ``"Int64"``, ``"Datetime[us, UTC]"``."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from tablewright.errors import SchemaError

_PLAIN: dict[str, Any] = {
    str(dtype): dtype
    for dtype in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128),
        *(pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float16, pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Date, pl.Time, pl.Null),
    )
} | {"Categorical": pl.Categorical, "Enum": pl.String}
_PARAMETRIC: dict[str, Any] = {
    r"Datetime\[(ns|us|ms)(?:, (.+))?\]": pl.Datetime,
    r"Duration\[(ns|us|ms)\]": pl.Duration,
    r"Decimal\[(\d{1,2}), (\d{1,2})\]": lambda *digits: pl.Decimal(*map(int, digits)),
}


def dtype_to_text(dtype: pl.DataType) -> str:
    """Name a data type; an Enum loses its values, which a schema keeps as categories.

    Examples
    --------
    >>> dtype_to_text(pl.Datetime("ms", "UTC")), dtype_to_text(pl.Int8())
    ('Datetime[ms, UTC]', 'Int8')
    """
    if isinstance(dtype, pl.Datetime):
        zone = f", {dtype.time_zone}" if dtype.time_zone else ""
        return f"Datetime[{dtype.time_unit}{zone}]"
    if isinstance(dtype, pl.Duration):
        return f"Duration[{dtype.time_unit}]"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal[{dtype.precision}, {dtype.scale}]"
    return "Enum" if isinstance(dtype, pl.Enum) else str(dtype)


def dtype_from_text(text: str, categories: list[Any] | None = None) -> Any:
    """Give the data type of that name.

    Parameters
    ----------
    text : str
        What `dtype_to_text` wrote.
    categories : list or None, default=None
        Values of an ``Enum``.

    Raises
    ------
    SchemaError
        If there is no such type.

    Examples
    --------
    >>> dtype_from_text("Datetime[ms, UTC]")
    Datetime(time_unit='ms', time_zone='UTC')
    """
    if text == "Enum" and categories:
        return pl.Enum([str(value) for value in categories])
    if text in _PLAIN:
        return _PLAIN[text]
    for pattern, make in _PARAMETRIC.items():
        if parts := re.fullmatch(pattern, text):
            return make(*parts.groups())
    raise SchemaError(f"{text!r} is not a data type that polars has")
