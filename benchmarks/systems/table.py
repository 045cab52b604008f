"""Lay the runs of `deficient_tables` out as one page: `python -m benchmarks.systems.table RUNS`."""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.systems import deficient_tables
from benchmarks.systems.cases import cases
from benchmarks.systems.published import PUBLISHED, TOKENS_PER_ROW
from benchmarks.trim.diabetes import LEVELS

PAGE = Path(__file__).parent / "results" / "deficient_tables.md"
MEASURES = ("AUC", "accuracy", "F1", "recall", "detection", "alpha-precision", "beta-recall",
            "copies", "breaks rules")  # fmt: skip
FEWEST = 3
"""Seeds of a case that is shown."""
NOTE = f"""
How to read it. AUC, accuracy, F1 and recall: means of logistic regression, SVM, MLP and random
forest (scikit-learn's settings, 100 rounds of the MLP), in percent, trained on the real and the
generated rows; a class that a learner was not shown counts as an AUC of 50. "Against real alone"
is the paired difference of AUC with half a 95 % interval over the seeds that the arm has.
Detection (0 to 100, 50 cannot be told apart), alpha-precision, beta-recall and copies of training
rows: of the generated rows alone, against the 500 test rows. Rules were mined from 1,000 other
real rows of COMPAS; beside "real alone" stands how many test rows break one. Tokens are
characters / 4, prompts and replies together, for each row that was kept.

The stand-in's faults: {deficient_tables.FAULTS}. It knows 1,000 rows of the population, and cells
depend on the row so far as `dependence` and `obedience` say, so it rewards prompts that fix
parents (the team's) and groups of one class (EPIC's), and what it says of CLLM's single prompt is
harsh. Tokens hide what it knows: where EPIC maps values that decide, it draws from the examples
alone. Published figures are those of the Team-then-Trim paper with Llama 3.3 70B; its tables are
not ours, and its systems wrote as many rows as the team and not as many calls.
"""


def main() -> None:
    runs: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for path in sys.argv[1:]:
        with Path(path).open(newline="") as file:
            for row in csv.DictReader(file):
                runs[row["case"]][row["arm"]].append({**row, "scores": json.loads(row["scores"])})
    few = {case: len(arms["real alone"]) for case, arms in runs.items()}
    few = {case: seeds for case, seeds in few.items() if seeds < FEWEST}
    for case in few:
        del runs[case]
    parts = ["# Rows for deficient tables (simulation)",
             (deficient_tables.__doc__ or "").split("\n\n", 1)[1].strip(), NOTE.strip(),
             "## All cases: AUC against real alone", overview(runs),
             "## Tokens for a kept row, by role and stage", tokens(runs)]  # fmt: skip
    if few:
        named = "; ".join(f"{case} ({seeds})" for case, seeds in few.items())
        parts.insert(3, f"Begun, with too few seeds to be shown: {named}.")
    published = {name: case.published for name, case in cases(None).items()}
    for case, arms in runs.items():
        key = published.get(case, "compas" if case.startswith("compas") else "")
        parts += [f"## {case}", case_table(arms)]
        if key in PUBLISHED:
            reported = [{"arm (published)": arm, **row} for arm, row in PUBLISHED[key].items()]
            parts += ["Published:", markdown(reported)]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def ordered(arms: dict[str, Any]) -> list[str]:
    return [arm for arm in (*deficient_tables.ARMS, *deficient_tables.ROLES) if arm in arms]


def overview(runs: dict[str, Any]) -> str:
    names = ordered({arm: None for arms in runs.values() for arm in arms})
    seeds = {case: len(arms["real alone"]) for case, arms in runs.items()}
    rows: list[dict[str, Any]] = [{"arm": "seeds", **seeds}]
    for arm in names:
        row: dict[str, Any] = {"arm": arm}
        for case, arms in runs.items():
            row[case] = gain(arms, arm) if arm != "real alone" else mean(arms, arm, "AUC")
        rows.append(row)
    return markdown(rows)


def case_table(arms: dict[str, list[dict[str, Any]]]) -> str:
    result = {m for runs in arms.values() for run in runs for m in run["scores"]}
    listed = [f"AUC {level}" for level in LEVELS]
    per_class = [m for m in listed if m in result] or sorted(m for m in result if m[:4] == "AUC ")
    shown = [m for m in MEASURES if any(m in run["scores"] for r in arms.values() for run in r)]
    if len(per_class) == 2:  # the same number twice
        per_class = []
    return markdown(
        [
            {
                "arm": arm,
                "seeds": len(arms[arm]),
                "rows": number([float(run["rows"]) for run in arms[arm]]),
                "calls": number([float(run["calls"]) for run in arms[arm]]),
                "tokens a row": per_row(arms[arm]),
                **{m: mean(arms, arm, m) for m in (*per_class, *shown)},
                "against real alone": gain(arms, arm),
            }
            for arm in ordered(arms)
        ]
    )


def tokens(runs: dict[str, Any]) -> str:
    rows = []
    for case, arms in runs.items():
        for arm in ordered(arms):
            spent: dict[str, float] = defaultdict(float)
            for run in arms[arm]:
                for line, count in json.loads(run["bill"]).items():
                    spent[line] += count
            kept = sum(float(run["rows"]) for run in arms[arm])
            if spent and kept:
                parts = "; ".join(f"{line} {count / kept:.0f}" for line, count in spent.items())
                rows.append({"case": case, "arm": arm, "tokens a kept row": parts,
                             "in all": f"{sum(spent.values()) / kept:.0f}"})  # fmt: skip
    rows += [{"case": "diabetes 7:2:1, n = 10", "arm": f"{arm} (published, a generated row)",
              "in all": f"{count:.0f}"} for arm, count in TOKENS_PER_ROW.items()]  # fmt: skip
    return markdown(rows)


def per_row(runs: list[dict[str, Any]]) -> str:
    kept = sum(float(run["rows"]) for run in runs)
    spent = sum(float(run["read"]) + float(run["written"]) for run in runs)
    return f"{spent / kept:.0f}" if kept and spent else "–"


def gain(arms: dict[str, list[dict[str, Any]]], arm: str) -> str:
    alone = {run["seed"]: run["scores"]["AUC"] for run in arms["real alone"]}
    pairs = [(run["scores"]["AUC"], alone[run["seed"]]) for run in arms.get(arm, ())
             if run["seed"] in alone and "AUC" in run["scores"]]  # fmt: skip
    if arm == "real alone" or not pairs:
        return "–"
    gaps = np.array([one - other for one, other in pairs])
    if len(gaps) < 2:
        return f"{gaps.mean():+.1f}"
    half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return f"{gaps.mean():+.1f} ± {half:.1f}"


def mean(arms: dict[str, list[dict[str, Any]]], arm: str, measure: str) -> str:
    return number([run["scores"][measure] for run in arms.get(arm, ())
                   if run["scores"].get(measure) is not None])  # fmt: skip


def number(values: Sequence[float]) -> str:
    return f"{np.mean(values):.1f}" if values else "–"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    heads = list(dict.fromkeys(head for row in rows for head in row))
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    lines += ["| " + " | ".join(_cell(row.get(head)) for head in heads) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return "–" if value is None else str(value)


if __name__ == "__main__":
    main()
