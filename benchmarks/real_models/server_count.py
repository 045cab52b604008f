"""What a llama.cpp server counts itself, to hold a bill against."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx2

_COUNTS = {
    "read": "prompt_tokens_total",
    "cached": "prompt_tokens_cached_total",
    "written": "tokens_predicted_total",
}


@dataclass(frozen=True)
class ServerCount:
    """Tokens since the server began: read anew, found in its cache, written."""

    read: int
    cached: int
    written: int

    @property
    def total(self) -> int:
        """All of them: what a bill counts."""
        return self.read + self.cached + self.written

    def since(self, before: ServerCount) -> ServerCount:
        """Return what came after an earlier count."""
        return ServerCount(
            self.read - before.read, self.cached - before.cached, self.written - before.written
        )


def server_count(base_url: str | None) -> ServerCount | None:
    """Ask `/metrics`; None where there is no such server, or it was started without --metrics."""
    if base_url is None:
        return None
    reply = httpx2.get(base_url.removesuffix("/").removesuffix("/v1") + "/metrics", timeout=20.0)
    return read_count(reply.text) if reply.status_code == 200 else None


def read_count(text: str) -> ServerCount | None:
    """Read the counters; None where one is missing.

    Examples
    --------
    >>> read_count("llamacpp:prompt_tokens_total 20\\nllamacpp:prompt_tokens_cached_total 5\\n"
    ...            "llamacpp:tokens_predicted_total 7\\n").total
    32
    """
    found = dict(re.findall(r"^llamacpp:(\w+) ([0-9.e+]+)$", text, re.MULTILINE))
    if not set(_COUNTS.values()) <= set(found):
        return None
    return ServerCount(**{name: int(float(found[key])) for name, key in _COUNTS.items()})
