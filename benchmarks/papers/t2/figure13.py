"""Figure 13: AUC on COMPAS by size."""

from __future__ import annotations

from benchmarks.papers.t2.compas import SIZES, by_size
from benchmarks.papers.t2.engine import Spec, main

SPEC = Spec(
    "figure13",
    "Team-then-Trim, Figure 13: AUC on COMPAS by size",
    "The runs of Table 3, size by size; the published figure has no numbers.",
    by_size,
    ("AUC",),
    gain=None,
    lengthwise=True,
    sizes=SIZES,
)

if __name__ == "__main__":
    main(SPEC)
