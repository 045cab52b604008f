"""Validate rules before any row is made: names, satisfiability, the real rows, each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import RuleError
from tablewright.rules.bound import BoundRule, Dependency, RowRule, ShareRule, bind
from tablewright.rules.check import RuleResult, check_rules
from tablewright.rules.expressions.conflicts import conflict, impossible
from tablewright.rules.expressions.tree import Node, Not, columns_of
from tablewright.rules.expressions.unparse import shortened
from tablewright.rules.language import Formula, Rules, Severity
from tablewright.rules.trees import formula_tree
from tablewright.schema import Schema

TOLERATED = 0.005
"""Share of real rows that may break a hard rule as errors in the data."""


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that validation found."""

    level: Level
    rules: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Validation:
    """Rules as they will be applied, and what was found on the way.

    Attributes
    ----------
    rules : Rules
        With support and violation rate on the real rows; hard rules that real rows break are
        soft, unless a person wrote them or declared them an intervention.
    bound : list of BoundRule
        The same, bound to the schema.
    findings : list of Finding
        Errors first.
    """

    rules: Rules
    bound: list[BoundRule] = field(repr=False)
    findings: list[Finding]

    @property
    def errors(self) -> list[Finding]:
        """What makes the rules unusable."""
        return [result for result in self.findings if result.level is Level.ERROR]

    def require(self) -> Validation:
        """Return itself.

        Raises
        ------
        RuleError
            If there is an error; names the rules.
        """
        if self.errors:
            raise RuleError(self.errors[0].message)
        return self


def validate_rules(
    rules: Rules,
    schema: Schema,
    real: pl.DataFrame | None = None,
    *,
    tolerated: float = TOLERATED,
    redundancy: bool = True,
) -> Validation:
    """Check that rules fit a table, can hold, and agree with the real rows and each other.

    Parameters
    ----------
    rules : Rules
        What to validate.
    schema : Schema
        The columns of the table.
    real : polars DataFrame, optional
        Real rows; without them nothing is demoted.
    tolerated : float, default=0.005
        Share of real rows that may break a rule that was mined or written by a model; above it
        the rule becomes soft with the probability found. What a person wrote stays hard.
    redundancy : bool, default=True
        Whether to look for rules that others imply.

    Returns
    -------
    Validation

    Raises
    ------
    RuleError
        If a rule names a column or a value that does not exist, or is not an expression.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer"})
    >>> rules = Rules(rules=["age > 90", "age < 20"])
    >>> validate_rules(rules, schema).errors[0].message
    'rules r1, r2 cannot hold together: age > 90; age < 20'
    """
    bound = bind(rules, schema, real)
    findings = _cycles(bound, schema) + _conflicts(bound, schema)
    if real is not None:
        report = check_rules(real, bound, schema)
        judged = [_judge(rule, report[rule.name], tolerated) for rule in bound]
        rules = Rules(rules=[rule for rule, _ in judged])
        findings += [found for _, found in judged if found is not None]
        bound = bind(rules, schema, real)
        if not any(found.level is Level.ERROR for found in findings):
            findings += _never_together(bound, real)
    findings += _redundant(bound, schema) if redundancy else []
    return Validation(
        rules, bound, sorted(findings, key=lambda found: list(Level).index(found.level))
    )


def _hard_trees(bound: Sequence[BoundRule]) -> tuple[list[RowRule], list[Node]]:
    hard = [rule for rule in bound if isinstance(rule, RowRule) and rule.rule.hard]
    return hard, [rule.tree for rule in hard]


def _conflicts(bound: Sequence[BoundRule], schema: Schema) -> list[Finding]:
    result = []
    hard, trees = [], []
    for rule in (rule for rule in bound if isinstance(rule, RowRule)):
        if impossible([rule.tree], schema):
            declared = shortened(rule.rule.described(), 200)
            text = f"rule {rule.name!r} cannot hold for any row: {declared}"
            result.append(Finding(Level.ERROR, (rule.name,), text))
        elif rule.rule.hard:
            hard.append(rule)
            trees.append(rule.tree)
    together = conflict(trees, schema)
    if together is not None:
        names = tuple(hard[i].name for i in together)
        texts = "; ".join(shortened(hard[i].rule.described(), 100) for i in together[:4])
        message = f"rules {', '.join(names[:20])} cannot hold together: {texts}"
        result.append(Finding(Level.ERROR, names, message))
    return result


