"""The miner: candidates of every kind, one test for all, and what is redundant left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.rules.check import check_rules
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import columns_of
from tablewright.rules.language import (
    Check,
    Dependency,
    Equivalence,
    Implies,
    Linear,
    Order,
    Rules,
    Severity,
)
from tablewright.rules.mining.dependencies import find_dependencies
from tablewright.rules.mining.equations import find_equations
from tablewright.rules.mining.evidence import Candidate, Rows, discoveries
from tablewright.rules.mining.numbers import find_orders, find_ranges
from tablewright.rules.mining.one_hot import find_one_hot
from tablewright.rules.mining.values import find_bounds, find_exclusions
from tablewright.schema import Schema


def concise(found: Sequence[Candidate], rows: Rows) -> list[Candidate]:
    """Return the rules without those that others among them make superfluous.

    Of a dependency and an equivalence between the same two columns the dependency stays, unless
    what it determines has two values only. Of columns that determine each other, and of classes
    that are equivalent, the first stands for the others in implications. A bound is left out
    where an exclusion between the same columns was found.
    """
    rules = [result.rule for result in found]
    two_valued = {c for c in rows.train.columns if rows.train[c].drop_nulls().n_unique() <= 2}
    paired = {_columns(rule) for rule in rules if isinstance(rule, Equivalence)}
    stand_in, dropped = _stand_ins([rule for rule in rules if isinstance(rule, Equivalence)])
    dropped |= {id(rule) for rule in rules if _is_pair(rule, paired, two_valued)}
    dependencies = [r for r in rules if isinstance(r, Dependency) and id(r) not in dropped]
    declared = {frozenset((*rule.from_, rule.to)) for rule in dependencies}
    sums = {frozenset(rule.terms) for rule in rules if isinstance(rule, Linear)}
    dropped |= {id(r) for r in dependencies if any(used <= _columns(r) for used in sums)}
    declared |= sums
    choices = [used for used in sums if used <= two_valued]
    dropped |= {id(r) for r in rules if isinstance(r, Implies) and _within(r, choices)}
    seconds = _seconds(dependencies)
    kept: list[Candidate] = []
    implied: set[frozenset[str]] = set(paired)
    for result in found:
        rule, columns = result.rule, _columns(result.rule)
        if id(rule) in dropped or _repeats(rule, columns, declared, seconds, stand_in, implied):
            continue
        if isinstance(rule, Implies) and " OR " not in rule.then and " = " in rule.then:
            implied.add(columns)
        kept.append(result)
    return kept


def _within(rule: Implies, choices: Sequence[frozenset[str]]) -> bool:
    """Whether a sum of columns of 0 and 1 says what this implication says."""
    return any(_columns(rule) <= columns for columns in choices)


def _is_pair(rule: Any, paired: set[frozenset[str]], two_valued: set[str]) -> bool:
    """Whether an equivalence says what this dependency on a two-valued column says."""
    return (
        isinstance(rule, Dependency)
        and rule.to in two_valued
        and any(frozenset((one, rule.to)) in paired for one in rule.from_)
    )


def _seconds(dependencies: Iterable[Dependency]) -> set[str]:
    """Return the columns that an earlier column determines and is determined by."""
    single = {(rule.from_[0], rule.to) for rule in dependencies if len(rule.from_) == 1}
    seconds: set[str] = set()
    for one, other in single:
        if (other, one) in single and one not in seconds:
            seconds.add(other)
    return seconds


def _stand_ins(equivalences: Iterable[Equivalence]) -> tuple[dict[str, str], set[int]]:
    """Return what stands for each class, and the equivalences that follow from earlier ones."""
    stands: dict[str, str] = {}
    repeated: set[int] = set()
    for rule in equivalences:
        first, second = _root(rule.a, stands), _root(rule.b, stands)
        if first == second:
            repeated.add(id(rule))
        else:
            stands[second] = first
    return {text: _root(text, stands) for text in stands}, repeated


def _root(text: str, stands: dict[str, str]) -> str:
    while text in stands:
        text = stands[text]
    return text


def _repeats(
    rule: Any,
    columns: frozenset[str],
    said: set[frozenset[str]],
    seconds: set[str],
    stand_in: dict[str, str],
    implied: set[frozenset[str]],
) -> bool:
    match rule:
        case Implies():
            if columns in said or columns & seconds or stand_in.keys() & {rule.if_, rule.then}:
                return True
            return columns in implied and ("<=" in rule.then or ">=" in rule.then)
        case Equivalence():
            return columns in said
        case Order() | Check():
            return columns in said
        case Dependency():
            return any(used < columns for used in said)
        case _:
            return False


def _columns(rule: Any) -> frozenset[str]:
    match rule:
        case Implies():
            texts = [rule.if_, rule.then]
        case Equivalence():
            texts = [rule.a, rule.b]
        case Check():
            texts = [rule.expression]
        case Order():
            return frozenset(rule.columns)
        case Dependency():
            return frozenset((*rule.from_, rule.to))
        case _:
            return frozenset()
    return frozenset(name for text in texts for name in columns_of(parse_tree(text)))


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
    result.sort(key=lambda made: (made.rate, made.p_value))
    result = sorted(concise(result, rows), key=lambda made: made.p_value)[:max_rules]
    ranges = find_ranges(rows) if "ranges" in kinds else []
    return _measured(
        [*result, *(made for made in ranges if made.rate <= 1 - confidence)], frame, schema
    )


def _measured(found: list[Candidate], frame: pl.DataFrame, schema: Schema) -> Rules:
    """Write support and violation rates into the rules, and make them hard or soft."""
    named = Rules(rules=[created.rule for created in found])
    report = check_rules(frame, named, schema)
    rules = []
    for created, rule in zip(found, named, strict=True):
        result = report[rule.name]
        hard = result.violations == 0 and result.support >= MIN_SUPPORT
        share = 1.0 - result.violations / max(result.support, 1)
        update = {
            "support": result.support,
            "violation_rate": min(result.rate, 1.0),
            "held_out": created.rate,
            "severity": Severity.HARD if hard else Severity.SOFT,
            "probability": None if hard else max(share, 0.0),
        }
        rules.append(rule.model_copy(update=update))
    return Rules(rules=rules)
