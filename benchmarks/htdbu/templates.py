"""One real table, one learned texture, and only the template varied.

    python -m benchmarks.htdbu.templates --data DIR --out FILE

The bank table with moods paired by the manual rule. Every template is swapped in by
`sample(rules=...)`; what validation says of it is read before any row is made.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.htdbu.bank import PAIRS, load
from benchmarks.htdbu.bank_text import ROWS, SEEDS, cross_modal, learned
from benchmarks.judge import detection
from benchmarks.measure import cpu, markdown, options
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.rules import as_rules, check_rules, validate_rules
from tablewright.systems.htdbu.system import HTDBU
from tablewright.tables.inference.infer import infer_schema
from tablewright.threads import one_thread


def align(yes: list[str], no: list[str]) -> dict[str, Any]:
    """A pairing that is to be kept even where the data disagree."""
    return {"kind": "align", "on": "y", "attribute": "sentiment", "intervention": True,
            "pairs": {"yes": yes, "no": no}}  # fmt: skip


PAST = [
    {"kind": "iff", "a": "pdays = -1", "b": "previous = 0"},
    {"kind": "implies", "if": "pdays = -1", "then": "poutcome = 'unknown'"},
]
STRICT = {"kind": "implies", "if": "y = 'yes'", "then": "sentiment = 'positive'"}
TEMPLATES: dict[str, list[dict[str, Any]]] = {
    "none": [{"expression": "age > 0"}],
    "manual, as the data are": [align(PAIRS["manual"]["yes"], PAIRS["manual"]["no"])],
    "manual and natural rules": [align(PAIRS["manual"]["yes"], PAIRS["manual"]["no"]), *PAST],
    "strict, not declared": [STRICT],
    "strict, as an intervention": [{**STRICT, "intervention": True}],
    "reversed, as an intervention": [align(["neutral"], ["neutral", "negative", "positive"])],
    "no short calls for yes, intervention": [
        {"kind": "implies", "if": "y = 'yes'", "then": "duration < 200", "intervention": True}
    ],
    "quota: half of the rows yes": [{"kind": "quota", "where": "y = 'yes'", "share": [0.5, 0.5]}],
}


def main() -> None:
    """Run and write."""
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    result: dict[str, list[dict[str, float]]] = defaultdict(list)
    declared: dict[str, str] = {}
    fits = []
    for seed in asked.seeds:
        bank = load(asked.data, PAIRS["manual"], seed)
        model = HTDBU("y", rules=TEMPLATES["manual, as the data are"], random_state=seed)
        _, fitting = cpu(lambda model=model, bank=bank: model.fit(bank.train))
        fits.append(fitting)
        with one_thread():
            result["real rows"].append(read(bank.train.sample(ROWS, seed=seed), bank))
        for name, rules in TEMPLATES.items():
            checked = validate_rules(as_rules(rules), model.schema_, bank.train)
            notes = [f.message for f in checked.findings if f.level != "note"]
            declared[name] = "; ".join(notes) or "nothing"
            rows, seconds = cpu(lambda rules=rules, model=model: model.sample(ROWS, rules=rules))
            broken = check_rules(rows, checked.bound, model.schema_)
            hard = sum(r.violations for r in broken.results if r.severity == "hard")
            with one_thread():
                measured = read(rows, bank)
            result[name].append(
                {
                    "effect": model.skeleton_.effect,
                    **measured,
                    "hard violations": float(hard),
                    "X_syn": model.skeleton_.distance(rows),
                    "sample CPU s": seconds,
                }
            )
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(page(result, declared, fits) + "\n")


def read(rows: pl.DataFrame, bank: Any) -> dict[str, float]:
    """What the rows are worth on the real test rows."""
    _, f1, auroc = learned(rows, bank.test)
    ruler = FeatureEncoder.fit(bank.train, infer_schema(bank.train, target="y"))
    return {
        "AUROC": auroc,
        "F1": f1,
        "AUROC, no mood": learned(rows.drop("sentiment"), bank.test.drop("sentiment"))[2],
        "XModal": cross_modal(bank.test, rows),
        "detection": detection(ruler.rows(bank.test), ruler.rows(rows)),
    }


def page(found: Any, said: dict[str, str], fits: list[float]) -> str:
    """Lay the results out: means over seeds with standard deviations."""
    columns = ["effect", "AUROC", "F1", "AUROC, no mood", "XModal", "X_syn", "detection",
               "hard violations", "sample CPU s"]  # fmt: skip
    table = []
    for name, runs in found.items():
        line: dict[str, Any] = {"template": name}
        for column in columns:
            values = [run[column] for run in runs if column in run]
            spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
            line[column] = f"{np.mean(values):.3f}{spread}" if values else None
        table.append(line)
    reported = [
        {"template": name, "said before any row is made": text} for name, text in said.items()
    ]
    return "\n\n".join(
        [
            "# One table, one texture, the template varied",
            f"Bank Marketing with moods paired by the manual rule; {ROWS:,} rows, {len(fits)} "
            "seeds (mean ± SD). Trees, fitted once for all templates of a seed (CPU seconds "
            f"{np.mean(fits):.1f}); each template is swapped in by `sample(rules=...)`. `effect` "
            "is the distance (TV) that the template asks of the skeleton's real shares; XModal "
            "that of target and mood from the real test rows, X_syn that from the shares asked.",
            markdown(table),
            markdown(reported),
        ]
    )


if __name__ == "__main__":
    main()
