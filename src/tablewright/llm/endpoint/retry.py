"""Ask again where the same call may succeed: the error says whether, the backoff says when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from tablewright.errors import InvalidReplyError, ModelError, SlowReplyError
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply

_FIRST, _LONGEST = 0.5, 30.0


def backoff(error: ModelError, attempt: int, chance: random.Random) -> float:
    """Seconds to wait before the next attempt.

    Twice as long each time, up to half a minute, half of it by chance so that calls that
    failed together do not come back together; never less than the endpoint asked for.

    Examples
    --------
    >>> from tablewright.errors import RateLimitError
    >>> backoff(RateLimitError("429", retry_after=40.0), 0, random.Random(0)) >= 40.0
    True
    """
    wait = min(_LONGEST, _FIRST * 2.0**attempt)
    jittered = wait * (0.5 + 0.5 * chance.random())
    if error.retry_after is None:
        return jittered
    return error.retry_after + (0.1 * jittered if error.retry_after else 0.0)


class Retry:
    """Make up to `attempts` attempts at a call that fails for the moment.

    Parameters
    ----------
    inner : AsyncLLM
        What is called.
    attempts : int, default=8
        Attempts where the endpoint fails (429, 5xx, time out, lost connection).
    unusable : int, default=2
        Attempts where a reply comes but cannot be used, or does not come in time.
    sleep : callable, default=asyncio.sleep
        How to wait.
    """

    def __init__(
        self,
        inner: AsyncLLM,
        attempts: int = 8,
        unusable: int = 2,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.inner, self.attempts, self.unusable, self._sleep = inner, attempts, unusable, sleep

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises
        ------
        ModelError
            The last one, if none of the attempts succeeds or the error is for good.
        """
        probability = random.Random(prompt.seed)
        failures = unusable = 0
        while True:
            try:
                return await self.inner.acomplete(prompt.but(attempt=unusable))
            except (InvalidReplyError, SlowReplyError):
                unusable += 1
                if unusable >= self.unusable:
                    raise
            except ModelError as error:
                failures += 1
                if not error.retryable or failures >= self.attempts:
                    raise
                await self._sleep(backoff(error, failures - 1, probability))
