"""What all systems share: learn a table, write rows by a process, tell what became of them."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from sklearn.utils.validation import check_is_fitted

from tablewright.arguments import teaching
from tablewright.errors import ConditionError, InputError
from tablewright.llm.endpoint.base import LLM
from tablewright.llm.endpoint.metering import Metered
from tablewright.progress import counted
from tablewright.random_state import Stream, seed_of
from tablewright.rules import as_rules, bind
from tablewright.rules.bound import BoundRule, ShareRule
from tablewright.rules.expressions import Where, parse_where
from tablewright.rules.language import Check, Rules
from tablewright.schema import Schema
from tablewright.selection.label_checks import MIN_REAL_ROWS
from tablewright.selection.relations import Relations
from tablewright.synthesizer.estimator import BLOCK, TableEstimator, regroup
from tablewright.synthesizer.quotas import Balance
from tablewright.synthesizer.resampling import Ints
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems.common.candidate_pool import CandidatePool
from tablewright.systems.common.copy_gate import CopyGate
from tablewright.systems.common.partition import ClassPartition, Partition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.common.row_writer import GeneratorWriter
from tablewright.tables.encoding.codec import Matrix
from tablewright.tables.encoding.layout import Layout
from tablewright.tables.inference.casting import untyped
from tablewright.tables.io.frames import Restore
from tablewright.tables.io.model_file import Artefact, reading, write_artefact

Models = LLM | Mapping[str, LLM] | None
"""One model for all roles, a model for each (the role ``""`` stands for all others), or none."""


FALSE_ALARMS = 0.1
"""Share of the real rows that the gate of written rows may reject: their cells go together ill.

