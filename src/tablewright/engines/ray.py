"""Ray as the engine: a cluster that runs, or processes of its own on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tablewright.display import public_url
from tablewright.engines.base import MAX_LOSSES, Work, available_cores, knock
from tablewright.engines.part import WrittenPart
from tablewright.errors import EngineError, MissingExtraError

_IN_FLIGHT = 1_000
"""Parts that Ray knows of at a time: each wait looks at all of them."""


class RayEngine:
    """Has parts written by the workers of Ray.

    Parameters
    ----------
    workers : int or None, default=None
        Processes of a cluster that is started here; as many as there are cores where None.
    address : str or None, default=None
        Of a cluster that runs, such as ``10.0.0.1:6379``.
    """

    def __init__(self, *, workers: int | None = None, address: str | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else it reports to its makers
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("the engine 'ray'", "ray") from error
        self._ray: Any = ray
        self.workers, self.address = workers or available_cores(), address

    def run(self, work: Work, numbers: Sequence[int]) -> Iterator[WrittenPart]:
        """See `Engine.run`."""
        with self._running(min(self.workers, max(len(numbers), 1))):
            write = self._ray.remote(max_retries=MAX_LOSSES - 1)(_call)
            rest, flying = iter(numbers), list[Any]()
            while True:
                flying += [
                    write.remote(work, number)
                    for number, _ in zip(rest, range(_IN_FLIGHT - len(flying)), strict=False)
                ]
                if not flying:
                    return
                done, flying = self._ray.wait(flying)
                yield self._result(done[0])

    def _result(self, reference: Any) -> WrittenPart:
        try:
            written: WrittenPart = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            raise EngineError(
                f"a part lost its worker {MAX_LOSSES} times, mostly for want of memory; the other "
                "parts stand: give the command again with fewer --workers to go on"
            ) from error
        return written

    @contextmanager
    def _running(self, workers: int) -> Iterator[None]:
        settings: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}
        if self.address is None:
            settings |= {"num_cpus": workers, "include_dashboard": False}
        try:
            if self.address is not None:
                knock(self.address)
            self._ray.init(address=self.address or "local", **settings)
        except (OSError, RuntimeError, ValueError) as error:
            raise EngineError(
                f"no Ray cluster answers at {public_url(self.address or 'this machine')}; start "
                "one with 'ray start --head', or leave --engine-address out"
            ) from error
        try:
            yield
        finally:
            self._ray.shutdown()


def _call(work: Work, number: int) -> WrittenPart:
    return work(number)
