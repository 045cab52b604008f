"""The layers around one endpoint, outermost first: ledger, form, retry, budget, limiter."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from tablewright.display import public_url
from tablewright.llm.endpoint.base import AsyncLLM, Prompt, Reply
from tablewright.llm.endpoint.budget import Budget
from tablewright.llm.endpoint.hosts import secrets_of
from tablewright.llm.endpoint.ledger import Caps, Record
from tablewright.llm.endpoint.ledger_thread import LedgerThread
from tablewright.llm.endpoint.limiter import Limiter
from tablewright.llm.endpoint.metering import Activity
from tablewright.llm.endpoint.prices import Price
from tablewright.llm.endpoint.recorded import Recorded
from tablewright.llm.endpoint.retry import Retry
from tablewright.llm.endpoint.scripted import DryRun
from tablewright.llm.endpoint.structured import Structured
from tablewright.llm.prompts.sharing import Share
from tablewright.registry import resolve


@dataclass(frozen=True)
class Settings:
    """All that a client is made from; see `tablewright.llm.connect`."""

    model: str
    provider: str
    base_url: str | None = field(repr=False)
    share: Share
    caps: Caps
    price: Price | None
    api_key: str | None = field(default=None, repr=False)
    run: Path | None = None
    replay: bool = False
    record: Record = "full"
    redact: Sequence[str] = ()
    concurrency: int | None = None
    timeout: float = 120.0
    dry_run: bool = False
    notes: tuple[str, ...] = ()
    key_env: str | None = None
    allow_http: bool = False
    temperature: float | None = None
    top_p: float | None = None
    max_reply_tokens: int | None = None

    @property
    def ledger_path(self) -> Path | None:
        """The file in the run's folder; None keeps the ledger in memory."""
        return None if self.run is None or self.dry_run else self.run / "ledger.sqlite"

    def without_key(self) -> Self:
        """Return a copy that holds no secret."""
        url = self.base_url
        if url is not None and secrets_of(url, None):
            url = public_url(url)
        return replace(self, api_key=None, base_url=url)

    def as_facts(self) -> Mapping[str, Any]:
        """Return what ledger and manifest say of the settings; no secret."""
        return {
            "model": self.model,
            "provider": self.provider,
            "endpoint": None if self.base_url is None else public_url(self.base_url),
            "share": self.share,
            "redact": list(self.redact),
            "price": None if self.price is None else [self.price.prompt, self.price.completion],
            "price source": "not known" if self.price is None else self.price.source,
        }


_GRACE_SECONDS = 5.0
"""Seconds after the last minute in which an endpoint that can hands over what it has."""


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
        slots = getattr(self.endpoint, "slots", None)
        self.limiter = Limiter(self.endpoint, settings.concurrency, self._started, slots)
        grace = _GRACE_SECONDS if hasattr(self.endpoint, "cut") else 0.0
        self.budget = Budget(
            self.limiter, ledger, model, settings.price, settings.caps, self._started, grace=grace
        )
        if hasattr(self.endpoint, "seconds_left"):
            self.endpoint.seconds_left = self.budget.seconds_left
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

    def cut(self) -> None:
        """End the calls in flight; an endpoint that can hands over what they have brought."""
        if hasattr(self.endpoint, "cut"):
            self.endpoint.cut()

    def activity(self) -> Activity:
        """Return what is under way."""
        return Activity(self.limiter.limit.active, getattr(self.endpoint, "n_pieces", 0))

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
    more = {"key_env": settings.key_env, "allow_http": settings.allow_http}
    endpoint: AsyncLLM = provider(
        settings.model,
        base_url=settings.base_url,
        api_key=settings.api_key,
        timeout=settings.timeout,
        **(more if settings.provider == "openai" else {}),
    )
    return endpoint
