"""Table 3: what models learn of COMPAS, mean over sizes."""

from __future__ import annotations

from benchmarks.papers.t2.compas import SIZES, together
from benchmarks.papers.t2.engine import Spec, main, published

SPEC = Spec(
    "table3",
    "Team-then-Trim, Table 3: downstream utility on COMPAS",
    "As many real rows of each class, mean over sizes; batches of 20, as many rows as real ones.",
    together,
    ("accuracy", "AUC", "F1", "recall"),
    published=published({"COMPAS": "compas"}),
    sizes=SIZES,
)

if __name__ == "__main__":
    main(SPEC)
