"""Table 4: generated rows of COMPAS beside real ones, mean over sizes."""

from __future__ import annotations

from benchmarks.papers.t2.compas import SIZES, together
from benchmarks.papers.t2.engine import Spec, main

MEASURES = ("detection", "alpha-precision", "beta-recall")
FIGURES = {
    "SMOTE": (52.91, 88.47, 46.52), "TVAE": (51.37, 89.94, 50.32), "CTGAN": (51.12, 91.23, 51.03),
    "CLLM": (50.26, 91.58, 48.63), "EPIC": (53.02, 81.77, 44.12), "T2": (49.17, 91.11, 51.29),
}  # fmt: skip
SPEC = Spec(
    "table4",
    "Team-then-Trim, Table 4: quality of generated rows, COMPAS",
    "Detection is the AUC of boosted trees that tell generated from test rows, 50 is ideal; "
    "alpha-precision and beta-recall as in `tablewright.metrics.support`. Drug is Figure 4 here.",
    together,
    MEASURES,
    gain=None,
    published={
        "COMPAS": {arm: dict(zip(MEASURES, row, strict=True)) for arm, row in FIGURES.items()}
    },
    sizes=SIZES,
)

if __name__ == "__main__":
    main(SPEC)
