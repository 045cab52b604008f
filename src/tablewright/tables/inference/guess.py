"""A guess at what a column is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tablewright.schema import Kind

__all__ = ["Guess"]


@dataclass(frozen=True)
class Guess:
    """What a column was taken for.

    Attributes
    ----------
    kind : Kind
    confidence : float
        From 0 to 1.
    why : str
        One sentence.
    values : Series or None
        The values read as what they mean, null where missing.
    sentinels : tuple
        Codes found that stand for something else than a value.
    format : str or None
        How the values are spelled.
    """

    kind: Kind
    confidence: float = 1.0
    why: str = ""
    values: pl.Series | None = None
    sentinels: tuple[Any, ...] = ()
    format: str | None = None

    def but(self, **changes: Any) -> Guess:
        """Return a copy with some fields changed."""
        return replace(self, **changes)
