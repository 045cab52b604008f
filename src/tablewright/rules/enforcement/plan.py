"""What has to be done so that rows keep rules: known before any row is drawn.

A plan knows nothing of generators. It says which columns are computed and in which order,
which columns are to be drawn again where a rule is broken, and under which conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tablewright.rules.bound import BoundRule, Dependency, RowRule, ShareRule, Unique
from tablewright.rules.enforcement.linear import (
    Solved,
    Weights,
    is_solvable,
    range_of,
    solved_for,
    substituted,
)
from tablewright.rules.expressions import Expression
from tablewright.rules.expressions.tree import (
    And,
    Between,
    Call,
    Literal,
    Name,
    Node,
    children,
    columns_of,
    rebuilt,
)
from tablewright.rules.language import Formula, Linear
from tablewright.rules.trees import formula_tree
from tablewright.rules.validate import determined_column, inputs_of
from tablewright.schema import Schema


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
    def computations(self) -> tuple[BoundRule, ...]:
        """Hard rules that compute a column, each after those that it needs.

        One rule per column; a dependency that would close a circle is checked only.
        """
        chosen: dict[str, BoundRule] = {}
        hard = [rule for rule in self.rules if rule.rule.hard]
        self._choose([r for r in hard if not isinstance(r, Dependency)], chosen)
        self._solve([r for r in hard if isinstance(r.rule, Linear) and r.rule.op == "="], chosen)
        self._choose([r for r in hard if isinstance(r, Dependency)], chosen)
        ordered: list[BoundRule] = []
        while len(ordered) < len(chosen):
            done = {determined_column(rule) for rule in ordered}
            ordered += [
                rule
                for column, rule in chosen.items()
                if column not in done
                and all(name in done or name not in chosen for name in inputs_of(rule))
            ]
        return tuple(ordered)

    def _choose(self, rules: Iterable[BoundRule], chosen: dict[str, BoundRule]) -> None:
        for rule in rules:
            column = determined_column(rule)
            if column is None or column in chosen:
                continue
            if column not in self._needs(inputs_of(rule), chosen):
                chosen[column] = rule

    def _solve(self, rules: Iterable[BoundRule], chosen: dict[str, BoundRule]) -> None:
        """Solve each sum for the column drawn last, exact ones first, each put into the next."""
        solved: dict[str, Weights] = {}
        for rule in sorted(rules, key=lambda rule: float(rule.rule.tolerance)):
            weights = substituted({**rule.rule.terms, "": -rule.rule.value}, solved)
            for column in reversed(self.order):
                if column in chosen or column == self.schema.target or not weights.get(column):
                    continue
                if not is_solvable(weights, column, rule.rule.tolerance, self.schema):
                    continue
                formula = solved_for(column, weights, rule, self.schema)
                if column not in self._needs(inputs_of(formula), chosen):
                    chosen[column] = formula
                    solved[column] = {n: -w / weights[column] for n, w in weights.items()
                                      if n != column}  # fmt: skip
                    break

    def _needs(self, columns: Iterable[str], chosen: Mapping[str, BoundRule]) -> set[str]:
        """Return columns with all that they are computed from."""
        needed, pending = set[str](), list(columns)
        while pending:
            name = pending.pop()
            if name not in needed:
                needed.add(name)
                pending += inputs_of(chosen[name]) if name in chosen else ()
        return needed

    @cached_property
    def computed(self) -> dict[str, BoundRule]:
        """The rule that computes each computed column."""
        return {str(determined_column(rule)): rule for rule in self.computations}

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
        needed = self._needs(rule.columns, self.computed)
        return tuple(name for name in self.order if name in needed and name not in self.computed)

    def opened(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return columns with all those that are computed from them, in drawing order."""
        chosen = set(columns)
        for rule in self.computations:
            if chosen & set(inputs_of(rule)):
                chosen.add(str(determined_column(rule)))
        return tuple(name for name in self.order if name in chosen)

    def requirement(
        self, columns: Iterable[str], extra: Sequence[BoundRule] = ()
    ) -> Expression | None:
        """Return what rows have to meet while some columns are drawn again, or None.

        The hard rules that touch these columns, with computed columns replaced by what computes
        them. Dependencies and rules about other columns are left to the check afterwards.
        """
        open_columns = set(columns)
        parts: list[Node] = []
        for rule in (*self.hard, *extra):
            if not isinstance(rule, RowRule) or self._computes(rule):
                continue
            tree = self._expanded(rule.tree)
            if open_columns & set(columns_of(tree)):
                parts += self._kept(tree, strict=rule.rule.strict)
        for rule in self.computations:
            within = self._within_range(rule)
            if within is not None and open_columns & set(columns_of(within)):
                parts += self._kept(within, strict=False)
        if not parts:
            return None
        return Expression(parts[0] if len(parts) == 1 else And(tuple(parts)), self.schema)

    def _within_range(self, rule: BoundRule) -> Node | None:
        """Return that a column which a sum is solved for stays in its range in the table."""
        if not isinstance(rule, Solved):
            return None
        ends = range_of(self.schema[rule.rule.column])
        if ends is None:
            return None
        low, high = (Literal(end) for end in ends)
        return Between(self._expanded(formula_tree(rule.rule, self.schema)), low, high)

    def _computes(self, rule: BoundRule) -> bool:
        return any(rule.name == other.name for other in self.computations)

    def _kept(self, tree: Node, *, strict: bool) -> list[Node]:
        """Return a rule as a condition: where NULL counts as kept, that is said."""
        parts: list[Node] = list(tree.parts) if isinstance(tree, And) else [tree]
        lenient = not strict and any(self.schema[name].nullable for name in columns_of(tree))
        if not lenient:
            return parts
        return [Call("coalesce", (part, Literal(True))) for part in parts]

    def _expanded(self, node: Node) -> Node:
        """Replace columns that a formula computes by the formula."""
        if isinstance(node, Name):
            rule = self.computed.get(node.column)
            if rule is None or not isinstance(rule.rule, Formula):
                return node
            return self._expanded(formula_tree(rule.rule, self.schema))
        return rebuilt(node, [self._expanded(child) for child in children(node)])
