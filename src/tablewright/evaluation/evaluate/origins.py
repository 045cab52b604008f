"""Whether tables that should be real are ones that this program wrote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.tables.io.provenance import find_manifests, trace_rows

MAX_TRACED = 20_000
"""First rows of a table that are looked up."""
_MIN_SHARE = 0.1


def written_by_us(name: str, data: Any, frame: pl.DataFrame) -> Iterable[str]:
    """Say that a table that should be real came, as a file, from this program.

    Parameters
    ----------
    name : str
        What the table is called: training, holdout.
    data : frame or path
        As it was given: a frame carries no mark of where it comes from.
    frame : DataFrame
        Its rows, untyped.
    """
    if not isinstance(data, str | Path):
        return
    generated = [m for m in find_manifests(data) if not m.of_real_rows]
    known = trace_rows(frame.head(MAX_TRACED), data, generated)
    if known.share >= _MIN_SHARE:
        yield (
            f"{known.share:.0%} of the {name} rows were written by tablewright, and {name} rows "
            "have to be real: the arguments look swapped (they are training, generated, holdout)"
        )
