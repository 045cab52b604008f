"""Run the command line as a user does, and see what a user sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.cli import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


class Runner:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> Outcome:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = self.capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        return Outcome(stopped.value.code, out, err)


def visits(n: int = 200, seed: int = 0) -> pl.DataFrame:
    """Visits to a clinic; one in six patients is ill, and age and pulse tell something of it."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    ill = rng.random(n) < 1 / (1 + np.exp(-(age - 80) / 8))
    return pl.DataFrame(
        {
            "age": age,
            "pulse": (70 + 12 * ill + rng.normal(0, 6, n)).round(1),
            "clinic": rng.choice(["north", "south", "east"], n, p=[0.5, 0.3, 0.2]),
            "ill": np.where(ill, "yes", "no"),
        }
    )


def put(folder: Path, frame: pl.DataFrame | None = None, name: str = "train.csv") -> Path:
    path = folder / name
    (visits() if frame is None else frame).write_csv(path)
    return path
