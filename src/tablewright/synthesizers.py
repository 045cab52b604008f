"""The estimator that users hold: learn a table, write rows of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from tablewright.errors import InputError
from tablewright.expressions import parse
from tablewright.generators.base import Condition, Floats, Generator, Given, State
from tablewright.generators.row_conditions import RowCondition
from tablewright.registry import resolve
from tablewright.schema import Kind, Schema, suggest
from tablewright.selection import choose_method
from tablewright.tables.artefacts import Artefact, reading, write_artefact
from tablewright.tables.casting import typed, untyped
from tablewright.tables.encoding import Codec, Field, Matrix
from tablewright.tables.frames import Restore
from tablewright.tables.identifiers import Identifiers
from tablewright.tables.sdv_metadata import read_schema_file
from tablewright.tables.table import Table, load_raw, load_table

__all__ = ["Balance", "Synthesizer"]

Balance = Literal["equal", "fill"]

_BLOCK = 20_000
"""Rows that are drawn at once; fixed, so that rows do not depend on how they are fetched."""


class Synthesizer(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Learns one table and writes rows like it, on this machine alone.

    Parameters
    ----------
    method : str, default="auto"
        A generator: ``"trees"``, ``"copula"``, ``"independent"``, ``"smotenc"``, one that
        another package registers, or ``"auto"`` to have one chosen.
    target : str or None, default=None
        The column that a model is to predict; it leads the order in which columns are drawn.
    schema : Schema, mapping, path or None, default=None
        What the columns mean: a whole `Schema`; or what inference should be told, as a mapping
        from column to kind or as a ``schema.yaml``; or SDV metadata (``.json``).
    options : mapping or None, default=None
        Parameters of the generator, such as ``{"min_samples_leaf": 30}``.
    sampling_strategy : str, dict, float or callable, default="auto"
        Which classes `fit_resample` fills, and how far, as in imbalanced-learn.
    random_state : int, RandomState or None, default=None
        Seed. With an int, the same data and version give the same rows.

    Attributes
    ----------
    schema_ : Schema
        What was found out about the columns.
    method_ : str
        The generator that was taken.
    reason_ : str
        Why, in one sentence.
    n_rows_ : int
        Real rows that were learned from.

    Notes
    -----
    A fitted synthesizer, and the file that `save` writes, hold real values of the table.

    Examples
    --------
    >>> import polars as pl
    >>> rng = np.random.default_rng(0)
    >>> table = pl.DataFrame({"age": rng.integers(18, 90, 300), "income": rng.normal(40, 9, 300)})
    >>> synthesizer = Synthesizer(random_state=0).fit(table)
    >>> synthesizer.sample(2, where="age BETWEEN 30 AND 39")["age"].is_between(30, 39).to_list()
    [True, True]
    """

    def __init__(
        self,
        method: str = "auto",
        *,
        target: str | None = None,
        schema: Any = None,
        options: Mapping[str, Any] | None = None,
        sampling_strategy: Any = "auto",
        random_state: Any = None,
    ) -> None:
        self.method = method
        self.target = target
        self.schema = schema
        self.options = options
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn a table.

        Parameters
        ----------
        X : frame or path
            A DataFrame of pandas or polars, an Arrow table, or a CSV, Parquet or Arrow file.
        y : ignored
            The target is a column of `X`, named by `target`.

        Raises
        ------
        InputError
            If the data, the schema or an option cannot be used; the sentence says what to do.
        """
        return self._fit_table(load_as_said(X, self.schema, self.target))

    def _fit_table(self, table: Table) -> Self:
        self.schema_, self.n_rows_ = table.schema, table.frame.height
        self._restore = Restore.from_dict(table.restore_frame.to_dict())
        self.seed_ = _seed(self.random_state)
        self._codec = Codec(self.schema_).fit(table.frame)
        self._constants = _constants(table.frame, self.schema_)
        self._identifiers = {
            c.name: Identifiers(table.frame[c.name], c.format)
            for c in self.schema_.each()
            if c.kind is Kind.IDENTIFIER
        }
        if not self._codec.columns:
            raise InputError("every column is constant or an identifier: there is nothing to learn")
        self.method_, self.reason_ = self._choose(table.frame)
        matrix = self._codec.encode(table.frame)
        self.generator_: Generator = self._make().fit(matrix, self._rng("fit"))
        self._class_counts = _class_counts(matrix)
        return self

    def _choose(self, frame: pl.DataFrame) -> tuple[str, str]:
        if self.method != "auto":
            return self.method, "as asked"
        choice = choose_method(frame, self.schema_, self._rng("choose"))
        return choice.method, choice.reason

    def _make(self) -> Generator:
        kind = resolve("generators", self.method_)
        try:
            made: Generator = kind(**(self.options or {}))
        except TypeError as error:
            raise InputError(f"method {self.method_!r}: {error}") from error
        return made

    # rows ---------------------------------------------------------------------

    def sample(
        self,
        n_samples: int | None = None,
        *,
        where: str | None = None,
        seed_data: Any = None,
        balance: Balance | None = None,
        random_state: Any = None,
    ) -> Any:
        """Write rows.

        Parameters
        ----------
        n_samples : int or None, default=None
            Rows wanted. None stands for as many as were learned from, as `seed_data` has, or as
            ``balance="fill"`` needs.
        where : str or None, default=None
            Condition in SQL that every row meets, such as ``"age < 30 AND city = 'Rome'"``; the
            rest of a row is distributed as in real rows that comply.
        seed_data : frame, path or None, default=None
            Partly filled rows, completed one by one; an empty cell is one to fill.
        balance : {"equal", "fill"} or None, default=None
            Same number of rows for each class of the target; or rows for the classes below the
            largest, as many as they lack or in proportion to that.
        random_state : int, RandomState or None, default=None
            Seed of this call; that of the synthesizer where None, so that the same call gives
            the same rows.

        Returns
        -------
        frame of shape (n_samples, n_columns)
            Of the kind that was learned from, with its columns and data types.

        Raises
        ------
        ConditionError
            If no row can meet what is asked; names the part.
        InputError
            If the options do not fit each other or the table.
        """
        frames = self._frames(n_samples, where, seed_data, balance, random_state)
        return self._restore(untyped(pl.concat(frames), self.schema_))

    def batches(
        self,
        n_samples: int | None = None,
        *,
        where: str | None = None,
        seed_data: Any = None,
        balance: Balance | None = None,
        random_state: Any = None,
        batch_size: int = _BLOCK,
    ) -> Iterator[Any]:
        """Write the rows of `sample` piece by piece; memory grows with the piece only.

        Parameters
        ----------
        batch_size : int, default=20_000
            Rows of a piece. The rows do not depend on it.

        Yields
        ------
        frame of shape (batch_size, n_columns)
            The last one may be shorter.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is at least 1, not {batch_size}")
        frames = self._frames(n_samples, where, seed_data, balance, random_state)
        for piece in _regroup(frames, batch_size):
            yield self._restore(untyped(piece, self.schema_))

    def impute(self, X: Any) -> Any:
        """Fill the empty cells of a table; all other cells stay as they are.

        Parameters
        ----------
        X : frame or path
            Rows with the columns that were learned.

        Returns
        -------
        frame
            The same rows, of the same kind.
        """
        check_is_fitted(self)
        raw, restore = load_raw(X)
        frame = typed(_with_all(raw, self.schema_, "the table"), self.schema_)
        rng = np.random.default_rng([self.seed_, _STREAMS["impute"]])
        given = self._given(frame)
        filled = self.generator_.sample(frame.height, rng, given=given, complete=True)
        whole = self._assemble(filled, frame, 0, "impute", self.seed_)
        return restore(untyped(whole, self.schema_), True)

    def _frames(
        self,
        n_samples: int | None,
        where: str | None,
        seed_data: Any,
        balance: Balance | None,
        random_state: Any,
    ) -> Iterator[pl.DataFrame]:
        """Draw block after block; what is wrong with the request is said before the first."""
        check_is_fitted(self)
        seed = self.seed_ if random_state is None else _seed(random_state)
        seeds = None if seed_data is None else self._load_seeds(seed_data)
        if seeds is not None and balance is not None:
            raise InputError("seed_data and balance cannot be asked for together")
        condition = None if where is None else self.condition(where)
        classes = None if balance is None else self._classes(balance, n_samples, seed)
        wanted = self._count(n_samples, seeds, classes)
        return self._blocks(wanted, condition, seeds, classes, seed)

    def _blocks(
        self,
        n_rows: int,
        condition: Condition | None,
        seeds: pl.DataFrame | None,
        classes: Floats | None,
        seed: int,
    ) -> Iterator[pl.DataFrame]:
        for block, start in enumerate(range(0, n_rows, _BLOCK)):
            stop = min(start + _BLOCK, n_rows)
            rng = np.random.default_rng([seed, _STREAMS["sample"], block])
            fixed = None if seeds is None else seeds[start:stop]
            given = None if fixed is None else self._given(fixed)
            if classes is not None:
                given = self._given_classes(classes[start:stop])
            values = self.generator_.sample(stop - start, rng, given=given, condition=condition)
            yield self._assemble(values, fixed, start, "sample", seed)

    def condition(self, where: str) -> Condition:
        """Read a condition on the columns of the table.

        Raises
        ------
        ExpressionError
            If the text is not a condition; shows the place.
        ConditionError
            If no row can meet it.
        """
        check_is_fitted(self)
        expression = parse(where, self.schema_)
        expression.require_possible()
        return RowCondition(expression, self._codec, self._constants)

    def _count(self, n_samples: int | None, seeds: Any, classes: Any) -> int:
        if seeds is not None:
            if n_samples not in (None, seeds.height):
                raise InputError(
                    f"seed_data has {seeds.height} rows, each of which is completed once; "
                    f"leave n_samples out instead of {n_samples}"
                )
            return int(seeds.height)
        if classes is not None:
            return len(classes)
        wanted = self.n_rows_ if n_samples is None else n_samples
        if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer) or wanted < 1:
            raise InputError(f"n_samples is a whole number of at least 1, not {n_samples!r}")
        return int(wanted)

    def _classes(self, balance: str, n_samples: int | None, seed: int) -> Floats:
        """Class of each row to write, as codes in random order."""
        if balance not in ("equal", "fill"):
            raise InputError(f"balance is 'equal' or 'fill', not {balance!r}")
        if self._class_counts is None:
            raise InputError(
                "balance needs a target with classes: name it (target=...), or leave balance out"
            )
        counts = np.array(self._class_counts)
        present = counts > 0
        lacking = np.where(present, counts.max() - counts, 0)
        shares = present.astype(np.float64) if balance == "equal" else lacking.astype(np.float64)
        if n_samples is None:
            n_samples = int(lacking.sum()) if balance == "fill" else self.n_rows_
        self._count(n_samples if shares.any() else 1, None, None)
        if not shares.any():
            raise InputError("the classes have the same number of rows already: nothing to fill")
        codes = np.repeat(np.arange(len(counts)), _apportion(shares, n_samples))
        rng = np.random.default_rng([seed, _STREAMS["classes"]])
        return rng.permutation(codes).astype(np.float64)

    def _given_classes(self, codes: Floats) -> Given:
        values = np.full((len(codes), len(self._codec.columns)), np.nan)
        target = self._codec.positions[str(self.schema_.target)]
        values[:, target] = codes
        known = np.zeros(values.shape, dtype=np.bool_)
        known[:, target] = True
        return Given(values, known)

    def _load_seeds(self, seed_data: Any) -> pl.DataFrame:
        raw, _ = load_raw(seed_data)
        unknown = [name for name in raw.columns if name not in self.schema_]
        if unknown:
            raise InputError(
                f"seed_data: the table has no column {unknown[0]!r}"
                f"{suggest(unknown[0], self.schema_.names)}"
            )
        if raw.height == 0:
            raise InputError("seed_data has no rows")
        absent = [pl.lit(None).alias(n) for n in self.schema_.names if n not in raw.columns]
        return typed(raw.with_columns(absent).select(self.schema_.names), self.schema_)

    def _given(self, frame: pl.DataFrame) -> Given:
        values = self._codec.encode(frame).values
        return Given(values, ~np.isnan(values))

    def _assemble(
        self, values: Any, fixed: pl.DataFrame | None, start: int, stream: str, seed: int
    ) -> pl.DataFrame:
        """Put modelled columns, constants and fresh identifiers together; fixed cells win."""
        made = self._codec.decode(values)
        for name, maker in self._identifiers.items():
            rng = np.random.default_rng([seed, _STREAMS[stream], _STREAMS["identifiers"]])
            made = made.with_columns(maker.make(len(values), rng, start).alias(name))
        for name in self._constants.columns:
            made = made.with_columns(self._constants[name].new_from_index(0, len(values)))
        if fixed is not None:
            made = made.with_columns(
                fixed[name].cast(made[name].dtype).fill_null(made[name]) for name in made.columns
            )
        return made.select(self.schema_.names)

    def _rng(self, stream: str) -> np.random.Generator:
        return np.random.default_rng([self.seed_, _STREAMS[stream]])

    # storing ------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the fitted synthesizer to one file of JSON, Parquet and npz.

        The file holds real values of the table; treat it as the table itself.

        Raises
        ------
        InputError
            If the file cannot be written; what stood there stays.
        """
        check_is_fitted(self)
        state = self.generator_.state()
        facts = {
            "method": self.method_,
            "reason": self.reason_,
            "n_rows": self.n_rows_,
            "seed": self.seed_,
            "schema": self.schema_.model_dump(mode="json"),
            "restore": self._restore.to_dict(),
            "fields": [asdict(field) for field in self._codec.fields],
            "class_counts": self._class_counts,
            "generator": dict(state.facts),
            "identifiers": {n: maker.state()[0] for n, maker in self._identifiers.items()},
        }
        taken = {f"taken/{n}": maker.state()[1] for n, maker in self._identifiers.items()}
        arrays = {"generator": dict(state.arrays), **taken}
        frames = {**self._codec.frames(), "constants": self._constants}
        write_artefact(path, Artefact(facts, arrays, frames))

    @classmethod
    def load(cls, path: str | Path) -> Synthesizer:
        """Read a synthesizer that `save` wrote; nothing in the file is run.

        Raises
        ------
        InputError
            If the file is not one, or was written by a version that we cannot read.
        """
        with reading(path) as file:
            facts = file.facts
            schema = Schema.model_validate(facts["schema"])
            made = cls(str(facts["method"]), target=schema.target, random_state=facts["seed"])
            made.schema_, made.n_rows_ = schema, int(facts["n_rows"])
            made.method_, made.reason_ = str(facts["method"]), str(facts["reason"])
            made.seed_, made._class_counts = int(facts["seed"]), facts["class_counts"]
            made._restore = Restore.from_dict(facts["restore"])
            fields = [Field(**field) for field in facts["fields"]]
            made._codec = Codec.restore(schema, fields, file.frames)
            made._constants = file.frames["constants"]
            made._identifiers = {
                name: Identifiers.restore(said, file.arrays[f"taken/{name}"])
                for name, said in facts["identifiers"].items()
            }
            state = State(facts["generator"], file.arrays["generator"])
            made.generator_ = resolve("generators", made.method_).restore(fields, state)
        return made


_STREAMS = {"fit": 0, "choose": 1, "sample": 2, "classes": 3, "identifiers": 4, "impute": 5}
"""Independent streams of chance under one seed; numbers are never used again for others."""


def load_as_said(data: Any, said: Any, target: str | None) -> Table:
    """Take in a table with what the user said of its columns.

    Parameters
    ----------
    data : frame or path
    said : Schema, mapping, path or None
        See `Synthesizer`.
    target : str or None
        Wins over the target that `said` may name.
    """
    if said is None or isinstance(said, Mapping):
        return load_table(data, said, target)
    if isinstance(said, Schema):
        schema = said if target is None else said.with_target(target)
        raw, restore = load_raw(data)
        return Table(typed(_with_all(raw, schema, "the table"), schema), schema, restore)
    overrides, named = read_schema_file(said)
    return load_table(data, overrides, target or named)


def _with_all(raw: pl.DataFrame, schema: Schema, what: str) -> pl.DataFrame:
    """Check that a frame has the columns of a schema and no other; put them in its order."""
    for name in raw.columns:
        if name not in schema:
            raise InputError(f"{what} has a column {name!r} that the schema does not name")
    for name in schema.names:
        if name not in raw.columns:
            raise InputError(f"{what} has no column {name!r}{suggest(name, raw.columns)}")
    return raw.select(schema.names)


def _constants(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Take one row with the values of the constant columns."""
    columns = [frame[c.name] for c in schema.each() if c.kind is Kind.CONSTANT]
    firsts = [c.drop_nulls().head(1) if c.drop_nulls().len() else c.head(1) for c in columns]
    return pl.DataFrame(firsts)


def _class_counts(matrix: Matrix) -> list[int] | None:
    target = matrix.target
    if target is None or not matrix.fields[target].discrete:
        return None
    codes = matrix.values[:, target]
    codes = codes[~np.isnan(codes)].astype(np.intp)
    counts: list[int] = np.bincount(codes, minlength=matrix.fields[target].levels).tolist()
    return counts


def _seed(random_state: Any) -> int:
    """Make one whole number of what scikit-learn takes as random_state."""
    if isinstance(random_state, int | np.integer) and not isinstance(random_state, bool):
        if random_state < 0:
            raise InputError(f"random_state is at least 0, not {random_state}")
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _apportion(shares: Floats, total: int) -> NDArray[np.intp]:
    """Split a number of rows by shares, largest remainders first."""
    exact = shares / shares.sum() * total
    parts: NDArray[np.intp] = np.floor(exact).astype(np.intp)
    missing = total - int(parts.sum())
    parts[np.argsort(parts - exact, kind="stable")[:missing]] += 1
    return parts


def _regroup(frames: Iterator[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Cut a stream of frames into pieces of one size."""
    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        while held.height >= size:
            yield held[:size]
            held = held[size:]
    if held is not None and held.height:
        yield held
