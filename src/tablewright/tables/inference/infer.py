"""What kind each column is, how sure that is, and why: `infer_schema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError, SchemaError
from tablewright.schema import Column, Dialect, Kind, Schema, inner_name, outer_name, suggest
from tablewright.tables.inference import kinds
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.inference.kinds import EXACT, Guess
from tablewright.tables.inference.times import times_to_iso
from tablewright.tables.io.dtypes import dtype_to_text

MAX_CLASSES = 20
"""A target of whole numbers with at most so many values is a class, not a quantity."""


def infer_schema(
    frame: pl.DataFrame,
    overrides: Mapping[str, Any] | None = None,
    target: str | None = None,
    dialect: Dialect | None = None,
) -> Schema:
    """Find out what the columns of a table mean.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        As `tables.io.files.read_frame` or `tables.io.frames.to_polars` give it.
    overrides : mapping or None, default=None
        What a person knows better: for a column its kind, or a mapping of fields of `Column`.
    target : str or None, default=None
        The column that a model is to predict.
    dialect : Dialect or None, default=None
        How the file of the table is written, where it came from one.

    Returns
    -------
    Schema
        Each column with a confidence from 0 to 1 and one sentence why.

    Raises
    ------
    InputError
        If the table has fewer than two rows or columns, or holds infinite values, or a column
        has no values at all, or mixes numbers with stray text.
    SchemaError
        If an override or the target does not fit the table.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": ["39", "50", "?", "28"], "sex": ["m", "f", "m", "f"]})
    >>> schema = infer_schema(frame, overrides={"sex": "categorical"})
    >>> schema["age"].kind.value, schema["age"].sentinels, schema["sex"].categories
    ('integer', ['?'], ['f', 'm'])
    """
    target = None if target is None else inner_name(target)
    given = {inner_name(str(name)): fields for name, fields in (overrides or {}).items()}
    overrides = _check_overrides(frame, given)
    _check_shape(frame)
    if target is not None and target not in frame.columns:
        raise SchemaError(f"the target {target!r} is not a column{suggest(target, frame.columns)}")
    marks = kinds.number_marks(frame, dialect or Dialect())
    columns = [
        _infer_column(series, overrides.get(series.name, {}), series.name == target, marks.decimal)
        for series in frame
    ]
    schema = Schema.build(columns, target, None if dialect is None else marks)
    if target is not None:
        _check_target(schema[target])
    return schema


def _check_overrides(frame: pl.DataFrame, overrides: Mapping[str, Any]) -> dict[str, Any]:
    for name in overrides:
        if name not in frame.columns:
            raise SchemaError(
                f"the schema names {name!r}, which the table lacks{suggest(name, frame.columns)}"
            )
    given = {
        name: dict(fields) if isinstance(fields, Mapping) else {"kind": fields}
        for name, fields in overrides.items()
    }
    for fields in given.values():
        fields.pop("dtype", None)  # a fact of the file at hand, not of the column
        if "sentinels" in fields:
            fields.setdefault("missing", "declared" if fields["sentinels"] else "empty")
    return given


def _check_shape(frame: pl.DataFrame) -> None:
    if frame.width < 2:
        raise InputError(
            f"the table has {frame.width} column{'s' * (frame.width != 1)}; at least two are "
            "needed (is the separator another one than comma, semicolon, tab or bar? say in the "
            "schema file: 'dialect: {separator: \"^\"}')"
        )
    if frame.height < 2:
        rows = "one row" if frame.height else "no rows"
        raise InputError(f"the table has {rows}; there must be at least two to learn from")


def _check_target(column: Column) -> None:
    if column.kind is Kind.CONSTANT:
        raise InputError(
            f"the target {column.name!r} has the same value in every row; "
            "choose another target or add rows of another class"
        )
    if column.kind is Kind.IDENTIFIER:
        raise InputError(
            f"the target {column.name!r} is an identifier ({column.reason}); choose another target "
            "or say its kind in the schema"
        )


def _infer_column(
    series: pl.Series, given: Mapping[str, Any], is_target: bool, decimal: str | None
) -> Column:
    _check_dtype(series)
    if "kind" in given:
        guess = _as_given(series, given, decimal)
    else:
        guess = _guess(series, given, is_target, decimal)
    draft = Column(
        name=series.name,
        kind=guess.kind,
        dtype=dtype_to_text(series.dtype),
        sentinels=list(guess.sentinels),
        missing=guess.missing,  # type: ignore[arg-type]  # one of its literals
        format=guess.format,
        confidence=guess.confidence,
        reason=guess.reason,
        note=guess.note,
    )
    draft = _override(draft, {k: v for k, v in given.items() if k in ("format", "sentinels")})
    return _override(describe(series, draft, guess.values), given)


def _override(column: Column, given: Mapping[str, Any]) -> Column:
    if not given:
        return column
    return Schema(columns=[column]).override(**{column.name: given})[column.name]


def _check_dtype(series: pl.Series) -> None:
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise InputError(
            f"column {series.name!r} holds {series.dtype} values; turn them into numbers, text "
            "or dates, or leave the column out"
        )
    if series.dtype.is_float() and series.is_infinite().any():
        row = int(series.is_infinite().fill_null(False).arg_max() or 0)
        raise InputError(
            f"column {series.name!r}, row {row}: the value is infinite; replace it by a number "
            "or leave the cell empty"
        )


def _as_given(series: pl.Series, given: Mapping[str, Any], decimal: str | None) -> Guess:
    """Read a column as the kind that a person named."""
    kind = _kind(series.name, given["kind"])
    known = {k: given[k] for k in ("format", "sentinels", "missing", "categories") if k in given}
    column = _override(Column(name=series.name, kind=kind), known)
    if series.dtype == pl.String:
        return kinds.read_as(series, column, decimal).but(missing=column.missing)
    return Guess(kind, values=typed_series(series, column))


def _kind(name: str, said: Any) -> Kind:
    try:
        return Kind(said)
    except ValueError as error:
        raise SchemaError(
            f"column {name!r}: there is no kind {str(said)[:40]!r}{suggest(str(said), Kind)}"
        ) from error


def _guess(
    series: pl.Series, given: Mapping[str, Any], is_target: bool, decimal: str | None
) -> Guess:
    if series.dtype == pl.String:
        sentinels, missing = tuple(given.get("sentinels", ())), given.get("missing", "usual")
        guess = kinds.guess_text(series, sentinels, missing, decimal)
    else:
        guess = kinds.guess_values(series)
    if guess.values is not None and guess.values.null_count() == len(series):
        name = series.name
        if not outer_name(name).strip():
            raise InputError(
                "the last column has no name and no value in any row; remove it from the table"
            )
        raise InputError(
            f"column {name!r} has no value in any row; remove the column, or keep it "
            f"empty with '{name}: constant' in the schema"
        )
    return _as_class(guess) if is_target else guess


def _as_class(guess: Guess) -> Guess:
    values = guess.values
    if guess.kind not in (Kind.INTEGER, Kind.ORDINAL) or values is None:
        return guess
    n_values = values.drop_nulls().n_unique()
    if n_values > min(MAX_CLASSES, max(2, len(values) // 2)):
        return guess
    return guess.but(
        kind=Kind.CATEGORICAL,
        confidence=0.8,
        reason=f"the target has {n_values} whole numbers as values: classes",
    )


# what the values show -------------------------------------------------------------------------

MAX_DECIMALS = 10


def describe(series: pl.Series, column: Column, values: pl.Series | None = None) -> Column:
    """Fill in what the values of a column show.

    Parameters
    ----------
    series : Series
        As it came.
    column : Column
        Name, kind, data type and format.
    values : Series or None, default=None
        The values read as what they mean, where that is known already.
    """
    read = typed_series(series, column) if values is None else values
    if read.dtype.is_float():
        read = read.fill_nan(None)
    present = read.drop_nulls()
    facts: dict[str, Any] = {"nullable": bool(read.null_count())}
    if column.kind.is_discrete or column.kind is Kind.CONSTANT:
        facts["categories"] = _categories(read, present)
    elif column.kind.is_numeric and len(present):
        facts |= _range(present, column)
    return column.model_copy(update=facts)


def _categories(series: pl.Series, present: pl.Series) -> list[Any]:
    if isinstance(series.dtype, pl.Enum):
        return series.dtype.categories.to_list()
    if series.dtype.is_temporal():
        present = times_to_iso(present)
    if present.dtype == pl.Categorical:
        present = present.cast(pl.String)
    if isinstance(present.dtype, pl.Decimal) or present.dtype == pl.Float16:
        present = present.cast(pl.Float64)
    return present.unique().sort().to_list()


def _range(present: pl.Series, column: Column) -> dict[str, Any]:
    if column.kind is Kind.DATE:
        ends = present.cast(pl.Date)
        return {"minimum": str(ends.min()), "maximum": str(ends.max())}
    if column.kind is Kind.DATETIME:
        low, high = present.sort()[[0, -1]]
        return {"minimum": low.isoformat(), "maximum": high.isoformat()}
    if column.kind is Kind.TIMEDELTA:
        seconds = typed_series(present, column).cast(pl.Duration("us")).cast(pl.Int64) / 1e6
        return {"minimum": seconds.min(), "maximum": seconds.max()}
    if column.kind is Kind.INTEGER and (present.cast(pl.Float64).abs() >= EXACT).any():
        raise SchemaError(
            f"column {column.name!r} holds whole numbers beyond {EXACT:,}, which lose digits when "
            "they are learned as numbers; say 'kind: identifier' or 'kind: categorical'"
        )
    return _number_range(present.cast(pl.Float64).to_numpy(), column)


def _number_range(floats: NDArray[np.float64], column: Column) -> dict[str, Any]:
    codes = [code for code in column.sentinels if isinstance(code, int | float)]
    kept = floats[~np.isin(floats, codes)] if codes else floats
    kept = kept if len(kept) else floats
    ends = {"minimum": float(kept.min()), "maximum": float(kept.max())}
    if column.kind is Kind.INTEGER:
        return {**ends, "decimals": 0}
    return {**ends, "decimals": count_decimals(floats)}


def count_decimals(floats: NDArray[np.float64]) -> int | None:
    """Find how many digits after the point the values are written with.

    Returns
    -------
    int or None
        From 0 to 10; None where a value needs more.

    Examples
    --------
    >>> count_decimals(np.array([1.5, 2.25, 3.0]))
    2
    """
    with np.errstate(over="ignore", invalid="ignore"):
        for decimals in range(MAX_DECIMALS + 1):
            if np.array_equal(np.round(floats, decimals), floats):
                return decimals
    return None
