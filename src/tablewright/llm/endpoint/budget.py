"""The budget: no real attempt is made that is not written down and paid for.

Before a call the most that it can cost is reserved in the ledger; after it, what it did
cost takes that place. Where room is short because of calls in flight, the next call waits
for them; where none are in flight, the cap is reached. Only the limiter stands between the
budget and the endpoint, so that a slot is not held while the ledger is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tablewright.errors import BudgetError, InvalidReplyError, ModelError
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply, Usage
from tablewright.llm.endpoint.caps import Caps
from tablewright.llm.endpoint.keys import request_key
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.prices import Price
from tablewright.llm.endpoint.tokens import prompt_tokens

__all__ = ["Budget", "most_tokens"]

_LONGEST_REPLY = 4096
"""Tokens reserved for the reply of a prompt that sets no `max_tokens`."""


_MARGIN = 1.5
"""How much longer than estimated a prompt is taken to be, until an endpoint has counted one."""


def most_tokens(prompt: Prompt, margin: float = _MARGIN) -> Usage:
    """Return the most that a call can use: the estimate with a margin, and the longest reply."""
    longest = prompt.max_tokens or _LONGEST_REPLY
    return Usage(int(prompt_tokens(prompt) * margin) + 1, longest, counted=False)


class Budget:
    """Reserve, call, judge, settle.

    Parameters
    ----------
    inner : AsyncLLM
        The endpoint, or the limiter before it.
    ledger : LedgerThread
        Where calls are written down.
    model : str
        As the cache key names it.
    price : Price or None
        None where nobody knows it.
    caps : Caps
        What the run may use at most.
    started : set of Task or None, default=None
        Where the limiter puts tasks whose call has really been made; None takes all as made.
    clock : callable, default=time.monotonic
        Seconds.
    """

    def __init__(
        self,
        inner: AsyncLLM,
        ledger: LedgerThread,
        model: str,
        price: Price | None,
        caps: Caps,
        started: set[asyncio.Task[Any]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner, self.ledger, self.model = inner, ledger, model
        self.price, self.caps, self._clock = price, caps, clock
        self._began = clock()
        self._settled = asyncio.Event()
        self._margin = _MARGIN
        self.stopping = False
        self._started = started
        self._reserved = 0

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt within the budget.

        Raises
        ------
        BudgetError
            If a cap is reached.
        InvalidReplyError
            If the reply is empty, a refusal, or not accepted.
        """
        call = await self._reserve(prompt)
        self._reserved += 1
        try:
            return await self._call(call, prompt)
        finally:
            self._reserved -= 1
            self._settled.set()

    async def _reserve(self, prompt: Prompt) -> int:
        key, most = request_key(self.model, prompt), most_tokens(prompt, self._margin)
        cost = None if self.price is None else self.price.of(most)
        while True:
            if self.stopping:
                raise asyncio.CancelledError
            self._settled.clear()
            self._minutes_left()
            try:
                return await self.ledger.ado(
                    lambda file: file.reserve(key, self.model, prompt, most, cost, self.caps)
                )
            except BudgetError:
                if not self._reserved:
                    raise
            await self._settled.wait()

    async def _call(self, call: int, prompt: Prompt) -> Reply:
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(self._minutes_left()):
                reply = await self.inner.acomplete(prompt)
        except TimeoutError:
            await self.ledger.ado(self._loss(call, prompt, task, "the minutes were over"))
            raise self._out_of_time() from None
        except ModelError as error:
            await self._failed(call, prompt, error)
            raise
        except asyncio.CancelledError:
            self.ledger.submit(self._loss(call, prompt, task, "interrupted"))
            raise
        finally:
            if self._started is not None and task is not None:
                self._started.discard(task)
        cost = None if self.price is None else self.price.of(reply.usage)
        return await self._book(call, prompt, replace(reply, cost=cost))

    async def _book(self, call: int, prompt: Prompt, reply: Reply) -> Reply:
        problem = _problem(prompt, reply)
        self._learn_margin(prompt, reply)
        outcome, error = ("invalid", "InvalidReplyError") if problem else ("ok", "")
        await self.ledger.ado(
            lambda file: file.settle(
                call, outcome, reply.usage, reply.cost or 0.0, reply, error, problem or ""
            )
        )
        if problem:
            raise InvalidReplyError(problem)
        return reply

    def _learn_margin(self, prompt: Prompt, reply: Reply) -> None:
        """Reserve more where this endpoint's tokens are shorter than the estimate takes them."""
        if reply.usage.counted:
            seen = reply.usage.prompt_tokens / max(1, prompt_tokens(prompt))
            self._margin = max(self._margin, 1.1 * seen)

    async def _failed(self, call: int, prompt: Prompt, error: ModelError) -> None:
        usage, cost = self._most(prompt) if error.billed else (Usage(), 0.0)
        name, text = type(error).__name__, str(error)
        await self.ledger.ado(
            lambda file: file.settle(call, "failed", usage, cost, None, name, text)
        )

    def _loss(
        self, call: int, prompt: Prompt, task: asyncio.Task[Any] | None, text: str
    ) -> Callable[..., None]:
        """Book a call that was given up at the most it can cost; withdraw it if it was not made."""
        if self._started is not None and task not in self._started:
            return lambda file: file.withdraw(call)
        usage, cost = self._most(prompt)
        return lambda file: file.settle(call, "failed", usage, cost, None, "ModelError", text)

    def _most(self, prompt: Prompt) -> tuple[Usage, float]:
        most = most_tokens(prompt, self._margin)
        return most, 0.0 if self.price is None else self.price.of(most)

    def _minutes_left(self) -> float | None:
        if self.caps.minutes is None:
            return None
        left = self.caps.minutes * 60 - (self._clock() - self._began)
        if left <= 0:
            raise self._out_of_time()
        return left

    def _out_of_time(self) -> BudgetError:
        return BudgetError(
            f"the cap of {self.caps.minutes:g} minutes is reached; what is paid for is kept: "
            "go on with the same --run"
        )


def _problem(prompt: Prompt, reply: Reply) -> str | None:
    """Say why a reply cannot be used, or None."""
    if reply.finish == "refusal":
        return "the model refuses to answer; reword the instructions or take another model"
    if not reply.text.strip():
        cut = reply.finish == "length"
        return (
            "the reply is cut off before its first word; allow longer replies"
            if cut
            else "the reply is empty; try another model"
        )
    return prompt.accept(reply.text) if prompt.accept else None
