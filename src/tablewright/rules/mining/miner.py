"""The miner: candidates of every kind, one test for all, and what is redundant left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.rules.check import check_rules
from tablewright.rules.language import Rules, Severity
from tablewright.rules.mining.concise import concise
from tablewright.rules.mining.dependencies import find_dependencies
from tablewright.rules.mining.equations import find_equations
from tablewright.rules.mining.evidence import Candidate, Rows, discoveries
from tablewright.rules.mining.numbers import find_orders, find_ranges
from tablewright.rules.mining.values import find_bounds, find_exclusions
from tablewright.schema import Schema

__all__ = ["mine_rules"]

MIN_SUPPORT = 200
"""Real rows that a rule without violations has to speak of before it is hard."""

_FINDERS: dict[str, Callable[[Rows, float], list[Candidate]]] = {
    "dependencies": find_dependencies,
    "equations": find_equations,
    "orders": find_orders,
    "exclusions": find_exclusions,
    "bounds": find_bounds,
}


def mine_rules(
    frame: pl.DataFrame,
    schema: Schema,
    rng: np.random.Generator,
    *,
    confidence: float = 0.97,
    false_discovery_rate: float = 0.05,
    max_rules: int = 200,
    kinds: Sequence[str] = ("ranges", *_FINDERS),
) -> Rules:
    """Find rules that the rows keep.

    Parameters
    ----------
    frame : polars DataFrame
        Real rows, at least 20.
    schema : Schema
        Their columns.
    rng : numpy Generator
        Splits the rows into those that rules are found on and those they are tested on.
    confidence : float, default=0.97
        Least share of held-out rows that keep a rule.
    false_discovery_rate : float, default=0.05
        Expected share of rules between independent columns among those returned.
    max_rules : int, default=200
        Rules kept, those with the strongest evidence first.
    kinds : sequence of str
        Which of ranges, dependencies, equations, orders, exclusions, bounds to look for.

    Returns
    -------
    Rules
        Hard where no row breaks them and at least 200 speak of them, else soft with the
        probability observed; each with support, violation rate and held-out violation rate.

    Raises
    ------
    InputError
        If there are fewer than 20 rows, or a kind is unknown.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(0, 50, 400)
    >>> frame = pl.DataFrame({"x": x, "y": 2 * x + 1})
    >>> schema = Schema.build({"x": "integer", "y": "integer"})
    >>> [rule.described() for rule in mine_rules(frame, schema, rng, kinds=["equations"])]
    ['-2 * x + y = 1 (within 2e-08)']
    """
    unknown = set(kinds) - {"ranges", *_FINDERS}
    if unknown:
        raise InputError(
            f"kinds of rules to mine are {['ranges', *_FINDERS]}, not {sorted(unknown)}"
        )
    if frame.height < 20:
        raise InputError(f"rules are mined from at least 20 rows; the table has {frame.height}")
    rows = Rows.split(frame, schema, rng)
    tested = [
        made for kind in kinds if kind in _FINDERS for made in _FINDERS[kind](rows, confidence)
    ]
    strong = {id(made) for made in tested if made.is_strong(confidence)}
    found = [made for made in discoveries(tested, false_discovery_rate) if id(made) in strong]
    found.sort(key=lambda made: (made.rate, made.p_value))
    found = sorted(concise(found, rows), key=lambda made: made.p_value)[:max_rules]
    ranges = find_ranges(rows) if "ranges" in kinds else []
    return _measured(
        [*found, *(made for made in ranges if made.rate <= 1 - confidence)], frame, schema
    )


def _measured(found: list[Candidate], frame: pl.DataFrame, schema: Schema) -> Rules:
    """Write support and violation rates into the rules, and make them hard or soft."""
    named = Rules(rules=[made.rule for made in found])
    report = check_rules(frame, named, schema)
    rules = []
    for made, rule in zip(found, named, strict=True):
        result = report[rule.name]
        hard = result.violations == 0 and result.support >= MIN_SUPPORT
        share = 1.0 - result.violations / max(result.support, 1)
        update = {
            "support": result.support,
            "violation_rate": min(result.rate, 1.0),
            "held_out": made.rate,
            "severity": Severity.HARD if hard else Severity.SOFT,
            "probability": None if hard else max(share, 0.0),
        }
        rules.append(rule.model_copy(update=update))
    return Rules(rules=rules)
