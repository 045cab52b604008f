"""No real attempt escapes the budget."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from itertools import chain, repeat
from pathlib import Path

import pytest

from tablewright.errors import BudgetError, InputError, InvalidReplyError, ModelError
from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.endpoint.budget import Budget, most_tokens
from tablewright.llm.endpoint.ledger import Caps
from tests.llm.doubles import PRICE, Endpoint, budget, echo

PROMPTS = [Prompt.ask(f"question {number}", seed=number, max_tokens=100) for number in range(200)]


async def ask_all(layer: Budget, prompts: list[Prompt]) -> list[Reply | BaseException]:
    return await asyncio.gather(*map(layer.acomplete, prompts), return_exceptions=True)


@pytest.mark.parametrize(
    "caps",
    [Caps(calls=50), Caps(tokens=8000), Caps(cost=0.01)],
    ids=["calls", "tokens", "cost"],
)
def test_many_calls_in_flight_do_not_exceed_a_cap(caps: Caps) -> None:
    endpoint = Endpoint(echo, seconds=0.001)
    layer = budget(endpoint, caps)
    results = asyncio.run(ask_all(layer, PROMPTS))
    answered = [result for result in results if isinstance(result, Reply)]
    assert all(isinstance(result, Reply | BudgetError) for result in results)
    assert 10 < len(answered) == endpoint.calls < len(PROMPTS)
    spent = layer.ledger.do(lambda file: file.spent())
    assert spent.calls <= (caps.calls or 200)
    assert spent.tokens <= (caps.tokens or 10**9)
    assert spent.cost <= (caps.cost or 10**9)


def test_reservations_do_not_waste_the_budget() -> None:
    """Calls reserve more than they use; the cap is still used up to the last call's reserve."""
    caps = Caps(cost=0.01)
    layer = budget(Endpoint(echo, seconds=0.001), caps)
    asyncio.run(ask_all(layer, PROMPTS))
    reserve = PRICE.of(most_tokens(PROMPTS[0]))
    assert layer.ledger.do(lambda file: file.spent()).cost > 0.01 - 1.05 * reserve


def test_a_cap_holds_over_sessions(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    asyncio.run(ask_all(budget(Endpoint(echo), Caps(calls=3), path), PROMPTS[:3]))
    later = budget(Endpoint(echo), Caps(calls=4), path)
    asyncio.run(later.acomplete(PROMPTS[3]))
    with pytest.raises(BudgetError, match="cap of 4 calls"):
        asyncio.run(later.acomplete(PROMPTS[4]))


def test_time_runs_out_between_and_inside_calls() -> None:
    slow = budget(Endpoint(echo, seconds=5.0), Caps(minutes=0.001))
    with pytest.raises(BudgetError, match=r"0\.001 minutes"):
        asyncio.run(slow.acomplete(PROMPTS[0]))
    now = iter([0.0, 61.0])
    late = Budget(Endpoint(echo), slow.ledger, "m", PRICE, Caps(minutes=1), clock=lambda: next(now))
    with pytest.raises(BudgetError, match="1 minutes"):
        asyncio.run(late.acomplete(PROMPTS[0]))


@pytest.mark.parametrize(("seconds", "late"), [(59.5, False), (60.0, True)])
def test_the_cap_on_minutes_ends_with_its_last_second(seconds: float, late: bool) -> None:
    now = chain([0.0], repeat(seconds))
    inner = budget(Endpoint(echo))
    layer = Budget(
        Endpoint(echo), inner.ledger, "m", PRICE, Caps(minutes=1), clock=lambda: next(now)
    )
    assert layer.seconds_left() == 60 - seconds
    with pytest.raises(BudgetError) if late else nullcontext():
        asyncio.run(layer.acomplete(PROMPTS[0]))


@pytest.mark.parametrize(
    ("text", "why"), [("  ", "empty"), ("nonsense", "no row in it")], ids=["empty", "not accepted"]
)
def test_useless_replies_are_paid_for_and_not_cached(text: str, why: str) -> None:
    layer = budget(Endpoint(lambda prompt: text))
    prompt = Prompt.ask("?", accept=lambda text: None if "row" in text else "no row in it")
    with pytest.raises(InvalidReplyError, match=why):
        asyncio.run(layer.acomplete(prompt))
    row = layer.ledger.do(lambda file: file.rows("SELECT outcome, cost, prompt_tokens FROM calls"))
    assert dict(row[0]) == {"outcome": "invalid", "cost": 0.00011, "prompt_tokens": 10}


def test_failed_calls_cost_nothing_unless_they_may_be_billed() -> None:
    billed = ModelError("timed out")
    billed.billed = True
    costs = []
    for error in (ModelError("HTTP 500"), billed):
        layer = budget(Endpoint(lambda prompt, error=error: error))  # type: ignore[misc]
        with pytest.raises(ModelError):
            asyncio.run(layer.acomplete(PROMPTS[0]))
        costs.append(layer.ledger.do(lambda file: file.spent()).cost)
    assert costs == [0.0, PRICE.of(most_tokens(PROMPTS[0]))]


def test_prompts_that_turn_out_longer_are_reserved_for_longer() -> None:
    layer = budget(Endpoint(echo))
    short = Prompt.ask("")
    asyncio.run(layer.acomplete(short))
    call = "SELECT prompt_tokens FROM calls WHERE id = 2"
    layer.inner = Endpoint(lambda prompt: layer.ledger.do(lambda file: str(file.rows(call)[0])))
    reply = asyncio.run(layer.acomplete(short.but(seed=1)))
    assert reply.text == "{'prompt_tokens': 12}"


@pytest.mark.parametrize("caps", [{"cost": 0}, {"calls": -1}, {"minutes": float("nan")}])
def test_caps_are_above_zero(caps: dict[str, float]) -> None:
    with pytest.raises(InputError, match="above 0"):
        Caps(**caps)  # type: ignore[arg-type]
