"""Any endpoint that speaks OpenAI's chat completions: the only file that makes requests."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

from tablewright.errors import MissingExtraError, ModelError
from tablewright.llm.endpoint.base import Prompt, Reply, Usage
from tablewright.llm.endpoint.hosts import api_key_for, is_loopback
from tablewright.llm.endpoint.tokens import estimate_usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAICompatible"]

_PUBLIC = "https://api.openai.com/v1"


class OpenAICompatible:
    """An endpoint reached through the openai SDK, whose own retries are off.

    Parameters
    ----------
    model : str
        As the endpoint names it.
    base_url : str or None, default=None
        None takes ``OPENAI_BASE_URL``, else OpenAI's own.
    api_key : str or None, default=None
        None takes the provider's variable, else ``OPENAI_API_KEY``; a loopback endpoint
        needs none.
    timeout : float, default=120.0
        Seconds that a reply may take.
    stream : bool, default=False
        Whether the reply is sent piece by piece, for proxies that cut quiet connections.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 120.0,
        stream: bool = False,
    ) -> None:
        self.model = model
        self.base_url = base_url or os.environ.get("OPENAI_BASE_URL") or _PUBLIC
        self.timeout, self.stream = timeout, stream
        self._api_key = api_key
        self._unknown: set[str] = set()
        self._answered = False
        self._client: AsyncOpenAI | None = None

    async def acomplete(self, prompt: Prompt) -> Reply:
        """Answer one prompt with one request.

        Raises
        ------
        ModelError
            If the endpoint fails; one of its subclasses where the remedy differs.
        """
        client = self._connected()
        async with self._translated():
            if self.stream and not prompt.top_logprobs:
                return await self._streamed(client, prompt)
            # The typed method takes twice the CPU time for the same request.
            body = self._arguments(prompt)
            response = await client.post("/chat/completions", cast_to=object, body=body)
            self._answered = True
            return _reply(prompt, response)

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _connected(self) -> AsyncOpenAI:
        if self._client is None:
            try:
                import openai
            except ImportError as error:
                raise MissingExtraError("A language model", "llm") from error
            self._client = openai.AsyncOpenAI(
                api_key=self._key(), base_url=self.base_url, timeout=self.timeout, max_retries=0
            )
        return self._client

    def _key(self) -> str:
        found, name = api_key_for(self.base_url)
        key = self._api_key or found
        if key is None and not is_loopback(self.base_url):
            from tablewright.llm.endpoint.openai_errors import EndpointError

            raise EndpointError(f"no key for {self.base_url}; set the variable {name}")
        return key or "none"

    def _arguments(self, prompt: Prompt) -> dict[str, Any]:
        """Translate a prompt; what the server was seen to reject is left out or renamed."""
        longest = "max_completion_tokens" if "max_tokens" in self._unknown else "max_tokens"
        settings = {
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
        messages = [{"role": item.role, "content": item.content} for item in prompt.messages]
        return {"model": self.model, "messages": messages, **kept}

    async def _streamed(self, client: AsyncOpenAI, prompt: Prompt) -> Reply:
        arguments = self._arguments(prompt)
        if "stream_options" not in self._unknown:
            arguments["stream_options"] = {"include_usage": True}
        pieces: list[str] = []
        finish, usage, model = "stop", None, self.model
        async for chunk in await client.chat.completions.create(**arguments, stream=True):
            usage, model = chunk.usage or usage, chunk.model or model
            for choice in chunk.choices:
                pieces.append(choice.delta.content or "")
                finish = choice.finish_reason or finish
        self._answered = True
        text = "".join(pieces)
        counts = usage.model_dump() if usage else None
        return Reply(text, _finish(finish), model, _usage(prompt, text, counts))

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        import openai

        from tablewright.llm.endpoint.openai_errors import EndpointError, ParameterError, translate

        try:
            yield
        except openai.OpenAIError as error:
            ours = translate(error, self.model, self.base_url, api_key_for(self.base_url)[1])
            if isinstance(ours, ParameterError):
                self._unknown.add(ours.name)
            unreachable = isinstance(error, openai.APIConnectionError) and not ours.billed
            if unreachable and not self._answered:
                raise EndpointError(str(ours)) from error
            raise ours from error


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


def _reply(prompt: Prompt, response: Any) -> Reply:
    """Read an answer; servers differ in what they leave out."""
    choices = response.get("choices") if isinstance(response, dict) else None
    if not choices:
        raise ModelError("the endpoint sent a reply without an answer in it", retryable=True)
    message = choices[0].get("message") or {}
    text = str(message.get("content") or "")
    finish = "refusal" if message.get("refusal") else _finish(choices[0].get("finish_reason"))
    usage = _usage(prompt, text, response.get("usage"))
    logprobs = _logprobs(choices[0].get("logprobs"))
    return Reply(text, finish, str(response.get("model") or ""), usage, logprobs=logprobs)


def _logprobs(found: Any) -> tuple[dict[str, float], ...]:
    """Read the likeliest tokens of each position; whatever is no log-probability is left out."""
    tokens = (found.get("content") or []) if isinstance(found, dict) else []
    return tuple(_likeliest(token.get("top_logprobs") or []) for token in tokens)


def _likeliest(entries: Any) -> dict[str, float]:
    pairs = ((entry.get("token"), entry.get("logprob")) for entry in entries)
    return {
        token: float(value)
        for token, value in pairs
        if isinstance(token, str) and isinstance(value, int | float) and value <= 1e-6
    }


def _finish(reason: str | None) -> Literal["stop", "length", "refusal"]:
    if reason == "length":
        return "length"
    return "refusal" if reason == "content_filter" else "stop"


def _usage(prompt: Prompt, text: str, usage: Any) -> Usage:
    counts = usage or {}
    read, written = counts.get("prompt_tokens"), counts.get("completion_tokens")
    if not read or written is None:
        return estimate_usage(prompt, text)
    return Usage(int(read), int(written))
