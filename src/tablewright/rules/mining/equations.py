"""Find equations between columns of numbers: linear ones, products and ratios.

Values were rounded before they were written, so an equation holds within what rounding of
every column in it can do; that decides which rows count, and the tolerance of the rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.rules.expressions.tree import columns_of
from tablewright.rules.expressions.unparse import quote, unparse
from tablewright.rules.language import Formula, Implies, Linear, Source
from tablewright.rules.mining.evidence import Candidate, Rows, judged
from tablewright.rules.mining.numbers import numbers_of
from tablewright.rules.trees import rule_tree
from tablewright.schema import Schema

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

USED = 2_000
"""Training rows that equations are fitted on."""

MAX_COLUMNS = 40
"""Columns of numbers that are combined with each other, those with most values first."""

FEW = 5
"""Distinct values up to which a number is no result of an equation, though it may stand in one."""

MAX_TERMS = 5
_TRIMS = 6
_EXACT = 1e-5
"""Tolerance of an equation that holds to the digit; others hold within rounding."""

_ROUND = (2e-3, 1e-5, 1e-9)
"""How far weights are moved to round numbers, first try first."""


def find_equations(rows: Rows, confidence: float) -> list[Candidate]:
    """Return linear relations, products and ratios that hold within rounding."""
    columns = _most_valued(numbers_of(rows.train.head(USED), rows.schema, discrete=True))
    filled = {name: _filled_in(values) for name, values in columns.items()}
    search = _Search(
        columns={name: _without(values, filled[name]) for name, values in columns.items()},
        discrete={name for name in columns if rows.schema[name].kind.is_discrete},
        confidence=confidence,
    )
    rules = [*_independent(list(search.linear())), *search.products()]
    return judged([_where_real(rule, filled, rows.schema) for rule in rules], rows)


def _independent(rules: list[Linear]) -> list[Linear]:
    """Leave out equations that the others add up to; exact and round ones come first."""
    names = sorted({name for rule in rules for name in rule.terms})
    ranked = sorted(rules, key=lambda rule: (rule.tolerance > _EXACT, _digits(rule)))
    kept: list[Linear] = []
    basis = np.zeros((0, len(names)))
    for rule in ranked:
        row = np.array([rule.terms.get(name, 0.0) for name in names])
        left = row - (np.linalg.lstsq(basis.T, row, rcond=None)[0] @ basis if len(basis) else 0)
        if np.abs(left).max() > _ROUND[0] * np.abs(row).max():
            basis, kept = np.vstack([basis, row]), [*kept, rule]
    return [rule for rule in rules if rule in kept]


def _digits(rule: Linear) -> int:
    return sum(len(f"{abs(weight):.12g}") for weight in rule.terms.values())


def _filled_in(values: Floats) -> float | None:
    """Return the value that stands out and fits no unit of the others: a mean put into gaps."""
    finite = values[np.isfinite(values)]
    distinct, counts = np.unique(finite, return_counts=True)
    maximum = float(distinct[counts.argmax()])
    step = _step(finite[finite != maximum]) if len(distinct) > FEW else 0.0
    off_grid = step > 0 and abs(maximum / step - round(maximum / step)) > 1e-6
    return maximum if off_grid and counts.max() >= 0.01 * len(finite) else None


def _without(values: Floats, left_out: float | None) -> Floats:
    return values if left_out is None else np.where(values == left_out, np.nan, values)


def _where_real(rule: Any, filled: dict[str, float | None], schema: Schema) -> Any:
    """Restrict a rule to rows without values that were put into gaps."""
    tree = rule_tree(rule.model_copy(update={"name": "r"}), schema)
    assert tree is not None
    gaps = [(name, filled.get(name)) for name in columns_of(tree)]
    real = [f"{quote(name)} <> {gap!r}" for name, gap in gaps if gap is not None]
    if not real:
        return rule
    given = {"if": " AND ".join(real), "then": unparse(tree), "source": Source.MINED}
    return Implies.model_validate(given)


def _most_valued(columns: dict[str, Floats]) -> dict[str, Floats]:
    """Keep the columns with most distinct values where there are too many to combine."""
    distinct = {name: len(np.unique(values)) for name, values in columns.items()}
    kept = set(sorted(columns, key=lambda name: -distinct[name])[:MAX_COLUMNS])
    return {name: values for name, values in columns.items() if name in kept}


def _step(values: Floats) -> float:
    """Return the unit that nearly all values are multiples of, 0 where there is none."""
    finite = values[np.isfinite(values)]
    for step in (1.0, 0.1, 0.01, 0.001, 1e-4):
        if (np.abs(finite / step - np.round(finite / step)) < 1e-6).mean() > 0.98:
            return step
    return 0.0


@dataclass(frozen=True)
class _Search:
    """Columns of numbers that equations are looked for between; few-valued ones are no result."""

    columns: dict[str, Floats]
    discrete: set[str]
    confidence: float

    @cached_property
    def steps(self) -> dict[str, float]:
        return {name: _step(values) for name, values in self.columns.items()}

    @cached_property
    def results(self) -> list[str]:
        """The columns that an equation may give, in order."""
        return [
            name
            for name, values in self.columns.items()
            if name not in self.discrete and len(np.unique(values[np.isfinite(values)])) > FEW
        ]

    def linear(self) -> Iterator[Linear]:
        """Yield ``sum of weights * columns = value``, each set of columns once."""
        seen: set[frozenset[str]] = set()
        for name in reversed(self.results):
            for rule in self.explained(name, seen):
                seen.add(frozenset(rule.terms))
                yield rule

    def explained(self, name: str, seen: set[frozenset[str]]) -> list[Linear]:
        """Return linear equations for one column, found by adding one column after another."""
        chosen: list[str] = []
        rough: list[Linear] = []
        for _ in range(min(MAX_TERMS, len(self.columns) - 1)):
            others = [
                other
                for other in self.columns
                if other != name and other not in chosen and {name, *chosen, other} not in seen
            ]
            fits = [(self.fit(name, [*chosen, other]), other) for other in others]
            usable = [(fit, other) for fit, other in fits if fit is not None]
            if not usable:
                break
            (weights, offset, spread), other = min(usable, key=lambda item: item[0][2])
            chosen.append(other)
            rule = self.as_linear(name, chosen, weights, offset)
            if rule is not None and rule.tolerance <= _EXACT:
                return [*rough, rule]
            # One that holds within rounding may be the shadow of a sum that holds to the digit.
            if rough or (len(chosen) > 1 and spread > 0.95 * _spread(self.columns[name])):
                break
            rough += [rule] if rule is not None else []
        return rough

    def fit(self, name: str, chosen: list[str]) -> tuple[NDArray[Any], float, float] | None:
        """Fit by least squares, again and again on the half of the rows that fit best."""
        target = self.columns[name]
        stacked = np.column_stack([*(self.columns[c] for c in chosen), np.ones(len(target))])
        usable = np.isfinite(stacked).all(axis=1) & np.isfinite(target)
        if usable.sum() < 10 * (len(chosen) + 1):
            return None
        x, y = stacked[usable], target[usable]
        kept = np.ones(len(y), dtype=bool)
        for _ in range(_TRIMS):
            solution = np.linalg.lstsq(x[kept], y[kept], rcond=None)[0]
            residual = np.abs(y - x @ solution)
            best = residual <= np.quantile(residual, 0.8)
            if (np.ptp(x[best, :-1], axis=0) == 0).any():
                break  # where a column does not vary, any weight of it fits
            kept = best
        return solution[:-1], float(solution[-1]), float(np.quantile(residual, 0.8))

    def as_linear(
        self, name: str, chosen: list[str], weights: Floats, offset: float
    ) -> Linear | None:
        """Return the rule with the roundest weights with which enough rows keep it."""
        columns, spread = self.columns, float(np.nanstd(self.columns[name]))
        for within in _ROUND:
            terms = {name: 1.0} | {c: -_nice(w, within)
                                   for c, w in zip(chosen, weights, strict=True)}  # fmt: skip
            if min(abs(w) * float(np.nanstd(columns[c])) for c, w in terms.items()) < 1e-3 * spread:
                return None
            total = sum(w * columns[c] for c, w in terms.items())
            size = sum(abs(w) * float(np.nanmax(np.abs(columns[c]))) for c, w in terms.items())
            scale, slack = 1e-10 * size, 0.5 * sum(abs(w) * self.steps[c] for c, w in terms.items())
            slack += scale
            tiny = max(1e-6 * spread, 0.1 * slack)
            value = _nice(offset, within) if abs(offset) > tiny else 0.0
            kept = [t for t in (scale, slack) if _holds(total - value, t, self.confidence)]
            if kept and kept[0] <= 0.1 * spread:
                held = np.abs(total - value) <= kept[0]
                if any(np.ptp(columns[c][held]) == 0 for c in terms):
                    return None  # it holds where a column does not vary, with any weight of it
                ordered = {c: terms[c] for c in columns if c in terms}
                return Linear(
                    terms=ordered, op="=", value=value, tolerance=_up(kept[0]), source=Source.MINED
                )
        return None

    def products(self) -> Iterator[Formula]:
        """Yield ``c = k * a * b`` in the form that holds most often, for the last column it can."""
        for names in combinations(self.columns, 3):
            last = next((name for name in reversed(names) if name in self.results), None)
            forms = [self.product(whole, last, names) for whole in names if last is not None]
            held = [form for form in forms if form is not None]
            if held:
                yield max(held, key=lambda form: form[0])[1]

    def product(
        self, whole: str, computed: str, names: Sequence[str]
    ) -> tuple[float, Formula] | None:
        """Return the rule that a column is k times the product of two, and how often it holds."""
        a, b = (name for name in names if name != whole)
        with np.errstate(all="ignore"):
            ratio = self.columns[whole] / (self.columns[a] * self.columns[b])
        known = ratio[np.isfinite(ratio)]
        if len(known) < 20 or np.median(known) == 0:
            return None
        for within in _ROUND:
            factor = _factor(float(np.median(known)), within)
            with np.errstate(all="ignore"):
                result, slack = self.computed(computed, whole, a, b, factor)
            # Counts are not rounded: an equation that holds as they stand needs no more slack.
            exact = np.full_like(slack, 0.5 * self.steps[computed])
            for allowed in (exact, slack):
                held = _within(self.columns[computed], result, allowed, self.confidence)
                if held is not None:
                    text = _formula_text(computed, whole, a, b, factor, within)
                    return held[0], Formula(
                        column=computed, expression=text, tolerance=held[1], source=Source.MINED
                    )
        return None

    def computed(
        self, computed: str, whole: str, a: str, b: str, factor: float
    ) -> tuple[Floats, Floats]:
        """Return the computed values, and what rounding of all three columns can do to them."""
        if computed == whole:
            inputs = (a, b)
            result = factor * self.columns[a] * self.columns[b]
        else:
            inputs = (whole, b if computed == a else a)
            result = self.columns[whole] / (factor * self.columns[inputs[1]])
        relative = sum(0.5 * self.steps[name] / np.abs(self.columns[name]) for name in inputs)
        return result, 0.5 * self.steps[computed] + np.abs(result) * relative


def _spread(values: Floats) -> float:
    """Return what `_Search.fit` reports of residuals where nothing explains a column."""
    finite = values[np.isfinite(values)]
    return float(np.quantile(np.abs(finite - np.median(finite)), 0.8))


def _holds(difference: Any, tolerance: float, confidence: float) -> bool:
    known = difference[np.isfinite(difference)]
    return len(known) >= 10 and bool((np.abs(known) <= tolerance).mean() >= confidence)


def _within(
    values: Floats, made: Floats, slack: Floats, confidence: float
) -> tuple[float, float] | None:
    """Return how many rows rounding explains and how far they are off; None if too few."""
    difference = np.abs(values - made)
    usable = np.isfinite(difference)
    explained = difference <= slack + 1e-9 * np.abs(made)
    if usable.sum() < 20:
        return None
    vague = float(np.median(slack[usable])) > 0.1 * float(np.nanstd(values))
    share = float(explained[usable].mean())
    if vague or share < confidence:
        return None
    return share, _up(float(difference[usable & explained].max()) + 1e-9)


def _formula_text(computed: str, whole: str, a: str, b: str, factor: float, within: float) -> str:
    if computed == whole:
        text = f"{quote(a)} * {quote(b)}"
        return text if factor == 1 else f"{_number(factor)} * {text}"
    other = b if computed == a else a
    text = f"{quote(whole)} / {quote(other)}"
    inverse = _factor(1.0 / factor, within)
    return text if inverse == 1 else f"{_number(inverse)} * {text}"


def _factor(value: float, within: float) -> float:
    """Return a factor or its inverse as a round number, whichever is larger than one."""
    if abs(value) >= 1:
        return _nice(value, within)
    return 1.0 / _nice(1.0 / value, within)


def _nice(value: float, within: float) -> float:
    """Return the number with the fewest digits within a relative distance of a value."""
    if not math.isfinite(value) or value == 0:
        return 0.0
    rounded = (float(f"{value:.{digits}e}") for digits in range(15))
    return next((r for r in rounded if abs(r - value) <= within * abs(value)), value)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def _up(value: float) -> float:
    """Round up to two digits."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.6g}")
