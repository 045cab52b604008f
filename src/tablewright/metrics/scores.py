"""One number with all that is needed to believe it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Direction(StrEnum):
    """Which values are good: scores of different direction are never averaged."""

    HIGHER = "higher"
    LOWER = "lower"
    TARGET = "target"


_LABELS = {
    "macro_f1": "macro-F1",
    "rare_f1": "F1 of the rarest class",
    "auroc": "AUROC",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "alpha_precision": "alpha-precision",
    "beta_recall": "beta-recall",
    "detection_boosted": "detection, boosted trees",
    "detection_linear": "detection, linear model",
    "one_off_copies": "one-off copies",
}
"""Names that are not their keys with spaces."""


def label(key: str) -> str:
    """Return how a measure or score is called wherever a person reads it.

    Examples
    --------
    >>> label("macro_f1"), label("tstr_auroc"), label("column_shapes")
    ('macro-F1', 'TSTR AUROC', 'column shapes')
    """
    if key.startswith("tstr_"):
        return f"TSTR {label(key.removeprefix('tstr_'))}"
    return _LABELS.get(key, key.replace("_", " "))


@dataclass(frozen=True)
class Score:
    """One number beside what it should be compared with.

    Attributes
    ----------
    name : str
        Name in snake_case, such as ``"column_shapes"``.
    value : float or None
        The number; None where it is not defined, and then `reason` says why.
    direction : Direction
        Whether higher is better, lower is better, or `ideal` is best.
    meaning : str
        One sentence: what the number says.
    interval : tuple of two floats or None
        95 % interval of the value; None where no spread could be had.
    reference : mapping of str to float
        The same number for other rows of the same count: ``"real"`` (real holdout rows), ``"copy"``
        (training rows), ``"shuffled"`` (training rows, every column shuffled on its own).
    ideal : float or None
        The best value where the direction is a target.
    reason : str
        Why the value is not defined, or empty.
    rows : int
        Generated rows that the value rests on.
    details : mapping
        Plain data beneath the number, such as one value per column.

    Examples
    --------
    >>> score = Score("column_shapes", 0.91, Direction.HIGHER, reference={"real": 0.95})
    >>> score.defined, score.reference["real"]
    (True, 0.95)
    >>> Score.undefined("auroc", Direction.HIGHER, "one class").value is None
    True
    """

    name: str
    value: float | None
    direction: Direction
    meaning: str = ""
    interval: tuple[float, float] | None = None
    reference: Mapping[str, float] = field(default_factory=dict)
    ideal: float | None = None
    reason: str = ""
    rows: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) != bool(self.reason):
            raise ValueError(f"score {self.name!r}: a value or a reason, and not both")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"score {self.name!r}: the value is {self.value}")

    @classmethod
    def undefined(
        cls, name: str, direction: Direction, reason: str, meaning: str = "", rows: int = 0
    ) -> Score:
        """Return a score without a value, and why it has none."""
        return cls(name, None, direction, meaning, reason=reason, rows=rows)

    def within(self, low: float, high: float) -> Score:
        """Return the score with its interval cut to the values that are possible."""
        if self.interval is None:
            return self
        bounds = (max(low, self.interval[0]), min(high, self.interval[1]))
        return replace(self, interval=bounds)

    @property
    def defined(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "name": self.name,
            "value": self.value,
            "interval": None if self.interval is None else list(self.interval),
            "direction": self.direction.value,
            "ideal": self.ideal,
            "reference": dict(self.reference),
            "meaning": self.meaning,
            "reason": self.reason or None,
            "rows": self.rows,
            "details": dict(self.details),
        }
