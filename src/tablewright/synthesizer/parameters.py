"""What the parameters of an estimator may be, declared with the class and checked in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tablewright.errors import InputError


class Constraint(Protocol):
    """What a parameter may be."""

    @property
    def description(self) -> str:
        """What is allowed, to follow "is"."""

    def allows(self, value: Any) -> bool:
        """Whether a value is allowed."""


@dataclass(frozen=True)
class OneOf:
    """One of a few values.

    Examples
    --------
    >>> OneOf("a", "b").description, OneOf("a", "b").allows("c")
    ("'a' or 'b'", False)
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)

    @property
    def description(self) -> str:
        """The values."""
        *others, last = map(repr, self.values)
        return f"{', '.join(others)} or {last}" if others else last

    def allows(self, value: Any) -> bool:
        """Whether it is one of them."""
        return any(type(value) is type(one) and value == one for one in self.values)


@dataclass(frozen=True)
class Whole:
    """A whole number from a minimum on."""

    minimum: int = 1
    optional: bool = False

    @property
    def description(self) -> str:
        """The range."""
        return f"a whole number above {self.minimum - 1}"

    def allows(self, value: Any) -> bool:
        """Whether it is such a number."""
        if value is None:
            return self.optional
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        return whole and value >= self.minimum


def check_parameters(estimator: Any, constraints: Mapping[str, Constraint]) -> None:
    """Check the parameters of an estimator.

    Raises
    ------
    InputError
        Names the first that is not allowed, and says what would be.
    """
    for name, constraint in constraints.items():
        value = getattr(estimator, name)
        if not constraint.allows(value):
            raise InputError(f"{name} is {constraint.description}, not {value!r}")
