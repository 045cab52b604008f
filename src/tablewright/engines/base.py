"""What an engine is: it has work done for numbers, by workers that it starts or finds."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from tablewright.engines.part import WrittenPart

Work = Callable[[int], WrittenPart]
"""Writes the part of a number; can be sent to another process."""

MAX_LOSSES = 3
"""Workers that may be lost over one part before the run is given up."""


class Engine(Protocol):
    """Runs work on workers.

    Registered under ``tablewright.engines``; made with the options of the command line:
    ``Engine(workers=..., address=...)``, where None leaves the choice to the engine.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None) -> None: ...

    def run(self, work: Work, numbers: Sequence[int]) -> Iterator[WrittenPart]:
        """Yield what the work gives for each number, in the order in which it gets done.

        A worker that is lost costs the parts it was at, which others write.
        """


def available_cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def knock(address: str) -> None:
    """Raise OSError where nothing listens; clusters' own clients would try for long."""
    place = urlsplit(address if "//" in address else f"//{address}")
    if place.hostname and place.port:
        socket.create_connection((place.hostname, place.port), timeout=10).close()
