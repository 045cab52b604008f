"""Models that make no call: one answers from a list, one with what a usual reply looks like."""

from __future__ import annotations

from collections.abc import Iterable

from tablewright.errors import ModelError
from tablewright.llm.endpoint.base import Prompt, Reply
from tablewright.llm.endpoint.tokens import estimate_usage


class Scripted:
    """Give the listed replies, one after the other.

    Parameters
    ----------
    replies : iterable of str, Reply or ModelError
        What to answer; errors are raised.

    Attributes
    ----------
    prompts : list of Prompt
        What was asked.

    Examples
    --------
    >>> Scripted(["blue"]).complete(Prompt.ask("Name a colour.")).text
    'blue'
    """

    def __init__(self, replies: Iterable[str | Reply | ModelError]) -> None:
        self._replies = iter(replies)
        self.prompts: list[Prompt] = []

    def complete(self, prompt: Prompt) -> Reply:
        """Answer with the next reply.

        Raises
        ------
        ModelError
            If the list says so, or is at its end.
        """
        self.prompts.append(prompt)
        reply = next(self._replies, None)
        if reply is None:
            raise ModelError(f"the script has no reply number {len(self.prompts)}")
        if isinstance(reply, ModelError):
            raise reply
        return Reply(reply) if isinstance(reply, str) else reply

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer with the next reply, inside an event loop."""
        return self.complete(prompt)


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
        logprobs = ({text: 0.0},) if prompt.top_logprobs else ()
        return Reply(text, usage=estimate_usage(prompt, text), logprobs=logprobs)
