"""Rows of a learned texture under a template: the engine of `tablewright.systems.htdbu.system`.

The cells of the skeleton are drawn first, in whole numbers; the texture gives the other columns
given them; what still breaks a rule is drawn again, computed or projected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.generators.base import Given
from tablewright.generators.parts.row_conditions import RowCondition
from tablewright.random_state import Stream
from tablewright.rules import Rules
from tablewright.rules.bound import BoundRule, ShareRule
from tablewright.rules.enforcement import Audit
from tablewright.rules.enforcement.audit import RuleAudit
from tablewright.rules.expressions import Expression
from tablewright.rules.expressions.tree import And
from tablewright.synthesizer.estimator import BLOCK
from tablewright.synthesizer.row_rules import RuleKeeper
from tablewright.systems.common.copy_gate import CopyGate
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.htdbu.skeleton import SkeletonPlanner
from tablewright.systems.htdbu.skeleton_cells import Skeleton
from tablewright.systems.htdbu.textures import Texture
from tablewright.threads import one_thread

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

PILOT = 4_000
"""Rows drawn to learn how often the rows of each cell keep the rules."""

LOW_ACCEPTANCE = 0.2
"""Share of rows that keep the rules below which they are drawn under the rules as a condition."""

TRIES = 60


class Synthesis:
    """The rows of one request.

    Parameters
    ----------
    texture : Texture
    real : DataFrame
        Real rows, typed.
    reference : DataFrame
        Those that rules are validated against.
    request : SampleRequest
        Its rules are the template.
    columns : sequence of str
        Of the skeleton.
    before : RuleKeeper or None, default=None
        That of a request before; what it found of the same rules is not looked for again.
    condition : bool, default=False
        Whether rows are conditioned on the rules; by default rules intervene.
    as_written : bool, default=False
        Whether hard rules stay hard that real rows break, marked as interventions or not.
    copies : bool, default=True
        Whether rows may equal real ones; otherwise they are drawn again, and left out at last.

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
        request: SampleRequest,
        columns: Sequence[str] = (),
        before: RuleKeeper | None = None,
        *,
        condition: bool = False,
        as_written: bool = False,
        copies: bool = True,
    ) -> None:
        self.texture, self.request, self.columns = texture, request, columns
        self.condition = condition
        self.layout, self.generator = texture.layout, texture.generator
        met = real if request.where is None else real.filter(request.where.holds(real))
        self.real = met if met.height else real
        rules = _forced(request.rules) if as_written else request.rules
        self.keeper = RuleKeeper(
            rules,
            self.layout.schema,
            reference,
            texture.order,
            request.n_rows,
            None if request.where is None else request.where.text,
            before,
        )
        self.n_drawn = self.n_right = 0
        accepted = self._accepted() if condition else None
        self.skeleton = self._skeleton(accepted)
        self.keeper.leave_out(self.skeleton.handled)
        self.counts = self.skeleton.counts(request.n_rows, request.rng(Stream.HTDBU_CELLS))
        self.rejected: list[pl.DataFrame] = []
        self.gate: CopyGate | None = None
        if not copies:
            names = [column.name for column in self.layout.schema.modelled]
            indices = self.skeleton.cell_of_each_row
            self.gate = CopyGate(real.select(names), met, indices)

    def _skeleton(self, accepted: NDArray[np.float64] | None = None) -> Skeleton:
        request = self.request
        return SkeletonPlanner(
            self.real,
            self.layout,
            self.keeper.bound,
            self.columns,
            request.n_rows,
            classes=request.quotas,
            accepted=accepted,
            keep_target=not self.condition,
        ).plan()

    def blocks(self) -> Iterator[pl.DataFrame]:
        """Yield the rows, a block at a time; memory does not grow with their number.

        A cell in which only copies can be drawn leaves rows missing. Cells for as many are drawn
        again, by the same shares, until a round brings none; where rules about shares are met to
        the row, they stay missing.
        """
        rng, start, block = self.request.rng(Stream.HTDBU_CELLS, 1), 0, 0
        counts, missing = self.counts, self.request.n_rows
        while missing:
            self.rejected, before = [], missing
            for cells in self.skeleton.blocks(counts, BLOCK, rng):
                rows = self._block(cells, block, start)
                yield rows
                start, block, missing = start + len(cells), block + 1, missing - rows.height
            if missing in (0, before) or self.skeleton.bands:
                return
            counts = self.skeleton.counts(missing, rng)

    def _block(self, cells: Ints, block: int, start: int) -> pl.DataFrame:
        codes = self.skeleton.cells[cells]
        n_columns = len(self.skeleton.columns)
        patterns, member = np.unique(codes[:, n_columns:], axis=0, return_inverse=True)
        parts, indices = [], []
        for k, pattern in enumerate(patterns):
            rows = np.flatnonzero(member.reshape(-1) == k)
            within = _both(self.request.where, self.skeleton.condition(pattern))
            given = self._given(codes[rows, :n_columns])
            with one_thread():
                part = self._rows(given, len(rows), within, block, k, start)
                part, kept = self._without_copies(part, given, within, block, k, start)
            parts.append(part.filter(kept))
            indices.append(rows[kept])
            start += len(rows)
        return pl.concat(parts)[np.argsort(np.concatenate(indices))]

    def _without_copies(
        self, rows: pl.DataFrame, given: Given | None, within: Expression | None, *at: int
    ) -> tuple[pl.DataFrame, Bools]:
        """Draw rows again that equal real ones more often than held-out rows do.

        The cell of the skeleton stays, and so its share, as long as another row can be drawn.
        """
        if self.gate is None:
            return rows, np.ones(rows.height, dtype=np.bool_)

        def draw(again: Given | None, n_rows: int, attempt: int) -> tuple[pl.DataFrame, Bools]:
            part = self._rows(again, n_rows, within, *at, attempt)
            return part, ~self._copied(part)

        rows, kept = _redrawn(rows, ~self._copied(rows), given, draw)
        if not kept.all():
            self.rejected.append(rows.filter(~kept))
        return rows, kept

    def _copied(self, rows: pl.DataFrame) -> Bools:
        assert self.gate is not None
        copied = np.array([bool(reason) for reason in self.gate.forbidden(rows)], dtype=np.bool_)
        free = np.flatnonzero(~copied)
        copied[free] = [bool(reason) for reason in self.gate.excess(rows[free])]
        return copied

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
        rng = self.request.rng(Stream.HTDBU_ROWS, *at[:2], *at[3:])
        if self.condition:
            drawn = self._complying(given, n_rows, within, rng, at[2])
        else:
            drawn = self._drawn(given, n_rows, within, rng, at[2])
        rng = self.request.rng(Stream.HTDBU_ROW_RULES, *at[:2], *at[3:])
        before = self.keeper.audit
        result = self.keeper.keep(drawn, self.generator, self.layout, given, None, rng, within)
        if not self.condition:
            self.n_drawn += n_rows
            self.n_right += n_rows - _repaired(before, self.keeper.audit)
        return result

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
        identifiers = self.request.rng(Stream.HTDBU_IDENTIFIERS)
        return self.layout.assemble(values, identifiers, start=start)

    # conditioning -------------------------------------------------------------------

    def _accepted(self) -> NDArray[np.float64]:
        """Return for each cell the share of its rows that keep the rules, from a pilot."""
        self.skeleton = plan = self._skeleton()
        shares = np.where(plan.shares > 0, plan.real, 0.0)
        usual = replace(plan, shares=shares if shares.sum() > 0 else plan.shares, bands=())
        rng = self.request.rng(Stream.HTDBU_PILOT)
        cells = np.repeat(np.arange(len(plan.cells)), usual.counts(PILOT, rng))
        given = self._given(plan.cells[cells][:, : len(plan.columns)])
        with one_thread():
            drawn, right = self.keeper.complies(
                self._drawn(given, len(cells), self.request.where, rng)
            )
        self.n_drawn, self.n_right = len(cells), int(right.sum())
        at = plan.cell_of_each_row(drawn)
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

        def draw(again: Given | None, n_rows: int, _: int = 0) -> tuple[pl.DataFrame, Bools]:
            self.n_drawn += n_rows
            return self.keeper.complies(self._drawn(again, n_rows, asked, rng, start))

        result, right = _redrawn(*draw(given, n_rows), given, draw)
        self.n_right += int(right.sum())
        return result

    # account ------------------------------------------------------------------------

    @property
    def acceptance(self) -> float:
        """Share of the rows drawn that kept the hard rules as they were drawn."""
        return self.n_right / self.n_drawn if self.n_drawn else 1.0

    @property
    def details(self) -> dict[str, Any]:
        """What a result tells of the rows so far."""
        reported = {
            "rules": len(self.keeper.bound),
            "interventions": [
                f.message for f in self.keeper.findings if "intervention" in f.message
            ],
            "intervention_effect": self.skeleton.effect,
            "acceptance": self.acceptance,
            "drawn": self.n_drawn,
        }
        if self.condition:
            reported["drawn_per_row"] = 1 / max(self.acceptance, 1e-9)
        return reported

    @property
    def audit(self) -> Audit:
        """What was done to the rows so far, rule by rule."""
        kept = self.keeper.audit
        reported = {rule.name: rule for rule in kept.rules}
        for rule in self.keeper.bound:
            if rule.name in self.skeleton.handled:
                reported[rule.name] = self._drawn_so(rule, kept.n_rows)
        return Audit(
            kept.n_rows, [reported[r.name] for r in self.keeper.bound if r.name in reported]
        )

    def _drawn_so(self, rule: BoundRule, n_rows: int) -> RuleAudit:
        """Tell of a rule that the skeleton brings about: by the rows of the whole request."""
        if isinstance(rule, ShareRule):
            off = n_rows if rule.name in self.skeleton.broken(self.counts) else 0
        else:
            off = int(self.counts[rule.broken(self.skeleton.values)].sum())
        return RuleAudit(rule.name, rule.rule.described(), n_rows - off, 0, 0, 0, 0, off, {})


def _redrawn(
    rows: pl.DataFrame,
    good: Bools,
    given: Given | None,
    draw: Callable[[Given | None, int, int], tuple[pl.DataFrame, Bools]],
) -> tuple[pl.DataFrame, Bools]:
    """Draw the rows that are not good again, each given its own cells, up to sixty times."""
    good = good.copy()
    for attempt in range(1, TRIES + 1):
        bad = np.flatnonzero(~good)
        if not len(bad):
            break
        again = None if given is None else Given(given.values[bad], given.known[bad])
        part, better = draw(again, len(bad), attempt)
        source = np.arange(rows.height)
        source[bad[better]] = rows.height + np.flatnonzero(better)
        rows, good[bad[better]] = pl.concat([rows, part])[source], True
    return rows, good


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
    result = [0]
    for rule in after.rules:
        was = earlier.get(rule.name)
        now = rule.repaired + rule.projected + rule.redrawn
        result.append(now - (was.repaired + was.projected + was.redrawn if was else 0))
    return max(result)
