"""Diabetes with turned labels at growing sizes: the cases of Table 5 and Figure 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.papers.t2.engine import Asked
from benchmarks.systems.cases import Case, flipped

SHARES = (0.2, 0.3, 0.4)
SIZES = tuple(range(10, 101, 10))


def by_share(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return a group for each share, all sizes in it."""
    return {f"{share:g}": [flipped(share, n) for n in asked.sizes] for share in SHARES}


def by_size(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return a group for each share and size."""
    return {f"{s:g}, n = {n}": [flipped(s, n)] for s in SHARES for n in asked.sizes}
