"""Table 1: classes that are rare, and one that is missing; ten real rows."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main, published
from benchmarks.systems.cases import imbalanced, incomplete

SPEC = Spec(
    "table1",
    "Team-then-Trim, Table 1: AUC under imbalance and incompleteness",
    "The simulated diabetes table, ten real rows in 7:2:1 and in 8:2:0, ten batches of ten.",
    lambda asked: {"imbalance": [imbalanced(10)], "incompleteness": [incomplete(10)]},
    ("AUC LR", "AUC MR", "AUC HR"),
    published=published({"imbalance": "diabetes 7:2:1", "incompleteness": "diabetes 8:2:0"}),
)

if __name__ == "__main__":
    main(SPEC)
