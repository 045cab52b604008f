"""Find exact and near functional dependencies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.rules.language import Dependency, Source
from tablewright.rules.mining.evidence import Candidate, Rows
from tablewright.schema import Kind

MAX_PAIRED = 100
"""Distinct values of a column that may determine together with another one."""

LEVERAGE = {1: 0.1, 2: 0.05}
"""A dependency on one or two columns is broken at most this fraction as often as by chance."""

_Codes = NDArray[np.int64]
_UNKNOWN = -1


def find_dependencies(rows: Rows, confidence: float) -> list[Candidate]:
    """Return dependencies ``A -> B`` and, where no single column does it, ``A, B -> C``.

    A map is learned on the training rows and tested on the held-out rows that it knows; chance
    is a partner drawn from all values of the determined column.
    """
    codes = _coded(rows)
    result: list[Candidate] = []
    singles: set[tuple[str, str]] = set()
    for one, to in permutations(codes, 2):
        created = _tested((one,), to, codes, confidence)
        if created is not None:
            result.append(created)
            if created.is_strong(confidence):
                singles.add((one, to))
    for pair in _pairs(codes):
        free = [c for c in codes if c not in pair and not any((one, c) in singles for one in pair)]
        tested = (_tested(pair, to, codes, confidence) for to in free)
        result += [created for created in tested if created is not None]
    return result


def _coded(rows: Rows) -> dict[str, tuple[_Codes, _Codes]]:
    """Return codes of the training and the held-out rows of each column that repeats itself."""
    result = {}
    for column in rows.schema.each():
        if column.kind in (Kind.CONSTANT, Kind.TEXT) or column.name not in rows.train.columns:
            continue
        both = pl.concat([rows.train[column.name], rows.held[column.name]])
        if both.dtype.is_float():
            both = both.fill_nan(None)
        distinct = both.n_unique()
        if 2 <= distinct <= max(0.5 * len(both), 2):
            codes = both.rank("dense").cast(pl.Int64).fill_null(_UNKNOWN + 1).to_numpy() - 1
            result[column.name] = (codes[: rows.train.height], codes[rows.train.height :])
    return result


def _pairs(codes: dict[str, tuple[_Codes, _Codes]]) -> Iterator[tuple[str, str]]:
    few = [name for name, (train, _) in codes.items() if train.max() < MAX_PAIRED]
    return combinations(few, 2)


def _tested(
    key: tuple[str, ...], to: str, codes: dict[str, tuple[_Codes, _Codes]], confidence: float
) -> Candidate | None:
    """Return the dependency as tested on held-out rows, or None if training rows refute it."""
    train, held = _joined(key, codes)
    target, requested = codes[to]
    known = (train >= 0) & (target >= 0)
    if known.sum() < 10:
        return None
    best, right = _majority(train[known], target[known], int(max(train.max(), held.max())) + 1)
    if right < confidence * known.sum():
        return None
    shares = np.bincount(target[known], minlength=int(max(target.max(), requested.max())) + 1)
    speaks = (held >= 0) & (requested >= 0) & (best[np.maximum(held, 0)] >= 0)
    guesses = best[held[speaks]]
    probability = 1.0 - float((shares / shares.sum())[guesses].mean()) if speaks.any() else 0.0
    rule = Dependency.model_validate({"from": list(key), "to": to, "source": Source.MINED})
    broken = int((guesses != requested[speaks]).sum())
    return Candidate(rule, broken, int(speaks.sum()), probability, LEVERAGE[len(key)])


def _joined(key: tuple[str, ...], codes: dict[str, tuple[_Codes, _Codes]]) -> tuple[_Codes, _Codes]:
    """Return one code per combination of the determining columns."""
    if len(key) == 1:
        return codes[key[0]]
    (a, a_held), (b, b_held) = codes[key[0]], codes[key[1]]
    width = int(max(b.max(), b_held.max())) + 1
    train = np.where((a >= 0) & (b >= 0), a * width + b, _UNKNOWN)
    return train, np.where((a_held >= 0) & (b_held >= 0), a_held * width + b_held, _UNKNOWN)


def _majority(keys: _Codes, values: _Codes, n_keys: int) -> tuple[_Codes, int]:
    """Return the most frequent value of each key (-1: never seen) and how many rows have it."""
    width = int(values.max()) + 1
    cells, counts = np.unique(keys * width + values, return_counts=True)
    order = np.argsort(counts, kind="stable")
    best = np.full(n_keys, _UNKNOWN)
    best[cells[order] // width] = cells[order] % width
    maximum = np.zeros(n_keys, dtype=np.int64)
    np.maximum.at(maximum, cells // width, counts)
    return best, int(maximum.sum())
