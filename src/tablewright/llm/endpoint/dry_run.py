"""A model that makes no call: it hands back what each prompt says is a usual reply."""

from __future__ import annotations

from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.endpoint.tokens import estimate_usage

__all__ = ["DryRun"]


class DryRun:
    """Answer each prompt with its `expected` text, and count the tokens of both.

    Examples
    --------
    >>> import asyncio
    >>> prompt = Prompt.ask("Ten colours, please.", expected="red, green")
    >>> asyncio.run(DryRun().acomplete(prompt)).usage.completion_tokens
    3
    """

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt without any call."""
        text = prompt.expected or "{}"
        return Reply(text, usage=estimate_usage(prompt, text))
