"""What every estimator that learns a table and writes rows shares: taking in, counting, cutting."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator

from tablewright.arguments import check_names, teaching
from tablewright.callers import warn
from tablewright.errors import ArgumentError, InputError
from tablewright.markup import Markup, listing, panel
from tablewright.random_state import Stream, seed_of
from tablewright.synthesizer.parameters import Constraint, check_parameters
from tablewright.synthesizer.quotas import (
    Balance,
    Counts,
    balanced,
    class_counts,
    counts_by_class,
)
from tablewright.synthesizer.resampling import ResamplerMixin
from tablewright.tables.encoding.codec import Matrix
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.io.arrays import join, read_target
from tablewright.tables.io.frames import Restore
from tablewright.tables.io.loading import load_as_said, load_to_learn
from tablewright.tables.notices import notices
from tablewright.tables.table import Table

BLOCK = 20_000
"""Rows that are drawn at once; fixed, so that rows do not depend on how they are fetched."""


class CopiedValuesWarning(UserWarning):
    """Real values that few rows share stand in the rows that are written."""


class TableEstimator(ResamplerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Learns a table.

    Subclasses name their parameters, scikit-learn's way; ``target``, ``schema``,
    ``sampling_strategy`` and ``random_state`` are among them.

    Attributes
    ----------
    schema_ : Schema
        What was found out about the columns.
    layout_ : Layout
        What a row is put together from.
    n_rows_ : int
        Real rows that were learned from.
    n_calls_ : int
        Calls of `sample` without a seed since then.
    n_named_ : int
        Identifiers that they gave out.
    class_counts_ : list of int or None
        Real rows of each class of the target, those that were not sampled included.
    sample_ : Sample or None
        Of what larger table the rows are a sample, and what that misses.
    notices_ : list of str
        What to know of columns: real values that are copied, identifiers, unsure kinds.
    """

    target: str | None
    schema: Any
    random_state: Any

    parameter_constraints: ClassVar[Mapping[str, Constraint]] = {}
    """What parameters may be, by name; checked before anything is learned."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Answer wrong names of parameters; here, since data classes write their ``__init__``."""
        check_names(cls, kwargs)
        made: Self = super().__new__(cls)
        return made

    @teaching
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn a table.

        Parameters
        ----------
        X : frame or path
            A DataFrame of pandas or polars, an Arrow table, or a CSV, Parquet or Arrow file; or
            an array, whose columns are called x0, x1 and so on. Or a folder of Parquet files, a
            `Query`, or the address of a table of a database. Of files beyond 512 MiB of text or a
            million rows, and of such folders and tables, a random sample is learned, and
            categories are counted over all rows.
        y : series, array or None, default=None
            The target, where it is not a column of `X` named by `target`. It becomes one.

        Raises
        ------
        InputError
            If the data, the schema or an option cannot be used; the sentence says what to do.

        Warns
        -----
        CopiedValuesWarning
            If free texts, or values that few rows share, will stand in rows as they are.
        """
        if isinstance(y, str):
            raise ArgumentError(
                f"y is the values of the target; name a column as "
                f"{type(self).__name__}(target={y!r}) and give the table alone to fit"
            )
        if y is None:
            table = load_to_learn(X, self.schema, self.target)
        else:
            frame, restore, name = join(X, read_target(y), self.target)
            table = replace(load_as_said(frame, self.schema, name), restore_frame=restore)
        self._learn(table)
        self.notices_ = [notice.sentence for notice in notices(table.frame, table.schema)]
        if _is_called_from_outside():
            self._warn_of_copies(table)
        return self

    def _warn_of_copies(self, table: Table) -> None:
        """Warn of real values in the rows; texts may be written by a model."""
        written = getattr(self, "llm", None) is not None
        copied = [
            notice.sentence
            for notice in notices(table.frame, table.schema)
            if notice.copies and not (written and notice.topic == "free text")
        ]
        if copied:
            warn(f"rows will hold real values: {'; '.join(copied)}", CopiedValuesWarning)

    def _learn(self, table: Table) -> Self:
        check_parameters(self, self.parameter_constraints)
        self.schema_, self.n_rows_ = table.schema, table.frame.height
        self.restore_ = Restore.from_dict(table.restore_frame.to_dict())
        self.seed_, self.n_calls_, self.n_named_ = seed_of(self.random_state), 0, 0
        self.layout_ = Layout.learn(table.frame, self.schema_)
        matrix = self.layout_.encode(table.frame)
        self.sample_ = table.sample
        self.class_counts_ = self._all_classes(table) or class_counts(matrix)
        self._learn_rows(table.frame, matrix)
        return self

    def _all_classes(self, table: Table) -> list[int] | None:
        """Count the classes of a table that was sampled, in all its rows."""
        target = self.schema_.target
        if table.sample is None or target not in table.sample.counts:
            return None
        values, n_rows = table.sample.counts[target]
        codes = self.layout_.codec.encode_column(values)
        known = ~np.isnan(codes)
        n_levels = self.layout_.codec.fields[self.layout_.codec.positions[target]].levels
        counted = np.bincount(
            codes[known].astype(np.intp), n_rows.to_numpy()[known], minlength=n_levels
        )
        counts: list[int] = counted.astype(np.intp).tolist()
        return counts

    @abstractmethod
    def _learn_rows(self, frame: pl.DataFrame, matrix: Matrix) -> None:
        """Learn typed rows, encoded too; what is known of the table stands in the attributes."""

    def _learn_classes(self, frame: pl.DataFrame, restore: Restore, target: str) -> pl.DataFrame:
        """Learn a table whose target has classes, whatever they look like; return it typed."""
        declared = self.schema
        if declared is None or isinstance(declared, Mapping):
            declared = {target: "categorical", **(declared or {})}
        table = load_as_said(frame, declared, target)
        self._learn(replace(table, restore_frame=restore))
        return table.frame

    def _repr_html_inner(self) -> str:
        return str(super()._repr_html_inner()) + self._learned_panel()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] += self._learned_panel()
        return bundle

    def _learned_panel(self) -> str:
        """Return what was learned as HTML, to stand beside scikit-learn's box; "" before `fit`."""
        if not hasattr(self, "schema_"):
            return ""
        rows = (
            [column.name, column.kind, f"{column.confidence:.0%}", column.values(), column.reason]
            for column in self.schema_.each()
        )
        target = f"; target: {self.schema_.target}" if self.schema_.target else ""
        own = (getattr(self, name, "") for name in ("plan_", "parts_", "process_"))
        return panel(
            f"Learned {self.n_rows_:,} rows, {len(self.schema_)} columns{target}",
            *filter(None, [getattr(self, "reason_", None)]),
            listing(("column", "kind", "sure", "values", "why"), rows),
            *(Markup(each._repr_html_()) for each in own if hasattr(each, "_repr_html_")),
        )

    def _seed_of_call(self) -> int:
        """Return the seed of `fit` for the first call of `sample`, and one that follows after."""
        if not self.n_calls_:
            return self.seed_
        rng = np.random.default_rng([self.seed_, Stream.SYNTHESIZER_CALL, self.n_calls_])
        return int(rng.integers(2**31))

    def _count(self, n_samples: Any) -> int:
        """Rows wanted; as many as were learned from where None."""
        requested = self.n_rows_ if n_samples is None else n_samples
        if (
            isinstance(requested, bool)
            or not isinstance(requested, int | np.integer)
            or requested < 1
        ):
            raise InputError(f"n_samples is a whole number of at least 1, not {n_samples!r}")
        return int(requested)

    def _quotas(self, balance: Balance, n_samples: int | None) -> Counts:
        """Rows of each class to write, by code."""
        if self.class_counts_ is None:
            named = self.schema_.target
            why = "" if named is None else f" and {named!r} is {self.schema_[named].kind}"
            raise InputError(
                f"balance needs a target with classes{',' + why if why else ''}: "
                f"name {'it' if named is None else 'another'} (target=...), or leave balance out"
            )
        if n_samples is not None:
            self._count(n_samples)
        if isinstance(balance, Mapping):
            return counts_by_class(balance, self._class_names(), self.class_counts_, n_samples)
        return balanced(balance, self.class_counts_, n_samples)

    def _class_names(self) -> list[Any]:
        """Return the classes of the target, by code."""
        codec, target = self.layout_.codec, str(self.schema_.target)
        codes = np.zeros((len(self.class_counts_ or ()), len(codec.columns)))
        codes[:, codec.positions[target]] = np.arange(len(codes))
        labels: list[Any] = codec.decode(codes, [target])[target].to_list()
        return labels

    def _blank(self) -> pl.DataFrame:
        """No rows, with the columns and data types of all others."""
        nothing = np.empty((0, len(self.layout_.codec.columns)))
        return self.layout_.assemble(nothing, np.random.default_rng(0))


def _is_called_from_outside() -> bool:
    """Whether a person's code called `fit`, itself or by a one-liner: our own says it elsewhere."""
    frame, ours = inspect.currentframe(), (__name__, teaching.__module__)
    while frame is not None and frame.f_globals.get("__name__") in ours:
        frame = frame.f_back
    caller = "" if frame is None else str(frame.f_globals.get("__name__", ""))  # text that is run
    return caller == "tablewright.api" or not caller.startswith("tablewright.")


def regroup(frames: Iterator[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """Cut a stream of frames into pieces of one size; the last one may be shorter.

    Examples
    --------
    >>> frames = iter([pl.DataFrame({"n": [1, 2, 3]}), pl.DataFrame({"n": [4]})])
    >>> [frame["n"].to_list() for frame in regroup(frames, 2)]
    [[1, 2], [3, 4]]
    """
    if size < 1:
        raise InputError(f"batch_size is at least 1, not {size}")
    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        while held.height >= size:
            yield held[:size]
            held = held[size:]
    if held is not None and held.height:
        yield held
