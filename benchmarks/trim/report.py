"""Write a page of results with the command and the versions it was made with."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np


def shown(values: np.ndarray, digits: int = 1) -> str:
    """Mean and standard error; one value alone has none."""
    if len(values) == 1:
        return f"{values[0]:+.{digits}f}"
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.{digits}f} ± {error:.{digits}f}"


def write(path: Path, title: str, parts: Sequence[str]) -> None:
    name = sys.modules["__main__"].__spec__.name
    packages = ("tablewright", "numpy", "scikit-learn", "polars")
    made_with = ", ".join(f"{package} {version(package)}" for package in packages)
    command = f"`python -m {name}`, commit {_commit()}, Python {platform.python_version()}, "
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n\n".join([f"# {title}", *parts, f"{command}{made_with}."]) + "\n")
    print(path.read_text())


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
