"""Figure 6: the gates one after the other."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main
from benchmarks.systems.cases import imbalanced

SPEC = Spec(
    "figure6",
    "Team-then-Trim, Figure 6: AUC of teaming with gates added one by one",
    "The simulated diabetes table in 7:2:1, ten real rows as in the paper, and 60. SC is the "
    "sanity check, CA the cost assessment; the published figure has no numbers.",
    lambda asked: {f"n = {n}": [imbalanced(n)] for n in asked.sizes},
    ("AUC LR", "AUC MR", "AUC HR"),
    arms=("D_ori", "teaming", "teaming, SC", "teaming, SC + CA", "T2", "T2, system"),
    against="teaming",
    sizes=(10, 60),
)

if __name__ == "__main__":
    main(SPEC)
