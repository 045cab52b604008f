"""Bars for long work: in a terminal and in Jupyter, nothing elsewhere, and never two at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol, TypeVar

from tablewright.display import console, printable

T = TypeVar("T")

SECONDS_BEFORE_BAR = 2.0
"""Work that is done by then shows nothing."""

_SECONDS_BETWEEN = 0.2
_under_way: list[str] = []
"""What shows a bar now: work inside it shows none of its own."""


class Advance(Protocol):
    """Takes how many more are done, and what is at work."""

    def __call__(self, n: int, at_work: str = "") -> None:
        """Go on by `n`."""


class Shown(Protocol):
    """Shows how far something is."""

    def update(self, done: int, text: str) -> None:
        """Show how many are done, and a text beside the bar."""

    def close(self) -> None:
        """Take the bar away."""


def rate_text(done: int, seconds: float) -> str:
    """Say how quickly it goes.

    Examples
    --------
    >>> rate_text(50, 2.0), rate_text(1, 4.0)
    ('25 a second', '0.25 a second')
    """
    rate = done / max(seconds, 1e-9)
    return f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.2g} a second"


def left_text(done: int, total: int | None, seconds: float) -> str:
    """Say how long it will still take; "" where that is not known.

    Examples
    --------
    >>> left_text(25, 100, 5.0), left_text(0, 100, 5.0), left_text(1, 1000, 60.0)
    ('15 s left', '', '16 h 39 min left')
    """
    if not total or not done:
        return ""
    left = seconds * (total - done) / done
    if left < 120:
        return f"{left:,.0f} s left"
    minutes = round(left / 60)
    return f"{minutes} min left" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min left"


@contextmanager
def bar(what: str, total: int | None, unit: str = "rows") -> Iterator[Advance]:
    """Show how far something is, where somebody looks: in a terminal or a notebook.

    Parameters
    ----------
    what : str
        What is being done, as a present participle: ``"writing"``.
    total : int or None
        How many there will be; None where that is not known.
    unit : str, default="rows"
        What is counted, in the plural.
    """
    make = _maker()
    if make is None or _under_way:
        yield lambda n, at_work="": None
        return
    start, last, done = time.perf_counter(), 0.0, 0
    shown: Shown | None = None

    def advance(n: int, at_work: str = "") -> None:
        nonlocal done, last, shown
        done += n
        now = time.perf_counter()
        if now - start < SECONDS_BEFORE_BAR or (now - last < _SECONDS_BETWEEN and done != total):
            return
        last = now
        if shown is None:
            shown = make(what, total)
        parts = (f"{unit}, {rate_text(done, now - start)}", left_text(done, total, now - start))
        shown.update(done, ", ".join(filter(None, (*parts, at_work))))

    with alone(what):
        try:
            yield advance
        finally:
            if shown is not None:
                shown.close()


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Have work inside show no bar: somebody shows one already, or wants none."""
    _under_way.append(what)
    try:
        yield
    finally:
        _under_way.pop()


def steps(begin: Callable[[int, int], Advance]) -> Callable[[int, int, str], None]:
    """Return what is told how many of how many are done, and by whom; the first call begins.

    Examples
    --------
    >>> gone = []
    >>> tell = steps(lambda done, total: lambda n, at_work="": gone.append((n, at_work)))
    >>> tell(2, 10, "")
    >>> tell(5, 10, "trees")
    >>> gone
    [(3, 'trees')]
    """
    advance: Advance | None = None
    before = 0

    def tell(done: int, total: int, at_work: str) -> None:
        nonlocal advance, before
        if advance is None:
            advance = begin(done, total)
        else:
            advance(done - before, at_work)
        before = done

    return tell


def counted(pieces: Iterable[T], n_total: int | None, size: Callable[[T], int]) -> Iterator[T]:
    """Pass pieces of rows on, with a bar of how many rows came."""
    with bar("writing", n_total) as advance:
        for piece in pieces:
            yield piece
            advance(size(piece))


def each(items: Iterable[T], what: str, total: int, unit: str) -> Iterator[T]:
    """Pass items on one by one, with a bar of how many were done."""
    with bar(what, total, unit) as advance:
        for item in items:
            yield item
            advance(1)


def _maker() -> Callable[[str, int | None], Shown] | None:
    """Return what shows bars here, or None where nobody looks."""
    if in_notebook():
        return _Notebook
    return _Terminal if sys.stderr is not None and sys.stderr.isatty() else None


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


class _Terminal:
    """A bar of rich on standard error."""

    def __init__(self, what: str, total: int | None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}", markup=False),
        )
        self._progress = Progress(*columns, console=console(stderr=True), transient=True)
        self._task = self._progress.add_task(printable(what), total=total, text="")
        self._progress.start()

    def update(self, done: int, text: str) -> None:
        self._progress.update(self._task, completed=done, text=printable(text), refresh=True)

    def close(self) -> None:
        self._progress.stop()


class _Notebook:
    """A bar of HTML below the cell; rich would need widgets for one."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total = what, total
        display: Any = __import__("IPython.display", fromlist=["display"])
        self._html = display.HTML
        self._handle = display.display(self._html(""), display_id=True)

    def update(self, done: int, text: str) -> None:
        most = f' max="{self._total}" value="{done}"' if self._total else ""
        of = f"{done:,}" if self._total is None else f"{done:,} of {self._total:,}"
        label = escape(f"{self._what}: {of} {text}")
        self._handle.update(self._html(f"<label>{label} <progress{most}></progress></label>"))

    def close(self) -> None:
        self._handle.update(self._html(""))
