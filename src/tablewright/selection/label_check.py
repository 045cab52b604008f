"""Whom to believe where candidates and real rows disagree: the generator, or the data."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.selection.agreement import RealAgreement
from tablewright.selection.check import Judgement
from tablewright.selection.plausibility import LabelPlausibility
from tablewright.selection.pool_test import PoolGate

__all__ = ["FEW", "Trust", "TrustCheck"]

Trust = Literal["auto", "data", "generator"]

FEW = 30
"""Real rows under which a sound pool and one that is wrong as a whole cannot be told apart."""


class TrustCheck:
    """Judge labels by the candidates' own majority, or by the real rows alone.

    Random faults are best found by the pool itself together with the real rows, systematic ones
    by the real rows only. With ``trust="auto"`` `PoolGate` decides: does a model of the pool know
    the real labels, and does adding it not hurt? Below 30 real rows it cannot tell, and the data
    are trusted.

    - The generator is trusted: the least plausible labels go (`LabelPlausibility`).
    - The data are trusted: of the rows that a model of the real rows agrees with, as many stay as
      help to predict real rows (`RealAgreement`); below 30 real rows that model knows too
      little to be of use, and all go.

    Parameters
    ----------
    trust : {"auto", "data", "generator"}, default="auto"
    share : float, default=0.25
        Part of the candidates that goes at most where the generator is trusted.

    Attributes
    ----------
    taken_ : str
        ``"data"`` or ``"generator"``, of the last pool.

    Raises
    ------
    InputError
        If an option is out of its range.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": ["a", "a", "b", "b"]})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> check = TrustCheck().fit(real, schema, rng)
    >>> bool(check.judge(real, rng).keep.any()), check.taken_
    (False, 'data')
    """

    name = "labels"

    def __init__(self, trust: Trust = "auto", *, share: float = 0.25) -> None:
        if trust not in get_args(Trust):
            raise InputError(f"trust is 'auto', 'data' or 'generator', not {trust!r}")
        self.trust: Trust = trust
        self.plausibility = LabelPlausibility(share)
        self.gate = PoolGate()
        self.agreement = RealAgreement()

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn from typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        for check in (self.plausibility, self.gate, self.agreement):
            check.fit(train, schema, rng)
        self.n_real_ = train.height
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge a pool of typed rows; the score is that of the check that was taken."""
        plausible = self.plausibility.judge(rows, rng)
        self.taken_, why = self._choose(rows, rows.filter(plausible.keep), rng)
        if self.taken_ == "generator":
            found = plausible
        elif self.n_real_ >= FEW:
            found = self.agreement.judge(rows, rng)
        else:
            found = Judgement.of(np.zeros(rows.height, dtype=bool), f"the data are trusted: {why}")
        note = f"the {self.taken_} {'are' if self.taken_ == 'data' else 'is'} trusted: {why}"
        return Judgement(found.keep, found.score, found.reasons, (note, *found.notes))

    def _choose(
        self, rows: pl.DataFrame, added: pl.DataFrame, rng: np.random.Generator
    ) -> tuple[str, str]:
        few = f"with {self.n_real_} real rows a wrong pool cannot be told from a sound one"
        if self.trust == "generator" or (self.trust == "data" and self.n_real_ >= FEW):
            return self.trust, "as asked"
        if self.n_real_ < FEW:
            return "data", f"{few} (agreement z = {self.gate.agree(rows, rng):.1f})"
        opens, _, said = self.gate.ask(rows, added, rng)
        return ("generator" if opens else "data"), said
