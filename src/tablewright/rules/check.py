"""Check rows against rules, and say which rows break what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tablewright.rules.bound import BoundRule, RowRule, ShareRule, bind
from tablewright.rules.expressions.evaluate import compile_tree
from tablewright.rules.expressions.tree import Node
from tablewright.rules.language import Rules
from tablewright.rules.trees import not_missing, premise_of
from tablewright.schema import Kind, Schema

SHOWN = 5
"""Rows that a result names."""


@dataclass(frozen=True)
class RuleResult:
    """What one rule says of a table.

    Attributes
    ----------
    name, kind, severity, text : str
        The rule.
    support : int
        Rows that it speaks of.
    violations : int
        Rows that break it; for a rule about shares of the table 1 where it is not met.
    rate : float
        Violations as a share of all rows; for a rule about shares the distance from the
        shares wanted.
    ok : bool
        Whether it passes: a hard rule with no violation, a soft one that holds as often as its
        probability says (0.5 where it says none).
    rows : list of int
        The first few rows that break it, counted from 0.
    """

    name: str
    kind: str
    severity: str
    text: str
    support: int
    violations: int
    rate: float
    ok: bool
    rows: list[int]


@dataclass(frozen=True)
class CheckReport:
    """What rules say of a table."""

    n_rows: int
    results: list[RuleResult]

    @property
    def ok(self) -> bool:
        """Whether every rule passes."""
        return all(result.ok for result in self.results)

    @property
    def broken(self) -> list[RuleResult]:
        """The results that do not pass."""
        return [result for result in self.results if not result.ok]

    def __getitem__(self, name: str) -> RuleResult:
        return next(result for result in self.results if result.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "n_rows": self.n_rows,
            "ok": self.ok,
            "rules": [asdict(result) for result in self.results],
        }


def check_rules(
    frame: pl.DataFrame,
    rules: Rules | Sequence[BoundRule],
    schema: Schema,
    *,
    real: pl.DataFrame | None = None,
) -> CheckReport:
    """Check every row against every rule.

    Parameters
    ----------
    frame : polars DataFrame
        Rows to check.
    rules : Rules or sequence of BoundRule
        What they are to keep.
    schema : Schema
        The columns of the frame.
    real : polars DataFrame, optional
        Rows that dependencies with ``map: learn`` are learned from, in place of `frame`.

    Returns
    -------
    CheckReport

    Raises
    ------
    RuleError
        If a rule does not fit the schema.

    Examples
    --------
    >>> from tablewright.rules.language import Rules
    >>> frame = pl.DataFrame({"age": [17, 40, None]})
    >>> schema = Schema.build({"age": "integer"})
    >>> report = check_rules(frame, Rules(rules=["age >= 18"]), schema)
    >>> report["r1"].violations, report["r1"].rows, report.ok
    (1, [0], False)
    """
    bound = bind(rules, schema, real) if isinstance(rules, Rules) else list(rules)
    counts = _count_row_rules(frame, [rule for rule in bound if isinstance(rule, RowRule)], schema)
    results = [
        _row_result(rule, frame, *counts[rule.name])
        if isinstance(rule, RowRule)
        else _other_result(rule, frame)
        for rule in bound
    ]
    return CheckReport(frame.height, results)


def _count_row_rules(
    frame: pl.DataFrame, bound: list[RowRule], schema: Schema
) -> dict[str, tuple[int, int]]:
    """Return support and violations of each rule that is an expression, all in one pass."""
    asked: list[pl.Expr] = []
    for i, rule in enumerate(bound):
        kept = _compiled(rule.tree, frame, schema)
        broken = kept.fill_null(False).not_() if rule.rule.strict else kept.not_()
        premise = premise_of(rule.rule, schema) or not_missing(rule.columns or schema.names[:1])
        asked.append(_compiled(premise, frame, schema).sum().alias(f"s{i}"))
        asked.append(broken.sum().alias(f"v{i}"))
    if not asked or frame.height == 0:
        return {rule.name: (0, 0) for rule in bound}
    result = frame.select(asked).row(0, named=True)
    times = {rule.name: 1 if rule.columns else frame.height for rule in bound}
    return {
        rule.name: (int(result[f"s{i}"] or 0), int(result[f"v{i}"] or 0) * times[rule.name])
        for i, rule in enumerate(bound)
    }


def _compiled(tree: Node, frame: pl.DataFrame, schema: Schema) -> pl.Expr:
    return compile_tree(tree, schema, frame.schema).cast(pl.Boolean)


def _row_result(rule: RowRule, frame: pl.DataFrame, support: int, count: int) -> RuleResult:
    rows = np.flatnonzero(rule.broken(frame))[:SHOWN].tolist() if count else []
    return _result(rule, frame, support, count, rows)


def _other_result(rule: BoundRule, frame: pl.DataFrame) -> RuleResult:
    if isinstance(rule, ShareRule):
        distance, broken = rule.distance(frame), bool(rule.broken(frame).any())
        support = int(rule.context(frame).sum())
        result = _result(rule, frame, support, int(broken), [])
        return replace(result, rate=distance, ok=not broken)
    rows = np.flatnonzero(rule.broken(frame))
    complete = frame.select(pl.all_horizontal(pl.col(rule.columns).is_not_null()).sum()).item()
    return _result(rule, frame, int(complete), len(rows), rows[:SHOWN].tolist())


def _result(
    rule: BoundRule, frame: pl.DataFrame, support: int, count: int, rows: list[int]
) -> RuleResult:
    rate = count / frame.height if frame.height else 0.0
    requested = rule.rule.probability if rule.rule.probability is not None else 0.5
    return RuleResult(
        name=rule.name,
        kind=rule.rule.kind,
        severity=rule.rule.severity.value,
        text=rule.rule.described(),
        support=support,
        violations=count,
        rate=rate,
        ok=count == 0
        if rule.rule.hard
        else rate <= 1.0 - requested + _sampling_slack(requested, frame),
        rows=rows,
    )


def _sampling_slack(probability: float, frame: pl.DataFrame) -> float:
    """Three standard errors of a share: what chance alone may add to a soft rule's rate."""
    return 3.0 * float(np.sqrt(probability * (1 - probability) / max(frame.height, 1)))


def open_categories(schema: Schema) -> Schema:
    """Let rules name values that do not occur in the table; only an order needs its list."""
    for column in schema.each():
        if column.kind is not Kind.ORDINAL and column.categories is not None:
            schema = schema.replace(column.model_copy(update={"categories": None}))
    return schema
