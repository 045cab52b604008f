"""What all systems share: learn a table, write rows by a process, tell what became of them."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from tablewright.errors import ConditionError
from tablewright.llm.endpoint.base import LLM
from tablewright.llm.endpoint.metering import Metered
from tablewright.random_state import seed_of
from tablewright.rules import as_rules, bind
from tablewright.rules.bound import BoundRule, ShareRule
from tablewright.rules.expressions import Expression, parse
from tablewright.rules.language import Check, Rules
from tablewright.schema import Schema
from tablewright.synthesizer.estimator import BLOCK, TableEstimator, regroup
from tablewright.synthesizer.quotas import Balance
from tablewright.synthesizer.resampling import Ints
from tablewright.systems.common.result import Result
from tablewright.tables.encoding.codec import Matrix
from tablewright.tables.inference.casting import untyped
from tablewright.tables.io.frames import Restore

__all__ = ["Models", "System", "Wanted"]

Models = LLM | Mapping[str, LLM] | None
"""One model for all roles, a model for each (the role ``""`` stands for all others), or none."""


@dataclass(frozen=True)
class Wanted:
    """What one call of `sample` asks for.

    Attributes
    ----------
    n_rows : int
        Rows wanted.
    quotas : mapping or None
        Rows of each class of the target, where classes were asked for; they add up to `n_rows`.
    where : Expression or None
        Condition that every row meets.
    rules : Rules
        Rules that every row keeps, `where` among them.
    seed : int
        Of all chance.
    """

    n_rows: int
    quotas: Mapping[Any, int] | None = None
    where: Expression | None = None
    rules: Rules = field(default_factory=lambda: Rules(rules=[]))
    seed: int = 0

    def rng(self, *stream: int) -> np.random.Generator:
        """Return a source of chance for one use, told apart by numbers."""
        return np.random.default_rng([self.seed, *stream])


class System(TableEstimator):
    """A published system: an estimator that learns a table and writes rows by a process.

    Subclasses name their parameters, scikit-learn's way: ``target``, ``llm``, ``schema``,
    ``sampling_strategy`` and ``random_state`` are among them; and they write `_write`.

    Attributes
    ----------
    name : str
        What `method` calls it.
    roles : tuple of str
        Roles that a model can be named for; without one a role has a local body.
    learns_rules : bool
        Whether ``rules`` is a parameter of the system, known before it learns.
    train_ : DataFrame
        The real rows, typed.
    writable_ : Schema
        The columns that rows are written in: all but constants and identifiers.
    method_, reason_ : str
        Its name; what does the work, in one sentence.
    result_ : Result
        What became of the last call of `sample`; what fitting took is on its bill.
    """

    name: ClassVar[str]
    roles: ClassVar[tuple[str, ...]] = ()
    learns_rules: ClassVar[bool] = False

    llm: Models
    result_: Result

    def _learn_rows(self, frame: pl.DataFrame, matrix: Matrix) -> None:
        self.train_ = frame
        self.writable_: Schema = self.schema_.model_copy(update={"columns": self.schema_.modelled})
        self.method_ = self.name
        self.result_ = Result(0)
        named = [role for role in self.roles if self.model(role) is not None]
        written = f"{', '.join(named)} by a language model" if named else "no language model"
        self.reason_ = f"{self.name}, as asked, with {written}"
        self._prepare()
        self._spent_on_fit = self.result_.bill

    def _prepare(self) -> None:
        """Do what has to be done once for a table; `train_` and `writable_` are there."""

    @abstractmethod
    def _write(self, wanted: Wanted, result: Result) -> Iterator[pl.DataFrame]:
        """Write rows piece by piece.

        Parameters
        ----------
        wanted : Wanted
        result : Result
            Told what is rejected, lost and noted; `n_proposed` is counted here, `n_kept` is not.

        Yields
        ------
        DataFrame
            Typed rows with the columns of `writable_`; what is more than wanted, of all classes
            or of one, is cut.
        """

    def model(self, role: str) -> Metered | None:
        """Return the model of a role, with its replies on the bill of `result_`; None: local."""
        llm = self.llm
        if isinstance(llm, Mapping):
            llm = llm.get(role, llm.get(""))
        return None if llm is None else Metered(llm, self.result_.bill)

    def sample(
        self,
        n_samples: int | None = None,
        *,
        where: str | None = None,
        balance: Balance | None = None,
        rules: Any = None,
        random_state: Any = None,
    ) -> Any:
        """Write rows; `result_` tells what became of the others.

        Parameters
        ----------
        n_samples : int or None, default=None
            Rows wanted. None stands for as many as were learned from, or as many as
            ``balance="fill"`` needs.
        where : str or None, default=None
            Condition in SQL that every row meets.
        balance : {"equal", "fill"} or None, default=None
            Same number of rows for each class of the target; or rows for the classes below the
            largest.
        rules : path, list, mapping, Rules or None, default=None
            Rules that every row keeps.
        random_state : int, RandomState or None, default=None
            Seed of this call; that of the estimator where None.

        Returns
        -------
        frame of shape (n_kept, n_columns)
            Of the kind that was learned from. It has fewer rows than were asked for where a cap
            was reached or too few were good enough.

        Raises
        ------
        InputError
            If the options do not fit each other or the table.
        """
        frames = list(self._rows(n_samples, where, balance, rules, random_state))
        return self.restore_(untyped(pl.concat([self._blank(), *frames]), self.schema_))

    def batches(
        self,
        n_samples: int | None = None,
        *,
        where: str | None = None,
        balance: Balance | None = None,
        rules: Any = None,
        random_state: Any = None,
        batch_size: int = BLOCK,
    ) -> Iterator[Any]:
        """Write the rows of `sample` piece by piece, as they come.

        Parameters
        ----------
        batch_size : int, default=20_000
            Rows of a piece at most.

        Yields
        ------
        frame of shape (at most batch_size, n_columns)
            One without rows where none was kept.
        """
        for frame in self._rows(n_samples, where, balance, rules, random_state):
            for piece in regroup(iter([frame]), batch_size):
                yield self.restore_(untyped(piece, self.schema_))
        if not self.result_.n_kept:
            yield self.restore_(untyped(self._blank(), self.schema_))

    @property
    def dry_run_(self) -> bool:
        """Whether models are only asked what calls would take; all they write is then kept."""
        return any(model.dry_run for role in self.roles if (model := self.model(role)))

    def _rows(
        self, n_samples: int | None, where: str | None, balance: str | None, rules: Any, state: Any
    ) -> Iterator[pl.DataFrame]:
        check_is_fitted(self, "layout_")
        seed = self.seed_ if state is None else seed_of(state)
        quotas = None if balance is None else self._class_quotas(balance, n_samples)
        n_rows = self._count(n_samples) if quotas is None else sum(quotas.values())
        condition = None if where is None else parse(where, self.schema_)
        if condition is not None:
            condition.require_possible()
        kept = Rules(rules=[]) if rules is None else as_rules(rules)
        if where is not None:
            kept = Rules(rules=[Check(name="where", expression=where, strict=True)]) + kept
        return self._run(Wanted(n_rows, quotas, condition, kept, seed))

    def _run(self, wanted: Wanted) -> Iterator[pl.DataFrame]:
        """Take the rows of a request as they come, whole and no more than were wanted."""
        self.result_ = result = Result(wanted.n_rows, bill=deepcopy(self._spent_on_fit))
        identifiers = wanted.rng(_IDENTIFIERS)
        state = identifiers.bit_generator.state
        types = self._blank().schema
        counts: Counter[Any] = Counter()
        for rows in self._write(wanted, result):
            identifiers.bit_generator.state = state
            taken = self._within(rows, wanted, counts).head(wanted.n_rows - result.n_kept)
            whole = self.layout_.complete(taken, identifiers, start=result.n_kept)
            result.n_kept += taken.height
            yield whole.cast(types)
            if result.n_kept >= wanted.n_rows:
                return

    def _row_rules(self, wanted: Wanted, result: Result) -> list[BoundRule]:
        """Return what every row keeps, on the columns that rows have while they are judged."""
        columns = {*self.writable_.names, *self.layout_.constants.columns}
        found = []
        for rule in bind(wanted.rules, self.schema_, self.train_):
            if isinstance(rule, ShareRule):
                result.note(
                    f"rule {rule.name} is about shares of rows, which {self.name} does not bring "
                    "about: look with check_rules at what came of it"
                )
            elif rule.rule.hard and set(rule.columns) <= columns:
                found.append(rule)
        return found

    def _within(self, rows: pl.DataFrame, wanted: Wanted, counts: Counter[Any]) -> pl.DataFrame:
        """Take the rows whose class is still wanted."""
        if wanted.quotas is None:
            return rows
        open_rows = []
        for label in rows[str(self.schema_.target)]:
            open_rows.append(counts[label] < wanted.quotas.get(label, 0))
            counts[label] += open_rows[-1]
        return rows.filter(pl.Series(open_rows, dtype=pl.Boolean))

    def _class_quotas(self, balance: str, n_samples: int | None) -> dict[Any, int]:
        """Rows of each class to write, by its label."""
        counts = self._quotas(balance, n_samples)
        codec = self.layout_.codec
        target = str(self.schema_.target)
        codes = np.zeros((len(counts), len(codec.columns)))
        codes[:, codec.positions[target]] = np.arange(len(counts))
        labels = codec.decode(codes, [target])[target].to_list()
        return {label: int(n) for label, n in zip(labels, counts, strict=True) if n}

    def _write_like(
        self, frame: pl.DataFrame, restore: Restore, target: str, like: Ints
    ) -> pl.DataFrame:
        learned = self._learn_classes(frame, restore, target)
        labels = learned[target][like]
        quotas = {
            label: int((labels == label).sum()) for label in labels.unique(maintain_order=True)
        }
        made = pl.concat([self._blank(), *self._run(Wanted(len(like), quotas, seed=self.seed_))])
        parts = [made.filter(pl.col(target) == label).head(n) for label, n in quotas.items()]
        for (label, n), part in zip(quotas.items(), parts, strict=True):
            if part.height < n:
                raise ConditionError(
                    f"{self.name} kept {part.height} of the {n} rows of class {label!r} that "
                    "fit_resample needs; ask for fewer (sampling_strategy), or call sample"
                )
        return untyped(pl.concat([self._blank(), *parts]), self.schema_)


_IDENTIFIERS = 1
"""Stream of chance of the identifiers; systems take streams from 10 on."""
