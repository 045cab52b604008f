"""Turn what an endpoint refuses, and what breaks on the way, into errors with the remedy."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from tablewright.display import public_url, quoted, shown
from tablewright.errors import ContextLengthError, ModelError, RateLimitError, ReplyFormatError

MAX_RETRY_AFTER = 120.0
"""Seconds that an endpoint may ask us to wait; who asks for more is not waited for."""

_CONTEXT = re.compile(
    r"context.{0,20}(length|size|window)|too (long|many tokens)|exceed.{0,30}context",
    re.IGNORECASE,
)
_FORMAT = re.compile(
    r"response_format|json_schema|json_object|grammar|\bschema\b|structured output|guided",
    re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"\b(max_tokens|max_completion_tokens|temperature|top_p|seed|stream_options|top_logprobs"
    r"|logprobs|stream)\b"
)
_CREDIT = re.compile(r"insufficient_quota|billing", re.IGNORECASE)


class EndpointError(ModelError):
    """The endpoint cannot be used as it is: any other call would fail too."""

    fatal = True


class ParameterError(ModelError):
    """The server does not know a parameter; the call is made again without it."""

    retryable = True

    def __init__(self, name: str) -> None:
        super().__init__(f"the server does not take the parameter {name!r}", retry_after=0.0)
        self.name = name


@dataclass(frozen=True)
class Refusals:
    """Says what went wrong at one endpoint.

    Parameters
    ----------
    url : str
        The address as it may be shown.
    model : str
    remedy : str
        What to set for another key.
    """

    url: str
    model: str
    remedy: str

    @property
    def place(self) -> str:
        """The subject of every sentence."""
        return f"the endpoint {shown(self.url)}"

    def of_status(self, status: int, text: str, headers: Mapping[str, str]) -> ModelError:
        """Return the error for an answer that is none."""
        wait = _retry_after(headers)
        if 300 <= status < 400 and "location" in headers:
            return self._redirect(headers["location"])
        if status == 429:
            return self._too_many(text, wait)
        if status in (401, 403):
            return self._key(status)
        if status == 404:
            return EndpointError(
                f"{self.place} knows no model {quoted(self.model)}, or is no chat-completions "
                "endpoint (a --base-url usually ends in /v1)"
            )
        if status in (408, 409, 425) or status >= 500:
            return self._server(text, status, wait)
        return self._rejected(text, status)

    def of_connection(self, error: BaseException, sent: bool) -> ModelError:
        """Return the error for a connection that failed.

        Parameters
        ----------
        sent : bool
            Whether the request had left: then it may have been paid for.
        """
        cause = shown(_causes(error), 120)
        if re.search(r"certificate|SSL|TLS", cause):
            return EndpointError(
                f"{self.place}: TLS fails ({cause}); add the authority of its certificate to the "
                "system's trust store, or use http:// if the endpoint speaks no TLS"
            )
        if not sent:
            return ModelError(
                f"{self.place} cannot be reached ({cause}): is it running, and is --base-url "
                "right?",
                retryable=True,
            )
        lost = ModelError(f"{self.place} broke the connection ({cause})", retryable=True)
        lost.billed = True
        return lost

    def _redirect(self, target: str) -> ModelError:
        return EndpointError(
            f"{self.place} sends on to {quoted(public_url(target))}; that is not followed, for "
            "the rows would go there too: give that address as --base-url if you trust it"
        )

    def _key(self, status: int) -> ModelError:
        return EndpointError(
            f"{self.place} refuses the key (HTTP {status}); set {self.remedy} to a key that may "
            f"use {quoted(self.model)}"
        )

    def _too_many(self, text: str, wait: float | None) -> ModelError:
        if _CREDIT.search(text):
            return EndpointError(
                f"{self.place} says that the account has no credit left: {shown(text, 120)}"
            )
        if wait is not None and wait > MAX_RETRY_AFTER:
            return self._too_long(wait)
        return RateLimitError(f"{self.place} asks for fewer calls (HTTP 429)", retry_after=wait)

    def _too_long(self, wait: float) -> ModelError:
        return EndpointError(
            f"{self.place} asks to be left alone for {wait:,.10g} s, which is more than "
            f"{MAX_RETRY_AFTER:g} s; go on later with the same --run"
        )

    def _server(self, text: str, status: int, wait: float | None) -> ModelError:
        if _FORMAT.search(text):
            return ReplyFormatError(f"{self.place} fails on the form asked for: {shown(text, 160)}")
        if wait is not None and wait > MAX_RETRY_AFTER:
            return self._too_long(wait)
        return ModelError(
            f"{self.place} fails with HTTP {status}: {shown(text, 120)}; go on later with the "
            "same --run",
            retryable=True,
            retry_after=wait,
        )

    def _rejected(self, text: str, status: int) -> ModelError:
        if _CONTEXT.search(text):
            return ContextLengthError(
                f"the prompt is too long for {quoted(self.model)}: {shown(text, 160)}; show fewer "
                "examples, ask for fewer rows a call, or take a model with a longer context"
            )
        if named := _PARAMETER.search(text):
            return ParameterError(named[1])
        kinds: tuple[tuple[re.Pattern[str], Callable[[str], ModelError], str], ...] = (
            (_FORMAT, ReplyFormatError, "rejects the form of reply that was asked for"),
            (
                re.compile("model", re.IGNORECASE),
                EndpointError,
                f"cannot serve {quoted(self.model)}",
            ),
        )
        for pattern, kind, sentence in kinds:
            if pattern.search(text):
                return kind(f"{self.place} {sentence}: {shown(text, 160)}")
        return ModelError(f"{self.place} rejects the request (HTTP {status}): {shown(text, 160)}")


def _causes(error: BaseException | None) -> str:
    text = ""
    while error is not None:
        text = str(error) or type(error).__name__
        error = error.__cause__ or error.__context__
    return text


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait; None where the header is missing or says nothing usable."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = _seconds(headers["retry-after"])
    except (KeyError, ValueError, OverflowError):
        return None
    return None if math.isnan(seconds) else max(0.0, seconds)


def _seconds(text: str) -> float:
    """Read a number of seconds, or the date until which to wait."""
    try:
        return float(text)
    except ValueError:
        until = parsedate_to_datetime(text)
        return until.timestamp() - time.time()
