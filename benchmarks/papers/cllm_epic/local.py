"""EPIC, CLLM and Team-then-Trim without a model, on the same tables as with one."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.papers.runs import Log, Run, interval, markdown, write
from benchmarks.papers.t2.engine import KEYS, Asked, Spec, by_seed, measured
from benchmarks.systems.cases import Case, flipped, imbalanced, on_compas, travel

FOLDER = Path(__file__).parent
ARMS = ("D_ori", "CLLM, default", "EPIC, default", "T2, default")
MODELS = {"none": "local", "stand-in": "stand-in"}


def cases(asked: Asked) -> Mapping[str, Sequence[Case]]:
    """Return tables of 60 real rows and more; COMPAS where there is its file."""
    found = [imbalanced(60), imbalanced(100), flipped(0.3, 60), travel(0.3)]
    if asked.data is not None:
        found.append(on_compas(asked.data, 60))
    return {case.name: [case] for case in found}


def row(arm: str, model: str, runs: Sequence[Run], groups: Mapping[str, Sequence[Case]]) -> Any:
    """Return AUC less that of the real rows alone, table by table."""
    own = [run for run in runs if run["model"] == model]
    cells: dict[str, Any] = {"arm": arm, "model": MODELS[model]}
    for name, group in groups.items():
        alone, mine = (by_seed(own, group, which, "AUC") for which in ("D_ori", arm))
        cells[name] = interval([mine[s] - alone[s] for s in mine if s in alone], sign=True)
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--data", type=Path, help="folder of the data files, for COMPAS")
    parser.add_argument("--log", type=Path, default=Path("build/papers/t2.jsonl"))
    options = parser.parse_args()
    asked = Asked(options.seeds, data=options.data, model="none")
    groups, log = cases(asked), Log(options.log, KEYS)
    spec = Spec("local", "", "", cases, ("AUC",), ARMS)
    runs = [run for m in MODELS for run in measured(spec, replace(asked, model=m), log)]
    rows = [row(arm, model, runs, groups) for arm in ARMS[1:] for model in MODELS]
    local = [run for run in runs if run["model"] == "none"]
    real = {name: interval(by_seed(local, group, "D_ori", "AUC").values())
            for name, group in groups.items()}  # fmt: skip
    about = (
        "AUC of four learners in percent with the real rows alone, and what rows add to it, "
        "paired by seed, ± half a 95 % interval; as many rows are written as the team's "
        "batches hold. Local bodies draw from the real rows alone. The stand-in draws from "
        "1,000 rows of the population, with faults: it knows what no real row says, as a "
        "language model does at best."
    )
    parts = [about, markdown([{"arm": "D_ori", "model": "–", **real}, *rows])]
    title = "EPIC, CLLM and Team-then-Trim, with and without a model"
    data = " --data DIR" if asked.data else ""
    command = f"python -m benchmarks.papers.cllm_epic.local{data} --seeds {asked.seeds}"
    write(FOLDER / "results" / "local.md", title, parts, runs, command)


if __name__ == "__main__":
    main()
