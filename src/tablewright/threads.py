"""How many threads the numerical libraries may use."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Keep the numerical libraries to one thread.

    On small tables more of them cost time, and sums whose order depends on their number
    would make the rows depend on it.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1)
    return limit
