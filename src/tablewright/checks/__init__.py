"""Stage check: judge candidate rows, wherever they come from, against the real rows."""

from tablewright.checks.base import Check, Judgement

__all__ = ["Check", "Judgement"]
