"""The limiter finds what an endpoint serves, and obeys it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from tablewright.errors import RateLimitError
from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.limiter import Limit, Limiter
from tests.llm import virtual_time
from tests.llm.doubles import Endpoint, echo

PROMPT = Prompt.ask("?")


def round_of(limit: Limit, now: float, slots: int = 10**9, by_lot: bool = False) -> float:
    """Let one second pass in which each slot is used once.

    Calls beyond `slots` are refused at once; every tenth is refused `by_lot` at the end.
    """
    requested = int(limit.value)
    for _ in range(requested):
        limit.entered(now)
    for _ in range(max(0, requested - slots)):
        limit.refused(now, now + 0.001)
    for index in range(min(requested, slots)):
        (limit.refused if by_lot and index % 10 == 9 else limit.served)(now, now + 1.0)
    return now + 1.0


def test_the_limit_doubles_until_the_endpoint_is_full_and_then_adds() -> None:
    limit, now, values = Limit(value=8.0, highest=1000), 0.0, []
    for _ in range(30):
        now = round_of(limit, now, slots=100)
        values.append(limit.value)
    assert values[:3] == [16.0, 32.0, 64.0]
    assert not limit.growing
    steps = [after - before for before, after in itertools.pairwise(values[3:])]
    assert max(steps) <= 6.5
    assert min(values[6:]) > 75
    assert max(values[6:]) < 140


def test_a_burst_of_refusals_cuts_once() -> None:
    limit = Limit(value=64.0)
    now = round_of(limit, 0.0)
    for _ in range(50):
        limit.entered(now)
    for _ in range(50):
        limit.refused(now, now + 0.01)
    assert 32.0 <= limit.value < 64.0


def test_an_endpoint_with_few_slots_is_cut_to_no_less_than_half() -> None:
    limit = Limit(value=64.0, growing=False)
    round_of(limit, round_of(limit, 0.0, slots=8), slots=8)
    assert 32.0 <= limit.value < 37.0


def test_refusals_by_lot_leave_most_slots_in_use() -> None:
    limit, now, values = Limit(value=8.0, highest=64), 0.0, []
    for _ in range(60):
        now = round_of(limit, now, by_lot=True)
        values.append(limit.value)
    assert values[3] >= 56.0
    assert sum(values[10:]) / 50 > 55.0


def test_an_overloaded_endpoint_is_left_with_what_it_serves() -> None:
    """An endpoint of 8 slots that refuses the ninth call at once."""
    slots, refusals = 8, 0

    class Full(Endpoint):
        async def acomplete(self, prompt: Prompt):  # type: ignore[no-untyped-def]
            nonlocal refusals
            if self.active >= slots:
                refusals += 1
                raise RateLimitError("429")
            return await super().acomplete(prompt)

    async def insist(limiter: Limiter) -> None:
        while True:
            try:
                await limiter.acomplete(PROMPT)
            except RateLimitError:
                await asyncio.sleep(0.02)
            else:
                return

    async def all_of_them() -> float:
        limiter = Limiter(Full(echo, seconds=0.02), clock=virtual_time.now)
        await asyncio.gather(*(insist(limiter) for _ in range(300)))
        return limiter.limit.value

    assert virtual_time.run(all_of_them()) < 24
    assert refusals > 0


def test_retry_after_closes_the_endpoint_to_new_calls() -> None:
    starts: list[float] = []
    answers: list[str | Exception] = [RateLimitError("429", retry_after=0.3), "a", "b"]

    def answer(prompt: Prompt) -> str | Exception:
        starts.append(virtual_time.now())
        return answers[len(starts) - 1]

    async def three() -> None:
        limiter = Limiter(Endpoint(answer), concurrency=1, clock=virtual_time.now)
        await asyncio.gather(*(limiter.acomplete(PROMPT) for _ in range(3)), return_exceptions=True)

    virtual_time.run(three())
    assert starts == pytest.approx([0.0, 0.3, 0.3])


def test_a_later_call_that_is_served_opens_the_endpoint_again() -> None:
    """Nine refusals by lot, each with a Retry-After of a second, do not cost nine seconds."""
    count = 0

    def answer(prompt: Prompt) -> str | Exception:
        nonlocal count
        count += 1
        return RateLimitError("429", retry_after=1.0) if count % 10 == 0 else "x"

    async def many() -> float:
        limiter = Limiter(Endpoint(answer, seconds=0.005), concurrency=16, clock=virtual_time.now)
        await asyncio.gather(
            *(limiter.acomplete(PROMPT) for _ in range(95)), return_exceptions=True
        )
        return virtual_time.now()

    assert virtual_time.run(many()) < 1.5


def test_never_more_calls_than_the_highest_limit() -> None:
    endpoint = Endpoint(echo, seconds=0.001)
    limiter = Limiter(endpoint, concurrency=5)

    async def many() -> None:
        await asyncio.gather(*(limiter.acomplete(PROMPT) for _ in range(100)))

    asyncio.run(many())
    assert endpoint.most_active == 5
    assert endpoint.calls == 100


def slots(n_slots: int | None) -> Callable[[], Awaitable[int | None]]:
    async def ask() -> int | None:
        return n_slots

    return ask


def most_at_once(limiter: Limiter, endpoint: Endpoint, n_calls: int = 12) -> int:
    async def many() -> None:
        await asyncio.gather(*(limiter.acomplete(PROMPT) for _ in range(n_calls)))

    asyncio.run(many())
    return endpoint.most_active


def test_an_endpoint_that_names_its_slots_gets_as_many_calls() -> None:
    endpoint = Endpoint(echo, seconds=0.001)
    assert most_at_once(Limiter(endpoint, slots=slots(3)), endpoint) == 3


def test_an_endpoint_that_names_none_gets_two_calls_to_begin_with() -> None:
    endpoint = Endpoint(echo, seconds=0.001)
    assert most_at_once(Limiter(endpoint, slots=slots(None)), endpoint, n_calls=3) == 2


def test_the_users_concurrency_comes_before_the_servers() -> None:
    endpoint = Endpoint(echo, seconds=0.001)
    assert most_at_once(Limiter(endpoint, 5, slots=slots(2)), endpoint) == 5


def test_calls_that_wait_for_each_other_ask_for_no_more_slots() -> None:
    limit = Limit()
    for first_token in (1.0, 1.0, 1.2, 3.0, 3.0, 3.0):
        limit.entered(0.0)
        limit.served(0.0, 5.0, first_token)
    assert limit.value == 5.0
