"""Find values that never, or hardly ever, stand together, and what follows from a value.

Each column is cut into classes: its values, or for numbers with many values the few that
stand out (sentinels, zeros) and the rest, and "missing". Two classes that meet far less often
than independent columns would let them make a rule: an equivalence where two classes always
meet, else an implication from a class (or several alike) to the classes that are left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.expressions.unparse import quote, value_text
from tablewright.rules.language import Equivalence, Implies, Source
from tablewright.rules.mining.evidence import Candidate, Rows, judged
from tablewright.rules.mining.numbers import numbers_of, outward
from tablewright.schema import Column, Kind

MAX_CLASSES = 50
"""Classes of one column, most frequent first; the other values make no rules."""

SPIKE = 0.05
"""Share of rows that makes a number stand out."""

FEW = 20
"""Numbers with at most so many distinct values are taken as classes."""

EXPECTED = 5.0
"""Rows that have to be expected together before their absence says something."""

RARE = 0.05
"""Classes that meet at most this fraction as often as by chance hardly ever meet."""

INFORMATIVE = 0.02
"""Least share of the rows that a conclusion excludes by chance."""

Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Classes:
    """One column cut into classes.

    Attributes
    ----------
    name : str
        The column.
    values : list
        The value of each class but the last ones.
    rest : bool
        Whether a class stands for all other values.
    codes : ndarray of int
        Class of each training row: values in order, then the rest, then missing; -1 for none.
    missing : bool
        Whether any value is missing.
    inner : frozenset of int
        Classes that are numbers amid the others: that one is excluded says nothing.
    """

    name: str
    values: list[Any]
    rest: bool
    codes: Codes
    missing: bool
    inner: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        return len(self.values) + 2

    def text(self, members: Sequence[int]) -> str:
        """Return the condition that the class is one of these."""
        column, n = quote(self.name), len(self.values)
        listed = [self.values[i] for i in members if i < n]
        parts = []
        if n in members:
            left_out = [value for i, value in enumerate(self.values) if i not in members]
            parts.append(_none_of(column, left_out) if left_out else f"{column} IS NOT NULL")
        elif listed:
            parts.append(_one_of(column, listed))
        if n + 1 in members:
            parts.append(f"{column} IS NULL")
        return " OR ".join(parts)


def _one_of(column: str, values: Sequence[Any]) -> str:
    if len(values) == 1:
        return f"{column} = {value_text(values[0])}"
    return f"{column} IN ({', '.join(value_text(value) for value in values)})"


def _none_of(column: str, values: Sequence[Any]) -> str:
    if len(values) == 1:
        return f"{column} <> {value_text(values[0])}"
    return f"{column} NOT IN ({', '.join(value_text(value) for value in values)})"


def _classes(rows: Rows) -> list[_Classes]:
    created = [_cut(rows.train[column.name], column) for column in rows.schema.each()
            if column.kind not in (Kind.CONSTANT, Kind.IDENTIFIER)
            and column.name in rows.train.columns]  # fmt: skip
    return [result for result in created if result is not None]


def _cut(series: pl.Series, column: Column) -> _Classes | None:
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    missing = series.null_count() > 0
    values, rest = _listed(series, column)
    if not values and not missing:
        return None
    codes = np.full(len(series), len(values) if rest or not values else -1)
    for i, value in enumerate(values):
        codes[(series == value).fill_null(False).to_numpy()] = i
    codes[series.is_null().to_numpy()] = len(values) + 1
    inner = _inner(series, values) if values and series.dtype.is_numeric() else frozenset[int]()
    inner = frozenset[int]() if column.kind.is_discrete else inner
    return _Classes(column.name, values, rest or not values, codes, missing, inner)


def _inner(series: pl.Series, values: list[Any]) -> frozenset[int]:
    low, high = series.min(), series.max()
    return frozenset(i for i, value in enumerate(values) if low < value < high and value != 0)


def _listed(series: pl.Series, column: Column) -> tuple[list[Any], bool]:
    """Return the values that are classes of their own, and whether the rest is one class."""
    series = series.alias("value")
    if column.kind.is_discrete or series.dtype == pl.Boolean:
        counts = series.drop_nulls().value_counts(sort=True)
        return sorted(counts["value"].head(MAX_CLASSES), key=str), False
    if column.kind not in (Kind.CONTINUOUS, Kind.INTEGER) or not series.dtype.is_numeric():
        return [], True
    counts = series.drop_nulls().value_counts(sort=True)
    if counts.height <= FEW:
        return sorted(counts["value"]), False
    often = counts.filter(pl.col("count") >= SPIKE * len(series))
    return sorted(often[series.name]), True


def find_exclusions(rows: Rows, confidence: float) -> list[Candidate]:
    """Return equivalences and implications between classes of two columns."""
    rules: list[Any] = []
    for a, b in combinations(_classes(rows), 2):
        meeting = _Meeting.of(a, b)
        if not meeting.excluded.any():
            continue
        for i, j in meeting.equivalences():
            premise, conclusion = a.text([i]), b.text([j])
            rules.append(Equivalence(a=premise, b=conclusion, source=Source.MINED))
            meeting.excluded[i, :] = meeting.excluded[:, j] = False
        rules += meeting.implications()
    return [result for result in judged(rules, rows) if result.rows]


@dataclass(frozen=True)
class _Meeting:
    """How often the classes of two columns meet.

    Attributes
    ----------
    met, expected : ndarray of shape (a.size, b.size)
        Rows in which two classes meet, and how many there would be by chance.
    excluded : ndarray of bool, same shape
        Which classes hardly ever meet although chance would let them.
    """

    a: _Classes
    b: _Classes
    met: Floats
    expected: Floats
    excluded: Bools

    @classmethod
    def of(cls, a: _Classes, b: _Classes) -> _Meeting:
        known = (a.codes >= 0) & (b.codes >= 0)
        cells = np.bincount(a.codes[known] * b.size + b.codes[known], minlength=a.size * b.size)
        met = cells.reshape(a.size, b.size).astype(float)
        totals = met.sum(axis=1, keepdims=True) * met.sum(axis=0, keepdims=True)
        expected = totals / max(met.sum(), 1.0)
        return cls(a, b, met, expected, (met <= RARE * expected) & (expected >= EXPECTED))

    @property
    def turned(self) -> _Meeting:
        return _Meeting(self.b, self.a, self.met.T, self.expected.T, self.excluded.T)

    def equivalences(self) -> list[tuple[int, int]]:
        """Return pairs of classes that meet each other and hardly anything else."""
        used_a = np.flatnonzero(self.expected.sum(axis=1) > 0)
        used_b = np.flatnonzero(self.expected.sum(axis=0) > 0)
        result = []
        for i in used_a:
            left = [j for j in used_b if not self.excluded[i, j]]
            if len(left) == 1 and sum(not self.excluded[k, left[0]] for k in used_a) == 1:
                result.append((int(i), int(left[0])))
        # With two classes on each side the second equivalence says the same as the first.
        return result[:1] if len(used_a) == len(used_b) == 2 else result

    def implications(self) -> list[Implies]:
        """Return implications that cover the excluded pairs of classes, the widest first."""
        open_pairs = self.excluded.copy()
        forward: list[int] = []
        backward: list[int] = []
        while open_pairs.any():
            weights = np.where(open_pairs, self.expected, 0.0)
            across, down = weights.sum(axis=1), weights.sum(axis=0)
            if across.max() >= down.max():
                forward.append(int(across.argmax()))
                open_pairs[forward[-1], :] = False
            else:
                backward.append(int(down.argmax()))
                open_pairs[:, backward[-1]] = False
        return [*self.grouped(forward), *self.turned.grouped(backward)]

    def grouped(self, members: Sequence[int]) -> Iterator[Implies]:
        """Yield one implication per group of classes of `a` that leave the same of `b`."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for i in sorted(members):
            groups.setdefault(self.ruled_out(i), []).append(i)
        for ruled_out, alike in groups.items():
            if self.b.inner.issuperset(j for j in ruled_out if self.expected[:, j].any()):
                continue
            out = self.expected[alike][:, list(ruled_out)].sum() / self.expected[alike].sum()
            if out >= INFORMATIVE:
                rule = {"if": self.a.text(alike), "then": _left(self.b, ruled_out)}
                yield Implies.model_validate({**rule, "source": Source.MINED})

    def ruled_out(self, i: int) -> tuple[int, ...]:
        """Return the classes of `b` that a class excludes.

        Where hardly anything is left by chance beside what was seen, and that is shorter to say,
        classes too rare to be tested are counted as excluded too.
        """
        tested = np.flatnonzero(self.excluded[i])
        unseen = np.flatnonzero((self.met[i] == 0) | self.excluded[i])
        added = self.expected[i][unseen].sum() - self.expected[i][tested].sum()
        is_short = self.b.size - len(unseen) <= min(len(tested), 4)
        if is_short and added <= 0.2 * self.expected[i][tested].sum():
            return tuple(unseen.tolist())
        return tuple(tested.tolist())


