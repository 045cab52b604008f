"""A hundred runs into their caps, with 64 calls in flight.

Each run has 400 prompts of random length, an endpoint that answers within 1 to 20 ms with a
random number of tokens (at most what was allowed), fails in a tenth of the calls, and a cap
in money, tokens or calls that lies well below what all prompts would take.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from typing import Any

from benchmarks.llm.report import write_table
from tablewright.errors import BudgetError, ModelError
from tablewright.llm import Prompt, Reply, Usage, connect
from tablewright.llm.endpoint.budget import most_tokens
from tablewright.llm.endpoint.stack import Stack
from tablewright.llm.endpoint.tokens import prompt_tokens

PRICE = (2.0, 8.0)


class Endpoint:
    """Answer with random usage; real prompts are up to a third longer than estimated."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.active = self.most_active = 0

    async def acomplete(self, prompt: Prompt) -> Reply:
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        await asyncio.sleep(self.chance.uniform(0.001, 0.020))
        self.active -= 1
        if self.chance.random() < 0.1:
            raise ModelError("HTTP 500", retryable=False)
        read = int(prompt_tokens(prompt) * self.chance.uniform(0.8, 1.33))
        return Reply("x", usage=Usage(read, self.chance.randint(1, prompt.max_tokens or 1)))


def run(seed: int, kind: str) -> dict[str, float]:
    probability = random.Random(seed)
    prompts = [
        Prompt.ask(
            "word " * probability.randint(20, 400),
            seed=number,
            max_tokens=probability.randint(50, 400),
        )
        for number in range(400)
    ]
    choices = {
        "max_cost": probability.uniform(0.05, 0.4),
        "max_tokens": probability.randint(10_000, 60_000),
        "max_calls": probability.randint(70, 250),
    }
    caps: dict[str, Any] = {kind: choices[kind]}
    client = connect("m", "https://example.invalid/v1", prices={"m": PRICE}, **caps)
    stack = Stack(client.settings, client.ledger)
    endpoint = Endpoint(seed)
    stack.limiter.inner = endpoint
    stack.limiter.limit.value = 64.0
    client._stack = stack
    results = client.complete_all(prompts)
    spent = client.spending()
    client.close()
    used = {"max_cost": spent.cost or 0.0, "max_tokens": spent.tokens, "max_calls": spent.calls}
    price = client.settings.price
    assert price is not None
    reserve = {"max_cost": max(price.of(most_tokens(prompt)) for prompt in prompts),
               "max_tokens": max(most_tokens(prompt).total for prompt in prompts),
               "max_calls": 1}  # fmt: skip
    cap = float(caps[kind])
    return {
        "over": max(0.0, used[kind] - cap),
        "used": used[kind] / cap,
        "reserve": reserve[kind] / cap,
        "stopped": float(any(isinstance(result, BudgetError) for result in results)),
        "in flight": endpoint.most_active,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    options = parser.parse_args()
    kinds = ("max_cost", "max_tokens", "max_calls")
    matches = [(kinds[seed % 3], run(seed, kinds[seed % 3])) for seed in range(options.runs)]
    rows = []
    for kind in kinds:
        runs = [result for name, result in matches if name == kind]
        rows.append(
            {
                "cap": kind,
                "runs": len(runs),
                "stopped at the cap": f"{sum(result['stopped'] for result in runs):.0f}",
                "most in flight": f"{max(result['in flight'] for result in runs):.0f}",
                "runs over the cap": sum(result["over"] > 0 for result in runs),
                "used of the cap, least": f"{min(result['used'] for result in runs):.1%}",
                "mean": f"{sum(result['used'] for result in runs) / len(runs):.1%}",
                "most": f"{max(result['used'] for result in runs):.1%}",
            }
        )
    write_table("caps", "Caps with 64 calls in flight", rows, __doc__.split("\n\n", 1)[1])


if __name__ == "__main__":
    main()
