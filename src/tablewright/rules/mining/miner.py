"""The miner: candidates of every kind, one test for all, and what is redundant left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.rules.bound import bind
from tablewright.rules.check import RuleResult, check_rules
from tablewright.rules.enforcement.computing import computations
from tablewright.rules.expressions.conflicts import impossible
from tablewright.rules.expressions.tree import Node, Not, columns_of
from tablewright.rules.language import (
    Dependency,
    Equivalence,
    Formula,
    Implies,
    Linear,
    Rules,
    Severity,
)
from tablewright.rules.mining.dependencies import find_dependencies
from tablewright.rules.mining.equations import find_equations
from tablewright.rules.mining.evidence import Candidate, Rows, discoveries, judged
from tablewright.rules.mining.numbers import find_orders, find_ranges
from tablewright.rules.mining.one_hot import find_one_hot
from tablewright.rules.mining.values import find_bounds, find_exclusions
from tablewright.rules.trees import rule_tree
from tablewright.schema import Schema

MAX_NEAR = 20
"""Rules that are looked at to see whether they imply another: those that share most with it."""


def concise(found: Sequence[Candidate], rows: Rows) -> list[Candidate]:
    """Return the rules without those that others among them make superfluous.

    The rule that fewest rows break comes first, so that an exact one stands for loose ones near
    it. Left out are equations within a better one, what an equation and the spread of its columns
    bring with them, what two columns that determine each other say twice, bounds between
    columns that are equivalent, and whatever follows from rules that are kept.
    """
    found = sorted(found, key=lambda one: (one.rule.violation_rate, one.p_value))
    columns = {id(one): _columns(one.rule, rows.schema) for one in found}
    equations = _best_equations(found, columns)
    sums = [columns[id(one)] for one in equations]
    found = [one for one in found if not _is_equation(one.rule) or one in equations]
    found = _beside_equations(found, equations, columns, rows)
    two_valued = {c for c in rows.train.columns if rows.train[c].drop_nulls().n_unique() <= 2}
    paired = {columns[id(one)] for one in found if isinstance(one.rule, Equivalence)}
    dependencies = [
        one
        for one in found
        if isinstance(one.rule, Dependency)
        and not any(used <= columns[id(one)] or columns[id(one)] <= used for used in sums)
        and not (one.rule.to in two_valued
                 and any(frozenset((a, one.rule.to)) in paired for a in one.rule.from_))
    ]  # fmt: skip
    determined = {columns[id(one)] for one in dependencies}
    dependencies = [one for one in dependencies
                    if not any(used < columns[id(one)] for used in determined)]  # fmt: skip
    seconds = _seconds([one.rule for one in dependencies])
    others = [
        one
        for one in found
        if not isinstance(one.rule, Dependency)
        and columns[id(one)] not in determined
        and not (isinstance(one.rule, Implies) and columns[id(one)] & seconds)
        and not (_is_bound(one.rule) and columns[id(one)] in paired)
    ]
    return [*dependencies, *_independent(others, columns, rows.schema)]


def _columns(rule: Any, schema: Schema) -> frozenset[str]:
    if isinstance(rule, Dependency):
        return frozenset((*rule.from_, rule.to))
    tree = rule_tree(rule, schema)
    assert tree is not None
    return frozenset(columns_of(tree))


def _is_equation(rule: Any) -> bool:
    return isinstance(rule, Linear | Formula) or (isinstance(rule, Implies) and "abs(" in rule.then)


def _is_bound(rule: Any) -> bool:
    return isinstance(rule, Implies) and ("<=" in rule.then or ">=" in rule.then)


def _best_equations(
    found: Sequence[Candidate], columns: dict[int, frozenset[str]]
) -> list[Candidate]:
    """Return the equations, but those within the columns of one that fewer rows break."""
    every = [one for one in found if _is_equation(one.rule)]
    return [
        one
        for one in every
        if not any(
            columns[id(one)] < columns[id(other)]
            and other.rule.violation_rate < one.rule.violation_rate
            for other in every
        )
    ]


def _beside_equations(
    found: list[Candidate],
    equations: Sequence[Candidate],
    columns: dict[int, frozenset[str]],
    rows: Rows,
) -> list[Candidate]:
    """Leave out rules that hold as well where columns are independent but for the equations."""
    joined = [columns[id(one)] for one in equations]
    doubtful = [
        one
        for one in found
        if not _is_equation(one.rule)
        and not isinstance(one.rule, Dependency)
        and any(len(columns[id(one)] & used) > 1 for used in joined)
    ]
    if not doubtful:
        return found
    rules = Rules(rules=[one.rule for one in equations])
    hard = [rule.model_copy(update={"severity": Severity.HARD, "probability": None})
            for rule in rules]  # fmt: skip
    shuffled = rows.shuffled
    for one in computations(bind(Rules(rules=hard), rows.schema), rows.schema, rows.schema.names):
        shuffled = shuffled.with_columns(replace(one, within=None).value(shuffled, {}))
    again = judged([one.rule for one in doubtful], replace(rows, shuffled=shuffled))
    out = {
        id(one)
        for one, judgement in zip(doubtful, again, strict=True)
        if judgement.p_value > 0.05 or judgement.rate > judgement.leverage * judgement.base_rate
    }
    return [one for one in found if id(one) not in out]


def _seconds(dependencies: Iterable[Dependency]) -> set[str]:
    """Return the columns that an earlier column determines and is determined by."""
    single = {(rule.from_[0], rule.to) for rule in dependencies if len(rule.from_) == 1}
    seconds: set[str] = set()
    for one, other in sorted(single):
        if (other, one) in single and one not in seconds:
            seconds.add(other)
    return seconds


def _independent(
    found: Sequence[Candidate], columns: dict[int, frozenset[str]], schema: Schema
) -> list[Candidate]:
    """Leave out rules that follow from those before them."""
    kept: list[Candidate] = []
    trees: list[tuple[frozenset[str], Node]] = []
    for one in found:
        tree, mine = rule_tree(one.rule, schema), columns[id(one)]
        assert tree is not None
        near = mine.union(*(used for used, _ in trees if used & mine))
        others = sorted((-len(used & mine), i) for i, (used, _) in enumerate(trees) if used & near)
        others_trees = [trees[i][1] for _, i in others[:MAX_NEAR]]
        if not others or not impossible([Not(tree), *others_trees], schema):
            kept.append(one)
            trees.append((mine, tree))
    return kept


MIN_SUPPORT = 200
"""Real rows that a rule without violations has to speak of before it is hard."""

_FINDERS: dict[str, Callable[[Rows, float], list[Candidate]]] = {
    "dependencies": find_dependencies,
    "equations": find_equations,
    "orders": find_orders,
    "one_hot": find_one_hot,
    "exclusions": find_exclusions,
    "bounds": find_bounds,
}


def mine_rules(
    frame: pl.DataFrame,
    schema: Schema,
    rng: np.random.Generator,
    *,
    confidence: float = 0.97,
    false_discovery_rate: float = 0.05,
    max_rules: int = 200,
    kinds: Sequence[str] = ("ranges", *_FINDERS),
) -> Rules:
    """Find rules that the rows keep.

    Parameters
    ----------
    frame : polars DataFrame
        Real rows, at least 20.
    schema : Schema
        Their columns.
    rng : numpy Generator
        Splits the rows into those that rules are found on and those they are tested on.
    confidence : float, default=0.97
        Least share of held-out rows that keep a rule.
    false_discovery_rate : float, default=0.05
        Expected share of rules between independent columns among those returned.
    max_rules : int, default=200
        Rules kept, those with the strongest evidence first.
    kinds : sequence of str
        Which of ranges, dependencies, equations, orders, one_hot, exclusions, bounds to look for.

    Returns
    -------
    Rules
        Hard where no row breaks them and at least 200 speak of them, else soft with the
        probability observed; each with support, violation rate and held-out violation rate.

    Raises
    ------
    InputError
        If there are fewer than 20 rows, or a kind is unknown.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(0, 50, 400)
    >>> frame = pl.DataFrame({"x": x, "y": 2 * x + 1})
    >>> schema = Schema.build({"x": "integer", "y": "integer"})
    >>> [rule.described() for rule in mine_rules(frame, schema, rng, kinds=["equations"])]
    ['-2 * x + y = 1 (within 2e-08)']
    """
    unknown = set(kinds) - {"ranges", *_FINDERS}
    if unknown:
        raise InputError(
            f"kinds of rules to mine are {['ranges', *_FINDERS]}, not {sorted(unknown)}"
        )
    if frame.height < 20:
        raise InputError(f"rules are mined from at least 20 rows; the table has {frame.height}")
    rows = Rows.split(frame, schema, rng)
    tested = [
        made for kind in kinds if kind in _FINDERS for made in _FINDERS[kind](rows, confidence)
    ]
    strong = {id(made) for made in tested if made.is_strong(confidence)}
    result = [made for made in discoveries(tested, false_discovery_rate) if id(made) in strong]
    result = concise(_measured(result, frame, schema), rows)
    result = sorted(result, key=lambda made: made.p_value)[:max_rules]
    ranges = find_ranges(rows) if "ranges" in kinds else []
    ranges = _measured([made for made in ranges if made.rate <= 1 - confidence], frame, schema)
    return Rules(rules=[made.rule for made in (*result, *ranges)])


def _measured(found: list[Candidate], frame: pl.DataFrame, schema: Schema) -> list[Candidate]:
    """Write support and violation rates into the rules, and make them hard or soft."""
    named = Rules(rules=[created.rule for created in found])
    report = check_rules(frame, named, schema)
    return [
        replace(created, rule=_with_evidence(created, report[rule.name]))
        for created, rule in zip(found, named, strict=True)
    ]


def _with_evidence(found: Candidate, result: RuleResult) -> Any:
    hard = result.violations == 0 and result.support >= MIN_SUPPORT
    share = 1.0 - result.violations / max(result.support, 1)
    update = {
        "support": result.support,
        "violation_rate": min(result.rate, 1.0),
        "held_out": found.rate,
        "severity": Severity.HARD if hard else Severity.SOFT,
        "probability": None if hard else max(share, 0.0),
    }
    return found.rule.model_copy(update=update)
