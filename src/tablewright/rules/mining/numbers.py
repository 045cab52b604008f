"""Find ranges, orders and least distances between columns of numbers or dates."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.expressions.checking import Type, column_type
from tablewright.rules.expressions.unparse import quote
from tablewright.rules.language import Check, Order, Range, Source
from tablewright.rules.mining.evidence import Candidate, Rows, judged
from tablewright.schema import Column, Kind, Schema

Floats = NDArray[np.float64]

CLIFF = 20.0
"""How much denser values stand above a least distance than below it."""


def numbers_of(frame: pl.DataFrame, schema: Schema, *, discrete: bool = False) -> dict[str, Floats]:
    """Return the columns of numbers as floats, NaN where missing; few-valued ones if asked for."""
    kinds = {Kind.CONTINUOUS, Kind.INTEGER, *((Kind.ORDINAL, Kind.CATEGORICAL) if discrete else ())}
    result = {}
    for column in schema.each():
        if column.kind not in kinds or column.name not in frame.columns:
            continue
        if column_type(column) is not Type.NUMBER or not frame[column.name].dtype.is_numeric():
            continue
        values = frame[column.name].cast(pl.Float64).fill_null(math.nan).to_numpy()
        if np.isfinite(values).any() and np.nanmin(values) < np.nanmax(values):
            result[column.name] = values
    return result


def find_ranges(rows: Rows) -> list[Candidate]:
    """Return the range of each column of numbers over all rows, widened to round numbers.

    The held-out rows say how often the range of the others is left. A range says nothing about
    two columns, so chance has no say in it.
    """
    every = pl.concat([rows.train, rows.held])
    tested = judged(_ranges(rows.train, rows.schema), rows)
    whole = {rule.column: rule for rule in _ranges(every, rows.schema)}
    return [
        Candidate(whole[result.rule.column], result.broken, result.rows, 1.0) for result in tested
    ]


def _ranges(frame: pl.DataFrame, schema: Schema) -> list[Range]:
    result = []
    for name, values in numbers_of(frame, schema).items():
        whole = schema[name].kind is Kind.INTEGER
        low, high = (int(end) if whole else end for end in outward(values, whole=whole))
        result.append(Range(column=name, min=low, max=high, source=Source.MINED))
    return result


def outward(values: Floats, *, whole: bool) -> tuple[float, float]:
    """Return the range of values, each end moved outward to a round number; zero stays.

    Examples
    --------
    >>> outward(np.array([0.0, 3.0, 97.4]), whole=False)
    (0.0, 98.0)
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    step = 10.0 ** math.floor(math.log10((high - low) / 50.0)) if high > low else 1.0
    if whole:
        step = max(step, 1.0)
    return _rounded(low, step, math.floor), _rounded(high, step, math.ceil)


def _rounded(value: float, step: float, toward: Any) -> float:
    return float(round(toward(round(value / step, 9)) * step, 12))


def find_orders(rows: Rows, confidence: float) -> list[Candidate]:
    """Return ``a <= b`` and least distances ``b - a >= c`` between columns of one type."""
    return judged([*_dated(rows, confidence), *_numeric(rows, confidence)], rows)


def _dated(rows: Rows, confidence: float) -> list[Any]:
    moments = [c for c in rows.schema.each() if column_type(c) in (Type.DATE, Type.TIMESTAMP)]
    columns = [column for column in moments if column.kind.is_numeric]
    return [
        Order(columns=[a.name, b.name], source=Source.MINED)
        for a, b in permutations(columns, 2)
        if column_type(a) is column_type(b) and _mostly_below(rows.train, a, b, confidence)
    ]


def _mostly_below(frame: pl.DataFrame, a: Column, b: Column, confidence: float) -> bool:
    if frame.schema[a.name] != frame.schema[b.name]:
        return False
    below = frame.select(pl.col(a.name) <= pl.col(b.name)).to_series().drop_nulls()
    # polars types a mean as any value; of truths it is a number
    return len(below) >= 10 and float(below.mean() or 0.0) >= confidence  # type: ignore[arg-type]


def _numeric(rows: Rows, confidence: float) -> list[Any]:
    columns = numbers_of(rows.train, rows.schema)
    result: list[Any] = []
    for a, b in permutations(columns, 2):
        distance = columns[b] - columns[a]
        distance = distance[np.isfinite(distance)]
        if len(distance) < 10:
            continue
        if (distance >= 0).mean() >= confidence:
            result.append(Order(columns=[a, b], source=Source.MINED))
        minimum = _cliff(distance)
        whole = all(rows.schema[name].kind is Kind.INTEGER for name in (a, b))
        if whole and minimum is not None and minimum != 0:
            first, second, sign = (b, a, ">=") if minimum > 0 else (a, b, "<=")
            text = f"{quote(first)} - {quote(second)} {sign} {abs(int(minimum))}"
            result.append(Check(expression=text, source=Source.MINED))
    return result


def _cliff(distances: Floats) -> float | None:
    """Return the distance below which hardly any row lies while many lie right above it."""
    values, counts = np.unique(distances, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rare = below <= 0.001 * len(distances)
    wide = np.searchsorted(values, values + 3.0)
    above = np.concatenate([[0], np.cumsum(counts)])[wide] - below
    steep = np.where(rare, above / (below + 1.0), 0.0)
    best = int(np.argmax(steep))
    return float(values[best]) if steep[best] >= CLIFF else None
