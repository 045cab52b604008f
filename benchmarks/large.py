"""Large tables: fit by rows and by columns, a million rows judged, the first row of a stored model.

    python -m benchmarks.large [rows columns evaluate first]

Every case runs in a process of its own, is added to results/large.csv, and is left out where it
stands there; the page is written from that file.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, append_csv, commit, markdown, options, read_runs, write_page
from benchmarks.tables import simulated

ROWS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
COLUMNS = (5, 50, 500, 5_000)
WIDE_ROWS = 2_000
JUDGED, HELD = 1_000_000, 250_000


def fifteen(n_rows: int, seed: int) -> pl.DataFrame:
    """Simulated rows of 15 columns."""
    rng = np.random.default_rng(seed)
    more = {f"x{at}": rng.normal(size=n_rows).round(3) for at in range(7)}
    return simulated(n_rows, rng).with_columns(**{n: pl.Series(v) for n, v in more.items()})


def wide(n_columns: int) -> pl.DataFrame:
    """Columns of 20 hidden factors, one in five of them categories, and a target."""
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(WIDE_ROWS, 20))
    loads = rng.normal(size=(20, n_columns - 1)) * (rng.random((20, n_columns - 1)) < 0.15)
    values = factors @ loads + rng.normal(size=(WIDE_ROWS, n_columns - 1))
    columns: dict[str, Any] = {}
    for j, x in enumerate(values.T):
        if j % 5 == 4:
            columns[f"c{j}"] = np.array(["low", "middle", "high"])[np.digitize(x, [-0.5, 0.8])]
        else:
            columns[f"x{j}"] = x.round(3)
    target = np.where(factors[:, 0] + rng.normal(size=WIDE_ROWS) > 1, "yes", "no")
    return pl.DataFrame({**columns, "target": target})


def _fit(data: Any, target: str) -> dict[str, Any]:
    from tablewright import Synthesizer

    start = time.process_time()
    synthesizer = Synthesizer("trees", target=target, random_state=0).fit(data)
    fit, start = time.process_time() - start, time.process_time()
    synthesizer.sample(2_000)
    return {"fit CPU s": fit, "2,000 rows CPU s": time.process_time() - start}


def fit_rows(n_rows: int) -> dict[str, Any]:
    """Learn a file of so many rows, which is written in pieces."""
    with tempfile.TemporaryDirectory() as folder:
        size = min(n_rows, 1_000_000)
        for part in range(n_rows // size):
            fifteen(size, part).write_parquet(Path(folder, f"part-{part}.parquet"))
        path = folder if n_rows > size else Path(folder, "part-0.parquet")
        return _fit(path, "churn")


def fit_columns(n_columns: int) -> dict[str, Any]:
    """Learn 2,000 rows of so many columns."""
    return _fit(wide(n_columns), "target")


def judge(form: str) -> dict[str, Any]:
    """Judge a million rows, with a million training rows, in files of a format."""
    with tempfile.TemporaryDirectory() as folder:
        names = {"train": JUDGED, "rows": JUDGED, "holdout": HELD}
        script = (
            "import sys, polars as pl\nfrom benchmarks.large import fifteen\n"
            "for seed, pair in enumerate(sys.argv[1:]):\n"
            "    path, n = pair.split('=')\n    rows = fifteen(int(n), seed + 1)\n"
            "    rows.write_csv(path) if path.endswith('csv') else rows.write_parquet(path)\n"
        )
        files = {name: Path(folder, f"{name}.{form}") for name in names}
        pairs = [f"{files[name]}={n}" for name, n in names.items()]
        subprocess.run([sys.executable, "-c", script, *pairs], check=True)
        from tablewright import evaluate

        wall, start = time.perf_counter(), time.process_time()
        evaluate(files["train"], files["rows"], files["holdout"], "churn")
        return {"CPU s": time.process_time() - start, "wall s": time.perf_counter() - wall}


def first_row(_: str) -> dict[str, Any]:
    """Load a stored model and draw one row: median of five processes, beyond importing polars."""
    from tablewright import Synthesizer

    script = (
        "import polars, sys, time\nstart = time.process_time()\nimport tablewright\n"
        "tablewright.load(sys.argv[1]).sample(1)\nprint(time.process_time() - start)"
    )
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "model.tw")
        Synthesizer("trees", target="churn", random_state=0).fit(fifteen(20_000, 0)).save(model)
        command = [sys.executable, "-c", script, str(model)]
        seconds = [
            float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            for _ in range(5)
        ]
    return {"CPU s": float(np.median(seconds)), "least": min(seconds), "most": max(seconds)}


WORK: dict[str, tuple[str, Callable[[Any], dict[str, Any]], tuple[Any, ...]]] = {
    "rows": ("Fit by rows (15 columns, `trees`, Parquet)", fit_rows, ROWS),
    "columns": ("Fit by columns (2,000 rows, `trees`)", fit_columns, COLUMNS),
    "evaluate": ("A million rows judged", judge, ("parquet", "csv")),
    "first": ("From `load` to the first row, beyond importing polars", first_row, ("trees",)),
}


def elsewhere(work: str, size: Any) -> dict[str, Any]:
    """Work in a process of its own, so that peaks do not add up."""
    command = [sys.executable, "-m", "benchmarks.large", "--case", work, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"remark": done.stderr.strip().splitlines()[-1][:80]}
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def exponent(sizes: list[float], seconds: list[float]) -> float:
    """Slope of the logarithms of the last two sizes."""
    return float(np.log(seconds[-1] / seconds[-2]) / np.log(sizes[-1] / sizes[-2]))


def write(file: Path) -> None:
    """Write the page of the cases in a file."""
    cases = [json.loads(row["result"]) | row for row in read_runs(file).to_dicts()]
    parts = [
        "One run each, one thread. CPU: seconds without imports and without making the table; "
        "peak: MB of the whole process, imports and table included; exponent: of CPU seconds, "
        "from the line above. Where the wall takes longer than the CPU, others had the core."
    ]
    for work, (title, _, sizes) in WORK.items():
        rows: list[dict[str, Any]] = []
        for size in map(str, sizes):
            case = next((c for c in cases if (c["work"], str(c["size"])) == (work, size)), None)
            if case is None:
                continue
            shown = {k: v for k, v in case.items() if k not in ("work", "size", "commit", "result")}
            row = {work: f"{int(size):,}" if size.isdigit() else size, **shown}
            row["commit"] = case["commit"]
            if rows and "fit CPU s" in row and "fit CPU s" in rows[-1]:
                last = float(rows[-1][work].replace(",", ""))
                sides = [last, float(size)], [rows[-1]["fit CPU s"], row["fit CPU s"]]
                row["exponent"] = round(exponent(*sides), 2)
            elif "fit CPU s" in row:
                row["exponent"] = None
            rows.append(row)
        if rows:
            parts += [f"## {title}", markdown(rows)]
    write_page("large", "Large tables", parts, file.parent)


def main() -> None:
    """Run the cases that are missing."""
    parser = options(__doc__ or "")
    parser.add_argument("work", nargs="*", choices=[*WORK, []])
    parser.add_argument("--sizes", nargs="*", help="only these sizes")
    parser.add_argument("--case", nargs=2, metavar=("WORK", "SIZE"))
    parser.add_argument("--out", type=Path, default=RESULTS / "large.csv")
    asked = parser.parse_args()
    if asked.case:
        name, size = asked.case
        result = WORK[name][1](int(size) if size.isdigit() else size)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak MB": round(peak)}))
        return
    done = set()
    if asked.out.exists():
        done = {(row["work"], str(row["size"])) for row in read_runs(asked.out).to_dicts()}
    for work in asked.work or WORK:
        for size in WORK[work][2]:
            if (work, str(size)) in done or (asked.sizes and str(size) not in asked.sizes):
                continue
            result = elsewhere(work, size)
            print(work, size, result, file=sys.stderr, flush=True)
            line = {"work": work, "size": size, "commit": commit(), "result": json.dumps(result)}
            append_csv(asked.out, [line])
    write(asked.out)


if __name__ == "__main__":
    main()
