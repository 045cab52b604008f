"""What `connect` returns: the layers around one endpoint, run on a thread of their own."""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from tablewright.errors import BudgetError, InterruptedRunError, ModelError, TablewrightError
from tablewright.llm.endpoint.base import Charge, Prompt, Reply, Usage
from tablewright.llm.endpoint.budget import CHARGES
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.limiter import MAX_CONCURRENCY
from tablewright.llm.endpoint.metering import Activity, Speed
from tablewright.llm.endpoint.runs import Spending, spending
from tablewright.llm.endpoint.stack import Settings, Stack
from tablewright.llm.prompts.sharing import Sharing

T = TypeVar("T")
_DRAIN_SECONDS, _CUT_SECONDS = 10.0, 3.0


class Client:
    """A model behind cache, retry, limiter and budget.

    Make one with `tablewright.llm.connect`. A client is shared, never copied: scikit-learn's
    `clone` and `copy` return the client itself, and pickling keeps its settings alone.

    Attributes
    ----------
    settings : Settings
        What it was made from.
    sharing : Sharing
        What may leave the machine.
    speed : Speed
        How fast the endpoint was seen to work, for the size of requests.
    keeps_on_interrupt : bool
        Whether Ctrl-C ends `complete_all` with what was answered, and an `InterruptedRunError`
        for each other prompt of this client, rather than with KeyboardInterrupt.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sharing = Sharing(settings.share, tuple(settings.redact))
        self.ledger = LedgerThread(settings.ledger_path, settings.record)
        self.speed, self.keeps_on_interrupt = Speed(), False
        self._interrupted = False
        self._stack: Stack | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def complete(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises
        ------
        ModelError
            If no reply can be had.
        ReplayError
            If calls are forbidden and the request was not recorded.
        """
        result = self.complete_all([prompt])[0]
        if isinstance(result, TablewrightError):
            raise result
        return result

    def complete_all(
        self, prompts: Sequence[Prompt], on_reply: Callable[[int], None] | None = None
    ) -> list[Reply | ModelError]:
        """Answer many prompts at once; the results are in the order of the prompts.

        Ctrl-C lets the calls in flight finish for up to ten seconds and starts no other; a
        second one leaves at once. Either way what was answered is in the ledger.

        Parameters
        ----------
        on_reply : callable, optional
            Called with the number of prompts done, after each.

        Returns
        -------
        list of Reply or ModelError
            After an error that any other call would meet too, the rest holds the same error.

        Raises
        ------
        ReplayError
            If calls are forbidden and a request was not recorded.
        """
        results: list[Any] = [None] * len(prompts)
        if not self._interrupted:
            self._answer(list(prompts), results, on_reply)
        return [InterruptedRunError() if result is None else result for result in results]

    def _answer(
        self, prompts: list[Prompt], results: list[Any], on_reply: Callable[[int], None] | None
    ) -> None:
        ended = threading.Event()
        future = self._run(self._answer_all(prompts, results, on_reply, ended))
        try:
            _result(future)
        except KeyboardInterrupt:
            self._drain(future, ended)
            if not self.keeps_on_interrupt:
                raise
            self._interrupted = True

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt inside an event loop."""
        result = await asyncio.wrap_future(self._run(self._outcome(prompt, [])))
        if isinstance(result, ModelError):
            raise result
        return result

    def activity(self) -> Activity:
        """Return what is under way."""
        stack = self._stack
        return Activity() if stack is None else stack.activity()

    def spending(self) -> Spending:
        """Add up what the run has cost, by role and stage, and the rows kept for it."""
        return self.ledger.do(spending)

    def rows_kept(self, n_rows: int) -> None:
        """Say how many of the rows were kept in the end, for the price of a row."""
        self.ledger.do(lambda file: file.set_meta("rows kept", int(n_rows)))

    def finish(self) -> None:
        """Say that the run is complete, unless a cap has ended it."""
        if not self.ledger.do(lambda file: file.get_meta("cap")):
            self.ledger.do(lambda file: file.set_meta("finished", True))

    def close(self) -> None:
        """Close connections and ledger; the next call opens them again."""
        with self._lock:
            loop, self._loop, stack, self._stack = self._loop, None, self._stack, None
        if loop is not None:
            if stack is not None:
                asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __sklearn_clone__(self) -> Client:
        return self

    def __copy__(self) -> Client:
        return self

    def __deepcopy__(self, memo: object) -> Client:
        return self

    def __reduce__(self) -> tuple[type[Client], tuple[Settings]]:
        return Client, (self.settings.without_key(),)

    def __repr__(self) -> str:
        return f"<Client {self.settings.model!r} run={_name(self.settings.run)}>"

    def _layers(self) -> Stack:
        with self._lock:
            if self._stack is None:
                self._stack = Stack(self.settings, self.ledger)
            return self._stack

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_turn, args=(self._loop,), name="language model", daemon=True
                ).start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _answer_all(
        self,
        prompts: list[Prompt],
        results: list[Any],
        on_reply: Callable[[int], None] | None,
        ended: threading.Event,
    ) -> None:
        queue = iter(range(len(prompts)))
        fatal: list[ModelError] = []

        async def work() -> None:
            for index in queue:
                charges: list[Charge] = []
                try:
                    results[index] = await self._next(prompts[index], charges, fatal)
                except asyncio.CancelledError:
                    if charges:
                        results[index] = _with_charge(InterruptedRunError(), charges)
                    raise
                if on_reply:
                    on_reply(sum(result is not None for result in results))

        # Twice the slots, so that calls which wait for their next attempt leave none empty.
        workers = min(len(prompts), 2 * (self.settings.concurrency or MAX_CONCURRENCY))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        except ExceptionGroup as errors:  # except* wraps what it raises anew, in Python 3.11.2
            ours, others = errors.split(TablewrightError)
            if ours is None or others is not None:
                raise
            raise ours.exceptions[0] from None
        finally:
            ended.set()
        if fatal and isinstance(fatal[0], BudgetError):
            cap = str(fatal[0])
            await self.ledger.ado(lambda file: file.set_meta("cap", cap))

    async def _next(
        self, prompt: Prompt, charges: list[Charge], fatal: list[ModelError]
    ) -> Reply | ModelError:
        if fatal:
            return _with_charge(fatal[0], [])
        result = await self._outcome(prompt, charges)
        if isinstance(result, ModelError) and result.fatal:
            fatal.append(result)
        return result

    async def _outcome(self, prompt: Prompt, charges: list[Charge]) -> Reply | ModelError:
        """Answer one prompt; what all attempts at it took stands in the reply or the error."""
        CHARGES.set(charges)
        try:
            reply = await self._layers().acomplete(self._completed(prompt))
        except ModelError as error:
            return _with_charge(error, charges)
        self.speed.learn(reply)
        return _with_charge(reply, charges)

    def _completed(self, prompt: Prompt) -> Prompt:
        """Fill in the sampling parameters of the model that the prompt leaves open."""
        own = self.settings
        return prompt.but(
            temperature=own.temperature if prompt.temperature is None else prompt.temperature,
            top_p=own.top_p if prompt.top_p is None else prompt.top_p,
            max_tokens=own.max_reply_tokens if prompt.max_tokens is None else prompt.max_tokens,
        )

    def _drain(self, future: Future[Any], ended: threading.Event) -> None:
        """Wait for the calls in flight, but not for others, nor for long."""
        loop, stack = self._loop, self._stack
        try:
            if loop is not None and stack is not None:
                loop.call_soon_threadsafe(stack.stop)
                _await(future, _DRAIN_SECONDS)
                loop.call_soon_threadsafe(stack.cut)
                _await(future, _CUT_SECONDS)
        finally:
            future.cancel()
            if stack is not None:
                stack.resume()
        ended.wait(_CUT_SECONDS)


R = TypeVar("R", bound=Reply | ModelError)


def _with_charge(result: R, charges: Sequence[Charge]) -> R:
    """Return a copy with what the attempts took: equal requests and errors are shared."""
    charge = sum(charges, Charge(0, Usage()))
    if isinstance(result, Reply):
        return replace(result, charge=charge)
    same = copy.copy(result)
    same.charge = charge
    same.__traceback__ = None
    return same


def _result(future: Future[T]) -> T:
    _await(future, float("inf"))
    return future.result()


def _await(future: Future[Any], seconds: float) -> None:
    """Wait in short turns: a signal may be taken by a thread that does not wake this one."""
    until = time.monotonic() + seconds
    while not future.done() and time.monotonic() < until:
        wait([future], timeout=0.1)


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _name(run: Path | None) -> str:
    return "None" if run is None else repr(str(run))
