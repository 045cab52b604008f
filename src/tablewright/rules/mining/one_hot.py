"""Find columns of 0 and 1 of which exactly one is 1 in every row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tablewright.rules.language import Linear, Source
from tablewright.rules.mining.evidence import Candidate, Rows, judged

MIN_COLUMNS = 3
"""Of two columns, each follows from the other: that is an equivalence."""


def find_one_hot(rows: Rows, confidence: float) -> list[Candidate]:
    """Return sums of columns of 0 and 1 that are 1 in nearly every row."""
    names = [name for name in rows.train.columns if _is_binary(rows, name)]
    values = rows.train.select(names).drop_nulls().to_numpy() > 0
    groups = _groups(values, confidence) if len(values) else []
    rules = [
        Linear(terms={names[k]: 1.0 for k in group}, op="=", value=1.0, source=Source.MINED)
        for group in groups
    ]
    return judged(rules, rows)


def _is_binary(rows: Rows, name: str) -> bool:
    column = rows.train[name]
    return column.dtype.is_numeric() and set(column.drop_nulls().unique()) == {0, 1}


def _groups(values: NDArray[np.bool_], confidence: float) -> list[list[int]]:
    """Return sets of columns that meet hardly ever and together fill nearly all rows."""
    counts = values.sum(axis=0)
    groups, open_columns = list[list[int]](), np.ones(len(counts), dtype=np.bool_)
    for first in np.argsort(-counts, kind="stable"):
        group, filled = [int(first)], values[:, first].copy()
        for k in np.argsort(-counts, kind="stable"):
            fits = (filled & values[:, k]).sum() <= (1 - confidence) * counts[k]
            if open_columns[k] and k not in group and fits:
                group, filled = [*group, int(k)], filled | values[:, k]
        right = (values[:, group].sum(axis=1) == 1).mean()
        if open_columns[first] and len(group) >= MIN_COLUMNS and right >= confidence:
            groups.append(sorted(group))
            open_columns[group] = False
    return groups
