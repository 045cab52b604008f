"""Table 5: labels of the diabetes table turned, mean over sizes from 10 to 100."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main, published
from benchmarks.papers.t2.noise import SHARES, SIZES, by_share

SPEC = Spec(
    "table5",
    "Team-then-Trim, Table 5: turned labels, mean over sizes",
    "The simulated diabetes table with two classes, as many rows as real ones in batches of ten; "
    "on clean test labels, and AUC on turned ones.",
    by_share,
    ("AUC", "F1", "recall", "AUC, turned"),
    published=published({f"{share:g}": f"diabetes flipped {share:g}" for share in SHARES}),
    sizes=SIZES,
)

if __name__ == "__main__":
    main(SPEC)
