"""Equal calls in place of equal rows: as many as the team makes for its batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.papers.t2.engine import Asked, Spec, main
from benchmarks.systems.cases import Case, flipped, imbalanced, incomplete, on_compas, travel


def cases(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return small tables with something wrong; COMPAS where there is its file."""
    result = [imbalanced(10), imbalanced(60), incomplete(10), flipped(0.3, 60), travel(0.3)]
    result += [on_compas(asked.data, 60)] if asked.data else []
    return {case.name: [case] for case in result}


SPEC = Spec(
    "calls",
    "Team-then-Trim: arms with as many calls as the team",
    "Not in the paper, where arms write equal rows: here one prompt, CLLM and EPIC ask as often as "
    "the team does for its batches, its manager among them, and so have more rows.",
    cases,
    ("AUC",),
    arms=("D_ori", "SMOTE", "one prompt, calls", "CLLM, calls", "EPIC, calls", "teaming",
          "T2, default"),
)  # fmt: skip

if __name__ == "__main__":
    main(SPEC)
