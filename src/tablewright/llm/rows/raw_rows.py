"""What the row formats hand on: rows before their cells are read, and pieces that are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tablewright.display import shown
from tablewright.llm.prompts.sharing import Cell
from tablewright.schema import Schema

__all__ = ["NUMBER", "LostRow", "RawRow", "RowFormat", "lost", "match_names"]

NUMBER = "_row"
"""Name of the column of row numbers; rows are joined by it, never by position."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it was found.

    Attributes
    ----------
    number : str or None
        As written; None where the format has none.
    cells : mapping
        From column name to what stands there.
    group : str
        Letter of the group that the row stands in, for formats that have groups.
    source : str
        The text that it was read from.
    """

    number: object
    cells: Mapping[str, Any]
    group: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class LostRow:
    """A row that could not be used.

    Attributes
    ----------
    number : int or None
        Its number, where that could be read.
    reason : str
        Why, in a few words.
    text : str
        The beginning of it, fit to be shown.
    """

    number: int | None
    reason: str
    text: str


class RowFormat(Protocol):
    """One way of writing rows as text.

    A format reads whatever it finds of its kind in a text, in any surroundings, and says of
    every piece that looks like a row but is none why.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    def request(self, names: Sequence[str], numbered: bool) -> str:
        """Say in a prompt how rows are to be written."""

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows; row numbers are in the column `NUMBER`, where there are any."""

    def read(self, text: str, names: Sequence[str], numbered: bool) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply."""

    def schema(self, schema: Schema, numbered: bool) -> Mapping[str, Any] | None:
        """Return a JSON Schema of the reply; None for formats that are no JSON."""


def lost(reason: str, text: str, number: int | None = None) -> LostRow:
    """Make a lost row, with the text made fit to be shown."""
    return LostRow(number, reason, shown(text.strip(), 80))


def match_names(found: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Map names as a model writes them to the columns that are meant.

    Examples
    --------
    >>> match_names(["AGE", "home_town", "shoe"], ["age", "home town"])
    {'AGE': 'age', 'home_town': 'home town'}
    """
    exact = set(wanted)
    folded = _unique({_fold(name): name for name in wanted}, wanted)
    pairs = ((name, name if name in exact else folded.get(_fold(name))) for name in found)
    return {name: column for name, column in pairs if column is not None}


def _unique(by_fold: dict[str, str], wanted: Sequence[str]) -> dict[str, str]:
    folds = [_fold(name) for name in wanted]
    return {fold: name for fold, name in by_fold.items() if folds.count(fold) == 1}


def _fold(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()) or name
