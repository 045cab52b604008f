"""Rules out of replies: read one by one, and kept where most replies say the same."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tablewright.display import shown
from tablewright.errors import RuleError
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.rules import Rules, Severity, Source, as_rules, bind
from tablewright.rules.bound import BoundRule, Dependency, RowRule, ShareRule, Unique
from tablewright.rules.expressions.conflicts import impossible
from tablewright.rules.expressions.tree import Node, Not, columns_of
from tablewright.rules.expressions.unparse import unparse
from tablewright.rules.language import Conditional, Quota, Rule
from tablewright.schema import DECLARED, Schema
from tablewright.systems.common.rule_writing.forms import MAX_RULES, with_maps, with_names
from tablewright.systems.common.rule_writing.prompts import Refused

_OURS = frozenset(
    {"name", "id", "source", "support", "violation_rate", "violation_real", "held_out"}
    | {"weight", "probability", "intervention", "strict", "number", "confidence", "reason"}
)
"""Fields that we fill in, whatever a model writes there."""
_MAX_CHARACTERS = 4_000

_ALIKE = 0.05
"""Distance (TV) below which two conditional distributions say the same."""


@dataclass(frozen=True)
class Proposal:
    """A rule that a model proposed, and what became of it.

    Attributes
    ----------
    rule : Rule
    votes : int
        Replies of which the rules together imply it.
    confidence : float or None
        What the model says of it, 0 to 1.
    dropped : str
        Why it is not among the rules; empty where it is.
    """

    rule: Any
    votes: int
    confidence: float | None = None
    dropped: str = ""


@dataclass
class Sample:
    """The rules of one reply.

    Attributes
    ----------
    bound : list of BoundRule
        Those that fit the schema.
    confidence : list of float or None
        What the model says of each.
    refused : list of Refused
        The others.
    """

    bound: list[BoundRule] = field(default_factory=list)
    confidence: list[float | None] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def read_rules(text: str, schema: Schema, sample: int = 0, echoes: Collection[str] = ()) -> Sample:
    """Read the rules of a reply, each on its own: a bad one costs only itself.

    Parameters
    ----------
    text : str
        What a model wrote; anything.
    schema : Schema
        What rules have to fit.
    sample : int, default=0
        Number of the reply.
    echoes : collection of str, default=()
        What the examples of the prompt say: no answer.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer"})
    >>> found = read_rules('{"rules": [{"expression": "age > 0"}, {"kind": "whim"}]}', schema)
    >>> [rule.rule.described() for rule in found.bound], found.refused[0].reason
    (['age > 0'], "there is no rule kind 'whim'; there are 'check', 'implies', ...")
    """
    result = Sample()
    for item in listed_rules(text):
        try:
            bound, confidence = read_rule(item, schema, echoes)
        except RuleError as error:
            result.refused.append(Refused(sample, _json(item), _reason(error, item, schema)))
        else:
            result.bound.append(bound)
            result.confidence.append(confidence)
    return result


def listed_rules(text: str) -> list[Any]:
    """Return what stands in the lists of rules of a reply, 40 at most."""
    values = (value for value, _, _ in find_containers(text))
    return list(islice((item for value in values for item in _inside(value)), MAX_RULES))


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _inside(item) if isinstance(item, list) else (item,)
    elif isinstance(value.get("rules"), list):
        yield from value["rules"]
    elif value.keys() & {"kind", "expression"}:
        yield value


def read_rule(
    item: Any, schema: Schema, echoes: Collection[str] = ()
) -> tuple[BoundRule, float | None]:
    """Read one rule; what the model cannot know or may not decide is left out.

    Raises
    ------
    RuleError
        If it is no rule, does not fit the schema, or is an example of the prompt.
    """
    data = {"expression": item} if isinstance(item, str) else item
    if not isinstance(data, Mapping):
        raise RuleError("a rule is an object with a kind")
    if len(str(data)) > _MAX_CHARACTERS:
        raise RuleError(f"it has more than {_MAX_CHARACTERS:,} characters")
    fields = {str(key): value for key, value in data.items() if str(key) not in _OURS}
    fields = with_names(with_maps(fields), schema)
    why = data.get("why") or data.get("reason") or ""
    fields |= {"why": shown(str(why), 300), "source": Source.LLM.value}
    rule = as_rules([fields]).rules[0]
    if rule.described() in echoes:
        raise RuleError("it is an example of the prompt")
    if any(unicodedata.category(character) == "Cc" for character in rule.described()):
        raise RuleError("it holds control characters")
    return bind(Rules(rules=[rule]), schema)[0], _share(data.get("confidence"))


def _share(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else None


def _reason(error: RuleError, item: Any, schema: Schema) -> str:
    """Say what is wrong without naming values of the table, which an error may suggest."""
    columns = [
        column.model_copy(update={"categories": None}) if column.reason != DECLARED else column
        for column in schema.each()
    ]
    try:
        read_rule(item, schema.model_copy(update={"columns": columns}))
    except RuleError as outward:
        text = str(outward).removeprefix("rule 1: ").removeprefix("rule 'r1': ")
        return shown(text, 300)
    return "it names a value that the column does not have"


def _json(item: Any) -> str:
    return shown(json.dumps(item, ensure_ascii=False, default=str), 500)


def implied(rule: BoundRule, others: Sequence[BoundRule], schema: Schema) -> bool:
    """Whether other rules together say what a rule says, where nothing is missing.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "job": "categorical"})
    >>> texts = ["age BETWEEN 20 AND 60", "age >= 18", "age >= 18 OR job = 'cook'"]
    >>> strong, weak, weaker = bind(as_rules(texts), schema)
    >>> implied(weak, [strong], schema), implied(strong, [weak], schema)
    (True, False)
    >>> implied(weaker, [weak], schema)
    True
    """
    if not isinstance(rule, RowRule):
        return any(_says(other, rule) for other in others)
    trees = [other.tree for other in others if isinstance(other, RowRule)]
    if any(unparse(tree) == unparse(rule.tree) for tree in trees):
        return True
    near = [tree for tree in trees if set(columns_of(tree)) & set(rule.columns)]
    if impossible(near, schema):
        return any(_follows(rule.tree, [tree], schema) for tree in near)
    return bool(near) and _follows(rule.tree, near, schema)


def _follows(tree: Node, given: Sequence[Node], schema: Schema) -> bool:
    return not impossible(given, schema) and impossible([Not(tree), *given], schema)


def _says(one: BoundRule, other: BoundRule) -> bool:
    """Whether a rule that is no expression says what another one says."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Unique):
        return set(one.columns) <= set(other.columns)
    if isinstance(one, Dependency):
        same = one.rule.to == other.rule.to and one.rule.map == other.rule.map
        return same and set(one.rule.from_) <= set(other.rule.from_)
    assert isinstance(one, ShareRule)
    assert isinstance(other, ShareRule)
    if unparse(one.where) != unparse(other.where) or type(one.rule) is not type(other.rule):
        return False
    if isinstance(one.rule, Quota):
        low, high = one.rule.share
        inside = other.rule.share[0] <= low and high <= other.rule.share[1]
        return bool(inside and one.rule.min_rows >= other.rule.min_rows)
    return one.rule.column == other.rule.column and _apart(one.rule, other.rule) <= _ALIKE


