"""What a check says of rows, and what a check is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.schema import Schema

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Judgement:
    """One check's word on rows.

    Attributes
    ----------
    keep : ndarray of bool, shape (n_rows,)
        Whether a row passes.
    score : ndarray of float, shape (n_rows,)
        What the check measured of a row, in the unit that the check documents; NaN where it
        measured nothing.
    reasons : list of str, length n_rows
        Why a row does not pass; "" where it passes.
    notes : tuple of str
        What else is to be known: that the check abstained, that it is ill-posed here.
    added : DataFrame or None
        Real rows that the check takes over with those that pass.

    Examples
    --------
    >>> Judgement.of(np.array([True, False]), "too far out").reasons
    ['', 'too far out']
    """

    keep: Mask
    score: Floats
    reasons: list[str]
    notes: tuple[str, ...] = ()
    added: pl.DataFrame | None = None

    @classmethod
    def of(
        cls,
        keep: NDArray[np.bool_],
        reason: str | Sequence[str],
        score: Floats | None = None,
        notes: Sequence[str] = (),
    ) -> Judgement:
        """Make a judgement of which every rejected row has the same reason, or its own.

        Parameters
        ----------
        keep : ndarray of bool, shape (n_rows,)
        reason : str or sequence of str, length n_rows
            Blank where a row passes, whatever stands here.
        score : ndarray of float or None, default=None
            NaN for every row where None.
        notes : sequence of str, default=()
        """
        declared = [reason] * len(keep) if isinstance(reason, str) else reason
        kept = np.asarray(keep, dtype=bool)
        measured = np.full(len(kept), np.nan) if score is None else np.asarray(score, dtype=float)
        reasons = ["" if k else r for k, r in zip(kept, declared, strict=True)]
        return cls(kept, measured, reasons, tuple(notes))

    @classmethod
    def all_pass(cls, n_rows: int, *notes: str, score: Floats | None = None) -> Judgement:
        """Let every row pass."""
        return cls.of(np.ones(n_rows, dtype=bool), "", score, notes)


class Check(Protocol):
    """Judges rows by what it learned from real ones.

    Attributes
    ----------
    name : str
        The stage, as tables of what was rejected name it.
    """

    name: str

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn from real rows.

        Parameters
        ----------
        train : DataFrame of shape (n_real, n_columns)
            Typed rows.
        schema : Schema
            What the columns mean, and which is the target.
        rng : numpy Generator
        """
        ...

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; they have the columns of `train`, in any order."""
        ...
