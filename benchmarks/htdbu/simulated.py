"""Simulated tables whose rules and faults are known, for the loop of H-TDBU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

__all__ = ["TABLES", "WEAK", "Case", "Table"]

Rng = np.random.Generator


@dataclass(frozen=True)
class Table:
    """A simulator with rules that its rows keep, and rules that contradict it.

    Attributes
    ----------
    draw : callable
        From a number of rows and a source of chance to rows; the target is ``y``.
    right, wrong : list of dict
        Rules.
    """

    draw: Callable[[int, Rng], pl.DataFrame]
    right: list[dict[str, Any]]
    wrong: list[dict[str, Any]]


def _lenders(n: int, rng: Rng) -> pl.DataFrame:
    age = np.clip(rng.normal(45, 14, n), 18, 90).round()
    income = (600 + 40 * np.minimum(age, 60) * rng.gamma(4, 0.25, n)).round()
    credit = (income * rng.beta(2, 4, n) * 0.4).round()
    job = np.where(age > 64, "retired", rng.choice(["clerk", "cook", "smith"], n))
    risk = 1.2 * (credit / income > 0.15) + 0.03 * (50 - age) - 0.4 + 0.8 * (job == "cook")
    y = np.where(rng.random(n) < 1 / (1 + np.exp(-1.5 * risk)), "late", "fine")
    mood = _mood(y == "late", ["bad", "fair", "good"], rng)
    return pl.DataFrame(
        {
            "age": age.astype(int),
            "income": income,
            "credit": credit,
            "job": job,
            "mood": mood,
            "y": y,
        }
    )


def _stays(n: int, rng: Rng) -> pl.DataFrame:
    ward = rng.choice(["north", "south", "west"], n, p=[0.5, 0.3, 0.2])
    y = rng.random(n) < np.select([ward == "north", ward == "south"], [0.15, 0.4], 0.7)
    fever = np.round(rng.normal(36.8 + 1.1 * y, 0.5, n), 1)
    came = rng.integers(0, 300, n)
    left = came + rng.poisson(3 + 5 * y) + 1
    pills = np.where(y, rng.poisson(4, n) + 1, rng.poisson(0.4, n))
    grade = np.select([pills == 0, pills < 4], ["none", "low"], "high")
    return pl.DataFrame(
        {"ward": ward, "fever": fever, "came": came, "left": left, "pills": pills, "grade": grade,
         "y": np.where(y, "ill", "well")}
    )  # fmt: skip


def _orders(n: int, rng: Rng) -> pl.DataFrame:
    past = rng.random(n) < 0.35
    days = np.where(past, rng.integers(1, 400, n), -1)
    calls = np.where(past, rng.integers(1, 9, n), 0)
    price, count = rng.choice([5, 8, 12, 20], n), rng.integers(1, 12, n)
    probability = (
        -1.6 + 1.8 * past + 0.12 * count - 0.004 * np.maximum(days, 0) + 0.8 * (price == 5)
    )
    y = rng.random(n) < 1 / (1 + np.exp(-1.6 * probability))
    channel = _mood(y, ["mail", "shop", "web"], rng)
    return pl.DataFrame(
        {"days": days, "calls": calls, "price": price, "count": count, "total": price * count,
         "channel": channel, "y": np.where(y, "yes", "no")}
    )  # fmt: skip


def _engines(n: int, rng: Rng) -> pl.DataFrame:
    kind = rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1])
    load = rng.gamma(3, 10, n).round(1)
    heat = (20 + 0.9 * load + 12 * (kind == "c") + rng.normal(0, 4, n)).round(1)
    hours = rng.integers(0, 5000, n)
    served = (hours * rng.random(n)).astype(int)
    wear = 0.05 * (heat - 60) + 0.0006 * (hours - served) + 0.5 * (kind == "b") - 0.6
    state = rng.random(n) < 1 / (1 + np.exp(-2 * wear))
    alarm = _mood(state, ["green", "amber", "red"], rng)
    return pl.DataFrame(
        {"kind": kind, "load": load, "heat": heat, "hours": hours, "served": served,
         "alarm": alarm, "y": np.where(state, "worn", "sound")}
    )  # fmt: skip


def _mood(yes: Any, values: list[str], rng: Rng) -> Any:
    """A label that leans one way with the target and the other way without it."""
    likely = rng.choice(values, len(yes), p=[0.15, 0.35, 0.5])
    unlikely = rng.choice(values, len(yes), p=[0.45, 0.4, 0.15])
    return np.where(yes, likely, unlikely)


def _implies(condition: str, then: str) -> dict[str, Any]:
    return {"kind": "implies", "if": condition, "then": then}


TABLES: Mapping[str, Table] = {
    "lenders": Table(
        _lenders,
        [
            {"kind": "linear", "terms": {"credit": 1, "income": -0.4}, "op": "<=", "value": 1},
            _implies("job = 'retired'", "age > 64"),
            {"expression": "age BETWEEN 18 AND 90"},
        ],
        [
            _implies("y = 'late'", "mood = 'good'"),
            _implies("income > 2000", "job <> 'smith'"),
            {"kind": "linear", "terms": {"credit": 1, "income": -0.1}, "op": "<=", "value": 0},
            {"kind": "conditional", "given": "y = 'late'", "column": "mood",
             "dist": {"bad": 0.8, "fair": 0.1, "good": 0.1}},
        ],
    ),
    "stays": Table(
        _stays,
        [
            {"kind": "order", "columns": ["came", "left"], "strictly": True},
            {"kind": "iff", "a": "pills = 0", "b": "grade = 'none'"},
            {"kind": "range", "column": "pills", "min": 0},
        ],
        [
            _implies("y = 'ill'", "ward = 'west'"),
            _implies("grade = 'high'", "fever > 38"),
            {"kind": "quota", "where": "ward = 'west'", "share": [0.5, 0.7]},
            {"expression": "left - came <= 5"},
        ],
    ),
    "orders": Table(
        _orders,
        [
            {"kind": "iff", "a": "days = -1", "b": "calls = 0"},
            {"kind": "formula", "column": "total", "expression": "price * count"},
            {"kind": "range", "column": "count", "min": 1},
        ],
        [
            _implies("y = 'yes'", "channel = 'web'"),
            _implies("calls > 2", "days < 100"),
            {"kind": "formula", "column": "total", "expression": "price * count + 10"},
            {"kind": "quota", "where": "y = 'yes'", "share": [0.75, 0.9]},
        ],
    ),
    "engines": Table(
        _engines,
        [
            {"kind": "order", "columns": ["served", "hours"]},
            {"expression": "load >= 0 AND hours >= 0"},
        ],
        [
            _implies("y = 'worn'", "alarm = 'red'"),
            _implies("kind = 'c'", "heat < 45"),
            {"kind": "linear", "terms": {"hours": 1, "served": -2}, "op": "<=", "value": 0},
            {"kind": "conditional", "given": "kind = 'a'", "column": "alarm",
             "dist": {"green": 0.1, "amber": 0.1, "red": 0.8}},
        ],
    ),
}  # fmt: skip

WEAK: Mapping[str, dict[str, Any]] = {
    "columns on their own": {"texture": "independent"},
    "learned from 40 rows": {"options": {"max_rows": 40}},
    "leaves of half the rows": {"options": {"min_samples_leaf": 500}},
}
"""Textures with a fault."""


@dataclass(frozen=True)
class Case:
    """One case: a table, a fault or two, and what is to blame."""

    table: str
    weak: str | None
    wrong: dict[str, Any] | None
    seed: int

    @property
    def to_blame(self) -> frozenset[str]:
        """The true cause."""
        parts = {"model": self.weak, "rules": self.wrong}
        return frozenset(name for name, fault in parts.items() if fault is not None)

    @classmethod
    def number(cls, k: int) -> Case:
        """Case `k`: the faults take turns, all else by chance."""
        rng = np.random.default_rng([7, k])
        name = str(rng.choice(list(TABLES)))
        weak = str(rng.choice(list(WEAK))) if k % 4 in (1, 3) else None
        wrong = TABLES[name].wrong
        chosen = wrong[int(rng.integers(len(wrong)))] if k % 4 in (2, 3) else None
        return cls(name, weak, chosen, k)

    def rules(self) -> list[dict[str, Any]]:
        """The rules that are right, and the wrong one among them."""
        right = TABLES[self.table].right
        right = [rule for rule in right if not self.wrong or not _same_column(rule, self.wrong)]
        return [*right, *([] if self.wrong is None else [{"name": "wrong", **self.wrong}])]

    def draw(self, n: int, part: int) -> pl.DataFrame:
        """Rows of the table."""
        return TABLES[self.table].draw(n, np.random.default_rng([8, self.seed, part]))


def _same_column(rule: dict[str, Any], wrong: dict[str, Any]) -> bool:
    """Whether both compute one column, which is refused."""
    return rule.get("kind") == wrong.get("kind") == "formula"
