"""Find equations between columns of numbers: linear ones, products and ratios.

Values were rounded before they were written, so an equation holds within what rounding of
every column in it can do; that decides which rows count, and the tolerance of the rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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

MAX_TERMS = 5
_TRIMS = 6
_EXACT = 1e-5
"""Tolerance of an equation that holds to the digit; others hold within rounding."""

_ROUND = (2e-3, 1e-5, 1e-9)
"""How far weights are moved to round numbers, first try first."""


def find_equations(rows: Rows, confidence: float) -> list[Candidate]:
    """Return linear relations, products and ratios that hold within rounding."""
    columns = _several_valued(numbers_of(rows.train.head(USED), rows.schema))
    filled = {name: _filled_in(values) for name, values in columns.items()}
    columns = {name: _without(values, filled[name]) for name, values in columns.items()}
    steps = {name: _step(values) for name, values in columns.items()}
    linear = _independent(list(_linear(columns, steps, confidence)))
    taken = [set(rule.terms) for rule in linear]
    products = _products(columns, steps, confidence, taken)
    return judged([_where_real(rule, filled, rows.schema) for rule in (*linear, *products)], rows)


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
    step = _step(finite[finite != maximum])
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


def _several_valued(columns: dict[str, Floats]) -> dict[str, Floats]:
    """Keep columns with enough distinct values for an equation to say something."""
    distinct = {
        name: len(np.unique(values[np.isfinite(values)])) for name, values in columns.items()
    }
    names = [name for name in columns if distinct[name] > 5]
    kept = set(sorted(names, key=lambda name: -distinct[name])[:MAX_COLUMNS])
    return {name: values for name, values in columns.items() if name in kept}


def _step(values: Floats) -> float:
    """Return the unit that nearly all values are multiples of, 0 where there is none."""
    finite = values[np.isfinite(values)]
    for step in (1.0, 0.1, 0.01, 0.001, 1e-4):
        if (np.abs(finite / step - np.round(finite / step)) < 1e-6).mean() > 0.98:
            return step
    return 0.0


def _linear(
    columns: dict[str, Floats], steps: dict[str, float], confidence: float
) -> Iterator[Linear]:
    """Yield ``sum of weights * columns = value``, each set of columns once."""
    seen: set[frozenset[str]] = set()
    for name in reversed(columns):
        for result in _explained(name, columns, steps, confidence, seen):
            seen.add(frozenset(result.terms))
            yield result


def _explained(
    name: str,
    columns: dict[str, Floats],
    steps: dict[str, float],
    confidence: float,
    seen: set[frozenset[str]],
) -> list[Linear]:
    """Return linear equations for one column, found by adding one column after another."""
    chosen: list[str] = []
    rough: list[Linear] = []
    for _ in range(min(MAX_TERMS, len(columns) - 1)):
        others = [
            other
            for other in columns
            if other != name and other not in chosen and {name, *chosen, other} not in seen
        ]
        fits = [(_fit(name, [*chosen, other], columns), other) for other in others]
        usable = [(fit, other) for fit, other in fits if fit is not None]
        if not usable:
            break
        (weights, offset, spread), other = min(usable, key=lambda item: item[0][2])
        chosen.append(other)
        rule = _as_linear(name, chosen, weights, offset, columns, steps, confidence)
        if rule is not None and rule.tolerance <= _EXACT:
            return [*rough, rule]
        # One that holds within rounding may be the shadow of a sum that holds to the digit.
        if rough or (len(chosen) > 1 and spread > 0.95 * _spread(columns[name])):
            break
        rough += [rule] if rule is not None else []
    return rough


def _spread(values: Floats) -> float:
    """Return what `_fit` reports of residuals where nothing explains a column."""
    finite = values[np.isfinite(values)]
    return float(np.quantile(np.abs(finite - np.median(finite)), 0.8))


def _fit(
    name: str, chosen: list[str], columns: dict[str, Floats]
) -> tuple[NDArray[Any], float, float] | None:
    """Fit by least squares, again and again on the half of the rows that fit best."""
    stacked = np.column_stack([*(columns[c] for c in chosen), np.ones(len(columns[name]))])
    target = columns[name]
    usable = np.isfinite(stacked).all(axis=1) & np.isfinite(target)
    if usable.sum() < 10 * (len(chosen) + 1):
        return None
    x, y = stacked[usable], target[usable]
    kept = np.ones(len(y), dtype=bool)
    for _ in range(_TRIMS):
        solution = np.linalg.lstsq(x[kept], y[kept], rcond=None)[0]
        residual = np.abs(y - x @ solution)
        kept = residual <= np.quantile(residual, 0.8)
    return solution[:-1], float(solution[-1]), float(np.quantile(residual, 0.8))


def _as_linear(
    name: str,
    chosen: list[str],
    weights: Floats,
    offset: float,
    columns: dict[str, Floats],
    steps: dict[str, float],
    confidence: float,
) -> Linear | None:
    """Return the rule with the roundest weights with which enough rows keep it."""
    spread = float(np.nanstd(columns[name]))
    for within in _ROUND:
        terms = {name: 1.0} | {c: -_nice(w, within) for c, w in zip(chosen, weights, strict=True)}
        shares = [abs(w) * float(np.nanstd(columns[c])) for c, w in terms.items()]
        if min(shares) < 1e-3 * spread:
            return None
        total = sum(w * columns[c] for c, w in terms.items())
        scale = 1e-10 * sum(abs(w) * float(np.nanmax(np.abs(columns[c]))) for c, w in terms.items())
        slack = scale + 0.5 * sum(abs(w) * steps[c] for c, w in terms.items())
        tiny = max(1e-6 * spread, 0.1 * slack)
        value = _nice(offset, within) if abs(offset) > tiny else 0.0
        kept = [t for t in (scale, slack) if _holds(total - value, t, confidence)]
        if kept and kept[0] <= 0.1 * spread:
            ordered = {c: terms[c] for c in columns if c in terms}
            return Linear(
                terms=ordered, op="=", value=value, tolerance=_up(kept[0]), source=Source.MINED
            )
    return None


def _holds(difference: Any, tolerance: float, confidence: float) -> bool:
    known = difference[np.isfinite(difference)]
    return len(known) >= 10 and bool((np.abs(known) <= tolerance).mean() >= confidence)


def _products(
    columns: dict[str, Floats],
    steps: dict[str, float],
    confidence: float,
    taken: Sequence[set[str]],
) -> Iterator[Formula]:
    """Yield ``c = k * a * b`` in the form in which the last of the columns is computed."""
    for names in combinations(columns, 3):
        if any(used <= set(names) for used in taken):
            continue
        forms = [_product(names, i, columns, steps, confidence) for i in range(3)]
        result = next((form for form in forms if form is not None), None)
        if result is not None:
            yield result


def _product(
    names: tuple[str, ...],
    product: int,
    columns: dict[str, Floats],
    steps: dict[str, float],
    confidence: float,
) -> Formula | None:
    """Return the rule that names[product] is k times the product of the two others."""
    whole, computed = names[product], names[-1]
    a, b = (name for i, name in enumerate(names) if i != product)
    with np.errstate(all="ignore"):
        ratio = columns[whole] / (columns[a] * columns[b])
    known = ratio[np.isfinite(ratio)]
    if len(known) < 20 or np.median(known) == 0:
        return None
    for within in _ROUND:
        factor = _factor(float(np.median(known)), within)
        with np.errstate(all="ignore"):
            result, slack = _computed(computed, whole, a, b, factor, columns, steps)
        tolerance = _within(columns[computed], result, slack, confidence)
        if tolerance is not None:
            text = _formula_text(computed, whole, a, b, factor, within)
            return Formula(
                column=computed, expression=text, tolerance=tolerance, source=Source.MINED
            )
    return None


def _within(values: Floats, made: Floats, slack: Floats, confidence: float) -> float | None:
    """Return how far rows that rounding explains are off, or None if it explains too few."""
    difference = np.abs(values - made)
    usable = np.isfinite(difference)
    explained = difference <= slack + 1e-9 * np.abs(made)
    vague = float(np.median(slack[usable])) > 0.1 * float(np.nanstd(values))
    if vague or usable.sum() < 20 or explained[usable].mean() < confidence:
        return None
    return _up(float(difference[usable & explained].max()) + 1e-9)


def _computed(
    computed: str,
    whole: str,
    a: str,
    b: str,
    factor: float,
    columns: dict[str, Floats],
    steps: dict[str, float],
) -> tuple[Floats, Floats]:
    """Return the computed values, and what rounding of all three columns can do to them."""
    if computed == whole:
        result = factor * columns[a] * columns[b]
        inputs = (a, b)
    else:
        other = b if computed == a else a
        result = columns[whole] / (factor * columns[other])
        inputs = (whole, other)
    relative = sum(0.5 * steps[name] / np.abs(columns[name]) for name in inputs)
    return result, 0.5 * steps[computed] + np.abs(result) * relative


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
