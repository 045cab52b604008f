"""Decide, before any row is made, what structure the rows are to have."""
