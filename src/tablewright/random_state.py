"""One whole number of what scikit-learn takes as random_state."""

from __future__ import annotations

from typing import Any

import numpy as np

from tablewright.errors import InputError

__all__ = ["seed_of"]


def seed_of(random_state: Any) -> int:
    """Make one whole number of what scikit-learn takes as random_state.

    Raises
    ------
    InputError
        If it is none of the kinds allowed.

    Examples
    --------
    >>> seed_of(7)
    7
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise InputError(f"random_state is at least 0, not {random_state}")
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    raise InputError(f"random_state is a whole number, a RandomState or None, not {random_state!r}")
