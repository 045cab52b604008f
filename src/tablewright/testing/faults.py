"""The dials of the stand-in model: how it is wrong, and how often."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from tablewright.errors import InputError


@dataclass(frozen=True)
class Faults:
    """An LLM's faults, each a share from 0 to 1.

    Parameters
    ----------
    invalid : float, default=0
        Replies without a usable row.
    truncated : float, default=0
        Replies that are cut off.
    ignored : float, default=0
        Replies that ignore instructions: prose around, other spellings, half of the rows.
    hallucinated : float, default=0
        Rows with a category that does not exist.
    out_of_range : float, default=0
        Rows with a number far outside of its range.
    copies : float, default=0
        Rows that repeat an example of the prompt.
    collapse : float, default=0
        Rows that repeat one of three favourites.
    wrong_labels : float, default=0
        Rows with a wrong label; in a group of one class rows that fit another one.
    label_rule : {"random", "shift", "split"}, default="random"
        Which one: any other; always the next; or a wrong one exactly where the first number
        of the row is above its median (a systematic rule).
    obedience : float, default=1
        Share of the cells that depend on what the plan, graph or rules of the prompt say
        and on nothing else; the others depend on `dependence` alone.
    dependence : float, default=0.6
        Share of the cells that depend on the row so far, where the prompt says nothing.
    memorised : float, default=0
        Share of the questions about the user's very rows that it can answer.
    """

    invalid: float = 0.0
    truncated: float = 0.0
    ignored: float = 0.0
    hallucinated: float = 0.0
    out_of_range: float = 0.0
    copies: float = 0.0
    collapse: float = 0.0
    wrong_labels: float = 0.0
    label_rule: Literal["random", "shift", "split"] = "random"
    obedience: float = 1.0
    dependence: float = 0.6
    memorised: float = 0.0

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "label_rule" and not 0.0 <= value <= 1.0:
                raise InputError(f"the dial {item.name!r} is a share from 0 to 1, not {value}")
        if self.label_rule not in ("random", "shift", "split"):
            raise InputError(f"label_rule is random, shift or split, not {self.label_rule!r}")
