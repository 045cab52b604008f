"""Dask as the engine: a cluster that runs, or processes of its own on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from tablewright.display import public_url
from tablewright.engines.base import MAX_LOSSES, Work, available_cores, knock
from tablewright.engines.part import WrittenPart
from tablewright.errors import EngineError, MissingExtraError

_SETTINGS = {
    # By default Dask has the allocator give all that is freed back to the system: each array then
    # comes as fresh pages, which takes up to three times the CPU of the drawing itself.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    "distributed.worker.profile.enabled": False,  # nobody looks at it, a hundred times a second
}
"""Of a cluster that is started here."""


class DaskEngine:
    """Has parts written by the workers of Dask.

    Parameters
    ----------
    workers : int or None, default=None
        Processes of a cluster that is started here; as many as there are cores where None.
    address : str or None, default=None
        Of a scheduler that runs, such as ``tcp://10.0.0.1:8786``.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None) -> None:
        try:
            import dask
            import distributed
        except ImportError as error:
            raise MissingExtraError("the engine 'dask'", "dask") from error
        self._dask: Any = distributed
        self._settings: Any = dask.config.set
        self.workers, self.address = workers or available_cores(), address

    def run(self, work: Work, numbers: Sequence[int]) -> Iterator[WrittenPart]:
        """See `Engine.run`."""
        with ExitStack() as stack:
            client = self._client(stack, min(self.workers, max(len(numbers), 1)))
            futures = client.map(work, numbers, pure=False, retries=MAX_LOSSES - 1)
            done = self._dask.as_completed(futures, with_results=True)
            del futures  # a result that was taken is forgotten by the cluster
            try:
                for _, written in done:
                    yield written
            except self._dask.KilledWorker as error:
                raise EngineError(
                    f"a part lost its worker {MAX_LOSSES} times, mostly for want of memory; the "
                    "other parts stand: give the command again with fewer --workers to go on"
                ) from error

    def _client(self, stack: ExitStack, workers: int) -> Any:
        if self.address is None:
            stack.enter_context(self._settings(_SETTINGS))
            cluster = self._dask.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
            return stack.enter_context(self._dask.Client(stack.enter_context(cluster)))
        try:
            knock(self.address)
            return stack.enter_context(self._dask.Client(self.address, timeout="10s"))
        except (OSError, ValueError) as error:
            raise EngineError(
                f"no Dask scheduler answers at {public_url(self.address)}; start one with 'dask "
                "scheduler', or leave --engine-address out"
            ) from error
