"""Figure 15: what the gates add to teaming, case by case."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main
from benchmarks.systems.cases import flipped, imbalanced, incomplete, travel

SPEC = Spec(
    "figure15",
    "Team-then-Trim, Figure 15: gates against teaming alone",
    "The published text states gains of 4.87 (MR under imbalance), 2.33 (HR under incompleteness), "
    "and on TravelBehavior 0.16, 0.95 and 0.36 with none, 30 and 40 % of the labels turned.",
    lambda asked: {
        "imbalance": [imbalanced(10)],
        "incompleteness": [incomplete(10)],
        "diabetes 0.3, n = 60": [flipped(0.3, 60)],
        "travel 0": [travel(0.0)],
        "travel 0.3": [travel(0.3)],
        "travel 0.4": [travel(0.4)],
    },
    ("AUC",),
    arms=("teaming", "T2", "T2, system", "T2, default"),
    against="teaming",
)

if __name__ == "__main__":
    main(SPEC)
