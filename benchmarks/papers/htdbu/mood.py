"""The main table with target and mood drawn by the texture: what XModal can tell."""

from __future__ import annotations

from benchmarks.htdbu.bank_text import PUBLISHED
from benchmarks.papers.htdbu.engine import Arm, Spec, main

METHODS = ("independent", "copula", "trees", "forest", "boosted")
SPEC = Spec(
    "mood",
    "H-TDBU, main table with the mood drawn by the texture",
    "No skeleton and no rule: the generator draws all columns, target and mood among them. The "
    "published values of XModal, 0.02 to 0.33, suggest that this is how its rows were made.",
    {"real rows": None, **{name: Arm(name, skeleton=False) for name in METHODS}},
    PUBLISHED,
)

if __name__ == "__main__":
    main(SPEC)
