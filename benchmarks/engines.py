"""What do engines cost beside each other, does memory stay flat, and what does a lost worker cost?

    python -m benchmarks.engines [--rows N] [--workers N] [--engines process,dask,ray]

Every run writes the same parts in processes of its own, which are found by a mark in their
environment: CPU seconds and memory are those of all of them, schedulers included.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import markdown, options, write_page
from benchmarks.tables import simulated
from tablewright import Synthesizer

LEARNED, COLUMNS, SEED = 20_000, 15, 0
MARK = "TABLEWRIGHT_BENCHMARK_RUN"
TICK = os.sysconf("SC_CLK_TCK")


def table() -> pl.DataFrame:
    """Simulated rows of 15 columns."""
    rng = np.random.default_rng(SEED)
    rows = simulated(LEARNED, rng)
    more = {f"x{at}": rng.normal(size=LEARNED).round(3) for at in range(COLUMNS - rows.width)}
    return rows.with_columns(**{name: pl.Series(values) for name, values in more.items()})


@dataclass
class Watch:
    """CPU seconds and memory of all processes of a run."""

    mark: str
    seconds: dict[int, float] = field(default_factory=dict)
    peak: float = 0.0

    def look(self) -> None:
        """Look at the processes that run now."""
        memory = 0.0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() not in (folder / "environ").read_bytes():
                    continue
                times = (folder / "stat").read_text().rpartition(")")[2].split()
                self.seconds[int(folder.name)] = (int(times[11]) + int(times[12])) / TICK
                smaps = (folder / "smaps_rollup").read_text()
                memory += int(smaps.partition("Pss:")[2].split()[0]) / 1024
            except (OSError, ValueError, IndexError):
                continue
        self.peak = max(self.peak, memory)

    def busiest(self, besides: int) -> int:
        """Return the process that took most CPU of those that run, a worker."""
        others = {p: s for p, s in self.seconds.items() if p != besides and _runs(p)}
        return max(others, key=others.__getitem__)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def run(
    model: Path, out: Path, n_rows: int, engine: str, workers: int, *, kill: bool = False
) -> dict[str, Any]:
    """Write parts once; with `kill` a worker is killed when half of them stand."""
    mark = f"{MARK}={out.name}-{time.time_ns()}"
    command = [sys.executable, "-m", "tablewright.cli", "sample", str(model), "-n", str(n_rows)]
    command += ["--out", str(out), "--engine", engine, "--workers", str(workers)]
    command += ["--seed", str(SEED), "--quiet"]
    watch, start, due = Watch(mark), time.perf_counter(), kill
    environment = {**os.environ, MARK: mark.partition("=")[2], "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            time.sleep(0.2)
            watch.look()
            if due and len(list(out.glob("part-*.parquet"))) * 400_000 >= n_rows:
                os.kill(watch.busiest(process.pid), signal.SIGKILL)
                due = False
        said = process.stderr.read() if process.stderr else ""
    result: dict[str, Any] = {
        "engine": engine,
        "rows": n_rows,
        "killed": "a worker" if kill else "",
    }
    if process.returncode:
        return {**result, "remark": said.strip().splitlines()[-1][:90]}
    seconds = sum(watch.seconds.values())
    return {
        **result,
        "wall": time.perf_counter() - start,
        "CPU": seconds,
        "CPU per million": seconds / n_rows * 1e6,
        "peak MB": round(watch.peak),
    }


def same_rows(one: Path, other: Path) -> bool:
    """Whether two folders hold the same rows; a part at a time."""
    pairs = zip(sorted(one.iterdir()), sorted(other.iterdir()), strict=True)
    return all(pl.read_parquet(a).equals(pl.read_parquet(b)) for a, b in pairs)


def main() -> None:
    """Run the benchmark."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", default="process,dask,ray")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.tw")
        Synthesizer("trees", target="churn", random_state=SEED).fit(table()).save(model)
        reference = Path(folder, "process")
        fewer = max(asked.rows // 10, 1)
        flat = [run(model, Path(folder, "few"), fewer, "process", asked.workers)]
        costs = [run(model, reference, asked.rows, "process", asked.workers)]
        flat.append(costs[0])
        for engine in asked.engines.split(","):
            for kill in (False, True):
                if engine == "process" and not kill:
                    continue
                out = Path(folder, f"{engine}-{kill}")
                made = run(model, out, asked.rows, engine, asked.workers, kill=kill)
                if "remark" not in made:
                    made["to the pool"] = made["wall"] / costs[0]["wall"]
                    made["same rows"] = "yes" if same_rows(reference, out) else "NO"
                costs.append(made)
                for part in out.glob("*") if out.is_dir() else ():
                    part.unlink()
        costs[0] |= {"to the pool": 1.0, "same rows": "", "remark": ""}
    parts = [
        f"{LEARNED:,} rows learned by trees, {COLUMNS} columns; parts of 200,000 rows; "
        f"{asked.workers} workers, {os.cpu_count()} cores. wall: seconds; CPU: seconds of all "
        "processes, starting the engine included; peak: proportional set size of all processes "
        "together. A killed worker is the busiest one, with SIGKILL, when half of the parts stand.",
        markdown(costs),
        "## Ten times the rows",
        markdown(flat),
    ]
    write_page("engines", "Engines", parts)


if __name__ == "__main__":
    main()
