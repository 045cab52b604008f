"""Figure 3: AUC by size with turned labels."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main
from benchmarks.papers.t2.noise import SIZES, by_size

SPEC = Spec(
    "figure3",
    "Team-then-Trim, Figure 3: AUC by size with turned labels",
    "The runs of Table 5, size by size; the published figure has no numbers.",
    by_size,
    ("AUC",),
    gain=None,
    lengthwise=True,
    sizes=SIZES,
)

if __name__ == "__main__":
    main(SPEC)
