"""The prompts of EPIC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.metering import Metered
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.builder import PromptBuilder
from tablewright.llm.prompts.sharing import Cell, Sharing
from tablewright.llm.rows.cells import MARGIN
from tablewright.llm.rows.csv_rows import write_line
from tablewright.llm.rows.task import SPLIT, RowRequest, RowTask
from tablewright.random_state import Stream
from tablewright.schema import Schema
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import LanguageModelWriter, RowWriter, usual_rows
from tablewright.systems.epic.class_groups import Deck, GroupRows, group_letter, lay_out
from tablewright.systems.epic.grammar import cell_grammar, set_grammar

if TYPE_CHECKING:
    from tablewright.systems.epic.system import EPIC

PARALLEL = 20
"""Prompts sent at once, at most."""

_TEMPERATURE = 1.3
"""Small models copy the table at 1.0: three of four rows of one of 0.5B, and none at 1.3.

A model that was connected with a temperature of its own keeps that.
"""

_MARGIN = 128
"""Tokens that a reply may have beside its rows."""

_LOSS = 0.4
"""Share of the rows that a model of 1.5B loses as copies, in other forms, or beyond its quotas."""

_SYSTEM = "You continue tables. You write lines of CSV and nothing else: no explanation, no code."

_GO_ON = """\
Go on with one more set in the same form: for each of the groups {groups} a line with its letter, \
then {n_rows} new rows that belong in this group. Do not repeat a row from above."""

_SHOWN = 32
"""Example rows of a prompt, about, where nobody says how many."""


class Layout:
    """The prompts of one request: sets of groups below each other, and a bare header."""

    def __init__(self, system: EPIC, request: SampleRequest) -> None:
        self.system, self.request = system, request
        self.classes, preset = system.classes_, system.preset_
        names = system.writable_.names
        first = [self.classes.column, *(name for name in names if name != self.classes.column)]
        columns = [system.writable_[name] for name in first]
        self.schema = Schema(columns=columns, target=self.classes.column)
        self.train = system.train_.select(first)
        self.form = GroupRows(system.tokens_, repair=preset.strict)
        n_classes = len(self.classes)
        self.n_sets = system.sets or preset.sets
        balanced = max(2, min(15, _SHOWN // (self.n_sets * n_classes)))
        self.n_rows = system.rows_per_class or preset.rows_per_class or balanced
        self.decks = self.dealt_from(system.members_)

    def dealt_from(self, members: Sequence[NDArray[np.intp]]) -> dict[str, Deck]:
        """Return the example rows of each group, out of some rows of its class."""
        drawn = None if self.system.preset_.strict else PARALLEL
        return {
            group_letter(index): Deck(
                rows, self.n_sets, self.n_rows,
                (self.request.seed, Stream.EPIC_EXAMPLES, index), drawn,
            )
            for index, rows in enumerate(members)
        }  # fmt: skip

    def writer(self, model: Metered) -> RowWriter:
        """Return the writer; a reply is taken to hold one set, and all of it is taken."""
        a_set = self.n_rows * len(self.classes)
        return LanguageModelWriter(
            model, self.schema, self.task, self.form,
            per_prompt=a_set * self.n_sets, usual=a_set, parallel=PARALLEL,
            fixed=not self.system.preset_.strict, loss=_LOSS,
            max_prompts=self.system.max_prompts,
        )  # fmt: skip

    def task(self, first: int, request: SampleRequest, guidance: Guidance | None) -> RowTask:
        """Make the task of the prompts from a number on."""
        strict = self.system.preset_.strict
        wanted = self._wanted(request)
        return RowTask(
            self.schema,
            examples=lambda batch: self.train[self._shown(first + batch % SPLIT)],
            stage="rows",
            role="writer",
            margin=MARGIN if strict else None,
            build=lambda request: self._build(request, first + request.batch % SPLIT, wanted),
        )

    def _wanted(self, request: SampleRequest) -> dict[str, int]:
        """Return the rows that one prompt asks for, by the letter of their group."""
        every = dict.fromkeys(self.decks, self.n_rows)
        if not self.system.preset_.strict or request.quotas is None:
            return every
        a_set = self.n_rows * len(self.decks)
        n_prompts = min(PARALLEL, -(-request.n_rows // a_set))
        quotas = [request.quotas.get(name, 0) for name in self.classes.names]
        missing = {letter: n for letter, n in zip(every, quotas, strict=True) if n}
        most = a_set // max(1, len(missing))  # few groups get the rows of all: a prompt costs more
        return {letter: min(most, -(-n // n_prompts)) for letter, n in missing.items()} or every

    def _shown(self, prompt: int) -> list[int]:
        """Return the example rows of a prompt, in the order of the table."""
        return sorted({int(at) for deck in self.decks.values()
                       for rows in deck.deal(prompt) for at in rows})  # fmt: skip

    def _build(self, request: RowRequest, prompt: int, wanted: Mapping[str, int]) -> Prompt:
        builder = PromptBuilder(request.sharing)
        names, sets = self.schema.names, [dict[str, list[str]]() for _ in range(self.n_sets)]
        for letter, deck in self.decks.items():
            for one, rows in zip(sets, deck.deal(prompt), strict=True):
                shown = builder.admit(self.train[self._at_most(rows, request)])
                one[letter] = [self.form.line(row, names) for row in shown]
        header = write_line(names)
        expected = self._expected(prompt, wanted)
        options: dict[str, Any] = {"max_tokens": 256 + 2 * self.n_sets * estimate_tokens(expected)}
        above = self._above(builder)
        system, stop, plain = "", "", lay_out(header, sets, above, self._told())
        if self.system.preset_.strict:
            system, stop = _SYSTEM, f"\n{header}"
            plain, stop = self._begun(plain, wanted, stop)
            options = {
                "max_tokens": _MARGIN + estimate_tokens(expected) * 3 // 2,
                "temperature": self._temperature(),
                "grammar": self._grammar(wanted),
            }
        builder.say(lay_out(header, sets, above, self._below(wanted)))
        return builder.prompt(
            system, completion=plain, stop=stop, stage="rows", role="writer", expected=expected,
            **options,
        )  # fmt: skip

    def _temperature(self) -> float | None:
        model = self.system.model("writer")
        return None if model is None or model.has_temperature else _TEMPERATURE

    def _begun(self, text: str, wanted: Mapping[str, int], stop: str) -> tuple[str, str]:
        """Begin with the first group that is wanted, and stop behind the last one."""
        letters = list(self.decks)
        asked = [letters.index(letter) for letter in wanted]
        text += f"\n{letters[asked[0]]}.\n" if asked[0] else ""
        return text, stop if asked[-1] + 1 == len(letters) else f"\n{letters[asked[-1] + 1]}."

    def _grammar(self, wanted: Mapping[str, int]) -> str:
        """Return the form of a set: rows of each group that is wanted, with their own labels."""
        label, *others = self.schema.names
        codes = self.classes.of(self.train)
        own = [self.train.filter(pl.Series(codes == k)) for k in range(len(self.classes))]
        labels = {
            letter: self._cell(label, rows if rows.height else self.train)
            for letter, rows in zip(self.decks, own, strict=True)
        }
        cells = [self._cell(name, self.train) for name in others]
        return set_grammar(
            wanted, labels, cells, begun=next(iter(wanted)) != next(iter(self.decks))
        )

    def _cell(self, name: str, rows: pl.DataFrame) -> str:
        """Return the form of a column's cells, as they are among some rows."""
        column, texts = self.schema[name], list[str]()
        if column.kind.is_discrete:
            values = rows.select(name).drop_nulls().unique().sort(name)
            coded = map(self.system.tokens_.encode, Sharing("rows").cells(values))
            texts = [str(row[name]) for row in coded]
        return cell_grammar(column, rows[name], texts)

    def _at_most(self, rows: NDArray[np.intp], request: RowRequest) -> NDArray[np.intp]:
        """Take fewer rows of a group where the whole prompt was too long."""
        if request.n_examples is None:
            return rows
        total = self.n_sets * self.n_rows * len(self.decks)
        return rows[: max(1, len(rows) * request.n_examples // total)]

    def _below(self, wanted: Mapping[str, int]) -> str:
        """Say what stands between the rows and the bare header."""
        if not self.system.preset_.strict:
            return ""
        return _GO_ON.format(groups=_listed(list(wanted)), n_rows=max(wanted.values()))

    def _told(self) -> str:
        """Say what also a model that goes on with plain text is told of earlier rows."""
        return ""

    def _above(self, builder: PromptBuilder) -> str:
        """Say what stands above the rows: what columns mean."""
        columns = [column for column in self.schema.each() if column.description]
        return "\n".join(f"{column.name}: {column.description}" for column in columns)

    def _expected(self, prompt: int, wanted: Mapping[str, int]) -> str:
        """Write one more set, as a reply usually is."""
        rng = self.request.rng(Stream.EPIC_EXPECTED, prompt)
        names, lines = self.schema.names, list[str]()
        for letter, n_rows in wanted.items():
            indices = self.decks[letter].indices
            rows: list[dict[str, Cell]] = usual_rows(self.train[indices], n_rows, rng)
            lines += [f"{letter}.", *(self.form.line(row, names) for row in rows), ""]
        return "\n".join(lines)


def _listed(letters: list[str]) -> str:
    """Name the groups: all of a few, else the first and the last."""
    return (
        ", ".join(letters) if len(letters) < 5 else f"{letters[0]}, {letters[1]} to {letters[-1]}"
    )
