"""Keep rules while rows are made: by computing, drawing again under conditions, projecting."""

from tablewright.rules.enforcement.audit import Audit, RuleAudit
from tablewright.rules.enforcement.enforcer import Enforcer, Sampler
from tablewright.rules.enforcement.plan import Plan

__all__ = ["Audit", "Enforcer", "Plan", "RuleAudit", "Sampler"]
