"""Rows of a learned texture under a template: the engine of `tablewright.systems.htdbu.system`.

The cells of the skeleton are drawn first, in whole numbers; the texture gives the other columns
given them; what still breaks a rule is drawn again, computed or projected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.generators.base import Generator, Given
from tablewright.generators.parts.row_conditions import RowCondition
from tablewright.generators.plugin import as_generator
from tablewright.rules import Rules
from tablewright.rules.bound import BoundRule, ShareRule
from tablewright.rules.enforcement import Audit
from tablewright.rules.enforcement.audit import RuleAudit
from tablewright.rules.expressions import Expression
from tablewright.rules.expressions.tree import And
from tablewright.schema import Schema
from tablewright.synthesizer.estimator import BLOCK
from tablewright.synthesizer.row_rules import RuleKeeper
from tablewright.systems.htdbu.skeleton import Skeleton, plan_skeleton
from tablewright.tables.encoding.layout import Layout
from tablewright.threads import one_thread

__all__ = ["Order", "Synthesis", "Texture", "learn_texture"]

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

PILOT = 4_000
"""Rows drawn to learn how often the rows of each cell keep the rules."""

LOW_ACCEPTANCE = 0.2
"""Share of rows that keep the rules below which they are drawn under the rules as a condition."""

TRIES = 60
_ROWS, _PILOT, _CELLS, _RULES, _IDENTIFIERS = 10, 11, 12, 13, 14


@dataclass(frozen=True)
class Texture:
    """What was learned of a table, apart from its template.

    Attributes
    ----------
    generator : Generator
    layout : Layout
        Its columns, those of the skeleton first.
    """

    generator: Generator
    layout: Layout

    @property
    def order(self) -> list[str]:
        """Columns as they are drawn."""
        columns = self.layout.codec.columns
        return [columns[j].name for j in getattr(self.generator, "order_", range(len(columns)))]


def learn_texture(
    model: Any,
    frame: pl.DataFrame,
    schema: Schema,
    first: Sequence[str],
    rng: np.random.Generator,
    part: pl.DataFrame | None = None,
) -> Texture:
    """Learn a texture.

    Parameters
    ----------
    model : Generator or object with fit and sample
        Not yet fitted.
    frame : DataFrame
        Real rows, typed.
    schema : Schema
    first : sequence of str
        Columns of the skeleton; they lead the order after the target.
    rng : numpy Generator
    part : DataFrame or None, default=None
        The rows to learn from; all where None.
    """
    lead = [schema.target] if schema.target is not None else []
    names = dict.fromkeys([*lead, *first, *schema.names])
    ordered = schema.model_copy(update={"columns": [schema[name] for name in names]})
    layout = Layout.learn(frame.select(ordered.names), ordered)
    generator = as_generator(model, layout.codec)
    with one_thread():
        return Texture(generator.fit(layout.encode(frame if part is None else part), rng), layout)


@dataclass(frozen=True)
class Order:
    """What is wanted of one call.

    Attributes
    ----------
    n_rows : int
    seed : int
    rules : Rules
    columns : tuple of str
        Of the skeleton.
    where : Expression or None
        Condition that every row meets.
    classes : mapping or None
        Rows of each class.
    condition : bool
        Whether rows are conditioned on the rules; by default rules intervene.
    as_written : bool
        Whether hard rules stay hard that real rows break, marked as interventions or not.
    """

    n_rows: int
    seed: int
    rules: Rules
    columns: tuple[str, ...] = ()
    where: Expression | None = None
    classes: Mapping[Any, int] | None = None
    condition: bool = False
    as_written: bool = False

    def rng(self, *stream: int) -> np.random.Generator:
        """Return a source of chance for one use."""
        return np.random.default_rng([self.seed, *stream])


class Synthesis:
    """The rows of one order.

    Parameters
    ----------
    texture : Texture
    real : DataFrame
        Real rows, typed.
    reference : DataFrame
        Those that rules are validated against.
    order : Order
    before : RuleKeeper or None, default=None
        That of an order before; what it found of the same rules is not looked for again.

    Attributes
    ----------
    keeper : RuleKeeper
    skeleton : Skeleton
    n_drawn : int
        Rows drawn so far, kept or not.
    acceptance : float
        Share of them that kept the hard rules as drawn.

    Raises
    ------
    RuleError
        If the rules do not fit the table, or exclude each other.
    """

    def __init__(
        self,
        texture: Texture,
        real: pl.DataFrame,
        reference: pl.DataFrame,
        order: Order,
        before: RuleKeeper | None = None,
    ) -> None:
        self.texture, self.order = texture, order
        self.layout, self.generator = texture.layout, texture.generator
        met = real if order.where is None else real.filter(order.where.holds(real))
        self.real = met if met.height else real
        rules = _forced(order.rules) if order.as_written else order.rules
        self.keeper = RuleKeeper(
            rules,
            self.layout.schema,
            reference,
            texture.order,
            order.n_rows,
            None if order.where is None else order.where.text,
            before,
        )
        self.n_drawn = self.n_right = 0
        accepted = self._accepted() if order.condition else None
        self.skeleton = self._skeleton(accepted)
        self.keeper.leave_out(self.skeleton.handled)
        self.counts = self.skeleton.counts(order.n_rows, order.rng(_CELLS))

    def _skeleton(self, accepted: NDArray[np.float64] | None = None) -> Skeleton:
        order = self.order
        return plan_skeleton(
            self.real,
            self.layout,
            self.keeper.bound,
            order.columns,
            order.n_rows,
            classes=order.classes,
            accepted=accepted,
            keep_target=not order.condition,
        )

    def blocks(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, a block at a time; memory does not grow with their number."""
        rng, start = self.order.rng(_CELLS, 1), 0
        for block, cells in enumerate(self.skeleton.blocks(self.counts, BLOCK, rng)):
            yield self._block(cells, block, start)
            start += len(cells)

    def _block(self, cells: Ints, block: int, start: int) -> pl.DataFrame:
        codes = self.skeleton.cells[cells]
        n_columns = len(self.skeleton.columns)
        patterns, member = np.unique(codes[:, n_columns:], axis=0, return_inverse=True)
        parts, places = [], []
        for k, pattern in enumerate(patterns):
            rows = np.flatnonzero(member.reshape(-1) == k)
            within = _both(self.order.where, self.skeleton.condition(pattern))
            given = self._given(codes[rows, :n_columns])
            with one_thread():
                parts.append(self._rows(given, len(rows), within, block, k, start))
            places.append(rows)
            start += len(rows)
        return pl.concat(parts)[np.argsort(np.concatenate(places))]

    def _given(self, codes: Ints) -> Given | None:
        """Return the cells of the skeleton as they are fixed for the generator."""
        if codes.shape[1] == 0:
            return None
        codec = self.layout.codec
        values = np.full((len(codes), len(codec.columns)), np.nan)
        known = np.zeros(values.shape, dtype=np.bool_)
        for k, name in enumerate(self.skeleton.columns):
            j = codec.positions[name]
            missing = codes[:, k] == codec.fields[j].levels
            values[:, j] = np.where(missing, np.nan, codes[:, k])
            known[:, j] = True
        return Given(values, known)

    def _rows(
        self, given: Given | None, n_rows: int, within: Expression | None, *at: int
    ) -> pl.DataFrame:
        rng = self.order.rng(_ROWS, *at[:2])
        if self.order.condition:
            drawn = self._complying(given, n_rows, within, rng, at[2])
        else:
            drawn = self._drawn(given, n_rows, within, rng, at[2])
        rng = self.order.rng(_RULES, *at[:2])
        before = self.keeper.audit
        made = self.keeper.keep(drawn, self.generator, self.layout, given, None, rng, within)
        if not self.order.condition:
            self.n_drawn += n_rows
            self.n_right += n_rows - _repaired(before, self.keeper.audit)
        return made

    def _drawn(
        self,
        given: Given | None,
        n_rows: int,
        within: Expression | None,
        rng: np.random.Generator,
        start: int = 0,
    ) -> pl.DataFrame:
        condition = None
        if within is not None:
            condition = RowCondition(within, self.layout.codec, self.layout.constants)
        values = self.generator.sample(n_rows, rng, given=given, condition=condition)
        identifiers = self.order.rng(_IDENTIFIERS)
        return self.layout.assemble(values, identifiers, start=start)

    # conditioning -------------------------------------------------------------------

    def _accepted(self) -> NDArray[np.float64]:
        """Return for each cell the share of its rows that keep the rules, from a pilot."""
        self.skeleton = plan = self._skeleton()
        shares = np.where(plan.shares > 0, plan.real, 0.0)
        usual = replace(plan, shares=shares if shares.sum() > 0 else plan.shares, bands=())
        rng = self.order.rng(_PILOT)
        cells = np.repeat(np.arange(len(plan.cells)), usual.counts(PILOT, rng))
        given = self._given(plan.cells[cells][:, : len(plan.columns)])
        with one_thread():
            drawn, right = self.keeper.complies(
                self._drawn(given, len(cells), self.order.where, rng)
            )
        self.n_drawn, self.n_right = len(cells), int(right.sum())
        at = plan.places(drawn)
        of = np.bincount(at, minlength=len(plan.cells))
        kept = np.bincount(at, weights=right, minlength=len(plan.cells))
        prior = max(float(right.mean()), 1.0 / len(right))
        return np.asarray((kept + prior) / (of + 1.0))

    def _complying(
        self,
        given: Given | None,
        n_rows: int,
        within: Expression | None,
        rng: np.random.Generator,
        start: int,
    ) -> pl.DataFrame:
        """Draw rows until they keep the rules; the cell of a row stays, its share is right."""
        asked = within
        if self.acceptance < LOW_ACCEPTANCE:
            asked = _both(within, self.keeper.requirement)
        made = self._drawn(given, n_rows, asked, rng, start)
        self.n_drawn += n_rows
        made, right = self.keeper.complies(made)
        for _ in range(TRIES):
            rows = np.flatnonzero(~right)
            if len(rows) == 0:
                break
            again = None if given is None else Given(given.values[rows], given.known[rows])
            part, good = self.keeper.complies(self._drawn(again, len(rows), asked, rng, start))
            self.n_drawn += len(rows)
            source = np.arange(n_rows)
            source[rows[good]] = n_rows + np.flatnonzero(good)
            made, right[rows[good]] = pl.concat([made, part])[source], True
        self.n_right += int(right.sum())
        return made

    # account ------------------------------------------------------------------------

    @property
    def acceptance(self) -> float:
        """Share of the rows drawn that kept the hard rules as they were drawn."""
        return self.n_right / self.n_drawn if self.n_drawn else 1.0

    @property
    def audit(self) -> Audit:
        """What was done to the rows so far, rule by rule."""
        kept = self.keeper.audit
        told = {rule.name: rule for rule in kept.rules}
        for rule in self.keeper.bound:
            if rule.name in self.skeleton.handled:
                told[rule.name] = self._drawn_so(rule, kept.n_rows)
        return Audit(kept.n_rows, [told[r.name] for r in self.keeper.bound if r.name in told])

    def _drawn_so(self, rule: BoundRule, n_rows: int) -> RuleAudit:
        """Tell of a rule that the skeleton brings about: by the rows of the whole request."""
        if isinstance(rule, ShareRule):
            off = n_rows if rule.name in self.skeleton.broken(self.counts) else 0
        else:
            off = int(self.counts[rule.broken(self.skeleton.values)].sum())
        return RuleAudit(rule.name, rule.rule.described(), n_rows - off, 0, 0, 0, 0, off, {})


def _forced(rules: Rules) -> Rules:
    """Mark hard rules of single rows as interventions, so that they stay hard."""
    return Rules(
        rules=[
            rule.model_copy(update={"intervention": True}) if rule.hard and rule.per_row else rule
            for rule in rules
        ]
    )


def _both(first: Expression | None, second: Expression | None) -> Expression | None:
    if first is None or second is None:
        return first or second
    parts = [part.tree for one in (first, second) for part in one.conjuncts()]
    return Expression(And(tuple(parts)), first.schema)


def _repaired(before: Audit, after: Audit) -> int:
    """Rows of the last block that broke the rule broken most often, but those computed."""
    earlier = {rule.name: rule for rule in before.rules}
    found = [0]
    for rule in after.rules:
        was = earlier.get(rule.name)
        now = rule.repaired + rule.projected + rule.redrawn
        found.append(now - (was.repaired + was.projected + was.redrawn if was else 0))
    return max(found)
