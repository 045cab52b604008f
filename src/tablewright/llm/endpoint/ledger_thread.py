"""One thread that writes the ledger, several calls to one commit.

A commit waits for the disk (`synchronous=FULL`). While one is under way others queue up
and share the next, so that hundreds of calls a second do not wait in line for the disk.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from tablewright.errors import InputError
from tablewright.llm.endpoint.ledger import Ledger, Record

T = TypeVar("T")
_Job = tuple[Callable[[Ledger], Any], "Future[Any]"]
_BATCH = 256


class LedgerThread:
    """The ledger, seen from any thread; opened when first asked.

    Parameters
    ----------
    path : Path or None
        The file; None keeps the ledger in memory.
    record : {"full", "metadata"}, default="full"
        See `Ledger`.

    Examples
    --------
    >>> ledger = LedgerThread(None)
    >>> ledger.do(lambda file: file.spent().calls)
    0
    >>> ledger.close()
    """

    def __init__(self, path: Path | None, record: Record = "full") -> None:
        self.path, self.record = path, record
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, operation: Callable[[Ledger], T]) -> Future[T]:
        """Queue an operation; the future is done when what it wrote is on disk."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
                self._thread.start()
            future: Future[T] = Future()
            self._jobs.put((operation, future))
        return future

    def do(self, operation: Callable[[Ledger], T]) -> T:
        """Carry an operation out and wait for it."""
        return self.submit(operation).result()

    async def ado(self, operation: Callable[[Ledger], T]) -> T:
        """Carry an operation out and wait for it inside an event loop."""
        return await asyncio.wrap_future(self.submit(operation))

    def close(self) -> None:
        """Write what is queued and close the file; the next operation opens it again."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._jobs.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        try:
            ledger = Ledger(self.path, self.record)
        except InputError as error:
            self._refuse(error)
            return
        while (batch := self._next_batch())[0] is not None:
            _write(ledger, [job for job in batch if job is not None])
            if batch[-1] is None:
                break
        ledger.close()

    def _next_batch(self) -> list[_Job | None]:
        batch = [self._jobs.get()]
        while batch[-1] is not None and len(batch) < _BATCH and not self._jobs.empty():
            batch.append(self._jobs.get())
        return batch

    def _refuse(self, error: Exception) -> None:
        while (job := self._jobs.get()) is not None:
            job[1].set_exception(error)


def _write(ledger: Ledger, batch: list[_Job]) -> None:
    """Carry the operations out in one transaction, then say so to those who wait."""
    try:
        ledger.begin()
        outcomes = [_attempt(operation, ledger) for operation, _ in batch]
        ledger.commit()
    except sqlite3.Error as error:
        ledger.rollback()
        problem = InputError(
            f"the ledger {ledger.path} cannot be written: {error}; make room or choose another "
            "--run folder"
        )
        outcomes = [(None, problem)] * len(batch)
    for (_, future), (result, failure) in zip(batch, outcomes, strict=True):
        if future.cancelled():
            continue
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


def _attempt(operation: Callable[[Ledger], Any], ledger: Ledger) -> tuple[Any, Exception | None]:
    try:
        return operation(ledger), None
    except sqlite3.Error:
        raise
    except Exception as error:  # goes to whoever asked for the operation
        return None, error
