"""What may succeed later is tried again; what cannot is not."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InvalidReplyError, ModelError, RateLimitError
from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.retry import Retry, backoff
from tablewright.llm.endpoint.scripted import Scripted

BUSY = ModelError("HTTP 503", retryable=True)


def retry(script: Scripted, waits: list[float]) -> Retry:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    return Retry(script, sleep=sleep)


def test_a_busy_endpoint_is_asked_again() -> None:
    waits: list[float] = []
    script = Scripted([BUSY, RateLimitError("429", retry_after=3.0), "blue"])
    assert asyncio.run(retry(script, waits).acomplete(Prompt.ask("?"))).text == "blue"
    assert 0.25 <= waits[0] <= 0.5
    assert 3.0 <= waits[1] <= 3.2


def test_an_error_for_good_is_not_tried_again() -> None:
    script = Scripted([ModelError("wrong key"), "never"])
    with pytest.raises(ModelError, match="wrong key"):
        asyncio.run(retry(script, []).acomplete(Prompt.ask("?")))
    assert len(script.prompts) == 1


def test_attempts_end() -> None:
    script = Scripted([BUSY] * 20)
    with pytest.raises(ModelError, match="503"):
        asyncio.run(retry(script, []).acomplete(Prompt.ask("?")))
    assert len(script.prompts) == 8


def test_a_useless_reply_is_asked_for_again_as_another_attempt() -> None:
    script = Scripted([InvalidReplyError("empty"), "blue"])
    assert asyncio.run(retry(script, []).acomplete(Prompt.ask("?", seed=5))).text == "blue"
    assert [(prompt.seed, prompt.attempt) for prompt in script.prompts] == [(5, 0), (5, 1)]


@given(attempt=st.integers(0, 40), seed=st.integers(0, 2**32))
def test_waits_grow_and_stay_below_half_a_minute(attempt: int, seed: int) -> None:
    wait = backoff(BUSY, attempt, random.Random(seed))
    assert 0.25 * min(60.0, 2.0**attempt) <= wait <= 30.0
