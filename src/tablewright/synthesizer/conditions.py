"""How much is known of the rows that a condition asks for."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tablewright.callers import warn
from tablewright.schema import Schema

_FEW = 5
"""Real rows that meet a condition, below which it is said how little is known of them."""


def warn_of_few(
    rows: Iterator[pl.DataFrame], where: str, real: pl.DataFrame | None, schema: Schema
) -> Iterator[pl.DataFrame]:
    """Pass rows on; warn once they can be had of a condition that few real rows meet."""
    from tablewright.generators.parts.local import FewRowsWarning, few_rows_text
    from tablewright.rules.expressions import parse_where

    is_first = True
    for frame in rows:
        if is_first and real is not None:
            n_base = int(parse_where(where, schema).holds(real).sum())
            if n_base < _FEW:
                warn(few_rows_text(n_base), FewRowsWarning)
        is_first = False
        yield frame
