"""One request over HTTP whose time and size are bounded, whatever the server does."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tablewright.errors import MissingExtraError
from tablewright.llm.endpoint.hosts import is_loopback, without_user

if TYPE_CHECKING:
    import httpx2

_FIRST = 5.0
"""Times `idle` until the first piece: a slow server reads the prompt, and its queue, first."""

_TOTAL = 15.0
"""Times `idle` for a whole reply."""

_SLOWEST = 16.0
"""Bytes a second: at this pace an event stream holds one token in ten seconds."""

_CLOSING = 1.0
"""Seconds that a server gets to close a reply that is complete."""

_CONNECT = 20.0
MAX_BODY = 16 * 2**20
MAX_FAILED_BODY = 2**16
"""Bytes of a body, before and after decompression; of one that only tells an error."""


class Limit(Exception):
    """A reply took too long or was too large; the sentence says which."""


class Reader(Protocol):
    """Takes a body as it comes."""

    n_pieces: int
    """How many pieces of a reply have come: what counts as progress."""
    done: bool
    """Whether nothing more is waited for."""

    def feed(self, data: bytes) -> None:
        """Read on."""


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer."""

    status: int
    headers: Mapping[str, str]


class Http:
    """Connections to one endpoint: no redirect is followed, no proxy leads to loopback.

    Parameters
    ----------
    base_url : str
    headers : mapping
    idle : float
        Seconds without progress before a call ends; other limits are multiples of it.
    seconds_left : callable
        Seconds that any call may still take.
    uds : str or None, default=None
        Unix socket to connect to.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        idle: float,
        seconds_left: Callable[[], float],
        uds: str | None = None,
    ) -> None:
        self._uds = uds
        self.base_url, self.headers, self.idle = base_url, dict(headers), idle
        self.seconds_left = seconds_left
        self._client: httpx2.AsyncClient | None = None
        self._timers: set[asyncio.Timeout] = set()

    async def post(self, path: str, body: bytes, reader: Callable[[Head], Reader]) -> Head:
        """Send a request and read its answer as it comes.

        Raises
        ------
        Limit
            If time or size is over; what the reader has taken until then stays in it.
        httpx2.TransportError
            If the connection fails.
        """
        return await self._exchange("POST", path, body, reader)

    async def get(self, path: str, reader: Callable[[Head], Reader], seconds: float) -> Head:
        """Ask for something small."""
        async with asyncio.timeout(seconds):
            return await self._exchange("GET", path, None, reader)

    def cut(self) -> None:
        """End all calls now; what has come stays."""
        for timer in self._timers:
            timer.reschedule(0.0)

    async def aclose(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _exchange(
        self, method: str, path: str, body: bytes | None, reader: Callable[[Head], Reader]
    ) -> Head:
        client, now = self._connected(), asyncio.get_running_loop().time
        end = now() + min(_TOTAL * self.idle, self.seconds_left())
        timer = asyncio.timeout_at(min(now() + _FIRST * self.idle, end))
        patience, sink, head = _Patience(timer, self.idle, end, now), None, None
        self._timers.add(timer)
        try:
            async with (
                timer,
                client.stream(method, self._url(path), content=body) as response,
            ):
                head = Head(response.status_code, response.headers)
                sink = reader(head)
                await self._read(response, sink, patience)
        except TimeoutError:
            if not (sink and sink.done):
                raise Limit(patience.reason()) from None
        finally:
            self._timers.discard(timer)
        assert head is not None
        return head

    async def _read(self, response: httpx2.Response, reader: Reader, patience: _Patience) -> None:
        size = 0
        largest = MAX_BODY if response.status_code < 300 else MAX_FAILED_BODY
        inflate = _inflater(response.headers.get("content-encoding", ""))
        async for data in response.aiter_raw():
            for piece in inflate(data):
                size += len(piece)
                reader.feed(piece)
                if size > largest:
                    raise Limit(f"the answer is larger than {largest:,} bytes")
            patience.look(size, reader)

    def _url(self, path: str) -> str:
        head, mark, query = without_user(self.base_url).partition("?")
        return f"{head.rstrip('/')}{path}{mark}{query}"

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            try:
                import httpx2
            except ImportError as error:
                raise MissingExtraError("A language model", "llm") from error
            if "?" in self.base_url:
                logging.getLogger("httpx2").addFilter(_without_addresses)
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=self._n_kept())
            uds = self._uds and httpx2.AsyncHTTPTransport(uds=self._uds, limits=limits)
            self._client = httpx2.AsyncClient(
                headers=self.headers,
                timeout=httpx2.Timeout(None, connect=_CONNECT),
                limits=limits,
                transport=uds or None,
                follow_redirects=False,
                trust_env=not is_loopback(self.base_url),
            )
        return self._client

    def _n_kept(self) -> int:
        """Return how many connections are kept: on this machine a new one costs nothing.

        llama.cpp closes kept ones while the next request is under way: a call that nobody
        answers, and that counts at its worst.
        """
        return 0 if self._uds or is_loopback(self.base_url) else 64


def _without_addresses(record: logging.LogRecord) -> bool:
    """Drop the lines in which the library would write addresses, whose queries hold secrets."""
    return record.levelno >= logging.WARNING


class _Patience:
    """Moves the time at which a call ends on as it makes progress."""

    def __init__(
        self, timer: asyncio.Timeout, idle: float, end: float, now: Callable[[], float]
    ) -> None:
        self.timer, self.idle, self.end, self.now = timer, idle, end, now
        self.n_pieces = 0
        self.closing = False
        self.began = self.since = now()
        self.size = 0

    def look(self, size: int, reader: Reader) -> None:
        """Learn how far the reply is."""
        waits = reader.n_pieces == self.n_pieces and not reader.done
        if self.timer.expired() or self.closing or waits:
            return
        now = self.now()
        if self.n_pieces == 0:
            self.since, self.size = now, size
        if now - self.since >= self.idle:
            if size - self.size < _SLOWEST * (now - self.since):
                raise Limit(f"fewer than {_SLOWEST:g} bytes a second came for {self.idle:g} s")
            self.since, self.size = now, size
        self.n_pieces, self.closing = reader.n_pieces, reader.done
        wait = _CLOSING if reader.done else self.idle
        self.timer.reschedule(min(now + wait, self.end))

    def reason(self) -> str:
        """Say why the time is over."""
        if self.now() >= self.end:
            return f"its time was over after {self.now() - self.began:.0f} s"
        wait = self.idle if self.n_pieces else _FIRST * self.idle
        return f"nothing came for {wait:g} s"


def _inflater(encoding: str) -> Callable[[bytes], Iterator[bytes]]:
    """Return what undoes a compression piece by piece: servers compress unasked."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda data: iter([data])
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Limit("the answer is compressed in a way that was not asked for")
    unzip: Any = zlib.decompressobj(zlib.MAX_WBITS | 32)

    def inflate(data: bytes) -> Iterator[bytes]:
        try:
            while data and not unzip.eof:
                yield unzip.decompress(data, 2**16)
                data = unzip.unconsumed_tail
        except zlib.error:
            raise Limit("the answer is compressed and broken") from None

    return inflate
