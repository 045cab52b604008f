"""What a model is asked when it writes rules: names, kinds and summaries, never a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.prompts.delimiters import DATA_NOTE, fenced
from tablewright.llm.prompts.sharing import Shared, Sharing
from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.rules.bound import bind
from tablewright.rules.language import Rules, Source
from tablewright.schema import Kind, Schema

__all__ = ["MOST_RULES", "Refused", "RuleQuestion", "strongest_associations"]

MOST_RULES = 40
"""Rules that one reply may have; what comes after them is not read."""

_LISTED, _LEAST = 40, 0.1
_ROWS = 5_000
_LONGEST = 6_000

_SYSTEM = "You know what the columns of tables mean, and write down rules that their rows keep."
_GRAMMAR = """\
A rule is a JSON object of one of these kinds. Expressions are SQL conditions on the columns: \
= <> < <= > >= BETWEEN IN LIKE IS NULL, AND OR NOT, + - * / and brackets; text in single quotes, \
names with blanks or hyphens in double quotes, dates as DATE '2020-01-31'.
{"kind": "check", "expression": "age >= 18"}
{"kind": "implies", "if": "job = 'retired'", "then": "age >= 50"}
{"kind": "iff", "a": "days = -1", "b": "calls = 0"}
{"kind": "forbid", "all": ["age < 20", "job = 'retired'"]}
{"kind": "range", "column": "age", "min": 18, "max": 95}
{"kind": "order", "columns": ["admission", "treatment", "discharge"]}
{"kind": "linear", "terms": {"credit_limit": 1, "income": -0.4}, "op": "<=", "value": 0}
{"kind": "formula", "column": "bmi", "expression": "weight / (height * height)", "tolerance": 0.05}
{"kind": "fd", "from": ["education"], "to": "education_years"}
{"kind": "unique", "columns": ["patient_id"]}
{"kind": "align", "on": "class", "attribute": "mood", "pairs": {"1": ["positive"]}}
{"kind": "quota", "where": "ill = 'yes'", "share": [0.03, 0.06]}
{"kind": "conditional", "given": "ill = 'no'", "column": "mood", "dist": {"calm": 0.8, "low": 0.2}}
Every rule also has "severity" ("hard": every row keeps it; "soft": most do), "why" (one sentence) \
and "confidence" (0 to 1)."""


@dataclass(frozen=True)
class Refused:
    """A rule of a reply that could not be used.

    Attributes
    ----------
    sample : int
        Reply that it stood in, counted from 0.
    text : str
        As it was written, JSON.
    reason : str
        What is wrong with it; holds nothing of the table that may not leave.
    """

    sample: int
    text: str
    reason: str


class RuleQuestion:
    """The prompts for the rules of one table.

    Parameters
    ----------
    schema : Schema
    frame : DataFrame or None
        Real rows, of which no more than summaries are shown.
    sharing : Sharing
        What may leave: names and kinds with ``"schema"``; values, quantiles and the strongest
        associations with ``"summary"``, and no more than that with ``"rows"``.
    tried : Rules or None, default=None
        Rules that were tried before, shown with the share of real rows that break them.
    role : str, default="rules"
        For the ledger and the bill.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer"})
    >>> prompt = RuleQuestion(schema, None, Sharing()).prompt(seed=1)
    >>> '{"column": "age", "kind": "integer"}' in prompt.text, prompt.sent
    (True, {})
    """

    def __init__(
        self,
        schema: Schema,
        frame: pl.DataFrame | None,
        sharing: Sharing,
        tried: Rules | None = None,
        role: str = "rules",
    ) -> None:
        self.schema, self.sharing, self.tried, self.role = schema, sharing, tried, role
        self.columns: Shared = sharing.describe(schema, frame)
        known = frame if sharing.allows("summary") else None
        self.pairs = strongest_associations(known, schema, sharing.redact)

    def prompt(self, seed: int) -> Prompt:
        """Return the prompt; samples differ in the seed alone."""
        target = self.schema.target
        parts = [
            "Below are the columns of a table, one line of JSON each"
            + ("." if target is None else f"; {json.dumps(target)} is what is to be predicted."),
            fenced(self.columns.text),
            self._associations(),
            self._tried(),
            DATA_NOTE,
            "Write down rules that the rows keep because of what the columns mean: bounds, orders "
            "of dates and amounts, sums, codes that go together, values that exclude each other, "
            "columns that determine others. Leave out what a correct row may well break.",
            _GRAMMAR,
            f'Reply with JSON only: {{"rules": [...]}}, {MOST_RULES} rules at most, in the order '
            "of their importance.",
        ]
        return self._ask(parts, seed, "rules")

    def repair(self, refused: Sequence[Refused], seed: int) -> Prompt:
        """Return the prompt that gives back what could not be used, with the reason."""
        lines = [
            json.dumps(
                {"number": number, "rule": item.text, "error": item.reason}, ensure_ascii=False
            )
            for number, item in enumerate(refused, 1)
        ]
        parts = [
            "Below are the columns of a table, one line of JSON each.",
            fenced(self.columns.text),
            "These rules for its rows cannot be used; each comes with the reason.",
            fenced("\n".join(lines)),
            DATA_NOTE,
            _GRAMMAR,
            'Mend them. Reply with JSON only: {"rules": [...]}, each rule with the "number" that '
            "it has above; leave out those that cannot be mended.",
        ]
        return self._ask(parts, seed, "repair")

    def _ask(self, parts: Sequence[str], seed: int, stage: str) -> Prompt:
        return Prompt.ask(
            "\n\n".join(part for part in parts if part),
            system=_SYSTEM,
            seed=seed,
            stage=stage,
            role=self.role,
            max_tokens=_LONGEST,
            expected=_expected(self.schema),
            sent=dict(self.columns.cells),
        )

    def _associations(self) -> str:
        if not self.pairs:
            return ""
        lines = [
            json.dumps({"columns": [a, b], "association": value}, ensure_ascii=False)
            for a, b, value in self.pairs
        ]
        return "How strongly pairs of columns go together, from -1 or 0 to 1:\n" + fenced(
            "\n".join(lines)
        )

    def _tried(self) -> str:
        """Show rules that were tried: those of models, others where their values may leave."""
        lines = []
        tried = self.tried or Rules()
        for rule, bound in zip(tried, bind(tried, self.schema), strict=True):
            known = not set(bound.columns) & set(self.sharing.redact)
            known = known and self.sharing.allows("summary")
            share = {"broken by a share of": rule.violation_rate} if known else {}
            if known or rule.source is Source.LLM:
                lines.append(json.dumps({"rule": rule.described(), **share}, ensure_ascii=False))
        if not lines:
            return ""
        return (
            "These rules were tried and did not do: they contradict the rows or each other. "
            "Write better ones in their place.\n" + fenced("\n".join(lines))
        )


def strongest_associations(
    frame: pl.DataFrame | None, schema: Schema, without: Sequence[str] = (), most: int = _LISTED
) -> list[tuple[str, str, float]]:
    """Return the pairs of columns that go together most, strongest first.

    Parameters
    ----------
    frame : DataFrame or None
        Real rows; of more than 5,000 an even selection is used.
    without : sequence of str, default=()
        Columns to leave out.
    most : int, default=40
        Pairs at most; those below 0.1 are never listed.

    Returns
    -------
    list of tuple of str, str, float
        Spearman's correlation (-1 to 1) of two numbers, the correlation ratio or corrected
        Cramer's V (0 to 1) where one or both are categories.

    Examples
    --------
    >>> frame = pl.DataFrame({"a": range(50), "b": range(0, -50, -1), "c": [0, 1] * 25})
    >>> schema = Schema.build({"a": "integer", "b": "integer", "c": "integer"})
    >>> strongest_associations(frame, schema)
    [('a', 'b', -1.0)]
    """
    hidden = (Kind.IDENTIFIER, Kind.CONSTANT, Kind.TEXT)
    kept = [c for c in schema.each() if c.kind not in hidden and c.name not in without]
    if frame is None or frame.height == 0 or len(kept) < 2:
        return []
    part = Schema(columns=[c for c in kept if c.name in frame.columns])
    rows = FeatureEncoder.fit(frame, part).rows(frame.gather_every(max(1, frame.height // _ROWS)))
    matrix = associations(rows)
    first, second = np.triu_indices(len(matrix), 1)
    strength = np.abs(matrix[first, second])
    order = [int(k) for k in np.argsort(-strength, kind="stable")[:most] if strength[k] >= _LEAST]
    names = [feature.name for feature in rows.features]
    return [
        (names[first[k]], names[second[k]], round(float(matrix[first[k], second[k]]), 2))
        for k in order
    ]


def _expected(schema: Schema) -> str:
    """Write a reply of the usual length: a rule for each column, to twelve."""
    rules = [
        {"kind": "unique", "columns": [name], "why": "what such a column means", "confidence": 0.5}
        for name in schema.names[:12]
    ]
    return json.dumps({"rules": rules}, ensure_ascii=False)
