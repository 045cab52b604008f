"""Parts where there are none, and where there are: how many of each the rule search describes.

    python -m benchmarks.date.shuffled [--seeds 50] [--rows 300 1000] --runs FILE

Labels that no column tells of have no part whose model errs less than one for all rows: each that
is described is false. Of planted parts two groups in four have a rule that errs in 2 % of their
rows, the others one that errs in 35 %; a part is true where a forest of its rows keeps the bound on
fresh ones. Runs are lines of JSON, continued.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import beta
from sklearn.ensemble import RandomForestClassifier

from benchmarks.measure import cpu, markdown
from benchmarks.trim.report import write
from tablewright.schema import Schema
from tablewright.systems.date.partition import Parts, partition

SHARES, NOISE = np.array([0.3, 0.15, 0.35, 0.2]), np.array([0.02, 0.02, 0.35, 0.35])
KINDS = {"group": "categorical", **{f"x{k}": "continuous" for k in range(4)}}
CASES: dict[str, dict[str, Any]] = {
    "no label is told by a column, half each": {"labels": 0.5},
    "no label is told by a column, a fifth yes": {"labels": 0.2},
    "no number is told by a column": {"labels": None},
    "two clean groups of four": {},
}
BOUND, N_FRESH = 0.1, 6000


def table(n_rows: int, rng: np.random.Generator, **case: Any) -> pl.DataFrame:
    """Rows of four groups, with labels by their rules or by nothing."""
    group, x = rng.choice(4, n_rows, p=SHARES), rng.normal(size=(n_rows, 4))
    yes = (x[np.arange(n_rows), group] > 0) ^ (rng.random(n_rows) < NOISE[group])
    if case and case["labels"] is not None:
        yes = rng.random(n_rows) < case["labels"]
    number = "labels" in case and case["labels"] is None
    return pl.DataFrame({
        "group": [f"g{g}" for g in group], **{f"x{k}": x[:, k] for k in range(4)},
        "y": rng.normal(size=n_rows) if number else np.where(yes, "yes", "no"),
    })  # fmt: skip


def true_parts(parts: Parts, rows: pl.DataFrame, fresh: pl.DataFrame, schema: Schema) -> list[bool]:
    """Say of each described part whether a forest of its rows keeps the bound on fresh ones."""
    of, of_fresh = parts.of(rows, schema), parts.of(fresh, schema)

    def numbers(frame: pl.DataFrame) -> Any:
        groups = [(frame["group"] == f"g{g}").to_numpy() for g in range(4)]
        return np.column_stack([frame.drop("group", "y").to_numpy(), *groups])

    result = []
    for index in [index for index, part in enumerate(parts) if part.rules]:
        own, here = of == index, of_fresh == index
        forest = RandomForestClassifier(30, random_state=0, min_samples_leaf=2)
        forest.fit(numbers(rows)[own], rows["y"].to_numpy()[own])
        wrong = forest.predict(numbers(fresh)[here]) != fresh["y"].to_numpy()[here]
        result.append(bool(here.any() and wrong.mean() <= BOUND))
    return result


def run(case: str, n_rows: int, seed: int) -> dict[str, Any]:
    """Cut one table."""
    rng = np.random.default_rng([seed, n_rows])
    rows = table(n_rows, rng, **CASES[case])
    y = "continuous" if rows["y"].dtype.is_float() else "categorical"
    schema = Schema.build({**KINDS, "y": y}, target="y")
    bound = None if CASES[case] else BOUND
    parts, seconds = cpu(lambda: partition(rows, schema, max_error=bound, seed=seed))
    kept = [False for part in parts if part.rules]
    if not CASES[case]:
        kept = true_parts(parts, rows, table(N_FRESH, rng), schema)
    return {"case": case, "rows": n_rows, "seed": seed, "true": sum(kept),
            "false": len(kept) - sum(kept), "seconds": seconds}  # fmt: skip


def share(n: int, of: int) -> str:
    """A share in percent with its exact 95 % interval."""
    low = beta.ppf(0.025, n, of - n + 1) if n else 0.0
    high = beta.ppf(0.975, n + 1, of - n) if n < of else 1.0
    return f"{n} of {of} ({100 * low:.0f} to {100 * high:.0f} %)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--rows", type=int, nargs="*", default=(300, 1000))
    parser.add_argument("--runs", type=Path, required=True, help="JSON lines, continued")
    options = parser.parse_args()
    lines: list[dict[str, Any]] = []
    if options.runs.exists():
        lines = [json.loads(line) for line in options.runs.read_text().splitlines()]
    done = {(line["case"], line["rows"], line["seed"]) for line in lines}
    for seed in range(options.first, options.first + options.seeds):
        for case in CASES:
            for n_rows in options.rows:
                if (case, n_rows, seed) not in done:
                    lines.append(run(case, n_rows, seed))
                    with options.runs.open("a") as file:
                        file.write(json.dumps(lines[-1]) + "\n")
    runs = pl.DataFrame(lines)
    listed = [
        {"labels": case, "rows": n_rows,
         "tables with a false part": share(int((here["false"] > 0).sum()), here.height),
         "true parts a table": None if CASES[case] else round(here["true"].to_numpy().mean(), 2),
         "CPU s": round(here["seconds"].to_numpy().mean(), 1)}
        for (case, n_rows), here in runs.group_by("case", "rows", maintain_order=True)
    ]  # fmt: skip
    write(Path("benchmarks/date/shuffled.md"), "Parts of shuffled labels", [
        "What the rule search describes where no part exists, by its default bound, and of two "
        f"clean groups of four, with a bound of {BOUND}; exact 95 % intervals. It promises a "
        "false part in one table of ten at most. The limit of numbers is Student's t, which may be "
        "too low for skewed losses of few rows.",
        markdown(listed)])  # fmt: skip


if __name__ == "__main__":
    main()
