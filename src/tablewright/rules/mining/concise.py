"""Leave out of what was found what the rest of it already says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.tree import columns_of
from tablewright.rules.language import Check, Dependency, Equivalence, Implies, Linear, Order
from tablewright.rules.mining.evidence import Candidate, Rows

__all__ = ["concise"]


def concise(found: Sequence[Candidate], rows: Rows) -> list[Candidate]:
    """Return the rules without those that others among them make superfluous.

    Of a dependency and an equivalence between the same two columns the dependency stays, unless
    what it determines has two values only. Of columns that determine each other, and of classes
    that are equivalent, the first stands for the others in implications. A bound is left out
    where an exclusion between the same columns was found.
    """
    rules = [made.rule for made in found]
    two_valued = {c for c in rows.train.columns if rows.train[c].drop_nulls().n_unique() <= 2}
    paired = {_columns(rule) for rule in rules if isinstance(rule, Equivalence)}
    stand_in, dropped = _stand_ins([rule for rule in rules if isinstance(rule, Equivalence)])
    dropped |= {id(rule) for rule in rules if _is_pair(rule, paired, two_valued)}
    dependencies = [r for r in rules if isinstance(r, Dependency) and id(r) not in dropped]
    said = {frozenset((*rule.from_, rule.to)) for rule in dependencies}
    sums = {frozenset(rule.terms) for rule in rules if isinstance(rule, Linear)}
    dropped |= {id(r) for r in dependencies if any(used <= _columns(r) for used in sums)}
    said |= sums
    seconds = _seconds(dependencies)
    kept: list[Candidate] = []
    implied: set[frozenset[str]] = set(paired)
    for made in found:
        rule, columns = made.rule, _columns(made.rule)
        if id(rule) in dropped or _repeats(rule, columns, said, seconds, stand_in, implied):
            continue
        if isinstance(rule, Implies) and " OR " not in rule.then and " = " in rule.then:
            implied.add(columns)
        kept.append(made)
    return kept


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
