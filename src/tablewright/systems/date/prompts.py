"""The prompts of DATE, and the form of its replies: rules, each with rows that keep it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import Condition, PromptBuilder
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.cells import MARGIN
from tablewright.llm.rows.json_rows import JsonRows, closed_object
from tablewright.llm.rows.lenient_json import find_containers
from tablewright.llm.rows.raw_rows import LostRow, RawRow
from tablewright.llm.rows.task import RowRequest, RowTask
from tablewright.random_state import Stream
from tablewright.rules.expressions import parse
from tablewright.schema import Schema
from tablewright.systems.common.examples import ProportionalExamples
from tablewright.systems.common.prompting import conditions_of
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import usual_rows
from tablewright.systems.date.rounds import Ask, counted

if TYPE_CHECKING:
    from tablewright.systems.date.system import DATE

_TEMPERATURE = 0.7
"""Of the reference program; a model that was connected with its own keeps it."""

_TASK = """\
You write synthetic rows for one part of a table at a time. A part is described by a condition: \
"age <= 30" means that the cell of the column age is at most 30. Rows of a part meet all of its \
condition, keep the types and formats of the columns, and have the label that is right for them."""

_NEW = """\
About half of them are for the part as it is. Think of one or two new, narrower conditions inside \
of it that bound several columns, and write the other half for these."""

_LEARN = """\
Learn what the earlier conditions that raised the score have in common, and keep away from what \
lowered it."""

_MAX_BLOCKS = 3

_BLOCKS = """\
Reply with JSON only: {{"blocks": [{{"rule": {rule}, "rows": [...]}}, {{"rule": "a narrower \
condition", "rows": [...]}}]}}, {rows} in all, each an object with the keys {keys}, in this \
order."""

_ROWS = """\
Reply with JSON only: {{"rows": [...]}}, {rows}, each an object with the keys {keys}, in this \
order."""


@dataclass(frozen=True)
class RuledRows:
    """Rows in blocks, each below the rule that its rows keep; the rule is the rows' group.

    Attributes
    ----------
    new_rules : bool
        Whether rules are asked for; rows alone are, where not, and rules are read all the same.

    Examples
    --------
    >>> form = RuledRows()
    >>> text = '{"blocks": [{"rule": "age > 3", "rows": [{"age": 4}, {"age": 5}]}]}'
    >>> [(row.cells, row.group) for row in form.read(text, ["age"])]
    [({'age': 4}, 'age > 3'), ({'age': 5}, 'age > 3')]
    """

    name: str = "blocks"
    new_rules: bool = True

    def request(self, names: Sequence[str], n_rows: int, rule: str = "TRUE") -> str:
        """Say in a prompt how rows are to be written, the first of them for a rule."""
        keys = ", ".join(json.dumps(name, ensure_ascii=False) for name in names)
        form = _BLOCKS if self.new_rules else _ROWS
        rule = json.dumps(rule, ensure_ascii=False)
        return form.format(rows=counted(n_rows, "row"), keys=keys, rule=rule)

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows as one block."""
        kept = [{name: row[name] for name in names if name in row} for row in rows]
        whole = {"blocks": [{"rule": "TRUE", "rows": kept}]} if self.new_rules else {"rows": kept}
        return json.dumps(whole, ensure_ascii=False)

    def read(
        self, text: str, names: Sequence[str], known: Sequence[str] = ()
    ) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply; those outside of a block have no rule."""
        for value, _, _ in find_containers(text, "{"):
            for rule, row in _ruled(value, ""):
                written = json.dumps(row, ensure_ascii=False)
                for one in JsonRows().read(written, names, known):
                    yield replace(one, group=rule) if isinstance(one, RawRow) else one

    def schema(self, schema: Schema, n_rows: int) -> Mapping[str, Any] | None:
        """Return the JSON Schema of a reply."""
        rows = JsonRows().schema(schema, n_rows)
        if not self.new_rules:
            return rows
        assert rows is not None
        row = rows["properties"]["rows"]["items"]
        most = -(-(n_rows + 1) // 2)  # about half in each of few blocks, or some models never end
        own = {"type": "array", "items": row, "minItems": 1, "maxItems": most}
        block = closed_object({"rule": {"type": "string"}, "rows": own})
        blocks = {"type": "array", "items": block, "minItems": 1, "maxItems": _MAX_BLOCKS}
        return closed_object({"blocks": blocks})


def _ruled(value: Any, rule: str) -> Iterator[tuple[str, Any]]:
    """Yield the rows inside of a value with the rule that stands with them."""
    if isinstance(value, list):
        for part in value:
            yield from _ruled(part, rule)
    elif isinstance(value, Mapping):
        inner = [value[key] for key in ("blocks", "rows") if isinstance(value.get(key), list)]
        own = value.get("rule")
        if inner:
            yield from _ruled(inner, own if isinstance(own, str) else rule)
        else:
            yield rule, value


class Page:
    """The prompt for one part: its condition, real rows of it, what came of earlier answers."""

    def __init__(self, system: DATE, request: SampleRequest, ask: Ask, draw: int) -> None:
        self.system, self.request, self.ask, self.draw = system, request, ask, draw
        self.rounds = system.rounds_
        self.blocks = self._examples()

    def task(self, form: RuledRows) -> RowTask:
        """Make the task."""
        shown = pl.concat([frame for _, frame in self.blocks])
        return RowTask(
            self.system.writable_,
            table=self.system.train_.select(self.system.writable_.names),
            examples=lambda batch: shown,
            stage="rows",
            role="writer",
            margin=MARGIN if self.system.preset_.strict else None,
            build=self._build,
        )

    def _examples(self) -> list[tuple[str, pl.DataFrame]]:
        """Return rules with real rows, drawn by label: the part's own, then the largest part's."""
        preset, rounds = self.system.preset_, self.rounds
        largest = max(rounds.open, key=lambda index: rounds.rows[index].height)
        shown = dict.fromkeys([self.ask.part, largest])
        blocks: list[tuple[str, pl.DataFrame]] = []
        for index in shown:
            for rule in rounds.parts.parts[index].rules or ("",):
                rows = self.system.shown_rows_(index, rule)
                if rows.height and len(blocks) < preset.max_rules:
                    blocks.append((rule, self._drawn(rows, len(blocks))))
        return blocks or [("", rounds.rows[self.ask.part].head(0))]

    def _drawn(self, rows: pl.DataFrame, block: int) -> pl.DataFrame:
        labels = rows[self.rounds.target].to_list() if self.rounds.classes else [0] * rows.height
        seed = (self.request.seed, int(Stream.DATE_EXAMPLES), block)
        n_rows = self.system.n_shown
        n_rows = n_rows if block == 0 else -(-n_rows // self.system.preset_.other_share)
        return rows[ProportionalExamples(labels, seed).sample(n_rows, self.draw)]

    def _build(self, one: RowRequest) -> Prompt:
        system, form = self.system, one.row_format
        assert isinstance(form, RuledRows)
        schema, preset = system.writable_, system.preset_
        builder = PromptBuilder(one.sharing, one.task.table)
        builder.say(_TASK, f"The table: {system.topic}." if system.topic else "")
        builder.columns(schema, "The columns:", summary=preset.strict)
        conditions = conditions_of(self.request.rules, system.schema_, system.train_)
        builder.conditions(conditions, "Every row keeps these conditions:").note()
        self._add_examples(builder, one)
        own = self.rounds.parts.parts[self.ask.part].rules
        may_say = bool(own) and all(map(builder.admits_condition, self._mined(own[:1])))
        builder.conditions(self._mined(own), "The part to write for; a row meets one of:")
        self._add_history(builder, one)
        self._add_labels(builder)
        builder.say(
            f"Write {counted(one.n_rows, 'new row')} of this part, realistic and diverse. Do not "
            "copy the examples: a new row differs from each of them in several cells.",
            _NEW if system.new_rules and one.n_rows > 1 else "",
            _LEARN if system.feedback and self.ask.history else "",
            form.request(schema.names, one.n_rows, own[0] if may_say else "TRUE"),
        )
        rng = self.request.rng(Stream.DATE_EXPECTED, self.draw)
        assert one.task.table is not None
        expected = form.write(usual_rows(one.task.table, one.n_rows, rng), schema.names)
        return builder.prompt(
            "You are a generator of tabular data.",
            temperature=_TEMPERATURE,
            stage="rows",
            role="writer",
            schema=form.schema(builder.reply_columns(schema), one.n_rows),
            max_tokens=512 + 2 * estimate_tokens(expected),
            expected=expected,
        )

    def _add_examples(self, builder: PromptBuilder, one: RowRequest) -> None:
        """Show each rule with its rows, as many as the request has room for."""
        frame, at = one.example_frame, 0
        for rule, rows in self.blocks if frame is not None else ():
            assert frame is not None
            shown = builder.admit(frame[at : at + rows.height])
            at += rows.height
            builder.conditions(self._mined([rule] if rule else []), "A condition:")
            builder.rows(shown, lambda some: JsonRows().write(some, list(some[0])),
                         "Real rows that meet it:" if rule else "Real rows:")  # fmt: skip

    def _add_history(self, builder: PromptBuilder, one: RowRequest) -> None:
        if not self.system.feedback:
            return
        label = self.rounds.target not in one.sharing.redact
        target = frozenset({self.rounds.target})
        lines = [
            Condition(seen.words(label), seen.group.columns | (target if label else frozenset()),
                      mined=True)
            for seen in self.ask.history
        ]  # fmt: skip
        builder.conditions(lines, "Earlier answers, and what they did to a decision tree that "
                           "predicts real rows it did not see:")  # fmt: skip
        again = [rule for rule in self.ask.guidance.quotas if rule]
        builder.conditions(self._mined(again), "Write about half of the rows for these:")

    def _mined(self, rules: Sequence[str]) -> list[Condition]:
        schema = self.rounds.schema
        return [Condition(rule, frozenset(parse(rule, schema).columns), True) for rule in rules]

    def _add_labels(self, builder: PromptBuilder) -> None:
        labels = self.ask.labels
        if labels:
            total = sum(labels.values())
            shares = {label: n / total for label, n in labels.items()}
            name = json.dumps(self.rounds.target, ensure_ascii=False)
            heading = f"Labels, by share of the rows, in the column {name}:"
            builder.shares(self.system.writable_[self.rounds.target], shares, heading)
