"""The layers around one endpoint, outermost first: ledger, form, retry, budget, limiter."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply
from tablewright.llm.endpoint.budget import Budget
from tablewright.llm.endpoint.caps import Caps
from tablewright.llm.endpoint.dry_run import DryRun
from tablewright.llm.endpoint.ledger import Record
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.limiter import Limiter
from tablewright.llm.endpoint.prices import Price
from tablewright.llm.endpoint.recorded import Recorded
from tablewright.llm.endpoint.retry import Retry
from tablewright.llm.endpoint.structured import Structured
from tablewright.llm.prompts.sharing import Share
from tablewright.registry import resolve

__all__ = ["Settings", "Stack"]


@dataclass(frozen=True)
class Settings:
    """All that a client is made from; see `tablewright.llm.connect`."""

    model: str
    provider: str
    base_url: str | None
    share: Share
    caps: Caps
    price: Price | None
    api_key: str | None = field(default=None, repr=False)
    run: Path | None = None
    replay: bool = False
    record: Record = "full"
    redact: Sequence[str] = ()
    concurrency: int = 64
    timeout: float = 120.0
    stream: bool = False
    dry_run: bool = False
    notes: tuple[str, ...] = ()

    @property
    def ledger_path(self) -> Path | None:
        """The file in the run's folder; None keeps the ledger in memory."""
        return None if self.run is None or self.dry_run else self.run / "ledger.sqlite"

    def without_key(self) -> Self:
        """Return a copy that holds no secret."""
        return replace(self, api_key=None)

    def as_facts(self) -> Mapping[str, Any]:
        """Return what ledger and manifest say of the settings; no secret."""
        return {
            "model": self.model,
            "provider": self.provider,
            "endpoint": self.base_url,
            "share": self.share,
            "redact": list(self.redact),
            "price": None if self.price is None else [self.price.prompt, self.price.completion],
            "price source": "not known" if self.price is None else self.price.source,
        }


class Stack:
    """One endpoint inside its layers.

    Parameters
    ----------
    settings : Settings
        What to build.
    ledger : LedgerThread
        Where calls are written down.
    """

    def __init__(self, settings: Settings, ledger: LedgerThread) -> None:
        self.endpoint = _endpoint(settings)
        model = settings.model
        self._started: set[asyncio.Task[Any]] = set()
        self.limiter = Limiter(self.endpoint, settings.concurrency, self._started)
        caps = settings.caps
        self.budget = Budget(self.limiter, ledger, model, settings.price, caps, self._started)
        form = Structured(Retry(self.budget), ledger, model)
        self.recorded = Recorded(form, ledger, model, settings.replay)
        facts = settings.as_facts()
        if not settings.replay:
            begun = {f"settings:{model}": facts, "finished": False, "cap": None}
            ledger.submit(lambda file: file.set_all_meta(begun))

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt through all layers."""
        return await self.recorded.acomplete(prompt)

    def stop(self) -> None:
        """Start no call any more; drop what waits, leave what is in flight."""
        self.budget.stopping = True
        for task in self.recorded.waiting():
            if task not in self._started:
                task.cancel()

    def resume(self) -> None:
        """Take calls again."""
        self.budget.stopping = False

    async def aclose(self) -> None:
        """Close the endpoint's connections."""
        close = getattr(self.endpoint, "aclose", None)
        if close is not None:
            await close()


def _endpoint(settings: Settings) -> AsyncLLM:
    if settings.dry_run:
        return DryRun()
    provider = resolve("llms", settings.provider)
    endpoint: AsyncLLM = provider(
        settings.model,
        base_url=settings.base_url,
        api_key=settings.api_key,
        timeout=settings.timeout,
        stream=settings.stream,
    )
    return endpoint
