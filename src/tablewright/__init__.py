"""Synthetic rows for small, skewed, incomplete or sensitive tables, and the proof whether they help."""

__version__ = "0.1.0"
