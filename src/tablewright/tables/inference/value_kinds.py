"""Kinds of columns whose values have a data type: numbers, dates, truth values, categories."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.schema import Kind
from tablewright.tables.inference.dates import DIGIT_DATE, is_digit_date, parse_dates
from tablewright.tables.inference.guess import Guess
from tablewright.tables.inference.sentinels import find_numeric_sentinels

Floats = NDArray[np.float64]

__all__ = ["guess_values", "is_named_like_a_key"]

MAX_SCALE = 10
"""Few numbers, each often: a scale of grades rather than a quantity."""

_KEY_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|idx|nr|no|row|rowid)$", re.IGNORECASE)
_CAMEL_KEY = re.compile(r"(?<=[a-z])(ID|Id|Key|No)$")
_CODE_NAME = re.compile(r"(zip|post(al)?_?code|plz|area_?code|(^|[_\W])code$)", re.IGNORECASE)
_TIME_NAME = re.compile(r"(year|month|week|day|hour|date|time|age$)", re.IGNORECASE)


def is_named_like_a_key(name: str) -> bool:
    """Tell whether a name says that the values tell rows apart: ``patient_id``, ``rowid``."""
    return bool(_KEY_NAME.search(name) or _CAMEL_KEY.search(name))


def guess_values(series: pl.Series) -> Guess:
    """Guess the kind of a column that is not text."""
    dtype = series.dtype
    if dtype == pl.Null:
        return Guess(Kind.CONSTANT, values=series)
    if dtype.is_numeric():
        return guess_numbers(series)
    present = series.drop_nulls()
    if present.n_unique() == 1 and not series.null_count():
        return Guess(Kind.CONSTANT, why="every row has the same value", values=series)
    if dtype == pl.Boolean:
        return Guess(Kind.BOOLEAN, why="the data type is boolean", values=series)
    if dtype.is_temporal():
        return _guess_times(series)
    if isinstance(dtype, pl.Enum):
        why = "the data type lists its values in order"
        return Guess(Kind.ORDINAL, 0.8, why, series)
    return Guess(Kind.CATEGORICAL, why="the data type is categorical", values=series)


def _guess_times(series: pl.Series) -> Guess:
    why = f"the data type is {series.dtype}"
    if series.dtype == pl.Date:
        return Guess(Kind.DATE, why=why, values=series)
    if series.dtype in (pl.Duration, pl.Time):
        return Guess(Kind.TIMEDELTA, why=why, values=series)
    if (series.drop_nulls().dt.time() == pl.Series([0]).cast(pl.Time)[0]).all():
        why += " and every value is midnight"
        return Guess(Kind.DATE, 0.95, why, series)
    return Guess(Kind.DATETIME, why=why, values=series)


def guess_numbers(series: pl.Series) -> Guess:
    """Guess the kind of a column of numbers."""
    if series.dtype.is_float():
        series = series.fill_nan(None)
    present = series.drop_nulls()
    if not len(present):
        return Guess(Kind.CONSTANT, values=series)
    floats = present.cast(pl.Float64).to_numpy()
    distinct = np.unique(floats)
    if len(distinct) == 1 and not series.null_count():
        return Guess(Kind.CONSTANT, why="every row has the same value", values=series)
    whole = bool(np.all(np.abs(floats) < 2**53) and np.all(floats == np.round(floats)))
    if not whole and not series.dtype.is_integer():
        return _guess_decimals(series, floats, distinct)
    return _guess_whole(series, floats, distinct)


def _guess_decimals(series: pl.Series, floats: Floats, distinct: Floats) -> Guess:
    codes = tuple(find_numeric_sentinels(floats))
    n_values = len(distinct) - len(codes)
    if n_values <= MAX_SCALE and len(floats) >= 20 * n_values:
        why = f"only {n_values} different numbers, each often"
        return Guess(Kind.ORDINAL, 0.6, why, series, codes)
    return Guess(Kind.CONTINUOUS, 0.99, "numbers with digits after the point", series, codes)


def _guess_whole(series: pl.Series, floats: Floats, distinct: Floats) -> Guess:
    codes = tuple(int(code) for code in find_numeric_sentinels(floats))
    if len(distinct) <= 2:
        return _guess_pair(series, distinct)
    if is_digit_date(series.drop_nulls()):
        days = parse_dates(series.cast(pl.Int64).cast(pl.String), DIGIT_DATE)
        why = f"digits that are dates in every row, from {days.min()!s} to {days.max()!s}"
        return Guess(Kind.DATE, 0.9, why, days, format=DIGIT_DATE)
    key = _guess_key(series, floats, distinct)
    if key is not None:
        return key
    if _CODE_NAME.search(series.name):
        why = "the name says that the numbers are codes"
        return Guess(Kind.CATEGORICAL, 0.8, why, series, codes)
    values = distinct[~np.isin(distinct, codes)]
    if _is_scale(floats, values):
        why = f"only {len(values)} different whole numbers, each often"
        return Guess(Kind.ORDINAL, 0.7, why, series, codes)
    confidence = 0.95 if len(distinct) > 20 else 0.8
    return Guess(Kind.INTEGER, confidence, "whole numbers", series, codes)


def _is_scale(floats: Floats, values: Floats) -> bool:
    """Tell grades from counts: few values, none of them rare."""
    if len(values) > MAX_SCALE or len(floats) < 5 * len(values):
        return False
    rarest = min(int(np.count_nonzero(floats == value)) for value in values)
    return rarest >= max(2, 0.002 * len(floats))


def _guess_pair(series: pl.Series, distinct: Floats) -> Guess:
    if set(distinct.tolist()) == {0.0, 1.0}:
        return Guess(Kind.BOOLEAN, 0.9, "the values are 0 and 1", series)
    return Guess(Kind.CATEGORICAL, 0.7, f"{len(distinct)} different numbers", series)


def _guess_key(series: pl.Series, floats: Floats, distinct: Floats) -> Guess | None:
    """Take numbers that tell rows apart for an identifier."""
    if len(distinct) < len(series) or len(series) < 10:
        return None
    named = is_named_like_a_key(series.name)
    steps = np.diff(floats)
    counted = bool(np.all(steps == steps[0])) and not _TIME_NAME.search(series.name)
    if not (named or (counted and abs(steps[0]) == 1)):
        return None
    why = "every row has a number of its own" + (", and they count up" if counted else "")
    return Guess(Kind.IDENTIFIER, 0.95 if named and counted else 0.85, why, series)
