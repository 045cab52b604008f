"""Table 6: tokens, seconds and gains of CLLM and of the team's workers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.papers.runs import Log, Run, markdown, write
from benchmarks.papers.t2.engine import FOLDER, KEYS, MODELS, Asked, Spec, gains, measured
from benchmarks.systems.cases import Case, imbalanced

ARMS = ("D_ori", "CLLM", "T2, system")
STATED = (
    {"arm": "CLLM (published)", "read": 771, "written": 872, "seconds": 6.56,
     "LR": "+0.51", "MR": "-2.01", "HR": "+1.55"},
    {"arm": "T2 (published)", "read": 7653, "written": 4264, "seconds": 25.53,
     "LR": "+7.63", "MR": "+2.87", "HR": "+12.74"},
)  # fmt: skip


def cases(_: Asked) -> dict[str, list[Case]]:
    """Return the imbalanced table of ten rows."""
    return {"": [imbalanced(10)]}


SPECS = {
    level: Spec("table6", "", "", cases, (), ARMS, gain=f"AUC {level}")
    for level in ("LR", "MR", "HR")
}


def line(arm: str, runs: Sequence[Run], groups: dict[str, list[Case]]) -> dict[str, object]:
    """Return tokens for a batch of ten rows, seconds, and gains."""
    own = [run for run in runs if run["arm"] == arm]
    batches = sum(run["rows"] for run in own) / 10 or 1
    found = {
        level: next(iter(gains(spec, groups, runs, arm).values())) for level, spec in SPECS.items()
    }
    return {
        "arm": arm,
        "read": round(sum(run["read"] for run in own) / batches),
        "written": round(sum(run["written"] for run in own) / batches),
        "seconds": f"{np.sum([run['making'] for run in own]) / batches:.2f}",
        **found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--model", default="stand-in", help="stand-in, or a model's name")
    parser.add_argument("--base-url")
    parser.add_argument("--log", type=Path, default=Path("build/papers/t2.jsonl"))
    options = parser.parse_args()
    asked = Asked(options.seeds, model=options.model, base_url=options.base_url)
    spec = SPECS["LR"]
    runs = [*measured(spec, asked, Log(options.log, KEYS))]
    rows = [line(arm, runs, cases(asked)) for arm in ARMS[1:]]
    about = (
        "Tokens and seconds for ten rows that were kept, AUC gains over the real rows alone in "
        "points ± half a 95 % interval. Tokens of a stand-in are characters / 4, and its seconds "
        "are those of our own work, not of a model. The published ones are of ten rows before "
        "gates, without the manager."
    )
    said = MODELS.get(asked.model, f"Language model: {asked.model}.")
    title = "Team-then-Trim, Table 6: what rows take"
    command = f"python -m benchmarks.papers.t2.table6 --seeds {asked.seeds}"
    parts = [f"{about} {said}", markdown([*rows, *STATED])]
    write(FOLDER / "results" / "table6.md", title, parts, runs, command)


if __name__ == "__main__":
    main()
