"""The prompts of Team-then-Trim: of the manager, of a worker, of the label's worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import Condition, PromptBuilder
from tablewright.llm.prompts.sharing import Cell, Sharing, plain
from tablewright.llm.rows.csv_rows import CsvRows
from tablewright.llm.rows.json_rows import closed_object
from tablewright.llm.rows.task import RowTask
from tablewright.schema import Schema
from tablewright.systems.team_then_trim.plan import MOST_COMPONENTS, TeamPlan

if TYPE_CHECKING:
    from tablewright.systems.team_then_trim.workers import Turn

_EXCERPT = 10

_LONGEST_ROLE = 60
"""Characters of a role in a reply."""

_TOGETHER = "Several specialists write new rows of a table together, each of them some columns."

_PART = """\
Write values that fit each other and that are as diverse as those of the table. Where the examples \
show something else than you expect, follow the examples."""

_LABEL = """\
You judge rows. Give each row the value that it should have by its other columns, as in the \
examples; where they show something else than you expect, follow the examples."""

_OPEN = {
    "worker": "Some rows may be of labels that no example has.",
    "label": "There are labels that no example has; give them to the rows that they fit.",
}

_MANAGER = "You plan how a group of experts fills in a table."

_TASK = """\
Split the columns into groups, one group for each expert. Put columns about the same subject into \
one group, with two to six columns each if you can, and take {few} groups at most. Every column \
stands in exactly one group{label}. An expert who has to know the values of another group before \
starting names that group as a parent. The role is what the expert knows, in two to five words, \
not the name of a column."""

EXAMPLE_ROLE = "field of knowledge"
"""What stands for a role in the form of a reply: no role of a plan."""

_PUBLISHED_TASK = """\
Split the columns into groups, one for each expert, and say in which order the experts write. \
Every column stands in exactly one group{label}. The role is what the expert knows."""


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
    expected = json.dumps(usual.to_dict(), ensure_ascii=False)
    label = f"; the label {json.dumps(schema.target, ensure_ascii=False)} stands in none"
    task = _PUBLISHED_TASK if published else _TASK
    builder = PromptBuilder(sharing, table).say(about).columns(schema, "The columns:").note()
    if table is not None:
        rows = builder.admit(excerpt(table.select(schema.names)))
        builder.rows(rows, lambda shown: CsvRows().write(shown, list(shown[0])), "Some rows:")
    builder.say(task.format(few=MOST_COMPONENTS, label=label if schema.target else ""))
    features = [name for name in schema.names if name != schema.target]
    form = published_example(features) if published else plan_example(features)
    builder.say("Reply with JSON only, in this form:\n" + json.dumps(form, ensure_ascii=False))
    return builder.prompt(
        _MANAGER,
        role="manager",
        stage="plan",
        schema=None if published else _plan_schema(features),
        max_tokens=512 + 4 * estimate_tokens(expected),
        accept=accept,
        expected=expected,
    )


def plan_example(features: Sequence[str]) -> dict[str, Any]:
    """Return the form of a plan, with columns of this table: as an answer it is an echo."""
    first, second = list(features[:2]), list(features[2:4])
    parts = [{"id": "c1", "role": EXAMPLE_ROLE, "features": first, "parents": []}]
    if second:
        parts.append({"id": "c2", "role": EXAMPLE_ROLE, "features": second, "parents": ["c1"]})
    return {"components": parts, "label": {"role": EXAMPLE_ROLE}}


def published_example(features: Sequence[str]) -> dict[str, Any]:
    """Return the published form of a plan, with columns of this table."""
    roles = {"Role1": {"Name": EXAMPLE_ROLE, "Features": ", ".join(features[:2])}}
    return {"Roles": roles, "Relationship": {"Order 1": "Role1"}}


def excerpt(table: pl.DataFrame) -> pl.DataFrame:
    """Take rows from all over the table, the same ones each time."""
    return table.gather_every(max(1, table.height // _EXCERPT)).head(_EXCERPT)


def _plan_schema(features: Sequence[str]) -> dict[str, Any]:
    """Return the JSON Schema of a plan: its columns are those of the table.

    No list is longer than it can be: small models go on with one until they are cut off.
    """
    n_parts = min(MOST_COMPONENTS, len(features))
    text = {"type": "string", "maxLength": _LONGEST_ROLE}
    ids = {"enum": [f"c{number}" for number in range(1, n_parts + 1)]}
    names = {
        "type": "array", "items": {"enum": list(features)},
        "minItems": 1, "maxItems": len(features),
    }  # fmt: skip
    parents = {"type": "array", "items": ids, "maxItems": n_parts - 1}
    component = {"id": ids, "role": text, "features": names, "parents": parents}
    components = {
        "type": "array", "items": closed_object(component), "minItems": 1, "maxItems": n_parts,
    }  # fmt: skip
    label = closed_object({"role": text})
    return closed_object({"components": components, "label": label})


@dataclass(frozen=True)
class WorkerPrompts:
    """What a worker, and the label's worker, is asked."""

    schema: Schema
    train: pl.DataFrame
    about: str = ""
    rules: Sequence[Condition] = ()
    new_classes: bool = False

    def task(self, turn: Turn, examples: Callable[[int], pl.DataFrame]) -> RowTask:
        """Make the task of a turn; the examples of a part are the same for all its batches."""
        mine = set(turn.part.features)
        known = mine | set(turn.given.columns)
        return RowTask(
            self._part(mine),
            self._instructions(turn),
            system=f"You are a specialist: {turn.part.role.rstrip(' .')}.",
            others=self._part(set(self.schema.names) - mine),
            table=self.train,
            examples=lambda batch: examples(0),
            conditions=[rule for rule in self.rules if rule.columns <= known],
            given=[_cells(row) for row in turn.given.iter_rows(named=True)],
            given_level="rows" if turn.is_real else None,
            stage="write",
            role=turn.role,
            margin=None,  # what lies too far out is for the gates to say
        )

    def _part(self, names: set[str]) -> Schema:
        columns = [column for column in self.schema.each() if column.name in names]
        target = self.schema.target if self.schema.target in names else None
        return Schema(columns=columns, target=target)

    def _instructions(self, turn: Turn) -> str:
        ask = _LABEL if turn.role == "label" else _PART
        parts = [self.about, _TOGETHER, ask, _OPEN[turn.role] if self.new_classes else ""]
        return "\n\n".join(part for part in parts if part)


def _cells(row: Mapping[str, object]) -> dict[str, Cell]:
    return {name: plain(value) for name, value in row.items()}
