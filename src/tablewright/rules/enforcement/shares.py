"""Bring quotas and conditional distributions about, by drawing whole rows for what is lacking."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.bound import ShareRule
from tablewright.rules.expressions.tree import And, Comparison, Literal, Name, Node, Not
from tablewright.rules.language import Quota


@dataclass(frozen=True)
class Swap:
    """Rows that are to be replaced by rows that meet a condition."""

    rows: NDArray[np.intp]
    condition: Node


def swaps(
    rule: ShareRule, frame: pl.DataFrame, total: int, rng: np.random.Generator
) -> Iterator[Swap]:
    """Yield the fewest replacements that bring a rule about shares of the table about.

    Parameters
    ----------
    rule : ShareRule
        A quota or a conditional distribution.
    frame : polars DataFrame
        Rows as they are.
    total : int
        Rows of the whole table that these are a part of; least numbers of rows are spread.
    rng : numpy Generator
        Chooses which rows go.
    """
    inside = rule.context(frame)
    if isinstance(rule.rule, Quota):
        yield from _for_quota(rule, inside, total, rng)
    else:
        yield from _for_distribution(rule, frame, inside, rng)


def _for_quota(
    rule: ShareRule, inside: NDArray[np.bool_], total: int, rng: np.random.Generator
) -> Iterator[Swap]:
    n, count = len(inside), int(inside.sum())
    minimum = math.ceil(n * max(rule.rule.share[0], rule.rule.min_rows / max(total, 1)) - 1e-9)
    maximum = math.floor(n * rule.rule.share[1] + 1e-9)
    if count < minimum:
        yield Swap(_some(~inside, min(minimum, n) - count, rng), rule.where)
    elif count > maximum:
        yield Swap(_some(inside, count - maximum, rng), Not(rule.where))


def _for_distribution(
    rule: ShareRule, frame: pl.DataFrame, inside: NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[Swap]:
    column = frame[rule.rule.column]
    plain = column.cast(pl.String) if column.dtype in (pl.Categorical, pl.Enum) else column
    members = [inside & (plain == value).fill_null(False).to_numpy() for value, _ in rule.shares]
    known = inside & column.is_not_null().to_numpy()
    requested = _apportioned([share for _, share in rule.shares], int(known.sum()))
    others = known & ~np.logical_or.reduce(members)
    surplus = [np.flatnonzero(others)]
    for member, count in zip(members, requested, strict=True):
        surplus.append(_some(member, max(int(member.sum()) - count, 0), rng))
    pool = rng.permutation(np.concatenate(surplus))
    for (value, _), member, count in zip(rule.shares, members, requested, strict=True):
        missing = max(count - int(member.sum()), 0)
        rows, pool = pool[:missing], pool[missing:]
        if len(rows):
            equal = Comparison("=", Name(rule.rule.column), Literal(value))
            yield Swap(rows, And((rule.where, equal)))


def _some(mask: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    rows = np.flatnonzero(mask)
    return rng.choice(rows, min(count, len(rows)), replace=False)


def _apportioned(shares: list[float], total: int) -> list[int]:
    """Split rows by shares, largest remainders first."""
    exact = np.array(shares) / sum(shares) * total
    parts: NDArray[Any] = np.floor(exact).astype(int)
    parts[np.argsort(parts - exact, kind="stable")[: total - parts.sum()]] += 1
    return [int(part) for part in parts]
