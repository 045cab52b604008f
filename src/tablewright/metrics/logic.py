"""Whether generated rows keep the rules, and the ties between two columns, of real rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.references import Measured, Metric
from tablewright.metrics.scores import Direction, Score
from tablewright.rules import Rules, bind, check_rules
from tablewright.rules.bound import BoundRule, ShareRule
from tablewright.schema import Kind

Labeller = Callable[[pl.Series], pl.Series]
"""From texts to labels, the same for real and generated rows."""


def rule_violations(
    rules: Rules,
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows | None,
    rng: np.random.Generator,
) -> Score:
    """Share of generated rows that break one rule at least, beside that of real rows.

    Each rule stands in the details with the rows it speaks of: a rule that speaks of none shows
    0 of 0 and not 0 %. A generator that clips passes while rows pile up on the border: look at
    the column shapes too. Rules about shares of the table are in the details alone.

    Raises
    ------
    RuleError
        If a rule does not fit the schema.
    """
    name, meaning = "rule_violations", "share of generated rows that break a rule; 0 is none"
    bound = bind(rules, real.encoder.schema, real.frame)
    by_row = [rule for rule in bound if not isinstance(rule, ShareRule)]
    if not by_row or not len(synthetic):
        reason = "no rule speaks of rows" if len(synthetic) else "there are no generated rows"
        return Score.undefined(name, Direction.LOWER, reason, meaning, len(synthetic))
    table = _rule_table(bound, real, synthetic)

    def measure(_: EncodedRows, other: EncodedRows) -> Measured:
        share = float(_breaks(other, by_row).mean()) if len(other) else None
        return Measured(share, "" if len(other) else "no rows", {"rules": table})

    return Metric(name, measure, Direction.LOWER, meaning)(real, synthetic, holdout, rng)


def _breaks(rows: EncodedRows, bound: list[BoundRule]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce([rule.broken(rows.frame) for rule in bound]))


def _rule_table(
    bound: list[BoundRule], real: EncodedRows, synthetic: EncodedRows
) -> list[dict[str, object]]:
    schema = real.encoder.schema
    reports = [check_rules(rows.frame, bound, schema) for rows in (synthetic, real)]
    return [
        {
            "rule": result.name,
            "text": result.text,
            "severity": result.severity,
            "broken": result.violations,
            "of": result.support,
            "real_broken": true.violations,
            "real_of": true.support,
        }
        for result, true in zip(reports[0].results, reports[1].results, strict=True)
    ]


def xmodal(
    real: EncodedRows,
    synthetic: EncodedRows,
    holdout: EncodedRows | None,
    rng: np.random.Generator,
    column: str,
    labeller: Labeller | None = None,
) -> Score:
    """Total variation distance of the joint shares of the target and the label of a text.

    Parameters
    ----------
    real, synthetic : EncodedRows
    holdout : EncodedRows or None
    rng : numpy Generator
    column : str
        A column of labels, or of texts that `labeller` labels.
    labeller : callable or None
        From a Series of texts to a Series of labels; needed where the column holds texts.

    Returns
    -------
    Score
        It mixes the shares of both columns with the tie between them, so the details give the
        distance of each column, and that of the labels given the target. An error of the
        labeller on the style of generated texts counts in full: test it on real texts.

    Raises
    ------
    InputError
        If there is no target, or the column holds texts and there is no labeller.
    """
    target = real.encoder.target
    if target is None:
        raise InputError("xmodal compares a column with the target: name a target")
    if labeller is None and real.encoder.schema[column].kind == Kind.TEXT:
        raise InputError(f"column {column!r} holds texts: xmodal needs a labeller for them")
    joint = _Joint(real, target, column, labeller)

    def measure(first: EncodedRows, second: EncodedRows) -> Measured:
        if not len(second):
            return Measured(None, "there are no generated rows")
        return _compare(joint.shares(first), joint.shares(second))

    meaning = f"TV distance of the joint shares of the target and {column!r}; 0 is alike"
    return Metric("xmodal", measure, Direction.LOWER, meaning)(real, synthetic, holdout, rng)


class _Joint:
    """Counts pairs of target and label; targets that are numbers by decile."""

    def __init__(
        self, real: EncodedRows, target: int, column: str, labeller: Labeller | None
    ) -> None:
        self.target, self.column, self.labeller = target, column, labeller
        self.index = [feature.name for feature in real.features].index(column)
        labels = set() if labeller is None else {*labeller(real.frame[column]).drop_nulls()}
        self.levels = {label: code for code, label in enumerate(sorted(map(str, labels)))}

    def _codes(self, rows: EncodedRows) -> tuple[NDArray[np.int64], int]:
        if self.labeller is None:
            return rows.binned[:, self.index], rows.features[self.index].n_bins
        unseen = len(self.levels)
        labels = self.labeller(rows.frame[self.column])
        codes = [unseen + 1 if x is None else self.levels.get(str(x), unseen) for x in labels]
        return np.array(codes, dtype=np.int64), unseen + 2

    def shares(self, rows: EncodedRows) -> Floats:
        codes, width = self._codes(rows)
        height = rows.features[self.target].n_bins
        cells = np.bincount(rows.binned[:, self.target] * width + codes, minlength=height * width)
        return np.asarray(cells.reshape(height, width) / len(rows))


def _compare(real: Floats, other: Floats) -> Measured:
    each = real.sum(axis=1)
    given = [_conditional(real[y], other[y]) * each[y] for y in np.flatnonzero(each)]
    details = {
        "target": _tv(real.sum(axis=1), other.sum(axis=1)),
        "label": _tv(real.sum(axis=0), other.sum(axis=0)),
        "label_given_target": float(np.sum(given)),
    }
    return Measured(_tv(real, other), details=details)


def _conditional(real: Floats, other: Floats) -> float:
    return _tv(real / real.sum(), other / other.sum()) if other.sum() else 1.0


def _tv(real: Floats, other: Floats) -> float:
    return float(np.abs(real - other).sum() / 2)
