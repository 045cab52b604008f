"""What to use when: tables x methods x tasks, with intervals; writes docs/leaderboard.md.

    python -m benchmarks.leaderboard [--peers DIR] [--seeds N] [--only WORDS] [--page]

Every table, method and seed is added to results/leaderboard.csv and left out where it stands there;
the page is written from that file, and from it alone with `--page`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs
from sklearn import datasets
from sklearn.model_selection import train_test_split

from benchmarks.anchors import peer
from benchmarks.measure import RESULTS, append_csv, commit, cpu, markdown, options, read_runs
from benchmarks.resampling.tables import TARGET, hidden, thinned, weather
from benchmarks.standings import interval, reading, values_of
from benchmarks.tables import simulated
from tablewright import Synthesizer, evaluate
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design, Task
from tablewright.metrics.outcomes import classification
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.table import Table, load_table

FILE = RESULTS / "leaderboard.csv"
PAGE = Path(__file__).parents[1] / "docs" / "leaderboard.md"
OURS = ("trees", "copula", "forest", "boosted", "blend", "smotenc", "independent")
PEERS = ("python-synthpop", "SDV GaussianCopula", "imbalanced-learn SMOTENC", "arf")
CONTROLS = ("class weights", "copies of rare rows")
MAX_HELD = 4_000
MANY = 10_000
LIMIT = 120.0
Number = float | None


def _named(values: Any, classes: Any) -> pl.DataFrame:
    frame = pl.DataFrame(values, schema=[f"x{j}" for j in range(values.shape[1])])
    return frame.with_columns(pl.Series(TARGET, [f"c{label}" for label in classes]))


def tables() -> Iterator[tuple[str, pl.DataFrame, int]]:
    """Give name, rows, and how many are learned from; scikit-learn's tables and simulators."""
    cancer, wine, iris = (
        _named(data.data, data.target)
        for data in (datasets.load_breast_cancer(), datasets.load_wine(), datasets.load_iris())
    )
    yield "breast cancer", cancer, 200
    yield "breast cancer, 20 rare", thinned(cancer, {"c0": 40}), 200
    yield "wine, 12 rare", thinned(wine, {"c2": 24}), 77
    yield "iris", iris, 75
    yield "weather (simulated)", weather(), 700
    yield "lumps (simulated)", hidden(2_000, 80), 1_000
    churn = simulated(5_000, np.random.default_rng(0)).rename({"churn": TARGET})
    yield "customers (simulated)", churn, 1_000


def run(name: str, table: Table, n_train: int, seed: int, peers: str | None, only: str) -> None:
    """Run every method on one split and add what came of it."""
    labels = table.frame[TARGET]
    kept, rest = train_test_split(
        range(table.frame.height), train_size=n_train, stratify=labels, random_state=seed
    )
    train, holdout = table.frame[kept], table.frame[rest[:MAX_HELD]]
    arms: dict[str, Callable[[], dict[str, Any]]] = {
        method: lambda m=method: _ours(m, table, train, holdout, seed) for method in OURS
    }
    if peers is not None:
        arms |= {p: lambda p=p: _peer(p, peers, table, train, holdout, seed) for p in PEERS}
    arms |= {c: lambda c=c: _control(c, table, train, holdout, seed) for c in CONTROLS}
    for method, work in arms.items():
        if only and only not in f"{name} {method}":
            continue
        if (name, method, seed) in _done():
            continue
        result = work()
        cells = {key: result.get(key) for key in MEASURES}
        line = {"table": name, "method": method, "seed": seed, "commit": commit(), **cells}
        append_csv(FILE, [{**line, "remark": result.get("remark", "")}])
        print(line, result.get("remark", ""), file=sys.stderr, flush=True)


def _done() -> set[tuple[str, str, int]]:
    if not FILE.exists():
        return set()
    return set(read_runs(FILE)["table", "method", "seed"].iter_rows())  # type: ignore[arg-type]  # triples


def _ours(
    method: str, table: Table, train: pl.DataFrame, holdout: pl.DataFrame, seed: int
) -> dict[str, Any]:
    model = Synthesizer(method, target=TARGET, schema=table.schema, random_state=seed)
    _, fit = cpu(lambda: model.fit(train))
    rows = model.sample(train.height)
    _, draw = cpu(lambda: model.sample(MANY))
    label, missing = _rarest(train)
    extra = model.sample(balance={label: max(1, missing)})
    return {
        **_judged(table, train, rows, holdout, seed),
        **_rare(table, train, extra, holdout, seed),
        "fit": fit,
        "10,000 rows": draw,
    }


