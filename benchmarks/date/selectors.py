"""Selectors on recorded and constructed pools: does the choice help, and how much is believed?

    python -m benchmarks.date.selectors --data DIR [--seeds 3] [--pool cllm|half] [--out FILE]

DIR holds a folder for each table with ``real.parquet`` (target last) and ``pools/*.csv``. 200 real
rows are learned from, 200 judge, and up to 2,000 others, which no selector sees, are predicted.
``half`` is a constructed pool: 200 unused real rows, and 200 others with labels of other rows.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.datasets import make_classification, make_friedman1

from benchmarks.measure import markdown
from benchmarks.trim.recorded import error
from benchmarks.trim.report import shown, write
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.privacy import row_keys
from tablewright.metrics.scorer import Scorer
from tablewright.schema import Schema
from tablewright.selection.candidates import read_candidates
from tablewright.selection.selector import Selector, cut_groups
from tablewright.systems.date.published import Judge, top_k, ucb
from tablewright.tables.table import load_table

TRAIN, VALIDATION, TEST, N_ROWS, HALF = 200, 200, 2000, 100, 200
ARMS = ("random rows", "label check", "greedy", "top-k", "published bandit", "ours",
        "100 more real rows")  # fmt: skip


@dataclass
class Split:
    """One table cut once: rows to learn from, to judge by, to be asked about, and candidates."""

    schema: Schema
    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame
    spare: pl.DataFrame
    pool: pl.DataFrame

    @classmethod
    def of(cls, whole: pl.DataFrame, text: pl.DataFrame | None, seed: int) -> Split:
        target = whole.columns[-1]
        rng = np.random.default_rng(seed)
        n_test = min(TEST, max(100, whole.height - TRAIN - VALIDATION - 2 * HALF - N_ROWS))
        cuts = np.cumsum([TRAIN, VALIDATION, n_test, N_ROWS])
        order = rng.permutation(whole.height)
        first, judging, asked, more, rest = (whole[part.tolist()] for part in np.split(order, cuts))
        table = load_table(first, target=target)

        def typed(rows: pl.DataFrame) -> pl.DataFrame:
            read = read_candidates(rows, table.schema, table.frame)
            return read.frame.filter(
                ~pl.Series([bool(why) for why in read.unreadable], dtype=pl.Boolean)
            ).drop_nulls()

        if text is None:
            n_half = min(HALF, rest.height // 2)
            good, bad = rest[:n_half], rest[n_half : 2 * n_half]
            bad = bad.with_columns(_turned(bad[target], rng))
            text = pl.concat([good, bad])[rng.permutation(2 * n_half).tolist()]
        test, validation, pool = typed(asked), typed(judging), typed(text)
        scorer = Scorer(table.frame, table.schema)
        held = row_keys(_rows(scorer, pl.concat([test, validation])))
        pool = pool.filter(~np.isin(row_keys(_rows(scorer, pool)), held))
        return cls(table.schema, table.frame, validation, test, typed(more), pool)


def _rows(scorer: Scorer, frame: pl.DataFrame) -> EncodedRows:
    return scorer.encoder.rows(frame, "candidate")


def _turned(labels: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Give each row a class that is not its own, or the number of another row."""
    classes = labels.unique().sort()
    if len(classes) > 10:
        return labels[rng.permutation(len(labels)).tolist()].alias(labels.name)
    code = {label: k for k, label in enumerate(classes)}
    steps = rng.integers(1, len(classes), len(labels))
    pairs = zip(labels, steps, strict=True)
    turned = [classes[int((code[label] + step) % len(classes))] for label, step in pairs]
    return pl.Series(labels.name, turned, dtype=labels.dtype)


def run(whole: pl.DataFrame, text: pl.DataFrame | None, seed: int) -> list[dict[str, Any]]:
    """Let each selector choose once; errors, and the gain by the scorer's own learners."""
    split = Split.of(whole, text, seed)
    target = str(split.schema.target)
    tester = Scorer(split.train, split.schema, holdout=split.test, seed=seed)
    alone = {
        name: error(name, split.train, split.test, target, seed) for name in ("forest", "tree")
    }
    lines = []
    for arm in ARMS:
        start = time.process_time()
        rows, told = chosen(arm, split, seed)
        seconds = time.process_time() - start
        joined = pl.concat([split.train, rows.select(split.train.columns)])
        change = {
            name: 100 * (1 - error(name, joined, split.test, target, seed) / alone[name])
            for name in alone
        }
        gain = tester.gain(rows).value if rows.height else 0.0
        lines.append({"seed": seed, "arm": arm, "rows": rows.height, **change,
                      "test gain": gain, "seconds": round(seconds, 1), **told})  # fmt: skip
    return lines


def chosen(arm: str, split: Split, seed: int) -> tuple[pl.DataFrame, dict[str, float | None]]:
    """Return the rows that a selector takes, and what it believes of them."""
    pool, rng = split.pool, np.random.default_rng([seed, 1])
    if arm == "100 more real rows":
        return split.spare, {}
    if arm == "random rows":
        return pool[np.sort(rng.permutation(pool.height)[:N_ROWS]).tolist()], {}
    strategy = {"label check": "label-check", "greedy": "greedy"}.get(arm, "bandit")
    selector = Selector(strategy, n_samples=N_ROWS, random_state=seed)
    selector.fit_typed(split.train, split.schema, split.validation)
    if arm in ("top-k", "published bandit"):
        return pool[published(arm, split, selector, seed)], {}
    found = selector.choose(pool)
    told = {
        "belief": None if found.belief is None else found.belief.value,
        "honest": None if found.honest is None else found.honest.value,
    }
    return pool[found.chosen.tolist()], told


