"""Adult and breast_cancer: our methods beside SDV, python-synthpop and imbalanced-learn.

    python -m benchmarks.anchors --data DIR [--peers PYTHON]

`--peers` is the Python of an environment in which the peers are installed, or the folder of
environments that `benchmarks.set_up_peers` makes; a peer that cannot be imported is reported as
not installed. Without `--data` only
breast_cancer is run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from sklearn.model_selection import train_test_split

from benchmarks.judge import judge
from benchmarks.measure import cpu, markdown, write_csv, write_page
from benchmarks.measure import options as parser_for
from benchmarks.set_up_peers import python_of
from benchmarks.tables import ADULT, breast_cancer, read
from tablewright import Synthesizer
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.table import load_table

ROWS, MORE, MOST = 10_000, 100_000, 1_000_000
MISSING = "(missing)"
OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "trees (default)": ("trees", {}),
    "trees, leaf 5": ("trees", {"min_samples_leaf": 5}),
    "trees, leaf 20": ("trees", {"min_samples_leaf": 20}),
    "copula": ("copula", {}),
    "independent": ("independent", {}),
    "smotenc": ("smotenc", {}),
}
COUNTS = {
    "trees (default)": (ROWS, MORE, MOST),
    "imbalanced-learn SMOTENC": (ROWS,),
    "be_great": (ROWS,),
}
PEERS = (
    "SDV GaussianCopula",
    "python-synthpop",
    "imbalanced-learn SMOTENC",
    "arf",
    "mostlyai-engine",
    "CTGAN",
    "be_great",
    "REaLTabFormer",
)
Result = tuple[dict[str, Any], pl.DataFrame | None]


def tables(folder: Path | None) -> Iterator[tuple[str, pl.DataFrame, str, int]]:
    """Give name, rows, target, and how many rows are learned from."""
    if folder is not None:
        yield "adult", read(folder, ADULT), "salary", 13_333
    yield "breast_cancer", breast_cancer(), "diagnosis", 200


def ours(name: str, train: pl.DataFrame, target: str) -> Result:
    """Fit and sample one of our methods."""
    method, options = OURS[name]
    synthesizer = Synthesizer(method, target=target, options=options, random_state=0)
    _, fit = cpu(lambda: synthesizer.fit(train))
    seconds = {"fit": fit}
    result = synthesizer.sample(1)
    for n in COUNTS.get(name, (ROWS, MORE)):
        rows, seconds[str(n)] = cpu(lambda n=n: synthesizer.sample(n))
        result = rows if n == ROWS else result
    return seconds, result


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if "Error" in line]
    return (lines or ["no reason given"])[-1][:90]


def peer(
    name: str,
    python: str | None,
    train: pl.DataFrame,
    target: str,
    counts: tuple[int, ...] | None = None,
    limit: float | None = None,
) -> Result:
    """Run a peer in its own environment, with empty cells of text as a category."""
    python = None if python is None else python_of(name, Path(python))
    if python is None:
        return {"remark": "not installed"}, None
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder, "train.parquet"), Path(folder, "made.parquet")
        train.with_columns(pl.col(pl.String).fill_null(MISSING)).write_parquet(given)
        asked = ",".join(map(str, counts or COUNTS.get(name, (ROWS, MORE))))
        script = str(Path(__file__).with_name("peers.py"))
        command = [python, script, name, str(given), target, asked, str(out)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=limit
            )
        except subprocess.TimeoutExpired:
            return {"remark": f"stopped after {limit:.0f} s"}, None
        if done.returncode:
            return {"remark": f"failed: {_last_error(done.stderr)}"}, None
        result = json.loads(done.stdout.strip().splitlines()[-1])
        if "missing" in result:
            return {"remark": "not installed"}, None
        created = pl.read_parquet(out)
    return result, created.with_columns(pl.col(pl.String).replace(MISSING, None))


def run_table(
    name: str,
    raw: pl.DataFrame,
    target: str,
    n_train: int,
    python: str | None,
    limit: float | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the table of costs and that of quality."""
    whole = load_table(raw, target=target)
    kept, rest = train_test_split(
        range(raw.height), train_size=n_train, stratify=whole.frame[target], random_state=0
    )
    train, holdout = whole.frame[kept], whole.frame[rest]
    costs, quality = [], [{"rows": "real (train)", **judge(train, train, holdout, whole.schema)}]
    for method in [*OURS, *PEERS]:
        if method in OURS:
            seconds, result = ours(method, train, target)
        else:
            seconds, result = peer(method, python, train, target, limit=limit)
        cells = {
            key: seconds.get(key) for key in ("fit", str(ROWS), str(MORE), str(MOST), "remark")
        }
        costs.append({"rows": method, **cells})
        if result is not None:
            typed = load_as_said(result, whole.schema, None).frame
            quality.append({"rows": method, **judge(train, typed, holdout, whole.schema)})
        print(name, method, seconds, file=sys.stderr, flush=True)
    return costs, quality


def main() -> None:
    """Run the benchmark."""
    parser = parser_for(__doc__ or "")
    parser.add_argument("--data", type=Path, help="folder of the data files")
    parser.add_argument("--peers", help="Python with the peers, or folder of them")
    parser.add_argument("--limit", type=float, help="wall seconds that a peer may take")
    asked = parser.parse_args()
    parts = [NOTES]
    for name, raw, target, n_train in tables(asked.data):
        costs, quality = run_table(name, raw, target, n_train, asked.peers, asked.limit)
        write_csv(f"anchors_{name}", quality)
        parts += [
            f"## {name}: {n_train:,} rows to learn, {raw.height - n_train:,} held out",
            "Seconds of CPU:",
            markdown(costs),
            f"Quality of {ROWS:,} rows:",
            markdown(quality),
        ]
    write_page("anchors", "Our methods and others, in one run", parts)


NOTES = """\
Adult has 20,000 rows here, two thirds to learn from. TSTR: AUROC on the rows held out, learned
from made rows (HGB: boosted trees; LR: logistic regression). Detection: AUC of boosted trees
between held-out and made rows, five folds, 0.5 is ideal. KS, TVD: mean distance of single
columns. Correlations: mean absolute difference. Pair TVD: mean distance of two-way tables
(deciles). DCR share: rows nearer to the training rows than to as many held-out ones, 0.5 is
ideal. Copies: rows equal to a training row. All defaults, one seed: differences of 0.01 in
detection and 0.003 in TSTR are noise. Peers get empty cells of text as a category of their own,
and python-synthpop codes for categories. It draws each column given the *real* values of all
others, so its rows hang on real rows one by one."""


if __name__ == "__main__":
    main()
