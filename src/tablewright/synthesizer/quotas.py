"""How many rows each class of the target gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.permutation import permuted
from tablewright.schema import suggest
from tablewright.tables.encoding.codec import Matrix
from tablewright.tables.encoding.layout import Layout

Balance = Literal["equal", "fill"] | Mapping[Any, int]
"""A word, or the number of rows of each class."""

Counts = NDArray[np.intp]

_NAMED = ("minority", "not minority", "not majority", "all", "auto")


def class_counts(matrix: Matrix) -> list[int] | None:
    """Count the rows of each class, by code; None where no target has classes."""
    target = matrix.target
    if target is None or not matrix.fields[target].discrete:
        return None
    codes = matrix.values[:, target]
    codes = codes[~np.isnan(codes)].astype(np.intp)
    counts: list[int] = np.bincount(codes, minlength=matrix.fields[target].levels).tolist()
    return counts


def balanced(balance: str, counts: list[int], n_rows: int | None) -> Counts:
    """Work out how many rows to write of each class.

    Parameters
    ----------
    balance : {"equal", "fill"}
        The same number for each class that occurs; or rows for the classes below the largest.
    counts : list of int
        Real rows of each class.
    n_rows : int or None
        Rows wanted in all, split by largest remainders. None stands for as many as there are
        real rows, or as many as are lacking with ``"fill"``.

    Returns
    -------
    ndarray of int, shape (n_classes,)

    Raises
    ------
    InputError
        If `balance` is no such word, or nothing is lacking.

    Examples
    --------
    >>> balanced("equal", [90, 10], 5).tolist(), balanced("fill", [9, 4, 2], None).tolist()
    ([3, 2], [0, 5, 7])
    """
    if balance not in ("equal", "fill"):
        raise InputError(
            "balance is 'equal', 'fill' or rows by class as in {'yes': 50, 'no': 50}, "
            f"not {balance!r}"
        )
    real = np.array(counts)
    if balance == "equal":
        return _apportion(real > 0, int(real.sum()) if n_rows is None else n_rows)
    missing = np.where(real > 0, real.max() - real, 0)
    if not missing.any():
        raise InputError(
            "the classes have the same number of rows already, so there is nothing to fill; "
            "leave balance out, or take balance='equal'"
        )
    return _apportion(missing, int(missing.sum()) if n_rows is None else n_rows)


def counts_by_class(
    wanted: Mapping[Any, Any], labels: list[Any], counts: list[int], n_rows: int | None
) -> Counts:
    """Read how many rows each class gets; classes that are not named get none.

    Raises
    ------
    InputError
        If a class does not exist or has no real row, or a number is no number of rows.

    Examples
    --------
    >>> counts_by_class({"b": 3}, ["a", "b"], [90, 10], None).tolist()
    [0, 3]
    """
    result = np.zeros(len(labels), dtype=np.intp)
    known = {str(label): code for code, label in enumerate(labels)}
    for label, number in wanted.items():
        code = known.get(str(label))
        if code is None:
            raise InputError(f"balance: there is no class {label!r}{suggest(str(label), labels)}")
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or number < 0:
            raise InputError(
                f"balance gives each class a whole number of rows, as in {{{label!r}: 50}}, "
                f"not {number!r}"
            )
        if not counts[code] and number:
            raise InputError(f"balance: no real row is of class {label!r} to learn from")
        result[code] += number
    total = int(result.sum())
    if not total:
        raise InputError("balance asks for no row of any class")
    if n_rows not in (None, total):
        raise InputError(
            f"balance asks for {total} rows in all, and {n_rows} are asked for; give one of the two"
        )
    return result


def _apportion(shares: NDArray[Any], total: int) -> Counts:
    """Split a number of rows by shares, largest remainders first."""
    exact = shares / shares.sum() * total
    parts: Counts = np.floor(exact).astype(np.intp)
    missing = total - int(parts.sum())
    remainders = np.round(exact - parts, 9)
    parts[np.argsort(-remainders, kind="stable")[:missing]] += 1
    return parts


@dataclass(frozen=True)
class ShuffledClasses:
    """The class of each of many rows, in random order; only those asked for are held in memory.

    Attributes
    ----------
    counts : ndarray of int
        Rows of each class, by code.
    key : int
        Names the order.

    Examples
    --------
    >>> sorted(ShuffledClasses(np.array([2, 1]), key=3)[0:3].tolist())
    [0.0, 0.0, 1.0]
    """

    counts: Counts
    key: int

    def __len__(self) -> int:
        return int(self.counts.sum())

    def __getitem__(self, rows: slice) -> NDArray[np.float64]:
        positions = np.arange(*rows.indices(len(self)), dtype=np.uint64)
        shuffled = permuted(positions, len(self), self.key)
        ends = np.cumsum(self.counts).astype(np.uint64)
        return np.searchsorted(ends, shuffled, side="right").astype(np.float64)


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
    if isinstance(strategy, int | float | np.number) and not isinstance(strategy, bool):
        return _from_share(float(strategy), sizes)
    raise InputError(
        f"sampling_strategy is one of {', '.join(_NAMED)}, a dict, a number or a callable, "
        f"not {strategy!r}"
    )


def _from_name(name: str, sizes: dict[Any, int]) -> dict[Any, int]:
    if name not in _NAMED:
        raise InputError(f"sampling_strategy is one of {', '.join(_NAMED)}, not {name!r}")
    maximum, minimum = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    left_out = {"minority": set(sizes) - {minimum}, "not minority": {minimum}, "all": set()}
    skip = left_out.get(name, {maximum})
    return {key: sizes[maximum] - size for key, size in sizes.items() if key not in skip}


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


def _from_share(share: float, sizes: dict[Any, int]) -> dict[Any, int]:
    if len(sizes) != 2:
        raise InputError("a sampling_strategy that is a number needs a target of two classes")
    maximum, minimum = max(sizes, key=sizes.__getitem__), min(sizes, key=sizes.__getitem__)
    if not 0 < share <= 1:
        raise InputError(f"sampling_strategy as a number lies in (0, 1], not {share:g}")
    requested = int(share * sizes[maximum])
    if requested < sizes[minimum]:
        raise InputError(
            f"sampling_strategy={share:g} is less than the smaller class has already "
            f"({sizes[minimum]} of {sizes[maximum]}); rows are only added"
        )
    return {minimum: requested - sizes[minimum]}


def check_counts(counts: list[int] | None, layout: Layout) -> None:
    """Refuse rows a class, as a model file has them, that are not those of the target's classes."""
    levels = [field.levels for field in layout.codec.fields if field.target and field.discrete]
    if [len(counts or ())] != (levels or [0]) or any(type(n) is not int for n in counts or ()):
        raise ValueError("the counts are of other classes")
