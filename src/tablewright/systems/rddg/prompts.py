"""The third prompt of RDDG: EPIC's table in groups, with relations and feedback around it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tablewright.llm.endpoint.metering import Metered
from tablewright.llm.prompts.builder import PromptBuilder
from tablewright.llm.prompts.delimiters import delimited
from tablewright.llm.rows.task import RowTask
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.prompting import conditions_of
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import LanguageModelWriter, RowWriter
from tablewright.systems.epic.class_groups import group_letter
from tablewright.systems.epic.prompts import PARALLEL, Layout
from tablewright.systems.rddg.feedback import Feedback

if TYPE_CHECKING:
    from tablewright.systems.rddg.system import RDDG

_PROMPTS_A_ROUND = 4
"""In the default variant, so that feedback comes early; as published, 20."""

_KEEP = "Every row keeps these conditions:"
_ORDERS = "Of the rows that were written so far:"
_GO_ON = """\
Go on with one more set in the same form: for each group a line with its letter, then new rows \
that belong in it ({rows}). Do not repeat a row from above."""


class GuidedLayout(Layout):
    """The prompts of one request; what the batches before showed stands below the rows.

    Relations stand above, as they stay the same from prompt to prompt.
    """

    system: RDDG

    def writer(self, model: Metered) -> RowWriter:
        """Return the writer; a reply is taken to hold one set, and all of it is taken."""
        a_set = self.n_rows * len(self.classes)
        parallel = _PROMPTS_A_ROUND if self.system.preset_.strict else PARALLEL
        return LanguageModelWriter(
            model, self.schema, self.task, self.form,
            per_prompt=a_set * self.n_sets, usual=a_set, parallel=parallel,
            fixed=not self.system.preset_.strict,
            max_prompts=self.system.max_prompts,
        )  # fmt: skip

    def task(self, first: int, request: SampleRequest, guidance: Guidance | None) -> RowTask:
        """Make the task of the prompts from a number on, as the guidance says."""
        self.told = guidance or Guidance()
        if self.told.examples is not None:
            codes = self.classes.of(self.train)
            members = [
                self.told.examples[codes[self.told.examples] == code]
                for code in range(len(self.classes))
            ]
            self.decks = self.dealt_from(members)
        return super().task(first, request, guidance)

    def _above(self, builder: PromptBuilder) -> str:
        """Say what columns mean and what rows keep."""
        if not self.system.preset_.strict:
            return self.system.relations_.text
        conditions = conditions_of(self.request.rules, self.system.schema_, self.system.train_)
        lines = [f"- {one.text}" for one in conditions if builder.admits_condition(one)]
        kept = "\n".join([_KEEP, delimited("\n".join(lines))]) if lines else ""
        return "\n\n".join(text for text in (super()._above(builder), kept) if text)

    def _told(self) -> str:
        if not self.system.preset_.strict or not self.told.text:
            return self.told.text
        return f"{_ORDERS}\n{delimited(self.told.text)}"

    def _below(self, wanted: Mapping[str, int]) -> str:
        if not self.system.preset_.strict:
            return self._told()
        rows = ", ".join(f"{letter}: {n_rows}" for letter, n_rows in wanted.items())
        return "\n\n".join(text for text in (self._told(), _GO_ON.format(rows=rows)) if text)

    def speak(self, feedback: Feedback, losses: Sequence[str]) -> str:
        """Write feedback in the words of this prompt: letters of groups, tokens of values."""

        def value_name(column: str, value: object) -> str:
            cell = self.system.tokens_.encode({column: value})[column]  # type: ignore[dict-item]  # of a category
            return json.dumps(cell, ensure_ascii=False, default=str)

        orders = feedback.orders(lambda part: f"group {group_letter(part)}", value_name)
        return "\n".join(f"- {line}" for line in (*losses, *orders))
