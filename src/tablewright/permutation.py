"""Shuffles that need no memory: a permutation of whole numbers, number by number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]

_ROUNDS = 4


def permuted(positions: Codes, size: int, key: int) -> Codes:
    """Return where a permutation of the numbers below `size` sends some of them.

    A Feistel network permutes the powers of four; walking on along its cycles from numbers out
    of bounds leaves a permutation of those below `size`.

    Parameters
    ----------
    positions : ndarray of uint64
        Below `size`.
    size : int
    key : int
        Names the permutation.

    Examples
    --------
    >>> sorted(permuted(np.arange(5, dtype=np.uint64), 5, key=7).tolist())
    [0, 1, 2, 3, 4]
    """
    half = np.uint64(max((max(size - 1, 1).bit_length() + 1) // 2, 1))
    codes = _feistel(positions, half, key)
    while (outside := codes >= np.uint64(size)).any():
        codes[outside] = _feistel(codes[outside], half, key)
    return codes


def _feistel(codes: Codes, half: np.uint64, key: int) -> Codes:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = codes >> half, codes & mask
    for turn in range(_ROUNDS):
        left, right = right, left ^ (mix(right, key + 104729 * turn) & mask)
    return (left << half) | right


def mix(codes: Codes, key: int) -> Codes:
    """Scramble numbers (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        mixed = codes + np.uint64((key * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % (1 << 64))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
