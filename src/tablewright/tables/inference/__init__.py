"""Kinds of columns from their values, and values of each kind."""
