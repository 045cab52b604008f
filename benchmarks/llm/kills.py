"""SIGKILL at random moments: what the ledger has promised it keeps.

A child asks for 300 replies, eight at a time, from an endpoint in its own process; it says
over a pipe when the endpoint is called and when a reply has come back to the caller. It is
killed after a random time; the next child goes on with the same folder until all is
answered, then a new folder is begun. After each kill the ledger is opened and compared.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.llm.report import write_table
from tablewright.llm import Prompt, Reply, connect
from tablewright.llm.endpoint.ledger import Ledger, request_key
from tablewright.llm.endpoint.stack import Stack

WORKERS, REPLIES = 8, 300
PROMPTS = [Prompt.ask(f"question {number}", max_tokens=20) for number in range(REPLIES)]
KEYS = [request_key("m", prompt) for prompt in PROMPTS]


class Endpoint:
    """Answer after 2 to 10 ms, and say so over the pipe first."""

    def __init__(self, pipe: int) -> None:
        self.pipe, self.chance = pipe, random.Random(os.getpid())

    async def acomplete(self, prompt: Prompt) -> Reply:
        number = int(prompt.text.split()[1])
        os.write(self.pipe, f"c{number}\n".encode())
        await asyncio.sleep(self.chance.uniform(0.002, 0.010))
        return Reply(f"answer {number}")


def child(folder: Path, pipe: int) -> None:
    client = connect("m", "http://127.0.0.1:9/v1", run=folder, concurrency=WORKERS)
    stack = Stack(client.settings, client.ledger)
    stack.limiter.inner = Endpoint(pipe)

    async def one(number: int) -> None:
        reply = await stack.acomplete(PROMPTS[number])
        os.write(pipe, f"u{number} {reply.text}\n".encode())

    async def work() -> None:
        queue = iter(range(REPLIES))

        async def worker() -> None:
            for number in queue:
                await one(number)

        await asyncio.gather(*(worker() for _ in range(WORKERS)))

    asyncio.run(work())
    os.write(pipe, b"done\n")
    os._exit(0)


def spawn_and_kill(folder: Path, after: float) -> tuple[list[str], bool]:
    """Run a child, kill it; return what it said, and whether it was killed at all."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        child(folder, writing)
    os.close(writing)
    time.sleep(after)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with os.fdopen(reading) as pipe:
        declared = pipe.read().splitlines()
    return declared, "done" not in declared


def check(folder: Path, said: list[str], counts: Counter[str]) -> set[int]:
    """Compare the ledger with what the child said; return the calls that it names as lost."""
    if not (folder / "ledger.sqlite").exists():
        return set()
    try:
        ledger = Ledger(folder / "ledger.sqlite")
        sound = ledger.rows("PRAGMA integrity_check")[0]["integrity_check"] == "ok"
    except (sqlite3.Error, OSError):
        counts["ledgers that do not open"] += 1
        return set()
    counts["damaged ledgers"] += not sound
    used = dict(line[1:].split(" ", 1) for line in said if line.startswith("u"))
    for number, text in used.items():
        stored = ledger.find(KEYS[int(number)])
        good = stored is not None and stored.reply is not None and stored.reply.text == text
        counts["replies lost"] += not good
        counts["replies checked"] += 1
    calls = {int(line[1:]) for line in said if line.startswith("c")}
    unanswered = {number for number in calls if ledger.find(KEYS[number]) is None}
    named = {row["key"] for row in ledger.rows("SELECT key FROM calls WHERE outcome='in flight'")}
    counts["calls lost in flight"] += len(unanswered)
    counts["of these not named"] += sum(KEYS[number] not in named for number in unanswered)
    counts["more than the workers"] += len(unanswered) > WORKERS
    ledger.close()
    return unanswered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    options = parser.parse_args()
    probability, counts = random.Random(0), Counter[str]()
    lost: set[int] = set()
    answered: set[int] = set()
    with tempfile.TemporaryDirectory() as root:
        runs = 1
        while counts["kills"] < options.kills:
            folder = Path(root) / str(runs)
            declared, killed = spawn_and_kill(folder, probability.uniform(0.0, 0.35))
            counts["kills"] += killed
            calls = [int(line[1:]) for line in declared if line.startswith("c")]
            counts["calls"] += len(calls)
            repeats = [number for number in calls if number in lost | answered]
            counts["repeated calls"] += len(repeats)
            counts["repeats of answered calls"] += sum(number in answered for number in repeats)
            lost |= check(folder, declared, counts)
            answered |= {int(line[1:].split()[0]) for line in declared if line.startswith("u")}
            if not killed:
                runs, lost, answered = runs + 1, set(), set()
        counts["runs"] = runs
    order = (
        "kills", "runs", "calls", "replies checked", "ledgers that do not open",
        "damaged ledgers", "replies lost", "calls lost in flight", "of these not named",
        "more than the workers", "repeated calls", "repeats of answered calls",
    )  # fmt: skip
    rows = [{"what": name, "number": f"{counts[name]:,}"} for name in order]
    write_table("kills", "Kills at random moments, 8 calls in flight", rows,
                __doc__.split("\n\n", 1)[1])  # fmt: skip


if __name__ == "__main__":
    main()
