"""A sampler for tests: independent columns, drawn from real values until a condition holds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import ConditionError
from tablewright.rules.expressions import Expression


class ShuffledRows:
    """Draws every column by itself from the values of a table."""

    def __init__(self, real: pl.DataFrame, tries: int = 100) -> None:
        self.real, self.tries = real, tries
        self.fixed: frozenset[str] = frozenset()
        self.conditions: list[str] = []
        self.redrawn: list[tuple[tuple[str, ...], int]] = []

    def draw(self, n: int, rng: np.random.Generator) -> pl.DataFrame:
        return pl.DataFrame(
            {
                name: self.real[name].gather(rng.integers(0, self.real.height, n))
                for name in self.real.columns
            }
        )

    def redraw(
        self,
        frame: pl.DataFrame,
        rows: NDArray[np.intp],
        columns: Sequence[str],
        condition: Expression | None,
        rng: np.random.Generator,
    ) -> pl.DataFrame:
        self.conditions.append("" if condition is None else condition.text)
        self.redrawn.append((tuple(columns), len(rows)))
        pieces, left = [], frame.with_row_index("\0row")
        for _ in range(self.tries):
            fresh = self.draw(left.height, rng).select(columns)
            result = left.with_columns(fresh)
            good: Any = (
                np.ones(result.height, bool) if condition is None else condition.holds(result)
            )
            pieces.append(result.filter(pl.Series(good)))
            left = left.filter(pl.Series(~good))
            if left.height == 0:
                return pl.concat(pieces).sort("\0row").drop("\0row")
        raise ConditionError("no row was found")


class Stubborn(ShuffledRows):
    """Draws nothing again: what holds afterwards was computed or moved."""

    def redraw(self, frame: pl.DataFrame, *args: Any) -> pl.DataFrame:
        return frame
