"""What kind each column is, how sure that is, and why: `infer_schema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tablewright.errors import InputError, SchemaError
from tablewright.schema import Column, Kind, Schema, suggest
from tablewright.tables.inference import text_kinds, value_kinds
from tablewright.tables.inference.casting import typed_series
from tablewright.tables.inference.describe import describe
from tablewright.tables.inference.guess import Guess
from tablewright.tables.io.dtypes import dtype_to_text

__all__ = ["infer_schema"]

MAX_CLASSES = 20
"""A target of whole numbers with at most so many values is a class, not a quantity."""


def infer_schema(
    frame: pl.DataFrame,
    overrides: Mapping[str, Any] | None = None,
    target: str | None = None,
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
    told = _check_overrides(frame, overrides or {})
    _check_shape(frame)
    if target is not None and target not in frame.columns:
        raise SchemaError(f"the target {target!r} is not a column{suggest(target, frame.columns)}")
    columns = [_infer_column(series, told, series.name == target) for series in frame]
    schema = Schema.build(columns, target=target)
    if target is not None:
        _check_target(schema[target])
    return schema


def _check_overrides(frame: pl.DataFrame, overrides: Mapping[str, Any]) -> dict[str, Any]:
    for name in overrides:
        if name not in frame.columns:
            raise SchemaError(
                f"the schema names {name!r}, which the table lacks{suggest(name, frame.columns)}"
            )
    told = {
        name: dict(said) if isinstance(said, Mapping) else {"kind": said}
        for name, said in overrides.items()
    }
    for said in told.values():
        said.pop("dtype", None)  # a fact of the file at hand, not of the column
    return told


def _check_shape(frame: pl.DataFrame) -> None:
    if frame.width < 2:
        raise InputError(
            f"the table has {frame.width} column{'s' * (frame.width != 1)}; at least two are "
            "needed (is the separator another one than comma, semicolon, tab or bar?)"
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
            f"the target {column.name!r} is an identifier ({column.why}); choose another target "
            "or say its kind in the schema"
        )


def _infer_column(series: pl.Series, told: Mapping[str, Any], is_target: bool) -> Column:
    said = dict(told.get(series.name, {}))
    _check_dtype(series)
    if "kind" in said:
        guess = _as_told(series, said)
    else:
        guess = _guess(series, tuple(said.get("sentinels", ())), is_target)
    draft = Column(
        name=series.name,
        kind=guess.kind,
        dtype=dtype_to_text(series.dtype),
        sentinels=list(guess.sentinels),
        format=guess.format,
        confidence=guess.confidence,
        why=guess.why,
    )
    draft = _tell(draft, {k: v for k, v in said.items() if k in ("format", "sentinels")})
    return _tell(describe(series, draft, guess.values), said)


def _tell(column: Column, said: Mapping[str, Any]) -> Column:
    if not said:
        return column
    return Schema(columns=[column]).override(**{column.name: said})[column.name]


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


def _as_told(series: pl.Series, said: Mapping[str, Any]) -> Guess:
    """Read a column as the kind that a person named."""
    kind = _kind(series.name, said["kind"])
    sentinels = tuple(said.get("sentinels", ()))
    if series.dtype == pl.String:
        return text_kinds.read_as(series, kind, sentinels, said.get("format"))
    column = Column(name=series.name, kind=kind, format=said.get("format"))
    return Guess(kind, values=typed_series(series, column))


def _kind(name: str, said: Any) -> Kind:
    try:
        return Kind(said)
    except ValueError as error:
        kinds = [kind.value for kind in Kind]
        raise SchemaError(
            f"column {name!r}: there is no kind {str(said)!r}{suggest(str(said), kinds)}"
        ) from error


def _guess(series: pl.Series, sentinels: tuple[object, ...], is_target: bool) -> Guess:
    if series.dtype == pl.String:
        guess = text_kinds.guess_text(series, sentinels)
    else:
        guess = value_kinds.guess_values(series)
    if guess.values is not None and guess.values.null_count() == len(series):
        raise InputError(
            f"column {series.name!r} has no value in any row; remove the column, or keep it "
            f"empty with '{series.name}: constant' in the schema"
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
        why=f"the target has {n_values} whole numbers as values: classes",
    )
