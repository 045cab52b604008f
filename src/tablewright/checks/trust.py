"""Whom to believe where candidates and real rows disagree: the generator, or the data."""

from __future__ import annotations

from typing import Literal, Self, get_args

import numpy as np
import polars as pl

from tablewright.checks.base import Judgement
from tablewright.checks.cost_band import CostBand
from tablewright.checks.plausibility import LabelPlausibility
from tablewright.checks.pool_gate import PoolGate
from tablewright.errors import InputError
from tablewright.schema import Schema

__all__ = ["FEW", "Trust", "TrustCheck"]

Trust = Literal["auto", "data", "generator"]

FEW = 30
"""Real rows under which a sound pool and one that is wrong as a whole cannot be told apart."""


class TrustCheck:
    """Judge labels by the candidates' own majority, or by the real rows alone.

    Random faults are best found by the pool itself together with the real rows, systematic ones
    by the real rows only. With ``trust="auto"`` a gate decides: does adding the pool lower the
    loss on real rows by more than its standard error? Below 30 real rows it cannot tell, and the
    data are trusted.

    - The generator is trusted: the least plausible labels go (`LabelPlausibility`).
    - The data are trusted: rows go whose cost for a model of the real rows is out of the band
      (`CostBand`); below 30 real rows that model knows too little to be of use, and all go.

    Parameters
    ----------
    trust : {"auto", "data", "generator"}, default="auto"
    share : float, default=0.15
        Part of the candidates that goes where the generator is trusted.
    margin : float, default=1.0
        Standard errors by which the gate wants the loss to fall.

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

    def __init__(self, trust: Trust = "auto", *, share: float = 0.15, margin: float = 1.0) -> None:
        if trust not in get_args(Trust):
            raise InputError(f"trust is 'auto', 'data' or 'generator', not {trust!r}")
        self.trust: Trust = trust
        self.plausibility = LabelPlausibility(share)
        self.gate = PoolGate(margin)
        self.band = CostBand()

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn from typed real rows.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        for check in (self.plausibility, self.gate, self.band):
            check.fit(train, schema, rng)
        self.n_real_ = train.height
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge a pool of typed rows; the score is that of the check that was taken."""
        self.taken_, why = self._choose(rows, rng)
        if self.taken_ == "generator":
            found = self.plausibility.judge(rows, rng)
        elif self.n_real_ >= FEW:
            found = self.band.judge(rows, rng)
        else:
            found = Judgement.of(np.zeros(rows.height, dtype=bool), f"the data are trusted: {why}")
        note = f"the {self.taken_} {'are' if self.taken_ == 'data' else 'is'} trusted: {why}"
        return Judgement(found.keep, found.score, found.reasons, (note, *found.notes))

    def _choose(self, rows: pl.DataFrame, rng: np.random.Generator) -> tuple[str, str]:
        few = f"with {self.n_real_} real rows a wrong pool cannot be told from a sound one"
        if self.trust != "auto":
            nothing = self.trust == "data" and self.n_real_ < FEW
            return self.trust, f"as asked{'; ' + few if nothing else ''}"
        if self.n_real_ < FEW:
            return "data", few
        gain, error = self.gate.gain(rows, rng)
        said = f"adding the pool changes the loss on real rows by {-gain:+.3f} ± {error:.3f} nats"
        return ("generator" if gain > self.gate.margin * error else "data"), said
