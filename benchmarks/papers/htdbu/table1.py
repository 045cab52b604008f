"""The main table: one texture after the other below one skeleton, both rules."""

from __future__ import annotations

from benchmarks.htdbu.bank_text import PUBLISHED
from benchmarks.papers.htdbu.engine import Arm, Spec, main

SPEC = Spec(
    "table1",
    "H-TDBU, main table: textures under the manual and the strict rule",
    "Target and mood come from the skeleton, the same for all, so XModal hardly tells textures "
    "apart here; `mood` is the table in which they draw the mood themselves.",
    {
        "real rows": None,
        "independent": Arm("independent"),
        "copula": Arm("copula"),
        "trees": Arm("trees"),
        "forest": Arm("forest"),
        "boosted": Arm("boosted"),
    },
    PUBLISHED,
)

if __name__ == "__main__":
    main(SPEC)
