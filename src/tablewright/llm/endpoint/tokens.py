"""How long a text is in tokens, where nobody has counted."""

from __future__ import annotations

import math
import re

from tablewright.llm.endpoint.base import Prompt, Usage

_PER_MESSAGE = 4
"""Tokens that chat templates put around a message."""


_PIECES = re.compile(r"[A-Za-z]+|[0-9]+|\s+|[!-/:-@\[-`{-~]+|.", re.DOTALL)


def estimate_tokens(text: str) -> int:
    """Estimate tokens from the words, digits and signs of a text.

    Fitted to the tokenizers of SmolLM2, Gemma 3 and Qwen 2.5 on CSV, JSON, a schema and prose:
    within a factor of 1.17 on each. A quarter of the characters is 2 to 4 times too low on
    numbers, since most tokenizers give each digit a token.

    Examples
    --------
    >>> estimate_tokens("age,city"), estimate_tokens("52.75"), estimate_tokens("年齢")
    (3, 5, 2)
    """
    return math.ceil(sum(map(_cost, _PIECES.findall(text))))


def _cost(piece: str) -> float:
    first = piece[0]
    if not first.isascii():
        return len(piece)
    if first.isalpha():
        return max(1.0, len(piece) / 5)
    if first.isdigit():
        return 0.9 * len(piece)
    if first.isspace():
        return 0.0 if piece == " " else 1.0
    return 0.6 + 0.3 * len(piece)


def prompt_tokens(prompt: Prompt) -> int:
    """Estimate the tokens of all messages, with what chat templates add."""
    return sum(estimate_tokens(message.content) + _PER_MESSAGE for message in prompt.messages)


def estimate_usage(prompt: Prompt, reply: str) -> Usage:
    """Estimate what a call has used, for endpoints that do not say."""
    return Usage(prompt_tokens(prompt), estimate_tokens(reply), counted=False)
