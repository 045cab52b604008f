"""What has to be done so that rows keep rules: known before any row is drawn.

A plan knows nothing of generators. It says which columns are computed and in which order,
which columns are to be drawn again where a rule is broken, and under which conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from tablewright.rules.bound import BoundRule, Dependency, RowRule, ShareRule, Unique
from tablewright.rules.enforcement.computing import Computation, computations, needed
from tablewright.rules.expressions import Expression
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.domains import pushed
from tablewright.rules.trees import conjunction
from tablewright.schema import Schema

MAX_EXPANDED = 5_000
"""Nodes of what stands for a computed column in a condition; a larger one is checked afterwards."""


@dataclass(frozen=True)
class Plan:
    """Validated rules in the order of work.

    Attributes
    ----------
    schema : Schema
        The columns.
    rules : tuple of BoundRule
        All of them.
    order : tuple of str
        Columns as the generator draws them; the last ones are drawn again first.
    """

    schema: Schema
    rules: tuple[BoundRule, ...]
    order: tuple[str, ...]

    @classmethod
    def of(cls, rules: Iterable[BoundRule], schema: Schema, order: Sequence[str] = ()) -> Plan:
        """Return the plan for rules as `validate_rules` gives them."""
        names = tuple(order) + tuple(name for name in schema.names if name not in order)
        return cls(schema, tuple(rules), names)

    @cached_property
    def computations(self) -> tuple[Computation, ...]:
        """What hard rules compute, each after what it needs."""
        hard = [rule for rule in self.rules if rule.rule.hard]
        return computations(hard, self.schema, self.order)

    @cached_property
    def computed(self) -> dict[str, list[Computation]]:
        """The computations of each computed column."""
        result: dict[str, list[Computation]] = {}
        for one in self.computations:
            result.setdefault(one.column, []).append(one)
        return result

    @cached_property
    def always_computed(self) -> frozenset[str]:
        """Columns that are computed in every row."""
        return frozenset(one.column for one in self.computations if one.premise is None)

    def computed_by(self, rule: BoundRule) -> tuple[Computation, ...]:
        """Return what a soft rule computes, but columns that hard rules do."""
        found = computations([rule], self.schema, self.order)
        return tuple(one for one in found if one.column not in self.computed)

    @cached_property
    def per_row(self) -> tuple[BoundRule, ...]:
        """Rules that single rows keep or break; dependencies too, by their map."""
        return tuple(rule for rule in self.rules if isinstance(rule, RowRule | Dependency))

    @cached_property
    def hard(self) -> tuple[BoundRule, ...]:
        """Rules of single rows that every row has to keep."""
        return tuple(rule for rule in self.per_row if rule.rule.hard)

    @cached_property
    def soft(self) -> tuple[BoundRule, ...]:
        """Rules of single rows that most rows are to keep."""
        return tuple(rule for rule in self.per_row if not rule.rule.hard)

    @cached_property
    def shares(self) -> tuple[ShareRule, ...]:
        """Rules about shares of the table."""
        return tuple(rule for rule in self.rules if isinstance(rule, ShareRule))

    @cached_property
    def keys(self) -> tuple[Unique, ...]:
        """Keys that every row has to keep."""
        return tuple(rule for rule in self.rules if isinstance(rule, Unique) and rule.rule.hard)

    def free_columns(self, rule: BoundRule) -> tuple[str, ...]:
        """Return the drawn columns that decide whether a rule is kept, in drawing order."""
        names = needed(rule.columns, self.computed) - self.always_computed
        return tuple(name for name in self.order if name in names)

    def opened(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return columns with all those that are computed from them, in drawing order."""
        chosen = set(columns)
        for one in self.computations:
            if chosen & set(one.inputs):
                chosen.add(one.column)
        return tuple(name for name in self.order if name in chosen)

    def requirement(
        self, columns: Iterable[str], extra: Sequence[BoundRule] = ()
    ) -> Expression | None:
        """Return what rows have to meet while some columns are drawn again, or None.

        The hard rules that touch these columns, with computed columns replaced by what computes
        them. Dependencies and rules about other columns are left to the check afterwards.
        """
        open_columns = set(columns)
        parts: list[sql.Node] = []
        for rule in (*self.hard, *extra):
            if not isinstance(rule, RowRule) or self._computes(rule):
                continue
            tree = self._expanded(rule.tree)
            if open_columns & set(sql.columns_of(tree)):
                parts += self._kept(tree, strict=rule.rule.strict)
        for one in self.computations:
            within = self._within_range(one)
            if within is not None and open_columns & set(sql.columns_of(within)):
                parts += self._kept(within, strict=False)
        return Expression(conjunction(parts), self.schema) if parts else None

    def _within_range(self, one: Computation) -> sql.Node | None:
        """Return that a column which an equation is solved for stays in its range in the table."""
        if one.within is None or one.tree is None:
            return None
        low, high = (sql.Literal(end) for end in one.within)
        inside = sql.Between(self._expanded(one.tree), low, high)
        return inside if one.premise is None else sql.Or((pushed(one.premise, True), inside))

    def _computes(self, rule: BoundRule) -> bool:
        """Whether a rule is kept once its columns are computed."""
        return any(one.rule is rule and one.is_whole for one in self.computations)

    def _kept(self, tree: sql.Node, *, strict: bool) -> list[sql.Node]:
        """Return a rule as a condition: where NULL counts as kept, that is said."""
        parts: list[sql.Node] = list(tree.parts) if isinstance(tree, sql.And) else [tree]
        lenient = not strict and any(self.schema[name].nullable for name in sql.columns_of(tree))
        if not lenient:
            return parts
        return [sql.Call("coalesce", (part, sql.Literal(True))) for part in parts]

    def _expanded(self, node: sql.Node) -> sql.Node:
        """Replace columns that a tree computes by what computes them."""
        return _replaced(node, self._expansions)

    @cached_property
    def _expansions(self) -> dict[str, sql.Node]:
        """What stands for each computed column, where that is not too large."""
        result: dict[str, sql.Node] = {}
        for column, several in self.computed.items():
            tree: sql.Node = sql.Name(column)
            for one in several:
                if one.tree is not None:
                    value = _replaced(one.tree, result)
                    tree = (
                        value
                        if one.premise is None
                        else sql.Case(((_replaced(one.premise, result), value),), tree)
                    )
            if sum(1 for _ in islice(sql.walk(tree), MAX_EXPANDED)) < MAX_EXPANDED:
                result[column] = tree
        return result


def _replaced(node: sql.Node, by: Mapping[str, sql.Node]) -> sql.Node:
    if isinstance(node, sql.Name):
        return by.get(node.column, node)
    return sql.rebuilt(node, [_replaced(child, by) for child in sql.children(node)])
