"""How many calls one endpoint gets at a time: as many as it says, or was seen to serve.

A server that names its slots gets as many calls. For others the limit begins at two and doubles
with each round of replies until the endpoint is overloaded or calls begin to wait for each other
(the first token comes late), and grows by a few slots a round after that. A burst of 429 cuts it
once, to the slots that served calls, and to no less than half. An endpoint that refuses at once
what is too much leaves many slots unused, and these count as not serving; one that refuses by lot
does not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from tablewright.errors import ModelError, RateLimitError
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply

_STEP = 6.0
"""Slots that the limit grows by in one round of replies."""

_BURST = 2.0
"""Rounds of replies that belong to one burst of refusals."""

_FIRST_LIMIT = 2.0
MAX_CONCURRENCY = 64

_QUEUED, _QUEUED_SECONDS = 2.0, 0.5
"""A first token that takes so many times as long as the fastest, and so much longer, has waited."""


@dataclass
class Limit:
    """The adaptive limit, apart from any network.

    Parameters
    ----------
    value : float, default=2
        Calls at a time to begin with.
    highest : int, default=64
        Calls at a time at most.
    now : float, default=0
        Seconds on any clock.

    Attributes
    ----------
    active : int
        Calls under way.
    growing : bool
        Whether the limit still doubles with each round.

    Examples
    --------
    >>> limit = Limit(value=8, highest=64)
    >>> for call in range(8):
    ...     limit.entered(0.0)
    >>> for call in range(8):
    ...     limit.served(started=0.0, now=1.0)
    >>> limit.value
    16.0
    """

    value: float = _FIRST_LIMIT
    highest: int = 64
    now: float = 0.0
    active: int = 0
    growing: bool = True
    latency: float = 0.0

    def __post_init__(self) -> None:
        self._used = self._offered = self._served = self._refused = 0.0
        self._cut_at, self._at_once = float("-inf"), False
        self._fastest = float("inf")

    def entered(self, now: float) -> None:
        """Learn that a call has taken a slot."""
        self._advance(now)
        self.active += 1

    def served(self, started: float, now: float, first_token: float = 0.0) -> None:
        """Learn that a call was answered; one that stood in a queue asks for no more slots."""
        self.failed(started, now)
        self._fastest = min(self._fastest, first_token or self._fastest)
        if first_token > max(_QUEUED * self._fastest, self._fastest + _QUEUED_SECONDS):
            self.growing = False
            return
        step = 1.0 if self.growing else _STEP / self.value
        self.value = min(float(self.highest), self.value + step)

    def failed(self, started: float, now: float) -> None:
        """Learn that a call was served and ended in another error than 429."""
        self.left(now)
        self._served += now - started
        self._learn_latency(now - started)

    def refused(self, started: float, now: float) -> None:
        """Learn that a call met 429; what belongs to the burst that was cut for is let be."""
        self.left(now)
        self._refused += now - started
        self._at_once = self._at_once or now - started < 0.5 * self.latency
        self.growing = self.growing and not self._at_once
        if started >= self._cut_at and now >= self._cut_at + _BURST * self.latency:
            self._cut(now)

    def _cut(self, now: float) -> None:
        taken = self._served + self._refused
        share = self._served / taken if taken > 0 else 1.0
        if self._at_once and self._offered > 0:
            share *= self._used / self._offered
        self.growing = self.growing and share > 0.75
        self.value = max(1.0, self.value / 2, min(self.value - 1.0, self.value * share))
        self._cut_at, self._at_once = now, False
        self._used = self._offered = self._served = self._refused = 0.0

    def left(self, now: float) -> None:
        """Learn that a call has given its slot back, whatever came of it."""
        self._advance(now)
        self.active -= 1

    def _advance(self, now: float) -> None:
        """Add up over time the slots in use, and those that there were."""
        self._used += self.active * (now - self.now)
        self._offered += self.value * (now - self.now)
        self.now = now

    def _learn_latency(self, seconds: float) -> None:
        self.latency = seconds if self.latency == 0.0 else 0.9 * self.latency + 0.1 * seconds


class Limiter:
    """Let as many calls through as the endpoint serves.

    A 429 with `Retry-After` closes the endpoint to new calls for that time, unless others
    are under way: then the fourth in a row does. A call that was begun after the refused one
    and is served opens the endpoint again: the refusal was then not meant for all.

    Parameters
    ----------
    inner : AsyncLLM
        What is called.
    concurrency : int or None, default=None
        Calls at a time; None asks `slots`, and where that is not known finds out how many.
    started : set of Task or None, default=None
        Where tasks are put whose call is made.
    slots : callable or None, default=None
        Asks the endpoint how many calls it serves at a time.
    clock : callable, default=time.monotonic
        Seconds.
    """

    def __init__(
        self,
        inner: AsyncLLM,
        concurrency: int | None = None,
        started: set[asyncio.Task[Any]] | None = None,
        slots: Callable[[], Awaitable[int | None]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner, self._clock = inner, clock
        self._started = set[asyncio.Task[Any]]() if started is None else started
        known = float(concurrency or _FIRST_LIMIT)
        self.limit = Limit(known, concurrency or MAX_CONCURRENCY, clock())
        self._slots = slots if concurrency is None else None
        self._asking = asyncio.Lock()
        self._closed_until = self._closed_by = float("-inf")
        self._in_a_row = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Wait for a slot, then answer one prompt."""
        await self._ask_slots()
        await self._enter()
        started = self._clock()
        if (task := asyncio.current_task()) is not None:
            self._started.add(task)
        try:
            reply = await self.inner.acomplete(prompt)
        except RateLimitError as error:
            self._refused(started, error)
            raise
        except ModelError:
            self.limit.failed(started, self._clock())
            raise
        except BaseException:
            self.limit.left(self._clock())
            raise
        else:
            self._served(started, reply.first_token)
            return replace(reply, latency=self._clock() - started)
        finally:
            self._wake()

    async def _ask_slots(self) -> None:
        """Ask once, before the first call."""
        if self._slots is None:
            return
        async with self._asking:
            if self._slots is not None:
                n_slots, self._slots = await self._slots(), None
                if n_slots:
                    self.limit.value, self.limit.highest = float(n_slots), n_slots

    async def _enter(self) -> None:
        while self.limit.active >= int(self.limit.value) or self._clock() < self._closed_until:
            await self._pause()
        self.limit.entered(self._clock())

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
        free = int(self.limit.value) - self.limit.active
        while free > 0 and self._waiting:
            ticket = self._waiting.pop(0)
            if not ticket.done():
                ticket.set_result(None)
                free -= 1

    def _served(self, started: float, first_token: float) -> None:
        self.limit.served(started, self._clock(), first_token)
        self._in_a_row = 0
        if started > self._closed_by:
            self._closed_until = float("-inf")

    def _refused(self, started: float, error: RateLimitError) -> None:
        now = self._clock()
        self.limit.refused(started, now)
        self._in_a_row += 1
        if error.retry_after and self._in_a_row > min(3, self.limit.active):
            self._closed_by = started
            self._closed_until = max(self._closed_until, now + error.retry_after)
