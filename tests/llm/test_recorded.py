"""Nothing is paid for twice, and a finished run is reproduced without a call."""

from __future__ import annotations

import asyncio

import pytest

from tablewright.errors import InvalidReplyError, ModelError, ReplayError
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply
from tablewright.llm.endpoint.recorded import Recorded
from tests.llm.doubles import Endpoint, budget, echo

PROMPT = Prompt.ask("?", seed=1)


def ask(layer: AsyncLLM, *prompts: Prompt) -> list[Reply | BaseException]:
    async def gather() -> list[Reply | BaseException]:
        return await asyncio.gather(*map(layer.acomplete, prompts), return_exceptions=True)

    return asyncio.run(gather())


def test_the_second_time_the_ledger_answers() -> None:
    endpoint = Endpoint(echo)
    layer = budget(endpoint)
    first = ask(Recorded(layer, layer.ledger, "m"), PROMPT)[0]
    second = ask(Recorded(layer, layer.ledger, "m"), PROMPT.but(stage="other"))[0]
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert endpoint.calls == 1
    assert (second.text, second.cached, second.cost) == (first.text, True, 0.0)


def test_equal_requests_at_a_time_share_one_call() -> None:
    endpoint = Endpoint(echo, seconds=0.01)
    layer = budget(endpoint)
    replies = ask(Recorded(layer, layer.ledger, "m"), *[PROMPT] * 5)
    assert endpoint.calls == 1
    assert len({reply.text for reply in replies if isinstance(reply, Reply)}) == 1


def test_another_seed_is_another_request() -> None:
    endpoint = Endpoint(echo)
    layer = budget(endpoint)
    ask(Recorded(layer, layer.ledger, "m"), PROMPT, PROMPT.but(seed=2))
    assert endpoint.calls == 2


def test_a_replay_makes_no_call_and_repeats_failures() -> None:
    endpoint = Endpoint(lambda prompt: ModelError("HTTP 400") if prompt.seed else " ")
    layer = budget(endpoint)
    recorded = ask(Recorded(layer, layer.ledger, "m"), PROMPT, PROMPT.but(seed=0))
    replay = Recorded(layer, layer.ledger, "m", replay=True)
    replayed = ask(replay, PROMPT, PROMPT.but(seed=0))
    assert [type(error) for error in replayed] == [ModelError, InvalidReplyError]
    assert list(map(str, replayed)) == list(map(str, recorded))
    assert endpoint.calls == 2


def test_a_replay_of_something_else_says_so() -> None:
    layer = budget(Endpoint(echo))
    with pytest.raises(ReplayError, match=r"stage 'rows' is not in the ledger.*without --replay"):
        raise ask(Recorded(layer, layer.ledger, "m", replay=True), PROMPT.but(stage="rows"))[0]  # type: ignore[misc]
