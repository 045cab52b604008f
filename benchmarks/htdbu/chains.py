"""Simulation: chains of rules, dependencies, formulas, quotas of rare events, generations.

    python -m benchmarks.htdbu.chains --out FILE

A lenders' table in which age limits income and income limits credit. Rows without rules, and under
rules that intervene or condition; then five generations, each learned from the rows of the last.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from benchmarks.judge import detection
from benchmarks.measure import cpu, markdown, options
from tablewright import Synthesizer
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.rules import as_rules, bind, check_rules
from tablewright.systems.htdbu.system import HTDBU
from tablewright.threads import one_thread

TRAIN, TEST, MADE = 4_000, 4_000, 4_000
GENERATIONS = 5
EDUCATION = ["none", "school", "trade", "college", "master", "doctor"]

CHAIN: list[Any] = [
    {"name": "age", "expression": "age BETWEEN 18 AND 95"},
    {"name": "ceiling", "expression": "income <= 400 * (age - 10)"},
    {"name": "limit", "kind": "linear", "terms": {"credit": 1, "income": -0.4}, "op": "<=",
     "value": 0},
    {"name": "used", "kind": "order", "columns": ["used", "credit"]},
    {"name": "years", "kind": "fd", "from": ["education"], "to": "years"},
    {"name": "left", "kind": "formula", "column": "left", "expression": "credit - used"},
    {"name": "doctor", "kind": "implies", "if": "education = 'doctor'", "then": "age >= 25"},
    {"name": "never", "kind": "forbid", "all": ["age < 20", "job = 'retired'"]},
]  # fmt: skip
RARE: list[Any] = [
    {"name": "default", "kind": "quota", "where": "y = 'default'", "share": [0.03, 0.06]},
    {"name": "old default", "kind": "quota", "where": "y = 'default' AND age > 70",
     "share": [0.01, 1.0]},
]  # fmt: skip


def lenders(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Rows that keep the whole chain; 2 % default."""
    age = np.clip(rng.gamma(9, 5, n), 18, 95).round()
    level = np.minimum(rng.binomial(5, 0.45, n), np.where(age < 25, 4, 5))
    income = np.floor(400 * (age - 10) * rng.beta(2 + 0.4 * level, 4, n))
    credit = np.floor(0.4 * income * rng.beta(3, 2, n))
    used = np.floor(credit * rng.beta(1.5, 2, n))
    strain = used / np.maximum(credit, 1) + 0.4 * (income < 4_000) - 0.15 * level
    probability = 1 / (1 + np.exp(-(6 * strain - 7)))
    y = np.where(rng.random(n) < probability, "default", "pays")
    job = np.where(age > 66, "retired", rng.choice(["clerk", "cook", "smith"], n))
    years = np.array([0, 9, 12, 15, 17, 20])[level]
    return pl.DataFrame(
        {"age": age.astype(int), "education": np.array(EDUCATION)[level], "years": years,
         "job": job, "income": income.astype(int), "credit": credit.astype(int),
         "used": used.astype(int), "left": (credit - used).astype(int), "y": y}
    )  # fmt: skip


def tstr(rows: pl.DataFrame, test: pl.DataFrame, ruler: FeatureEncoder) -> float:
    """AUROC on real test rows of boosted trees that learned from the rows."""
    index = ruler.target
    learn, ask = (np.delete(ruler.rows(f).values, index, axis=1) for f in (rows, test))
    if rows["y"].n_unique() < 2:
        return 0.5
    model = HistGradientBoostingClassifier(max_iter=80, random_state=0)
    model.fit(learn, rows["y"] == "default")
    return float(roc_auc_score(test["y"] == "default", model.predict_proba(ask)[:, 1]))


def broken(rows: pl.DataFrame, schema: Any, real: pl.DataFrame) -> dict[str, float]:
    """Share of rows that break each rule of the chain, and any."""
    bound = bind(as_rules(CHAIN), schema, real)
    masks = {rule.name: rule.broken(rows) for rule in bound}
    return {n: float(m.mean()) for n, m in masks.items()} | {
        "any": float(np.logical_or.reduce(list(masks.values())).mean())
    }


