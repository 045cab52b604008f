"""Feed back: read off validation rows what is wrong, and mend the part that is to blame."""

from tablewright.feedback.decision import Action, Decision, decide
from tablewright.feedback.judge import Judge
from tablewright.feedback.ladders import Change, Setting, better_textures, milder_rules
from tablewright.feedback.loop import Step, Trace, mend
from tablewright.feedback.readings import Readings

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
