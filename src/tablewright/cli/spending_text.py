"""Spending as lines of text, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tablewright.llm.endpoint.prices import Price
    from tablewright.llm.endpoint.runs import Spending


def spending_text(spending: Spending) -> str:
    """Write what a run has cost: by role and stage, in all, and for each row kept."""
    lines = [
        f"  {line['model']}  {line['role'] or '-'}/{line['stage'] or '-'}: "
        f"{line['calls']} calls ({line['answered']} answered, {line['invalid']} unusable, "
        f"{line['failed']} failed, {line['in_flight']} in flight), "
        f"{line['prompt_tokens']:,} + {line['completion_tokens']:,} tokens, "
        f"{_money(line['cost'] if line['priced'] else None)}"
        for line in spending.lines
    ]
    total = (
        f"  in all: {spending.calls} calls, {spending.tokens:,} tokens "
        f"({_counting(spending)}), {_money(spending.cost)}"
    )
    cached = f"  prompt tokens that were cached: {spending.cached_tokens:,}"
    more = [cached] if spending.cached_tokens else []
    return "\n".join([*lines, total, *more, *_rows(spending), _sent(spending)])


def estimate_text(spending: Spending, price: Price | None) -> str:
    """Write what a run would take at the usual length of replies."""
    source = "no price is known" if price is None else f"price: {price.source}"
    return (
        f"estimate: {spending.calls} calls, {spending.tokens:,} tokens (estimated), "
        f"{_money(spending.cost)} ({source}); more where replies are unusable"
    )


def _rows(spending: Spending) -> list[str]:
    if spending.rows_kept is None:
        return []
    rate = spending.rows_per_dollar
    money = "" if rate is None else f", {rate:,.0f} rows for $1"
    per_row = f", {spending.tokens_per_row:,.0f} tokens a row" if spending.rows_kept else ""
    return [f"  rows kept: {spending.rows_kept:,}{per_row}{money}"]


def _sent(spending: Spending) -> str:
    if not spending.sent:
        return "  cells sent: none"
    return "  cells sent: " + ", ".join(f"{name!r} {n:,}" for name, n in spending.sent.items())


def _counting(spending: Spending) -> str:
    """Say where the number of tokens is from.

    Counted by the endpoint, estimated from the characters, or the most that calls without an
    answer may have used.
    """
    estimated = spending.tokens - spending.counted_tokens - spending.worst_case_tokens
    parts = {
        "counted by the endpoint": spending.counted_tokens,
        "estimated": estimated,
        "the worst case of calls without an answer": spending.worst_case_tokens,
    }
    there = {text: n for text, n in parts.items() if n}
    if len(there) <= 1:
        return next(iter(there), "nothing was used")
    return ", ".join(f"{n:,} {text}" for text, n in there.items())


def _money(cost: float | None) -> str:
    return "cost not known" if cost is None else f"${cost:,.4f}"
