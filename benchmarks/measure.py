"""Seconds of CPU, and where results are written."""

from __future__ import annotations

import argparse
import csv
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

RESULTS = Path(__file__).parent / "results"
Made = TypeVar("Made")


def cpu(work: Callable[[], Made]) -> tuple[Made, float]:
    """Run, and return what it gave with the CPU seconds of all threads of this process."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def cpu_seconds() -> float:
    """Return those of this process and of what it started and waited for."""
    return sum(os.times()[:4])


def options(text: str, *, data: bool = False) -> argparse.ArgumentParser:
    """Make a command-line parser; `--data` names the folder of files that are not ours."""
    parser = argparse.ArgumentParser(description=text.strip().splitlines()[0])
    if data:
        parser.add_argument("--data", type=Path, required=True, help="folder of the data files")
    return parser


def shown(value: Any) -> str:
    """Write one cell of a table."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 10 else f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Lay rows out as a Markdown table; the columns are those of the first row."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(shown(row.get(name)) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def commit() -> str:
    """Return the commit that is checked out, so that a table says what it measured."""
    command = ["git", "-C", str(RESULTS.parent), "rev-parse", "--short=7", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write_csv(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to `results/NAME.csv`."""
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def append_csv(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows to a file, which is made with a header where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = not file.exists()
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def read_runs(file: Path) -> pl.DataFrame:
    """Read what `append_csv` wrote; a commit such as 7e53468 is no number."""
    return pl.read_csv(file, schema_overrides={"commit": pl.String})


def write_page(name: str, title: str, parts: Iterable[str], folder: Path = RESULTS) -> None:
    """Write `FOLDER/NAME.md`, with the versions that the numbers belong to."""
    packages = ("tablewright", "numpy", "scikit-learn", "polars")
    made_with = ", ".join(f"{package} {version(package)}" for package in packages)
    foot = f"Python {platform.python_version()}, {made_with}."
    page = "\n\n".join([f"# {title}", *parts, foot]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(page)
    print(page)
