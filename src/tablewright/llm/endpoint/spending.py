"""What a run has cost, from its ledger."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tablewright.llm.endpoint.ledger import Ledger

__all__ = ["Spending", "spending"]

_LINES = """
SELECT model, role, stage, COUNT(*) AS calls, SUM(outcome = 'ok') AS answered,
       SUM(outcome = 'invalid') AS invalid, SUM(outcome = 'failed') AS failed,
       SUM(outcome = 'in flight') AS in_flight,
       SUM(prompt_tokens) AS prompt_tokens, SUM(completion_tokens) AS completion_tokens,
       MIN(CASE WHEN outcome = 'ok' THEN counted ELSE 1 END) AS counted,
       SUM(cost) AS cost, MIN(priced) AS priced, AVG(latency) AS latency
FROM calls GROUP BY model, role, stage ORDER BY MIN(id)
"""


@dataclass(frozen=True)
class Spending:
    """What a run has cost.

    Attributes
    ----------
    lines : list of mapping
        For each model, role and stage: calls by outcome, tokens, US dollars, mean seconds.
    cost : float or None
        US dollars; None where a price is not known.
    calls, tokens : int
        Real attempts; tokens read and written.
    counted : bool
        Whether all tokens were counted by the endpoints; else some are characters / 4.
    sent : mapping
        How many of the user's cells were sent, by column.
    rows_kept : int or None
        Rows kept in the end, where that was said.
    """

    lines: list[Mapping[str, Any]]
    cost: float | None
    calls: int
    tokens: int
    counted: bool
    sent: Mapping[str, int]
    rows_kept: int | None

    @property
    def rows_per_dollar(self) -> float | None:
        """Rows kept for one US dollar; None where the price or the rows are not known, or free."""
        if not self.cost or self.rows_kept is None:
            return None
        return self.rows_kept / self.cost

    @property
    def tokens_per_row(self) -> float | None:
        """Tokens for each row kept."""
        return self.tokens / self.rows_kept if self.rows_kept else None


def spending(ledger: Ledger) -> Spending:
    """Add up a ledger.

    Examples
    --------
    >>> spending(Ledger(None)).calls
    0
    """
    lines = ledger.rows(_LINES)
    total = ledger.spent()
    return Spending(
        lines=lines,
        cost=total.cost if all(line["priced"] for line in lines) else None,
        calls=total.calls,
        tokens=total.tokens,
        counted=all(line["counted"] for line in lines),
        sent=_sent(ledger),
        rows_kept=ledger.get_meta("rows kept"),
    )


def _sent(ledger: Ledger) -> Mapping[str, int]:
    cells: Counter[str] = Counter()
    for row in ledger.rows("SELECT sent FROM calls WHERE sent <> '{}'"):
        cells.update(json.loads(row["sent"]))
    return dict(cells)
