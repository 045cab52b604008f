"""The budget: no real attempt is made that is not written down and paid for.

Before a call the most that it can cost is reserved in the ledger; after it, what it did
cost takes that place. Where room is short because of calls in flight, the next call waits
for them; where none are in flight, the cap is reached. Only the limiter stands between the
budget and the endpoint, so that a slot is not held while the ledger is written.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from tablewright.display import shown
from tablewright.errors import (
    BudgetError,
    InvalidReplyError,
    ModelError,
    SlowReplyError,
    TablewrightError,
)
from tablewright.llm.endpoint.base import AsyncLLM, Charge, Prompt, Reply, Usage
from tablewright.llm.endpoint.ledger import Caps, request_key
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.prices import Price
from tablewright.llm.endpoint.tokens import prompt_tokens

CHARGES: ContextVar[list[Charge] | None] = ContextVar("charges", default=None)
"""Where the attempts at the request of this task are put as they are paid for."""

_LONGEST_REPLY = 4096
"""Tokens reserved for the reply of a prompt that sets no `max_tokens`."""

_MARGIN = 1.5
"""How much longer than estimated a prompt is taken to be, until an endpoint has counted one."""

_READING_SECONDS = 60.0
"""Seconds that reading one reply may take."""


def most_tokens(prompt: Prompt, margin: float = _MARGIN) -> Usage:
    """Return the most that a call can use: the estimate with a margin, and the longest reply."""
    longest = prompt.max_tokens or _LONGEST_REPLY
    read = int(prompt_tokens(prompt) * margin) + 1
    return Usage(read, longest, counted=False, worst_case=True)


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
    grace : float, default=0.0
        Seconds after the last minute in which the endpoint hands over what it has.
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
        grace: float = 0.0,
    ) -> None:
        self._grace = grace
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

    def seconds_left(self) -> float:
        """Return the seconds until the cap on minutes; infinity where there is none."""
        if self.caps.minutes is None:
            return math.inf
        return self.caps.minutes * 60 - (self._clock() - self._began)

    async def _reserve(self, prompt: Prompt) -> int:
        key, maximum = request_key(self.model, prompt), most_tokens(prompt, self._margin)
        cost = None if self.price is None else self.price.of(maximum)
        while True:
            if self.stopping:
                raise asyncio.CancelledError
            self._settled.clear()
            if self.seconds_left() <= 0:
                raise self._out_of_time()
            try:
                return await self.ledger.ado(
                    lambda file: file.reserve(key, self.model, prompt, maximum, cost, self.caps)
                )
            except BudgetError:
                if not self._reserved:
                    raise
            await self._settled.wait()

    async def _call(self, call: int, prompt: Prompt) -> Reply:
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(self._patience()):
                reply = await self.inner.acomplete(prompt)
        except TimeoutError:
            await self.ledger.ado(self._loss(call, prompt, task, "the minutes were over"))
            raise self._out_of_time() from None
        except asyncio.CancelledError:
            self.ledger.submit(self._loss(call, prompt, task, "interrupted"))
            raise
        except Exception as error:
            raise await self._failed(call, prompt, error) from error
        finally:
            if self._started is not None and task is not None:
                self._started.discard(task)
        return await self._book(call, prompt, reply)

    def _patience(self) -> float | None:
        left = self.seconds_left()
        return None if left == math.inf else max(0.0, left) + self._grace

    async def _book(self, call: int, prompt: Prompt, reply: Reply) -> Reply:
        self._learn_margin(prompt, reply)
        cost = self._price(reply.usage)
        reply = replace(reply, cost=cost)
        try:
            problem = await self._problem(prompt, reply)
        except asyncio.CancelledError:
            self.ledger.submit(lambda file: file.settle(call, "ok", reply.usage, cost or 0, reply))
            raise
        outcome, error = ("invalid", "InvalidReplyError") if problem else ("ok", "")
        self._charge(reply.usage, cost)
        await self.ledger.ado(
            lambda file: file.settle(
                call, outcome, reply.usage, cost or 0.0, reply, error, problem or ""
            )
        )
        if problem:
            raise _unusable(problem, reply)
        return reply

    async def _problem(self, prompt: Prompt, reply: Reply) -> str | None:
        """Say why a reply cannot be used, or None; reading it counts as time of the run."""
        if problem := _emptiness(reply):
            return problem
        if prompt.accept is None:
            return None
        seconds = min(_READING_SECONDS, max(1.0, self.seconds_left()))
        try:
            return await asyncio.wait_for(_apart(prompt.accept, reply.text), seconds)
        except TimeoutError:
            return f"the reply could not be read within {seconds:.0f} s"
        except TablewrightError as error:
            return str(error)
        except Exception as error:  # whatever a reader does with odd text, the call is settled
            return f"the reply cannot be read ({type(error).__name__}: {shown(str(error), 100)})"

    def _learn_margin(self, prompt: Prompt, reply: Reply) -> None:
        """Reserve more where this endpoint's tokens are shorter than the estimate takes them."""
        if reply.usage.counted:
            ratio = reply.usage.prompt_tokens / max(1, prompt_tokens(prompt))
            self._margin = max(self._margin, 1.1 * ratio)

    async def _failed(self, call: int, prompt: Prompt, error: Exception) -> TablewrightError:
        """Book a call that ended in an error, and return the error as one of ours."""
        ours = error
        if not isinstance(ours, TablewrightError):
            ours = ModelError(
                f"the endpoint of {self.model!r} failed with {type(error).__name__}: "
                f"{shown(str(error), 160)}"
            )
            ours.billed = True
        usage = Usage()
        if isinstance(ours, ModelError):
            known = ours.charge.usage if isinstance(ours.charge, Charge) else None
            usage = known or (most_tokens(prompt, self._margin) if ours.billed else Usage())
        cost = self._price(usage)
        self._charge(usage, cost)
        outcome = "invalid" if isinstance(ours, InvalidReplyError) else "failed"
        name, text = type(ours).__name__, str(ours)
        await self.ledger.ado(
            lambda file: file.settle(call, outcome, usage, cost or 0.0, None, name, text)
        )
        return ours

    def _loss(
        self, call: int, prompt: Prompt, task: asyncio.Task[Any] | None, text: str
    ) -> Callable[..., None]:
        """Book a call that was given up at the most it can cost; withdraw it if it was not made."""
        if self._started is not None and task not in self._started:
            return lambda file: file.withdraw(call)
        usage = most_tokens(prompt, self._margin)
        cost = self._price(usage)
        self._charge(usage, cost)
        return lambda file: file.settle(call, "failed", usage, cost or 0, None, "ModelError", text)

    def _price(self, usage: Usage) -> float | None:
        return None if self.price is None else self.price.of(usage)

    def _charge(self, usage: Usage, cost: float | None) -> None:
        charges = CHARGES.get()
        if charges is not None:
            charges.append(Charge(1, usage, cost))

    def _out_of_time(self) -> BudgetError:
        return BudgetError(
            f"the cap of {self.caps.minutes:g} minutes is reached; what is paid for is kept: "
            "go on with the same --run"
        )


def _emptiness(reply: Reply) -> str | None:
    if reply.finish == "refusal":
        return "the model refuses to answer; reword the instructions or take another model"
    if reply.text.strip() or reply.logprobs:
        return None  # a closed question is answered by probabilities, whatever token was drawn
    if reply.finish in ("length", "cut"):
        return "the reply is cut off before its first word; allow longer replies"
    return "the reply is empty; try another model"


def _unusable(problem: str, reply: Reply) -> ModelError:
    """Return the error for a reply; one that was cut may be usable if it is shorter."""
    if reply.finish == "cut":
        return SlowReplyError(f"{problem}; the reply was cut before its end: ask for less a call")
    error = InvalidReplyError(problem)
    error.ask_smaller = reply.finish == "length"
    return error


def _apart(read: Callable[[str], str | None], text: str) -> asyncio.Future[str | None]:
    """Read a text on a thread that holds nobody up, not even the end of the program."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str | None] = loop.create_future()

    def settle(result: str | None, error: Exception | None) -> None:
        if not future.done():
            future.set_result(result) if error is None else future.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = read(text)
        except Exception as error:  # raised again where the future is awaited
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, name="read a reply", daemon=True).start()
    return future
