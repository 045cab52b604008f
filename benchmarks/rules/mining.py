"""What the miner finds of planted rules, and what it says of independent columns.

    python -m benchmarks.rules.mining [--data DIR] [--seeds 3]

A rule that was found counts as true if at most 0.5 % of 20,000 fresh rows without noise break
it. A planted rule counts as found if a true rule of a fitting kind on just its columns was. With
`--data` the documented rules of Adult and the ratio of Sick are looked for as well.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import cpu, markdown, write_page
from benchmarks.tables import ADULT, SICK_TRAIN, read
from tablewright.rules import Rules, check_rules
from tablewright.rules.bound import bind
from tablewright.rules.mining import mine_rules
from tablewright.schema import Schema
from tablewright.tables.table import load_table

KINDS = ("dependencies", "equations", "orders", "exclusions", "bounds")
SIZES = (100, 1000, 10_000)
NOISE = (0.0, 0.01, 0.02)
FRESH = 20_000

PLANTED: dict[str, tuple[set[str], set[str]]] = {
    "dependency a -> b": ({"colour", "group"}, {"fd", "implies"}),
    "dependency a, b -> c": ({"flag", "shape", "code"}, {"fd"}),
    "sentinels": ({"days", "previous"}, {"iff", "implies"}),
    "order": ({"low", "high"}, {"order", "check"}),
    "least distance": ({"born", "hired"}, {"check"}),
    "sum": ({"part", "rest", "total"}, {"linear", "formula"}),
    "ratio": ({"score", "weight", "index"}, {"formula", "implies"}),
    "product": ({"width", "height", "area"}, {"formula", "implies"}),
    "exclusion": ({"kind", "size"}, {"implies", "iff"}),
    "bound": ({"tier", "price"}, {"implies"}),
}

SCHEMA = Schema.build(
    {
        **dict.fromkeys(("colour", "group", "flag", "shape", "code"), "categorical"),
        **dict.fromkeys(("days", "previous", "born", "hired", "width"), "integer"),
        **dict.fromkeys(("low", "high", "part", "rest", "total", "height", "area"), "continuous"),
        **dict.fromkeys(("score", "weight", "index", "price"), "continuous"),
        **dict.fromkeys(("kind", "size", "tier"), "categorical"),
    }
)


def planted(n: int, noise: float, rng: np.random.Generator) -> pl.DataFrame:
    """Return rows that keep every planted rule, but for a share of noisy cells per rule."""
    colour = rng.integers(0, 6, n)
    flag, shape = rng.integers(0, 2, n), rng.integers(0, 4, n)
    never = rng.random(n) < 0.35
    low, born = rng.normal(50, 10, n).round(1), rng.integers(1940, 2000, n)
    part, rest = rng.gamma(2, 30, n).round(1), rng.gamma(2, 20, n).round(1)
    score, weight = rng.gamma(4, 50, n).round(1), rng.normal(70, 9, n).round(1)
    width, height = rng.integers(5, 60, n), rng.normal(8, 1.5, n).round(2)
    kind, size = rng.integers(0, 3, n), rng.integers(0, 3, n)
    size = np.where((kind == 0) & (size == 2), 1, size)
    tier = rng.integers(0, 2, n)
    price = rng.uniform(1, 100, n).round(1)
    columns: dict[str, Any] = {
        "colour": colour, "group": colour // 2,
        "flag": flag, "shape": shape, "code": (2 * shape + flag * (shape + 1)) % 5,
        "days": np.where(never, -1, rng.integers(1, 400, n)),
        "previous": np.where(never, 0, rng.integers(1, 9, n)),
        "low": low, "high": (low + rng.exponential(9, n)).round(1),
        "born": born, "hired": born + 16 + rng.geometric(0.1, n),
        "part": part, "rest": rest, "total": (part + rest).round(1),
        "score": score, "weight": weight, "index": (100 * score / weight).round(1),
        "width": width, "height": height, "area": (width * height).round(2),
        "kind": kind, "size": size,
        "tier": tier, "price": np.where(tier == 1, np.minimum(price, 60.0), price),
    }  # fmt: skip
    for name in ("group", "code", "previous", "high", "hired", "total", "index", "area", "size",
                 "price"):  # fmt: skip
        wrong = rng.random(n) < noise
        columns[name] = np.where(wrong, rng.permutation(columns[name]), columns[name])
    text = {name: [f"v{v}" for v in columns[name]] for name in SCHEMA.names
            if SCHEMA[name].kind.is_discrete}  # fmt: skip
    return pl.DataFrame({**columns, **text}).select(SCHEMA.names)


def independent(n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Return the same columns, each drawn by itself."""
    frame = planted(n, 0.0, rng)
    return pl.DataFrame({name: frame[name].gather(rng.integers(0, n, n)) for name in frame.columns})


def columns_of(rules: Rules) -> dict[str, set[str]]:
    return {bound.name: set(bound.columns) for bound in bind(rules, SCHEMA)}


