"""The prompts of CLLM."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import PromptBuilder
from tablewright.llm.prompts.sharing import Sharing
from tablewright.llm.rows.cells import MARGIN
from tablewright.llm.rows.task import SPLIT, RowRequest, RowTask
from tablewright.random_state import Stream
from tablewright.schema import Column, Schema
from tablewright.systems.common.coreset import SAMPLERS
from tablewright.systems.common.examples import ExampleSampler, RandomExamples
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.prompting import conditions_of
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import usual_rows

if TYPE_CHECKING:
    from tablewright.systems.cllm.system import CLLM

_TEMPERATURE, _TOP_P = 0.9, 0.95
"""Of the paper; a model that was connected with its own keeps them."""

_TASK = """\
You write synthetic rows of a table. Your rows keep to the distributions of its columns and to \
how they depend on each other, and they are as diverse as the table allows."""

_END = """\
Write {n_rows} new rows, realistic and diverse. Do not copy the examples. Give each row the label \
that is right for its features."""


class Page:
    """The prompts of one request: real rows as examples, the domain, rows wanted."""

    def __init__(self, system: CLLM, request: SampleRequest) -> None:
        self.system, self.request = system, request
        self.names = self._names()
        self.train = system.train_.select(list(self.names)).rename(self.names)
        self.sampler = self._sampler()
        columns = [self._column(column) for column in system.writable_.each()]
        target = system.writable_.target
        self.schema = Schema(columns=columns, target=None if target is None else self.names[target])

    def _names(self) -> dict[str, str]:
        names = self.system.writable_.names
        if self.system.context:
            return {name: name for name in names}
        features = [name for name in names if name != self.system.writable_.target]
        hidden = {name: f"feat_{index}" for index, name in enumerate(features)}
        return {name: hidden.get(name, "label") for name in names}

    def _column(self, column: Column) -> Column:
        """Make the column as it is shown, and as its cells are read."""
        changes: dict[str, Any] = {"name": self.names[column.name]}
        if not self.system.context:
            changes["description"] = ""
        if not self.system.preset_.strict:
            changes["nullable"] = False
            free = column.dtype in (None, "String") and column.name != self.system.writable_.target
            if free and all(isinstance(value, str) for value in column.categories or ()):
                changes["categories"] = None
        return column.model_copy(update=changes)

    def task(self, first: int, request: SampleRequest, guidance: Guidance | None) -> RowTask:
        """Make the task of the replies from a number on: several share examples."""
        system = self.system
        return RowTask(
            self.schema,
            table=self.train,
            examples=lambda batch: self._examples((first + batch % SPLIT) // system.completions),
            stage="rows",
            role="writer",
            margin=MARGIN if system.preset_.strict else None,
            build=lambda one: self._build(one, request, first + one.batch % SPLIT),
        )

    def _sampler(self) -> ExampleSampler:
        system, seed = self.system, (self.request.seed, Stream.CLLM_EXAMPLES)
        if system.examples == "random":
            return RandomExamples(self.train.height, seed, replace=not system.preset_.strict)
        return SAMPLERS[system.examples](system.train_, system.writable_, seed[0])(seed)

    def _examples(self, prompt: int) -> pl.DataFrame:
        return self.train[self.sampler.sample(self.system.n_examples, prompt)]

    def _build(self, one: RowRequest, request: SampleRequest, reply: int) -> Prompt:
        system, form = self.system, one.row_format
        own = {new: old for old, new in self.names.items()}
        builder = PromptBuilder(self._renamed(one.sharing), self.train, own)
        about = system.topic if system.context else None
        builder.say(_TASK, f"Use what you know about {about}." if about else "")
        label = self.schema.target
        named = "" if label is None else (
            f"The label is {json.dumps(label, ensure_ascii=False)}; all other columns are features."
        )  # fmt: skip
        builder.say(named)
        builder.columns(self.schema, "The columns:", summary=system.preset_.strict)
        if system.context:
            conditions = conditions_of(self.request.rules, system.schema_, system.train_)
            builder.conditions(conditions, "Every row keeps these conditions:")
        builder.note()
        if one.example_frame is not None:
            rows = builder.admit(one.example_frame)
            builder.rows(rows, lambda shown: form.write(shown, list(shown[0])), "Real rows:")
        self._add_shares(builder, request)
        builder.say(_END.format(n_rows=one.n_rows), form.request(self.schema.names, one.n_rows))
        expected = self._expected(one, reply)
        model = system.model("writer")
        heated = model is not None and model.has_temperature
        return builder.prompt(
            "You are a generator of tabular data.",
            temperature=None if heated else _TEMPERATURE,
            top_p=_TOP_P,
            max_tokens=system.preset_.max_tokens or 256 + 2 * estimate_tokens(expected),
            stage="rows",
            role="writer",
            schema=form.schema(builder.reply_columns(self.schema), one.n_rows),
            expected=expected,
        )

    def _renamed(self, sharing: Sharing) -> Sharing:
        """Redact the columns by the names that they have here."""
        hidden = [self.names[name] for name in sharing.redact if name in self.names]
        return replace(sharing, redact=tuple(hidden))

    def _expected(self, one: RowRequest, reply: int) -> str:
        rng = self.request.rng(Stream.CLLM_EXPECTED, reply)
        limit = self.system.preset_.max_tokens
        rows = usual_rows(self.train, min(one.n_rows, 200), rng)
        if limit is not None:
            text = one.row_format.write(rows, self.schema.names)
            each = max(1, estimate_tokens(text) // len(rows))
            rows = rows[: max(1, limit // each)]
        return one.row_format.write(rows, self.schema.names)

    def _add_shares(self, builder: PromptBuilder, request: SampleRequest) -> None:
        """Name the classes that are missing, where classes were asked for and may be named."""
        classes, target = self.system.classes_, self.schema.target
        if request.quotas is None or classes is None or target is None:
            return
        shares = {
            name: request.quotas[name] / request.n_rows
            for name in classes.names
            if name in request.quotas
        }
        builder.shares(self.schema[target], shares, "Labels, by share of the rows:")
