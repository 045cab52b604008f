"""Identifiers: find how they are built, make fresh ones."""

from __future__ import annotations

import polars as pl

__all__ = ["find_pattern"]


def find_pattern(values: pl.Series) -> str | None:
    """Find the form that unique texts share: digits as ``9``, letters as ``a`` and ``A``."""
    if values.str.contains(r"\s").any() or not values.str.contains(r"\d").all():
        return None
    masks = (
        values.str.replace_all(r"\d", "9")
        .str.replace_all("[a-z]", "a")
        .str.replace_all("[A-Z]", "A")
    )
    return masks[0] if masks.n_unique() <= max(1, len(values) // 20) else None
