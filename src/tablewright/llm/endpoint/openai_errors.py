"""Turn what the openai SDK raises into our errors: one sentence, with the remedy."""

from __future__ import annotations

import re
from typing import Any

import openai

from tablewright.errors import (
    ContextLengthError,
    ModelError,
    RateLimitError,
    ReplyFormatError,
)
from tablewright.llm.prompts.display import quoted, shown

__all__ = ["EndpointError", "ParameterError", "translate"]

_CONTEXT = re.compile(
    r"context.{0,20}(length|size|window)|too (long|many tokens)|exceed.{0,30}context",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"response_format|json_schema|json_object|grammar|\bschema\b|structured output|guided",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"\b(max_tokens|max_completion_tokens|temperature|top_p|seed|stream_options|top_logprobs|logprobs)\b"
)
_MODEL = re.compile(r"model", re.IGNORECASE)


class EndpointError(ModelError):
    """The endpoint cannot be used as it is: any other call would fail too."""

    fatal = True


class ParameterError(ModelError):
    """The server does not know a parameter; the call is made again without it."""

    retryable = True

    def __init__(self, name: str) -> None:
        super().__init__(f"the server does not take the parameter {name!r}", retry_after=0.0)
        self.name = name


def translate(error: Exception, model: str, base_url: str, key_name: str) -> ModelError:
    """Return our error for one of the SDK's.

    Parameters
    ----------
    model, base_url, key_name : str
        What the sentence names: model, endpoint and the variable that holds the key.
    """
    place = f"the endpoint {shown(base_url)}"
    if isinstance(error, openai.APITimeoutError):
        timeout = ModelError(
            f"{place} did not answer in time; it may be overloaded", retryable=True
        )
        timeout.billed = True
        return timeout
    if isinstance(error, openai.APIConnectionError):
        return _connection(error, place)
    if isinstance(error, openai.APIStatusError):
        return _status(error, model, place, key_name)
    return ModelError(f"{place} sent what is no chat completion: {shown(str(error), 200)}")


def _connection(error: openai.APIConnectionError, place: str) -> ModelError:
    cause = " ".join(_causes(error))
    if re.search(r"certificate|SSL|TLS", cause):
        return EndpointError(
            f"{place}: TLS fails ({shown(cause, 120)}); add the authority of its certificate to "
            "the system's trust store, or use http:// if the endpoint speaks no TLS"
        )
    return ModelError(
        f"{place} cannot be reached ({shown(cause, 120)}): is it running, and is --base-url right?",
        retryable=True,
    )


def _causes(error: BaseException | None) -> list[str]:
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return texts[-1:]


def _status(error: openai.APIStatusError, model: str, place: str, key_name: str) -> ModelError:
    text, code = _message(error), error.status_code
    if code == 429:
        return _too_many(error, text, place)
    if code in (401, 403):
        return EndpointError(
            f"{place} refuses the key (HTTP {code}); set {key_name} to a key that may use "
            f"{quoted(model)}"
        )
    if code == 404:
        return EndpointError(
            f"{place} knows no model {quoted(model)}, or is no chat-completions endpoint "
            "(a --base-url usually ends in /v1)"
        )
    if code in (408, 409, 425) or code >= 500:
        return _server(text, code, place, _retry_after(error))
    return _rejected(text, code, place, model)


def _rejected(text: str, code: int, place: str, model: str) -> ModelError:
    if _CONTEXT.search(text):
        return ContextLengthError(
            f"the prompt is too long for {quoted(model)}: {shown(text, 160)}; show fewer "
            "examples, ask for fewer rows a call, or take a model with a longer context"
        )
    if named := _PARAMETER.search(text):
        return ParameterError(named[1])
    if _FORMAT.search(text):
        return ReplyFormatError(
            f"{place} rejects the form of reply that was asked for: {shown(text, 160)}"
        )
    if _MODEL.search(text):
        return EndpointError(f"{place} cannot serve {quoted(model)}: {shown(text, 160)}")
    return ModelError(f"{place} rejects the request (HTTP {code}): {shown(text, 160)}")


def _server(text: str, code: int, place: str, retry_after: float | None) -> ModelError:
    if _FORMAT.search(text):
        return ReplyFormatError(f"{place} fails on the form asked for: {shown(text, 160)}")
    return ModelError(
        f"{place} fails with HTTP {code}: {shown(text, 120)}; go on later with the same --run",
        retryable=True,
        retry_after=retry_after,
    )


def _too_many(error: openai.APIStatusError, text: str, place: str) -> ModelError:
    if "insufficient_quota" in text or "billing" in text:
        return EndpointError(
            f"{place} says that the account has no credit left: {shown(text, 120)}"
        )
    return RateLimitError(
        f"{place} asks for fewer calls (HTTP 429)", retry_after=_retry_after(error)
    )


def _retry_after(error: openai.APIStatusError) -> float | None:
    headers = error.response.headers
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return max(0.0, float(headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _message(error: openai.APIStatusError) -> str:
    body: Any = error.body
    if isinstance(body, dict):
        parts = [body.get(name) for name in ("message", "code", "param", "type")]
        return " ".join(str(part) for part in parts if part)
    return str(body or error.message)