def one_cell(n: int, noise: float, seeds: int) -> dict[str, Any]:
    right = result = seconds = 0.0
    recall = dict.fromkeys(PLANTED, 0)
    for seed in range(seeds):
        rng = np.random.default_rng([seed, n, int(1000 * noise)])
        frame, fresh = planted(n, noise, rng), planted(FRESH, 0.0, rng)
        rules, used = cpu(partial(mine_rules, frame, SCHEMA, np.random.default_rng(0), kinds=KINDS))
        seconds += used / seeds
        report = check_rules(fresh, rules, SCHEMA, real=fresh)
        true = {r.name for r in report.results if r.violations <= 0.005 * max(r.support, 1)}
        columns = columns_of(rules)
        right, result = right + len(true), result + len(rules)
        for name, (requested, kinds) in PLANTED.items():
            recall[name] += any(
                columns[rule.name] == requested and rule.kind in kinds and rule.name in true
                for rule in rules
            )
    missed = [name for name, count in recall.items() if count < seeds]
    return {
        "rows": n,
        "noise": f"{noise:.0%}",
        "recall": sum(recall.values()) / (seeds * len(PLANTED)),
        "precision": right / max(result, 1),
        "rules": result / seeds,
        "CPU s": seconds,
        "missed at least once": ", ".join(missed) or "none",
    }


def nothing(n: int, tables: int) -> dict[str, Any]:
    counts = []
    for seed in range(tables):
        rng = np.random.default_rng([7, seed, n])
        rules = mine_rules(independent(n, rng), SCHEMA, rng, kinds=KINDS)
        counts.append(len(rules))
    return {
        "rows": n,
        "tables": tables,
        "tables with any rule": sum(count > 0 for count in counts) / tables,
        "rules per table": sum(counts) / tables,
    }


DOCUMENTED = {
    "education <-> education-num": ["education determine education-num",
                                    "education-num determine education"],
    "capital-gain and capital-loss not both positive": [
        'if "capital-gain" <> 0 then "capital-loss" = 0'],
    "Husband -> Male": ["if relationship = 'Husband' then sex = 'Male'"],
    "Wife -> Female": ["if relationship = 'Wife' then sex = 'Female'"],
    "Husband or Wife -> Married": [
        "if relationship IN ('Husband', 'Wife') then \"marital-status\" IN "
        "('Married-AF-spouse', 'Married-civ-spouse')"],
    "workclass missing -> occupation missing": [
        "if workclass IS NULL then occupation IS NULL"],
    "occupation missing -> workclass missing or Never-worked": [
        "if occupation IS NULL then workclass = 'Never-worked' OR workclass IS NULL"],
}  # fmt: skip


def on_files(folder: Path) -> list[str]:
    adult = load_table(read(folder, ADULT))
    result, seconds = cpu(lambda: mine_rules(adult.frame, adult.schema, np.random.default_rng(0)))
    texts = {rule.described(): rule for rule in result}
    rows = [
        {
            "documented for Adult": name,
            "found": all(text in texts for text in requested),
            "real rows that break it": max(
                (float(texts[t].violation_rate or 0.0) for t in requested if t in texts),
                default=None,
            ),
        }
        for name, requested in DOCUMENTED.items()
    ]
    distance = next((t for t in texts if t.startswith('age - "education-num" >=')), None)
    rows.append(
        {
            "documented for Adult": "age >= education-num + 5",
            "found": f"as {distance}" if distance else False,
            "real rows that break it": texts[distance].violation_rate if distance else None,
        }
    )
    sick = load_table(read(folder, SICK_TRAIN))
    rules, more = cpu(lambda: mine_rules(sick.frame, sick.schema, np.random.default_rng(0)))
    ratio = [rule for rule in rules if "TT4 / T4U" in rule.described()]
    text = (
        f"Adult: {len(result)} rules in {seconds:.1f} s of CPU. Sick: {len(rules)} rules in "
        f"{more:.1f} s; the ratio: "
        + "; ".join(f"`{r.described()}`, support {r.support:,}, broken {r.violation_rate:.2%}"
                    for r in ratio)
    )  # fmt: skip
    return ["## Real tables", text, markdown(rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", type=int, default=40)
    asked = parser.parse_args()
    cells = [one_cell(n, noise, asked.seeds) for n in SIZES for noise in NOISE]
    null = [nothing(n, asked.tables) for n in (100, 1000)]
    parts = [
        f"{len(PLANTED)} planted rules in a table of {len(SCHEMA)} columns, {asked.seeds} tables "
        "per line; false discovery rate 5 %, confidence 97 %.",
        markdown(cells),
        "## Independent columns",
        "The stated rate is 5 %: where every rule is false, the share of tables with any rule.",
        markdown(null),
    ]
    if asked.data is not None:
        parts += on_files(asked.data)
    write_page("rules_mining", "Mined rules", parts)


if __name__ == "__main__":
    main()
