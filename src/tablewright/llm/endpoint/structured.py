"""Hold a reply to a form in steps: JSON Schema, JSON mode, plain text.

The first call with a schema finds out what the server takes; the answer is remembered in
the ledger. Whatever the step, replies are read and checked on our side.
"""

from __future__ import annotations

import asyncio

from tablewright.errors import ReplyFormatError
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply, Step
from tablewright.llm.endpoint.ledger_thread import LedgerThread

_STEPS: tuple[Step, ...] = ("schema", "json", "text")


class Structured:
    """Ask for a schema as strictly as the server allows.

    Parameters
    ----------
    inner : AsyncLLM
        What is called.
    ledger : LedgerThread
        Where the step that a model takes is remembered.
    model : str
        Name of the model.
    """

    def __init__(self, inner: AsyncLLM, ledger: LedgerThread, model: str) -> None:
        self.inner, self.ledger, self._fact = inner, ledger, f"step:{model}"
        self.step: Step | None = None
        self._probing = asyncio.Lock()

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt at the strictest step that the server takes.

        Raises
        ------
        ReplyFormatError
            If the server rejects even plain text.
        """
        if prompt.schema is None:
            return await self.inner.acomplete(prompt.but(step="text"))
        if self.step is None:
            async with self._probing:
                if self.step is None:
                    self.step = await self.ledger.ado(lambda file: file.get_meta(self._fact))
                if self.step is None:
                    return await self._descend(prompt, "schema")
        return await self._descend(prompt, self.step)

    async def _descend(self, prompt: Prompt, step: Step) -> Reply:
        try:
            reply = await self.inner.acomplete(prompt.but(step=step))
        except ReplyFormatError:
            if step == "text":
                raise
            return await self._descend(prompt, _STEPS[_STEPS.index(step) + 1])
        if self.step != step:
            self.step = step
            await self.ledger.ado(lambda file: file.set_meta(self._fact, step))
        return reply
