"""What the row formats hand on: rows before their cells are read, and pieces that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from tablewright.display import shown
from tablewright.llm.prompts.sharing import Cell
from tablewright.schema import Schema

NUMBER = "_row"
"""Name of the column by which a team joins the parts of its rows; models never see it."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row before its cells are read.

    Attributes
    ----------
    cells : mapping
        From column name to what stands there.
    given : mapping
        The same of the cells that were given and that the reply repeats.
    group : str
        Letter of the group that the row stands in, for formats that have groups.
    source : str
        The text that it was read from.
    """

    cells: Mapping[str, Any]
    given: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class LostRow:
    """A row that could not be used: why, and the beginning of it, fit to be shown."""

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

    def request(self, names: Sequence[str], n_rows: int) -> str:
        """Say in a prompt how rows are to be written."""

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows."""

    def read(
        self, text: str, names: Sequence[str], known: Sequence[str] = ()
    ) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply; cells of `known` columns may stand in them too."""

    def schema(self, schema: Schema, n_rows: int) -> Mapping[str, Any] | None:
        """Return a JSON Schema of the reply; None for formats that are no JSON."""


def lost(reason: str, text: str) -> LostRow:
    """Make a lost row, with the text made fit to be shown."""
    return LostRow(reason, shown(text.strip(), 80))


def match_names(names: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Map names as a model writes them to the columns that are meant.

    Examples
    --------
    >>> match_names(["AGE", "home_town", "shoe"], ["age", "home town"])
    {'AGE': 'age', 'home_town': 'home town'}
    """
    by_spelling = _by_spelling(tuple(columns))
    pairs = ((name, by_spelling.get(name) or by_spelling.get(_fold(name))) for name in names)
    return {name: column for name, column in pairs if column is not None}


@lru_cache(maxsize=64)
def _by_spelling(columns: tuple[str, ...]) -> dict[str, str]:
    """Return columns by their names, and by what is left of a name where that is unique."""
    folds = Counter(map(_fold, columns))
    folded = {_fold(name): name for name in columns if folds[_fold(name)] == 1}
    return {**folded, **{name: name for name in columns}}


def _fold(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum()) or name
