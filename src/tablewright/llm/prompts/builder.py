"""The only way into a prompt: whatever is of the user's table is admitted here, and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import polars as pl

from tablewright.llm.endpoint.base import LLM, Prompt
from tablewright.llm.prompts.delimiters import DATA_NOTE, delimited
from tablewright.llm.prompts.dependence import describe_dependence
from tablewright.llm.prompts.sharing import Cell, Share, Sharing, count_cells
from tablewright.schema import DECLARED, Column, Kind, Schema


class Condition(NamedTuple):
    """A condition that rows keep: its text, its columns, and whether the table was its source."""

    text: str
    columns: frozenset[str]
    mined: bool = False


def sharing_of(llm: LLM) -> Sharing:
    """Return what may leave for a model: everything where it is an object in this process."""
    own = getattr(llm, "sharing", None)
    return own if isinstance(own, Sharing) else Sharing("rows")


class PromptBuilder:
    """Put a prompt together, paragraph by paragraph: what stays the same first.

    Names, values, ranges, labels and rows come in by methods that leave out what may not leave
    and count the rest for `Prompt.sent`. `say` is for our own words and for what a person wrote.

    Examples
    --------
    >>> table = pl.DataFrame({"age": [31, 47], "name": ["Ann", "Bob"]})
    >>> builder = PromptBuilder(Sharing("rows", redact=("name",)), table)
    >>> prompt = builder.say("People.").rows(builder.admit(table), json.dumps, "Rows:").prompt()
    >>> print(prompt.text)
    People.
    <BLANKLINE>
    Rows:
    <data>
    [{"age": 31}, {"age": 47}]
    </data>
    >>> prompt.sent
    {'age': 2}
    """

    def __init__(
        self,
        sharing: Sharing,
        table: pl.DataFrame | None = None,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Begin a prompt; `names` leads from names in it to those of the user's table."""
        self.sharing, self.table, self.names = sharing, table, names or {}
        self.sent: Counter[str] = Counter()
        self.parts: list[str] = []

    def say(self, *paragraphs: str) -> Self:
        """Add words of ours or of a person; empty ones are left out."""
        self.parts += [text for text in paragraphs if text]
        return self

    def note(self) -> Self:
        """Add what a model has to know of the marks around data."""
        return self.say(DATA_NOTE)

    def columns(self, schema: Schema, heading: str, *, summary: bool = True) -> Self:
        """Describe columns, one line each; without a summary only what the schema says."""
        if not len(schema):
            return self
        described = self.sharing.describe(schema, self.table, briefly=not summary)
        self.sent.update(described.cells)
        return self.say(f"{heading}\n{delimited(described.text)}")

    def dependence(self, schema: Schema, pairs: Sequence[tuple[str, str]], heading: str) -> Self:
        """Tell how effects go with their causes in the table, as far as a summary may leave."""
        if self.table is None:
            return self
        described = describe_dependence(self.sharing, schema, self.table, pairs)
        self.sent.update(described.cells)
        return self.data([described.text], heading)

    def admit(self, frame: pl.DataFrame) -> list[dict[str, Cell]]:
        """Return the rows that may be shown, without redacted columns, and count their cells."""
        rows = self.sharing.cells(frame) if self.sharing.allows("rows") else []
        self.sent.update(count_cells(rows))
        return rows

    def admit_given(
        self, rows: Sequence[Mapping[str, Cell]], level: Share | None
    ) -> list[dict[str, Cell]]:
        """Return cells of begun rows: what a model wrote, and of the table what may leave."""
        if level is None:
            return [dict(row) for row in rows]
        hidden = set(self.sharing.redact)
        shown = [{n: cell for n, cell in row.items() if n not in hidden} for row in rows]
        shown = shown if self.sharing.allows(level) else [{} for _ in rows]
        self.sent.update(count_cells(shown))
        return shown

    def rows(
        self,
        rows: Sequence[Mapping[str, Cell]],
        write: Callable[[Sequence[Mapping[str, Cell]]], str],
        heading: str,
    ) -> Self:
        """Add rows that were admitted; nothing where there are none."""
        return self.say(f"{heading}\n{delimited(write(rows))}") if any(rows) else self

    def data(self, lines: Iterable[str], heading: str) -> Self:
        """Add lines that a model wrote, or that are of columns' names alone."""
        text = "\n".join(lines)
        return self.say(f"{heading}\n{delimited(text)}") if text else self

    def shares(self, column: Column, shares: Mapping[Cell, float], heading: str) -> Self:
        """Say how many rows of each value are asked for, if the values may be named."""
        if not self.names_values(column, list(shares)):
            return self
        percent = {str(value): f"{share:.0%}" for value, share in shares.items()}
        return self.data([json.dumps(percent, ensure_ascii=False)], heading)

    def names_values(self, column: Column, values: Sequence[Cell]) -> bool:
        """Whether values of a column may be named; they are counted then."""
        is_admitted = self.sharing.admits(column, values, self.table)
        if is_admitted:
            self._count_values(column, len(values))
        return is_admitted

    def conditions(self, conditions: Iterable[Condition], heading: str) -> Self:
        """Add conditions, but none on a redacted column; mined ones only where rows may leave."""
        lines = [f"- {one.text}" for one in conditions if self.admits_condition(one)]
        return self.say("\n".join([heading, *lines])) if lines else self

    def admits_condition(self, condition: Condition) -> bool:
        """Whether a condition may be shown."""
        hidden = condition.columns & set(self.sharing.redact)
        return not hidden and (not condition.mined or self.sharing.allows("rows"))

    def reply_columns(self, schema: Schema) -> Schema:
        """Return the columns of a reply, with the values that a JSON Schema of it may name."""
        named = self.sharing.named(schema)
        for column in named.each():
            bounds = (column.minimum, column.maximum) if column.kind is Kind.INTEGER else ()
            ends = [end for end in bounds if end is not None]
            self._count_values(column, len(column.categories or ends))
        return named

    def _count_values(self, column: Column, n_values: int) -> None:
        if n_values and column.reason != DECLARED:
            self.sent[column.name] += n_values

    @property
    def text(self) -> str:
        """What was added so far."""
        return "\n\n".join(self.parts)

    def prompt(self, system: str = "", **fields: Any) -> Prompt:
        """Make the prompt, with the other fields of `Prompt` by name."""
        sent = {self.names.get(name, name): n_cells for name, n_cells in self.sent.items()}
        return Prompt.ask(self.text, system=system, sent=sent, **fields)
