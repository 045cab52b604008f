"""A server that sends any bytes at any pace, for tests of what a stranger may send."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Send = Callable[[bytes], None]
Answer = bytes | Callable[[Send], None]


def http(
    body: bytes, status: str = "200 OK", kind: str = "application/json", **headers: str
) -> bytes:
    """Write a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def head(kind: str = "text/event-stream", **headers: str) -> bytes:
    """Write the head of an answer that ends with the connection."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Raw:
    """A running server: its address, and what came in."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def serve_raw(answer: Answer, *, only_posts: bool = True, hangs_up: bool = False) -> Iterator[Raw]:
    """Send the same answer to each chat completion; other questions get 404, or it too.

    With `hangs_up` a connection stays open until the next request on it begins.
    """
    raw = Raw("")

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                request = read_request(self.request)
                if only_posts and not request.startswith(b"POST"):
                    self.request.sendall(http(b"{}", "404 Not Found"))
                    return
                raw.requests.append(request)
                if isinstance(answer, bytes):
                    self.request.sendall(answer)
                else:
                    answer(self.request.sendall)
                if hangs_up:
                    self.request.recv(1)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        raw.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield raw
        finally:
            server.shutdown()


def read_request(connection: Any) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    start, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in start.split(b"\r\n")
         if line.lower().startswith(b"content-length")), 0
    )  # fmt: skip
    while len(body) < length:
        body += connection.recv(65536)
    return start + b"\r\n\r\n" + body
