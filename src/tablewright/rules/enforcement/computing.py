"""Fill in columns that rules compute from others."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tablewright.rules.bound import BoundRule, Dependency
from tablewright.rules.enforcement.solving import Solved, range_of
from tablewright.rules.expressions.evaluate import values
from tablewright.rules.trees import formula_tree
from tablewright.schema import Kind, Schema

__all__ = ["compute"]


def compute(frame: pl.DataFrame, rules: Sequence[BoundRule], schema: Schema) -> pl.DataFrame:
    """Return rows in which every computed column is what its rule says, rule by rule.

    A value that is missing stays missing, and a value that cannot be computed, because
    something it needs is missing or a combination was never seen, stays as it was drawn.
    """
    for rule in rules:
        frame = frame.with_columns(_computed(rule, frame, schema))
    return frame


def _computed(rule: BoundRule, frame: pl.DataFrame, schema: Schema) -> pl.Series:
    if isinstance(rule, Dependency):
        drawn = frame[rule.rule.to]
        made = rule.determined(frame).cast(drawn.dtype)
    else:
        drawn = frame[rule.rule.column]
        made = _written(values(formula_tree(rule.rule, schema), schema, frame), drawn, schema)
        ends = range_of(schema[drawn.name]) if isinstance(rule, Solved) else None
        if ends is not None:
            made = made.set(~made.is_between(*ends), None)
    return made.zip_with(drawn.is_not_null() & made.is_not_null(), drawn).alias(drawn.name)


def _written(made: pl.Series, drawn: pl.Series, schema: Schema) -> pl.Series:
    """Round computed numbers as the column is written."""
    column = schema[drawn.name]
    if not drawn.dtype.is_numeric():
        return made.cast(drawn.dtype, strict=False)
    if column.kind is Kind.INTEGER or drawn.dtype.is_integer():
        return made.round(mode="half_away_from_zero").cast(drawn.dtype, strict=False)
    if column.decimals is not None:
        made = made.round(column.decimals, mode="half_away_from_zero")
    return made.cast(drawn.dtype, strict=False)
