"""Classes of the label: declared though no real row has them, and dealt out to rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.tables.table import Table


def unseen_classes(real: pl.DataFrame, schema: Schema) -> list[Any]:
    """Return declared classes that no real row has."""
    target = schema.target
    if target is None or not schema[target].kind.is_discrete:
        return []
    seen = set(real[target].to_list())
    return [label for label in schema[target].categories or [] if label not in seen]


def unseen_notes(real: pl.DataFrame, schema: Schema, local: Collection[str]) -> list[str]:
    """Say which declared classes nobody can write, as the label is drawn from real rows."""
    unseen = unseen_classes(real, schema)
    if not unseen or schema.target not in local:
        return []
    return [
        f"no real row is of class {', '.join(map(repr, unseen))}, so a label worker "
        "without a model cannot write it; name a model for the role 'label'"
    ]


def dealt_labels(
    quotas: Mapping[Any, int], n_rows: int, real: pl.Series, rng: np.random.Generator
) -> pl.Series:
    """Deal out classes to rows by what is missing of each, in random order."""
    labels = [label for label, n in quotas.items() for _ in range(n)]
    drawn = rng.permutation(np.resize(rng.permutation(len(labels)), n_rows))
    return pl.Series(real.name, [labels[k] for k in drawn], dtype=real.dtype)


def declare_classes(table: Table) -> Table:
    """Let a label hold the classes that the schema declares and no real row has."""
    schema, target = table.schema, table.schema.target
    if target is None or not (unseen := unseen_classes(table.frame, schema)):
        return table
    listed = table.restore_frame.to_dict()["columns"].get(target, {}).get("categories", unseen)
    if strange := [value for value in unseen if value not in listed]:
        raise InputError(
            f"the data type of {target!r} lists its values, and class {strange[0]!r} is none of "
            "them: add it to the categories of the column"
        )
    frame = table.frame
    if isinstance(frame.schema[target], pl.Enum):
        frame = frame.with_columns(pl.col(target).cast(pl.String))
    return replace(table, frame=frame)
