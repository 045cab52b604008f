"""Which of the two is to blame: the rules, the texture, or neither."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tablewright.systems.htdbu.feedback.diagnostics import Readings

__all__ = ["Action", "Decision", "decide"]

VIOLATED = 0.001
ACCEPTED = 0.7
"""Sound textures keep rules as drawn 0.8 times as often as real rows, or more."""
MISRULED = 0.02
MISRULED_NOISE = 1.5
"""In distances between training and validation rows: three standard errors of shares among the
training rows, which are three times as many and so half as noisy."""

MISALIGNED, MISALIGNED_NOISE = 0.01, 3.0
USELESS, USELESS_ERRORS = 0.02, 2.0
DETECTED = 0.65
"""Of simulated tables sound textures were told apart with AUC 0.51 to 0.57, weak ones from 0.64."""


class Action(StrEnum):
    """What to do next."""

    ADJUST = "adjust"
    RETRAIN = "retrain"
    STOP = "stop"


@dataclass(frozen=True)
class Decision:
    """What to do, and the reading that says so."""

    action: Action
    because: str


def decide(readings: Readings, spared: Collection[Action] = ()) -> Decision:
    """Decide what to mend.

    Few rows that keep the rules as drawn are the texture's fault where real rows keep them.

    Parameters
    ----------
    readings : Readings
    spared : collection of Action, default=()
        What is not to be decided, since it was tried to no avail.

    References
    ----------
    H-TDBU (arXiv:2605.28198) has the two arrows, "retrain" and "adjust"; the thresholds and the
    references that tell them apart are ours.

    Examples
    --------
    >>> decide(Readings(x_rule=0.3)).because
    'the rules contradict the data: 30.0 % of it would have to change'
    >>> decide(Readings(c=0.9)).action.value, decide(Readings()).action.value
    ('retrain', 'stop')
    """
    for decision in _reasons(readings):
        if decision.action not in spared:
            return decision
    return Decision(Action.STOP, "no reading is beyond its threshold")


def _reasons(r: Readings) -> Iterator[Decision]:
    """Yield what the readings beyond their thresholds ask for, the rules' first."""
    if r.problem:
        yield Decision(Action.ADJUST, f"no rows can be written: {r.problem}")
    elif r.v > VIOLATED:
        yield Decision(Action.ADJUST, f"{r.v:.2%} of the rows break a hard rule")
    if r.broken > MISRULED or r.x_rule > max(MISRULED, MISRULED_NOISE * r.x_floor):
        change = f"{100 * r.misruled:.1f} % of it would have to change"
        yield Decision(Action.ADJUST, f"the rules contradict the data: {change}")
    if r.a < ACCEPTED * r.a_real:
        because = (
            f"{r.a:.0%} of the rows drawn keep the rules, where {r.a_real:.0%} of real ones do"
        )
        yield Decision(Action.RETRAIN, because)
    if r.x_syn > max(MISALIGNED, MISALIGNED_NOISE * r.x_floor):
        because = f"the rows are {r.x_syn:.3f} from the shares that the skeleton asks for"
        yield Decision(Action.RETRAIN, because)
    if r.u_real - r.u_syn > max(USELESS, USELESS_ERRORS * r.u_error):
        because = f"a model learns {r.u_syn:.3f} from the rows and {r.u_real:.3f} from real ones"
        yield Decision(Action.RETRAIN, because)
    if r.c > DETECTED:
        yield Decision(Action.RETRAIN, f"the rows are told from real ones with AUC {r.c:.2f}")
