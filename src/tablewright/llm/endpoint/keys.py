"""The name of a request: what can change the answer, and nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tablewright.llm.endpoint.base import Prompt

__all__ = ["parameters", "request_key"]


def parameters(prompt: Prompt) -> dict[str, Any]:
    """Return what is set beside the messages, as JSON can hold it."""
    fields = {
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "max_tokens": prompt.max_tokens,
        "schema": prompt.schema,
        "top_logprobs": prompt.top_logprobs or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def request_key(model: str, prompt: Prompt) -> str:
    """Return the cache key: SHA-256 of model, messages, parameters and seed.

    Stage, role, endpoint, timeouts and attempts are left out: they do not change what a
    model would answer.

    Examples
    --------
    >>> a, b = Prompt.ask("?", seed=1, stage="rows"), Prompt.ask("?", seed=2)
    >>> request_key("m", a) == request_key("m", a.but(stage="plan"))
    True
    >>> request_key("m", a) == request_key("m", b)
    False
    """
    content = {
        "model": model,
        "messages": [[message.role, message.content] for message in prompt.messages],
        "parameters": parameters(prompt),
        "seed": prompt.seed,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
