"""Calls a second against a loopback endpoint with 1 s latency and 64 slots.

The endpoint lives in a process of its own. Two runs: one without faults, one in which a
tenth of the answers are 429 (with Retry-After: 1) and a tenth are 500, each after the full
latency, so that it allows 51.2 good answers a second. Just before each run a bare client
(64 sockets, one fixed request, no SDK, no ledger, faults repeated at once) finds out what
this machine, busy with other work, lets the endpoint serve: the column "bare client".
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import polars as pl

from benchmarks.llm.report import write_table
from tablewright.llm import Prompt, connect
from tablewright.testing import StandIn, Transport, serve

SLOTS, LATENCY = 64, 1.0


def endpoint(pipe: Connection, busy: float, broken: float) -> None:
    """Serve until the other end of the pipe closes."""
    table = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    model = StandIn(table, answers=[lambda text, model, rng: "1,x"])
    transport = Transport(LATENCY, SLOTS, busy, broken, retry_after=1.0)
    with serve(model, transport) as served:
        pipe.send(served.url)
        pipe.recv()
        pipe.send(served.answers)


@contextmanager
def served(busy: float, broken: float) -> Iterator[tuple[str, Connection]]:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=endpoint, args=(theirs, busy, broken)
    )
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()


def run(seconds: float, busy: float, broken: float) -> dict[str, object]:
    """Ask for as many replies as an ideal client would get in that time."""
    allowed = SLOTS / LATENCY * (1.0 - busy - broken)
    prompts = [Prompt.ask("One row.", seed=seed) for seed in range(int(allowed * seconds))]
    finished: list[float] = []
    with served(busy, broken) as (url, _):
        bare = asyncio.run(bare_rate(url, 20.0))
    with served(busy, broken) as (url, pipe), tempfile.TemporaryDirectory() as folder:
        client = connect("stand-in", url, run=Path(folder), concurrency=SLOTS)
        began, cpu = time.monotonic(), time.process_time()
        replies = client.complete_all(prompts, lambda done: finished.append(time.monotonic()))
        cpu = time.process_time() - cpu
        failed = sum(isinstance(reply, Exception) for reply in replies)
        client.close()
        pipe.send("stop")
        answers = pipe.recv()
    times = [moment - began for moment in finished]
    ramp = ramp_up(times, allowed)
    steady = [moment for moment in times if ramp < moment <= times[-1] - 2 * LATENCY]
    rate = len(steady) / (steady[-1] - ramp)
    return {
        "answers 429 + 500": f"{busy:.0%} + {broken:.0%}",
        "replies": len(prompts) - failed,
        "failed": failed,
        "seconds": f"{times[-1]:.1f}",
        "ramp-up s": f"{ramp:.1f}",
        "allowed /s": f"{allowed:.1f}",
        "after ramp-up /s": f"{rate:.1f}",
        "of it": f"{rate / allowed:.1%}",
        "bare client /s": f"{bare:.1f}",
        "of that": f"{rate / bare:.1%}",
        "CPU ms a call": f"{1000 * cpu / sum(answers.values()):.1f}",
    }


async def bare_rate(url: str, seconds: float) -> float:
    """Return good answers a second of 64 sockets that repeat one request."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    body = b'{"model": "stand-in", "messages": [{"role": "user", "content": "One row."}]}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    good: list[float] = []
    began = time.monotonic()

    async def repeat() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while time.monotonic() < began + seconds:
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", answer)
            await reader.readexactly(int(length[1]) if length else 0)
            if answer.startswith(b"HTTP/1.1 200") and time.monotonic() < began + seconds:
                good.append(time.monotonic() - began)
        writer.close()

    await asyncio.gather(*(repeat() for _ in range(SLOTS)))
    return sum(moment > 5.0 for moment in good) / (seconds - 5.0)


def ramp_up(times: list[float], allowed: float) -> float:
    """Return the end of the first round in which 80 % of what is allowed came back."""
    second = 1.0
    while second < times[-1]:
        arrived = sum(second - LATENCY < moment <= second for moment in times)
        if arrived >= 0.8 * allowed * LATENCY:
            return second
        second += 0.25
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--faulty-seconds", type=float, default=120.0)
    options = parser.parse_args()
    requested = ((options.seconds, 0.0, 0.0), (options.faulty_seconds, 0.1, 0.1))
    rows = [run(*settings) for settings in requested if settings[0] > 0]
    write_table("throughput", "Throughput: 64 slots, 1 s latency", rows, __doc__.split("\n\n")[1])


if __name__ == "__main__":
    main()