def _peer(
    name: str, peers: str, table: Table, train: pl.DataFrame, holdout: pl.DataFrame, seed: int
) -> dict[str, Any]:
    seconds, made = peer(name, peers, train, TARGET, (MANY,), LIMIT)
    if made is None:
        return seconds
    whole = made.with_columns(cs.by_name(train.select(cs.integer()).columns).round())
    typed = load_as_said(whole, table.schema, None).frame.sample(
        fraction=1, shuffle=True, seed=seed
    )
    label, missing = _rarest(train)
    extra = typed.filter(pl.col(TARGET) == label).head(missing)
    return {
        **_judged(table, train, typed.head(train.height), holdout, seed),
        **_rare(table, train, extra, holdout, seed),
        "fit": seconds["fit"],
        "10,000 rows": seconds[str(MANY)],
    }


def _control(
    name: str, table: Table, train: pl.DataFrame, holdout: pl.DataFrame, seed: int
) -> dict[str, Any]:
    if name == "class weights":
        return _rare(table, train, train.head(0), holdout, seed, balanced=True)
    label, missing = _rarest(train)
    own = train.filter(pl.col(TARGET) == label)
    return _rare(table, train, own.sample(missing, with_replacement=True, seed=seed), holdout, seed)


def _rarest(train: pl.DataFrame) -> tuple[Any, int]:
    """Return the rarest class and how many rows the largest has more."""
    counts = train[TARGET].value_counts().sort("count", TARGET)
    return counts[TARGET][0], counts["count"][-1] - counts["count"][0]


def _judged(
    table: Table, train: pl.DataFrame, rows: pl.DataFrame, holdout: pl.DataFrame, seed: int
) -> dict[str, Number]:
    """Utility, fidelity and privacy as `evaluate` measures them."""
    report = evaluate(train, rows, holdout, schema=table.schema, effort="quick", random_state=seed)
    arms = {arm["arm"]: arm["values"] for arm in report.arms}
    gains = {arm: values["macro_f1"] - arms["real"]["macro_f1"] for arm, values in arms.items()}
    return {
        "added": gains["augmented"],
        "in place": gains["synthetic"],
        "detection": report["detection_boosted"].value,
        "shapes": report["column_shapes"].value,
        "DCR share": report["distance_share"].value,
        "copies": report["exact_copies"].value,
    }


def _rare(
    table: Table,
    train: pl.DataFrame,
    extra: pl.DataFrame,
    holdout: pl.DataFrame,
    seed: int,
    balanced: bool = False,
) -> dict[str, Number]:
    """Change of F1 of the rarest class, mean of two learners, where it was filled."""
    encoder = FeatureEncoder.fit(train, table.schema)
    real, test = Design.of(encoder.rows(train)), Design.of(encoder.rows(holdout))
    typed = load_as_said(extra, table.schema, None).frame
    more = Design.of(encoder.rows(pl.concat([train, typed.select(train.columns)])))
    codes = np.bincount(real.y.astype(int))
    task = Task(len(codes), int(codes.argmin()), 5, 60)
    values = []
    for rows, weigh in ((real, False), (more, balanced)):
        each = [
            classification(
                test.y.astype(int),
                task.fit(learner, rows, np.random.default_rng(seed), weigh)(test),
                task.rare,
            )["rare_f1"]
            for learner in task.learners
        ]
        values.append(float(np.mean(each)))
    return {"rare F1": values[1] - values[0]}


MEASURES = (
    "added", "in place", "detection", "shapes", "DCR share", "copies", "rare F1", "fit",
    "10,000 rows",
)  # fmt: skip
TASKS = {
    "added": "Utility: macro-F1 gained by adding as many rows as there are",
    "in place": "Utility: macro-F1 lost by learning from generated rows alone",
    "rare F1": "Rare class: F1 of the rarest class gained by filling it up",
    "detection": "Fidelity: AUC of telling real from generated rows, 0.5 is best",
    "DCR share": "Privacy: share of rows nearer to training than to holdout rows, 0.5 is best",
    "fit": "Speed: CPU seconds to learn",
    "10,000 rows": "Speed: CPU seconds for 10,000 rows",
}
TO_ZERO = ("added", "in place", "rare F1")


def _cell(values: list[float], signed: bool) -> str:
    if not values:
        return "–"
    mean, width = interval(values)
    shown = f"{mean:+.3f}" if signed else f"{mean:.3f}"
    return shown if not np.isfinite(width) else f"{shown} ± {width:.3f}"


