"""What the ledger of a run says of its calls: tokens, outcomes, and the time the model worked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_NAMES = ("ledger calls", "read", "written", "cached", "not counted", "usable")


def ledger_count(run: Path) -> dict[str, Any]:
    """Add up what the endpoint told for each call."""
    path = run / "ledger.sqlite"
    if not path.exists():
        return dict.fromkeys((*_NAMES, "busy seconds"), 0)
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as ledger:
        row = ledger.execute(
            "select count(*), sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), "
            "sum(counted = 0), sum(outcome = 'ok') from calls"
        ).fetchone()
        spans = ledger.execute(
            "select started, finished from calls where finished is not null"
        ).fetchall()
    counts = dict(zip(_NAMES, (value or 0 for value in row), strict=True))
    return {**counts, "busy seconds": round(covered(spans), 1)}


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of spans.

    Examples
    --------
    >>> covered([(0, 2), (1, 3), (5, 6)])
    4
    """
    length, end = 0, float("-inf")
    for begun, ended in sorted(spans):
        length += max(0, ended - max(begun, end))
        end = max(end, ended)
    return length
