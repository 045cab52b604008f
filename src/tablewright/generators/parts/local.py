"""What every generator of ours does alike: rare classes and codes are drawn from their own rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np

from tablewright.callers import warn
from tablewright.generators.base import Condition, Given, State
from tablewright.generators.parts.conditioning import check_given
from tablewright.generators.parts.few_rows import FEW, FewRows
from tablewright.generators.parts.marginals import within
from tablewright.generators.parts.proposals import blank
from tablewright.generators.parts.rounding import RoundingGrid
from tablewright.tables.encoding.codec import Field, Floats, Matrix

_MIN_DRAWN = 10_000  # rows drawn at once, and at least, to find some that meet a condition
_MIN_ROWS = 3  # real rows below which the rows around them say little else


class FewRowsWarning(UserWarning):
    """Rows are written around one or two real ones, since no others have what was asked for."""


class LocalGenerator(ABC):
    """Implements `Generator`; a subclass brings the model of all but rare classes and codes."""

    fields_: tuple[Field, ...]
    few_: FewRows
    few_below = FEW
    """Rows of a class from which on the model draws it."""
    drawn_per_row = 100
    """Rows drawn at most for one that meets what few real rows meet; 0 draws none by chance."""

    @property
    def order(self) -> list[int]:
        """Columns in the order in which they are drawn."""
        return list(range(len(self.fields_)))

    def fit(self, matrix: Matrix, rng: np.random.Generator) -> Self:
        """Learn from rows."""
        self.fields_ = tuple(matrix.fields)
        self._fit(matrix, rng)
        self.few_ = FewRows.learn(matrix, self._grids, self.few_below)
        return self

    @property
    def _grids(self) -> list[RoundingGrid] | None:
        """Grids of the columns, where the model has learned them of all rows."""
        return None

    def sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        *,
        given: Given | None = None,
        condition: Condition | None = None,
        complete: bool = False,
    ) -> Floats:
        """Draw rows; see `tablewright.generators.base.Generator.sample`.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        if given is None:
            return self._sample_freely(n_rows, rng, condition, complete)
        if condition is not None:
            check_given(condition, given, self.fields_)
        rows = np.empty((n_rows, len(self.fields_)))
        rest = np.ones(n_rows, dtype=np.bool_)
        for mine, base in self.few_.apart(given.values, given.known):
            part = Given(given.values[mine], given.known[mine])
            if condition is not None:
                base = self.few_.meeting(base, condition)
            if len(base):
                if part.known.mean() < 0.5:
                    _warn_of(len(base))
                rows[mine] = self.few_.draw(base, part, rng, condition, complete)
                rest[mine] = False
        if rest.any() or n_rows == 0:
            part = Given(given.values[rest], given.known[rest])
            rows[rest] = self._sample(int(rest.sum()), rng, part, condition, complete)
        return rows

    def _sample_freely(
        self, n_rows: int, rng: np.random.Generator, condition: Condition | None, complete: bool
    ) -> Floats:
        open_ = blank(n_rows, len(self.fields_))
        if condition is not None:
            base = self.few_.complying(condition, self._training_rows)
            if base is not None:
                _warn_of(len(base))
                apart = self.few_.decides(condition, base)
                rows = self._by_chance(0 if apart else n_rows, rng, condition, complete)
                rest = blank(n_rows - len(rows), len(self.fields_))
                drawn = self.few_.draw(base, rest, rng, condition, complete)
                return np.concatenate([rows, drawn])
        rows = self._sample(n_rows, rng, None, condition, complete)
        for mine, base in self.few_.apart(rows, self._class_known(rows)):
            if condition is not None:
                base = self.few_.meeting(base, condition)
            if len(base):
                part = Given(open_.values[mine], open_.known[mine])
                rows[mine] = self.few_.draw(base, part, rng, condition, complete)
        return rows

    def _by_chance(
        self, n_rows: int, rng: np.random.Generator, condition: Condition, complete: bool
    ) -> Floats:
        """Draw rows of all kinds, and take those that meet a condition, as far as they go."""
        kept, left = [np.empty((0, len(self.fields_)))], 0
        if self.drawn_per_row and n_rows:
            left = max(self.drawn_per_row * n_rows, _MIN_DRAWN)
        while sum(map(len, kept)) < n_rows and left > 0:
            rows = self._sample_freely(min(left, _MIN_DRAWN), rng, None, complete)
            left -= len(rows)
            kept.append(rows[condition.holds(rows)])
        return np.concatenate(kept)[:n_rows]

    def _class_known(self, rows: Floats) -> np.typing.NDArray[np.bool_]:
        """Mark the target alone, where it has classes: rows of a rare one are drawn from it."""
        targets = np.array([field.target and field.discrete for field in self.fields_])
        return np.broadcast_to(targets, rows.shape)

    @property
    def _training_rows(self) -> Floats | None:
        """Real rows, where the model holds them."""
        return None

    @abstractmethod
    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Learn the model."""

    @abstractmethod
    def _sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        given: Given | None,
        condition: Condition | None,
        complete: bool,
    ) -> Floats:
        """Draw rows from the model."""

    def state(self) -> State:
        """Return all that `restore` needs."""
        state = self._state()
        few = {f"few/{name}": array for name, array in self.few_.arrays().items()}
        return State(state.facts, {**state.arrays, **few})

    @classmethod
    def restore(cls, fields: Sequence[Field], state: State) -> Self:
        """Make the fitted generator again."""
        self = cls._restore(tuple(fields), state)
        self.fields_ = tuple(fields)
        few = within(state.arrays, "few/")
        if few:
            self.few_ = FewRows.restore(self.fields_, few, self.few_below)
        else:  # version 0.1.0 kept no such rows
            rows = self._training_rows
            rows = np.empty((0, len(fields))) if rows is None else rows
            self.few_ = FewRows.learn(Matrix(rows, self.fields_))
        return self

    @abstractmethod
    def _state(self) -> State:
        """Return what the model needs."""

    @classmethod
    @abstractmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        """Make the model again."""


def _warn_of(n_base: int) -> None:
    if n_base < _MIN_ROWS:
        warn(few_rows_text(n_base), FewRowsWarning)


def few_rows_text(n_base: int) -> str:
    """Say what rows are worth that few real ones, or none, stand behind.

    Examples
    --------
    >>> few_rows_text(0)
    'no real row has what was asked for: rows are put together of real ones that have parts of it'
    """
    if not n_base:
        return (
            "no real row has what was asked for: rows are put together of real ones that have "
            "parts of it"
        )
    result = "one real row has" if n_base == 1 else f"only {n_base} real rows have"
    return (
        f"{result} what was asked for: the rows written for it lean on "
        f"{'it' if n_base == 1 else 'them'}, and say little of others of its kind"
    )
