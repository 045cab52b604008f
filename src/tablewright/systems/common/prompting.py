"""What the prompts of all systems need of other parts of the library."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tablewright.llm.prompts.builder import Condition
from tablewright.rules import Rules, Source, bind
from tablewright.rules.bound import BoundRule
from tablewright.schema import Schema


def conditions_of(
    rules: Rules | Iterable[BoundRule], schema: Schema, table: pl.DataFrame | None = None
) -> list[Condition]:
    """Return rules as conditions of a prompt, with the columns that each is about."""
    bound = bind(rules, schema, table) if isinstance(rules, Rules) else rules
    return [
        Condition(rule.rule.described(), frozenset(rule.columns), rule.rule.source is Source.MINED)
        for rule in bound
    ]
