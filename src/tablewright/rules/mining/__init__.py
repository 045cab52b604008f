"""Find rules in real rows, each with support, confidence and a check on held-out rows."""

from tablewright.rules.mining.miner import mine_rules

__all__ = ["mine_rules"]
