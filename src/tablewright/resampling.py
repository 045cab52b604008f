"""`fit_resample` in imbalanced-learn's manner: real rows first, synthetic rows below them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError

__all__ = ["rows_to_add"]

_NAMED = ("minority", "not minority", "not majority", "all", "auto")


def rows_to_add(strategy: Any, y: NDArray[Any]) -> dict[Any, int]:
    """Work out how many rows each class lacks.

    Parameters
    ----------
    strategy : str, dict, float or callable
        ``"auto"`` and ``"not majority"`` fill all classes but the largest up to it,
        ``"minority"`` the smallest only, ``"not minority"`` all but the smallest, ``"all"``
        all; a dict says how many rows a class has afterwards; a float, for two classes, the
        size of the smaller one as a share of the larger one; a callable takes `y` and gives
        such a dict.
    y : ndarray of shape (n_rows,)
        Classes.

    Returns
    -------
    dict
        Rows to add for each class that gets any or none.

    Raises
    ------
    InputError
        If the strategy does not fit the classes.

    Examples
    --------
    >>> rows_to_add("auto", np.array(["a", "a", "a", "b"]))
    {'b': 2}
    """
    classes, counts = np.unique(y, return_counts=True)
    sizes = dict(zip(classes.tolist(), counts.tolist(), strict=True))
    if callable(strategy):
        strategy = strategy(y)
    if isinstance(strategy, Mapping):
        return _from_sizes(strategy, sizes)
    if isinstance(strategy, str):
        return _from_name(strategy, sizes)
    return _from_share(strategy, sizes)


def _from_name(name: str, sizes: dict[Any, int]) -> dict[Any, int]:
    if name not in _NAMED:
        raise InputError(f"sampling_strategy is one of {', '.join(_NAMED)}, not {name!r}")
    most, least = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    left_out = {"minority": set(sizes) - {least}, "not minority": {least}, "all": set()}
    skip = left_out.get(name, {most})
    return {key: sizes[most] - size for key, size in sizes.items() if key not in skip}


def _from_sizes(wanted: Mapping[Any, Any], sizes: dict[Any, int]) -> dict[Any, int]:
    unknown = [key for key in wanted if key not in sizes]
    if unknown:
        raise InputError(f"sampling_strategy names the class {unknown[0]!r}, which y does not have")
    fewer = [key for key, size in wanted.items() if size < sizes[key]]
    if fewer:
        key = fewer[0]
        raise InputError(
            f"sampling_strategy asks for {wanted[key]} rows of class {key!r}, which has "
            f"{sizes[key]} already; rows are only added"
        )
    return {key: int(size) - sizes[key] for key, size in wanted.items()}


def _from_share(share: Any, sizes: dict[Any, int]) -> dict[Any, int]:
    if len(sizes) != 2:
        raise InputError("a sampling_strategy that is a number needs a target of two classes")
    most, least = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    if not 0 < float(share) <= 1:
        raise InputError(f"sampling_strategy as a number lies in (0, 1], not {share}")
    wanted = int(float(share) * sizes[most])
    if wanted < sizes[least]:
        raise InputError(
            f"sampling_strategy={share} is less than the smaller class has already "
            f"({sizes[least]} of {sizes[most]}); rows are only added"
        )
    return {least: wanted - sizes[least]}
