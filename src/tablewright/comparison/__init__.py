"""Which method helps this table: a leaderboard with nothing and the controls among them."""

from tablewright.comparison.compare import compare
from tablewright.comparison.leaderboard import Comparison, Entry, crossing
from tablewright.comparison.splits import inner_splits, outer_split
from tablewright.comparison.trial import Settings, Writer, Written

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
