"""What a table holds, what looks wrong in it, and where its rows come from."""

from tablewright.evaluation.profile.models import ColumnProfile, Finding, Profile
from tablewright.evaluation.profile.profile import profile

__all__ = ["ColumnProfile", "Finding", "Profile", "profile"]
