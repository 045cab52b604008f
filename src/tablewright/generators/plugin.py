"""Any object with `fit` and `sample` as a generator: CTGAN, TVAE, the synthesizers of SDV.

Frames go in and frames come out, of pandas where it is installed and of polars elsewhere. Such
an object knows nothing of conditions or given cells, so a pool of its rows is drawn and rows are
taken from it. That is exact for a condition that its rows meet often enough, and for given codes
that occur in the pool. It is approximate elsewhere: given numbers stay, and the rest of the row
is that of a row nearby; cells of a rare condition come from the few rows that meet it, spread a
little.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
import polars as pl

from tablewright.errors import InputError, TablewrightError
from tablewright.generators.base import Condition, Generator, Given, State
from tablewright.generators.parts.conditioning import check_given, condition_from_rows
from tablewright.generators.parts.local import LocalGenerator
from tablewright.generators.parts.neighbours import Space
from tablewright.generators.parts.proposals import patterns
from tablewright.schema import Kind
from tablewright.tables.encoding.codec import Codec, Field, Floats, Matrix
from tablewright.tables.inference.casting import typed
from tablewright.tables.io.frames import Restore, to_polars

_LEAST = 2000  # rows of a pool at least
_POOLS = 4  # pools that are drawn for a condition before rows are made of those that meet it
_NEIGHBOURS = 5  # rows of the pool that given cells are completed from


class Frames(Protocol):
    """Translates between matrices and frames; `tablewright.tables.encoding.codec.Codec` is one."""

    def encode(self, frame: pl.DataFrame) -> Matrix:
        """Turn a frame into a matrix."""

    def decode(self, values: Floats) -> pl.DataFrame:
        """Turn rows of a matrix into a frame."""


def name_of(method: Any) -> str:
    """Name of a class or of the class of an object."""
    return str(getattr(method, "__name__", type(method).__name__))


def as_generator(made: Any, codec: Codec | None = None) -> Generator:
    """Return a generator as it is, and any other object with `fit` and `sample` as a `Plugin`.

    Raises
    ------
    InputError
        If it has no `fit` or no `sample`.
    """
    for name in ("fit", "sample"):
        if not callable(getattr(made, name, None)):
            raise InputError(
                f"a method is a name, or an object with fit and sample; {name_of(made)} has "
                f"no {name}"
            )
    if hasattr(made, "state") and hasattr(made, "restore"):
        generator: Generator = made
        return generator
    return Plugin(made, codec)


class Plugin(LocalGenerator):
    """Rows of a foreign object.

    Parameters
    ----------
    model : object
        Has ``fit(frame)`` and ``sample(n)``, which gives a frame with the same columns. Where
        `fit` takes ``discrete_columns`` or any keyword, it is told them (CTGAN, TVAE); where
        there is ``set_random_state``, it is seeded. Otherwise its rows are as repeatable as it
        makes them.
    codec : Codec or None, default=None
        Knows the user's columns. None hands over codes as text.

    Examples
    --------
    >>> class Repeats:
    ...     def fit(self, frame):
    ...         self.frame = frame
    ...     def sample(self, n):
    ...         return self.frame.iloc[np.arange(n) % len(self.frame)]
    >>> rng = np.random.default_rng(0)
    >>> matrix = Matrix(np.array([[1.0], [2.0]]), (Field("x"),))
    >>> Plugin(Repeats()).fit(matrix, rng).sample(3, rng).ravel().tolist()
    [1.0, 2.0, 1.0]
    """

    drawn_per_row = 0  # a foreign object may be slow

    def __init__(self, model: Any, codec: Codec | None = None) -> None:
        self.model = model
        self.codec = codec

    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Hand the rows over as a frame of pandas, or of polars where there is no pandas."""
        self.fields_ = matrix.fields
        self._frames: Frames = _Plain(self.fields_) if self.codec is None else self.codec
        frame = Restore("pandas")(self._frames.decode(matrix.values))
        self._seed(rng)
        discrete = [field.name for field in self.fields_ if field.discrete]
        self.model.fit(frame, **({"discrete_columns": discrete} if self._wants_kinds else {}))

    @property
    def _wants_kinds(self) -> bool:
        """Whether `fit` takes the names of discrete columns, or any keyword at all."""
        taken = inspect.signature(self.model.fit).parameters.values()
        return any(p.name == "discrete_columns" or p.kind is p.VAR_KEYWORD for p in taken)

    def _seed(self, rng: np.random.Generator) -> None:
        if hasattr(self.model, "set_random_state"):
            self.model.set_random_state(int(rng.integers(2**31)))

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
        InputError
            If the object gives rows that do not belong to the table.
        """
        self._seed(rng)
        if given is None and condition is None and not complete:
            return self._draw(n_rows)
        if condition is not None and given is not None:
            check_given(condition, given, self.fields_)
        pool = self._pool(n_rows, condition if given is None else None, complete)
        if given is None and condition is not None:
            result = pool[condition.holds(pool)]
            if len(result) >= n_rows:
                return result[:n_rows]
        elif given is None:
            return pool[np.arange(n_rows) % len(pool)]
        if condition is not None:
            matrix = Matrix(pool, self.fields_)
            given = condition_from_rows(
                matrix, condition, n_rows, rng, given=given, complete=complete
            )
        assert given is not None
        return self._complete(given, pool, rng)

    def _pool(self, n_rows: int, condition: Condition | None, complete: bool) -> Floats:
        """Rows of the object: enough to take from, as far as a few draws bring them."""
        parts: list[Floats] = []
        result = 0
        for _ in range(_POOLS):
            drawn = self._draw(max(n_rows, _LEAST))
            whole = ~np.isnan(drawn).any(axis=1)
            drawn = drawn[whole] if complete and whole.any() else drawn
            parts.append(drawn)
            result += len(drawn) if condition is None else int(condition.holds(drawn).sum())
            if result >= n_rows:
                break
        return np.concatenate(parts)

    def _draw(self, n_rows: int) -> Floats:
        """Draw rows and read them as rows of the table."""
        if n_rows == 0:
            return np.empty((0, len(self.fields_)))
        result = self.model.sample(n_rows)
        if isinstance(result, dict) and len(result) == 1:
            result = next(iter(result.values()))
        name = name_of(self.model)
        try:
            values = self._frames.encode(self._typed(to_polars(result)[0])).values
        except TablewrightError as error:
            raise InputError(f"the rows of {name} do not fit the table: {error}") from error
        if len(values) != n_rows:
            raise InputError(f"{name} gave {len(values)} rows where {n_rows} were asked for")
        return values

    def _typed(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self.codec is None:
            return frame
        whole = [c.name for c in self.codec.columns if c.kind is Kind.INTEGER]
        rounded = [n for n in frame.columns if n in whole and frame.schema[n].is_float()]
        return typed(frame.with_columns(pl.col(rounded).round()), self.codec.schema)

    def _complete(self, given: Given, pool: Floats, rng: np.random.Generator) -> Floats:
        """Take for each row one of the rows of the pool nearest to what is given of it."""
        space = Space.learn(Matrix(pool, self.fields_))
        rows = np.empty(given.values.shape)
        for at, known in patterns(given.known):
            columns, weights = np.flatnonzero(known), np.ones(len(pool))
            near = space.choose_near(given.values[at], pool, _NEIGHBOURS, columns, weights, rng)
            rows[at] = pool[near]
        return np.where(given.known, given.values, rows)

    def _state(self) -> State:
        """Refuse: what is inside a foreign object is not ours to write.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(f"{name_of(self.model)} cannot be saved here; save it by its own means")

    @classmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        """Refuse, as `state` does."""
        raise InputError("an object of another package cannot be restored here")


class _Plain:
    """Numbers as numbers, codes as text."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)

    def decode(self, values: Floats) -> pl.DataFrame:
        columns = []
        for j, field in enumerate(self.fields):
            column = pl.Series(field.name, values[:, j]).fill_nan(None)
            columns.append(column.cast(pl.Int64).cast(pl.String) if field.discrete else column)
        return pl.DataFrame(columns)

    def encode(self, frame: pl.DataFrame) -> Matrix:
        columns = [
            frame[field.name].cast(pl.Float64).fill_null(np.nan).to_numpy() for field in self.fields
        ]
        return Matrix(np.column_stack(columns), self.fields)