def advice(runs: pl.DataFrame, task: str, table: str, against: str | None = None) -> str:
    """Say which methods are above 0, or above another one, beyond chance, or that none is."""
    base = {} if against is None else values_of(runs, task, table, against)
    means = {}
    for method in runs["method"].unique(maintain_order=True):
        values = values_of(runs, task, table, method)
        if len(values) > 1:
            means[method] = interval([v - base.get(seed, 0.0) for seed, v in values.items()])
    good = [m for m, (mean, width) in means.items() if mean - width > 0]
    good.sort(key=lambda m: -means[m][0])
    return ", ".join(good) if good else "nothing"


def nearest(runs: pl.DataFrame, table: str) -> str:
    """Name the method whose rows are told from real ones least, by its mean."""
    mine = runs.filter(pl.col("table") == table).group_by("method").agg(pl.mean("detection"))
    method, auc = mine.drop_nulls().sort("detection", "method").row(0)
    return f"{method} ({auc:.2f})"


def _over_tables(runs: pl.DataFrame, task: str, method: str) -> str:
    """Write the mean over the tables on which a method ran, and its interval over them."""
    mine = runs.filter(pl.col("method") == method).group_by("table").agg(pl.mean(task))
    values = mine[task].drop_nulls().to_list()
    few = f" ({len(values)})" if len(values) < runs["table"].n_unique() else ""
    return _cell(values, task in TO_ZERO) + few


def page() -> None:
    """Write docs/leaderboard.md from what was run."""
    runs = read_runs(FILE)
    names = runs["table"].unique(maintain_order=True).to_list()
    methods = [m for m in (*OURS, *PEERS, *CONTROLS) if m in set(runs["method"])]
    about = {"seeds": runs["seed"].n_unique(), "rows": runs.height}
    commits = ", ".join(runs["commit"].unique(maintain_order=True))
    parts = ["# Leaderboard", INTRO.format(**about, commits=commits)]
    lines = [
        {
            "table": name,
            "adding rows helps": advice(runs, "added", name),
            "filling the rarest class helps": advice(runs, "rare F1", name),
            "more than class weights do": advice(runs, "rare F1", name, "class weights"),
            "hardest to tell from real rows (AUC)": nearest(runs, name),
        }
        for name in names
    ]
    parts += [
        "## What to use when, and when nothing",
        ADVICE,
        markdown(lines),
        reading(runs, methods),
    ]
    for task, title in TASKS.items():
        rows = []
        for method in methods:
            cells = {
                name: _cell([*values_of(runs, task, name, method).values()], task in TO_ZERO)
                for name in names
            }
            if any(cell != "–" for cell in cells.values()):
                cells["all tables"] = _over_tables(runs, task, method)
                rows.append({"method": method, **cells})
        if rows:
            parts += [f"## {title}", markdown(rows)]
    failed = runs.filter(pl.col("remark").fill_null("") != "")
    if failed.height:
        words = failed.select("table", "method", "remark").unique(maintain_order=True).to_dicts()
        parts += ["## What did not run", markdown(words)]
    PAGE.write_text("\n\n".join(parts) + "\n")


INTRO = """\
Tables of scikit-learn and simulators, all methods with default settings, {seeds} random splits each
({rows} runs at {commits}); written by `python -m benchmarks.leaderboard`
([runs](../benchmarks/results/leaderboard.csv)). Cells are means with 95 % intervals over splits
(Student's t; splits share rows, so they are somewhat too narrow), and over the means of the tables
in the last column, which says how many where some are missing. python-synthpop, SDV,
imbalanced-learn and arf (arfpy) are other projects, in environments of their own. Utility, fidelity
and privacy are those of [`evaluate`](evaluation.md), with effort "quick"; models are boosted trees
and a linear one. To fill the rarest class, ours are asked for its rows; of others its rows among
10,000 are taken. Whole numbers that arf gives as fractions are rounded. No imports in seconds."""

ADVICE = """\
Methods whose gain is above 0 by its interval, the largest first. With as many comparisons as here
one in forty looks good by chance alone: believe a method that stands in several lines. The column
about class weights takes differences split by split. The last one is a mean, not a claim."""


def main() -> None:
    """Run what is missing; write the page."""
    parser = options(__doc__ or "")
    parser.add_argument("--peers", help="folder of benchmarks.set_up_peers")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of 'TABLE METHOD'")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    asked = parser.parse_args()
    for seed in range(0 if asked.page else asked.seeds):
        for name, raw, n_train in tables():
            run(name, load_table(raw, target=TARGET), n_train, seed, asked.peers, asked.only)
    page()


if __name__ == "__main__":
    main()
