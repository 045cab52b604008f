"""Classes of the label: declared though no real row has them, and dealt out to rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.schema import SAID, Schema
from tablewright.tables.table import Table


def unseen_classes(real: pl.DataFrame, schema: Schema) -> list[Any]:
    """Return declared classes that no real row has."""
    target = schema.target
    if target is None or not schema[target].kind.is_discrete:
        return []
    seen = set(real[target].to_list())
    return [label for label in schema[target].categories or [] if label not in seen]


def dealt_labels(
    quotas: Mapping[Any, int], n_rows: int, real: pl.Series, rng: np.random.Generator
) -> pl.Series:
    """Deal out classes to rows by what is missing of each, in random order."""
    labels = [label for label, n in quotas.items() for _ in range(n)]
    drawn = rng.permutation(np.resize(rng.permutation(len(labels)), n_rows))
    return pl.Series(real.name, [labels[k] for k in drawn], dtype=real.dtype)


def declare_classes(table: Table, classes: Sequence[Any]) -> Table:
    """Add the classes that a label may have to those that it has."""
    schema, target = table.schema, table.schema.target
    if target is None or not schema[target].kind.is_discrete:
        raise InputError(
            "classes are named for a target that has classes; name the target, or say "
            "'kind: categorical' of it in the schema"
        )
    column = schema[target]
    known = list(dict.fromkeys([*(column.categories or []), *classes]))
    if len({type(value) for value in known}) > 1:
        raise InputError(
            f"classes: {classes[0]!r} is not of the type of the labels of {target!r}, such as "
            f"{known[0]!r}"
        )
    listed = table.restore_frame.to_dict()["columns"].get(target, {}).get("categories", known)
    if strange := [value for value in known if value not in listed]:
        raise InputError(
            f"the data type of {target!r} lists its values, and class {strange[0]!r} is none of "
            "them: add it to the categories of the column"
        )
    reported: dict[str, Any] = {"categories": known}
    if set(column.categories or []) <= set(classes):
        reported["why"] = SAID
    frame = table.frame
    if isinstance(frame.schema[target], pl.Enum):
        frame = frame.with_columns(pl.col(target).cast(pl.String))
    return replace(table, frame=frame, schema=schema.replace(column.model_copy(update=reported)))
