"""Figure 7: what gates do to the quality of rows, and who should be strong."""

from __future__ import annotations

from benchmarks.papers.t2.engine import Spec, main
from benchmarks.systems.cases import imbalanced

SPEC = Spec(
    "figure7",
    "Team-then-Trim, Figure 7: gates and quality, and strong managers or workers",
    "The simulated diabetes table in 7:2:1, 60 real rows (ten are too few to compare rows by). "
    "Weak is a stand-in with more faults; the paper's are Llama 3.3 and GPT-5.1. The text "
    "states gains up to 7.10 (detection) and 5.83 (beta-recall), on its real tables.",
    lambda asked: {"": [imbalanced(n) for n in asked.sizes]},
    ("detection", "alpha-precision", "beta-recall", "AUC"),
    arms=("teaming", "T2", "T2, default", "weak manager", "weak workers"),
    against="teaming",
    sizes=(60,),
)

if __name__ == "__main__":
    main(SPEC)
