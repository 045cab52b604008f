"""Between typed rows (`tables.inference.casting`) and the float matrix that generators learn.

A `Matrix` has one float column per modelled column: numbers as they are, dates as days,
times and spans as microseconds, the values of discrete columns and texts as codes
0, 1, ..., and NaN for a missing value. Identifiers and constants are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.schema import Column, Kind, Schema, suggest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """One column as generators see it.

    Attributes
    ----------
    name : str
        Column name.
    levels : int
        Number of codes of a discrete field; 0 for a numeric one.
    ordered : bool
        Whether the codes stand in a meaningful order.
    step : float
        Values of a numeric field are multiples of it when they are written; 0 if unknown.
    target : bool
        Whether a model is to predict it.
    """

    name: str
    levels: int = 0
    ordered: bool = False
    step: float = 0.0
    target: bool = False

    @property
    def discrete(self) -> bool:
        """Whether the values are codes."""
        return self.levels > 0


@dataclass(frozen=True)
class Matrix:
    """Rows as floats, with what each column means.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
        NaN is a missing value.
    fields : tuple of Field
        One per column.
    """

    values: Floats
    fields: tuple[Field, ...]

    @property
    def target(self) -> int | None:
        """Position of the target, or None."""
        return next((j for j, field in enumerate(self.fields) if field.target), None)

    def take(self, rows: NDArray[Any]) -> Matrix:
        """Return some of the rows."""
        return Matrix(self.values[rows], self.fields)


class Codec:
    """Translates between frames and matrices; `fit` reads the values that occur.

    Parameters
    ----------
    schema : Schema
        What the columns mean.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "sex": "categorical"}, target="sex")
    >>> codec = Codec(schema).fit(pl.DataFrame({"age": [30, None], "sex": ["f", "m"]}))
    >>> codec.encode(pl.DataFrame({"age": [30, None], "sex": ["m", "f"]})).values
    array([[30.,  1.],
           [nan,  0.]])
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.columns = tuple(schema.modelled)

    def fit(self, frame: pl.DataFrame) -> Codec:
        """Read levels and steps off a frame.

        Raises
        ------
        InputError
            If a column is absent, or its values are not of the kind the schema says.
        """
        self._levels: dict[str, pl.Series] = {}
        self._dtypes: dict[str, pl.DataType] = {}
        steps: dict[str, float] = {}
        for column in self.columns:
            series = _column(frame, column.name)
            self._dtypes[column.name] = series.dtype
            if _is_coded(column):
                self._levels[column.name] = _find_levels(series, column)
            else:
                steps[column.name] = _find_step(_to_floats(series, column), column)
        self.fields = tuple(
            Field(
                column.name,
                len(self._levels.get(column.name, ())),
                column.kind is Kind.ORDINAL,
                steps.get(column.name, 0.0),
                column.name == self.schema.target,
            )
            for column in self.columns
        )
        return self

    @property
    def positions(self) -> dict[str, int]:
        """Where each modelled column stands in the matrix."""
        return {column.name: j for j, column in enumerate(self.columns)}

    def levels(self, name: str) -> list[Any]:
        """Values behind the codes of a discrete column, in order of the codes."""
        return self._levels[name].to_list()

    def encode(self, frame: pl.DataFrame) -> Matrix:
        """Turn a frame into a matrix; columns that are not modelled are left out.

        Raises
        ------
        InputError
            If a column is absent or holds a value that was not there when fitted.
        """
        values = np.empty((frame.height, len(self.columns)))
        for j, column in enumerate(self.columns):
            values[:, j] = self.encode_column(_column(frame, column.name))
        return Matrix(values, self.fields)

    def encode_column(self, series: pl.Series) -> Floats:
        """Turn the values of one column into floats of shape (n_rows,)."""
        column = self.schema[series.name]
        if not _is_coded(column):
            return _to_floats(series, column)
        return _to_codes(series, self._levels[column.name])

    def decode(self, values: Floats, names: Sequence[str] | None = None) -> pl.DataFrame:
        """Turn rows back into the user's values, rounded as the schema says.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_modelled)
            Rows of a matrix.
        names : sequence of str or None
            The columns wanted; all where None.
        """
        requested = [c for c in self.columns if names is None or c.name in names]
        where = self.positions
        return pl.DataFrame([self._decode(values[:, where[c.name]], c) for c in requested])

    def _decode(self, floats: Floats, column: Column) -> pl.Series:
        dtype = self._dtypes[column.name]
        if _is_coded(column):
            levels = self._levels[column.name]
            codes = pl.Series(floats).fill_nan(None).cast(pl.UInt32)
            return levels.gather(codes).alias(column.name).cast(dtype)
        return _from_floats(floats, column, dtype)

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return what `restore` needs: dtypes as an empty frame, levels as frames of one column."""
        levels = {f"levels/{n}": lv.alias("level").to_frame() for n, lv in self._levels.items()}
        return {"dtypes": pl.DataFrame(schema=self._dtypes), **levels}

    @classmethod
    def restore(
        cls, schema: Schema, fields: Sequence[Field], frames: Mapping[str, pl.DataFrame]
    ) -> Codec:
        """Make a fitted codec again from its fields and `frames`."""
        codec = cls(schema)
        codec.fields = tuple(fields)
        codec._dtypes = dict(frames["dtypes"].schema)
        codec._levels = {
            name.removeprefix("levels/"): frame["level"]
            for name, frame in frames.items()
            if name.startswith("levels/")
        }
        return codec


def _is_coded(column: Column) -> bool:
    return column.kind.is_discrete or column.kind is Kind.TEXT


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    column: pl.Series | None = frame.get_column(name, default=None)
    if column is None:
        raise InputError(f"the table has no column {name!r}{suggest(name, frame.columns)}")
    return column


def _find_levels(series: pl.Series, column: Column) -> pl.Series:
    """Give declared categories in their order, then what else occurs, sorted."""
    seen = _plain(series).drop_nulls().unique().sort()
    if not column.categories:
        return seen
    try:
        declared = pl.Series(column.name, column.categories).cast(seen.dtype).drop_nulls()
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"column {column.name!r}: the declared categories are not of its type "
            f"({series.dtype}): {column.categories[:5]}"
        ) from error
    return pl.concat([declared, seen.filter(~seen.is_in(declared.implode()))]).unique(
        maintain_order=True
    )


def _plain(series: pl.Series) -> pl.Series:
    """Text for polars categories, NaN as missing."""
    if series.dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    return series.fill_nan(None) if series.dtype.is_float() else series


def _to_codes(series: pl.Series, levels: pl.Series) -> Floats:
    plain = _plain(series)
    if plain.dtype != levels.dtype:
        plain = plain.cast(levels.dtype, strict=False)
    codes = plain.replace_strict(
        levels, np.arange(len(levels)), default=None, return_dtype=pl.Float64
    )
    unknown = codes.is_null() & _plain(series).is_not_null()
    if unknown.any():
        row = int(unknown.arg_max() or 0)
        value = series[row]
        raise InputError(
            f"column {series.name!r}, row {row}: the value {value!r} is not one of those "
            f"learned{suggest(str(value), levels.to_list())}"
        )
    return codes.fill_null(np.nan).to_numpy().astype(np.float64)


def _to_floats(series: pl.Series, column: Column) -> Floats:
    if series.dtype == pl.Null:
        return np.full(len(series), np.nan)
    try:
        number = _to_number(series, column).cast(pl.Float64)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"column {column.name!r} is not {column.kind.value}: {str(error).splitlines()[0]}"
        ) from error
    floats = number.fill_null(np.nan).to_numpy().astype(np.float64)
    if np.isinf(floats).any():
        row = int(np.isinf(floats).argmax())
        raise InputError(
            f"column {column.name!r}, row {row}: the value is infinite; "
            "replace it by a number or leave the cell empty"
        )
    return floats


def _to_number(series: pl.Series, column: Column) -> pl.Series:
    if column.kind is Kind.DATE:
        return series.cast(pl.Date).cast(pl.Int32)
    if column.kind is Kind.DATETIME:
        zone = getattr(series.dtype, "time_zone", None)
        return series.cast(pl.Datetime("us", zone)).dt.epoch("us")
    if column.kind is Kind.TIMEDELTA:
        return series.cast(pl.Duration("us")).cast(pl.Int64)
    return series


def _find_step(floats: Floats, column: Column) -> float:
    if column.kind is Kind.CONTINUOUS:
        return 0.0 if column.decimals is None else 10.0**-column.decimals
    if column.kind in (Kind.INTEGER, Kind.DATE):
        return 1.0
    whole = floats[~np.isnan(floats)].astype(np.int64)
    if len(whole) < 2:
        return 1.0
    return float(np.gcd.reduce(np.diff(np.unique(whole)))) or 1.0


def _from_floats(floats: Floats, column: Column, dtype: pl.DataType) -> pl.Series:
    if column.kind is Kind.CONTINUOUS:
        if column.decimals is not None:
            floats = np.round(floats, column.decimals)
        return pl.Series(column.name, floats).fill_nan(None).cast(dtype)
    whole = pl.Series(column.name, np.round(floats)).fill_nan(None).cast(pl.Int64)
    if column.kind is Kind.INTEGER:
        return whole.cast(dtype)
    if column.kind is Kind.TIMEDELTA:
        return whole.cast(pl.Duration("us")).cast(dtype)
    if column.kind is Kind.DATE:
        return whole.cast(pl.Int32).cast(pl.Date).cast(dtype)
    return whole.cast(pl.Datetime("us", getattr(dtype, "time_zone", None))).cast(dtype)
