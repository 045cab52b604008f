"""Stage check: judge candidate rows, wherever they come from, against the real rows."""

from tablewright.selection.check import Check, Judgement
from tablewright.selection.pipeline import Trimmed
from tablewright.selection.selector import Selection, Selector
from tablewright.selection.trim import Trim, TrimWarning

__all__ = ["Check", "Judgement", "Selection", "Selector", "Trim", "TrimWarning", "Trimmed"]
