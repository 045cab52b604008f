"""Endpoints for tests: they answer inside the event loop, after a wait and with faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tablewright.llm.endpoint.base import Prompt, Reply, Usage
from tablewright.llm.endpoint.budget import Budget
from tablewright.llm.endpoint.ledger import Caps
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.prices import Price

PRICE = Price(1.0, 2.0, "test")


class Endpoint:
    """Answer with a function of the prompt, and count."""

    def __init__(self, answer: Callable[[Prompt], str | Exception], seconds: float = 0.0) -> None:
        self.answer, self.seconds = answer, seconds
        self.calls = self.active = self.most_active = 0

    async def acomplete(self, prompt: Prompt) -> Reply:
        self.calls += 1
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        try:
            await asyncio.sleep(self.seconds)
            answer = self.answer(prompt)
        finally:
            self.active -= 1
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, usage=Usage(10, 50))


def echo(prompt: Prompt) -> str:
    return f"{prompt.text}/{prompt.seed}"


def budget(
    endpoint: Endpoint,
    caps: Caps | None = None,
    path: Path | None = None,
    price: Price | None = PRICE,
) -> Budget:
    return Budget(endpoint, LedgerThread(path), "m", price, caps or Caps())
