"""What a model is asked when it writes rules: names, kinds and summaries, never a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.prompts.builder import PromptBuilder
from tablewright.llm.prompts.sharing import Sharing
from tablewright.metrics.associations import associations
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.rules.language import Rules, Source
from tablewright.schema import Kind, Schema
from tablewright.systems.common.prompting import conditions_of
from tablewright.systems.common.rule_writing.forms import echoes, grammar, n_asked, reply_schema

_MAX_PAIRS, _MIN_STRENGTH = 40, 0.1
_ROWS = 5_000
_MAX_TOKENS = 6_000

_SYSTEM = "You know what the columns of tables mean, and write down rules that their rows keep."

_TASK = """\
Write down rules that the rows keep because of what the columns mean: bounds, orders of dates and \
amounts, sums, codes that go together, values that exclude each other, columns that determine \
others. Leave out what a correct row may well break."""


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
        For the ledger and the usage by role.

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
        self.schema, self.frame, self.sharing = schema, frame, sharing
        self.tried, self.role = tried, role
        self.echoes = echoes(schema)
        known = frame if sharing.allows("summary") else None
        self.pairs = strongest_associations(known, schema, sharing.redact)

    def prompt(self, seed: int) -> Prompt:
        """Return the prompt; samples differ in the seed alone."""
        target = self.schema.target
        named = "" if target is None else f"; {json.dumps(target)} is what is to be predicted"
        builder = self._begun(f"The columns of a table{named}:")
        builder.data(self._associations(), "How strongly columns go together, -1 or 0 to 1:")
        self._add_tried(builder)
        builder.note().say(
            _TASK,
            grammar(self.schema),
            f'Reply with JSON only: {{"rules": [...]}}, {n_asked(self.schema)} rules at most, the '
            "most important first.",
        )
        return self._ask(builder, seed, "rules")

    def repair(self, refused: Sequence[Refused], seed: int) -> Prompt:
        """Return the prompt that gives back what could not be used, with the reason."""
        lines = [
            json.dumps(
                {"number": number, "rule": item.text, "error": item.reason}, ensure_ascii=False
            )
            for number, item in enumerate(refused, 1)
        ]
        builder = self._begun("The columns of a table:").note().say(grammar(self.schema))
        builder.data(lines, "These rules for its rows cannot be used; each comes with the reason:")
        builder.say(
            'Correct them. Reply with JSON only: {"rules": [...]}, each rule with the "number" '
            "that it has above; leave out those that cannot be corrected."
        )
        return self._ask(builder, seed, "repair")

    def _begun(self, heading: str) -> PromptBuilder:
        return PromptBuilder(self.sharing, self.frame).columns(self.schema, heading)

    def _ask(self, builder: PromptBuilder, seed: int, stage: str) -> Prompt:
        return builder.prompt(
            _SYSTEM,
            seed=seed,
            stage=stage,
            role=self.role,
            schema=reply_schema(self.schema, repair=stage == "repair"),
            max_tokens=_MAX_TOKENS,
            expected=_expected(self.schema),
        )

    def _associations(self) -> list[str]:
        return [
            json.dumps({"columns": [a, b], "association": value}, ensure_ascii=False)
            for a, b, value in self.pairs
        ]

    def _add_tried(self, builder: PromptBuilder) -> None:
        """Show rules that were tried: those of models, others where their values may leave."""
        lines = []
        tried = self.tried or Rules()
        summary = self.sharing.allows("summary")
        for condition, rule in zip(conditions_of(tried, self.schema), tried, strict=True):
            if builder.admits_condition(condition) and (summary or rule.source is Source.LLM):
                share = {"broken by a share of": rule.violation_rate} if summary else {}
                lines.append(json.dumps({"rule": condition.text, **share}, ensure_ascii=False))
        builder.data(
            lines,
            "These rules were tried and did not do: they contradict the rows or each other. Write "
            "better ones in their place.",
        )


def strongest_associations(
    frame: pl.DataFrame | None,
    schema: Schema,
    without: Sequence[str] = (),
    max_pairs: int = _MAX_PAIRS,
) -> list[tuple[str, str, float]]:
    """Return the pairs of columns that go together most, strongest first.

    Parameters
    ----------
    frame : DataFrame or None
        Real rows; of more than 5,000 an even selection is used.
    without : sequence of str, default=()
        Columns to leave out.
    max_pairs : int, default=40
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
    order = [
        int(k)
        for k in np.argsort(-strength, kind="stable")[:max_pairs]
        if strength[k] >= _MIN_STRENGTH
    ]
    names = [feature.name for feature in rows.features]
    return [
        (names[first[k]], names[second[k]], round(float(matrix[first[k], second[k]]), 2))
        for k in order
    ]


def _expected(schema: Schema) -> str:
    """Write a reply of the usual length: as many rules as are asked for, of sixty tokens."""
    names = cycle(schema.names)
    why = "what these columns mean, in a sentence of the usual length, with what follows from it"
    rules = [
        {"why": why, "kind": "order", "columns": [next(names), next(names)], "strictly": False,
         "severity": "hard", "confidence": 0.5}
        for _ in range(n_asked(schema))
    ]  # fmt: skip
    return json.dumps({"rules": rules}, ensure_ascii=False)
