"""Read what an endpoint sends back, in one piece or many: a reply, or one error of ours."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

from tablewright.display import shown
from tablewright.errors import InvalidReplyError
from tablewright.llm.endpoint.base import Charge, Prompt, Reply, Usage
from tablewright.llm.endpoint.tokens import estimate_usage

Finish = Literal["stop", "length", "cut", "refusal"]

_HEAD = 2**16
_BLANK = b" \t\r\n\xef\xbb\xbf"
_MAX_COMPLETION = 200_000
_MAX_TOKEN = 200
"""Tokens that a model may have thought without showing them; characters of one token."""


class ReplyReader:
    """Takes the body of an answer as it comes, and keeps what can be used of it.

    Attributes
    ----------
    n_pieces : int
        Pieces of the reply so far.
    done : bool
        Whether the reply is complete, though the connection may stay open.
    head : bytearray
        The first bytes of the body.
    """

    def __init__(self) -> None:
        self.n_pieces = 0
        self.done = False
        self.head, self.body = bytearray(), bytearray()
        self.error: Any = None
        self._events: bool | None = None
        self._texts: list[str] = []
        self._logprobs: list[dict[str, float]] = []
        self._refused = self._answered = False
        self._reason: str | None = None
        self._usage: Any = None
        self._model = ""

    def feed(self, data: bytes) -> None:
        """Read on."""
        self.head += data[: max(0, _HEAD - len(self.head))]
        data = data if self.body else data.lstrip(_BLANK)
        self.body += data
        if self._events is None and self.body:
            self._events = self.body[:1] not in b"{[<"
        if self._events is False:
            self.n_pieces += 1
        elif b"\n" in data or b"\r" in data:
            *lines, rest = self.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            self.body = rest
            for line in lines:
                self._line(bytes(line))

    @property
    def is_stream(self) -> bool:
        """Whether the reply comes in events."""
        return bool(self._events)

    @property
    def text(self) -> str:
        """What the model has written so far; half characters are replaced."""
        joined = "".join(self._texts)
        return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def reply(self, prompt: Prompt, cut: bool = False) -> Reply:
        """Return the reply.

        Parameters
        ----------
        cut : bool, default=False
            Whether the answer ended before its time.

        Raises
        ------
        InvalidReplyError
            If there is no answer in it; its charge is what the call took.
        """
        if self._events:
            self._line(bytes(self.body))
        elif not cut:
            self._whole()
        text = self.text
        usage = _usage(prompt, text, self._usage)
        broken = cut or bool(self._events and not (self.done or self._reason))
        if not self._answered or (broken and not text.strip()):
            raise _no_answer(self._trouble(), usage)
        finish: Finish = "cut" if broken else "refusal" if self._refused else _finish(self._reason)
        return Reply(text, finish, self._model, usage, logprobs=tuple(self._logprobs))

    def _trouble(self) -> str:
        if self.error is not None:
            return f"it says: {shown(error_text(self.error), 160)}"
        start = self.head[:80].decode("utf-8", "replace").strip()
        return f"it begins with {shown(start, 60)!r}" if start else "it is empty"

    def _whole(self) -> None:
        self._take(_parsed(bytes(self.body)), "message")

    def _line(self, line: bytes) -> None:
        if self.done or not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == b"[DONE]":
            self.done = True
        elif data:
            self._take(_parsed(data), "delta")

    def _take(self, event: Any, part: str) -> None:
        if not isinstance(event, Mapping):
            return
        self.error = event.get("error") or self.error
        self._usage = event.get("usage") or self._usage
        if isinstance(event.get("model"), str):
            self._model = shown(event["model"], 200)
        choices = event.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(choice, Mapping):
            self._choose(choice, part)

    def _choose(self, choice: Mapping[str, Any], part: str) -> None:
        other = "message" if part == "delta" else "delta"
        message = choice.get(part) or choice.get(other) or {"content": choice.get("text")}
        if isinstance(message, Mapping):
            self._answered = self._answered or "content" in message or part == "delta"
            self._refused = self._refused or bool(message.get("refusal"))
            self._add(_content(message.get("content")), message)
        self._logprobs += read_logprobs(choice.get("logprobs"))
        reason = choice.get("finish_reason")
        self._reason = reason if isinstance(reason, str) else self._reason

    def _add(self, text: str, message: Mapping[str, Any]) -> None:
        """Add a piece; thoughts are progress too, though nothing of them is kept."""
        thought = message.get("reasoning_content") or message.get("reasoning")
        if text or thought:
            self.n_pieces += 1
        if text:
            self._texts.append(text)


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "".join(text for text in texts if isinstance(text, str))


def _no_answer(trouble: str, usage: Usage) -> InvalidReplyError:
    error = InvalidReplyError(
        f"the endpoint sent a reply without an answer in it: {trouble}; is --base-url that of "
        "chat completions (it usually ends in /v1)?"
    )
    error.charge = Charge(1, usage)
    return error


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def _finish(reason: str | None) -> Finish:
    if reason == "length":
        return "length"
    return "refusal" if reason == "content_filter" else "stop"


def _usage(prompt: Prompt, text: str, counts: Any) -> Usage:
    """Take the endpoint's count where it can be true, else estimate."""
    counts = counts if isinstance(counts, Mapping) else {}
    read, written = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    if not read or written is None:
        return estimate_usage(prompt, text)
    most_read = len(prompt.text.encode("utf-8", "replace")) + 100 * len(prompt.messages) + 5000
    most_written = max(_MAX_COMPLETION, 4 * (prompt.max_tokens or 0))
    if read > most_read or written > most_written or written * _MAX_TOKEN < len(text):
        return estimate_usage(prompt, text)
    details = counts.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    return Usage(read, written, cached_tokens=min(cached or 0, read))


def _count(value: Any) -> int | None:
    """Return a number of tokens; None for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or value < 0 or value != int(value):
        return None
    return int(value)


def read_logprobs(found: Any) -> list[dict[str, float]]:
    """Read the likeliest tokens of each position; what is no log-probability is left out."""
    tokens = found.get("content") if isinstance(found, Mapping) else None
    entries = tokens if isinstance(tokens, list) else []
    return [
        _likeliest(entry.get("top_logprobs")) for entry in entries if isinstance(entry, Mapping)
    ]


def _likeliest(entries: Any) -> dict[str, float]:
    listed = entries if isinstance(entries, list) else []
    known = (entry for entry in listed if isinstance(entry, Mapping))
    pairs = ((entry.get("token"), entry.get("logprob")) for entry in known)
    return {
        token: float(value)
        for token, value in pairs
        if isinstance(token, str)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and not math.isnan(value)
        and value <= 1e-6
    }


def error_text(error: Any) -> str:
    """Return what an error of a server says, whatever its form."""
    if isinstance(error, Mapping):
        nested = error.get("error")
        if isinstance(nested, Mapping | str) and nested:
            return error_text(nested)
        parts = [error.get(name) for name in ("message", "detail", "code", "param", "type")]
        return " ".join(str(part) for part in parts if part)
    return str(error)