def _judge(rule: BoundRule, result: RuleResult, tolerated: float) -> tuple[Any, Finding | None]:
    """Return the rule with what the real rows say of it, and what follows from that."""
    known = {"support": result.support, "violation_rate": min(result.rate, 1.0)}
    created = rule.rule.model_copy(update=known)
    share = f"{result.rate:.2%} of the real rows"
    if isinstance(rule, ShareRule):
        if result.ok:
            return created, None
        text = f"rule {rule.name!r} changes the table: the real rows are {result.rate:.3f} from it"
        return created, Finding(Level.WARNING, (rule.name,), text)
    if not rule.rule.hard:
        return _with_strength(created, result), None
    if result.violations == 0:
        return created, None
    if rule.rule.intervention:
        text = f"rule {rule.name!r} is an intervention: {share} break it"
        return created, Finding(Level.WARNING, (rule.name,), text)
    if not rule.rule.relaxable:
        text = (
            f"rule {rule.name!r} is kept by every row that is written, although {share} break it, "
            f"as rows {result.rows} do; severity: soft would let rows break it as often"
        )
        return created, Finding(Level.WARNING, (rule.name,), text)
    if result.rate <= tolerated:
        text = f"rule {rule.name!r} stays hard although {result.violations} real rows break it"
        return created, Finding(Level.NOTE, (rule.name,), text)
    text = (
        f"rule {rule.name!r} became soft: {share} break it, as rows {result.rows} do; "
        "source: human or intervention: true would keep it hard"
    )
    return _softened(created, result.rate), Finding(Level.WARNING, (rule.name,), text)


def _with_strength(rule: Any, result: RuleResult) -> Any:
    if rule.weight is None and rule.probability is None:
        return rule.model_copy(update={"probability": 1.0 - result.rate})
    return rule


def _softened(rule: Any, rate: float) -> Any:
    return rule.model_copy(update={"severity": Severity.SOFT, "probability": 1.0 - rate})


def _never_together(bound: Sequence[BoundRule], real: pl.DataFrame) -> list[Finding]:
    """Say so if no real row keeps all hard rules: they may be impossible in ways not proven."""
    hard, _ = _hard_trees(bound)
    kept = {rule.name: ~rule.broken(real) for rule in hard}
    if not hard or real.height == 0 or np.logical_and.reduce(list(kept.values())).any():
        return []
    names = list(kept)
    for name in list(names):
        rest = [other for other in names if other != name]
        if rest and not np.logical_and.reduce([kept[other] for other in rest]).any():
            names = rest
    text = f"no real row keeps {', '.join(names)} together"
    return [Finding(Level.WARNING, tuple(names), text)]


def _redundant(bound: Sequence[BoundRule], schema: Schema) -> list[Finding]:
    """Name rules that others imply where nothing is missing."""
    hard, trees = _hard_trees(bound)
    result, left = [], list(range(len(hard)))
    for i in reversed(range(len(hard))):
        others = [j for j in left if j != i and set(hard[j].columns) & set(hard[i].columns)]
        if not others:
            continue
        core = conflict([Not(trees[i]), *(trees[j] for j in others)], schema)
        if core is None or core[0] != 0 or len(core) < 2:
            continue
        left.remove(i)
        names = tuple(hard[others[j - 1]].name for j in core[1:])
        text = f"rule {hard[i].name!r} says nothing new beside {', '.join(names)}"
        result.append(Finding(Level.NOTE, (hard[i].name, *names), text))
    return result


def computed_columns(bound: Sequence[BoundRule], schema: Schema) -> dict[str, list[BoundRule]]:
    """Return the hard rules that compute each column."""
    result: dict[str, list[BoundRule]] = {}
    for rule in bound:
        target = determined_column(rule)
        if target is not None and rule.rule.hard:
            result.setdefault(target, []).append(rule)
    return result


def determined_column(rule: BoundRule) -> str | None:
    """Return the column that a rule computes from others, or None."""
    if isinstance(rule, Dependency):
        return str(rule.rule.to)
    return str(rule.rule.column) if isinstance(rule.rule, Formula) else None


def inputs_of(rule: BoundRule) -> tuple[str, ...]:
    """Return the columns that a computing rule reads."""
    if isinstance(rule, Dependency):
        return tuple(rule.rule.from_)
    return columns_of(formula_tree(rule.rule, rule.schema))


def _cycles(bound: Sequence[BoundRule], schema: Schema) -> list[Finding]:
    """Find columns that are computed from themselves; dependencies both ways are fine."""
    result = []
    graph: dict[str, set[str]] = {}
    for rule in (r for r in bound if isinstance(r.rule, Formula) and r.rule.hard):
        graph.setdefault(rule.rule.column, set()).update(inputs_of(rule))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        round_trip = list(dict.fromkeys(error.args[1]))
        names = tuple(
            r.name for r in bound if isinstance(r.rule, Formula) and r.rule.column in round_trip
        )
        shown = " -> ".join([*round_trip, round_trip[0]])
        message = f"rules {', '.join(names)} compute columns from each other: {shown}"
        result.append(Finding(Level.ERROR, names, message))
    for column, rules in computed_columns(bound, schema).items():
        formulas = [rule for rule in rules if isinstance(rule.rule, Formula)]
        if len(formulas) > 1:
            names = tuple(rule.name for rule in formulas)
            message = f"rules {', '.join(names)} all compute column {column!r}"
            result.append(Finding(Level.ERROR, names, message))
    return result
