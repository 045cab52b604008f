"""What is believed of each knob of a generator, after batches of its rows were looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Utility = Callable[[Floats, Floats], Floats]
"""From a setting, and true settings of shape (n_draws, n_knobs), to a utility under each."""

COUPLINGS = np.linspace(0.0, 2.0, 81)
"""Couplings that the posterior knows: 0 unrelated columns, 1 those of the generator."""


@dataclass(frozen=True)
class Knob:
    """One number of the setting.

    Attributes
    ----------
    kind : {"shift", "scale", "weight"}
        Added to a number in standard deviations of the class, a log factor of its spread around
        the mean of the class, or a log weight of a category against the first one.
    part : int
        Code of the class; 0 where there are none.
    column : int
    value : int
        Code of the category; -1 for numbers.
    """

    kind: str
    part: int
    column: int
    value: int = -1


@dataclass
class Particles:
    """A belief in one of a few settings, by how likely the rows that each makes are.

    For what has no explicit score: every setting makes rows of its own.

    Attributes
    ----------
    settings : ndarray of shape (n_settings,)
    logs : ndarray of shape (n_settings,)
        Log weights.

    Examples
    --------
    >>> belief = Particles.prior(np.array([-1.0, 0.0, 1.0]), 1.0)
    >>> belief.observe(np.array([0.0, -0.5, -9.0]))
    >>> belief.weights.round(2).tolist(), round(belief.mean, 2)
    ([0.5, 0.5, 0.0], -0.5)
    """

    settings: Floats
    logs: Floats

    @classmethod
    def prior(cls, settings: Floats, sd: float, mean: float = 0.0) -> Self:
        """Return the belief before any batch: a normal one."""
        return cls(settings, -0.5 * ((settings - mean) / sd) ** 2)

    def observe(self, likelihoods: Floats, temper: float = 1.0) -> None:
        """Take in the log-likelihood of a batch under each setting."""
        self.logs = self.logs + temper * likelihoods

    @property
    def weights(self) -> Floats:
        """Probability of each setting."""
        weights = np.exp(self.logs - self.logs.max())
        return np.asarray(weights / weights.sum())

    @property
    def mean(self) -> float:
        """Expected setting."""
        return float(self.settings @ self.weights)

    @property
    def sd(self) -> float:
        """Standard deviation of the setting."""
        return float(np.sqrt((self.settings - self.mean) ** 2 @ self.weights))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Return the central interval; settings stand in ascending order."""
        tail = np.array([(1 - level) / 2, (1 + level) / 2])
        below = np.cumsum(self.weights) - self.weights / 2
        low, high = np.interp(tail, below, self.settings)
        return float(low), float(high)


