"""Stage check: judge candidate rows, wherever they come from, against the real rows."""

from tablewright.checks.assembly_line import Trimmed
from tablewright.checks.base import Check, Judgement
from tablewright.checks.trim import Trim, TrimWarning

__all__ = ["Check", "Judgement", "Trim", "TrimWarning", "Trimmed"]
