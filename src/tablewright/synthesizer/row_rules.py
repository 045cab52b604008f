"""Rows of a fitted generator that keep rules: what joins the two."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.callers import warn
from tablewright.generators.base import Generator, Given
from tablewright.generators.parts.row_conditions import RowCondition
from tablewright.rules import Finding, Validation, as_rules, to_json, validate_rules
from tablewright.rules.bound import BoundRule, RowRule, bind
from tablewright.rules.enforcement import Audit, Enforcer, Plan
from tablewright.rules.expressions import Expression
from tablewright.rules.language import Check, Dependency, Quota, Rules
from tablewright.rules.validate import Level
from tablewright.schema import Schema
from tablewright.tables.encoding.layout import Layout

_REFERENCE = 10_000
"""Real rows that rules are validated against; more say little more."""


class RuleWarning(UserWarning):
    """A rule is not applied as it was written, or changes what the real rows say."""


class RuleKeeper:
    """Brings the rows of one call of `sample` to keep rules.

    Parameters
    ----------
    rules : path, list, mapping or Rules
        See `tablewright.rules.as_rules`.
    schema : Schema
        The columns.
    real : polars DataFrame or None
        Real rows that the rules are validated against, where the model holds any.
    order : sequence of str
        Columns as the generator draws them.
    n_rows : int
        Rows of the whole call.
    where : str or None
        Condition that the rows were drawn under, which has to hold at the end too.
    before : RuleKeeper or None
        That of the call before: what it found of the same rules is not looked for again.
    substitute : polars DataFrame or None
        Rows of the model, from which maps are learned where there are no real ones.

    Attributes
    ----------
    findings : list of Finding
        What validation found.
    real : DataFrame or None
        The real rows.
    audit : Audit
        What was done to the rows so far.

    Raises
    ------
    RuleError
        If the rules do not fit the table or exclude each other.
    """

    def __init__(
        self,
        rules: Any,
        schema: Schema,
        real: pl.DataFrame | None,
        order: Sequence[str],
        n_rows: int,
        where: str | None = None,
        before: RuleKeeper | None = None,
        substitute: pl.DataFrame | None = None,
    ) -> None:
        requested = as_rules(rules)
        if where is not None:
            asked = Check(name="where", expression=where, strict=True, intervention=True)
            requested = Rules(rules=[asked]) + requested
        self._asked, self.real = to_json(requested), real
        same = before is not None and before._asked == self._asked and before.real is real
        self._found: Validation = (
            before._found
            if before is not None and same
            else _validated(requested, schema, real, substitute)
        )
        result = self._found
        self.findings: list[Finding] = [f for f in result.findings if f.rules != ("where",)]
        for finding in self.findings:
            if finding.level is Level.WARNING:
                warn(finding.message, RuleWarning)
        for rule in requested:
            if isinstance(rule, Quota) and (problem := _too_few_rows(rule, n_rows)):
                warn(problem, RuleWarning)
        self._schema, self._order, self._n_rows = schema, order, n_rows
        self._enforcer = self._make_enforcer(result.bound)
        self.audit = Audit(0, [])

    def _make_enforcer(self, bound: Sequence[BoundRule]) -> Enforcer:
        plan = Plan.of(bound, self._schema, self._order)
        return Enforcer(plan, self._schema.target, self._n_rows)

    @property
    def bound(self) -> list[BoundRule]:
        """The rules as they are applied."""
        return self._found.bound

    @property
    def requirement(self) -> Expression | None:
        """The hard rules of single rows as one condition, but those that compute a column."""
        plan = self._enforcer.plan
        return plan.requirement(plan.order)

    def leave_out(self, names: Collection[str]) -> None:
        """Leave rules to whoever draws the rows; called before the first are kept."""
        self._enforcer = self._make_enforcer([r for r in self.bound if r.name not in names])

    def keep(
        self,
        drawn: pl.DataFrame,
        generator: Generator,
        layout: Layout,
        given: Given | None,
        fixed: pl.DataFrame | None,
        rng: np.random.Generator,
        within: Expression | None = None,
    ) -> pl.DataFrame:
        """Return a block of rows that keep the hard rules, as many as were drawn.

        Rows that were drawn `within` a condition keep it.
        """
        sampler = _Redraws(generator, layout, given)
        also = [] if within is None else [_as_rule(within)]
        frame, audit = self._enforcer.finish(drawn, sampler, rng, fixed, also)
        self.audit = self.audit + audit
        return frame

    def complete(
        self,
        drawn: pl.DataFrame,
        generator: Generator,
        layout: Layout,
        given: Given,
        fixed: pl.DataFrame,
        mask: pl.DataFrame,
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        """Bring the cells of a mask to keep hard rules where those that stay allow it.

        Warns of rules that are not applied, and of rows for which nothing was found.
        """
        plan = self._enforcer.plan
        if rest := [repr(rule.name) for rule in plan.rules if rule not in plan.hard]:
            text = "only hard rules of single rows are kept where cells are filled; not applied: "
            warn(text + ", ".join(rest), RuleWarning)
        rows = np.flatnonzero(mask.fold(lambda one, other: one | other).to_numpy())
        if not len(rows):
            return drawn
        known = Given(given.values[rows], given.known[rows])
        sampler = _Redraws(generator, layout, known, complete=True)
        part = self._enforcer.complete(drawn[rows], sampler, rng, fixed[rows])
        part = part.with_columns(s.fill_null(drawn[s.name][rows]) for s in part)
        filled = part.with_columns(
            s.zip_with(mask[s.name][rows], fixed[s.name][rows].cast(s.dtype)) for s in part
        )
        for name, broken in self._enforcer.broken(filled).items():
            if n := int(broken.sum()):
                warn(
                    f"rule {name!r} is broken by {n:,} of {len(rows):,} rows with filled cells: "
                    "nothing was found that keeps it beside the cells that stay",
                    RuleWarning,
                )
        source = np.arange(drawn.height)
        source[rows] = drawn.height + np.arange(len(rows))
        return pl.concat([drawn, part])[source]

    def complies(self, drawn: pl.DataFrame) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
        """Fill in computed columns, and tell which rows keep the hard rules as they are."""
        return self._enforcer.complies(drawn)


def _too_few_rows(rule: Quota, n_rows: int) -> str:
    """Return why a quota cannot be kept by so few rows, or an empty text where it can."""
    allowed = math.floor(rule.share[1] * n_rows + 1e-9)
    if rule.min_rows <= allowed:
        return ""
    enough = math.ceil(rule.min_rows / rule.share[1] - 1e-9) if rule.share[1] else None
    advice = "lower min_rows" if enough is None else f"draw {enough} or more, or lower min_rows"
    return (
        f"rule {rule.name!r} cannot be kept by {n_rows} rows: it asks for at least "
        f"{rule.min_rows} that meet {rule.where}, and its share allows {allowed}; {advice}"
    )


def _validated(
    rules: Rules, schema: Schema, real: pl.DataFrame | None, substitute: pl.DataFrame | None
) -> Validation:
    """Validate against real rows; without any, nothing is said of them and maps are doubtful."""
    result = validate_rules(rules, schema, real, redundancy=False).require()
    if real is not None or substitute is None:
        return result
    doubtful = [
        Finding(
            Level.WARNING,
            (rule.name,),
            f"rule {rule.name!r} learns its map from rows of the model, since the model file holds "
            "no real rows; write the map into the rule",
        )
        for rule in rules
        if isinstance(rule, Dependency) and rule.map == "learn"
    ]
    bound = bind(result.rules, schema, substitute)
    return Validation(result.rules, bound, [*result.findings, *doubtful])


class _Redraws:
    """Draws columns of rows again from a generator, given the rest; `complete`: no cell empty."""

    def __init__(
        self, generator: Generator, layout: Layout, given: Given | None, *, complete: bool = False
    ) -> None:
        self.generator, self.layout, self.given = generator, layout, given
        self.complete = complete

    @property
    def fixed(self) -> frozenset[str]:
        """Columns that the user fixed in every row, and those that no generator draws."""
        codec = self.layout.codec
        free = set(codec.positions)
        if self.given is not None:
            whole = np.flatnonzero(self.given.known.all(axis=0))
            free -= {codec.columns[j].name for j in whole}
        return frozenset(set(self.layout.schema.names) - free)

    def redraw(
        self,
        frame: pl.DataFrame,
        rows: NDArray[np.intp],
        columns: Sequence[str],
        condition: Expression | None,
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        """Draw columns again; see `tablewright.rules.enforcement.Sampler`."""
        codec = self.layout.codec
        opened = [name for name in columns if name in codec.positions]
        if not opened:
            return frame
        values = codec.encode(frame).values
        known = np.ones(values.shape, dtype=np.bool_)
        known[:, [codec.positions[name] for name in opened]] = False
        if self.given is not None:
            known |= self.given.known[rows]
        asked = None if condition is None else RowCondition(condition, codec, self.layout.constants)
        drawn = self.generator.sample(
            len(values),
            rng,
            given=Given(np.where(known, values, np.nan), known),
            condition=asked,
            complete=self.complete,
        )
        return frame.with_columns(codec.decode(drawn, opened))


def _as_rule(within: Expression) -> RowRule:
    rule = Check(name="within", expression=within.text, strict=True, intervention=True)
    return RowRule(rule, within.schema, within.tree)


def reference_rows(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Take rows at random, in their order, where there are more than rules need."""
    if frame.height <= _REFERENCE:
        return frame
    return frame[np.sort(rng.choice(frame.height, _REFERENCE, replace=False))]
