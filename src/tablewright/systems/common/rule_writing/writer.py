"""Who writes the rules of a table: a person, the miner, or a model that never sees a row.

Whoever it is, rules are written once, whatever the number of rows that are made under them,
and each is measured on the real rows before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError, ModelError, RuleError
from tablewright.llm.endpoint.base import LLM, Reply
from tablewright.llm.endpoint.metering import Metered, UsageByRole
from tablewright.rules import Rules, Source, check_rules, validate_rules
from tablewright.rules.bound import BoundRule, RowRule, ShareRule, bind
from tablewright.rules.check import RuleResult
from tablewright.rules.expressions.conflicts import impossible
from tablewright.rules.expressions.tree import Not
from tablewright.rules.validate import Finding, Level
from tablewright.schema import Schema
from tablewright.systems.common.rule_writing.prompts import Refused, RuleQuestion
from tablewright.systems.common.rule_writing.votes import (
    Proposal,
    Sample,
    count_votes,
    implied,
    listed_rules,
    read_rule,
    read_rules,
)

_MAX_REPAIRED = 12
"""Rules that are given back at most: a prompt of all that a small model repeats is too long."""

_MAX_BROKEN = 0.1
"""Share of the rows that a rule speaks of beyond which it is dropped, not made soft."""


@dataclass(frozen=True)
class WrittenRules:
    """Rules as they will be applied, and how they came about.

    Attributes
    ----------
    rules : Rules
        With support and violation rate on the real rows; hard rules that more than 0.5 % of
        them break are soft.
    source : Source
        Who wrote them.
    findings : list of Finding
        What validation found.
    proposals : list of Proposal
        Every rule that a model proposed, with its votes, and why it was dropped if it was.
    refused : list of Refused
        What in its replies was no rule of this table, after the repair.
    n_samples : int
        Replies that were asked for; 0 where no model was.
    usage : UsageByRole
        What the calls took.
    notes : list of str
        What else should be known.
    stopped : ModelError or None
        What ended the calls before their time.
    """

    rules: Rules
    source: Source
    findings: list[Finding] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    n_samples: int = 0
    usage: UsageByRole = field(default_factory=UsageByRole)
    notes: list[str] = field(default_factory=list)
    stopped: ModelError | None = None


@dataclass(frozen=True)
class ModelRules:
    """Rules of a language model that sees names, kinds and, if it may, summaries.

    One prompt is asked `samples` times, and rules that most replies imply are kept. What
    could not be read is given back once, with the reasons. So the calls are `samples` + 1 at
    most, however many rows there are and will be (a client may repeat a call whose reply it
    cannot use). What a model says of strength is not believed: support, violation rate and
    probability are measured.

    Parameters
    ----------
    llm : LLM
    samples : int, default=3
        Replies that are asked for.
    role : str, default="rules"
        For the ledger and the usage by role.

    References
    ----------
    H-TDBU (arXiv:2605.28198), "template" of rules by one call; votes, repair and
    measurement are ours.

    Examples
    --------
    >>> from tablewright.llm import Scripted
    >>> frame, schema = pl.DataFrame({"age": [20, 40]}), Schema.build({"age": "integer"})
    >>> replies = [f'{{"rules": ["age <= {bound}"]}}' for bound in (90, 95, 120)]
    >>> writer = ModelRules(Scripted(replies))
    >>> written = writer.write(frame, schema, np.random.default_rng(0))
    >>> [rule.described() for rule in written.rules], written.usage.calls
    (['age <= 95'], 3)
    """

    llm: LLM
    samples: int = 3
    role: str = "rules"

    def write(
        self,
        frame: pl.DataFrame,
        schema: Schema,
        rng: np.random.Generator,
        tried: Rules | None = None,
    ) -> WrittenRules:
        """Ask for rules.

        Parameters
        ----------
        tried : Rules or None, default=None
            Rules that did not do and are to be replaced; the model is told how many real
            rows break them, if summaries may leave.

        Raises
        ------
        ModelError
            If fewer replies came than a majority takes.
        """
        if self.samples < 1:
            raise InputError(f"samples is 1 or more, not {self.samples}")
        usage = UsageByRole()
        model = Metered(self.llm, usage)
        question = RuleQuestion(schema, frame, model.sharing, tried, self.role)
        seed = int(rng.integers(2**31 - self.samples - 1))
        samples, stopped = self._ask(model, question, seed)
        notes = [f"{len(samples)} of {self.samples} replies came: {stopped}"] if stopped else []
        if stopped is None and not model.dry_run:  # a placeholder reply has nothing to correct
            stopped = self._repair(model, question, samples, seed + self.samples)
            notes = [f"what could not be read was not corrected: {stopped}"] if stopped else []
        majority = self.samples // 2 + 1
        kept, dropped = _voted(count_votes(samples, schema), majority)
        result = WrittenRules(
            Rules(), Source.LLM, usage=usage, n_samples=self.samples, stopped=stopped
        )
        refused = [item for sample in samples for item in sample.refused]
        return replace(_settled(result, kept, dropped, frame, schema), refused=refused, notes=notes)

    def _ask(
        self, model: Metered, question: RuleQuestion, seed: int
    ) -> tuple[list[Sample], ModelError | None]:
        """Ask the samples; a reply without any rule counts, unless it says it in prose."""
        prompts = [
            question.prompt(seed + index).but(accept=_unusable) for index in range(self.samples)
        ]
        results = model.complete_all(prompts)
        replies = [result.text for result in results if isinstance(result, Reply)]
        errors = [result for result in results if isinstance(result, ModelError)]
        if len(replies) <= self.samples // 2:
            raise errors[0]
        samples = [
            read_rules(text, question.schema, i, question.echoes) for i, text in enumerate(replies)
        ]
        return samples, errors[0] if errors else None

    def _repair(
        self, model: Metered, question: RuleQuestion, samples: Sequence[Sample], seed: int
    ) -> ModelError | None:
        """Give back what could not be used, once, and put what comes into its sample."""
        alike: dict[str, list[Refused]] = {}
        for item in (item for sample in samples for item in sample.refused):
            alike.setdefault(_what_it_says(item.text), []).append(item)
        refused = list(alike.values())[:_MAX_REPAIRED]
        if not refused:
            return None
        result = model.complete_all([question.repair([same[0] for same in refused], seed)])[0]
        if isinstance(result, ModelError):
            return result
        for item in listed_rules(result.text):
            number = item.get("number") if isinstance(item, Mapping) else None
            if not isinstance(number, int) or not 0 < number <= len(refused):
                continue
            try:
                bound, confidence = read_rule(item, question.schema, question.echoes)
            except RuleError:
                continue
            for broken in refused[number - 1]:
                sample = samples[broken.sample]
                if broken in sample.refused:
                    sample.refused.remove(broken)
                    sample.bound.append(bound)
                    sample.confidence.append(confidence)
        return None


def _what_it_says(text: str) -> str:
    """Return a refused rule without what models say beside it: they repeat one with other words."""
    try:
        rule = json.loads(text)
    except ValueError:
        return text
    if not isinstance(rule, dict):
        return text
    return json.dumps({k: v for k, v in rule.items() if k not in ("why", "confidence")})


def _unusable(text: str) -> str | None:
    return None if listed_rules(text) or '"rules"' in text else "no rule in the reply"


def _voted(
    found: Sequence[tuple[Any, Proposal]], majority: int
) -> tuple[list[Proposal], list[Proposal]]:
    """Part the proposals into those with enough votes and the others."""
    kept = [result for _, result in found if result.votes >= majority]
    dropped = [
        replace(result, dropped=f"in {result.votes} of the replies; {majority} are needed")
        for _, result in found
        if result.votes < majority
    ]
    return kept, dropped


def _settled(
    made: WrittenRules,
    kept: Sequence[Proposal],
    dropped: Sequence[Proposal],
    frame: pl.DataFrame,
    schema: Schema,
) -> WrittenRules:
    """Measure what was voted for, and drop what the rows or the other rules contradict."""
    kept, contradicted = _measured(kept, frame, schema)
    kept, conflicting = _consistent(kept, frame, schema)
    kept, repeated = _concise(kept, frame, schema)
    result = validate_rules(_rules(kept), schema, frame, redundancy=False)
    final = [replace(p, rule=rule) for p, rule in zip(kept, result.rules, strict=True)]
    proposals = [*final, *repeated, *conflicting, *contradicted, *dropped]
    return replace(made, rules=result.rules, findings=result.findings, proposals=proposals)


def _rules(kept: Sequence[Proposal]) -> Rules:
    """Return the rules, numbered in their order."""
    return Rules(rules=[p.rule.model_copy(update={"name": ""}) for p in kept])


def _measured(
    kept: Sequence[Proposal], frame: pl.DataFrame, schema: Schema
) -> tuple[list[Proposal], list[Proposal]]:
    """Drop rules that most real rows break, and shares that the table does not have."""
    rules = _rules(kept)
    bound = bind(rules, schema, frame)
    report = check_rules(frame, bound, schema)
    left, dropped = [], []
    for proposal, rule in zip(kept, bound, strict=True):
        reason = _contradiction(rule, report[rule.name], schema)
        if reason:
            dropped.append(replace(proposal, dropped=reason))
        else:
            left.append(proposal)
    return left, dropped


def _contradiction(rule: BoundRule, result: RuleResult, schema: Schema) -> str:
    if isinstance(rule, ShareRule):
        return "" if result.ok else f"the real rows are {result.rate:.3f} from it"
    if isinstance(rule, RowRule) and impossible([Not(rule.tree)], schema):
        return "no row can break it"
    if result.violations <= _MAX_BROKEN * max(result.support, 1):
        return ""
    return f"{result.violations:,} of the {result.support:,} real rows it speaks of break it"


def _consistent(
    kept: Sequence[Proposal], frame: pl.DataFrame, schema: Schema
) -> tuple[list[Proposal], list[Proposal]]:
    """Drop the rule with fewest votes out of every set that cannot hold together."""
    left, dropped = list(kept), []
    while left:
        rules = _rules(left)
        errors = validate_rules(rules, schema, frame, redundancy=False).errors
        if not errors:
            break
        names = [rule.name for rule in rules]
        indices = [names.index(name) for name in errors[0].rules]
        worst = min(indices, key=lambda i: (left[i].votes, left[i].confidence or 0.0, -i))
        dropped.append(replace(left.pop(worst), dropped=errors[0].message))
    return left, dropped


def _concise(
    kept: Sequence[Proposal], frame: pl.DataFrame, schema: Schema
) -> tuple[list[Proposal], list[Proposal]]:
    """Drop hard rules that say nothing new beside other hard ones, and wider quotas."""
    result = validate_rules(_rules(kept), schema, frame)
    reported = {
        note.rules[0] for note in result.findings if note.level is Level.NOTE and note.rules[1:]
    }
    others = [rule for rule in result.bound if not isinstance(rule, RowRule)]
    for rule in others:
        if implied(rule, [other for other in others if other is not rule], schema):
            reported.add(rule.name)
    left, dropped = [], []
    for rule, proposal in zip(result.bound, kept, strict=True):
        if rule.name in reported:
            dropped.append(replace(proposal, dropped="other rules imply it"))
        else:
            left.append(proposal)
    return left, dropped
