"""What 20 rules cost while rows are made, and what they do to the rows.

    python -m benchmarks.rules.sampling --data DIR

Adult, 80/20; rules that real rows keep (at most 0.02 % break one). CPU seconds of all threads,
with polars on one thread, medians of several seeds; "first" is the first call with these rules,
which validates them and grows what redrawing needs.
"""

from __future__ import annotations

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import warnings
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import polars as pl

from benchmarks.judge import detection
from benchmarks.measure import cpu, markdown, options, write_page
from benchmarks.tables import ADULT, read
from tablewright import Synthesizer
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.rules import as_rules, check_rules
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.table import load_table

ROWS = 20_000
SEEDS = 8
METHODS = ("trees", "copula")

RULES: list[Any] = [
    "age BETWEEN 17 AND 90",
    {"kind": "fd", "from": ["education"], "to": "education-num"},
    {"kind": "fd", "from": ["education-num"], "to": "education"},
    '"capital-gain" = 0 OR "capital-loss" = 0',
    "relationship <> 'Husband' OR sex = 'Male'",
    "relationship <> 'Wife' OR sex = 'Female'",
    "relationship NOT IN ('Husband', 'Wife') OR "
    "\"marital-status\" IN ('Married-civ-spouse', 'Married-AF-spouse')",
    {"kind": "implies", "if": "workclass IS NULL", "then": "occupation IS NULL"},
    {"kind": "implies", "if": "occupation IS NULL",
     "then": "workclass IS NULL OR workclass = 'Never-worked'"},
    'age >= "education-num" + 5',
    '"hours-per-week" BETWEEN 1 AND 99',
    '"capital-gain" >= 0',
    '"capital-loss" >= 0',
    "fnlwgt > 0",
    '"capital-gain" <= 99999',
    '"capital-loss" <= 5000',
    {"kind": "range", "column": "education-num", "min": 1, "max": 16},
    "education <> 'Doctorate' OR age >= 24",
    "education <> 'Prof-school' OR age >= 24",
    "workclass <> 'Never-worked' OR \"capital-gain\" = 0",
]  # fmt: skip


def main() -> None:
    asked = options(__doc__ or "", data=True).parse_args()
    warnings.simplefilter("ignore")
    whole = load_table(read(asked.data, ADULT), target="salary")
    order = np.random.default_rng(0).permutation(whole.frame.height)
    train, rest = whole.frame[order[4000:]], whole.frame[order[:4000]]
    ruler = FeatureEncoder.fit(train, whole.schema)
    rows = [one(method, train, rest, whole.schema, ruler) for method in METHODS]
    text = (
        f"Adult, {train.height:,} training rows, {ROWS:,} rows made, {len(RULES)} rules, {SEEDS} "
        "seeds. Violations are broken rules per row, all rules together. Goal: ratio at most 1.5, "
        "violations 0, AUC within 0.02. The rows of the copula break many of these rules, so that "
        "keeping them is work there, and changes the rows."
    )
    write_page("rules_sampling", "Sampling under rules", [text, markdown(rows)])


def one(method: str, train: pl.DataFrame, rest: pl.DataFrame, schema: Any, ruler: Any) -> Any:
    synthesizer = Synthesizer(method, schema=schema, random_state=0).fit(train)
    free: list[float] = []
    kept: list[float] = []
    auc: list[tuple[float, float]] = []
    broken_free = broken = 0
    rules = as_rules(RULES)
    for seed in range(SEEDS):
        plain, seconds = cpu(partial(synthesizer.sample, ROWS, random_state=seed))
        free.append(seconds)
        ruled, seconds = cpu(partial(synthesizer.sample, ROWS, rules=rules, random_state=seed))
        kept.append(seconds)
        plain, ruled = (load_as_said(result, schema, None).frame for result in (plain, ruled))
        broken_free += violations(plain, rules, schema, train)
        broken += violations(ruled, rules, schema, train)
        if seed < 1:
            real = ruler.rows(rest)
            auc.append((detection(real, ruler.rows(plain)), detection(real, ruler.rows(ruled))))
    audit = synthesizer.audit_
    return {
        "method": method,
        "free CPU s": median(free),
        "with rules, first": kept[0],
        "with rules, later": median(kept[1:]),
        "ratio, later": median(kept[1:]) / median(free),
        "violations free": broken_free / (SEEDS * ROWS),
        "violations": broken / (SEEDS * ROWS),
        "AUC free": float(np.mean([a for a, _ in auc])),
        "AUC with rules": float(np.mean([b for _, b in auc])),
        "repaired": sum(rule.repaired + rule.computed for rule in audit.rules),
        "largest move": audit.largest_move,
    }


def violations(frame: pl.DataFrame, rules: Any, schema: Any, real: pl.DataFrame) -> int:
    report = check_rules(frame, rules, schema, real=real)
    return sum(result.violations for result in report.results)


if __name__ == "__main__":
    main()
