"""Which method helps this table: a leaderboard with nothing and the controls among them."""

from tablewright.evaluation.compare.compare import Progress, compare
from tablewright.evaluation.compare.leaderboard import Comparison

__all__ = ["Comparison", "Progress", "compare"]
