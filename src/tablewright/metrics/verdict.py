"""From differences between arms to one word."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tablewright.metrics.outcomes import BOUNDS
from tablewright.metrics.scores import label
from tablewright.metrics.trials import Difference, Trials

PERFECT = 0.995
"""Of a measure that ends at 1: what is above leaves nothing to gain."""


class Word(StrEnum):
    """The three things that can be said."""

    HELPS = "helps"
    NO_EVIDENCE = "no evidence"
    HARMS = "harms"


@dataclass(frozen=True)
class Verdict:
    """Whether adding the generated rows to the real ones helps a model.

    Attributes
    ----------
    word : Word
        Helps, no evidence, harms.
    sentence : str
        One line for people.
    measure : str
        What was compared.
    gain : Difference or None
        Real and generated rows minus real rows alone.
    over_copies : Difference or None
        The same minus real rows resampled to the class mix of the generated ones.
    """

    word: Word
    sentence: str
    measure: str = ""
    gain: Difference | None = None
    over_copies: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "verdict": self.word.value,
            "sentence": self.sentence,
            "measure": self.measure,
            "gain": _plain(self.gain),
            "gain_over_copies": _plain(self.over_copies),
        }


def _plain(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        "value": difference.value,
        "interval": list(difference.interval),
        "improved": difference.improved,
    }


def judge(trials: Trials, measure: str, arm: str = "augmented", baseline: str = "real") -> Verdict:
    """Compare an arm with real rows alone and with copies of them.

    Helps: better than the baseline, and better than training rows resampled to the class mix of
    the generated rows, each by a 95 % interval. Harms: worse than the baseline by the same. A
    gain that copies of training rows make too is called that, and is no evidence.
    """
    shown, gain = label(measure), trials.difference(arm, baseline, measure)
    reached = trials.value(baseline, measure)
    if measure not in BOUNDS and reached > PERFECT and (gain is None or gain.interval[1] >= 0):
        sentence = f"nothing left to gain: real rows alone already reach {reached:.3f} ({shown})"
        return Verdict(Word.NO_EVIDENCE, sentence, measure, gain)
    if gain is None:
        reason = f"{shown} is not defined on these holdout rows"
        return Verdict(Word.NO_EVIDENCE, f"no evidence: {reason}", measure)
    copies = trials.difference(arm, "resampled", measure) if "resampled" in trials.arms else gain
    word, because = _word(gain, copies or gain)
    interval = " to ".join(_signed(bound) for bound in gain.interval)
    numbers = f"{shown} {_signed(gain.value)} ({interval})"
    sentence = f"{word.value}: {numbers} against real rows alone{because}"
    return Verdict(word, sentence, measure, gain, copies)


def _word(gain: Difference, copies: Difference) -> tuple[Word, str]:
    if gain.interval[1] < 0:
        return Word.HARMS, ""
    if gain.interval[0] <= 0:
        return Word.NO_EVIDENCE, ""
    if copies.interval[0] <= 0:
        return Word.NO_EVIDENCE, "; copies of real rows in the same class mix do as well"
    return Word.HELPS, f", and {_signed(copies.value)} against copies of them in the same class mix"


def _signed(value: float) -> str:
    return f"{value:+.3f}"
