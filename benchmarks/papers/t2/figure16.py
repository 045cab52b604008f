"""Figure 16: rows of COMPAS with fewer prior offences than juvenile felonies."""

from __future__ import annotations

from benchmarks.papers.t2.compas import together
from benchmarks.papers.t2.engine import Spec, main

SPEC = Spec(
    "figure16",
    "Team-then-Trim, Figure 16: broken rules of one prompt and of a team",
    "Share of the generated rows with priors_count below juv_fel_count (of 5,278 real rows 2 have "
    "it); the paper shows two rows of each. That a stand-in breaks fewer in a team is built in.",
    together,
    ("breaks priors >= felonies",),
    arms=("one prompt", "CLLM", "teaming", "T2", "T2, default"),
    gain=None,
    sizes=(60,),
)

if __name__ == "__main__":
    main(SPEC)
