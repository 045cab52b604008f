"""Trim recorded pools of CLLM and EPIC: does it undo the harm, and what is left of them?

    python -m benchmarks.trim.recorded --data DIR [--seeds 5] [--trust data] [--out FILE]

DIR holds one folder per data set with ``real.parquet`` (target last) and ``pools/*.csv``: see
`benchmarks/evaluation/recorded.py` for their origin. 200 real rows are learned from and up to
2,000 others are predicted; candidates that equal one of those are taken out first.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from benchmarks.measure import markdown
from benchmarks.trim.report import shown, write
from tablewright import Trim
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.row_keys import row_keys
from tablewright.selection.candidates import read_candidates
from tablewright.selection.label_checks import Trust
from tablewright.tables.table import load_table

TRAIN, TEST = 200, 2000
POOLS = ("cllm", "epic-*")


def learner(name: str, number: bool, seed: int) -> Any:
    kinds = {
        "forest": (RandomForestClassifier, RandomForestRegressor),
        "tree": (DecisionTreeClassifier, DecisionTreeRegressor),
    }
    return kinds[name][number](random_state=seed)


def error(name: str, train: pl.DataFrame, test: pl.DataFrame, target: str, seed: int) -> float:
    """Share of wrong labels, or root mean squared error."""
    number = bool(train[target].dtype.is_float())
    x, y = train.drop(target).to_numpy().astype(float), train[target].to_numpy()
    model = learner(name, number, seed).fit(x, y)
    result = model.predict(test.drop(target).to_numpy().astype(float))
    truth = test[target].to_numpy()
    if number:
        return float(np.sqrt(((result - truth) ** 2).mean()))
    return float((result != truth).mean())


def run(folder: Path, pool: Path, seed: int, trust: Trust) -> dict[str, Any]:
    whole = pl.read_parquet(folder / "real.parquet")
    target = whole.columns[-1]
    order = np.random.default_rng(seed).permutation(whole.height)
    train, test = whole[order[:TRAIN].tolist()], whole[order[TRAIN : TRAIN + TEST].tolist()]
    table = load_table(train, target=target)
    typed_test = read_candidates(test, table.schema, table.frame).frame
    ruler = FeatureEncoder.fit(table.frame, table.schema)
    known = row_keys(ruler.rows(table.frame))
    held = row_keys(ruler.rows(typed_test))
    alone = {
        name: error(name, table.frame, typed_test, target, seed) for name in ("forest", "tree")
    }
    text = pl.read_csv(pool, infer_schema=False)
    keys = row_keys(ruler.rows(read_candidates(text, table.schema, table.frame).frame))
    text = text.filter(~np.isin(keys, held))
    read = read_candidates(text, table.schema, table.frame)
    usable = read.frame.filter(
        pl.Series([not declared for declared in read.unreadable])
    ).drop_nulls()
    trim = Trim(schema=table.schema, trust=trust, random_state=seed).fit(table.frame)
    trim.transform(text)
    kept = trim.result_.rows()
    changes = {
        f"{name} {arm}": 100 * (1 - error(name, rows, typed_test, target, seed) / alone[name])
        for arm, added in (("untrimmed", usable), ("trimmed", kept))
        for rows in [pl.concat([table.frame, added.drop_nulls()])]
        for name in alone
    }
    return {
        "data set": folder.name,
        "pool": pool.stem,
        "seed": seed,
        "pool rows": text.height,
        "kept": kept.height,
        "trust": trim.result_.trust,
        "copies before": int(np.isin(row_keys(ruler.rows(usable)), known).sum()),
        "copies after": int(np.isin(row_keys(ruler.rows(kept)), known).sum()),
        **changes,
    }


def tables(found: pl.DataFrame) -> list[dict[str, Any]]:
    lines = []
    for (data, pool), here in found.group_by("data set", "pool", maintain_order=True):
        changes = {
            f"{name}, {arm}": shown(values)
            for name in ("forest", "tree")
            for arm in ("untrimmed", "trimmed")
            for values in [here[f"{name} {arm}"].to_numpy()]
        }
        lines.append(
            {
                "data set": data,
                "pool": pool,
                "seeds": here.height,
                "rows": int(here["pool rows"].mean()),
                "kept, %": round(100 * float((here["kept"] / here["pool rows"]).mean()), 1),
                "generator trusted": f"{(here['trust'] == 'generator').sum()} of {here.height}",
                "copies before": int(here["copies before"].mean()),
                "after": int(here["copies after"].max()),
                **changes,
            }
        )
    return lines


def verdicts(found: pl.DataFrame) -> list[dict[str, Any]]:
    lines = []
    for kind in ("cllm", "epic"):
        here = found.filter(pl.col("pool").str.starts_with(kind))
        if not here.height:
            continue
        for name in ("forest", "tree"):
            means = [
                here.group_by("data set").agg(pl.col(f"{name} {arm}").mean())[f"{name} {arm}"]
                for arm in ("untrimmed", "trimmed")
            ]
            lines.append(
                {
                    "pools": kind,
                    "learner": name,
                    "untrimmed, mean of the data sets, %": round(float(means[0].mean()), 1),
                    "trimmed": round(float(means[1].mean()), 1),
                    "worst data set, trimmed": round(float(means[1].min()), 1),
                    "not negative": "met" if float(means[1].mean()) >= 0 else "missed",
                }
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--pools", nargs="+", default=POOLS, help="names of pools, * allowed")
    parser.add_argument("--trust", choices=get_args(Trust), default="auto", help="as for Trim")
    parser.add_argument("--runs", type=Path, help="JSON lines, continued where they end")
    parser.add_argument("--out", type=Path, help="recorded.md, or recorded_TRUST.md, by default")
    options = parser.parse_args()
    of_trust = "" if options.trust == "auto" else f"_{options.trust}"
    lines = []
    if options.runs is not None and options.runs.exists():
        lines = [json.loads(line) for line in options.runs.read_text().splitlines()]
    done = {(line["data set"], line["pool"], line["seed"]) for line in lines}
    indices = [p for n in options.pools for p in sorted(options.data.glob(f"*/pools/{n}.csv"))]
    for seed in range(options.first, options.first + options.seeds):
        for index in indices:
            folder = index.parent.parent
            if (folder.name, index.stem, seed) in done:
                continue
            lines.append(run(folder, index, seed, options.trust))
            if options.runs is not None:
                with options.runs.open("a") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
            print(seed, folder.name, index.stem, flush=True)
    result = pl.DataFrame(lines).sort("data set", "pool", "seed")
    cllm = result.filter(pl.col("pool") == "cllm").group_by("data set", maintain_order=True)
    shares = cllm.agg((pl.col("kept") / pl.col("pool rows")).mean().alias("share"))
    many = shares.filter(pl.col("share") >= 0.3)["data set"].to_list()
    copies = int(result["copies after"].max())
    intro = (
        "Change of the error of a forest and a tree (defaults of scikit-learn) by adding the pool "
        "to 200 real rows, in percent of the error with real rows alone, positive being better; "
        f"seeds from {options.first} on; after ± the standard error over seeds. "
        "Error: share of wrong labels, root mean squared error for boston. All rows of a pool that "
        "can be read and have a label are the untrimmed pool."
    )
    declared = (
        f"At least 30 % of the CLLM pool is kept on {len(many)} data sets (asked for: two)"
        f"{': ' if many else ''}{', '.join(many)}. Copies of training rows left after trimming: "
        f"{copies}. Rows of EPIC that equal other real rows, neither learned from nor predicted, "
        "are true rows here and may stay."
    )
    write(
        options.out or Path(f"benchmarks/trim/results/recorded{of_trust}.md"),
        f"Recorded pools, trust={options.trust}",
        [intro, markdown(verdicts(result)), declared, markdown(tables(result))],
    )


if __name__ == "__main__":
    main()
