"""The prompts of EPIC."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tablewright.llm.endpoint.base import Prompt
from tablewright.llm.endpoint.metering import Metered
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.sharing import Cell, count_cells
from tablewright.llm.rows.csv_rows import write_line
from tablewright.llm.rows.task import SPLIT, Ask, RowTask
from tablewright.random_state import Stream
from tablewright.schema import Schema
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.row_writer import LanguageModelWriter, RowWriter, usual_rows
from tablewright.systems.epic.class_groups import Deck, GroupRows, group_letter, lay_out

if TYPE_CHECKING:
    from tablewright.systems.epic.system import EPIC

PARALLEL = 20
"""Prompts sent at once, at most."""

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
        self.decks = self._decks()

    def _decks(self) -> dict[str, Deck]:
        own = self.classes.of(self.train)
        drawn = None if self.system.preset_.strict else PARALLEL
        return {
            group_letter(place): Deck(
                np.flatnonzero(own == place), self.n_sets, self.n_rows,
                (self.request.seed, Stream.EPIC_EXAMPLES, place), drawn,
            )
            for place in range(len(self.classes))
        }  # fmt: skip

    def writer(self, model: Metered) -> RowWriter:
        """Return the writer; a reply is taken to hold one set, and all of it is taken."""
        a_set = self.n_rows * len(self.classes)
        return LanguageModelWriter(
            model, self.schema, self.task, self.form,
            per_prompt=a_set * self.n_sets, usual=a_set, parallel=PARALLEL,
            max_prompts=self.system.max_prompts,
        )  # fmt: skip

    def task(self, first: int, request: SampleRequest, guidance: Guidance | None) -> RowTask:
        """Make the task of the prompts from a number on."""
        return RowTask(
            self.schema,
            examples=lambda batch: self.train[np.concatenate(self._dealt(first + batch % SPLIT))],
            stage="rows",
            role="writer",
            numbered=False,
            margin=0.1 if self.system.preset_.strict else None,
            build=lambda ask: self._build(ask, first + ask.batch % SPLIT),
        )

    def _build(self, ask: Ask, prompt: int) -> Prompt:
        rows = iter(ask.shown_examples())
        sizes = [len(indices) for indices in self._dealt(prompt)]
        groups = [list(islice(rows, size)) for size in sizes]
        letters = list(self.decks)
        shown = [
            dict(zip(letters, groups[start : start + len(letters)], strict=True))
            for start in range(0, len(groups), len(letters))
        ]
        names = self.schema.names
        lines = [
            {letter: [self.form.line(row, names) for row in rows] for letter, rows in one.items()}
            for one in shown
        ]
        expected = self._expected(prompt)
        return Prompt.ask(
            lay_out(write_line(names), lines, self._described()),
            max_tokens=256 + 2 * self.n_sets * estimate_tokens(expected),
            stage="rows",
            role="writer",
            expected=expected,
            sent=count_cells(row for group in groups for row in group),
        )

    def _dealt(self, prompt: int) -> list[NDArray[np.intp]]:
        """Return the rows of a prompt: set after set, in each class after class."""
        dealt = [deck.deal(prompt) for deck in self.decks.values()]
        return [sets[turn] for turn in range(self.n_sets) for sets in dealt]

    def _described(self) -> str:
        columns = [column for column in self.schema.each() if column.meaning]
        return "\n".join(f"{column.name}: {column.meaning}" for column in columns)

    def _expected(self, prompt: int) -> str:
        """Write one more set, as a reply usually is."""
        rng = self.request.rng(Stream.EPIC_EXPECTED, prompt)
        names, lines = self.schema.names, list[str]()
        for letter, deck in self.decks.items():
            rows: list[dict[str, Cell]] = usual_rows(self.train[deck.places], self.n_rows, rng)
            lines += [f"{letter}.", *(self.form.line(row, names) for row in rows), ""]
        return "\n".join(lines)
