"""Any endpoint that speaks OpenAI's chat completions: the only file that makes requests."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tablewright.display import public_url, redact
from tablewright.errors import ContextLengthError, InvalidReplyError, ModelError, SlowReplyError
from tablewright.llm.endpoint.base import Charge, Prompt, Reply
from tablewright.llm.endpoint.hosts import (
    OPENAI,
    authorization,
    check_url,
    is_loopback,
    is_provider,
    key_for,
    secrets_of,
)
from tablewright.llm.endpoint.http import Head, Http, Limit
from tablewright.llm.endpoint.refusals import EndpointError, ParameterError, Refusals
from tablewright.llm.endpoint.replies import ReplyReader, error_text
from tablewright.llm.endpoint.tokens import estimate_usage

_PROBE_SECONDS = 3.0

_NO_COMPLETION = (400, 404, 405, 410, 415, 422, 501)
"""What servers answer that do not complete plain text, or not with this model."""


class OpenAICompatible:
    """An endpoint whose replies are streamed, and bounded in time and size.

    Parameters
    ----------
    model : str
        As the endpoint names it.
    base_url : str, default="https://api.openai.com/v1"
    api_key : str or None, default=None
        None takes `key_env`, else the provider's own variable at the provider's own host.
    timeout : float, default=120.0
        Seconds without progress before a call ends. The first token may take five times as
        long, and a whole reply fifteen times.
    key_env : str or None, default=None
        Variable that holds the key.
    allow_http : bool, default=False
        Whether the key may be sent without TLS to another machine.
    uds : str or None, default=None
        Unix socket to connect to, whatever host the address names.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 120.0,
        key_env: str | None = None,
        allow_http: bool = False,
        uds: str | None = None,
    ) -> None:
        self.model, self.base_url = model, check_url(base_url or OPENAI)
        self.key, remedy = key_for(self.base_url, api_key, key_env)
        self.refusals = Refusals(public_url(self.base_url), model, remedy)
        self.secrets = secrets_of(self.base_url, self.key)
        self.seconds_left: Callable[[], float] = lambda: math.inf
        self.n_pieces = 0
        self._allow_http = allow_http
        self._unknown: set[str] = set()
        self._completes = not is_provider(self.base_url)
        self._answered = False
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            **authorization(self.base_url, self.key),
        }
        self.http = Http(self.base_url, headers, timeout, lambda: self.seconds_left(), uds)

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt with one request.

        Raises
        ------
        ModelError
            If the endpoint fails; one of its subclasses where the remedy differs.
        """
        self._check_key()
        try:
            return await self._ask(prompt)
        except ModelError as error:
            raise self._redacted(error) from None

    async def slots(self) -> int | None:
        """Return how many calls the server says it serves at a time (llama.cpp); None: unknown."""
        if is_provider(self.base_url):
            return None
        root = Http(self.base_url.removesuffix("/").removesuffix("/v1"), self.http.headers, 3.0,
                    self.seconds_left)  # fmt: skip
        body = _Body(self)
        try:
            head = await root.get("/props", lambda head: body, _PROBE_SECONDS)
            facts = json.loads(body.head.decode()) if head.status == 200 else {}
            n_slots = facts.get("total_slots") if isinstance(facts, dict) else None
        except Exception:  # only an optional question: whatever goes wrong leaves it unanswered
            return None
        finally:
            await root.aclose()
        return n_slots if isinstance(n_slots, int) and 1 <= n_slots <= 1024 else None

    def cut(self) -> None:
        """End all calls now; what they have brought so far is returned."""
        self.http.cut()

    async def aclose(self) -> None:
        """Close the connections."""
        await self.http.aclose()

    async def _ask(self, prompt: Prompt) -> Reply:
        body, began, cut = _Body(self), time.monotonic(), ""
        completing = bool(prompt.completion) and self._completes
        path = "/completions" if completing else "/chat/completions"
        content = json.dumps(self._arguments(prompt, completing)).encode()
        head: Head | None = None

        def started(found: Head) -> _Body:
            nonlocal head
            head = found
            return body

        try:
            await self.http.post(path, content, started)
        except Limit as limit:
            cut = str(limit)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            cut = self._broken(error, head)
        if head is not None and not 200 <= head.status < 300:
            refused = self._refused(head, body)
            known = isinstance(refused, ContextLengthError | ParameterError)
            if completing and head.status in _NO_COMPLETION and not known:
                without = prompt.grammar and "grammar" not in self._unknown
                if without:
                    self._unknown.add("grammar")
                else:
                    self._completes = False
                return await self._ask(prompt)
            raise refused
        if head is None:
            raise self._slow(cut)
        reply = self._read(prompt, body, cut)
        self._answered = True
        return replace(
            reply,
            text=redact(reply.text, self.secrets),
            model=redact(reply.model, self.secrets),
            logprobs=tuple(self._redacted_tokens(each) for each in reply.logprobs),
            first_token=body.first_token(began),
        )

    def _read(self, prompt: Prompt, body: _Body, cut: str) -> Reply:
        try:
            return body.reply(prompt, bool(cut))
        except InvalidReplyError as error:
            if body.error is not None and not body.text:
                raise self._error_in(body, prompt) from None
            if cut:
                raise self._slow(cut, Charge(1, estimate_usage(prompt, body.text))) from None
            raise error

    def _error_in(self, body: _Body, prompt: Prompt) -> ModelError:
        """Return the error that came as if it were a reply."""
        code = body.error.get("code") if isinstance(body.error, dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else 500
        error = self.refusals.of_status(status, error_text(body.error), {})
        error.charge = Charge(1, estimate_usage(prompt, ""))
        return error

    def _broken(self, error: Exception, head: Head | None) -> str:
        import httpx2

        sent = not isinstance(
            error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout
        )
        if head is not None:
            return "the connection broke"
        ours = self.refusals.of_connection(error, sent)
        if not sent and not self._answered and not ours.fatal:
            raise EndpointError(str(ours)) from error
        raise ours from error

    def _slow(self, why: str, charge: Charge | None = None) -> SlowReplyError:
        error = SlowReplyError(
            f"{self.refusals.place} did not finish a usable reply: {why}; ask for fewer rows a "
            "call, lower --concurrency, or allow more time with --timeout"
        )
        error.charge = charge
        return error

    def _refused(self, head: Head, body: _Body) -> ModelError:
        text = body.head.decode("utf-8", "replace")
        with suppress(ValueError, RecursionError):
            text = error_text(json.loads(text))
        error = self.refusals.of_status(head.status, redact(text, self.secrets), head.headers)
        if isinstance(error, ParameterError):
            self._unknown.add(error.name)
        return error

    def _redacted_tokens(self, likeliest: Mapping[str, float]) -> Mapping[str, float]:
        return {redact(token, self.secrets): value for token, value in likeliest.items()}

    def _redacted(self, error: ModelError) -> ModelError:
        error.args = tuple(redact(str(part), self.secrets) for part in error.args)
        return error

    def _check_key(self) -> None:
        if self.key is None and is_provider(self.base_url):
            raise EndpointError(f"no key for {self.refusals.url}; set {self.refusals.remedy}")
        clear = self.base_url.startswith("http:") and not is_loopback(self.base_url)
        if "Authorization" in self.http.headers and clear and not self._allow_http:
            raise EndpointError(
                f"the key would be sent to {self.refusals.url} without encryption; use https://, "
                "or --allow-http if you trust every machine on the way"
            )

    def _arguments(self, prompt: Prompt, completing: bool) -> dict[str, Any]:
        """Translate a prompt; what the server was seen to reject is left out or renamed."""
        longest = "max_completion_tokens" if "max_tokens" in self._unknown else "max_tokens"
        settings = {
            "stream": True,
            "stream_options": {"include_usage": True} if "stream" not in self._unknown else None,
            "temperature": prompt.temperature,
            "top_p": prompt.top_p,
            "seed": _sent_seed(prompt),
            longest: prompt.max_tokens,
            "response_format": _response_format(prompt),
            "logprobs": True if prompt.top_logprobs else None,
            "top_logprobs": prompt.top_logprobs or None,
        }
        kept = {
            name: value
            for name, value in settings.items()
            if value is not None and name not in self._unknown
        }
        if completing:
            ends = {"stop": [prompt.stop]} if prompt.stop else {}
            knows = bool(prompt.grammar) and "grammar" not in self._unknown
            form = {"grammar": prompt.grammar} if knows else {}
            return {"model": self.model, "prompt": prompt.completion, **ends, **form, **kept}
        messages = [{"role": item.role, "content": item.content} for item in prompt.messages]
        return {"model": self.model, "messages": messages, **kept}


class _Body(ReplyReader):
    """A reply as it comes, with the time of its first piece."""

    def __init__(self, endpoint: OpenAICompatible) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._first = 0.0

    def feed(self, data: bytes) -> None:
        """Read on."""
        before = self.n_pieces
        super().feed(data)
        if self.n_pieces > before and self.is_stream:
            self._first = self._first or time.monotonic()
            self._endpoint.n_pieces += self.n_pieces - before

    def first_token(self, began: float) -> float:
        """Seconds until the first piece of a stream; 0 where the reply came whole."""
        return self._first - began if self._first else 0.0


def _sent_seed(prompt: Prompt) -> int:
    """Seeds of attempts differ, or a server that keeps to seeds would repeat a useless reply."""
    return (prompt.seed + 1_000_003 * prompt.attempt) % 2**31


def _response_format(prompt: Prompt) -> dict[str, Any] | None:
    if prompt.schema is None or prompt.step == "text":
        return None
    if prompt.step == "json":
        return {"type": "json_object"}
    schema = {"name": "reply", "strict": True, "schema": dict(prompt.schema)}
    return {"type": "json_schema", "json_schema": schema}
