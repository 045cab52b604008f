"""A simulation: a writer whose rows are off, and that obeys feedback always, at times, or never.

    python -m benchmarks.rddg.feedback [--runs 20]

The writer draws the rare class one standard deviation too high and too narrow by a third. Told in
words that a column is off, it corrects half of what it hears, with the probability "obedience".
Whatever it does, rows are also accepted by what is off. No language model is asked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, markdown, options, write_page
from tablewright.schema import Schema
from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.candidate_pool import CandidatePool
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.common.partition import ClassPartition
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.rddg.feedback import Feedback
from tablewright.systems.rddg.writers import GuidedRounds
from tablewright.tables.encoding.codec import Codec

SCHEMA = Schema.build(
    {"x": "continuous", "y": {"kind": "categorical", "categories": ["no", "yes"]}}, target="y"
)
CLASSES = ClassPartition("y", ("no", "yes"))
N_ROWS = 600


def rows(n_rows: int, rng: np.random.Generator, off: float = 0.0, narrow: float = 1.0) -> Any:
    yes = np.arange(n_rows) % 2 == 1
    x = np.where(yes, 2 + off + narrow * rng.normal(size=n_rows), rng.normal(size=n_rows))
    return pl.DataFrame({"x": x, "y": np.where(yes, "yes", "no")})


class Drifting:
    """The writer."""

    def __init__(self, obedience: float, rng: np.random.Generator) -> None:
        self.obedience, self.rng = obedience, rng
        self.off, self.narrow = 1.0, 2 / 3

    def write(self, request: SampleRequest, guidance: Guidance | None = None) -> RowBatch:
        for line in (guidance.text if guidance else "").splitlines():
            if "rows of yes" in line and self.rng.random() < self.obedience:
                self._obey(line)
        return RowBatch(rows(request.n_rows, self.rng, self.off, self.narrow))

    def _obey(self, line: str) -> None:
        size = float(re.search(r"(\d+\.\d)", line)[1])  # type: ignore[index]  # orders have sizes
        if "too high" in line or "too low" in line:
            self.off += (-0.5 if "too high" in line else 0.5) * size
        elif "varies" in line and size > 0:
            self.narrow /= np.sqrt(size)


def run(seed: int, obedience: float, active: bool) -> dict[str, float]:
    """Write a request; return how far rows of the rare class are off."""
    rng = np.random.default_rng(seed)
    real = rows(400, rng)
    request, result = SampleRequest(N_ROWS, {"no": N_ROWS // 2, "yes": N_ROWS // 2}), Result(N_ROWS)
    pool = CandidatePool(real, SCHEMA, request, result, partition=CLASSES, copies="none")
    feedback = Feedback(real, SCHEMA, CLASSES, Codec(SCHEMA).fit(real))
    members = [np.flatnonzero(CLASSES.of(real) == code) for code in (0, 1)]
    rounds = GuidedRounds(
        Drifting(obedience, rng), feedback, request, result, members=members, n_shown=20,
        speak=lambda feedback, losses: "\n".join(feedback.orders()), active=active,
    )  # fmt: skip
    for new in pool.fill(rounds, rounds.guide):
        rounds.measure(new)
    divergence = [batch.divergence for batch in feedback.batches if batch.n_rows >= 40]
    own = pool.kept.filter(pl.col("y") == "yes")["x"].to_numpy()
    return {
        "mean is off by": abs(own.mean() - 2.0),
        "deviation is": own.std(),
        "KS, first batch": divergence[0]["ks"],
        "KS, last batch": divergence[-1]["ks"],
        "means, first batch": divergence[0]["mean"],
        "means, last batch": divergence[-1]["mean"],
        "proposed for a row kept": result.n_proposed / max(pool.kept.height, 1),
    }


def main() -> None:
    parser = options(__doc__ or "")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    table = []
    for obedience, active in ((1.0, False), (0.0, True), (0.5, True), (1.0, True)):
        found = [run(seed, obedience, active) for seed in range(args.runs)]
        told = {"feedback": f"obeyed by {obedience:.0%}" if active else "off"}
        table.append(told | {k: float(np.mean([one[k] for one in found])) for k in found[0]})
    text = (
        f"A simulation, no language model: {args.runs} runs, seeds from 0, {N_ROWS} rows each, "
        "half of the rare class; the true deviation is 1. Means over runs; KS is the mean "
        "over classes."
    )
    write_page(
        "rddg_feedback", "Feedback to a writer that drifts", [text, markdown(table)], args.out
    )


if __name__ == "__main__":
    main()
