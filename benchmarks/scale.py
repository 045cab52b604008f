"""What do many rows cost, and does memory stay flat?

python -m benchmarks.scale
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import markdown, options, write_page
from benchmarks.tables import simulated
from tablewright import Synthesizer

LEARNED = 20_000
COUNTS = (10_000, 100_000, 1_000_000)
METHODS = ("trees", "copula", "independent", "smotenc")
MANY_VALUES = 50_000


def peak() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stream(method: str, n_rows: int) -> dict[str, Any]:
    """Learn the simulator's table and write rows piece by piece."""
    train = simulated(LEARNED, np.random.default_rng(0))
    start = time.process_time()
    synthesizer = Synthesizer(method, target="churn", random_state=0).fit(train)
    fit, start = time.process_time() - start, time.process_time()
    written = sum(piece.height for piece in synthesizer.batches(n_rows))
    return {"fit": fit, "rows": written, "sample": time.process_time() - start, "peak": peak()}


def many_values(method: str, n_rows: int) -> dict[str, Any]:
    """Do the same with a column of very many values, and count those that come back."""
    rng = np.random.default_rng(0)
    shop = rng.permutation(MANY_VALUES)[
        np.concatenate([np.arange(MANY_VALUES), rng.integers(0, MANY_VALUES, MANY_VALUES)])
    ]
    train = simulated(len(shop), rng).with_columns(
        pl.Series("shop", [f"shop {number:05d}" for number in shop])
    )
    start = time.process_time()
    schema = {"shop": "categorical"}
    synthesizer = Synthesizer(method, target="churn", schema=schema, random_state=0).fit(train)
    fit, start = time.process_time() - start, time.process_time()
    values, written = set(), 0
    for piece in synthesizer.batches(n_rows):
        values |= set(piece["shop"])
        written += piece.height
    seconds = time.process_time() - start
    return {
        "fit": fit,
        "rows": written,
        "sample": seconds,
        "peak": peak(),
        "values": len(values),
        "new": len(values - set(train["shop"])),
    }


WORK = {"stream": stream, "many-values": many_values}


def elsewhere(work: str, method: str, n_rows: int) -> dict[str, Any]:
    """Work in a process of its own, so that peaks do not add up."""
    command = [sys.executable, "-m", "benchmarks.scale", "--work", work, method, str(n_rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"remark": done.stderr.strip().splitlines()[-1][:80]}
    names, values = (line.split(",") for line in done.stdout.strip().splitlines()[-2:])
    result: dict[str, Any] = dict(zip(names, map(float, values), strict=True))
    counts = {name: int(result[name]) for name in ("rows", "values", "new") if name in result}
    return {**result, **counts, "peak": round(result["peak"])}


def main() -> None:
    """Run the benchmark."""
    parser = options(__doc__ or "")
    parser.add_argument("--work", nargs=3, metavar=("WORK", "METHOD", "ROWS"))
    asked = parser.parse_args()
    if asked.work:
        result = WORK[asked.work[0]](asked.work[1], int(asked.work[2]))
        print(",".join(result), ",".join(map(str, result.values())), sep="\n")
        return
    flat = [{"method": m, **elsewhere("stream", m, n)} for m in METHODS for n in COUNTS]
    wide = [{"method": m, **elsewhere("many-values", m, 100_000)} for m in METHODS]
    parts = [
        f"Learned: {LEARNED:,} rows of the simulator, 8 columns. Rows are written in pieces of "
        "20,000. fit and sample: seconds of CPU; peak: MB of the whole process, imports and "
        "training rows included.",
        markdown(flat),
        f"## A column of {MANY_VALUES:,} values",
        f"{2 * MANY_VALUES:,} rows learned, 100,000 written. values: different ones that came "
        "back; new: those that no real row has.",
        markdown(wide),
    ]
    write_page("scale", "Many rows, many values", parts)


if __name__ == "__main__":
    main()
