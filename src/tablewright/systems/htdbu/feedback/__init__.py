"""Feed back: read off validation rows what is wrong, and mend the part that is to blame."""

from tablewright.systems.htdbu.feedback.candidates import (
    Change,
    Setting,
    better_textures,
    milder_rules,
)
from tablewright.systems.htdbu.feedback.decision import Action, Decision, decide
from tablewright.systems.htdbu.feedback.diagnostics import Readings
from tablewright.systems.htdbu.feedback.judge import Judge
from tablewright.systems.htdbu.feedback.loop import Step, Trace, mend

__all__ = [
    "Action",
    "Change",
    "Decision",
    "Judge",
    "Readings",
    "Setting",
    "Step",
    "Trace",
    "better_textures",
    "decide",
    "mend",
    "milder_rules",
]