def published(arm: str, split: Split, selector: Selector, seed: int) -> list[int]:
    rows = selector.encoder_.rows(split.pool, "candidate")
    names, arm_of = cut_groups(selector.paths(rows))
    sizes = np.bincount(arm_of, minlength=len(names)).astype(np.intp)

    def numbers(frame: pl.DataFrame) -> tuple[Any, Any]:
        target = str(split.schema.target)
        codes = frame[target].cast(pl.String).cast(pl.Float64, strict=False)
        if codes.null_count():
            codes = frame[target].cast(pl.Categorical).to_physical().cast(pl.Float64)
        return frame.drop(target).to_numpy().astype(float), codes.to_numpy()

    judge = Judge(
        numbers(split.train),
        numbers(split.validation),
        numbers(split.pool),
        arm_of,
        seed,
        split.schema[str(split.schema.target)].kind.is_discrete,
    )
    # Paths are those of one tree, so a row meets all predicates of its own: support is alike.
    support = np.full(len(names), 1.0)
    choose = top_k(judge, sizes, N_ROWS) if arm == "top-k" else ucb(judge, sizes, N_ROWS, support)
    return np.flatnonzero(np.isin(arm_of, choose)).tolist()


def made_tables() -> dict[str, pl.DataFrame]:
    """Tables that a formula makes, for choosing constants: two classes, four, and a number."""
    two = make_classification(3000, 10, n_informative=5, flip_y=0.05, random_state=1)
    four = make_classification(
        3000, 12, n_informative=6, n_classes=4, class_sep=1.5, random_state=2
    )
    number = make_friedman1(3000, noise=2.0, random_state=3)
    return {
        name: pl.DataFrame(x, schema=[f"x{k}" for k in range(x.shape[1])]).with_columns(
            y=pl.Series(y if name == "number" else [f"c{int(code)}" for code in y])
        )
        for name, (x, y) in (("two classes", two), ("four classes", four), ("number", number))
    }


def summary(found: pl.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    lines = []
    for key, here in found.group_by(*by, maintain_order=True):
        told = here.filter(pl.col("rows") > 0)
        optimism = told["belief"].fill_null(0) - told["test gain"]
        known = told["belief"].null_count() < told.height
        honest = told.filter(pl.col("honest").is_not_null())
        gap = (honest["honest"] - honest["test gain"]).to_numpy()
        lines.append({
            **dict(zip(by, key, strict=True)),
            "runs": here.height, "kept nothing": int((here["rows"] == 0).sum()),
            "rows": round(float(here["rows"].mean())),
            "forest, %": shown(here["forest"].to_numpy()),
            "tree, %": shown(here["tree"].to_numpy()),
            "gain on test": shown(here["test gain"].to_numpy(), 4),
            "belief - test": shown(optimism.to_numpy(), 4) if known and told.height else "–",
            "honest - test": shown(gap, 4) if len(gap) else "–",
            "CPU s": round(float(here["seconds"].mean()), 1),
        })  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of tables; made ones where none is named")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--pool", default="cllm", help="name of a recorded pool, or half")
    parser.add_argument("--runs", type=Path, required=True, help="JSON lines, continued")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    lines: list[dict[str, Any]] = []
    if options.runs.exists():
        lines = [json.loads(line) for line in options.runs.read_text().splitlines()]
    done = {(line["table"], line["seed"]) for line in lines}
    tables = made_tables() if options.data is None else {
        place.parent.name: pl.read_parquet(place)
        for place in sorted(options.data.glob("*/real.parquet"))
    }  # fmt: skip
    for seed in range(options.first, options.first + options.seeds):
        for name, whole in tables.items():
            if (name, seed) in done:
                continue
            if options.pool == "half" and whole.height < 3 * (TRAIN + VALIDATION):
                continue  # too small to spare rows for a pool
            place = Path() if options.data is None else options.data / name / "pools"
            half = options.pool == "half" or options.data is None
            text = None if half else pl.read_csv(place / f"{options.pool}.csv", infer_schema=False)
            made = [{"table": name, **line} for line in run(whole, text, seed)]
            with options.runs.open("a") as file:
                file.writelines(json.dumps(line) + "\n" for line in made)
            lines += made
            print(seed, name, flush=True)
    found = pl.DataFrame(lines, infer_schema_length=None)
    if options.out is None:
        print(markdown(summary(found, ["arm"])))
        print(markdown(summary(found, ["table", "arm"])))
        return
    write(options.out, f"Selectors, pool: {options.pool}", [
        "Change of the error of a forest and a tree (defaults of scikit-learn) by adding what was "
        "chosen to 200 real rows, in percent of the error with real rows alone, positive being "
        "better; ± standard error over runs. Gain on test: the proper score of the scorer's own "
        "learners on rows that no selector saw. Belief and honest estimate less that gain, over "
        "runs that kept rows: above nothing is optimism.",
        markdown(summary(found, ["arm"])), markdown(summary(found, ["table", "arm"])),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
