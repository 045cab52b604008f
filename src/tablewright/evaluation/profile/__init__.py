"""What a table holds, and what looks wrong in it, before anything is learned from it."""

from tablewright.evaluation.profile.profile import ColumnProfile, Finding, Profile, profile

__all__ = ["ColumnProfile", "Finding", "Profile", "profile"]
