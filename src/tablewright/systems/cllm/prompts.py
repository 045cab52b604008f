"""The prompts of CLLM."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.delimiters import DATA_NOTE, fenced
from tablewright.llm.prompts.sharing import count_cells
from tablewright.llm.rows.task import SPLIT, Ask, RowTask
from tablewright.random_state import Stream
from tablewright.schema import Column, Schema
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import usual_rows

if TYPE_CHECKING:
    from tablewright.systems.cllm.system import CLLM

_TEMPERATURE, _TOP_P = 0.9, 0.95
"""Of the paper; a model that was connected with its own keeps them."""


class Page:
    """The prompts of one request: real rows as examples, the domain, rows wanted."""

    def __init__(self, system: CLLM, request: SampleRequest) -> None:
        self.system, self.request = system, request
        self.names = self._names()
        self.train = system.train_.select(list(self.names)).rename(self.names)
        columns = [self._column(column) for column in system.writable_.each()]
        target = system.writable_.target
        self.schema = Schema(columns=columns, target=None if target is None else self.names[target])

    def _names(self) -> dict[str, str]:
        names = self.system.writable_.names
        if self.system.context:
            return {name: name for name in names}
        features = [name for name in names if name != self.system.writable_.target]
        hidden = {name: f"feat_{place}" for place, name in enumerate(features)}
        return {name: hidden.get(name, "label") for name in names}

    def _column(self, column: Column) -> Column:
        """Make the column as it is shown, and as its cells are read."""
        changes: dict[str, Any] = {"name": self.names[column.name]}
        if not self.system.context:
            changes["meaning"] = ""
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
            numbered=False,
            margin=0.1 if system.preset_.strict else None,
            build=lambda ask: self._build(ask, request, first + ask.batch % SPLIT),
        )

    def _examples(self, prompt: int) -> pl.DataFrame:
        rng = self.request.rng(Stream.CLLM_EXAMPLES, prompt)
        n_rows = min(self.system.n_examples, self.train.height)
        replace = not self.system.preset_.strict
        return self.train[rng.choice(self.train.height, n_rows, replace=replace)]

    def _build(self, ask: Ask, request: SampleRequest, reply: int) -> Prompt:
        system, form = self.system, ask.row_format
        hidden = [self.names[name] for name in ask.sharing.redact if name in self.names]
        ask = replace(ask, sharing=replace(ask.sharing, redact=tuple(hidden)))
        examples = ask.shown_examples()
        described = ask.sharing.describe(self.schema, self.train if system.preset_.strict else None)
        n_rows = len(ask.numbers)
        expected = self._expected(ask, reply)
        shares = self._shares(request)
        about = system.topic if system.context else None
        known = f"what you know about {about}" if about else "what the columns tell you"
        label = self.schema.target
        parts = [
            "You generate synthetic rows of a table.",
            "Your rows imitate the causal structure of the real table and the distributions of its "
            "features and its label, and they are as diverse as the table allows.",
            "Real rows, as examples:\n" + fenced(form.write(examples, list(examples[0])))
            if examples
            else "",
            f"Use {known} to write {n_rows} new rows, realistic and diverse.{shares}",
            self._rules(),
            ("" if label is None else f"The label is {json.dumps(label, ensure_ascii=False)}; all "
             "other columns are features. ") + "The columns:\n" + fenced(described.text),
            DATA_NOTE,
            form.request(self.schema.names, numbered=False),
            "Do not copy examples. Write rows that are new, with the label that is right for the "
            "features.",
        ]  # fmt: skip
        sent = Counter(described.cells)
        sent.update(count_cells(examples))
        return Prompt.ask(
            "\n\n".join(part for part in parts if part),
            system="You are a generator of tabular data.",
            temperature=_TEMPERATURE,
            top_p=_TOP_P,
            max_tokens=system.preset_.max_tokens or 256 + 2 * estimate_tokens(expected),
            stage="rows",
            role="writer",
            schema=form.schema(ask.sharing.told(self.schema), numbered=False),
            expected=expected,
            sent=dict(sent),
        )

    def _expected(self, ask: Ask, reply: int) -> str:
        rng = self.request.rng(Stream.CLLM_EXPECTED, reply)
        n_rows = len(ask.numbers)
        limit = self.system.preset_.max_tokens
        rows = usual_rows(self.train, min(n_rows, 200), rng)
        if limit is not None:
            each = max(
                1, estimate_tokens(ask.row_format.write(rows, self.schema.names)) // len(rows)
            )
            rows = rows[: max(1, limit // each)]
        return ask.row_format.write(rows, self.schema.names)

    def _shares(self, request: SampleRequest) -> str:
        """Name the classes that are lacking, where classes were asked for."""
        if request.quotas is None or self.system.classes_ is None:
            return ""
        wanted = ", ".join(
            f"{name} ({100 * request.quotas[name] / request.n_rows:.0f} %)"
            for name in self.system.classes_.names
            if name in request.quotas
        )
        return " Labels wanted, by their share of the rows:\n" + fenced(wanted)

    def _rules(self) -> str:
        rules = [rule.described() for rule in self.request.rules.rules]
        lines = "\n".join(f"- {text}" for text in rules)
        return (
            f"Every row keeps these conditions:\n{lines}" if rules and self.system.context else ""
        )
