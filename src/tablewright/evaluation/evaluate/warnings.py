"""What weakens the numbers of a report, a sentence each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.fidelity import fractional
from tablewright.schema import Kind, Schema

FEW_ROWS = 100
MANY_UNREADABLE = 0.01


def notices_of(
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows,
    train_frame: pl.DataFrame,
    holdout_frame: pl.DataFrame,
    groups: str | None,
    time: str | None,
) -> list[str]:
    """Return sentences about few rows, unreadable cells, shared groups and mixed times."""
    result = [] if len(holdout) >= FEW_ROWS else [_few(len(holdout))]
    result += _unreadable(synthetic)
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


def _unreadable(rows: EncodedRows) -> list[str]:
    result = []
    for j, feature in enumerate(rows.features):
        given = rows.frame[feature.name].is_not_null().to_numpy()
        share = float((given & np.isnan(rows.values[:, j])).mean()) if len(rows) else 0.0
        if share > MANY_UNREADABLE:
            result.append(
                f"{share:.0%} of the generated cells of {feature.name!r} cannot be read as "
                f"{feature.column.kind.value} and count as missing"
            )
        share = float(fractional(feature, rows.values[:, j]).mean()) if len(rows) else 0.0
        if share > MANY_UNREADABLE:
            result.append(
                f"{share:.0%} of the generated cells of {feature.name!r} are no whole numbers, "
                "and all real ones are"
            )
    return result


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
