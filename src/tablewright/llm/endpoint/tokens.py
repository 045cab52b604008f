"""How long a text is in tokens, where nobody has counted."""

from __future__ import annotations

from tablewright.llm.endpoint.base import Prompt, Usage

_PER_MESSAGE = 4
"""Tokens that chat templates put around a message."""


def estimate_tokens(text: str) -> int:
    """Estimate tokens: a quarter of the ASCII characters, one for each other character.

    Examples
    --------
    >>> estimate_tokens("age,city"), estimate_tokens("年齢")
    (2, 2)
    """
    foreign = sum(not character.isascii() for character in text)
    return -(-(len(text) - foreign) // 4) + foreign


def prompt_tokens(prompt: Prompt) -> int:
    """Estimate the tokens of all messages, with what chat templates add."""
    return sum(estimate_tokens(message.content) + _PER_MESSAGE for message in prompt.messages)


def estimate_usage(prompt: Prompt, reply: str) -> Usage:
    """Estimate what a call has used, for endpoints that do not say."""
    return Usage(prompt_tokens(prompt), estimate_tokens(reply), counted=False)
