"""Unique tokens for the values of categorical columns, in place of words that repeat.

Where twenty columns hold ``t`` and ``f``, a value does not say which column it belongs to. A
token does, and a token that nobody drew shows a value that nobody has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.prompts.sharing import Cell, plain
from tablewright.llm.rows.numbers import readings
from tablewright.schema import Schema
from tablewright.systems.common.edits import edit_distance
from tablewright.tables.inference.cells import MISSING_TEXTS, VAGUE_TEXTS

Mapped = Literal["none", "repetitive", "all"]
MAPPINGS: tuple[Mapped, ...] = ("none", "repetitive", "all")

_FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NEXT = _FIRST + "0123456789"
_LIKE_A_GROUP = re.compile(r"[A-Z]\d*")
_ROOM = 4
"""Times more tokens there have to be than are drawn, so that drawing ends."""


@dataclass(frozen=True)
class ValueTokens:
    """A token for each value of some columns.

    No token stands for two values, in whatever columns; none equals a value of the table, a
    number, a word for missing or the letter of a group; and any two differ in two places at
    least, so that one slip of the pen does not make another token.

    Attributes
    ----------
    tokens : mapping of str to mapping
        For each column the token of each value, values as text. Missing cells have none.

    References
    ----------
    .. [1] Kim et al., "EPIC: Effective Prompting for Imbalanced-Class Data Synthesis in Tabular
       Data Classification via Large Language Models", NeurIPS 2024, unique variable mapping.

    Examples
    --------
    >>> table = pl.DataFrame({"fever": ["t", "f", "t"], "cough": ["f", "f", "t"]})
    >>> schema = Schema.build({"fever": "categorical", "cough": "categorical"})
    >>> drawn = ValueTokens.draw(table, schema, "repetitive", np.random.default_rng(0))
    >>> token = drawn.encode({"fever": "t", "cough": None})["fever"]
    >>> len(token), drawn.decode("fever", token), drawn.decode("cough", token)
    (3, 't', None)
    """

    tokens: Mapping[str, Mapping[str, str]]

    @classmethod
    def draw(
        cls, frame: pl.DataFrame, schema: Schema, mapped: Mapped, rng: np.random.Generator
    ) -> ValueTokens:
        """Draw tokens.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_columns)
            The table whose values may not be used as tokens, and get them.
        schema : Schema
        mapped : {"none", "repetitive", "all"}
            Which discrete columns: none; those that have a value in common with another one,
            such as ``t`` and ``f``; or all.
        rng : numpy Generator

        Raises
        ------
        InputError
            If `mapped` is no such word.
        """
        if mapped not in MAPPINGS:
            raise InputError(f"mapping is 'none', 'repetitive' or 'all', not {mapped!r}")
        values = {
            column.name: _values(frame[column.name])
            for column in schema.each()
            if column.kind.is_discrete and column.name in frame.columns
        }
        taken = {
            value.strip().casefold() for name in frame.columns for value in _words(frame, name)
        }
        names = _chosen(values, mapped)
        maker = _Maker(sum(len(values[name]) for name in names), taken, rng)
        return cls({name: {value: maker.make() for value in values[name]} for name in names})

    def encode(self, row: Mapping[str, Cell]) -> dict[str, Cell]:
        """Put tokens for values."""
        return {
            name: self.tokens[name][str(cell)] if name in self.tokens and cell is not None else cell
            for name, cell in row.items()
        }

    def decode(self, column: str, text: str, repair: bool = False) -> str | None:
        """Return the value that a token of a mapped column stands for.

        Parameters
        ----------
        repair : bool, default=False
            Whether a text that is one letter away from one token of the column, and from no
            other, is taken for it.

        Returns
        -------
        str or None
            The value as text; None where no token is meant.
        """
        tokens = {token: value for value, token in self.tokens[column].items()}
        if text in tokens or not repair:
            return tokens.get(text)
        near = [token for token in tokens if edit_distance(text.upper(), token, 1) <= 1]
        return tokens[near[0]] if len(near) == 1 else None


def _values(series: pl.Series) -> list[str]:
    """Return the values of a column as text, in an order that rows do not decide."""
    return sorted({str(plain(value)) for value in series.drop_nulls().unique().to_list()})


def _words(frame: pl.DataFrame, name: str) -> list[str]:
    return [] if frame[name].dtype.is_numeric() else _values(frame[name])


def _chosen(values: Mapping[str, list[str]], mapped: Mapped) -> list[str]:
    if mapped == "none":
        return []
    if mapped == "all":
        return list(values)
    folded = {name: {value.casefold() for value in result} for name, result in values.items()}
    return [
        name
        for name, own in folded.items()
        if any(own & others for other, others in folded.items() if other != name)
    ]


class _Maker:
    """Draws tokens, one after the other."""

    def __init__(self, n_tokens: int, taken: set[str], rng: np.random.Generator) -> None:
        self.rng, self.taken, self.patterns = rng, set(taken), set[str]()
        self.length = 3
        # Tokens that differ in two places leave one place to the others: its letters are lost.
        while len(_FIRST) * len(_NEXT) ** (self.length - 2) < _ROOM * n_tokens:
            self.length += 1

    def make(self) -> str:
        while True:
            letters = [_FIRST[int(self.rng.integers(len(_FIRST)))]]
            letters += [
                _NEXT[int(index)] for index in self.rng.integers(len(_NEXT), size=self.length - 1)
            ]
            token = "".join(letters)
            patterns = {f"{token[:at]}*{token[at + 1 :]}" for at in range(len(token))}
            if self._free(token) and not patterns & self.patterns:
                self.patterns |= patterns
                return token

    def _free(self, token: str) -> bool:
        folded = token.casefold()
        names_something = folded in self.taken | MISSING_TEXTS | VAGUE_TEXTS
        return not (names_something or _LIKE_A_GROUP.fullmatch(token) or readings(token))