def _apart(one: Conditional, other: Conditional) -> float:
    values = {*one.dist, *other.dist}
    return sum(abs(one.dist.get(v, 0.0) - other.dist.get(v, 0.0)) for v in values) / 2


def same_rules(one: BoundRule, other: BoundRule, schema: Schema) -> bool:
    """Whether two rules say the same of the same columns, however they are written."""
    if set(one.columns) != set(other.columns):
        return False
    return implied(one, [other], schema) and implied(other, [one], schema)


def count_votes(samples: Sequence[Sample], schema: Schema) -> list[tuple[BoundRule, Proposal]]:
    """Return every different rule of some replies with the number of replies that imply it.

    A narrow bound also speaks for the wider ones, so that of several proposed bounds the
    middle one is the narrowest that most replies support.

    Returns
    -------
    list of tuple of BoundRule and Proposal
        Those with most votes first, then in the order in which they were proposed.
    """
    result: list[tuple[BoundRule, Proposal]] = []
    for sample in samples:
        for bound, confidence in zip(sample.bound, sample.confidence, strict=True):
            if any(same_rules(bound, known, schema) for known, _ in result):
                continue
            votes = sum(implied(bound, other.bound, schema) for other in samples)
            severe = _severity(bound, samples, schema)
            rule: Rule = bound.rule.model_copy(update={"severity": severe})
            result.append((bound, Proposal(rule, votes, confidence)))
    return sorted(result, key=lambda pair: -pair[1].votes)


def _severity(bound: BoundRule, samples: Sequence[Sample], schema: Schema) -> Severity:
    """Return what most of the equal rules say of themselves; hard where they are even."""
    alike = [
        other.rule.hard
        for sample in samples
        for other in sample.bound
        if same_rules(bound, other, schema)
    ]
    return Severity.HARD if 2 * sum(alike) >= len(alike) else Severity.SOFT
