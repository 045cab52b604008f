"""The template of H-TDBU: rules that a person, a model or the miner writes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import LLM
from tablewright.rules import Rules, Source, as_rules, validate_rules
from tablewright.rules.mining import mine_rules
from tablewright.schema import Schema
from tablewright.synthesizer.row_rules import RuleWarning
from tablewright.systems.common.rule_writing.writer import ModelRules, WrittenRules
from tablewright.threads import one_thread

_MINABLE = 20
"""Rows from which on rules are mined."""


def write_template(
    rules: Any, model: LLM | None, frame: pl.DataFrame, schema: Schema, rng: np.random.Generator
) -> WrittenRules:
    """Take the rules that were given, or have a model or the miner write some."""
    if rules is not None:
        given = as_rules(rules)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuleWarning)
            findings = validate_rules(given, schema, frame).require().findings
        return WrittenRules(given, Source.HUMAN, findings)
    schema = schema.model_copy(update={"columns": schema.modelled})
    if model is not None:
        return ModelRules(model).write(frame, schema, rng)
    if frame.height < _MINABLE:
        note = f"no rules were mined from {frame.height} rows"
        return WrittenRules(Rules(), Source.MINED, notes=[note])
    with one_thread():
        mined = mine_rules(frame, schema, rng)
    hard = Rules(rules=[rule for rule in mined if rule.hard])
    left = len(mined) - len(hard)
    notes = [f"{left} mined rules that hold mostly were left to the texture"] if left else []
    return WrittenRules(hard, Source.MINED, notes=notes)


def rewrite_template(
    rules: Rules, model: LLM, frame: pl.DataFrame, schema: Schema, rng: np.random.Generator
) -> Rules | None:
    """Have a model write other rules; None where it gives none."""
    try:
        return ModelRules(model, samples=1).write(frame, schema, rng, rules).rules
    except ModelError:
        return None
