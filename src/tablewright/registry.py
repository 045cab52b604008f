"""Find a part by its name: ours and those of other packages, by entry points alone."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tablewright.errors import InputError
from tablewright.schema import suggest


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"tablewright.{group}")}


def names(group: str) -> list[str]:
    """Names registered in a group, sorted.

    Parameters
    ----------
    group : str
        ``"generators"``, ``"llms"`` and so on: the entry-point group without its prefix.

    Examples
    --------
    >>> "trees" in names("generators")
    True
    """
    return sorted(_found(group))


def resolve(group: str, name: str) -> Any:
    """Load what is registered under a name.

    Raises
    ------
    InputError
        If nothing has that name; the sentence names a near miss.

    Examples
    --------
    >>> resolve("generators", "tress")
    Traceback (most recent call last):
    tablewright.errors.InputError: no generator is called 'tress'; did you mean 'trees'?
    """
    result = _found(group)
    if name not in result:
        raise InputError(f"no {group.removesuffix('s')} is called {name!r}{suggest(name, result)}")
    return result[name].load()
