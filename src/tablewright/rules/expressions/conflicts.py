"""Whether expressions can hold together, and a smallest set of those that cannot.

Domains are propagated part by part, linear parts go to a linear program, and alternatives
(OR) are tried one after another. What is found impossible is impossible; what is not may
still be, where parts are not linear, or alternatives are more than `MAX_TRIED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tablewright.rules.expressions.domains import Domain, DomainReader, everything, pushed
from tablewright.rules.expressions.linear import Bound, feasible, linear_bounds
from tablewright.rules.expressions.tree import And, Literal, Node, Or, columns_of
from tablewright.schema import Schema

__all__ = ["conflict", "impossible"]

MAX_TRIED = 2_000
"""Alternatives tried before a conflict is given up on."""


@dataclass
class _State:
    """What is known after some parts: domains, linear bounds, alternatives not yet decided."""

    domains: dict[str, Domain] = field(default_factory=dict)
    bounds: list[Bound] = field(default_factory=list)
    choices: list[Or] = field(default_factory=list)

    def copy(self) -> _State:
        return _State(dict(self.domains), list(self.bounds), list(self.choices))


def conflict(trees: Sequence[Node], schema: Schema, *, null: bool = False) -> list[int] | None:
    """Return the positions of a smallest set of expressions that exclude each other, or None.

    No expression can be left out of the set; another, smaller set may exist.

    Parameters
    ----------
    trees : sequence of Node
        Checked expressions.
    schema : Schema
        What they were checked against.
    null : bool, default=False
        Whether an expression that is NULL counts as held.

    Examples
    --------
    >>> from tablewright.rules.expressions.parsing import parse_tree
    >>> schema = Schema.build({"a": "integer", "b": "integer", "c": "integer"})
    >>> texts = ["a < b", "c > 3", "b < c", "c < a"]
    >>> conflict([parse_tree(text) for text in texts], schema)
    [0, 2, 3]
    """
    if not impossible(trees, schema, null=null):
        return None
    kept = list(range(len(trees)))
    for i in list(kept):
        rest = [j for j in kept if j != i]
        if rest and impossible([trees[j] for j in rest], schema, null=null):
            kept = rest
    return kept


def impossible(trees: Sequence[Node], schema: Schema, *, null: bool = False) -> bool:
    """Return whether it is proven that the expressions cannot all hold for one row."""
    return not _Search(schema, null).possible([pushed(tree, False) for tree in trees], _State())


class _Search:
    def __init__(self, schema: Schema, null: bool) -> None:
        self.schema, self.null = schema, null
        self.reader = DomainReader(schema, null)
        self.tried = 0

    def possible(self, parts: Sequence[Node], state: _State) -> bool:
        """Add parts to what is known; False if that is proven to be impossible."""
        pending = list(parts)
        while pending:
            part = pending.pop()
            if isinstance(part, And):
                pending.extend(part.parts)
            elif not self.narrow(part, state):
                return False
        if not self.linear_possible(state):
            return False
        return self.choices_possible(state)

    def narrow(self, part: Node, state: _State) -> bool:
        if isinstance(part, Literal):
            return part.value is True or (part.value is None and self.null)
        for name in columns_of(part):
            found = self.reader.read(part, self.schema[name])
            if found is None:
                continue
            known = state.domains.get(name, everything(self.schema[name]))
            state.domains[name] = known.intersect(found)
            if state.domains[name].is_empty:
                return False
        if isinstance(part, Or):
            state.choices.append(part)
        elif not self.null:
            state.bounds.extend(linear_bounds(part, self.schema))
        return True

    def linear_possible(self, state: _State) -> bool:
        """Ask the linear program, where bounds on several columns may clash."""
        several = any(len(bound.weights) != 1 for bound in state.bounds)
        return not several or feasible(state.bounds, state.domains)

    def choices_possible(self, state: _State) -> bool:
        """Try the alternatives of the shortest open choice, each with all that is left."""
        self.tried += 1
        open_choices = [choice for choice in state.choices if not self.decided(choice, state)]
        if not open_choices or self.tried > MAX_TRIED:
            return True
        choice = min(open_choices, key=lambda item: len(item.parts))
        rest = [item for item in open_choices if item is not choice]
        for part in choice.parts:
            branch = state.copy()
            branch.choices = list(rest)
            if self.possible([part], branch):
                return True
        return False

    def decided(self, choice: Or, state: _State) -> bool:
        """Whether an alternative holds anyway: its domain is all that is left of one column."""
        return any(self.holds_anyway(part, state) for part in choice.parts)

    def holds_anyway(self, part: Node, state: _State) -> bool:
        names = columns_of(part)
        if len(names) != 1 or names[0] not in state.domains or isinstance(part, And | Or):
            return False
        found = self.reader.read(part, self.schema[names[0]])
        known = state.domains[names[0]]
        return found is not None and known.intersect(found) == known