def chain(seed: int) -> dict[str, dict[str, float]]:
    """Rows with and without rules."""
    rng = np.random.default_rng([5, seed])
    train, test = lenders(TRAIN, rng), lenders(TEST, rng)
    result: dict[str, dict[str, float]] = {}
    for texture in ("trees", "independent"):
        model = HTDBU("y", rules=CHAIN, texture=texture, random_state=seed).fit(train)
        ruler = FeatureEncoder.fit(train, model.schema_)
        free = Synthesizer(texture, target="y", random_state=seed).fit(train)
        arms = {"free": lambda free=free: free.sample(MADE)}
        for enforce in ("intervene", "condition"):
            arms[enforce] = lambda e=enforce, m=model: m.set_params(enforce=e).sample(MADE)
        arms["with quotas"] = lambda m=model: m.set_params(enforce="intervene").sample(
            MADE, rules=[*CHAIN, *RARE]
        )
        for arm, make in arms.items():
            rows, seconds = cpu(make)
            rare = rows.filter(pl.col("y") == "default")
            details = model.result_.details if arm != "free" else {}
            with one_thread():
                result[f"{texture}, {arm}"] = {
                    **broken(rows, model.schema_, train),
                    "default": rare.height / rows.height,
                    "old default": rare.filter(pl.col("age") > 70).height / rows.height,
                    "TSTR": tstr(rows, test, ruler),
                    "detection": detection(ruler.rows(test), ruler.rows(rows)),
                    "acceptance": details.get("acceptance", np.nan),
                    "CPU s": seconds,
                }
    with one_thread():
        result["real rows"] = {
            **broken(test, model.schema_, train),
            "default": float((test["y"] == "default").mean()),
            "old default": test.filter((pl.col("y") == "default") & (pl.col("age") > 70)).height
            / TEST,
            "TSTR": tstr(train, test, ruler),
            "detection": detection(ruler.rows(test), ruler.rows(train)),
        }
    return result


def generations(seed: int) -> list[dict[str, Any]]:
    """Five generations, each learned from the rows of the last."""
    rng = np.random.default_rng([6, seed])
    first, test = lenders(TRAIN, rng), lenders(TEST, rng)
    share = float((first["y"] == "default").mean())
    tails = [
        {"kind": "quota", "where": f"{name} > {float(first[name].quantile(0.99)):g}",
         "share": [0.01, 1.0]}
        for name in ("age", "income", "credit")
    ]  # fmt: skip
    rare = {"kind": "quota", "where": "y = 'default'", "share": [share, share]}
    arms: dict[str, list[Any] | None] = {
        "texture alone": None,
        "hard rules": CHAIN,
        "hard rules and quotas": [*CHAIN, rare, *tails],
    }
    schema = HTDBU("y", rules=CHAIN).fit(first).schema_
    ruler = FeatureEncoder.fit(first, schema)
    result = []
    for arm, rules in arms.items():
        rows = first
        for generation in range(GENERATIONS + 1):
            if generation:
                state = 100 * seed + generation
                if rules is None:
                    model: Any = Synthesizer("trees", target="y", random_state=state)
                else:
                    model = HTDBU("y", rules=rules, random_state=state)
                rows = model.fit(rows).sample(MADE)
            with one_thread():
                result.append(
                    {"arm": arm, "generation": generation, **state_of(rows, first, test, ruler)}
                )
    return result


def state_of(
    rows: pl.DataFrame, first: pl.DataFrame, test: pl.DataFrame, ruler: FeatureEncoder
) -> dict[str, float]:
    """Rare class, range and use of one generation."""
    spans = []
    for name in ("age", "income", "credit", "used"):
        low, high = float(first[name].min()), float(first[name].max())
        result = rows[name].clip(low, high)
        spans.append((float(result.max()) - float(result.min())) / (high - low))
    return {
        "rare share": float((rows["y"] == "default").mean()),
        "range coverage": float(np.mean(spans)),
        "income above the 99 % point": float(
            (rows["income"] > float(first["income"].quantile(0.99))).mean()
        ),
        "TSTR": tstr(rows, test, ruler),
        "detection": detection(ruler.rows(test), ruler.rows(rows)),
        "rules broken": float(
            max(
                r.rate for r in check_rules(rows, as_rules(CHAIN), ruler.schema, real=first).results
            )
        ),
    }


def mean(values: list[float]) -> str | None:
    """Mean and half of its 95 % interval."""
    known = [value for value in values if not np.isnan(value)]
    if not known:
        return None
    half = 1.96 * np.std(known, ddof=1) / np.sqrt(len(known)) if len(known) > 1 else 0.0
    return f"{np.mean(known):.4f} ± {half:.4f}"


def main() -> None:
    """Run and write."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    runs = [chain(seed) for seed in range(asked.seeds)]
    columns = [*runs[0]["trees, intervene"]]
    table = [
        {"rows": name, **{c: mean([run[name].get(c, np.nan) for run in runs]) for c in columns}}
        for name in runs[0]
    ]
    grouped: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for seed in range(asked.seeds):
        for line in generations(seed):
            grouped[line["arm"], line["generation"]].append(line)
    measures = [
        name for name in next(iter(grouped.values()))[0] if name not in ("arm", "generation")
    ]
    lines = [
        {"arm": arm, "generation": k, **{m: mean([one[m] for one in members]) for m in measures}}
        for (arm, k), members in grouped.items()
    ]
    parts = [
        "# Chains of rules, and generations (simulation)",
        f"A lenders' table: age limits income, income limits credit, credit limits what is used; "
        f"education determines years of school; what is left is computed; 2 % default. "
        f"{TRAIN:,} training rows, {MADE:,} made, {asked.seeds} seeds (mean ± 95 % interval). "
        "Columns named after rules hold the share of rows that break them.",
        markdown(table),
        "Five generations, each learned from the rows of the last. The quotas keep the first "
        "generation's share of defaults, and 1 % of the rows above its 99 % points of age, income "
        "and credit. Generation 0 is the real table.",
        markdown(lines),
    ]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
