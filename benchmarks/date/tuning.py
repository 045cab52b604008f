"""Families that judge, and how sure the confirmation has to be: on other seeds than are reported.

    python -m benchmarks.date.tuning --runs FILE [--data DIR] [--pool NAME ...] [--first 160]
    python -m benchmarks.date.tuning --page FILE ... [--out PAGE]

Pools of made tables, or recorded ones of DIR, as in `benchmarks.date.selectors`. A choice by two
or three families of learners is made once; margins of its confirmation are tried on it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from benchmarks.date.selectors import N_ROWS, POOLS, Split, interval, made_tables
from benchmarks.measure import markdown
from benchmarks.trim.recorded import error
from benchmarks.trim.report import write
from tablewright.metrics.learners import LEARNERS
from tablewright.metrics.scorer import Scorer
from tablewright.selection import selector as module
from tablewright.selection.selector import Selector

FAMILIES = ("boosted trees, linear", "boosted trees, linear, forest", "linear, forest")
MARGINS = (0.0, 0.5, 1.0)
FORESTS, TREES = 3, 6


def judges(families: str, number: bool) -> tuple[Any, ...]:
    """Return the learners that judge."""
    kind = RandomForestRegressor if number else RandomForestClassifier
    named = {"forest": kind(25, min_samples_leaf=2), **{name: name for name in LEARNERS}}
    return tuple(named[name] for name in families.split(", "))


def errors(train: pl.DataFrame, split: Split, seed: int) -> dict[str, float]:
    """Error of forests and of trees, mean over their seeds."""
    target = str(split.schema.target)
    return {
        name: float(np.mean([error(name, train, split.test, target, 100 * seed + k)
                             for k in range(n)]))
        for name, n in (("forest", FORESTS), ("tree", TREES))
    }  # fmt: skip


def run(split: Split, seed: int) -> list[dict[str, Any]]:
    """Choose by each set of families, whatever the confirmation says."""
    tester = Scorer(split.train, split.schema, holdout=split.test, seed=seed)
    alone, lines = errors(split.train, split, seed), []
    for arm in ("greedy", *FAMILIES):
        selector = Selector("greedy" if arm == "greedy" else "bandit", random_state=seed)
        selector.fit_typed(split.train, split.schema, split.validation)
        number = split.schema[str(split.schema.target)].kind.is_numeric
        selector.scorer_ = Scorer(
            split.train, split.schema, holdout=split.validation, seed=selector.seed_, n_trees=25,
            learners=judges(FAMILIES[0] if arm == "greedy" else arm, number),
        )  # fmt: skip
        start = time.process_time()
        chosen = selector.choose(split.pool, split.groups, N_ROWS)
        rows = split.pool[chosen.chosen.tolist()].select(split.train.columns)
        after = errors(pl.concat([split.train, rows]), split, seed)
        honest = chosen.honest
        lines.append({
            "seed": seed, "arm": arm, "rows": rows.height,
            **{name: 100 * (1 - after[name] / alone[name]) for name in alone},
            "test": tester.gain(rows).value if rows.height else 0.0,
            "belief": 0.0 if chosen.belief is None else chosen.belief.value,
            "honest": None if honest is None else honest.value,
            "se": None if honest is None else honest.error,
            "sec": round(time.process_time() - start, 1),
        })  # fmt: skip
    return lines


def summary(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """One line for each set of families and margin; nothing kept counts as 0."""
    lines = []
    for pool in runs["pool"].unique(maintain_order=True):
        for arm in ("greedy", *FAMILIES):
            here = runs.filter((pl.col("pool") == pool) & (pl.col("arm") == arm))
            for margin in (None,) if arm == "greedy" else MARGINS:
                keeps = here["rows"] > 0
                if margin is not None:
                    keeps &= here["honest"] > margin * here["se"]
                value = {name: here[name].fill_null(0.0) * keeps for name in
                         ("forest", "tree", "test", "belief")}  # fmt: skip
                lines.append({
                    "pool": pool, "judges": arm, "margin": margin, "runs": here.height,
                    "kept": int(keeps.sum()), "forest, %": interval(value["forest"]),
                    "tree, %": interval(value["tree"]), "gain on test": interval(value["test"], 4),
                    "belief - test": interval(value["belief"] - value["test"], 4),
                    "CPU s": round(float(here["sec"].mean()), 1),  # type: ignore[arg-type]  # a number
                })  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="JSON lines, continued")
    parser.add_argument("--data", type=Path, help="folder of tables; made ones where none is named")
    parser.add_argument("--pool", nargs="*", default=["groups", "turned", "regions"])
    parser.add_argument("--first", type=int, default=160)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--page", type=Path, nargs="*", help="files of runs; no run is made")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/date/tuning.md"))
    options = parser.parse_args()
    if options.page is not None:
        page(options.page, options.out)
        return
    module.CONFIRMED = -np.inf  # margins are tried afterwards
    tables = made_tables() if options.data is None else {
        path.parent.name: pl.read_parquet(path)
        for path in sorted(options.data.glob("*/real.parquet"))
    }  # fmt: skip
    for seed in range(options.first, options.first + options.seeds):
        for name, whole in tables.items():
            for kind in options.pool:
                pool = kind
                if kind not in POOLS:
                    path = options.data / name / "pools" / f"{kind}.csv"
                    pool = pl.read_csv(path, infer_schema=False)
                with options.runs.open("a") as file:
                    for line in run(Split.of(whole, pool, seed), seed):
                        file.write(json.dumps({"table": name, "pool": kind, **line}) + "\n")


def page(files: list[Path], out: Path) -> None:
    """Write the table of some files of runs."""
    runs = pl.DataFrame([json.loads(line) for file in files for line in
                         file.read_text().splitlines()], infer_schema_length=None)  # fmt: skip
    seeds = ", ".join(map(str, sorted(set(runs["seed"].to_list()))))
    write(out, "Who judges, and how sure the confirmation is", [
        "Margin: standard errors by which the honest estimate has to be above nothing, else "
        "nothing is kept and counts as 0. Greedy is judged by two families here. Change of the "
        "error of a forest (mean of three) and a tree (of six) in percent, positive being better; "
        "gain on test rows by boosted trees and a linear model. A forest that judges has 25 trees "
        "here and 15 in the selector. 95 % intervals over runs; seeds "
        f"{seeds}, none of which is reported elsewhere.",
        markdown(summary(runs))])  # fmt: skip


if __name__ == "__main__":
    main()
