"""Figure 4: AUC by size on two groups of the Drug table."""

from __future__ import annotations

from benchmarks.papers.t2.compas import DRUG_SIZES, drug_by_size
from benchmarks.papers.t2.engine import Spec, main

SPEC = Spec(
    "figure4",
    "Team-then-Trim, Figure 4: AUC by size on Drug",
    "White women from 25 to 34 (A) and white men from 18 to 24 (B), 100 test rows; the label is "
    "our reading, see `benchmarks/recipes/drug.py`. The published figure has no numbers.",
    drug_by_size,
    ("AUC",),
    gain=None,
    lengthwise=True,
    sizes=DRUG_SIZES,
)

if __name__ == "__main__":
    main(SPEC)
