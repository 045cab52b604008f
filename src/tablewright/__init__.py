"""Synthetic rows for small, skewed or incomplete tables, and the proof whether they help."""

__version__ = "0.1.0"
