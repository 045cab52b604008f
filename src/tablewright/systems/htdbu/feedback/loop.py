"""The loop: read, decide, try one change, keep it or undo it, and tell every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tablewright.systems.htdbu.feedback.candidates import Change, Setting
from tablewright.systems.htdbu.feedback.decision import Action, Decision, decide
from tablewright.systems.htdbu.feedback.diagnostics import Readings

__all__ = ["Step", "Trace", "mend"]

ROUNDS = 4
LEAST = 0.005
"""Least fall of the loss for which a texture is changed."""


@dataclass(frozen=True)
class Step:
    """One change that was tried.

    Attributes
    ----------
    action : Action
    because : str
        The reading that asked for it.
    what : str
    before, after : Readings
    kept : bool
        Whether it helped; otherwise it was undone.
    """

    action: Action
    because: str
    what: str
    before: Readings
    after: Readings
    kept: bool

    def __str__(self) -> str:
        part = "the rules" if self.action is Action.ADJUST else "the model"
        verb = "changed" if self.kept else "tried to change"
        fall = f"loss {self.before.loss:.4f} -> {self.after.loss:.4f}"
        undone = "" if self.kept else ", undone"
        return f"{verb} {part} because {self.because}: {self.what} ({fall}{undone})"


@dataclass(frozen=True)
class Trace:
    """What the loop found, did and ended with.

    Attributes
    ----------
    start, end : Setting
    first, last : Readings
    decisions : list of Decision
        What was decided in each round, the reason to stop among them.
    steps : list of Step
        What was tried.
    """

    start: Setting
    end: Setting
    first: Readings
    last: Readings
    decisions: list[Decision] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def blamed(self) -> frozenset[str]:
        """What the readings blamed: ``"model"``, ``"rules"``, both, or nothing."""
        named = {Action.ADJUST: "rules", Action.RETRAIN: "model"}
        return frozenset(named[d.action] for d in self.decisions if d.action in named)

    def __str__(self) -> str:
        lines = [str(step) for step in self.steps]
        ending = self.decisions[-1] if self.decisions else None
        if ending is not None and ending.action is Action.STOP:
            lines.append(f"stopped: {ending.because}")
        elif ending is not None and self.steps and self.steps[-1].kept:
            lines.append(f"stopped after {len(self.steps)} steps, although {ending.because}")
        elif ending is not None:
            lines.append(f"stopped: nothing that was tried helped, although {ending.because}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as JSON has it."""
        return {
            "blamed": sorted(self.blamed),
            "first": self.first.to_dict(),
            "last": self.last.to_dict(),
            "decisions": [[d.action.value, d.because] for d in self.decisions],
            "steps": [
                {
                    "action": step.action.value,
                    "because": step.because,
                    "what": step.what,
                    "before": step.before.to_dict(),
                    "after": step.after.to_dict(),
                    "kept": step.kept,
                }
                for step in self.steps
            ],
            "text": str(self).splitlines(),
        }


def mend(
    start: Setting,
    measure: Callable[[Setting], Readings],
    textures: Callable[[Setting], Iterable[Change]],
    rules: Callable[[Setting], Iterable[Change]],
    *,
    rounds: int = ROUNDS,
    least: float = LEAST,
) -> Trace:
    """Mend the texture or the rules until no reading is beyond its threshold or nothing helps.

    Parameters
    ----------
    start : Setting
    measure : callable
        From a setting to readings on validation rows; the same chance in every call.
    textures, rules : callable
        From a setting to the changes that can be tried, in order.
    rounds : int, default=4
        Changes kept at most.
    least : float, default=0.005
        Least fall of the loss for which a texture is changed; one of the rules is kept where the
        loss falls at all and what rules get wrong falls too.

    Returns
    -------
    Trace
        Its last loss is never above the first.

    References
    ----------
    H-TDBU (arXiv:2605.28198), feedback arrows; the algorithm is ours.
    """
    now, found = start, measure(start)
    first, decisions, steps = found, [], []
    failed: set[str] = set()
    spared: set[Action] = set()
    changes = 0
    while True:
        decision = decide(found, spared)
        if decision.action is Action.STOP and spared:
            break
        decisions.append(decision)
        if decision.action is Action.STOP or changes == rounds:
            break
        offered = rules(now) if decision.action is Action.ADJUST else textures(now)
        for change in offered:
            if change.what in failed:
                continue
            after = measure(change.setting)
            kept = _helps(decision.action, found, after, least)
            steps.append(Step(decision.action, decision.because, change.what, found, after, kept))
            if kept:
                now, found, changes = change.setting, after, changes + 1
                failed, spared = set(), set()
                break
            failed.add(change.what)
        else:
            spared.add(decision.action)
    return Trace(start, now, first, found, decisions, steps)


def _helps(action: Action, before: Readings, after: Readings, least: float) -> bool:
    if action is Action.ADJUST:
        return after.loss < before.loss and after.v + after.misruled < before.v + before.misruled
    return after.loss <= before.loss - least and after.misruled <= before.misruled
