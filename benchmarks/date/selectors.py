"""Selectors on recorded and constructed pools: does the choice help, and how much is believed?

    python -m benchmarks.date.selectors --runs FILE [--data DIR] [--pool NAME] [--seeds 3]
    python -m benchmarks.date.selectors --page FILE ... --pool NAME --out PAGE

DIR holds a folder for each table with ``real.parquet`` (target last) and ``pools/*.csv``; tables
that a formula makes are taken where none is named. 200 real rows are learned from, 200 judge, and
up to 2,000 others, which no selector sees, are predicted. Constructed pools have 200 unused real
rows and 200 others whose labels are turned: ``groups`` by twenties whose name is known,
``regions`` on one side of a plane, ``mixed`` at random, and ``turned`` has 400 turned rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats
from sklearn.datasets import make_classification, make_friedman1

from benchmarks.measure import markdown
from benchmarks.trim.recorded import error, learner
from benchmarks.trim.report import write
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design
from tablewright.metrics.row_keys import row_keys
from tablewright.metrics.scorer import Scorer
from tablewright.schema import Schema
from tablewright.selection.candidates import read_candidates
from tablewright.selection.selector import Selector, cut_groups
from tablewright.systems.date.partition import partition
from tablewright.systems.date.published import Judge, published_choice
from tablewright.systems.date.routing import RoutedPredictor
from tablewright.tables.table import load_table

TRAIN, VALIDATION, TEST, N_ROWS, HALF, GROUP = 200, 200, 2000, 100, 200, 20
OTHER_TREES = 6
"""Whose seeds are not that of the tree by which the published selectors judge."""
PUBLISHED = {"top-k": "top-k", "forward": "forward", "backward": "backward",
             "published bandit": "ucb", "successive rejects": "successive rejects"}  # fmt: skip
BY_TREE = "ours, judged by a tree"
ARMS = ("random rows", "label check", "greedy", *PUBLISHED, "ours", BY_TREE, "parts only",
        "100 more real rows")  # fmt: skip
POOLS = {
    "groups": "200 unused real rows, and 200 others with turned labels, in groups of 20 rows that "
    "are all right or all wrong; the groups are told, their worth is not",
    "regions": "400 unused real rows, the labels of which are turned on one side of a random plane",
    "mixed": "200 unused real rows, and 200 others with turned labels, in no group. Of two classes "
    "such labels are coins that were tossed: nothing tells a right one from a wrong one but rows "
    "that know better",
    "turned": "400 unused real rows with turned labels: nothing of it is worth keeping",
}


@dataclass
class Split:
    """One table cut once: rows to learn from, to judge by, to be asked about, and candidates."""

    schema: Schema
    train: pl.DataFrame
    validation: pl.DataFrame
    test: pl.DataFrame
    spare: pl.DataFrame
    pool: pl.DataFrame
    groups: list[str] | None

    @classmethod
    def of(cls, whole: pl.DataFrame, pool: str | pl.DataFrame, seed: int) -> Split:
        """Cut a table; the pool is a recorded one, or the name of how it is made."""
        rng = np.random.default_rng(seed)
        n_test = min(TEST, max(100, whole.height - TRAIN - VALIDATION - 2 * HALF - N_ROWS))
        cuts = np.cumsum([TRAIN, VALIDATION, n_test, N_ROWS])
        order = rng.permutation(whole.height)
        first, judging, asked, more, rest = (whole[part.tolist()] for part in np.split(order, cuts))
        table = load_table(first, target=whole.columns[-1])

        def typed(rows: pl.DataFrame) -> pl.DataFrame:
            read = read_candidates(rows, table.schema, table.frame)
            return read.frame.filter(
                ~pl.Series([bool(why) for why in read.unreadable], dtype=pl.Boolean)
            ).drop_nulls()

        groups = None
        if isinstance(pool, str):
            rows = typed(constructed(pool, rest.head(2 * HALF), rng))
            if pool == "groups":
                groups = [f"group {row // GROUP}" for row in range(rows.height)]
        else:
            rows = typed(pool)
        test, validation = typed(asked), typed(judging)
        if groups is None:  # recorded rows may repeat real ones
            encoder = FeatureEncoder.fit(table.frame, table.schema)
            held = row_keys(encoder.rows(pl.concat([test, validation]), "held"))
            rows = rows.filter(~np.isin(row_keys(encoder.rows(rows, "candidate")), held))
        return cls(table.schema, table.frame, validation, test, typed(more), rows, groups)


def constructed(kind: str, rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Turn the labels of half of the rows, or of all."""
    target = rows.columns[-1]
    half = np.arange(rows.height) % 2 == 0
    if kind == "mixed":
        wrong = rng.permutation(half)
    elif kind == "groups":
        wrong = np.repeat(rng.permutation(half[: rows.height // GROUP]), GROUP)
    elif kind == "turned":
        wrong = np.ones(rows.height, dtype=bool)
    else:
        values = stats.zscore(rows.drop(target).to_numpy().astype(float), axis=0)
        across = np.nan_to_num(values) @ rng.normal(size=values.shape[1])
        wrong = across > np.median(across)
    turned = _turned(rows[target], rng)
    return rows.with_columns(pl.when(pl.Series(wrong)).then(turned).otherwise(target).alias(target))


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


def run(
    whole: pl.DataFrame, pool: str | pl.DataFrame, seed: int, arms: Sequence[str] = ARMS
) -> list[dict[str, Any]]:
    """Let each selector choose once; errors, and the gain by the scorer's own learners."""
    split = Split.of(whole, pool, seed)
    target = str(split.schema.target)
    tester = Scorer(split.train, split.schema, holdout=split.test, seed=seed)
    names = ("forest", "tree")
    alone = {name: error(name, split.train, split.test, target, seed) for name in names}

    def others(rows: pl.DataFrame) -> float:
        seeds = range(1000 * (seed + 1), 1000 * (seed + 1) + OTHER_TREES)
        return float(np.mean([error("tree", rows, split.test, target, k) for k in seeds]))

    lines = []
    for arm in arms:
        start = time.process_time()
        rows, told = chosen(arm, split, seed)
        seconds = time.process_time() - start
        joined = pl.concat([split.train, rows.select(split.train.columns)])
        after = {
            name: routed_error(name, split, seed) if arm == "parts only"
            else error(name, joined, split.test, target, seed)
            for name in names
        }  # fmt: skip
        change = {name: 100 * (1 - after[name] / alone[name]) for name in names}
        gain = tester.gain(rows).value if rows.height else None if arm == "parts only" else 0.0
        change["other trees"] = 100 * (1 - others(joined) / others(split.train))
        lines.append({"seed": seed, "arm": arm, "rows": rows.height, **change,
                      "test gain": gain, "seconds": round(seconds, 1), **told})  # fmt: skip
    return lines


def routed_error(name: str, split: Split, seed: int) -> float:
    """Error of the paper's predictor, a model for each part of the real rows, and no other row."""
    number = split.schema[str(split.schema.target)].kind.is_numeric
    parts = partition(split.train, split.schema, method="tree", max_parts=6, seed=seed)
    routed = RoutedPredictor(parts, split.schema, learner(name, number, seed)).fit(split.train)
    truth = split.test[str(split.schema.target)].to_numpy()
    predicted = routed.predict(split.test)
    if number:
        return float(np.sqrt(((predicted - truth) ** 2).mean()))
    return float((predicted != truth).mean())


def chosen(arm: str, split: Split, seed: int) -> tuple[pl.DataFrame, dict[str, float | None]]:
    """Return the rows that a selector takes, and what it believes of them."""
    pool, rng = split.pool, np.random.default_rng([seed, 1])
    if arm == "100 more real rows":
        return split.spare, {}
    if arm == "parts only":
        return pool.clear(), {}
    if arm == "random rows":
        return pool[np.sort(rng.permutation(pool.height)[:N_ROWS]).tolist()], {}
    strategy = {"label check": "label-check", "greedy": "greedy"}.get(arm, "bandit")
    learners = "tree" if arm == BY_TREE else None
    selector = Selector(strategy, n_samples=N_ROWS, learners=learners, random_state=seed)
    selector.fit_typed(split.train, split.schema, split.validation)
    if arm in PUBLISHED:
        return pool[as_published(arm, split, selector, seed)], {}
    result = selector.choose(pool, split.groups)
    told = {
        "belief": None if result.belief is None else result.belief.value,
        "honest": None if result.honest is None else result.honest.value,
    }
    return pool[result.chosen.tolist()], told


def as_published(arm: str, split: Split, selector: Selector, seed: int) -> list[int]:
    """Choose among the same groups as ours does by one of the paper's selectors."""
    encoder = selector.encoder_
    rows = encoder.rows(split.pool, "candidate")
    _, arm_of = cut_groups(split.groups or selector.paths(rows))
    train, validation = (
        Design.of(encoder.rows(frame, "real")) for frame in (split.train, split.validation)
    )
    classes = split.schema[str(split.schema.target)].kind.is_discrete
    judge = Judge(train, validation, Design.of(rows), arm_of, classes, seed)
    parts = partition(split.train, split.schema, method="tree", max_parts=6, seed=seed)
    part_of = parts.of(split.validation, split.schema)
    taken = published_choice(PUBLISHED[arm], judge, N_ROWS, part_of)
    return np.flatnonzero(np.isin(arm_of, taken)).tolist()


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


def interval(values: Sequence[float], digits: int = 1) -> str:
    """Mean with its 95 % interval over runs."""
    x = np.asarray(values, dtype=float)
    if not len(x):
        return "–"
    if len(x) == 1:
        return f"{x[0]:+.{digits}f}"
    width = stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return (
        f"{x.mean():+.{digits}f} ({x.mean() - width:+.{digits}f} to {x.mean() + width:+.{digits}f})"
    )


def summary(runs: pl.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    """One line for each arm."""
    lines = []
    for key, here in runs.group_by(*by, maintain_order=True):
        kept = here.filter(pl.col("rows") > 0)
        told = kept.drop_nulls("belief")
        honest = kept.drop_nulls("honest")
        lines.append({
            **dict(zip(by, key, strict=True)),
            "runs": here.height,
            "kept nothing": here["test gain"].count() - kept.height,
            "rows": round(float(here["rows"].mean())),
            "forest, %": interval(here["forest"]), "tree, %": interval(here["tree"]),
            "gain on test": interval(here["test gain"].drop_nulls(), 4),
            "belief - test": interval(told["belief"] - told["test gain"], 4),
            "honest - test": interval(honest["honest"] - honest["test gain"], 4),
            "CPU s": round(float(here["seconds"].mean()), 1),
        })  # fmt: skip
    return lines


def optimism(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Belief less the gain on test rows; where nothing was kept both are 0."""
    lines, means = [], []
    for arm in ("greedy", "ours"):  # by the same learners
        here = runs.filter(pl.col("arm") == arm)
        kept = here.filter(pl.col("rows") > 0)
        belief = pl.when(pl.col("rows") > 0).then("belief").otherwise(0.0)
        every = here.select((belief - pl.col("test gain")).alias("x"))["x"].drop_nulls().to_numpy()
        means.append(every.mean())
        lines.append({
            "selector": arm, "runs": here.height, "runs that kept rows": kept.height,
            "belief - test, all runs": interval(every, 4),
            "where rows were kept": interval((kept["belief"] - kept["test gain"]).drop_nulls(), 4),
            "share of greedy's": round(float(means[-1] / means[0]), 2),
        })  # fmt: skip
    return lines


def paired(runs: pl.DataFrame, of: str = "ours") -> list[dict[str, Any]]:
    """Ours less each other arm, run by run."""
    keys = ["table", "seed"]
    ours, known = runs.filter(pl.col("arm") == of), set(runs["arm"])
    lines = []
    for arm in (arm for arm in ARMS if arm != of and arm in known):
        both = ours.join(runs.filter(pl.col("arm") == arm), on=keys, suffix=" other")
        lines.append({f"{of} less": arm, **{
            label: interval((both[name] - both[f"{name} other"]).drop_nulls(), digits)
            for label, name, digits in (("forest, %", "forest", 1), ("tree, %", "tree", 1),
                                        ("gain on test", "test gain", 4))}})  # fmt: skip
    return lines


def judged_and_others(runs: pl.DataFrame) -> list[dict[str, Any]]:
    """Change of the error of the tree that judged, and of trees of other seeds."""
    lines = []
    for arm in runs["arm"].unique(maintain_order=True):
        here = runs.filter((pl.col("arm") == arm) & pl.col("other trees").is_not_null())
        if here.height and arm in (*PUBLISHED, BY_TREE):
            own, other = here["tree"], here["other trees"]
            lines.append({
                "arm": arm, "runs": here.height, "tree of the judge's seed, %": interval(own),
                "trees of six other seeds, %": interval(other), "less": interval(own - other),
            })  # fmt: skip
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of tables; made ones where none is named")
    parser.add_argument("--tables", nargs="*", help="names of tables; all where none is named")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="CPU to stop after")
    parser.add_argument("--pool", default="cllm", help=f"a recorded pool, or {', '.join(POOLS)}")
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--runs", type=Path, help="JSON lines, continued")
    parser.add_argument("--page", type=Path, nargs="*", help="files of runs; no run is made")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.page is not None:
        told = [json.loads(line) for file in options.page for line in
                file.read_text().splitlines()]  # fmt: skip
        page(options.out, options.pool, pl.DataFrame(told, infer_schema_length=None))
        return
    tables = made_tables() if options.data is None else {
        path.parent.name: pl.read_parquet(path)
        for path in sorted(options.data.glob("*/real.parquet"))
    }  # fmt: skip
    tables = {name: tables[name] for name in options.tables or tables}
    lines: list[dict[str, Any]] = []
    if options.runs.exists():
        lines = [json.loads(line) for line in options.runs.read_text().splitlines()]
    done = {(line["table"], line["seed"]) for line in lines}
    for seed in range(options.first, options.first + options.seeds):
        for name, whole in tables.items():
            small = whole.height < 3 * (TRAIN + VALIDATION)  # too small to spare rows for a pool
            late = time.process_time() > options.seconds
            if (name, seed) in done or late or (options.pool in POOLS and small):
                continue
            pool = options.pool
            if pool not in POOLS:
                path = options.data / name / "pools" / f"{pool}.csv"
                pool = pl.read_csv(path, infer_schema=False)
            made = [{"table": name, **line} for line in run(whole, pool, seed, options.arms)]
            with options.runs.open("a") as file:
                file.writelines(json.dumps(line) + "\n" for line in made)
            lines += made
            print(seed, name, flush=True)
    if options.out is not None:
        page(options.out, options.pool, pl.DataFrame(lines, infer_schema_length=None))


def page(out: Path, pool: str, runs: pl.DataFrame) -> None:
    """Write the tables, with what they are and which seeds are in them."""
    place = pl.col("arm").replace_strict({arm: k for k, arm in enumerate(ARMS)})
    runs = runs.sort("table", "seed", place, maintain_order=True)
    by_tree = []
    if BY_TREE in runs["arm"]:
        other = pl.when(pl.col("arm") != BY_TREE)  # whose belief is of another score
        runs = runs.with_columns(other.then(name).alias(name) for name in ("belief", "honest"))
        by_tree = [markdown(paired(runs, BY_TREE))]
    if "other trees" in runs.columns and (trees := judged_and_others(runs)):
        by_tree += ["Is it the rows, or the one tree that judged them?", markdown(trees)]
    seeds = runs.group_by("table", maintain_order=True).agg(pl.col("seed").unique().sort())
    by_table = "; ".join(f"{name}: {', '.join(map(str, own))}" for name, own in seeds.iter_rows())
    write(out, f"Selectors, pool: {pool}", [
        f"The pool: {POOLS.get(pool, f'recorded {pool} rows')}. {TRAIN} real rows are learned "
        f"from, {VALIDATION} judge, up to {TEST:,} others are predicted; at most {N_ROWS} rows are "
        "taken. Change of the error of a forest and a tree (defaults of scikit-learn) by adding "
        "what was chosen, in percent of the error with the real rows alone, positive being better; "
        "95 % intervals over runs. Gain on test: the proper score of the scorer's own learners "
        "(boosted trees, linear) on rows that no selector saw; nothing kept counts as 0. Belief "
        "and honest estimate less that gain, over runs that kept rows: above nothing is optimism. "
        "Parts only: the paper's predictor, a model for each part (leaves of a tree, at most 6) of "
        "the real rows, and no generated row.",
        f"Seeds run: {by_table}." + ("" if seeds["seed"].list.len().min() >= 10 else  # type: ignore[operator]  # a number
         " Of the ten that the study asks for the others are not run."),
        markdown(summary(runs, ["arm"])),
        "Ours less each other arm, run by run:", markdown(paired(runs)),
        *by_tree,
        "Optimism, a run that kept nothing counting as 0:", markdown(optimism(runs)),
        markdown(summary(runs, ["table", "arm"]))])  # fmt: skip


if __name__ == "__main__":
    main()
