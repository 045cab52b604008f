"""Rows of one class together, class after class, set after set: EPIC's layout of a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tablewright.display import quoted
from tablewright.llm.prompts.sharing import Cell
from tablewright.llm.rows.csv_rows import CsvRows, write_line
from tablewright.llm.rows.raw_rows import LostRow, RawRow, lost
from tablewright.schema import Schema
from tablewright.systems.common.examples import BalancedExamples
from tablewright.systems.epic.value_tokens import ValueTokens


def group_letter(index: int) -> str:
    """Name the group of a class: A to Z, then A1 to Z1, and so on.

    Examples
    --------
    >>> [group_letter(index) for index in (0, 25, 26, 53)]
    ['A', 'Z', 'A1', 'B2']
    """
    turn, letter = divmod(index, 26)
    return chr(ord("A") + letter) + (str(turn) if turn else "")


def lay_out(
    header: str, sets: Sequence[Mapping[str, Sequence[str]]], above: str = "", below: str = ""
) -> str:
    r"""Write sets of groups below each other, and a bare header for the model to go on from.

    Parameters
    ----------
    header : str
        The line of column names.
    sets : sequence of mapping
        For each set the lines of each group, by letter.
    above : str, default=""
        What stands before all of it.
    below : str, default=""
        What stands between the sets and the bare header.

    Examples
    --------
    >>> print(lay_out("y,age", [{"A": ["no,31"], "B": ["yes,47"]}]))
    y,age
    A.
    no,31
    <BLANKLINE>
    B.
    yes,47
    <BLANKLINE>
    <BLANKLINE>
    y,age
    """
    parts = [f"{above}\n\n"] if above else []
    for groups in sets:
        parts.append(f"{header}\n")
        parts += [f"{letter}.\n" + "".join(f"{line}\n" for line in lines) + "\n"
                  for letter, lines in groups.items()]  # fmt: skip
        parts.append("\n")
    parts += [f"{below}\n\n"] if below else []
    return "".join([*parts, header])


@dataclass(frozen=True)
class Deck:
    """The example rows of one class: `BalancedExamples` of one part, set after set.

    Parameters
    ----------
    indices : ndarray of int
        The rows.
    n_sets, n_rows : int
        Sets in a prompt, and rows of the class in each.
    seed : tuple of int
    n_prompts : int or None, default=None
        None shows each row as often as any other and none twice in a set. A number draws for so
        many prompts at once, as the reference implementation does; see `BalancedExamples`.

    Examples
    --------
    >>> deck = Deck(np.arange(4), n_sets=2, n_rows=2, seed=(0,))
    >>> sorted(np.concatenate(deck.deal(7)).tolist())
    [0, 1, 2, 3]
    """

    indices: NDArray[np.intp]
    n_sets: int
    n_rows: int
    seed: tuple[int, ...]
    n_prompts: int | None = None

    def deal(self, prompt: int) -> list[NDArray[np.intp]]:
        """Return the rows of each set of a prompt."""
        drawn = None if self.n_prompts is None else self.n_prompts * self.n_sets
        examples = BalancedExamples([self.indices], self.seed, drawn)
        first = prompt * self.n_sets
        return [examples.sample(self.n_rows, first + turn) for turn in range(self.n_sets)]


@dataclass(frozen=True)
class GroupRows:
    """The row format of what a model writes after such a prompt: CSV in groups, with tokens.

    Parameters
    ----------
    tokens : ValueTokens
        What stands for values.
    repair : bool
        Whether a token with one wrong letter is read as the one that it is nearest to.
    """

    tokens: ValueTokens
    repair: bool
    name: str = "groups"
    csv: CsvRows = field(default_factory=CsvRows)

    def request(self, names: Sequence[str], n_rows: int) -> str:
        """Say nothing: the layout is the request."""
        return ""

    def write(self, rows: Sequence[Mapping[str, Cell]], names: Sequence[str]) -> str:
        """Write rows below a header, with tokens."""
        return self.csv.write([self.tokens.encode(row) for row in rows], names)

    def line(self, row: Mapping[str, Cell], names: Sequence[str]) -> str:
        """Write one row, with tokens."""
        coded = self.tokens.encode(row)
        return write_line([coded.get(name) for name in names])

    def read(
        self, text: str, names: Sequence[str], known: Sequence[str] = ()
    ) -> Iterator[RawRow | LostRow]:
        """Find rows in a reply, which goes on below the header that ended the prompt."""
        rows = list(self.csv.read(f"{write_line(list(names))}\n{text}", names))
        if not any(isinstance(row, RawRow) for row in rows):
            rows = list(self.csv.read(text, names))
        for row in rows:
            yield row if isinstance(row, LostRow) else self._decoded(row)

    def schema(self, schema: Schema, n_rows: int) -> Mapping[str, Any] | None:
        """Return None: CSV is not JSON."""
        return None

    def _decoded(self, row: RawRow) -> RawRow | LostRow:
        cells = dict(row.cells)
        for name in self.tokens.tokens:
            token = str(cells.get(name, "")).strip()
            if not token:
                continue
            value = self.tokens.decode(name, token, self.repair)
            if value is None:
                return lost(f"column {name!r}: {quoted(token, 40)} is no token of it", row.source)
            cells[name] = value
        return replace(row, cells=cells)
