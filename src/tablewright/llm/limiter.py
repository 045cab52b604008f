"""How many calls one endpoint gets at a time: as many as it was seen to serve.

The limit doubles with each round of replies until the endpoint says 429 for the first time
and grows by a few slots a round after that. A burst of 429 cuts it once, to the share of its
slots that did serve calls, and to no less than half.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from tablewright.errors import ModelError, RateLimitError
from tablewright.llm.base import AsyncLLM, Prompt, Reply

__all__ = ["Limit", "Limiter"]

_STEP = 4.0
"""Slots that the limit grows by in one round of replies."""


@dataclass
class Limit:
    """The adaptive limit, apart from any clock or network.

    Parameters
    ----------
    value : float, default=8
        Calls at a time to begin with.
    highest : int, default=64
        Calls at a time at most.

    Examples
    --------
    >>> limit = Limit(value=8, highest=64)
    >>> for second in range(8):
    ...     limit.served(started=0.0, now=1.0)
    >>> limit.value
    16.0
    """

    value: float = 8.0
    highest: int = 64
    growing: bool = True
    latency: float = 0.0
    busy: float = 0.0
    since: float = 0.0
    cut_at: float = float("-inf")

    def served(self, started: float, now: float) -> None:
        """Learn that a call was answered."""
        self._occupied(started, now)
        step = 1.0 if self.growing else _STEP / self.value
        self.value = min(float(self.highest), self.value + step)

    def failed(self, started: float, now: float) -> None:
        """Learn that a call took a slot and ended in another error than 429."""
        self._occupied(started, now)

    def refused(self, started: float, now: float) -> None:
        """Learn that a call met 429; calls of the burst that was cut for are let be."""
        if started < self.cut_at or now < self.cut_at + self.latency:
            return
        share = self.busy / (self.value * max(now - self.since, 1e-9))
        self.value = max(1.0, self.value * min(1.0 - 1.0 / self.value, max(0.5, share)))
        self.growing, self.cut_at, self.since, self.busy = False, now, now, 0.0

    def _occupied(self, started: float, now: float) -> None:
        seconds = now - started
        self.latency = seconds if self.latency == 0.0 else 0.9 * self.latency + 0.1 * seconds
        self.busy += now - max(started, self.since)


class Limiter:
    """Let as many calls through as the endpoint serves.

    A 429 with `Retry-After` closes the endpoint to new calls for that time, unless others
    are under way: then the second in a row does. A call that was begun after the refused one
    and is served opens the endpoint again: the refusal was then not meant for all.

    Parameters
    ----------
    inner : AsyncLLM
        What is called.
    highest : int, default=64
        Calls at a time at most.
    clock : callable, default=time.monotonic
        Seconds.
    """

    def __init__(
        self, inner: AsyncLLM, highest: int = 64, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.inner, self._clock = inner, clock
        self.limit = Limit(value=float(min(8, highest)), highest=highest)
        self.limit.since = clock()
        self.active = 0
        self._closed_until = self._closed_by = float("-inf")
        self._in_a_row = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Wait for a slot, then answer one prompt."""
        await self._enter()
        started = self._clock()
        try:
            reply = await self.inner.acomplete(prompt)
        except RateLimitError as error:
            self._refused(started, error)
            raise
        except ModelError:
            self.limit.failed(started, self._clock())
            raise
        else:
            self._served(started)
            return reply
        finally:
            self.active -= 1
            self._wake()

    async def _enter(self) -> None:
        while self.active >= int(self.limit.value) or self._clock() < self._closed_until:
            await self._pause()
        self.active += 1

    async def _pause(self) -> None:
        """Wait until a slot is free or the endpoint opens again."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        closed = self._closed_until - self._clock()
        try:
            async with asyncio.timeout(closed if closed > 0 else None):
                await ticket
        except TimeoutError:
            self._wake()
        finally:
            if ticket in self._waiting:
                self._waiting.remove(ticket)

    def _wake(self) -> None:
        free = int(self.limit.value) - self.active
        while free > 0 and self._waiting:
            ticket = self._waiting.pop(0)
            if not ticket.done():
                ticket.set_result(None)
                free -= 1

    def _served(self, started: float) -> None:
        self.limit.served(started, self._clock())
        self._in_a_row = 0
        if started > self._closed_by:
            self._closed_until = float("-inf")

    def _refused(self, started: float, error: RateLimitError) -> None:
        now = self._clock()
        self.limit.refused(started, now)
        self._in_a_row += 1
        if error.retry_after and (self._in_a_row > 1 or self.active == 1):
            self._closed_by = started
            self._closed_until = max(self._closed_until, now + error.retry_after)
