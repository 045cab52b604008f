"""Planted parts of which each has a rule of its own: rows for all at once against rows by part.

    python -m benchmarks.date.heterogeneity [--runs FILE] [--seeds 3] [--parts 3 6 12]

The parts are groups of a column, each half as large as the one before down to 4 % of the rows; in
each another number decides the label, and from another side. Local bodies write, and a stand-in
that answers from other rows of the same table: one prompt for all against prompts by part, as
many rows a prompt. Runs are lines of JSON, continued; arms that a run lacks are not in its lines.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier

from benchmarks.date.selectors import interval
from benchmarks.measure import markdown
from benchmarks.trim.report import write
from tablewright.systems.date.system import DATE
from tablewright.testing import StandIn

N_TRAIN, N_TEST, N_ROWS, N_NUMBERS, N_POPULATION = 300, 6000, 300, 4, 3000
PARTS = (3, 6, 12)
KINDS = {"group": "categorical", "y": "categorical",
         **{f"x{k}": "continuous" for k in range(N_NUMBERS)}}  # fmt: skip
ARMS: dict[str, dict[str, Any]] = {
    "all rows at once": {"parts": "one"},
    "parts of a tree": {},
    "the planted parts": {"parts": "planted"},
    "parts of a tree, no feedback": {"feedback": False},
    "parts of a tree, chosen by the bandit": {"strategy": "bandit"},
    "stand-in, one prompt for all": {"parts": "one", "llm": True},
    "stand-in, parts of a tree": {"llm": True},
    "stand-in, the planted parts": {"parts": "planted", "llm": True},
}

PAIRS = (
    ("stand-in, parts of a tree", "stand-in, one prompt for all"),
    ("stand-in, the planted parts", "stand-in, one prompt for all"),
    ("stand-in, the planted parts", "real alone"),
    ("parts of a tree", "all rows at once"), ("the planted parts", "all rows at once"),
    ("parts of a tree", "parts of a tree, no feedback"),
    ("parts of a tree, chosen by the bandit", "parts of a tree"),
    ("as many real rows more", "real alone"),
)  # fmt: skip


def planted(n_parts: int, n_rows: int, rng: np.random.Generator) -> pl.DataFrame:
    """Rows of groups of which each has a rule of its own, and one label in ten wrong."""
    shares = np.maximum(0.5 ** np.arange(1, n_parts + 1), 0.04)
    group = rng.choice(n_parts, n_rows, p=shares / shares.sum())
    x = rng.normal(size=(n_rows, N_NUMBERS))
    side = np.where(group // N_NUMBERS % 2 == 0, 1, -1)
    yes = (side * x[np.arange(n_rows), group % N_NUMBERS] > 0) ^ (rng.random(n_rows) < 0.1)
    columns = {f"x{k}": x[:, k] for k in range(N_NUMBERS)}
    return pl.DataFrame({"group": [f"g{g}" for g in group], **columns,
                         "y": np.where(yes, "yes", "no")})  # fmt: skip


def errors(train: pl.DataFrame, test: pl.DataFrame, n_parts: int) -> tuple[float, float]:
    """Percent of wrong labels, of all rows and of those in the smaller half of the parts."""

    def numbers(rows: pl.DataFrame) -> Any:
        groups = [(rows["group"] == f"g{g}").to_numpy() for g in range(n_parts)]
        return np.column_stack([rows.drop("group", "y").to_numpy(), *groups])

    model = RandomForestClassifier(random_state=0).fit(numbers(train), train["y"].to_numpy())
    wrong = model.predict(numbers(test)) != test["y"].to_numpy()
    rare = test["group"].is_in([f"g{g}" for g in range(n_parts // 2 + n_parts % 2, n_parts)])
    return 100 * float(wrong.mean()), 100 * float(wrong[rare.to_numpy()].mean())


def parts_file(kind: str, n_parts: int, folder: str) -> str:
    """Write a file of parts."""
    path = Path(folder) / "parts.yaml"
    rules = ["[]"] if kind == "one" else [f"[\"group = 'g{g}'\"]" for g in range(n_parts)]
    path.write_text("parts:\n" + "".join(f"  - rules: {rule}\n" for rule in rules))
    return str(path)


def run(n_parts: int, seed: int, arms: Sequence[str]) -> list[dict[str, Any]]:
    rng = np.random.default_rng([seed, n_parts])
    train, test = planted(n_parts, N_TRAIN, rng), planted(n_parts, N_TEST, rng)
    alone = errors(train, test, n_parts)
    more = errors(pl.concat([train, planted(n_parts, N_ROWS, rng)]), test, n_parts)
    lines = [
        {"parts": n_parts, "seed": seed, "arm": arm, "rows": n, "calls": 0, "all": e[0] - alone[0],
         "rare": e[1] - alone[1], "real": alone[0], "real rare": alone[1], "seconds": 0.0}
        for arm, n, e in (("real alone", 0, alone), ("as many real rows more", N_ROWS, more))
    ]  # fmt: skip
    for arm, given in ((arm, ARMS[arm]) for arm in arms):
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            options = {"strategy": "none", **given}
            if "parts" in options:
                options["parts"] = parts_file(options["parts"], n_parts, folder)
            if "llm" in options:
                known = planted(n_parts, N_POPULATION, np.random.default_rng([seed, n_parts, 1]))
                options["llm"] = StandIn(known, target="y")
            system = DATE("y", schema=KINDS, random_state=seed, **options).fit(train)
            rows = system.sample(N_ROWS)
        error = errors(pl.concat([train, rows.select(train.columns)]), test, n_parts)
        lines.append({
            "parts": n_parts, "seed": seed, "arm": arm, "rows": rows.height,
            "calls": system.result_.usage.attempts, "all": error[0] - alone[0],
            "rare": error[1] - alone[1], "real": alone[0], "real rare": alone[1],
            "seconds": round(time.process_time() - start, 1),
        })  # fmt: skip
    return lines


def paired(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """One way of asking less another, run by run, over all numbers of parts."""
    lines = []
    for arm, other in PAIRS:
        here = runs.filter(pl.col("arm") == arm)
        both = here.join(runs.filter(pl.col("arm") == other), on=["parts", "seed"], suffix=" other")
        lines.append({"rows by": arm, "less those by": other, "runs": both.height, **{
            label: interval(both[name] - both[f"{name} other"])
            for label, name in (("error, all", "all"), ("of rare parts", "rare"))}})  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--parts", type=int, nargs="*", default=PARTS)
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--runs", type=Path, required=True, help="JSON lines, continued")
    options = parser.parse_args()
    lines: list[dict[str, Any]] = []
    if options.runs.exists():
        lines = [json.loads(line) for line in options.runs.read_text().splitlines()]
    done = {(line["parts"], line["seed"]) for line in lines}
    for seed in range(options.first, options.first + options.seeds):
        for n_parts in options.parts:
            if (n_parts, seed) not in done:
                made = run(n_parts, seed, options.arms)
                with options.runs.open("a") as file:
                    file.writelines(json.dumps(line) + "\n" for line in made)
                lines += made
                print(f"{n_parts} parts, seed {seed}", flush=True)
    runs = pl.DataFrame(lines)
    table = [
        {"parts": n_parts, "rows by": arm, "runs": here.height,
         "rows": round(float(here["rows"].mean())),  # type: ignore[arg-type]  # a mean of numbers
         "calls": round(float(here["calls"].mean())),  # type: ignore[arg-type]  # as above
         "error change, all": interval(here["all"]), "of rare parts": interval(here["rare"]),
         "error, real alone": round(float(here["real"].mean()), 1),  # type: ignore[arg-type]  # as above
         "rare, real alone": round(float(here["real rare"].mean()), 1),  # type: ignore[arg-type]  # as above
         "CPU s": round(float(here["seconds"].mean()), 1)}  # type: ignore[arg-type]  # as above
        for (n_parts, arm), here in runs.group_by("parts", "arm", maintain_order=True)
    ]  # fmt: skip
    write(Path("benchmarks/date/heterogeneity.md"), "Planted parts", [
        f"{N_TRAIN} real rows, {N_ROWS} generated, a forest asked about {N_TEST:,}. Change of its "
        "error in points by adding the rows, below 0 being better; 95 % intervals over seeds. "
        "Rare parts are the smaller half of them. Lines of the stand-in are a simulation: it "
        f"answers from {N_POPULATION:,} other rows, ten rows a prompt.",
        "All numbers of parts together, run by run:", markdown(paired(runs)),
        markdown(sorted(table, key=lambda line: line["parts"]))])  # fmt: skip


if __name__ == "__main__":
    main()
