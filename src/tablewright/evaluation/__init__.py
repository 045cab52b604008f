"""Evaluate rows against a holdout, compare methods on a table, and profile a table."""
