"""Runs as JSON lines that are gone on with, and pages made of them."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

Run = dict[str, Any]


def commit() -> str:
    """Return the short name of the commit, with a plus where code differs from it."""
    name = _git("rev-parse", "--short", "HEAD") or "unknown"
    return name + (
        "+" if _git("status", "--porcelain", "--", "src/*.py", "benchmarks/*.py") else ""
    )


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()


class Log:
    """Runs of a file, each known by some of its values."""

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        self.path, self.keys = path, keys
        lines = path.read_text().splitlines() if path.exists() else []
        self.runs: list[Run] = [json.loads(line) for line in lines]
        self.commit = commit()

    def has(self, **key: Any) -> bool:
        """Whether such a run is there."""
        return any(all(run[name] == key[name] for name in self.keys) for run in self.runs)

    def add(self, run: Run) -> None:
        """Write a run down, with the commit that it was made at."""
        run = {**run, "commit": self.commit}
        self.runs.append(run)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(run) + "\n")


def interval(values: Iterable[float], sign: bool = False, digits: int = 2) -> str:
    """Return a mean and half a 95 % interval by Student's t; one value has none."""
    known = np.array([value for value in values if value is not None], dtype=float)
    if not len(known):
        return "–"
    mean = f"{known.mean():{'+' if sign else ''}.{digits}f}"
    if len(known) < 2:
        return mean
    half = stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return f"{mean} ± {half:.{digits}f}"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Lay rows out; the columns are all that any row has, in the order they come."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in rows:
        cells = ("–" if row.get(head) is None else str(row[head]) for head in heads)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def command_line(
    module: str,
    words: Sequence[str],
    data: Path | None,
    peers: str | None = None,
    others: dict[str | None, str] | None = None,
) -> str:
    """Return a command as another can give it: folders and what else is of here by a word."""
    by_name: dict[str | None, str] = {str(data): "DIR", peers: "FOLDER", **(others or {})}
    named = [by_name.get(word, word) for word in words]
    return " ".join(["python -m", module, *named])


def write(path: Path, title: str, parts: Sequence[str], runs: Sequence[Run], command: str) -> None:
    """Write a page: what it says, and of which runs, commits and versions."""
    commits = ", ".join(sorted({run["commit"] for run in runs}))
    seeds = sorted({run["seed"] for run in runs})
    packages = ("tablewright", "numpy", "scikit-learn", "polars")
    made_with = ", ".join(f"{name} {version(name)}" for name in packages)
    seconds = sum(run.get("seconds", 0.0) for run in runs)
    foot = (
        f"`{command}`: {len(runs)} runs, seeds {', '.join(map(str, seeds))}, commit {commits}, "
        f"{seconds:,.0f} CPU seconds; Python {platform.python_version()}, {made_with}."
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join([f"# {title}", *parts, foot]) + "\n")
    print(path.read_text())
