"""Each column by itself: the floor that every other generator has to beat."""

from __future__ import annotations

from typing import Self

import numpy as np

from tablewright.generators.base import Condition, Given, State
from tablewright.generators.parts.conditioning import draw_condition
from tablewright.generators.parts.local import LocalGenerator
from tablewright.generators.parts.marginals import learn, pack, unpack
from tablewright.generators.parts.proposals import blank, from_marginals
from tablewright.tables.encoding.codec import Field, Floats, Matrix


class Independent(LocalGenerator):
    """Draws every column from its own distribution, with no relation between columns.

    Numbers come from a smoothed empirical distribution that keeps point masses and grids;
    codes and missing values come at the rate at which they were seen.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fields = (Field("height"), Field("colour", levels=2))
    >>> rows = np.column_stack([rng.normal(170, 10, 500), rng.integers(0, 2, 500)])
    >>> Independent().fit(Matrix(rows, fields), rng).sample(3, rng).shape
    (3, 2)
    """

    keeps_rows = False
    """A model file needs no real row."""

    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Learn the distribution of each column."""
        self.fields_ = matrix.fields
        self.marginals_ = [
            learn(matrix.values[:, j], field) for j, field in enumerate(matrix.fields)
        ]

    def _sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        given: Given | None,
        condition: Condition | None,
        complete: bool,
    ) -> Floats:
        """Draw rows from the model.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        known = blank(n_rows, len(self.fields_)) if given is None else given
        if condition is not None:
            marginals = dict(enumerate(self.marginals_))
            proposals = [from_marginals(marginals, condition, complete=complete)]
            known = draw_condition(
                condition, n_rows, rng, proposals, marginals, self.fields_, given
            )
        rows = np.empty((n_rows, len(self.fields_)))
        for j, marginal in enumerate(self.marginals_):
            rows[:, j] = marginal.quantile(rng.random(n_rows))
            if not complete and marginal.missing:
                rows[rng.random(n_rows) < marginal.missing, j] = np.nan
        return np.where(known.known, known.values, rows)

    def _state(self) -> State:
        """Return all that `restore` needs."""
        return State({}, pack(self.marginals_))

    @classmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        """Make the fitted generator again."""
        self = cls()
        self.fields_ = tuple(fields)
        self.marginals_ = unpack(state.arrays, len(fields))
        return self
