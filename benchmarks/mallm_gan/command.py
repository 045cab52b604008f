"""What the scripts of these tables have in common: options, the file of runs, means."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, append_csv, options
from tablewright.threads import one_thread


def names(text: str) -> list[str]:
    return text.split(",")


def numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def parser(
    text: str,
    parts: Collection[str],
    tables: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    draws: int = 5,
) -> argparse.ArgumentParser:
    """Make a parser of the options that these scripts share, with their defaults."""
    made = options(text, data=True)
    made.add_argument("--part", choices=parts, default=next(iter(parts)))
    made.add_argument("--tables", type=names, default=None if tables is None else list(tables))
    made.add_argument("--sizes", type=numbers, default=None if sizes is None else list(sizes))
    made.add_argument("--first", type=int, default=0, help="number of the first draw")
    made.add_argument("--draws", type=int, default=draws)
    made.add_argument("--report", action="store_true", help="make the page of what was run")
    made.add_argument("--out", type=Path, default=RESULTS)
    return made


def collect(rows: Iterable[dict[str, Any]], file: Path) -> None:
    """Write each run to the file as it ends, and say so."""
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in rows:
            append_csv(file, [row])
            print({name: row[name] for name in list(row)[:6]}, flush=True)


def mean(values: pl.Series | np.typing.NDArray[Any]) -> str:
    """Write the mean and, of several values, its standard error."""
    found = np.asarray(values, dtype=float)
    error = found.std(ddof=1) / len(found) ** 0.5 if len(found) > 1 else None
    return f"{found.mean():.3f}" + ("" if error is None else f" ± {error:.3f}")
