"""What weakens the numbers of a report, a sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.fidelity import fractional
from tablewright.metrics.scores import Score, label
from tablewright.schema import Kind, Schema

FEW_ROWS = 100
MANY_ROWS = 20_000
"""Generated rows from which on it is told which scores rest on a sample of them."""
MIN_OF_CLASS = 3
"""Holdout rows of a class below which its scores are noise."""
MANY_UNREADABLE = 0.01


def warnings_of(
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows,
    train_frame: pl.DataFrame,
    holdout_frame: pl.DataFrame,
    groups: str | None,
    time: str | None,
) -> list[str]:
    """Return sentences about few rows, classes, unreadable cells, shared groups, mixed times."""
    result = [] if len(holdout) >= FEW_ROWS else [_few(len(holdout))]
    result += _classes(real, synthetic, holdout)
    result += _unreadable(synthetic, "generated") + _unreadable(holdout, "holdout")
    if groups is not None:
        result += _shared(train_frame, holdout_frame, groups)
    if time is not None:
        result += _times(train_frame, holdout_frame, time)
    return result


def _few(n_rows: int) -> str:
    return (
        f"the holdout has {n_rows} rows: below {FEW_ROWS}, detection and distances cannot tell "
        "generators apart"
    )


def _classes(real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows) -> list[str]:
    """Name classes that the holdout is too small for, and those that no training row has."""
    target = real.encoder.target
    levels = None if target is None else real.features[target].levels
    if target is None or levels is None or len(levels) < 2:
        return []
    counts = [
        np.bincount(codes[~np.isnan(codes)].astype(int), minlength=len(levels) + 1)
        for codes in (rows.values[:, target] for rows in (real, synthetic, holdout))
    ]
    result = [
        f"class {label!r} has {counts[0][code]} training rows and {counts[2][code]} holdout rows: "
        "whether generated rows help it cannot be tested"
        for code, label in enumerate(levels)
        if counts[2][code] < MIN_OF_CLASS
    ]
    for name, n in (("generated", counts[1][-1]), ("holdout", counts[2][-1])):
        if n:
            result.append(f"{n} {name} rows have a class that no training row has: left out")
    return result


def _unreadable(rows: EncodedRows, name: str) -> list[str]:
    """Name columns with cells that are not of their kind, or whole numbers that are none."""
    result = []
    for j, feature in enumerate(rows.features):
        cells, values = rows.frame[feature.name], rows.values[:, j]
        for marks, words in (
            (
                cells.is_not_null().to_numpy() & np.isnan(values),
                f"cannot be read as {feature.column.kind.value} and count as missing",
            ),
            (fractional(feature, values), "are no whole numbers, and all real ones are"),
        ):
            if marks.sum() > MANY_UNREADABLE * len(rows):
                share = f"{marks.mean():.0%} of the {name} cells"
                result.append(f"{share} of {feature.name!r} {words}")
    return result


def sampled(n_generated: int, sections: Mapping[str, Sequence[Score]]) -> list[str]:
    """Name the rows that each score of a large table rests on, where these are a sample."""
    by_size: dict[int, list[str]] = {}
    for score in chain.from_iterable(sections.values()):
        if n_generated > MANY_ROWS and 0 < score.rows < n_generated:
            by_size.setdefault(score.rows, []).append(label(score.name))
    if not by_size:
        return []
    each = "; ".join(f"{n:,} rows: {', '.join(by_size[n])}" for n in sorted(by_size))
    return [
        f"scores that rest on random samples of the {n_generated:,} generated rows, whose error "
        f"is within their 95 % intervals: {each}"
    ]


def unjudged(schema: Schema, groups: str | None, frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """Name the columns that are not judged: identifiers, the groups, and those of no schema."""
    named = [column.name for column in schema.each() if column.kind == Kind.IDENTIFIER]
    result = [f"not judged: {', '.join(map(repr, named))} (identifiers)"] if named else []
    for table, frame in frames.items():
        extra = [name for name in frame.columns if name not in schema and name != groups]
        if extra:
            result.append(
                f"not judged: {', '.join(map(repr, extra))} of the {table} table, which the "
                "training rows do not have"
            )
    return result


def _shared(train: pl.DataFrame, holdout: pl.DataFrame, groups: str) -> list[str]:
    if groups not in train.columns:
        raise InputError(f"the training table has no column {groups!r} to group by")
    names = [set(frame[groups].cast(pl.String).drop_nulls()) for frame in (train, holdout)]
    both = len(names[0] & names[1])
    if not both:
        return []
    return [
        f"{both} groups of {groups!r} have training and holdout rows: scores are too good; "
        "split by group"
    ]


def _times(train: pl.DataFrame, holdout: pl.DataFrame, time: str) -> list[str]:
    for name, frame in (("training", train), ("holdout", holdout)):
        if time not in frame.columns:
            raise InputError(f"the {name} table has no column {time!r} to order by")
    early = int((holdout[time] <= train[time].max()).sum())
    if not early:
        return []
    return [
        f"{early} of {holdout.height} holdout rows are no later in {time!r} than the last "
        "training row: scores do not speak about the future"
    ]
