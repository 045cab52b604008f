"""The stand-in model behind HTTP, on this machine only: an OpenAI-compatible endpoint."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from tablewright.llm.endpoint.base import Message, Prompt, Reply, Step, Usage
from tablewright.llm.endpoint.tokens import estimate_usage
from tablewright.testing.stand_in import StandIn


@dataclass(frozen=True)
class Transport:
    """How the endpoint behaves, apart from what it answers.

    Parameters
    ----------
    latency : float, default=0.0
        Seconds that an answer takes.
    slots : int or None, default=None
        Calls that it serves at a time; others get 429 at once.
    busy : float, default=0.0
        Share of the answers that are 429.
    broken : float, default=0.0
        Share of the answers that are 500.
    retry_after : float, default=0.5
        Seconds in the `Retry-After` of a 429.
    steps : tuple, default=("schema", "json", "text")
        How strictly replies can be held to a form; others are rejected with 400.
    context : int or None, default=None
        Tokens of the longest prompt.
    api_key : str or None, default=None
        The only key that is let in.
    rejects : tuple of str, default=()
        Parameters that it does not know.
    total_slots : int or None, default=None
        Calls at a time that it says it serves, as llama.cpp does; None says nothing.
    """

    latency: float = 0.0
    slots: int | None = None
    busy: float = 0.0
    broken: float = 0.0
    retry_after: float = 0.5
    steps: tuple[Step, ...] = ("schema", "json", "text")
    context: int | None = None
    api_key: str | None = None
    rejects: tuple[str, ...] = ()
    total_slots: int | None = None


@dataclass
class Served:
    """A running endpoint.

    Attributes
    ----------
    url : str
        For `connect(model, base_url=...)`.
    requests : list of dict
        Bodies that came in, in order.
    answers : dict of int to int
        Answers by HTTP status.
    usage : Usage
        Tokens of all answers, as they were told.
    """

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)


@contextmanager
def serve(model: StandIn, transport: Transport | None = None) -> Iterator[Served]:
    """Serve a stand-in model on a free loopback port while the block runs.

    Examples
    --------
    >>> import polars as pl
    >>> from tablewright.llm import Prompt, connect
    >>> people = pl.DataFrame({"age": [31, 47, 65], "city": ["Ulm", "Bonn", "Ulm"]})
    >>> with serve(StandIn(people)) as endpoint, connect("stand-in", endpoint.url) as llm:
    ...     llm.complete(Prompt.ask("Write 2 rows of age and city as CSV.")).usage.counted
    True
    """
    server = _Server(model, transport or Transport())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.served
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def __init__(self, model: StandIn, transport: Transport) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model, self.transport = model, transport
        self.served = Served(f"http://127.0.0.1:{self.server_address[1]}/v1")
        self.random = np.random.default_rng(0)
        self.active = 0
        self.lock = threading.Lock()

    def lot(self) -> tuple[float, int]:
        """Draw a number and take a slot; returns how many are now taken."""
        with self.lock:
            self.active += 1
            return float(self.random.random()), self.active

    def done(self, status: int) -> None:
        with self.lock:
            self.active -= 1
            self.served.answers[status] = self.served.answers.get(status, 0) + 1


class _Refusal(Exception):
    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Say how many slots there are, or list the one model."""
        slots = self.server.transport.total_slots
        if self.path == "/props":
            known = {"total_slots": slots}
            return self._send(404, {}) if slots is None else self._send(200, known)
        self._send(200, {"object": "list", "data": [{"id": "stand-in", "object": "model"}]})

    def do_POST(self) -> None:
        """Answer a chat completion."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        lot, active = self.server.lot()
        status = 500
        try:
            reply = self._answer(body, lot, active)
            status = 200
            self._stream(reply) if body.get("stream") else self._send(200, reply)
        except _Refusal as refusal:
            status = refusal.status
            self._send(status, {"error": {"message": str(refusal)}}, refusal.headers)
        finally:
            self.server.done(status)

    def _answer(self, body: dict[str, Any], lot: float, active: int) -> dict[str, Any]:
        transport = self.server.transport
        self._check(body, active)
        time.sleep(transport.latency)
        if lot < transport.busy:
            raise _Refusal(429, "Rate limit reached", {"Retry-After": str(transport.retry_after)})
        if lot < transport.busy + transport.broken:
            raise _Refusal(500, "The server had an error")
        reply = self.server.model.complete(_prompt(body))
        with self.server.lock:
            self.server.served.requests.append(body)
            self.server.served.usage += reply.usage
        return _completion(reply)

    def _check(self, body: dict[str, Any], active: int) -> None:
        transport = self.server.transport
        if not self.path.endswith("/chat/completions"):
            raise _Refusal(404, f"there is nothing at {self.path}")
        if transport.slots is not None and active > transport.slots:
            raise _Refusal(429, "Too many requests", {"Retry-After": str(transport.retry_after)})
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if transport.api_key is not None and key != transport.api_key:
            raise _Refusal(401, "Incorrect API key provided")
        if body.get("model") != "stand-in":
            raise _Refusal(404, f"The model {body.get('model')!r} does not exist")
        for name in transport.rejects:
            if name in body:
                raise _Refusal(400, f"Unsupported parameter: '{name}'")
        if _step(body) not in transport.steps:
            raise _Refusal(400, "response_format of this type is unavailable now")
        if transport.context is not None and _prompt_tokens(body) > transport.context:
            raise _Refusal(400, f"the request exceeds the context size of {transport.context}")

    def _send(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, reply: dict[str, Any]) -> None:
        """Send the reply in pieces of twenty characters, the usage last."""
        choice = reply["choices"][0]
        text = choice["message"]["content"]
        pieces = [text[at : at + 20] for at in range(0, len(text), 20)]
        events: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
            for piece in pieces
        ]
        last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
        events += [{"choices": [last]}, {"choices": [], "usage": reply["usage"]}]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        head = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "stand-in"}
        for event in events:
            self.wfile.write(f"data: {json.dumps({**head, **event})}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True


def _prompt(body: dict[str, Any]) -> Prompt:
    messages = [Message(item["role"], str(item["content"])) for item in body.get("messages", [])]
    return Prompt(
        tuple(messages),
        seed=int(body.get("seed") or 0),
        max_tokens=body.get("max_tokens") or body.get("max_completion_tokens"),
    )


def _prompt_tokens(body: dict[str, Any]) -> int:
    return estimate_usage(_prompt(body), "").prompt_tokens


def _step(body: dict[str, Any]) -> Step:
    kinds: dict[str, Step] = {"json_schema": "schema", "json_object": "json"}
    return kinds.get((body.get("response_format") or {}).get("type", ""), "text")


def _completion(reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.text}
    return {
        "id": "chatcmpl-stand-in",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "stand-in",
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": {
            "prompt_tokens": reply.usage.prompt_tokens,
            "completion_tokens": reply.usage.completion_tokens,
            "total_tokens": reply.usage.total,
        },
    }
