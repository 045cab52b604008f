"""Are the rows of one seed the same with any number of threads and any size of pieces?

python -m benchmarks.determinism
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import markdown, options, write_page
from benchmarks.tables import simulated
from tablewright import Synthesizer

ROWS = 21_000
REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "where": {"where": "age > 60 AND spend > 900"},
    "balance": {"balance": "equal"},
}
METHODS = ("trees", "copula", "independent", "smotenc", "auto")
PIECES = (1000, 20_000)


def digest(frame: pl.DataFrame) -> str:
    """Return a short digest of every cell."""
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()[:12]


def digests(method: str) -> dict[str, str]:
    """Fit anew and digest what each request gives, whole and in pieces."""
    train = simulated(3000, np.random.default_rng(0))
    synthesizer = Synthesizer(method, target="churn", random_state=7).fit(train)
    result = {}
    for name, request in REQUESTS.items():
        result[name] = digest(synthesizer.sample(ROWS, random_state=7, **request))
        for size in PIECES:
            pieces = synthesizer.batches(ROWS, batch_size=size, random_state=7, **request)
            result[f"{name}, pieces of {size:,}"] = digest(pl.concat(pieces))
    return result


def elsewhere(method: str, n_threads: int) -> dict[str, str]:
    """Digest in a process of its own with a number of threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
    threads = dict.fromkeys(names, str(n_threads))
    command = [sys.executable, "-m", "benchmarks.determinism", "--method", method]
    done = subprocess.run(
        command, env={**os.environ, **threads}, capture_output=True, text=True, check=True
    )
    lines = (line.split("=") for line in done.stdout.splitlines())
    return dict(lines)


def main() -> None:
    """Run the benchmark."""
    parser = options(__doc__ or "")
    parser.add_argument("--method", choices=METHODS, help="print the digests of one method")
    asked = parser.parse_args()
    if asked.method:
        print("\n".join(f"{name}={value}" for name, value in digests(asked.method).items()))
        return
    rows = []
    for method in METHODS:
        one, two = elsewhere(method, 1), elsewhere(method, 2)
        for request in REQUESTS:
            mine = {name: value for name, value in one.items() if name.startswith(request)}
            rows.append(
                {
                    "method": method,
                    "request": request,
                    "digest": one[request],
                    "any pieces": "same" if len(set(mine.values())) == 1 else "differ",
                    "2 threads": "same" if all(two[n] == v for n, v in mine.items()) else "differ",
                }
            )
    parts = [
        f"{ROWS:,} rows; pieces of {', '.join(f'{n:,}' for n in PIECES)} rows.",
        markdown(rows),
    ]
    write_page("determinism", "Same seed, same rows", parts)


if __name__ == "__main__":
    main()
