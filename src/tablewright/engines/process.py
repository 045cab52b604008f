"""The engine of the base install: this process, or a pool of processes on this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from tablewright.engines.base import MAX_LOSSES, Work, available_cores
from tablewright.engines.part import WrittenPart
from tablewright.errors import EngineError, InputError


class ProcessEngine:
    """Works here where one worker is enough, else in processes of its own.

    Parameters
    ----------
    workers : int or None, default=None
        As many as there are cores where None.
    address : None
        It has none.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None) -> None:
        if address is not None:
            raise InputError(
                "the engine 'process' works on this machine and has no address; leave it out, or "
                "take the engine 'dask' or 'ray'"
            )
        self.workers = workers or available_cores()

    def run(self, work: Work, numbers: Sequence[int]) -> Iterator[WrittenPart]:
        """See `Engine.run`."""
        workers = min(self.workers, len(numbers))
        if workers <= 1:
            yield from map(work, numbers)
            return
        pool = _Pool(work, workers)
        try:
            yield from pool.run(numbers)
        finally:
            pool.close()


class _Pool:
    """Executors of one process each: one that breaks takes no other with it."""

    def __init__(self, work: Work, workers: int) -> None:
        self.work = work
        self.executors = [_executor() for _ in range(workers)]
        self.busy: dict[Future[WrittenPart], tuple[int, int]] = {}
        self.losses: Counter[int] = Counter()

    def run(self, numbers: Sequence[int]) -> Iterator[WrittenPart]:
        queue, idle = deque(numbers), list(range(len(self.executors)))
        while queue or self.busy:
            while queue and idle:
                at, number = idle.pop(), queue.popleft()
                self.busy[self.executors[at].submit(self.work, number)] = at, number
            done, _ = wait(self.busy, return_when=FIRST_COMPLETED)
            for future in done:
                at, number = self.busy.pop(future)
                idle.append(at)
                try:
                    written = future.result()
                except BrokenProcessPool as error:
                    self._replace(at, number, error)
                    queue.appendleft(number)
                else:
                    yield written

    def _replace(self, at: int, number: int, error: Exception) -> None:
        self.losses[number] += 1
        if self.losses[number] >= MAX_LOSSES:
            raise EngineError(
                f"part {number} lost its worker {MAX_LOSSES} times, mostly for want of memory; the "
                "other parts stand: give the command again with fewer --workers to go on"
            ) from error
        self.executors[at].shutdown(wait=False)
        self.executors[at] = _executor()

    def close(self) -> None:
        for executor in self.executors:
            executor.shutdown(wait=True, cancel_futures=True)


def _executor() -> ProcessPoolExecutor:
    # A forked child would inherit the locks of polars' threads, which are not there.
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Leave Ctrl-C to the process that has the work done, and go when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
