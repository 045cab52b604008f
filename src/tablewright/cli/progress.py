"""How far a command is: a bar on a terminal, plain lines without one, nothing when quiet."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tablewright.display import console, printable
from tablewright.progress import Advance, alone, left_text, rate_text

if TYPE_CHECKING:
    from tablewright.llm.endpoint.metering import Activity

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_LOOKS = 0.5


def say(text: str, quiet: bool = False) -> None:
    """Tell the user something on standard error, which leaves standard output to results."""
    if quiet:
        return
    try:
        click.echo(printable(text), err=True)
    except BrokenPipeError:  # nobody reads the notes: no reason to leave rows unwritten
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def show(text: str) -> None:
    """Write a result to standard output."""
    click.echo(printable(text))


def show_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to standard output."""
    from rich.table import Table

    table = Table(*heads, title=title)
    for row in rows:
        table.add_row(*map(printable, row))  # made visible first: columns get the width it takes
    console().print(table)


class Calls:
    """The calls of all language models of a command, seen together.

    Attributes
    ----------
    sources : list of callable
        Each returns what one client is doing.
    expected_tokens : int
        Tokens that the estimate expects the models to write; 0 where there is no estimate.
    """

    def __init__(self) -> None:
        self.sources: list[Callable[[], Activity]] = []
        self.expected_tokens = 0
        self.first_token: float | None = None

    def text(self, now: float) -> str:
        """Say what is under way, such as ``2 calls in flight, 14 tokens a second``."""
        states = [source() for source in self.sources]
        in_flight, tokens = sum(s.in_flight for s in states), sum(s.tokens for s in states)
        if not (in_flight or tokens):
            return ""
        calls = f"{in_flight} call{'s' if in_flight != 1 else ''} in flight"
        if not tokens:
            return f"{calls}, waiting for the first token"
        if self.first_token is None:
            self.first_token = now
        seconds = now - self.first_token
        return f"{calls}, {tokens:,} tokens{_pace(tokens, seconds)}{self._left(tokens, seconds)}"

    def _left(self, tokens: int, seconds: float) -> str:
        missing = self.expected_tokens - tokens
        if missing <= 0 or seconds < 1:
            return ""
        return f", about {missing * seconds / tokens:,.0f} s left by the estimate"


CALLS = Calls()


@contextmanager
def progress(
    what: str, total: int | None, unit: str = "rows", quiet: bool = False
) -> Iterator[Advance]:
    """Show how far something is, with rate and time left, and what language models are doing.

    Parameters
    ----------
    what : str
        What is being done, as a present participle: ``"writing"``.
    total : int or None
        How many there will be; None where that is not known.
    unit : str, default="rows"
        What is counted, in the plural.
    quiet : bool, default=False
        Show nothing.
    """
    with alone(what):
        if quiet:
            yield lambda n, at_work="": None
        elif sys.stderr.isatty():
            with _bar(what, total, unit) as advance:
                yield advance
        else:
            lines = _Lines(what, total, unit)
            with _repeated(lines.look):
                yield lines


@contextmanager
def _repeated(work: Callable[[], None]) -> Iterator[None]:
    """Do something twice a second on a thread of its own, while the block waits for models."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(SECONDS_BETWEEN_LOOKS):
            work()

    thread = threading.Thread(target=run, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _bar(what: str, total: int | None, unit: str) -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]}}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[calls]}", markup=False),
    )
    start, done = time.perf_counter(), 0
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(what), total=total, rate="", calls="")

        def advance(n: int, at_work: str = "") -> None:
            nonlocal done
            done += n
            rate = rate_text(done, time.perf_counter() - start)
            bar.update(task, advance=n, rate=f"{rate}, {at_work}" if at_work else rate)

        with _repeated(lambda: bar.update(task, calls=CALLS.text(time.perf_counter()))):
            yield advance


class _Lines:
    """A line now and then; the first after some seconds, so that short work prints none."""

    def __init__(self, what: str, total: int | None, unit: str) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done, self.at_work = 0, ""
        self.start = self.last_line = time.perf_counter()
        self._lock = threading.Lock()

    def __call__(self, n: int, at_work: str = "") -> None:
        self.done, self.at_work = self.done + n, at_work
        self._line(SECONDS_BETWEEN_LINES)

    def look(self) -> None:
        """Write a line where models work and no row has come for a while."""
        if CALLS.sources and (calls := CALLS.text(time.perf_counter())):
            self._line(2 * SECONDS_BETWEEN_LINES, calls)

    def _line(self, seconds: float, calls: str = "") -> None:
        now = time.perf_counter()
        with self._lock:
            if now - self.last_line < seconds:
                return
            self.last_line = now
        text = _line(self.what, self.done, self.total, self.unit, now - self.start)
        text = f"{text}; {self.at_work}" if self.at_work else text
        calls = calls or CALLS.text(now)
        say(f"{text}; {calls}" if calls else text)


def _line(what: str, done: int, total: int | None, unit: str, seconds: float) -> str:
    """Say how far it is.

    Examples
    --------
    >>> _line("writing", 25_000, 100_000, "rows", 5.0)
    'writing: 25,000 of 100,000 rows, 5,000 a second, 15 s left'
    >>> _line("writing", 25_000, None, "rows", 5.0)
    'writing: 25,000 rows, 5,000 a second'
    >>> _line("writing", 0, 30, "rows", 5.0)
    'writing: 0 of 30 rows'
    """
    counted = (
        f"{what}: {done:,} {unit}" if total is None else f"{what}: {done:,} of {total:,} {unit}"
    )
    if not done:
        return counted
    left = left_text(done, total, seconds)
    return ", ".join(filter(None, (counted, rate_text(done, seconds), left)))


def _pace(tokens: int, seconds: float) -> str:
    return f", {rate_text(tokens, seconds)}" if seconds >= 1 else ""
