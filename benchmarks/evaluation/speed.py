"""Time and memory of the whole report, and how memory grows with the rows.

    python -m benchmarks.evaluation.speed [--out benchmarks/evaluation]

Tables are drawn from a simulator: 15 columns, mixed kinds. Each size runs in a process of its
own, so that its peak of memory is its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from tablewright.evaluation.evaluate import evaluate
from tablewright.schema import Schema

SIZES = (5_000, 20_000, 100_000)


def table(n_rows: int, seed: int) -> pl.DataFrame:
    """Ten numbers in three clusters, four categories, a target; 3 % missing cells."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 3, n_rows)
    base = rng.normal(size=(n_rows, 10)) + cluster[:, None] * np.linspace(-1, 1, 10)
    columns: dict[str, object] = {}
    for j in range(10):
        columns[f"x{j}"] = np.where(rng.random(n_rows) < 0.03, np.nan, np.round(base[:, j], 3))
    for j, size in enumerate((2, 5, 12, 40)):
        columns[f"c{j}"] = np.char.add(
            "v", ((rng.poisson(size / 4, n_rows) + cluster) % size).astype(str)
        )
    columns["y"] = np.where(base[:, 0] + base[:, 9] + rng.normal(size=n_rows) > 0.7, "yes", "no")
    return pl.DataFrame(columns).fill_nan(None)


def one(n_rows: int) -> None:
    """Run one size in this process and print its numbers."""
    names = table(10, 0).columns
    kinds = {name: "continuous" if name[0] == "x" else "categorical" for name in names}
    schema = Schema.build(kinds, target="y")
    tables = [table(n_rows, seed) for seed in (1, 2, 3)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, cpu = time.perf_counter(), time.process_time()
    report = evaluate(tables[0], tables[1], tables[2][: n_rows // 4], schema=schema)
    wall, spent = time.perf_counter() - start, time.process_time() - cpu
    page = len(report.to_html().encode()) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    numbers = [wall, spent, before / 1024, peak / 1024]
    print(" | ".join([f"{n_rows:,}", *(f"{x:.0f}" for x in numbers), f"{page:.2f}"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/evaluation"))
    options = parser.parse_args()
    if options.one is not None:
        one(options.one)
        return
    lines = [
        "| rows of train and of synthetic | wall s | CPU s | MB before | MB at peak | page MB |",
        "|---|---|---|---|---|---|",
    ]
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.evaluation.speed", "--one", str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines.append(f"| {done.stdout.strip()} |")
        print(lines[-1], flush=True)
    (options.out / "speed.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