With a tenth it took away most of the harm of a model of 1.5B; with a twentieth about half."""


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
    shown_ : list of DataFrame
        Real rows that stood in prompts while the system learned: none of them is returned.
    result_ : Result
        What became of the last call of `sample`; what fitting took is in its usage.
    """

    name: ClassVar[str]
    roles: ClassVar[tuple[str, ...]] = ()
    learns_rules: ClassVar[bool] = False

    max_prompts: ClassVar[int] = 500
    """Prompts for whole rows in one call of `sample`: a guard beside the model's own caps."""

    llm: Models
    result_: Result

    def _learn_rows(self, frame: pl.DataFrame, matrix: Matrix) -> None:
        self._begin(frame)
        named = [role for role in self.roles if self.model(role) is not None]
        written = f"{', '.join(named)} by a language model" if named else "no language model"
        self.reason_ = f"{self.name}, as asked, with {written}"
        self._prepare()
        self._spent_on_fit = self.result_.usage

    def _begin(self, train: pl.DataFrame) -> None:
        self.train_ = train
        self.writable_: Schema = self.schema_.model_copy(update={"columns": self.schema_.modelled})
        self.method_, self.result_ = self.name, Result(0)
        self.generator_: Synthesizer | None = None
        self._relations: Relations | None = None
        self.shown_: list[pl.DataFrame] = []

    def _prepare(self) -> None:
        """Do what has to be done once for a table; `train_` and `writable_` are there."""

    @abstractmethod
    def _write(self, request: SampleRequest, result: Result) -> Iterator[pl.DataFrame]:
        """Write rows piece by piece.

        Parameters
        ----------
        request : SampleRequest
        result : Result
            Told what is rejected, lost and noted; `n_proposed` is counted here, `n_kept` is not.

        Yields
        ------
        DataFrame
            Typed rows with the columns of `writable_`; what is more than wanted, of all classes
            or of one, is cut.
        """

    def _state(self) -> Artefact:
        """Return what `_prepare` learned that `_restore` cannot make of the training rows."""
        if self.generator_ is None:
            return Artefact({"generator": None}, {}, {})
        return nested("generator", self.generator_.state())

    def _restore(self, stored: Artefact) -> None:
        """Do what `_prepare` does, with what `_state` returned; no model is asked."""
        self._restore_generator(stored)
        self._prepare()

    def _restore_generator(self, stored: Artefact) -> None:
        if stored.facts.get("generator") is not None:
            self.generator_ = Synthesizer.restore(part_of("generator", stored))

    def model(self, role: str) -> Metered | None:
        """Return the model of a role, with its replies in the usage of `result_`; None: local."""
        llm = self.llm
        if isinstance(llm, Mapping):
            llm = llm.get(role, llm.get(""))
        return None if llm is None else Metered(llm, self.result_.usage)

    @teaching
    def sample(
        self,
        n_samples: int | None = None,
        *,
        where: Where | None = None,
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
        where : str, mapping or None, default=None
            Condition in SQL that every row meets.
        balance : {"equal", "fill"}, mapping or None, default=None
            Same number of rows for each class of the target; rows for the classes below the
            largest; or rows of each class, such as ``{"yes": 50}``.
        rules : path, list, mapping, Rules or None, default=None
            Rules that every row keeps.
        random_state : int, RandomState or None, default=None
            Seed of this call, which then repeats itself. Where None, each call goes on from the
            one before; with a seed of the system the first, second, ... call is repeatable. A
            call that a cap stopped is begun again by the next one, so that its replies are used.

        Returns
        -------
        frame of shape (n_kept, n_columns)
            Of the kind that was learned from. It has fewer rows than were asked for where a cap
            was reached or too few were good enough.

        Raises
        ------
        InputError
            If the options do not fit each other or the table.

        Warns
        -----
        RowsWarning
            If there are fewer rows than were asked for, with the main reason.
        """
        rows = self._rows(n_samples, where, balance, rules, random_state)
        frames = list(counted(rows, None if balance else n_samples, len))
        return self.restore_(untyped(pl.concat([self._blank(), *frames]), self.schema_))

    @teaching
    def batches(
        self,
        n_samples: int | None = None,
        *,
        where: Where | None = None,
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

    def save(self, path: str | Path) -> None:
        """Write the fitted system to one file of JSON, Parquet and npz.

        The file holds the real rows; treat it as the table itself. Language models are not in it.

        Raises
        ------
        InputError
            If the file cannot be written; what stood there stays. Or if a parameter is an object,
            of which `load` would not know how to make it again.
        """
        check_is_fitted(self, "layout_")
        parameters = self._stored_parameters()
        own = nested("own", self._state())
        facts = {
            "system": self.name,
            "parameters": parameters,
            "schema": self.schema_.model_dump(mode="json"),
            "restore": self.restore_.to_dict(),
            "class_counts": self.class_counts_,
            "seed": self.seed_,
            "reason": self.reason_,
        }
        shown = {f"shown{k}": frame for k, frame in enumerate(self.shown_)}
        frames = {**own.frames, "train": self.train_, **shown}
        write_artefact(path, Artefact({**own.facts, **facts}, own.arrays, frames))

    @classmethod
    def load(cls, path: str | Path, llm: Models = None) -> Self:
        """Read what `save` wrote; nothing in the file is run.

        Parameters
        ----------
        llm : LLM, mapping of str to LLM or None, default=None
            Models of the roles, which no file holds.

        Raises
        ------
        InputError
            If the file is not one, or was written by a version that we cannot read.
        """
        with reading(path) as file:
            if file.facts.get("system") != cls.name or "parameters" not in file.facts:
                raise InputError(
                    f"{path} holds no {cls.name} of this version; read it with tablewright.load, "
                    "or fit it again"
                )
            schema = Schema.model_validate(file.facts["schema"])
            system = cls(
                schema.target,
                llm=llm,
                schema=schema,
                random_state=int(file.facts["seed"]),
                **file.facts["parameters"],
            )
            system._take(file, schema)
        return system

    def _take(self, file: Artefact, schema: Schema) -> None:
        facts, train = file.facts, file.frames["train"]
        self.schema_, self.n_rows_ = schema, train.height
        self.restore_ = Restore.from_dict(facts["restore"])
        self.seed_, self.class_counts_ = int(facts["seed"]), facts["class_counts"]
        self.n_calls_ = self.n_named_ = 0
        self.layout_ = Layout.learn(train, schema)
        self._begin(train)
        self.shown_ = [frame for name, frame in file.frames.items() if name.startswith("shown")]
        self._restore(part_of("own", file))
        self.reason_, self._spent_on_fit = str(facts["reason"]), self.result_.usage

    def _stored_parameters(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters as JSON, some changed, but those that the file has elsewhere."""
        parameters: dict[str, Any] = {**self.get_params(deep=False), **changes}
        for name in ("target", "llm", "schema", "random_state"):
            parameters.pop(name, None)
        for name, value in parameters.items():
            try:
                json.dumps(value)
            except TypeError as error:
                raise InputError(
                    f"{name} is an object ({type(value).__name__}) that no file can hold: give "
                    "plain values, or fit again where the rows are needed"
                ) from error
        return parameters

    @property
    def dry_run_(self) -> bool:
        """Whether models are only asked what calls would take; all they write is then kept."""
        return any(model.dry_run for role in self.roles if (model := self.model(role)))

    def _rows(
        self,
        n_samples: int | None,
        where: Where | None,
        balance: Balance | None,
        rules: Any,
        state: Any,
    ) -> Iterator[pl.DataFrame]:
        check_is_fitted(self, "layout_")
        seed = self._seed_of_call() if state is None else seed_of(state)
        quotas = None if balance is None else self._class_quotas(balance, n_samples)
        n_rows = self._count(n_samples) if quotas is None else sum(quotas.values())
        condition = None if where is None else parse_where(where, self.schema_)
        if condition is not None:
            condition.require_possible()
        kept = Rules(rules=[]) if rules is None else as_rules(rules)
        if condition is not None:
            asked = Check(name="where", expression=condition.text, strict=True)
            kept = Rules(rules=[asked]) + kept
        n_before = self.n_named_ if state is None else 0
        yield from self._run(SampleRequest(n_rows, quotas, condition, kept, seed, n_before))
        if not self.result_.n_proposed:
            self.result_.stopped = self.result_.stopped or self.result_.failure
        if state is None and self.result_.stopped is None and not self.dry_run_:
            self.n_calls_, self.n_named_ = self.n_calls_ + 1, n_before + self.result_.n_kept
        if (shortfall := self.result_.shortfall) and not self.dry_run_:
            self.result_.warn(shortfall)

    def _run(self, request: SampleRequest) -> Iterator[pl.DataFrame]:
        """Take the rows of a request as they come, whole and no more than were wanted."""
        self.result_ = result = Result(request.n_rows, usage=deepcopy(self._spent_on_fit))
        of_keys = replace(request, seed=self.seed_) if request.n_before else request
        identifiers = of_keys.rng(Stream.SYSTEM_IDENTIFIERS)
        state = identifiers.bit_generator.state
        types = self._blank().schema
        counts: Counter[Any] = Counter()
        gate = self.copy_gate(request)
        if self.n_rows_ < MIN_REAL_ROWS:
            result.note(
                f"with {self.n_rows_} real rows a wrong pool cannot be told from a sound one: "
                "whether its rows help is in doubt"
            )
        for rows in self._write(request, result):
            identifiers.bit_generator.state = state
            taken = self._within(rows, request, counts).head(request.n_rows - result.n_kept)
            gate.observe(taken)
            result.copy_rate, result.copy_rate_reference = gate.rate, gate.reference
            n_before = request.n_before + result.n_kept
            whole = self.layout_.complete(taken, identifiers, start=n_before)
            result.n_kept += taken.height
            yield whole.cast(types)
            if result.n_kept >= request.n_rows:
                return

    def pool(self, request: SampleRequest, result: Result, **options: Any) -> CandidatePool:
        """Return the pool of a request, which holds the rules of the call; see `CandidatePool`."""
        partition = options.setdefault("partition", self._classes_of(request))
        pool = CandidatePool(
            self.train_.select(self.writable_.names),
            self.writable_,
            request,
            result,
            gate=self.copy_gate(request, None if request.quotas is None else partition),
            rules=self.row_rules(request, result),
            constants=self.layout_.constants,
            **options,
        )
        return pool

    def row_check(self) -> Relations | None:
        """Return what judges if the cells of a row that a model wrote go together.

        None where no model writes, and in dry runs, whose rows are placeholders.
        """
        if self.model("writer") is None or self.dry_run_:
            return None
        if self._relations is None:
            real = self.train_.select(self.writable_.names)
            rng = np.random.default_rng([self.seed_, Stream.SYSTEM_RELATIONS])
            self._relations = Relations(false_alarms=FALSE_ALARMS).fit(real, self.writable_, rng)
        return self._relations

    def copy_gate(self, request: SampleRequest, partition: Partition | None = None) -> CopyGate:
        """Return what rejects copies; limits are those of the real rows that meet a request."""
        partition = partition or self._classes_of(request)
        real = self.train_.select(self.writable_.names)
        gate = CopyGate(real, self._meeting(request), None if partition is None else partition.of)
        gate.shown.add(self.shown_)
        return gate

    def _classes_of(self, request: SampleRequest) -> Partition | None:
        """Return the classes that a request names."""
        if request.quotas is None:
            return None
        return ClassPartition(str(self.schema_.target), tuple(request.quotas))

    def _meeting(self, request: SampleRequest) -> pl.DataFrame:
        """Return the real rows that meet the condition of a request."""
        rows = self.train_
        if request.where is not None:
            rows = rows.filter(request.where.holds(rows))
        return rows.select(self.writable_.names)

    def fit_generator(self) -> Synthesizer:
        """Return the local generator of the writer's role, fitted once."""
        if self.generator_ is None:
            real = self.train_.select(self.writable_.names)
            self.generator_ = GeneratorWriter.fit(real, self.writable_, self.seed_)
        return self.generator_

    def generator_writer(self, result: Result, partition: Partition | None) -> GeneratorWriter:
        """Return the writer without a model, for one call of `sample`."""
        writer = GeneratorWriter(self.fit_generator(), self.writable_, partition)
        result.note(writer.description)
        return writer

    def row_rules(self, request: SampleRequest, result: Result) -> list[BoundRule]:
        """Return what every row keeps, on the columns that rows have while they are judged."""
        columns = {*self.writable_.names, *self.layout_.constants.columns}
        matches = []
        for rule in bind(request.rules, self.schema_, self.train_):
            if isinstance(rule, ShareRule):
                result.note(
                    f"rule {rule.name} is about shares of rows, which {self.name} does not bring "
                    "about: look with check_rules at what came of it"
                )
            elif rule.rule.hard and set(rule.columns) <= columns:
                matches.append(rule)
        return matches

    def _within(
        self, rows: pl.DataFrame, request: SampleRequest, counts: Counter[Any]
    ) -> pl.DataFrame:
        """Take the rows whose class is still wanted."""
        if request.quotas is None:
            return rows
        open_rows = []
        for label in rows[str(self.schema_.target)]:
            open_rows.append(counts[label] < request.quotas.get(label, 0))
            counts[label] += open_rows[-1]
        return rows.filter(pl.Series(open_rows, dtype=pl.Boolean))

    def _class_quotas(self, balance: Balance, n_samples: int | None) -> dict[Any, int]:
        """Rows of each class to write, by its label."""
        counts = self._quotas(balance, n_samples)
        return {label: int(n) for label, n in zip(self._class_names(), counts, strict=True) if n}

    def _write_like(
        self, frame: pl.DataFrame, restore: Restore, target: str, like: Ints
    ) -> pl.DataFrame:
        learned = self._learn_classes(frame, restore, target)
        labels = learned[target][like]
        quotas = {
            label: int((labels == label).sum()) for label in labels.unique(maintain_order=True)
        }
        result = pl.concat(
            [self._blank(), *self._run(SampleRequest(len(like), quotas, seed=self.seed_))]
        )
        parts = [result.filter(pl.col(target) == label).head(n) for label, n in quotas.items()]
        for (label, n), part in zip(quotas.items(), parts, strict=True):
            if part.height < n:
                raise ConditionError(
                    f"{self.name} kept {part.height} of the {n} rows of class {label!r} that "
                    "fit_resample needs; ask for fewer (sampling_strategy), or call sample"
                )
        return untyped(pl.concat([self._blank(), *parts]), self.schema_)


def nested(prefix: str, part: Artefact) -> Artefact:
    """Return a part of a file with its names below a prefix."""
    arrays = {f"{prefix}/{name}": group for name, group in part.arrays.items()}
    frames = {f"{prefix}/{name}": frame for name, frame in part.frames.items()}
    return Artefact({prefix: dict(part.facts)}, arrays, frames)


def part_of(prefix: str, file: Artefact) -> Artefact:
    """Return what `nested` put below a prefix."""
    start = f"{prefix}/"
    arrays = {n.removeprefix(start): g for n, g in file.arrays.items() if n.startswith(start)}
    frames = {n.removeprefix(start): f for n, f in file.frames.items() if n.startswith(start)}
    return Artefact(file.facts[prefix], arrays, frames)
