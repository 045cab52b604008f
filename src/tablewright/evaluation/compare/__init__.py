"""Which method helps this table: a leaderboard with nothing and the controls among them."""

from tablewright.evaluation.compare.compare import compare
from tablewright.evaluation.compare.leaderboard import Comparison, Entry, crossing
from tablewright.evaluation.compare.splits import inner_splits, outer_split
from tablewright.evaluation.compare.trial import Settings, Writer, Written

__all__ = [
    "Comparison",
    "Entry",
    "Settings",
    "Writer",
    "Written",
    "compare",
    "crossing",
    "inner_splits",
    "outer_split",
]
