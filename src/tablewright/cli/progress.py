"""How far a command is: a bar on a terminal, plain lines without one, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

__all__ = ["Advance", "progress", "say"]

Advance = Callable[[int], None]
"""Is told how many more are done."""

SECONDS_BETWEEN_LINES = 5.0


def say(text: str, quiet: bool = False) -> None:
    """Tell the user something on standard error, which leaves standard output to results."""
    if not quiet:
        click.echo(text, err=True)


@contextmanager
def progress(
    what: str, total: int | None, unit: str = "rows", quiet: bool = False
) -> Iterator[Advance]:
    """Show how far something is, with rate and time left.

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
    if quiet:
        yield lambda n: None
    elif sys.stderr.isatty():
        with _bar(what, total, unit) as advance:
            yield advance
    else:
        yield _Lines(what, total, unit)


@contextmanager
def _bar(what: str, total: int | None, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]}}"),
        TimeRemainingColumn(),
    )
    start, done = time.perf_counter(), 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(n: int) -> None:
            nonlocal done
            done += n
            bar.update(task, advance=n, rate=_rate(done, time.perf_counter() - start))

        yield advance


class _Lines:
    """A line now and then; the first after some seconds, so that short work prints none."""

    def __init__(self, what: str, total: int | None, unit: str) -> None:
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self.start = self.told = time.perf_counter()

    def __call__(self, n: int) -> None:
        self.done += n
        now = time.perf_counter()
        if now - self.told >= SECONDS_BETWEEN_LINES:
            self.told = now
            say(_line(self.what, self.done, self.total, self.unit, now - self.start))


def _line(what: str, done: int, total: int | None, unit: str, seconds: float) -> str:
    """Say how far it is.

    Examples
    --------
    >>> _line("writing", 25_000, 100_000, "rows", 5.0)
    'writing: 25,000 of 100,000 rows, 5,000 a second, 15 s left'
    >>> _line("writing", 25_000, None, "rows", 5.0)
    'writing: 25,000 rows, 5,000 a second'
    """
    if total is None:
        return f"{what}: {done:,} {unit}, {_rate(done, seconds)}"
    left = seconds * (total - done) / max(done, 1)
    return f"{what}: {done:,} of {total:,} {unit}, {_rate(done, seconds)}, {left:,.0f} s left"


def _rate(done: int, seconds: float) -> str:
    rate = done / max(seconds, 1e-9)
    return f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.2g} a second"
