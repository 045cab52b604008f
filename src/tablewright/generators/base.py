"""What every local generator is: `fit` on a matrix, `sample` rows of it.

A generator knows nothing of frames, files or names of dtypes. It sees a `Matrix`
(`tablewright.tables.encoding.codec`) and fills one of the same layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tablewright.tables.encoding.codec import Field, Floats, Matrix

__all__ = ["Bools", "Condition", "Floats", "Generator", "Given", "State"]

Bools = NDArray[np.bool_]


class Condition(Protocol):
    """A yes-or-no question about rows, asked on what would be written for them."""

    @property
    def columns(self) -> tuple[int, ...]:
        """Positions of the matrix columns that the answer depends on, ascending."""

    @property
    def parts(self) -> Sequence[Condition]:
        """Conditions that all have to hold (the conjuncts); itself alone where it has none."""

    @property
    def alternatives(self) -> Sequence[Condition]:
        """Conditions of which one has to hold (branches of an OR); itself alone where none."""

    def allowed(self, column: int) -> Bools | tuple[tuple[float, float], ...] | None:
        """Values of one column that can still meet the condition, whatever the others are.

        A mask over the codes of a discrete column (the last place stands for missing), closed
        intervals of a numeric one ((nan, nan) among them where the value may be missing), or
        None where nothing is excluded.
        """

    def holds(self, values: Floats) -> Bools:
        """Answer for rows of shape (n_rows, n_columns); only `columns` are looked at."""


@dataclass(frozen=True)
class Given:
    """Cells that the user fixed.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns)
        The fixed values; NaN in a known cell means "missing, and to stay so".
    known : ndarray of bool, same shape
        Which cells are fixed.
    """

    values: Floats
    known: Bools


@dataclass(frozen=True)
class State:
    """What a fitted generator needs to sample: JSON-able facts and plain arrays."""

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]


class Generator(Protocol):
    """One local method of making rows."""

    @property
    def order(self) -> Sequence[int]:
        """Positions of the columns in the order in which they are drawn."""

    def fit(self, matrix: Matrix, rng: np.random.Generator) -> Self:
        """Learn from rows."""

    def sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        *,
        given: Given | None = None,
        condition: Condition | None = None,
        complete: bool = False,
    ) -> Floats:
        """Draw rows.

        Parameters
        ----------
        n_rows : int
            Rows wanted; every one is returned.
        rng : numpy Generator
            The only source of chance.
        given : Given or None
            Cells fixed per row; the others are drawn given them.
        condition : Condition or None
            Rows must meet it; what they are otherwise is as in real rows that meet it.
        complete : bool, default=False
            Whether drawn cells must not be missing (imputation).

        Returns
        -------
        ndarray of shape (n_rows, n_columns)

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """

    def state(self) -> State:
        """Return all that `restore` needs."""

    @classmethod
    def restore(cls, fields: Sequence[Field], state: State) -> Self:
        """Make the fitted generator again."""
