"""What do engines cost beside each other, does memory stay flat, and what does a lost worker cost?

    python -m benchmarks.engines [--rows N] [--flat N,N] [--workers N] [--engines process,dask,ray]

Runs are added to results/engines.csv, from which the page is written.

Every run writes the same parts in processes of its own, which are found by a mark in their
environment: CPU seconds and memory are those of all of them, schedulers included.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, append_csv, commit, markdown, options, read_runs, write_page
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
    model: Path,
    out: Path,
    n_rows: int,
    engine: str,
    workers: int,
    *,
    kill: bool = False,
    until: float = math.inf,
) -> dict[str, Any]:
    """Write parts once; with `kill` a worker is killed when half of them stand.

    A run that is not done at the time `until` of `perf_counter` is ended, and counts as what
    stands then.
    """
    mark = f"{MARK}={out.name}-{time.time_ns()}"
    command = [sys.executable, "-m", "tablewright.cli", "sample", str(model), "-n", str(n_rows)]
    command += ["--out", str(out), "--engine", engine, "--workers", str(workers)]
    command += ["--seed", str(SEED), "--quiet"]
    result: dict[str, Any] = {
        "engine": engine,
        "rows": n_rows,
        "killed": "a worker" if kill else "",
    }
    watch, start, due = Watch(mark), time.perf_counter(), kill
    environment = {**os.environ, MARK: mark.partition("=")[2], "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            time.sleep(0.2)
            watch.look()
            if time.perf_counter() > until:
                process.send_signal(signal.SIGINT)
                process.wait()
                n_rows = len(list(out.glob("part-*.parquet"))) * 200_000
                result["remark"] = f"ended by the clock with {n_rows:,} rows"
                break
            if due and len(list(out.glob("part-*.parquet"))) * 400_000 >= n_rows:
                os.kill(watch.busiest(process.pid), signal.SIGKILL)
                due = False
        said = process.stderr.read() if process.stderr else ""
    if process.returncode and "remark" not in result:
        return {**result, "remark": said.strip().splitlines()[-1][:90]}
    seconds = sum(watch.seconds.values())
    return {
        **result,
        "wall": time.perf_counter() - start,
        "CPU": seconds,
        "CPU per million": seconds / max(n_rows, 1) * 1e6,
        "peak MB": round(watch.peak),
    }


def same_rows(one: Path, other: Path) -> bool:
    """Whether two folders hold the same rows: equal files, or else equal rows in each."""
    for first, second in zip(sorted(one.iterdir()), sorted(other.iterdir()), strict=True):
        if first.read_bytes() == second.read_bytes():
            continue
        if not pl.read_parquet(first).equals(pl.read_parquet(second)):
            return False
    return True


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def flat(
    folder: Path, model: Path, counts: list[int], workers: int, until: float
) -> Iterator[dict[str, Any]]:
    """Write ever more rows by the pool of processes."""
    for n_rows in counts:
        out = folder / f"flat-{n_rows}"
        yield run(model, out, n_rows, "process", workers, until=until)
        _remove(out)


def beside(
    folder: Path, model: Path, n_rows: int, engines: list[str], workers: int
) -> Iterator[dict[str, Any]]:
    """Write the same rows by each engine, undisturbed and with a worker killed in the middle."""
    reference = folder / "reference"
    pool = run(model, reference, n_rows, "process", workers)
    yield {**pool, "to the pool, CPU": 1.0, "to the pool, wall": 1.0}
    for engine in engines:
        for kill in (False, True):
            if engine == "process" and not kill:
                continue
            out = folder / engine
            made = run(model, out, n_rows, engine, workers, kill=kill)
            if "remark" not in made:
                made["to the pool, CPU"] = made["CPU"] / pool["CPU"]
                made["to the pool, wall"] = made["wall"] / pool["wall"]
                made["same rows"] = "yes" if same_rows(reference, out) else "NO"
            yield made
            _remove(out)
    _remove(reference)


COLUMNS_SHOWN = (
    "engine",
    "rows",
    "killed",
    "wall",
    "CPU",
    "CPU per million",
    "peak MB",
    "to the pool, CPU",
    "to the pool, wall",
    "same rows",
    "remark",
)


def main() -> None:
    """Run what is asked for and write the page of all that was run."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--flat", default="1000000,10000000", help="Counts of rows, by processes.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", default="process,dask,ray")
    parser.add_argument("--out", type=Path, default=RESULTS / "engines.csv")
    parser.add_argument("--minutes", type=float, default=math.inf, help="The clock of --flat.")
    parser.add_argument("--machine", default=f"{os.cpu_count()} cores")
    asked = parser.parse_args()
    counts = [int(n) for n in asked.flat.split(",") if n]
    engines = [engine for engine in asked.engines.split(",") if engine]
    until = time.perf_counter() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "model.tw"
        Synthesizer("trees", target="churn", random_state=SEED).fit(table()).save(model)
        runs = [flat(folder, model, counts, asked.workers, until)]
        if engines:
            runs.append(beside(folder, model, asked.rows, engines, asked.workers))
        for table_name, made in zip(("flat", "beside"), runs, strict=False):
            for row in made:
                cells = {column: row.get(column) for column in COLUMNS_SHOWN}
                line = {"table": table_name, "machine": asked.machine, "commit": commit(), **cells}
                append_csv(asked.out, [line])
                print(line, file=sys.stderr, flush=True)
    write(asked.out)


def write(file: Path) -> None:
    """Write the page of the runs in a file."""
    runs = read_runs(file).to_dicts()
    parts = [NOTES]
    for name, title in TITLES.items():
        rows = [row for row in runs if row["table"] == name]
        if rows:
            kept = [
                c
                for c in ("machine", *COLUMNS_SHOWN, "commit")
                if any(r[c] is not None for r in rows)
            ]
            parts += [f"## {title}", markdown([{c: row[c] for c in kept} for row in rows])]
    write_page("engines", "Engines", parts, file.parent)


TITLES = {"flat": "Ever more rows", "beside": "Engines beside each other"}
NOTES = f"""\
{LEARNED:,} rows learned by trees, {COLUMNS} columns; parts of 200,000 rows, two workers. wall:
seconds; CPU: seconds of all processes, starting the engine and importing included; peak:
proportional set size of all processes together, in MB. A killed worker is the busiest one, with
SIGKILL, when half of the parts stand. same rows: every part equals that of the pool."""


if __name__ == "__main__":
    main()
