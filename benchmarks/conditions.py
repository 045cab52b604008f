"""Do rows under a condition comply, look like real rows that comply, and cost little more?

    python -m benchmarks.conditions [--data DIR]

Without `--data` only the simulator is run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.judge import detection
from benchmarks.measure import cpu, markdown, write_page
from benchmarks.measure import options as parser_for
from benchmarks.tables import ADULT, read, simulated
from tablewright import Synthesizer
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.rules.expressions import parse
from tablewright.tables.io.loading import load_as_said

ROWS = 5000
ENOUGH = 500
ON_ADULT = {
    "early": "age BETWEEN 25 AND 28",
    "early, an open end": "age >= 58",
    "late": "country <> 'United-States'",
    "late, a category": '"hours-per-week" > 45',
    "target and early": "salary = '>50K' AND age < 40",
    "early and late": 'age < 30 AND "hours-per-week" < 35',
    "two groups": "(sex = 'Female' AND age > 45) OR workclass = 'Local-gov'",
    "three columns": "age > 40 AND education = 'Bachelors' AND sex = 'Male'",
    "rare": "age > 65 AND salary = '>50K' AND education = 'Masters'",
}
ON_SIMULATOR = {
    "early": "age BETWEEN 30 AND 36",
    "late": "churn = 'yes' AND score > 5",
    "mixed": "region = 'west' AND member AND spend > 1500",
    "two columns against each other": "spend > 0.15 * income",
    "rare": "region = 'east' AND age < 22 AND spend > 4000 AND churn = 'no'",
}


def adult(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cut Adult in two: rows to learn from, and rows to compare with."""
    frame = read(folder, ADULT)
    order = np.random.default_rng(0).permutation(frame.height)
    return frame[order[: frame.height // 2]], frame[order[frame.height // 2 :]]


def judge(synthesizer: Synthesizer, where: str, rest: pl.DataFrame, plain: float) -> dict[str, Any]:
    """Sample under one condition and compare with the real rows that comply."""
    expression = parse(where, synthesizer.schema_)
    result, seconds = cpu(lambda: synthesizer.sample(ROWS, where=where))
    typed = load_as_said(result, synthesizer.schema_, None).frame
    real = rest.filter(expression.holds(rest))
    ruler = FeatureEncoder.fit(rest, synthesizer.schema_)
    known = real.height >= ENOUGH
    return {
        "condition": f"`{where}`",
        "real share": f"{real.height / rest.height:.3%}",
        "real rows": real.height,
        "rows": result.height,
        "comply": float(expression.holds(typed).mean()),
        "detection AUC": detection(ruler.rows(real), ruler.rows(typed)) if known else None,
        "CPU / unconditional": seconds / plain,
    }


def table(
    train: pl.DataFrame, rest: pl.DataFrame, target: str, conditions: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Give a row per condition."""
    synthesizer = Synthesizer("trees", target=target, random_state=0).fit(train)
    rest = load_as_said(rest, synthesizer.schema_, None).frame
    synthesizer.sample(ROWS)
    plain = min(cpu(lambda: synthesizer.sample(ROWS))[1] for _ in range(3))
    for index, where in conditions.items():
        row = {"columns": index, **judge(synthesizer, where, rest, plain)}
        print(row, file=sys.stderr, flush=True)
        yield row


def main() -> None:
    """Run the benchmark."""
    parser = parser_for(__doc__ or "")
    parser.add_argument("--data", type=Path, help="folder of the data files")
    asked = parser.parse_args()
    parts = [NOTES]
    if asked.data:
        train, rest = adult(asked.data)
        parts += ["## Adult", markdown(list(table(train, rest, "salary", ON_ADULT)))]
    rng = np.random.default_rng(0)
    train, rest = simulated(20_000, rng), simulated(2_000_000, rng)
    rows = list(table(train, rest, "churn", ON_SIMULATOR))
    parts += ["## Simulator, 20,000 rows to learn from", markdown(rows)]
    write_page("conditions", "Rows under conditions", parts)


NOTES = f"""\
{ROWS:,} rows each, from `Synthesizer("trees")` with default settings. Adult: half of the rows to
learn from, the other half to compare with. Detection: AUC of boosted trees, five folds, between
made rows and as many real rows that comply and were not learned from (0.5 is ideal; only where
there are {ENOUGH} of them). The columns are drawn in the order of the table, the target first:
"late" means that most columns are drawn before the one that is asked about."""


if __name__ == "__main__":
    main()
