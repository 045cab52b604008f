"""Answers from the ledger: what was paid for once is not paid for again."""

from __future__ import annotations

import asyncio

from tablewright import errors
from tablewright.errors import ModelError, ReplayError
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply
from tablewright.llm.endpoint.budget import CHARGES
from tablewright.llm.endpoint.ledger import Stored, request_key
from tablewright.llm.endpoint.ledger_thread import LedgerThread


class Recorded:
    """Look in the ledger first; two equal requests at a time share one call.

    Parameters
    ----------
    inner : AsyncLLM
        Who is asked where the ledger has no answer; it writes the answer down.
    ledger : LedgerThread
        Where to look.
    model : str
        As the cache key names it.
    replay : bool, default=False
        Whether calls are forbidden; requests that failed fail again in the same way.
    """

    def __init__(
        self, inner: AsyncLLM, ledger: LedgerThread, model: str, replay: bool = False
    ) -> None:
        self.inner, self.ledger, self.model, self.replay = inner, ledger, model, replay
        self._asked: dict[str, asyncio.Task[Reply]] = {}
        self._charged: set[str] = set()

    def waiting(self) -> list[asyncio.Task[Reply]]:
        """Return the requests that have no answer yet."""
        return list(self._asked.values())

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises
        ------
        ReplayError
            If calls are forbidden and the request was not recorded.
        """
        key = request_key(self.model, prompt)
        if key in self._asked:
            return await asyncio.shield(self._asked[key])
        self._asked[key] = asyncio.create_task(self._answer(key, prompt))
        try:
            return await self._asked[key]
        finally:
            del self._asked[key]

    async def _answer(self, key: str, prompt: Prompt) -> Reply:
        stored = await self.ledger.ado(lambda file: file.find(key, failures=self.replay))
        if stored is not None:
            self._charge(key, stored)
            return _replay(stored)
        self._charged.add(key)
        if self.replay:
            raise ReplayError(await self.ledger.ado(lambda file: _missing(file.record, prompt)))
        return await self.inner.acomplete(prompt)

    def _charge(self, key: str, stored: Stored) -> None:
        """Put what a request took in an earlier session in the usage, once."""
        charges = CHARGES.get()
        if charges is not None and key not in self._charged:
            charges.append(stored.charge)
        self._charged.add(key)


def _replay(stored: Stored) -> Reply:
    if stored.reply is not None:
        return stored.reply
    kind = getattr(errors, stored.error, ModelError)
    known = isinstance(kind, type) and issubclass(kind, ModelError)
    error: ModelError = (kind if known else ModelError)(stored.message)
    raise error


def _missing(record: str, prompt: Prompt) -> str:
    if record == "metadata":
        return "the run was recorded without its replies (metadata) and cannot be replayed"
    stage = f" of stage {prompt.stage!r}" if prompt.stage else ""
    return (
        f"a request{stage} is not in the ledger: the run was not finished, or the command, the "
        "data or the seed differ; run it without --replay to make the missing calls"
    )
