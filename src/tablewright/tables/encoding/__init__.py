"""Typed columns as numbers for generators, and back."""
