"""The estimator that users hold: learn a table, write rows of it."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from tablewright.arguments import check_options, teaching
from tablewright.errors import InputError
from tablewright.generators.base import Condition, Floats, Generator, Given, State
from tablewright.generators.parts.conditioning import check_given
from tablewright.generators.plugin import as_generator, name_of
from tablewright.progress import counted
from tablewright.random_state import Stream, seed_of
from tablewright.registry import names, resolve
from tablewright.synthesizer.conditions import warn_of_few
from tablewright.synthesizer.estimator import BLOCK, TableEstimator, regroup
from tablewright.synthesizer.holdings import check_shareable, holdings
from tablewright.synthesizer.quotas import Balance, ShuffledClasses, check_counts
from tablewright.synthesizer.resampling import Ints
from tablewright.tables.encoding.codec import Matrix
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.inference.casting import typed, untyped
from tablewright.tables.io.frames import Restore, keep_cells
from tablewright.tables.io.loading import load_seeds, with_all
from tablewright.tables.io.model_file import Artefact, reading, undamaged, write_artefact
from tablewright.tables.table import cells_to_fill, fill_cells, load_raw
from tablewright.threads import one_thread

if TYPE_CHECKING:
    from tablewright.generators.parts.few_rows import FewRows
    from tablewright.rules.enforcement import Audit
    from tablewright.rules.expressions import Where
    from tablewright.synthesizer.row_rules import RuleKeeper

# What only learning, conditions and rules need is imported there: a model that was stored writes
# its first row soon.

_TRIAL = 200
"""Rows that are drawn when a model file is read: what is wrong in it shows before it is used."""


class Synthesizer(TableEstimator):
    """Learns one table and writes rows like it, on this machine alone.

    Parameters
    ----------
    method : str, class or object, default="auto"
        A generator: ``"trees"``, ``"copula"``, ``"forest"``, ``"boosted"``, ``"blend"``,
        ``"independent"``, ``"smotenc"``, one that another package registers, or ``"auto"`` to
        have one chosen. Or a class or an object of a generator; or any object with ``fit`` and
        ``sample`` that takes and gives frames, such as a synthesizer of CTGAN
        (see `tablewright.generators.plugin`). A copy of an object is fitted.
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
    widened_ : dict of str to int
        Classes below 30 rows, whose rows are the same whatever the method, and their real rows.

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

    stored_ = False

    def __init__(
        self,
        method: Any = "auto",
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

    def _learn_rows(self, frame: pl.DataFrame, matrix: Matrix) -> None:
        from tablewright.synthesizer.row_rules import reference_rows

        self.reference_: pl.DataFrame | None = reference_rows(
            frame, self._rng(Stream.SYNTHESIZER_REFERENCE)
        )
        with one_thread():
            self.method_, self.reason_ = self._choose(frame)
            self.generator_: Generator = self._make().fit(matrix, self._rng(Stream.SYNTHESIZER_FIT))
        if self.sample_ is not None:
            self.sample_ = self.sample_.capped(getattr(self.generator_, "max_rows", None))
        if few := [f"{name!r} ({n})" for name, n in self.widened_.items()]:
            more = f" and {len(few) - 3} more" if len(few) > 3 else ""
            self.reason_ += (
                f"; rows of classes that few rows have, {', '.join(few[:3])}{more}, are widened "
                "from those rows, whatever the method"
            )

    @property
    def widened_(self) -> dict[str, int]:
        """Classes below 30 rows, which no method writes otherwise, and their real rows."""
        few: FewRows | None = getattr(self.generator_, "few_", None)
        if few is None or self.schema_.target is None:
            return {}
        labels = self.layout_.codec.levels(self.schema_.target) if few.classes else []
        return {str(labels[code]): n for code, n in few.classes.items()}

    def _write_like(
        self, frame: pl.DataFrame, restore: Restore, target: str, like: Ints
    ) -> pl.DataFrame:
        learned = self._learn_classes(frame, restore, target)
        codes = self.layout_.codec.encode_column(learned[target])[like]
        blocks = self._blocks(len(like), None, None, codes, self.seed_)
        return untyped(pl.concat([self._blank(), *blocks]), self.schema_)

    def _choose(self, frame: pl.DataFrame) -> tuple[str, str]:
        if not isinstance(self.method, str):
            name = name_of(self.method)
            return name, f"{name}, as asked"
        if self.method in self.schema_ and self.method not in names("generators"):
            raise InputError(f"{self.method!r} is a column: write target={self.method!r}")
        if self.method != "auto":
            return self.method, f"{self.method}, as asked"
        from tablewright.synthesizer.auto import choose_method

        choice = choose_method(frame, self.schema_, self._rng(Stream.SYNTHESIZER_CHOOSE))
        return choice.method, choice.reason

    def _make(self) -> Generator:
        kind: Any = self.method
        if isinstance(kind, str):
            kind = resolve("generators", self.method_)
        elif not inspect.isclass(kind):
            if self.options:
                raise InputError("options go with the name or the class of a method, not an object")
            return as_generator(copy.deepcopy(kind), self.layout_.codec)
        check_options(f"method {self.method_!r}", kind, self.options or {})
        try:
            result = kind(**(self.options or {}))
        except TypeError as error:
            raise InputError(f"method {self.method_!r}: {error}") from error
        return as_generator(result, self.layout_.codec)

    # rows ---------------------------------------------------------------------

    @teaching
    def sample(
        self,
        n_samples: int | None = None,
        *,
        where: Where | None = None,
        seed_data: Any = None,
        balance: Balance | None = None,
        rules: Any = None,
        random_state: Any = None,
    ) -> Any:
        """Write rows.

        Parameters
        ----------
        n_samples : int or None, default=None
            Rows wanted. None stands for as many as were learned from, as `seed_data` has, or as
            ``balance="fill"`` needs.
        where : str, mapping or None, default=None
            Condition in SQL that every row meets, such as ``"age < 30 AND city = 'Rome'"``; the
            rest of a row is distributed as in real rows that comply.
        seed_data : frame, path or None, default=None
            Partly filled rows, completed one by one; an empty cell is one to fill.
        balance : {"equal", "fill"}, mapping or None, default=None
            Same number of rows for each class of the target; rows for the classes below the
            largest, as many as they lack or in proportion to that; or rows of each class, such
            as ``{"yes": 50, "no": 50}``.
        rules : path, list, mapping, Rules or None, default=None
            Rules that the rows keep, such as ``["age >= 18", "start <= end"]`` or a rules file.
            Where real rows disagree rules change the rows; `audit_` says by how much.
        random_state : int, RandomState or None, default=None
            Seed of this call: the same call gives the same rows. Where None, rows go on from
            those of the call before, so that two calls of 500 rows give 1,000 different ones; with
            a seed of the synthesizer, the first, second, ... call after `fit` is repeatable. A
            pickled copy goes on where the original was; `load` begins with the first call. To
            compare a copy with its original, give both calls a seed.

        Returns
        -------
        frame of shape (n_samples, n_columns)
            Of the kind that was learned from, with its columns and data types.

        Raises
        ------
        ConditionError
            If no row can meet what is asked; names the part.
        RuleError
            If the rules exclude each other, or one of them made it impossible.
        InputError
            If the options do not fit each other or the table.
        """
        frames = self._frames(n_samples, where, seed_data, balance, rules, random_state)
        total = None if seed_data is not None else self.count_rows(n_samples, balance)
        shown = counted(frames, total, len)
        whole = pl.concat(shown)
        with undamaged(self.stored_):
            return self.restore_(untyped(whole, self.schema_))

    @teaching
    def batches(
        self,
        n_samples: int | None = None,
        *,
        where: Where | None = None,
        seed_data: Any = None,
        balance: Balance | None = None,
        rules: Any = None,
        random_state: Any = None,
        batch_size: int = BLOCK,
        only: range | None = None,
    ) -> Iterator[Any]:
        """Write the rows of `sample` piece by piece; memory grows with the piece only.

        Parameters
        ----------
        batch_size : int, default=20_000
            Rows of a piece. The rows do not depend on it.
        only : range or None, default=None
            Which of the rows to write, counted from 0; begins and ends at multiples of 20,000.

        Yields
        ------
        frame of shape (batch_size, n_columns)
            The last one may be shorter.
        """
        frames = self._frames(n_samples, where, seed_data, balance, rules, random_state, only)
        for piece in regroup(frames, batch_size):
            yield self.restore_(untyped(piece, self.schema_))

    @teaching
    def impute(
        self,
        X: Any,
        *,
        columns: Sequence[str] | None = None,
        leave_structural: bool = False,
        rules: Any = None,
    ) -> Any:
        """Fill the empty cells of a table; all other cells stay as they are.

        A cell that holds a text such as NA or ``?`` is not empty: it is filled where the schema
        lists that text under ``sentinels``.

        Parameters
        ----------
        X : frame or path
            Rows with the columns that were learned.
        columns : sequence of str or None, default=None
            The columns to fill; all where None.
        leave_structural : bool, default=False
            Whether to leave cells that are empty in every row of some class of another column,
            such as a spouse's income of the unmarried.
        rules : path, list, mapping, Rules or None, default=None
            Rules whose hard ones the filled cells keep, as in `sample`. Where the cells that stay
            leave no value that keeps one, a `RuleWarning` says in how many rows.

        Returns
        -------
        frame
            The same rows, of the same kind.
        """
        check_is_fitted(self)
        raw, restore = load_raw(X)
        raw = with_all(raw, self.schema_, "the table")
        frame = typed(raw, self.schema_)
        mask = cells_to_fill(raw, frame, self.schema_, columns, leave_structural)
        rng = self._rng(Stream.SYNTHESIZER_IMPUTE)
        given = self._given(frame)
        keeper = None if rules is None else self._keeper(rules, frame.height, None)
        with one_thread():
            values = self.generator_.sample(frame.height, rng, given=given, complete=True)
            filled = self._assemble(values, Stream.SYNTHESIZER_IMPUTE, self.seed_, 0, frame)
            if keeper is not None:
                filled = keeper.complete(
                    filled, self.generator_, self.layout_, given, frame, mask, rng
                )
        whole = untyped(filled, self.schema_)
        return keep_cells(X, restore(fill_cells(raw, whole, mask), True), mask)

    def _frames(
        self,
        n_samples: int | None,
        where: Where | None,
        seed_data: Any,
        balance: Balance | None,
        rules: Any,
        random_state: Any,
        only: range | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Draw block after block; what is wrong with the request is said before the first."""
        check_is_fitted(self)
        seed = self._next_seed() if random_state is None else seed_of(random_state)
        seeds = None if seed_data is None else load_seeds(seed_data, self.schema_)
        if seeds is not None and balance is not None:
            raise InputError("seed_data and balance cannot be asked for together")
        if where is not None and not isinstance(where, str):
            from tablewright.rules.expressions import parse_where

            where = parse_where(where, self.schema_).text
        condition = None if where is None else self.condition(where)
        if seeds is not None and condition is not None:
            check_given(condition, self._given(seeds), self.layout_.codec.fields)
        classes = None if balance is None else self._classes(balance, n_samples, seed)
        requested = self._n_rows(n_samples, seeds, classes)
        keeper = None if rules is None else self._keeper(rules, requested, where)
        keys = (seed, 0)
        if random_state is None:  # identifiers go on too, so that pieces can be put together
            keys = (self.seed_, self.n_named_)
            self.n_named_ += requested
        rows = self._blocks(requested, condition, seeds, classes, seed, keeper, only, keys)
        return rows if where is None else warn_of_few(rows, where, self._all_rows, self.schema_)

    @property
    def _all_rows(self) -> pl.DataFrame | None:
        """The real rows, where all of them were kept to hold rules and conditions against."""
        rows = self.reference_
        if rows is None or getattr(self, "sample_", None) is not None:
            return None
        return rows if rows.height == self.n_rows_ else None

    def count_rows(self, n_samples: int | None, balance: Balance | None = None) -> int:
        """Return how many rows `sample` would write."""
        if balance is None:
            return self._count(n_samples)
        return int(self._quotas(balance, n_samples).sum())

    def _next_seed(self) -> int:
        """Return the seed of this call, and count it."""
        seed = self._seed_of_call()
        self.n_calls_ += 1
        return seed

    def _keeper(self, rules: Any, n_rows: int, where: str | None) -> RuleKeeper:
        from tablewright.synthesizer.row_rules import RuleKeeper

        columns = self.layout_.codec.columns
        drawn = [columns[j].name for j in self.generator_.order]
        before: RuleKeeper | None = getattr(self, "keeper_", None)
        drawn_rows = getattr(self, "drawn_", None)
        self.keeper_ = RuleKeeper(
            rules, self.schema_, self.reference_, drawn, n_rows, where, before, drawn_rows
        )
        return self.keeper_

    @property
    def audit_(self) -> Audit:
        """What rules did to the rows of the last call of `sample` that named any."""
        check_is_fitted(self, "keeper_")
        return self.keeper_.audit

    def _blocks(
        self,
        n_rows: int,
        condition: Condition | None,
        seeds: pl.DataFrame | None,
        classes: Floats | ShuffledClasses | None,
        seed: int,
        keeper: RuleKeeper | None = None,
        only: range | None = None,
        keys: tuple[int, int] | None = None,
    ) -> Iterator[pl.DataFrame]:
        """Draw blocks; `keys` is the seed of identifiers and how many were given out before."""
        seed_of_keys, n_before = keys or (seed, 0)
        wanted = range(n_rows) if only is None else range(n_rows)[only.start : only.stop]
        if wanted.start % BLOCK or (wanted.stop % BLOCK and wanted.stop != n_rows):
            raise InputError(f"only begins and ends at multiples of {BLOCK:,}, not {only}")
        for start in wanted[::BLOCK]:
            stop, block = min(start + BLOCK, wanted.stop), start // BLOCK
            rng = np.random.default_rng([seed, Stream.SYNTHESIZER_SAMPLE, block])
            fixed = None if seeds is None else seeds[start:stop]
            given = None if fixed is None else self._given(fixed)
            if classes is not None:
                given = self._given_classes(classes[start:stop])
            counted_before = condition is not None and self._all_rows is not None
            with one_thread(), undamaged(self.stored_), warnings.catch_warnings():
                if counted_before:  # the warning is given for the whole request
                    warnings.filterwarnings("ignore", "(one|only .*) real rows? ha(s|ve) what")
                values = self.generator_.sample(stop - start, rng, given=given, condition=condition)
            frame = self._assemble(
                values, Stream.SYNTHESIZER_SAMPLE, seed_of_keys, n_before + start, fixed
            )
            if keeper is not None:
                rng = np.random.default_rng([seed, Stream.SYNTHESIZER_RULES, block])
                with one_thread():
                    frame = keeper.keep(frame, self.generator_, self.layout_, given, fixed, rng)
            yield frame

    def condition(self, where: Where) -> Condition:
        """Read a condition on the columns of the table.

        Raises
        ------
        ExpressionError
            If the text is not a condition; shows the place.
        ConditionError
            If no row can meet it.
        """
        from tablewright.generators.parts.row_conditions import RowCondition
        from tablewright.rules.expressions import parse_where

        check_is_fitted(self)
        expression = parse_where(where, self.schema_)
        expression.require_possible()
        expression.require_learned()
        return RowCondition(expression, self.layout_.codec, self.layout_.constants)

    def _n_rows(self, n_samples: int | None, seeds: Any, classes: Any) -> int:
        if seeds is not None:
            if n_samples not in (None, seeds.height):
                raise InputError(
                    f"seed_data has {seeds.height} rows, each of which is completed once; "
                    f"leave n_samples out instead of {n_samples}"
                )
            return int(seeds.height)
        return self._count(n_samples) if classes is None else len(classes)

    def _classes(self, balance: Balance, n_samples: int | None, seed: int) -> ShuffledClasses:
        """Class of each row to write, as codes in random order."""
        rng = np.random.default_rng([seed, Stream.SYNTHESIZER_CLASSES])
        return ShuffledClasses(self._quotas(balance, n_samples), int(rng.integers(1 << 62)))

    def _given_classes(self, codes: Floats) -> Given:
        codec = self.layout_.codec
        values = np.full((len(codes), len(codec.columns)), np.nan)
        target = codec.positions[str(self.schema_.target)]
        values[:, target] = codes
        known = np.zeros(values.shape, dtype=np.bool_)
        known[:, target] = True
        return Given(values, known)

    def _given(self, frame: pl.DataFrame) -> Given:
        values = self.layout_.encode(frame).values
        return Given(values, ~np.isnan(values))

    def _assemble(
        self, values: Floats, stream: Stream, seed: int, start: int, fixed: pl.DataFrame | None
    ) -> pl.DataFrame:
        rng = np.random.default_rng([seed, stream, Stream.SYNTHESIZER_IDENTIFIERS])
        return self.layout_.assemble(values, rng, start=start, fixed=fixed)

    def _rng(self, stream: Stream) -> np.random.Generator:
        return np.random.default_rng([self.seed_, stream])

    # storing ------------------------------------------------------------------

    @property
    def keeps_rows_(self) -> bool:
        """Whether the generator needs real rows to draw from, so that a model file holds them."""
        return bool(getattr(self.generator_, "keeps_rows", True))

    def holdings(self) -> list[str]:
        """Return in one sentence each what a model file holds of the real table."""
        check_is_fitted(self)
        return holdings(self.layout_, self.method_, self.n_rows_ if self.keeps_rows_ else 0)

    def state(self) -> Artefact:
        """Return what was learned, as data.

        Raises
        ------
        InputError
            If `method` is an object, of which `load` would not know how to make it again.
        """
        check_is_fitted(self)
        if not isinstance(self.method, str):
            raise InputError(
                f"only a method that has a name can be saved, and {self.method_} was given as an "
                "object; register it as an entry point, or save it by its own means"
            )
        state = self.generator_.state()
        layout, arrays, frames = self.layout_.state()
        facts = {
            "method": self.method_,
            "reason": self.reason_,
            "n_rows": self.n_rows_,
            "seed": self.seed_,
            "class_counts": self.class_counts_,
            "restore": self.restore_.to_dict(),
            "layout": layout,
            "generator": dict(state.facts),
        }
        arrays = {**arrays, "generator": dict(state.arrays)}
        facts["holds"] = self.holdings()
        if self.keeps_rows_ and self.reference_ is not None:
            frames = {**frames, "reference": self.reference_}
        return Artefact(facts, arrays, frames)

    @classmethod
    def restore(cls, stored: Artefact) -> Synthesizer:
        """Make a fitted synthesizer of what `state` returned."""
        facts = stored.facts
        layout = Layout.restore(facts["layout"], stored.arrays, stored.frames)
        result = cls(
            str(facts["method"]), target=layout.schema.target, random_state=int(facts["seed"])
        )
        result.schema_, result.layout_ = layout.schema, layout
        result.n_rows_, counts = int(facts["n_rows"]), facts["class_counts"]
        check_counts(counts, layout)
        result.class_counts_ = counts
        result.method_, result.reason_ = result.method, str(facts["reason"])
        result.n_calls_ = result.n_named_ = 0
        result.seed_, result.restore_ = result.random_state, Restore.from_dict(facts["restore"])
        state = State(facts["generator"], stored.arrays["generator"])
        kind = resolve("generators", result.method)
        result.generator_ = kind.restore(layout.codec.fields, state)
        n_rows = min(max(result.n_rows_, 1), _TRIAL)
        with warnings.catch_warnings(action="ignore"):
            trial = pl.concat(result._blocks(n_rows, None, None, None, result.seed_))
        result.reference_, result.drawn_ = stored.frames.get("reference"), trial
        if result.reference_ is not None:
            result.reference_.select(pl.all().is_null())
            if result.reference_.schema != trial.schema:
                raise ValueError("the rows of reference are of another table")
        result.restore_(untyped(trial, result.schema_))
        result.stored_ = True
        return result

    def save(self, path: str | Path, *, shareable: bool = False) -> None:
        """Write the fitted synthesizer to one file, readable by its owner alone.

        The file holds real values of the table (`holdings` says which); treat it as the table
        itself.

        Parameters
        ----------
        path : str or Path
        shareable : bool, default=False
            Whether to refuse where the file would hold real rows, identifiers or free texts.

        Raises
        ------
        InputError
            If the file cannot be written; what stood there stays. Or if `method` is an object,
            of which `load` would not know how to make it again.
        """
        check_is_fitted(self)
        if shareable:
            check_shareable(self.layout_, self.method_, self.keeps_rows_)
        write_artefact(path, self.state())

    @classmethod
    def load(cls, path: str | Path) -> Synthesizer:
        """Read a synthesizer that `save` wrote; nothing in the file is run.

        Raises
        ------
        InputError
            If the file is not one, or was written by a version that we cannot read.
        """
        with reading(path) as file:
            if "system" in file.facts:
                raise InputError(
                    f"{path} holds the system {file.facts['system']!r}: read it with "
                    "tablewright.load"
                )
            return cls.restore(file)
