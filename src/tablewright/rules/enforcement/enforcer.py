"""Make drawn rows keep rules: compute, draw again, project; ask for more only at the end.

Rules intervene: what was drawn stays where it keeps the rules. Of a row that breaks one, the
column drawn last goes first, then all columns of the rule, then everything but the target,
each time from the generator's conditional given the rest of the row and restricted to what
the rules allow. No value comes from a real row near it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import ConditionError, RuleError
from tablewright.rules.bound import BoundRule, RowRule
from tablewright.rules.enforcement.audit import Audit, Ledger
from tablewright.rules.enforcement.block import Block, any_of
from tablewright.rules.enforcement.keys import offer_unused, repeated
from tablewright.rules.enforcement.linear import bounds_of, project
from tablewright.rules.enforcement.one_hot import is_one_hot, with_one_chosen
from tablewright.rules.enforcement.plan import Plan
from tablewright.rules.enforcement.shares import swaps
from tablewright.rules.expressions import Expression
from tablewright.rules.expressions.tree import And
from tablewright.rules.expressions.unparse import shortened

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

TAIL, FRESH, LAST, ALL = "tail", "fresh", "last", "all"
PROJECT, ROW, WHOLE = "project", "row", "whole"

DEPTHS = (TAIL, *[FRESH] * 2, *[LAST] * 3, *[ALL] * 3, PROJECT, *[ROW] * 3, *[WHOLE] * 3)
"""What is tried in turn. Where few rows break a rule, without conditions: its last column with
those drawn after it, then all but the target. Under conditions: the last column alone, all
columns of the rule, to project, all but the target, the whole row."""

RARE = 0.1
"""Share of rows up to which rows are drawn again without conditions: it will mostly do."""

SPLITS = 3
"""Times that rows are halved to find those that cannot comply with what is given."""

MAX_FAILURES = SPLITS + 2
"""Failed draws after which halving stops where more columns come next; a single row that cannot
comply makes one fewer."""

MAX_GROUPS = 16
"""Sets of columns that are drawn again by themselves in one round; the rarest share one draw."""

KEY_ROUNDS = 12
"""Tries to draw keys that were not drawn before."""


class Sampler(Protocol):
    """What enforcement asks of whatever draws rows."""

    @property
    def fixed(self) -> frozenset[str]:
        """Columns that must not be drawn again where anything else will do."""

    def redraw(
        self,
        frame: pl.DataFrame,
        rows: Ints,
        columns: Sequence[str],
        condition: Expression | None,
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        """Draw columns again given the others.

        Parameters
        ----------
        frame : polars DataFrame
            The rows, as they are.
        rows : ndarray of int
            Where they stand in the block that is being made.
        columns : sequence of str
            What is drawn; cells that the user fixed stay.
        condition : Expression or None
            What every row has to meet.
        rng : numpy Generator
            The only source of chance.

        Raises
        ------
        ConditionError
            If some row cannot meet the condition.
        """


@dataclass
class Enforcer:
    """Brings block after block of drawn rows to keep rules.

    Parameters
    ----------
    plan : Plan
        What has to be done.
    target : str or None
        The column that stays longest.
    n_rows : int
        Rows of all blocks together.
    """

    plan: Plan
    target: str | None
    n_rows: int

    def __post_init__(self) -> None:
        self._keys: dict[str, pl.DataFrame] = {}

    def finish(
        self,
        drawn: pl.DataFrame,
        sampler: Sampler,
        rng: np.random.Generator,
        fixed: pl.DataFrame | None = None,
        also: Sequence[BoundRule] = (),
    ) -> tuple[pl.DataFrame, Audit]:
        """Return rows that keep every hard rule, as many as came in, and what was done.

        Parameters
        ----------
        drawn : polars DataFrame
            Rows as they came from the generator.
        sampler : Sampler
            Draws parts of them again.
        rng : numpy Generator
            The only source of chance.
        fixed : polars DataFrame or None
            Cells that the user gave, null where open; they stay.
        also : sequence of BoundRule
            Hard rules that these rows keep too; the audit does not tell of them.

        Raises
        ------
        RuleError
            Names the rule that made it impossible.
        """
        plan = replace(self.plan, rules=(*also, *self.plan.rules)) if also else self.plan
        work = _Work(plan, self.target, self.n_rows, drawn, sampler, rng, fixed)
        work.choose_members()
        every = np.arange(drawn.height)
        work.ledger.note(work.block.compute(plan.computations, every), "computed")
        work.bring_about_shares()
        work.repair(())
        for rule in plan.soft:
            work.repair_softly(rule)
        work.bring_about_shares()
        self._make_keys_unique(work)
        work.require(plan.hard)
        final = work.block
        audit = work.ledger.close(final.frame, self.plan.rules, final.broken)
        self.plan = replace(self.plan, rules=final.remembered().rules[len(also) :])
        return final.frame, audit

    def complete(
        self, drawn: pl.DataFrame, sampler: Sampler, rng: np.random.Generator, fixed: pl.DataFrame
    ) -> pl.DataFrame:
        """Return rows that keep hard rules of single rows wherever the cells given allow it."""
        work = _Work(self.plan, self.target, self.n_rows, drawn, sampler, rng, fixed)
        work.choose_members()
        work.block.compute(self.plan.computations, np.arange(drawn.height))
        work.repair(())
        return work.block.frame

    def broken(self, rows: pl.DataFrame) -> dict[str, Bools]:
        """Return by hard rule of single rows which rows break it as they are."""
        block = Block(self.plan, rows, None)
        return {rule.name: block.broken(rule) for rule in self.plan.hard}

    def complies(self, drawn: pl.DataFrame) -> tuple[pl.DataFrame, Bools]:
        """Fill in computed columns, change nothing else, and tell which rows keep hard rules."""
        block = Block(self.plan, drawn, None)
        block.compute(self.plan.computations, np.arange(drawn.height))
        return block.frame, ~block.broken_any(self.plan.hard)

    def _make_keys_unique(self, work: _Work) -> None:
        for rule in self.plan.keys:
            seen = self._keys.get(rule.name)
            for tried in range(KEY_ROUNDS):
                rows = np.flatnonzero(repeated(work.block.frame, rule.columns, seen))
                if len(rows) == 0:
                    break
                if tried < KEY_ROUNDS / 2:
                    work.redraw(rows, work.plan.opened(rule.columns), (), "repaired")
                    continue
                # what stands beside the key may leave it no free value
                work.redraw(rows, work.plan.opened(work.all_but_target), (), "repaired")
                work.offer_keys(rule.columns, seen)
            if repeated(work.block.frame, rule.columns, seen).any():
                raise RuleError(
                    f"rule {rule.name!r} cannot be kept for {self.n_rows} rows: "
                    f"{rule.rule.described()}, and too few different ones were drawn"
                )
            keys = work.block.frame.select(rule.columns)
            self._keys[rule.name] = keys if seen is None else pl.concat([seen, keys])


class _Work:
    """One block on its way."""

    def __init__(
        self,
        plan: Plan,
        target: str | None,
        total: int,
        drawn: pl.DataFrame,
        sampler: Sampler,
        rng: np.random.Generator,
        fixed: pl.DataFrame | None,
    ) -> None:
        self.plan, self.target, self.total = plan, target, total
        self.block, self.sampler, self.rng = Block(plan, drawn, fixed), sampler, rng
        broke = {rule.name: self.block.broken(rule).copy() for rule in plan.rules}
        self.ledger = Ledger(drawn, broke)
        # For what was to be drawn again: how often each row had changed when it was asked last.
        self._asked: dict[tuple[Any, ...], Ints] = {}

    # changing rows ------------------------------------------------------------

    def redraw(
        self,
        rows: Ints,
        columns: Iterable[str],
        extra: Sequence[BoundRule],
        method: str,
        *,
        free: bool = False,
        once: bool = False,
    ) -> bool:
        """Draw columns of those rows again for which there are values; whether there were any.

        With `once`, what was refused is not asked again, unless the row has changed since.
        """
        opened = self.plan.opened(columns)
        condition = None if free else self.plan.requirement(opened, extra)
        if once:
            rows = self._untried(rows, (opened, *(rule.name for rule in extra)))
        max_failures = MAX_FAILURES if once else 2 ** (SPLITS + 1)  # all that halving leads to
        drawn = list(self._drawn(rows, opened, condition, max_failures))
        for members in drawn:
            self.ledger.note(members, method)
        return bool(drawn)

    def _untried(self, rows: Ints, request: tuple[Any, ...]) -> Ints:
        """Return rows that have changed since the same was asked of them, or never was."""
        changes = self.block.changes
        asked = self._asked.setdefault(request, np.full(len(changes), -1))
        rows = rows[asked[rows] != changes[rows]]
        asked[rows] = changes[rows]
        return rows

    def _drawn(
        self, rows: Ints, columns: Sequence[str], condition: Expression | None, max_failures: int
    ) -> Iterator[Ints]:
        """Yield the rows that were drawn; one that cannot comply takes few others with it."""
        pending, failures = deque([(rows, SPLITS)] if len(rows) else []), 0
        while pending and failures < max_failures:
            part, splits = pending.popleft()
            before = self.block.frame[part]
            try:
                drawn = self.sampler.redraw(before, part, columns, condition, self.rng)
            except ConditionError:
                failures += 1
                if splits and len(part) > 1:
                    pending += [(half, splits - 1) for half in np.array_split(part, 2)]
                continue
            self.block.put(part, drawn)
            yield part

    # rules about rows -----------------------------------------------------------

    def chosen_rows(self, rule: BoundRule) -> Bools:
        """Choose the rows that a soft rule is to be brought to hold for."""
        broken = self.block.broken(rule)
        if rule.rule.weight is not None:
            leaves = self.rng.random(len(broken)) < 1.0 - np.exp(-rule.rule.weight)
            return np.asarray(broken & leaves)
        allowed = round((1.0 - (rule.rule.probability or 0.0)) * len(broken))
        chosen = np.zeros(len(broken), dtype=bool)
        if rule.rule.probability is not None:
            extra = max(int(broken.sum()) - allowed, 0)
            chosen[self.rng.choice(np.flatnonzero(broken), extra, replace=False)] = True
        return chosen

    def choose_members(self) -> None:
        """Choose one of columns of which exactly one is 1, where that breaks no other rule."""
        for rule in self.plan.hard:
            if not is_one_hot(rule.rule, self.plan.schema):
                continue
            names = list(rule.rule.terms)
            if {*names} & {*self.sampler.fixed, self.target}:
                continue
            known = self.block.frame.select(pl.all_horizontal(pl.col(names).is_not_null()))
            open_rows = self.block.broken(rule) & known.to_series().to_numpy()
            for fixed in () if self.block.fixed is None else self.block.fixed:
                open_rows &= fixed.is_null().to_numpy() | (fixed.name not in names)
            rows = np.flatnonzero(open_rows)
            if not len(rows):
                continue
            others = [other for other in self.plan.hard if other is not rule]
            before, broken = self.block.frame, self.block.broken_any(others).copy()
            self.block.put(rows, with_one_chosen(before, names, rows, self.rng))
            worse = np.flatnonzero(self.block.broken_any(others) & ~broken)
            self.block.put(worse, before[worse])
            self.ledger.note(np.setdiff1d(rows, worse), "repaired")

    def repair(self, rules: Sequence[BoundRule], only: Bools | None = None) -> None:
        """Bring rows to keep hard rules and some others, changing as little of each as will do."""
        extra = [rule for rule in rules if not rule.rule.hard]
        requested = [*self.plan.hard, *extra]
        stuck = ""
        for depth in DEPTHS:
            if depth == stuck:
                continue
            bad = self.block.broken_any(requested)
            rows = np.flatnonzero(bad if only is None else bad & only)
            if len(rows) == 0:
                return
            if depth in (TAIL, FRESH) and len(rows) > RARE * len(bad):
                continue
            if depth == PROJECT:
                self.project(rows, requested)
                continue
            method = "redrawn" if depth in (FRESH, ROW, WHOLE) else "repaired"
            free, once = depth in (TAIL, FRESH), depth in (LAST, ALL)
            drawn = [
                self.redraw(at, columns, extra, method, free=free, once=once)
                for columns, at in self.groups(requested, rows, depth)
            ]
            if not any(drawn):
                stuck = depth

    def repair_softly(self, rule: BoundRule) -> None:
        """Bring a soft rule to hold as often as it should; rows that cannot stay as they were."""
        before, chosen = self.block.frame, self.chosen_rows(rule)
        changed = self.block.compute(self.plan.computed_by(rule), np.flatnonzero(chosen))
        self.ledger.note(changed, "computed")
        self.repair((rule,), only=chosen)
        worse = np.flatnonzero(self.block.broken_any(self.plan.hard))
        self.block.put(worse, before[worse])

    def groups(
        self, rules: Sequence[BoundRule], rows: Ints, depth: str
    ) -> list[tuple[tuple[str, ...], Ints]]:
        """Return sets of columns to draw again, each with the rows that need it."""
        if depth in (FRESH, ROW):
            return [(self.all_but_target, rows)]
        if depth == WHOLE:
            return [(tuple(c for c in self.plan.order if c not in self.sampler.fixed), rows)]
        broken = np.column_stack([self.block.broken(rule)[rows] for rule in rules])
        patterns, member = np.unique(broken, axis=0, return_inverse=True)
        result: dict[tuple[str, ...], list[Ints]] = {}
        for i, pattern in enumerate(patterns):
            concerned = [rule for rule, breaks in zip(rules, pattern, strict=True) if breaks]
            columns = {name for rule in concerned for name in self.opened(rule, depth)}
            if columns:
                result.setdefault(tuple(sorted(columns)), []).append(rows[member.reshape(-1) == i])
        if depth == TAIL and result:
            # Few rows: one draw with the longest of the tails costs less than one draw per tail.
            return [(max(result, key=len), rows)]
        found = [(columns, np.concatenate(members)) for columns, members in result.items()]
        return _at_most(MAX_GROUPS, found)

    @property
    def all_but_target(self) -> tuple[str, ...]:
        """The columns that may be drawn again while a row keeps its class."""
        keep = {*self.sampler.fixed, self.target}
        return tuple(name for name in self.plan.order if name not in keep)

    def opened(self, rule: BoundRule, depth: str) -> tuple[str, ...]:
        """Return the columns of a broken rule to draw again: the last one, a tail, or all."""
        free = [name for name in self.plan.free_columns(rule) if name not in self.sampler.fixed]
        later = [name for name in free if name != self.target] or free
        if depth == TAIL and later:
            tail = self.plan.order[self.plan.order.index(later[-1]) :]
            return tuple(name for name in tail if name not in self.sampler.fixed)
        return tuple(later[-1:]) if depth == LAST else tuple(free)

    def project(self, rows: Ints, rules: Sequence[BoundRule]) -> None:
        """Move numbers of rows whose linear rules are still broken."""
        linear = [r for r in rules if isinstance(r, RowRule) and bounds_of(r) is not None]
        touched = {name for rule in linear for name in rule.columns}
        free = [c for c in self.plan.order if c in touched and c not in self.sampler.fixed]
        scales = {
            c: _spread(self.ledger.drawn[c]) for c in free if c not in self.plan.always_computed
        }
        given = self.block.given(rows, list(scales))
        patterns, member = np.unique(given, axis=0, return_inverse=True)
        for i, pattern in enumerate(patterns):
            at = rows[member.reshape(-1) == i]
            movable = [name for name, is_given in zip(scales, pattern, strict=True) if not is_given]
            part = self.block.frame[at]
            moved = project(part, linear, movable, self.plan.schema, scales)
            changed = at[_differs(part, moved)]
            self.block.put(at, moved)
            self.ledger.note(changed, "projected")

    def offer_keys(self, columns: Sequence[str], seen: pl.DataFrame | None) -> None:
        """Put keys together from known values for rows that drawing gave none of their own."""
        closed = self.sampler.fixed | self.plan.always_computed
        free = [name for name in columns if name not in closed]
        changed = offer_unused(self.block, columns, free, seen, self.plan.hard, self.rng)
        self.ledger.note(changed, "repaired")

    # rules about shares ---------------------------------------------------------

    def bring_about_shares(self) -> None:
        """Replace rows so that quotas and conditional distributions come about."""
        for rule in self.plan.shares:
            if not rule.rule.hard and rule.rule.probability is not None:
                continue
            for swap in swaps(rule, self.block.frame, self.total, self.rng):
                columns = [c for c in self.plan.order if c not in self.sampler.fixed]
                needed = self.plan.requirement(columns)
                parts = (swap.condition,) if needed is None else (swap.condition, needed.tree)
                tree = parts[0] if len(parts) == 1 else And(parts)
                condition = Expression(tree, self.plan.schema)
                part = self._replaced(swap.rows, columns, condition, rule)
                self.block.put(swap.rows, part)
                self.ledger.note(swap.rows, "redrawn")

    def _replaced(
        self, rows: Ints, columns: Sequence[str], condition: Expression, rule: BoundRule
    ) -> pl.DataFrame:
        try:
            return self.sampler.redraw(self.block.frame[rows], rows, columns, condition, self.rng)
        except ConditionError as error:
            raise RuleError(f"rule {rule.name!r} cannot be brought about: {error}") from error

    def require(self, rules: Sequence[BoundRule]) -> None:
        """Check that no row breaks a hard rule any more."""
        counts = [(int(self.block.broken(rule).sum()), rule) for rule in rules]
        count, worst = max(counts, key=lambda item: item[0], default=(0, None))
        if worst is not None and count:
            raise RuleError(
                f"rule {worst.name!r} made it impossible: {count} of {self.block.frame.height} "
                f"rows could not be brought to keep it ({shortened(worst.rule.described(), 200)}); "
                "make it soft, or check it against the other rules",
                rule=worst.name,
            )


def _at_most(
    n_groups: int, groups: list[tuple[tuple[str, ...], Ints]]
) -> list[tuple[tuple[str, ...], Ints]]:
    """Join the groups of fewest rows, with all their columns, where there are too many."""
    if len(groups) <= n_groups:
        return groups
    ordered = sorted(groups, key=lambda group: -len(group[1]))
    rest = ordered[n_groups - 1 :]
    columns = sorted({name for names, _ in rest for name in names})
    return [*ordered[: n_groups - 1], (tuple(columns), np.concatenate([at for _, at in rest]))]


def _spread(series: pl.Series) -> float:
    values = series.to_physical().cast(pl.Float64).fill_nan(None).drop_nulls()
    spread: Any = values.std() if len(values) > 1 else None
    return float(spread) if spread else 1.0


def _differs(before: pl.DataFrame, after: pl.DataFrame) -> Bools:
    differs = [before[name].ne_missing(after[name]).to_numpy() for name in before.columns]
    return any_of(differs, before.height)