@dataclass
class Posterior:
    """A normal belief of each knob, and one on a grid of the coupling of each class.

    Attributes
    ----------
    knobs : list of Knob
    mean, precision : ndarray of shape (n_knobs,)
        The prior is that no correction is needed.
    coupling : list of Particles
        Over `COUPLINGS`, one of each class.
    n_batches : int
        Observed so far.

    Examples
    --------
    >>> belief = Posterior.prior([Knob("shift", 0, 0)], np.array([1.0]), 1, 0.2)
    >>> belief.observe(np.array([2.0]), np.array([1.0]))
    >>> belief.mean.tolist(), belief.precision.tolist()
    ([1.0], [2.0])
    """

    knobs: list[Knob]
    mean: Floats
    precision: Floats
    coupling: list[Particles]
    n_batches: int = 0

    @classmethod
    def prior(cls, knobs: list[Knob], sd: Floats, n_parts: int, coupling_sd: float) -> Self:
        """Return the belief before any batch."""
        coupling = [Particles.prior(COUPLINGS, coupling_sd, 1.0) for _ in range(n_parts)]
        return cls(knobs, np.zeros(len(knobs)), sd**-2.0, coupling)

    def observe(self, values: Floats, variances: Floats, temper: float = 1.0) -> None:
        """Take in one noisy observation of each knob; NaN where a batch says nothing of it.

        With `temper` (eta) below 1 a batch counts that share of its weight.
        """
        known = ~np.isnan(values)
        weight = np.where(known, temper / np.where(known, variances, 1.0), 0.0)
        total = self.precision + weight
        self.mean = (self.precision * self.mean + weight * np.where(known, values, 0.0)) / total
        self.precision = total
        self.n_batches += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the belief as JSON has it."""
        return {
            "knobs": [[one.kind, one.part, one.column, one.value] for one in self.knobs],
            "mean": self.mean.tolist(),
            "precision": self.precision.tolist(),
            "coupling": [one.logs.tolist() for one in self.coupling],
            "n_batches": self.n_batches,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(
            [Knob(*one) for one in stored["knobs"]],
            np.array(stored["mean"], dtype=float),
            np.array(stored["precision"], dtype=float),
            [Particles(COUPLINGS, np.array(logs, dtype=float)) for logs in stored["coupling"]],
            int(stored["n_batches"]),
        )

    @property
    def sd(self) -> Floats:
        """Standard deviation of each knob."""
        return np.asarray(self.precision**-0.5)

    def interval(self, level: float = 0.9) -> Floats:
        """Return the central interval of each knob, of shape (n_knobs, 2)."""
        width = float(norm.ppf(0.5 + level / 2)) * self.sd
        return np.column_stack([self.mean - width, self.mean + width])

    def expected(self, utility: Utility, settings: Sequence[Floats]) -> Floats:
        """Return the expected utility of each setting."""
        return np.asarray(self._utilities(utility, settings).mean(axis=1))

    def regret(self, utility: Utility, settings: Sequence[Floats]) -> Floats:
        """Return the expected regret of each setting: how much more the best of them gains.

        What has the highest expected utility has the least expected regret (RDDG, theorem 1).
        """
        each = self._utilities(utility, settings)
        return np.asarray((each.max(axis=0) - each).mean(axis=1))

    def _utilities(self, utility: Utility, settings: Sequence[Floats]) -> Floats:
        rng = np.random.default_rng(0)
        truth = self.mean + self.sd * rng.standard_normal((2000, len(self.mean)))
        return np.array([utility(setting, truth) for setting in settings])

    def table(self, names: Sequence[str]) -> pl.DataFrame:
        """Lay the belief out: a row for each knob, then one for the coupling of each class.

        Parameters
        ----------
        names : sequence of str
            Of the columns.
        """
        ends = self.interval()
        rows = [
            (one.kind, names[one.column], one.part, max(one.value, -1), *at)
            for one, *at in zip(
                self.knobs, self.mean.tolist(), self.sd.tolist(), *ends.T.tolist(), strict=True
            )
        ]
        rows += [
            ("coupling", None, part, -1, one.mean, one.sd, *one.interval())
            for part, one in enumerate(self.coupling)
        ]
        columns = ["kind", "column", "class", "value", "mean", "sd", "low", "high"]
        return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)

    def svg(self, names: Sequence[str], n_knobs: int = 20) -> str:
        """Draw the knobs farthest from 0 with their 90 % intervals.

        Parameters
        ----------
        names : sequence of str
            Of the columns.
        """
        shown = np.argsort(-np.abs(self.mean / self.sd), kind="stable")[:n_knobs]
        ends = self.interval()[shown]
        low, high = min(float(ends.min(initial=0.0)), -0.1), max(float(ends.max(initial=0.0)), 0.1)

        def across(value: float) -> str:
            return f"{240 + 380 * (value - low) / (high - low):.1f}"

        zero, height = across(0.0), 20 * len(shown) + 10
        marks = [f'<line x1="{zero}" x2="{zero}" y1="0" y2="{height}" stroke="#999"/>']
        for row, (k, (left, right)) in enumerate(zip(shown, ends, strict=True)):
            knob, y = self.knobs[k], 20 * row + 15
            value = "" if knob.value < 0 else f" {knob.value}"
            label = escape(f"{knob.kind} of {names[knob.column]}{value}, class {knob.part}")
            marks.append(
                f'<text x="230" y="{y + 4}" text-anchor="end" font-size="11">{label}</text>'
                f'<line x1="{across(left)}" x2="{across(right)}" y1="{y}" y2="{y}" '
                'stroke="#0054a6"/>'
                f'<circle cx="{across(float(self.mean[k]))}" cy="{y}" r="3"/>'
            )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" role="img">'
            f"<title>Corrections of a generator, with 90 % intervals</title>{''.join(marks)}</svg>"
        )
