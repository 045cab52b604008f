"""The prompts of Team-then-Trim: of the manager, of a worker, of the label's worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.delimiters import DATA_NOTE, fenced
from tablewright.llm.prompts.sharing import Cell, Sharing, count_cells, plain
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Schema
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, TeamPlan

if TYPE_CHECKING:
    from tablewright.systems.team_then_trim.workers import Turn

_EXCERPT = 10

_TOGETHER = "A team writes new rows of this table, each of you some columns."

_PART = """\
Think about which values occur together, and be as diverse as the table is. Where the examples \
show something else than you expect, follow the examples."""

_LABEL = """\
You are the last. Judge each row by its columns, as the examples were judged; where they show \
something else than you expect, follow the examples."""

_OPEN = {
    "worker": "Some rows may be of labels that no example has.",
    "label": "There are labels that no example has; give them to the rows that they fit.",
}

_ROLE = "You lead a team of specialists who write the rows of a table together."

_TASK = """\
Split the columns into groups, one for each specialist. Columns that belong to one subject stand \
in one group; a group comes after the groups that its values depend on, and groups that do not \
depend on each other may be written at the same time. Take {few} groups at most. Every column \
stands in exactly one group{label}."""

_REPLY = """\
Reply with JSON only: {"components": [{"id": "c1", "role": "a short title", "features": \
["column", ...], "parents": []}, {"id": "c2", "role": "...", "features": [...], "parents": \
["c1"]}, ...], "label": {"role": "a short title"}}. "parents" lists the groups that come before."""

_PUBLISHED_REPLY = """\
Reply with JSON only: {"Roles": {"Role1": {"Name": "a short title", "Features": "column, column"}, \
...}, "Relationship": {"Order 1": "Role1", ...}}. "Relationship" names the roles in the order in \
which they write."""


def plan_prompt(
    sharing: Sharing,
    schema: Schema,
    about: str,
    table: pl.DataFrame | None,
    usual: TeamPlan,
    published: bool,
    accept: Callable[[str], str | None],
) -> Prompt:
    """Make the prompt for a plan; `usual` is a plan of the length that replies have."""
    described = sharing.describe(schema, table)
    rows = [] if table is None else sharing.rows(excerpt(table), schema)
    label = f"; the label {json.dumps(schema.target, ensure_ascii=False)} comes last, in none"
    expected = json.dumps(usual.to_dict(), ensure_ascii=False)
    shown = CsvRows().write(rows, list(rows[0])) if rows else ""
    parts = [
        about,
        "The columns:\n" + fenced(described.text),
        DATA_NOTE,
        "Some rows:\n" + fenced(shown) if shown else "",
        _TASK.format(few=MOST_COMPONENTS, label=label if schema.target else ""),
        _PUBLISHED_REPLY if published else _REPLY,
    ]
    sent = dict(described.cells)
    for name, n_cells in count_cells(rows).items():
        sent[name] = sent.get(name, 0) + n_cells
    return Prompt.ask(
        "\n\n".join(part for part in parts if part),
        system=_ROLE,
        role="manager",
        stage="plan",
        schema=None if published else _SCHEMA,
        max_tokens=512 + 4 * estimate_tokens(expected),
        accept=accept,
        expected=expected,
        sent=sent,
    )


def excerpt(table: pl.DataFrame) -> pl.DataFrame:
    """Take rows from all over the table, the same ones each time."""
    return table.gather_every(max(1, table.height // _EXCERPT)).head(_EXCERPT)


_TEXT: dict[str, Any] = {"type": "string"}
_NAMES: dict[str, Any] = {"type": "array", "items": _TEXT}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_SCHEMA = _closed(
    {
        "components": {
            "type": "array",
            "items": _closed({"id": _TEXT, "role": _TEXT, "features": _NAMES, "parents": _NAMES}),
        },
        "label": _closed({"role": _TEXT}),
    }
)


@dataclass(frozen=True)
class WorkerPrompts:
    """What a worker, and the label's worker, is told."""

    schema: Schema
    train: pl.DataFrame
    about: str = ""
    rules: Sequence[tuple[set[str], str]] = ()
    new_classes: bool = False

    def task(self, turn: Turn, examples: Callable[[int], pl.DataFrame]) -> RowTask:
        """Make the task of a turn; `examples` gives rows to show by the number of a batch."""
        mine = set(turn.part.features)
        known = mine | set(turn.given.columns)
        return RowTask(
            self._part(mine),
            self._instructions(turn, [text for columns, text in self.rules if columns <= known]),
            system=f"You are the {turn.part.role}.",
            others=self._part(set(self.schema.names) - mine),
            table=self.train,
            examples=examples,
            given=[_cells(row) for row in turn.given.iter_rows(named=True)],
            given_is_real=turn.is_real,
            stage="write",
            role=turn.role,
            margin=None,  # what lies too far out is for the gates to say
        )

    def _part(self, names: set[str]) -> Schema:
        columns = [column for column in self.schema.each() if column.name in names]
        target = self.schema.target if self.schema.target in names else None
        return Schema(columns=columns, target=target)

    def _instructions(self, turn: Turn, rules: Sequence[str]) -> str:
        ask = _LABEL if turn.role == "label" else _PART
        parts = [self.about, _TOGETHER, ask]
        if self.new_classes:
            parts.append(_OPEN[turn.role])
        if rules:
            lines = "\n".join(f"- {rule}" for rule in rules)
            parts.append(f"Every row keeps these conditions:\n{lines}")
        return "\n\n".join(part for part in parts if part)


def _cells(row: Mapping[str, object]) -> dict[str, Cell]:
    return {name: plain(value) for name, value in row.items()}
