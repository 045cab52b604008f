"""Splits that keep classes in proportion, groups whole and the future out of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from tablewright.errors import InputError
from tablewright.schema import DECLARED, Schema, suggest
from tablewright.tables.inference.infer import describe

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Positions of rows, ascending."""

    train: Index
    test: Index


def schema_of_training(schema: Schema, train: pl.DataFrame) -> Schema:
    """Return the schema with the values and ranges of training rows alone.

    Kinds stay, and so does what a person declared.

    Examples
    --------
    >>> from tablewright.tables.inference.infer import infer_schema
    >>> table = pl.DataFrame({"x": [1.5, 2.5, 99.5], "y": ["a", "b", "c"]})
    >>> seen = schema_of_training(infer_schema(table), table[:2])
    >>> seen["x"].maximum, seen["y"].categories
    (2.5, ['a', 'b'])
    """
    columns = [
        describe(train[column.name], column, train[column.name])
        if column.reason not in ("", DECLARED) and train[column.name].drop_nulls().len()
        else column
        for column in schema.each()
    ]
    return schema.model_copy(update={"columns": columns})


def outer_split(
    frame: pl.DataFrame,
    schema: Schema,
    seed: int,
    *,
    groups: str | None = None,
    time: str | None = None,
    n_parts: int = 4,
) -> Split:
    """Set one part in `n_parts` aside: the last one in time, or one drawn at random.

    Examples
    --------
    >>> table = pl.DataFrame({"day": [3, 1, 2, 4], "y": ["a", "b", "a", "b"]})
    >>> schema = Schema.build({"day": "integer", "y": "categorical"}, target="y")
    >>> outer_split(table, schema, 0, time="day").test.tolist()
    [3]
    """
    if time is not None:
        order = _in_time(frame, time)
        cut = len(order) - max(1, len(order) // n_parts)
        return Split(np.sort(order[:cut]), np.sort(order[cut:]))
    return next(iter(_folds(frame, schema, seed, groups, n_parts)))


def inner_splits(
    frame: pl.DataFrame,
    schema: Schema,
    seed: int,
    *,
    groups: str | None = None,
    time: str | None = None,
    n_splits: int = 5,
    n_repeats: int = 2,
) -> list[Split]:
    """Return the splits that methods compete on.

    Parameters
    ----------
    frame : polars DataFrame
    schema : Schema
    seed : int
    groups : str or None, default=None
        Column of groups that stay on one side.
    time : str or None, default=None
        Column of times: each part is predicted from all that lie before it, once.
    n_splits, n_repeats : int
        Folds, and how often they are drawn.

    Raises
    ------
    InputError
        If there are fewer rows or groups than folds, or no such column.
    """
    if n_splits < 2 or n_repeats < 1:
        raise InputError(
            f"{n_splits} folds drawn {n_repeats} times: take 2 folds and 1 draw or more"
        )
    if frame.height < 2 * n_splits:
        raise InputError(f"{frame.height} rows are too few for {n_splits} folds: take fewer folds")
    if time is not None:
        parts = np.array_split(_in_time(frame, time), n_splits + 1)
        past = [np.concatenate(parts[: i + 1]) for i in range(n_splits)]
        return [Split(np.sort(p), np.sort(t)) for p, t in zip(past, parts[1:], strict=True)]
    return [
        split
        for repeat in range(n_repeats)
        for split in _folds(frame, schema, seed + repeat, groups, n_splits)
    ]


def _in_time(frame: pl.DataFrame, time: str) -> Index:
    values = _column(frame, time)
    if values.null_count():
        raise InputError(f"column {time!r} has missing times: rows cannot be put in order")
    return np.asarray(values.arg_sort().to_numpy(), dtype=np.intp)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        raise InputError(f"the table has no column {name!r}{suggest(name, frame.columns)}")
    return frame[name]


def _folds(
    frame: pl.DataFrame, schema: Schema, seed: int, groups: str | None, n_splits: int
) -> list[Split]:
    strata, names = _strata(frame, schema, n_splits), None
    if groups is not None:
        names = _column(frame, groups).cast(pl.String).fill_null("").to_numpy().astype(str)
        if len(np.unique(names)) < n_splits:
            raise InputError(f"column {groups!r} has fewer groups than {n_splits} folds")
    splitter = _splitter(strata is not None, names is not None, seed, n_splits)
    result = splitter.split(np.zeros(frame.height), strata, names)
    return [Split(train, test) for train, test in result]


def _splitter(stratified: bool, grouped: bool, seed: int, n_splits: int) -> Any:
    kinds = {
        (True, True): StratifiedGroupKFold,
        (True, False): StratifiedKFold,
        (False, True): GroupKFold,
        (False, False): KFold,
    }
    return kinds[stratified, grouped](n_splits, shuffle=True, random_state=seed)


def _strata(frame: pl.DataFrame, schema: Schema, n_splits: int) -> NDArray[np.str_] | None:
    """Classes, those with fewer rows than folds taken as one; None without classes."""
    if schema.target is None or not schema[schema.target].kind.is_discrete:
        return None
    labels = frame[schema.target].cast(pl.String).fill_null("").to_numpy().astype(str)
    names, counts = np.unique(labels, return_counts=True)
    rare = names[counts < n_splits]
    pooled = np.where(np.isin(labels, rare), "", labels)
    if 0 < (pooled == "").sum() < n_splits:
        pooled = np.where(pooled == "", names[counts.argmax()], pooled)
    return pooled