def _left(b: _Classes, ruled_out: Sequence[int]) -> str:
    """Return what the classes that are left say, by listing the shorter side."""
    n, name = len(b.values), quote(b.name)
    values_out = [i for i in ruled_out if i < n]
    left = [i for i in range(n) if i not in values_out]
    rest_out = n in ruled_out or not b.rest
    parts = []
    if rest_out and not left:
        return f"{name} IS NULL"
    if rest_out and (b.rest or len(left) <= len(values_out)):
        allowed = _one_of(name, [b.values[i] for i in left])
        may_miss = b.missing and n + 1 not in ruled_out
        parts.append(f"{allowed} OR {name} IS NULL" if may_miss else allowed)
    elif values_out:
        parts.append(_none_of(name, [b.values[i] for i in values_out]))
    if n + 1 in ruled_out and b.missing:
        parts.append(f"{name} IS NOT NULL")
    return " AND ".join(parts)


def find_bounds(rows: Rows, confidence: float) -> list[Candidate]:
    """Return bounds of a number that hold where another column has a value."""
    numbers = numbers_of(rows.train, rows.schema)
    rules: list[Any] = []
    for a in _classes(rows):
        for name, values in numbers.items():
            if name != a.name and len(np.unique(values)) > FEW:
                whole = rows.schema[name].kind is Kind.INTEGER
                rules += _bounds(a, name, values, whole=whole)
    return [result for result in judged(rules, rows) if result.rows]


def _bounds(a: _Classes, name: str, values: NDArray[np.float64], *, whole: bool) -> list[Implies]:
    result = []
    known = np.isfinite(values)
    for i in range(a.size):
        inside = known & (a.codes == i)
        if inside.sum() < 20 or inside.sum() > 0.95 * known.sum():
            continue
        low, high = outward(values[inside], whole=whole)
        parts = []
        for sign, bound, outside in ((">=", low, values < low), ("<=", high, values > high)):
            share = float(outside[known].mean())
            if share >= INFORMATIVE and inside.sum() * share >= EXPECTED:
                parts.append(f"{quote(name)} {sign} {_number(bound)}")
        if parts:
            then = " AND ".join(parts)
            rule = {"if": a.text([i]), "then": then, "source": Source.MINED}
            result.append(Implies.model_validate(rule))
    return result


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value.is_integer() else repr(value)
