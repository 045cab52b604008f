"""The skeleton of a table: which cells of a few columns occur how often, before all else.

The real joint shares of the skeleton's columns, without the cells that hard rules forbid, moved
as little as possible until quotas and shares wanted by rules are met. Rows are then
drawn cell by cell, in whole numbers, and the other columns given the cells.

H-TDBU (arXiv 2605.28198), section on structural templates; the projection, the drawing and the
account of what rules change are ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError, RuleError
from tablewright.rules.bound import BoundRule, Dependency, RowRule, ShareRule, bind
from tablewright.rules.expressions import Expression
from tablewright.rules.expressions.conflicts import impossible
from tablewright.rules.expressions.tree import Node, columns_of
from tablewright.rules.language import Conditional, Quota, Rule, Rules
from tablewright.rules.validate import computed_columns, inputs_of
from tablewright.schema import Schema, suggest
from tablewright.systems.htdbu.projection import Constraint, conflicting, project
from tablewright.systems.htdbu.skeleton_cells import (
    Axis,
    Skeleton,
    as_tree,
    cell_frame,
    cell_of_each_row,
    column_axis,
)
from tablewright.tables.encoding.layout import Layout

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]

MAX_CELLS = 4_096
"""Cells of a skeleton at most; a column that would make more is left to the generator."""

MAX_QUESTIONS = 5
MAX_PROVEN = 512
"""Cells for which it is asked whether rules about other columns leave any row."""

_SEED = 1e-9


def skeleton_columns(schema: Schema, rules: Iterable[Rule], also: Sequence[str] = ()) -> list[str]:
    """Return the columns of few values that rules about shares or the target name, that first.

    Parameters
    ----------
    schema : Schema
    rules : iterable of Rule
    also : sequence of str
        Columns to take as well, such as the attribute of a text.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "mood": "categorical", "y": "boolean"}, "y")
    >>> rules = Rules(rules=["y = FALSE OR mood = 'good'", "age > 17"])
    >>> skeleton_columns(schema, rules)
    ['y', 'mood']
    """
    named = [] if schema.target is None else [schema.target]
    named += also
    discrete = {column.name for column in schema.modelled if column.kind.is_discrete}
    for rule in bind(Rules(rules=list(rules)), schema):
        about_target = isinstance(rule, RowRule) and schema.target in rule.columns
        if isinstance(rule, ShareRule) or (about_target and discrete.issuperset(rule.columns)):
            named += rule.columns
    return [name for name in dict.fromkeys(named) if name in discrete]


def named_columns(names: Sequence[str], schema: Schema) -> list[str]:
    """Check the columns that were named for a skeleton; return them, the target first.

    Raises
    ------
    InputError
        If one is unknown, or may have many values.
    """
    for name in names:
        if name not in schema:
            raise InputError(f"skeleton: unknown column {name!r}{suggest(name, schema.names)}")
        kind = schema[name].kind
        if not (kind.is_modelled and kind.is_discrete):
            raise InputError(
                f"skeleton: column {name!r} is {kind.value}; columns of the skeleton have few "
                "values"
            )
    lead = [schema.target] if schema.target is not None and schema.target in names else []
    return list(dict.fromkeys([*lead, *names]))


@dataclass
class SkeletonPlanner:
    """Makes the skeleton of a request.

    Parameters
    ----------
    real_rows : polars DataFrame
        Real rows.
    layout : Layout
        Codes of the columns.
    rules : sequence of BoundRule
        Validated rules.
    columns : sequence of str
        Columns of few values, the most important first.
    n_rows : int
        Rows wanted; least numbers of rows depend on it.
    classes : mapping or None, default=None
        Rows of each class of the target, where these were asked for.
    accepted : ndarray of shape (n_cells,) or None, default=None
        Share of the rows of each cell that keep the other rules, to condition on them.
    keep_target : bool, default=True
        Whether the classes of the target keep their shares wherever rules allow it.
    """

    real_rows: pl.DataFrame
    layout: Layout
    rules: Sequence[BoundRule]
    columns: Sequence[str]
    n_rows: int
    _: KW_ONLY
    classes: Mapping[Any, int] | None = None
    accepted: Floats | None = None
    keep_target: bool = True

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.shared = [rule for rule in self.rules if isinstance(rule, ShareRule) and _acts(rule)]
        self.axes = self._axes(self.real_rows, self.columns)
        sizes = [axis.size for axis in self.axes]
        listed = np.array(list(np.ndindex(*sizes)), dtype=np.intp)
        self.cells: Ints = listed.reshape(math.prod(sizes), len(sizes))
        self.frame = cell_frame(self.axes, self.cells, self.layout)
        at = cell_of_each_row(self.axes, self.real_rows, self.layout)
        counts = np.bincount(at, minlength=len(self.cells))
        self.real: Floats = counts / max(self.real_rows.height, 1)
        self.start = self.real if self.accepted is None else self.real * self.accepted

    def plan(self) -> Skeleton:
        """Make it.

        Raises
        ------
        RuleError
            If rules about shares exclude each other, or hard rules leave no cell; names them.
        """
        handled = [rule for rule in self.shared if self._covers(rule)]
        requested = [self._constraint(rule) for rule in handled]
        soft = self._soft()
        requested += [band for band in map(self._soft_band, soft) if band is not None]
        shares = np.where(self.allowed, self.start * self._penalty(soft), 0.0)
        for constraint in requested:
            shares[constraint.groups[constraint.high <= 0].any(axis=0)] = 0.0
        fixed = self._target_rows()
        shares = self._seeded(shares, [*requested, *fixed])
        if not shares.sum() > 0:
            names = ", ".join(rule.name for rule in self._concerned()) or "the rules"
            raise RuleError(f"{names} leave no cell of {', '.join(a.name for a in self.axes)}")
        shares = self._projected(shares / shares.sum(), requested, fixed)
        return Skeleton(
            self.layout,
            self.axes,
            self.cells,
            self.real,
            shares,
            frozenset(rule.name for rule in (*handled, *soft)),
            (*requested, *fixed),
            tuple(self.notes),
        )

    # axes -------------------------------------------------------------------------

    def _axes(self, real: pl.DataFrame, columns: Sequence[str]) -> tuple[Axis, ...]:
        computed = computed_columns(self.rules, self.layout.schema)
        taken: list[Axis] = []
        for name in columns:
            inputs = {c for rule in computed.get(name, ()) for c in inputs_of(rule)}
            if not inputs <= set(columns):
                self.notes.append(f"column {name!r} is computed, and not fixed beforehand")
                continue
            axis = column_axis(name, real, self.layout)
            if axis.size * math.prod(a.size for a in taken) > MAX_CELLS:
                self.notes.append(f"column {name!r} has too many values to be fixed beforehand")
            else:
                taken.append(axis)
        for rule in self.shared:
            question = _question(rule, self.layout.schema)
            known = {axis.name for axis in taken}
            new = question.text not in known and not set(question.columns) <= known
            room = 2 * math.prod(a.size for a in taken) <= MAX_CELLS
            few = sum(a.question is not None for a in taken) < MAX_QUESTIONS
            if new and room and few:
                taken.append(Axis(question.text, 2, question))
        return tuple(taken)

    def _covers(self, rule: ShareRule) -> bool:
        """Whether the cells tell which rows a rule about shares speaks of."""
        known = {axis.name for axis in self.axes}
        question = _question(rule, self.layout.schema)
        column = rule.rule.column if isinstance(rule.rule, Conditional) else None
        reported = set(question.columns) <= known or question.text in known
        return reported and (column is None or column in known)

    def _context(self, rule: ShareRule) -> Bools:
        question = _question(rule, self.layout.schema)
        for k, axis in enumerate(self.axes):
            if axis.question is not None and axis.name == question.text:
                return np.asarray(self.cells[:, k] == 1)
        return rule.context(self.frame)

    # cells that cannot be -------------------------------------------------------------

    def _concerned(self) -> list[BoundRule]:
        """Return the hard rules that have to do with the cells, by way of other rules too."""
        known = {name for axis in self.axes for name in _axis_columns(axis)}
        left = [r for r in self.rules if isinstance(r, RowRule | Dependency) and r.rule.hard]
        result: list[BoundRule] = []
        while near := [rule for rule in left if known & set(rule.columns)]:
            result += near
            left = [rule for rule in left if rule not in near]
            known |= {name for rule in near for name in rule.columns}
        return result

    @cached_property
    def allowed(self) -> Bools:
        """Cells that hard rules leave possible, as far as that can be proven."""
        allowed = np.ones(len(self.cells), dtype=bool)
        known = set(self.frame.columns)
        others: list[Node] = []
        for rule in self._concerned():
            if set(rule.columns) <= known:
                allowed &= ~rule.broken(self.frame)
            elif isinstance(rule, RowRule):
                others.append(rule.tree)
        asked = np.flatnonzero(allowed & ((self.start > 0) | (len(self.cells) <= MAX_PROVEN)))
        questions = any(axis.question is not None for axis in self.axes)
        if not others and not questions:
            return allowed
        schema = self.layout.schema
        null = any(schema[name].nullable for tree in others for name in columns_of(tree))
        for cell in asked[:MAX_PROVEN]:
            trees = [
                as_tree(a, c, self.layout) for a, c in zip(self.axes, self.cells[cell], strict=True)
            ]
            allowed[cell] = not impossible([*trees, *others], schema, null=null)
        return allowed

    # shares wanted --------------------------------------------------------------------

    def _constraint(self, rule: ShareRule) -> Constraint:
        inside = self._context(rule)
        strength = 1.0 if rule.rule.weight is None else 1.0 - math.exp(-rule.rule.weight)
        everything = np.ones(len(self.cells), dtype=bool)
        if isinstance(rule.rule, Quota):
            result = float(self.real[inside].sum())
            low = max(rule.rule.share[0], min(rule.rule.min_rows / self.n_rows, 1.0))
            high = max(rule.rule.share[1], low)
            low, high = (_moved(result, bound, strength) for bound in (low, high))
            return Constraint(
                rule.name, inside[None], np.array([low]), np.array([high]), everything
            )
        k = [axis.name for axis in self.axes].index(rule.rule.column)
        codes = self._codes_of(rule)
        known = inside & (self.frame[rule.rule.column].is_not_null().to_numpy())
        groups = [known & (self.cells[:, k] == code) for code in codes]
        groups.append(known & ~np.logical_or.reduce(groups))
        requested = np.array([share for _, share in rule.shares] + [0.0])
        requested = requested / requested.sum()
        mass = self.real[known].sum()
        now = np.array([self.real[group].sum() for group in groups]) / (mass or 1.0)
        requested = now + strength * (requested - now) if mass else requested
        return Constraint(rule.name, np.array(groups), requested, requested, known)

    def _soft(self) -> list[RowRule]:
        """Soft rules about nothing but the cells, which no later column can help to keep."""
        known = set(self.frame.columns)
        rules = [rule for rule in self.rules if isinstance(rule, RowRule) and not rule.rule.hard]
        return [rule for rule in rules if known.issuperset(rule.columns)]

    def _soft_band(self, rule: RowRule) -> Constraint | None:
        if rule.rule.probability is None:
            return None
        maximum = np.array([1.0 - rule.rule.probability])
        everything = np.ones(len(self.cells), dtype=bool)
        return Constraint(
            rule.name, rule.broken(self.frame)[None], 0 * maximum, maximum, everything
        )

    def _penalty(self, soft: Sequence[RowRule]) -> Floats:
        result = np.ones(len(self.cells))
        for rule in soft:
            result[rule.broken(self.frame)] *= math.exp(-(rule.rule.weight or 0.0))
        return result

    def _codes_of(self, rule: ShareRule) -> list[int]:
        name = rule.rule.column
        levels = self.layout.codec.levels(name)
        for value, _ in rule.shares:
            if value not in levels:
                raise RuleError(
                    f"rule {rule.name!r}: column {name!r} has no value {value!r} in the real rows"
                )
        return [levels.index(value) for value, _ in rule.shares]

    def _target_rows(self) -> list[Constraint]:
        """Rows of each class, where these were asked for."""
        if self.classes is None:
            return []
        target = str(self.layout.schema.target)
        k = [axis.name for axis in self.axes].index(target)
        levels = [*self.layout.codec.levels(target), None]
        total = sum(self.classes.values())
        requested = np.array(
            [self.classes.get(levels[c], 0) / total for c in range(self.axes[k].size)]
        )
        return [self._margin("the classes asked for", k, requested)]

    def _margin(self, name: str, k: int, wanted: Floats) -> Constraint:
        groups = np.array([self.cells[:, k] == code for code in range(self.axes[k].size)])
        return Constraint(name, groups, wanted, wanted, np.ones(len(self.cells), dtype=bool))

    def _kept_target(self, shares: Floats) -> list[Constraint]:
        """Shares of the classes as the real rows have them, over the classes that are possible."""
        target = self.layout.schema.target
        if not self.keep_target or self.classes is not None or not self.axes:
            return []
        if self.axes[0].name != target:
            return []
        size = self.axes[0].size
        mass = np.bincount(self.cells[:, 0], weights=self.real, minlength=size)
        possible = np.bincount(self.cells[:, 0], weights=shares, minlength=size) > 0
        mass = np.where(possible, mass, 0.0)
        return (
            [self._margin(f"the shares of {target!r}", 0, mass / mass.sum())] if mass.any() else []
        )

    def _seeded(self, shares: Floats, wanted: Sequence[Constraint]) -> Floats:
        """Open possible cells of groups that are to have rows and have none."""
        allowed = self.allowed.copy()
        for constraint in wanted:
            for group, low, high in zip(
                constraint.groups, constraint.low, constraint.high, strict=True
            ):
                if high <= 0:
                    allowed &= ~group
                if low <= 0 or shares[group].sum() > 0:
                    continue
                open_cells = group & allowed
                if not open_cells.any():
                    raise RuleError(
                        f"{_title(constraint.name)} wants rows in cells that hard rules forbid; "
                        "change one of the two"
                    )
                near = self._independent()[open_cells]
                shares[open_cells] = _SEED * (near / near.sum() if near.sum() > 0 else 1.0)
        return shares

    def _independent(self) -> Floats:
        """Shares of the cells if the axes had nothing to do with each other."""
        result = np.ones(len(self.cells))
        for k, axis in enumerate(self.axes):
            mass = np.bincount(self.cells[:, k], weights=self.real, minlength=axis.size)
            result *= mass[self.cells[:, k]]
        return result

    def _projected(
        self, shares: Floats, wanted: list[Constraint], fixed: list[Constraint]
    ) -> Floats:
        kept = self._kept_target(shares)
        for more in [kept, []] if kept else [[]]:
            result = project(shares, [*more, *wanted, *fixed])
            if result is not None:
                if kept and not more:
                    self.notes.append(f"{kept[0].name} give way to what rules want of them")
                return result
        names = conflicting(shares, [*wanted, *fixed])
        raise RuleError(
            f"{' and '.join(_title(name) for name in names)} cannot be met together: "
            "relax one of the shares that they want"
        )


def _acts(rule: ShareRule) -> bool:
    """Whether a rule about shares is to be brought about; a soft one with a probability is not."""
    return bool(rule.rule.hard or rule.rule.weight is not None)


def _title(name: str) -> str:
    return name if " " in name else f"rule {name!r}"


def _moved(found: float, bound: float, strength: float) -> float:
    return bound if strength == 1.0 else found + strength * (bound - found)


def _question(rule: ShareRule, schema: Schema) -> Expression:
    return Expression(rule.where, schema)


def _axis_columns(axis: Axis) -> tuple[str, ...]:
    return (axis.name,) if axis.question is None else axis.question.columns
