"""What speaks for a candidate rule: rows it was not found on, and what chance would do.

Candidates come from one part of the rows. On the other part it is counted how many break
them, and compared with rows whose columns were shuffled independently: a rule has to be
broken far less often there than chance would break it. The p-values of all candidates go
through the Benjamini-Hochberg procedure, so that the expected share of rules between
columns that have nothing to do with each other stays below the rate asked for.

References
----------
Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import beta, binom

from tablewright.rules.expressions.evaluate import truth
from tablewright.rules.trees import rule_tree
from tablewright.schema import Schema

SHUFFLED = 20_000
"""Rows of independent columns that chance is estimated from."""

LEVERAGE = 0.2
"""What `Candidate.leverage` is where nothing else is said."""


@dataclass(frozen=True)
class Rows:
    """The rows that rules are looked for in.

    Attributes
    ----------
    train, held : polars DataFrame
        Rows that candidates come from, and rows that they are tested on.
    shuffled : polars DataFrame
        Rows whose columns were drawn independently of each other.
    schema : Schema
        The columns.
    """

    train: pl.DataFrame
    held: pl.DataFrame
    shuffled: pl.DataFrame
    schema: Schema

    @classmethod
    def split(cls, frame: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Rows:
        """Set a third of the rows aside, half of them below 500 rows."""
        order = rng.permutation(frame.height)
        held = frame.height // (2 if frame.height < 500 else 3)
        drawn = {
            name: frame[name].gather(rng.integers(0, frame.height, SHUFFLED))
            for name in frame.columns
        }
        return cls(frame[order[held:]], frame[order[:held]], pl.DataFrame(drawn), schema)


@dataclass(frozen=True)
class Candidate:
    """A rule with what held-out rows and chance say of it.

    Attributes
    ----------
    rule : Rule
        What is claimed.
    broken, rows : int
        Held-out rows that break it, and that it speaks of.
    base_rate : float
        Share of such rows that would break it if the columns were independent.
    leverage : float, default=0.2
        It may be broken at most this fraction as often as by chance.
    """

    rule: Any
    broken: int
    rows: int
    base_rate: float
    leverage: float = LEVERAGE

    @property
    def p_value(self) -> float:
        """Probability that as few rows break it by chance."""
        return float(binom.cdf(self.broken, self.rows, self.base_rate)) if self.rows else 1.0

    @property
    def rate(self) -> float:
        """Share of the held-out rows that break it."""
        return self.broken / self.rows if self.rows else 0.0

    def is_strong(self, confidence: float) -> bool:
        """Whether it is broken rarely, and far less often than by chance."""
        allowed = max(1.0 - confidence, 1.0 / max(self.rows, 1))
        return self.rate <= allowed and self.rate <= self.leverage * self.base_rate


def judged(rules: Sequence[Any], rows: Rows) -> list[Candidate]:
    """Return candidates for rules that are expressions, each tested on the held-out rows."""
    trees = [rule_tree(rule, rows.schema) for rule in rules]
    known = [tree for tree in trees if tree is not None]
    held, shuffled = (truth(known, rows.schema, frame) for frame in (rows.held, rows.shuffled))
    return [
        Candidate(rule, *_counted(real), _lower_end(*_counted(probability)))
        for rule, real, probability in zip(rules, held, shuffled, strict=True)
    ]


def _counted(answers: pl.Series) -> tuple[int, int]:
    """Return how many rows break a rule, and how many it speaks of."""
    speaks = len(answers) - answers.null_count()
    return speaks - int(answers.sum() or 0), speaks


def _lower_end(broken: int, rows: int) -> float:
    """Return the lower end of the 95 % interval of a share."""
    return float(beta.ppf(0.05, broken, rows - broken + 1)) if broken else 0.0


def discoveries(candidates: Sequence[Candidate], rate: float) -> list[Candidate]:
    """Return the candidates that survive the Benjamini-Hochberg procedure.

    Parameters
    ----------
    candidates : sequence of Candidate
        All that were tested.
    rate : float
        Highest expected share of false ones among those returned.

    Examples
    --------
    >>> real = Candidate("real", broken=0, rows=100, base_rate=0.5)
    >>> chance = Candidate("chance", broken=49, rows=100, base_rate=0.5)
    >>> [found.rule for found in discoveries([real, chance], 0.05)]
    ['real']
    """
    if not candidates:
        return []
    p_values: NDArray[np.float64] = np.array([item.p_value for item in candidates])
    ranked = np.sort(p_values)
    below = ranked <= rate * np.arange(1, len(ranked) + 1) / len(ranked)
    limit = ranked[np.flatnonzero(below)[-1]] if below.any() else -1.0
    return [item for item, p in zip(candidates, p_values, strict=True) if p <= limit]
